"""Logs in at a relay (RFC 4954). The password is fetched, sent and forgotten; no error and no log shows it."""

from __future__ import annotations

import base64
import smtplib
from collections.abc import Callable

from maild.transports.smtp_replies import RelayFault, Reply, Stage, judge_reply


def log_in(smtp: smtplib.SMTP, user: str, password: Callable[[], str] | None) -> None:
    """Authenticate by PLAIN, else by LOGIN.

    Raises RelayFault if there is no password, if the relay offers neither mechanism, or if it refuses. Raises OSError
    if the connection is lost. smtplib's own login is not used: it prefers CRAM-MD5, for which relays must keep
    passwords in the clear, and it cannot send a password beyond ASCII."""
    if password is None:
        raise RelayFault("it has a user and no password in [[relay]] (remedy: set password)", None)
    try:
        secret = password()
    except Exception as failure:
        # A secret may come from a file or from the environment. Without it the relay is at fault, not the mail.
        raise RelayFault(f"its password cannot be read: {failure}", None) from failure
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    if "PLAIN" in offered:
        reply = _plain(smtp, user, secret)
    elif "LOGIN" in offered:
        reply = _login(smtp, user, secret)
    else:
        raise RelayFault(f"it offers neither PLAIN nor LOGIN, only: {' '.join(offered) or 'nothing'}", None)
    if reply.code != 235:  # RFC 4954 6: 235 means that the login succeeded
        refusal = judge_reply(Stage.LOGIN, reply)
        raise refusal if isinstance(refusal, RelayFault) else RelayFault(refusal.text, refusal.code)


def _plain(smtp: smtplib.SMTP, user: str, secret: str) -> Reply:
    """Send user and password in one command, in UTF-8 and separated by NUL (RFC 4616 2)."""
    return Reply.of(smtp.docmd("AUTH", "PLAIN " + _base64(f"\0{user}\0{secret}")))


def _login(smtp: smtplib.SMTP, user: str, secret: str) -> Reply:
    """Send user and password one after the other. No RFC defines LOGIN, but some relays offer nothing else."""
    reply = Reply.of(smtp.docmd("AUTH", "LOGIN"))
    for answer in (user, secret):
        if reply.code != 334:  # RFC 4954 4: 334 asks for the next line
            return reply
        reply = Reply.of(smtp.docmd(_base64(answer)))
    return reply


def _base64(text: str) -> str:
    """Encode what goes into a SASL exchange over SMTP (RFC 4954 4)."""
    return base64.b64encode(text.encode()).decode("ascii")
