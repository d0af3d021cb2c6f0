"""The paths of MAIL FROM and RCPT TO (RFC 5321 4.1.2), read strictly where it matters.

aiosmtpd reads them with the parser for header fields, which takes comments, folding and half-open brackets.
"""

from __future__ import annotations

import re

NULL_PATH = "<>"

# Domains and local parts may be UTF-8 (RFC 6531); dots may stand anywhere in a local part, as some providers have them.
_ATOM = r'[^\s()<>\[\]\\,;:"@\x00-\x20\x7f]+'
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])+"'
_LITERAL = r"\[[0-9A-Za-z.:-]+\]"
_ADDRESS = rf"(?:{_ATOM}|{_QUOTED})@(?:{_ATOM}|{_LITERAL})"
# A source route is to be taken and ignored (RFC 5321 4.1.1.3, appendix C).
_ROUTE = r"(?:@[^\s,:<>@]+(?:,@[^\s,:<>@]+)*:)?"
# RFC 5321 4.5.1: postmaster, alone among names, needs no domain. Devices that forget the brackets are many.
_PATH = re.compile(
    rf"(?:<{_ROUTE}(?P<inside>{_ADDRESS}|postmaster)?>|(?P<bare>{_ADDRESS}))(?P<parameters>(?: [\x20-\x7e]*)?)",
    re.IGNORECASE,
)


def read_path(text: str) -> tuple[str, str] | None:
    """The address without brackets ("<>" for the null reverse-path) and the parameters behind it; None if malformed.

    `text` is what follows the colon, from one command line, so its length is capped."""
    match = _PATH.fullmatch(text.strip(" "))
    if match is None:
        return None
    address = match["inside"] or match["bare"] or NULL_PATH
    # Controls, invisible marks and octets that were no UTF-8 (lone surrogates) have no business in an address.
    return (address, match["parameters"].strip()) if address.isprintable() else None


def is_postmaster(address: str) -> bool:
    """RFC 5321 4.5.1: mail to postmaster is taken, in any case of letters, with or without a domain."""
    return address.partition("@")[0].lower() == "postmaster"
