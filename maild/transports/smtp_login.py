"""Login at a relay (RFC 4954). The password is fetched, sent and forgotten; it stands in no error and no log."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Callable

from maild.transports.smtp_replies import RelayFault, Reply, Stage, judged


def log_in(smtp: smtplib.SMTP, user: str, password: Callable[[], str] | None) -> None:
    """Authenticate by PLAIN, else by LOGIN; RelayFault when the relay refuses or offers neither.

    smtplib's own login prefers CRAM-MD5, which asks relays to keep passwords in the clear, and cannot send a password
    that is not ASCII."""
    if password is None:
        raise RelayFault("a user is configured for it, and no password", None)
    try:
        secret = password()
    except Exception as failure:
        # Secrets come from files, the environment, one day from a vault: without it no mail is to blame.
        raise RelayFault(f"its password cannot be read: {failure}", None) from failure
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        reply = _plain(smtp, user, secret)
    elif "LOGIN" in offered:
        reply = _login(smtp, user, secret)
    else:
        raise RelayFault(f"it offers no login that we know, only: {' '.join(offered) or 'none'}", None)
    if reply.code != 235:
        refusal = judged(Stage.LOGIN, reply)
        raise refusal if isinstance(refusal, RelayFault) else RelayFault(refusal.text, refusal.code)


def _plain(smtp: smtplib.SMTP, user: str, secret: str) -> Reply:
    """RFC 4616: both in UTF-8, parted by NUL."""
    return Reply.of(smtp.docmd("AUTH", "PLAIN " + _coded(f"\0{user}\0{secret}")))


def _login(smtp: smtplib.SMTP, user: str, secret: str) -> Reply:
    reply = Reply.of(smtp.docmd("AUTH", "LOGIN"))
    for answer in (user, secret):
        if reply.code != 334:
            return reply
        reply = Reply.of(smtp.docmd(_coded(answer)))
    return reply


def _coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")
