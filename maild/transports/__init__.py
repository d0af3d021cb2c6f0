"""Where mail goes: one file for each way out, with a class that has `send(message)` and `close()`.

The protocol is maild.ports.MailTransport. A new transport is a file here, a row in TRANSPORTS, and a row in
tests/transports/test_contract.py. That test checks two promises: each recipient gets exactly one answer, and nothing
that a relay does raises an exception."""

from __future__ import annotations

from collections.abc import Mapping

from maild.ports import MailTransport
from maild.transports.maildir import MaildirTransport
from maild.transports.smtp import RelayOptions, SmtpTransport

TRANSPORTS: Mapping[str, type[SmtpTransport] | type[MaildirTransport]] = {
    "smtp": SmtpTransport,  # a relay: RFC 5321, and RFC 6409 for message submission
    "maildir": MaildirTransport,  # a folder, for trials and tests
}

__all__ = ["TRANSPORTS", "MailTransport", "MaildirTransport", "RelayOptions", "SmtpTransport"]
