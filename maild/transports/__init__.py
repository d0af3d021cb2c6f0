"""Where mail goes: one file per way out, each with `send(message)` and `close()` (maild.ports.MailTransport).

To add one: a file here, a row in TRANSPORTS, and a row in tests/transports/test_contract.py, which asks that each
recipient gets exactly one answer and that nothing a relay does raises."""

from __future__ import annotations

from collections.abc import Mapping

from maild.ports import MailTransport
from maild.transports.maildir import MaildirTransport
from maild.transports.smtp import RelayOptions, SmtpTransport

TRANSPORTS: Mapping[str, type[SmtpTransport] | type[MaildirTransport]] = {
    "smtp": SmtpTransport,  # a relay, by RFC 5321 and 6409
    "maildir": MaildirTransport,  # a folder, for trials and tests
}

__all__ = ["TRANSPORTS", "MailTransport", "MaildirTransport", "RelayOptions", "SmtpTransport"]
