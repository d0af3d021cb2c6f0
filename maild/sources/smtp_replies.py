"""The replies of the listener, with enhanced status codes (RFC 3463 2). No reply contains a stranger's words."""

from __future__ import annotations

FULL = "421 4.7.0 Too many connections, try again later"
MADE_ROOM = "421 4.7.0 Too many connections, yours was the one idle for longest"
SHUTTING_DOWN = "421 4.3.2 This server is shutting down, try again in a minute"
TIMEOUT = "421 4.4.2 Timeout, closing the connection"
TOO_MANY_ERRORS = "421 4.7.0 Too many errors"
TOO_MANY_JUNK_COMMANDS = "421 4.7.0 Too many commands without a mail"

SAY_LHLO = "500 5.5.1 This is LMTP, say LHLO"
UNVERIFIED = "252 2.5.0 Cannot verify, but will take a mail and try"  # RFC 5321 3.5.3

SENDER_TAKEN = "250 2.1.0 Sender taken"
SENDER_REFUSED = "550 5.7.1 Mail from this sender is not taken here"
NO_DOMAIN = "553 5.1.7 The sender's address needs a domain"
RECIPIENT_TAKEN = "250 2.1.5 Recipient taken"
UNKNOWN_RECIPIENT = "550 5.1.1 No such address here"
TOO_MANY_RECIPIENTS = "452 4.5.3 Too many recipients, send the mail again for the others"  # RFC 5321 4.5.3.1.10
NEEDS_SMTPUTF8 = "553 5.6.7 This address needs SMTPUTF8"  # RFC 6531 3.5

NO_RECIPIENT = "503 5.5.1 No recipient has been taken"  # RFC 5321 4.1.1.4
TALKED_AHEAD = "503 5.5.1 Nothing may follow DATA before the reply 354"  # RFC 2920 3.1
START_MAIL = "354 End the mail with <CR><LF>.<CR><LF>"
TAKEN = "250 2.0.0 The mail is ours"  # from here on we are responsible for it (RFC 5321 6.1)
TRY_LATER = "451 4.3.0 Could not take the mail just now, try again later"

# aiosmtpd's own replies have no enhanced status code. We announce such codes (RFC 2034), and LMTP demands them
# (RFC 2033 5).
_ENHANCED_CODES = {
    "221": "2.0.0",
    "250": "2.0.0",
    "454": "4.7.0",  # no TLS just now
    "500": "5.5.1",  # no such command
    "501": "5.5.4",  # bad argument
    "502": "5.5.1",  # command not implemented
    "503": "5.5.1",  # wrong order
    "552": "5.3.4",  # too large, told by SIZE in MAIL
    "553": "5.1.3",  # bad address syntax
    "555": "5.5.4",  # unknown parameter
}


def with_enhanced_code(reply: str) -> str:
    """Return a one-line reply with an enhanced status code, if it has none and its code is in the table."""
    code, _, words = reply.partition(" ")
    enhanced = _ENHANCED_CODES.get(code)
    return f"{code} {enhanced} {words}" if enhanced and not words.startswith(f"{code[0]}.") else reply
