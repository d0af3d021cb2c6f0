"""Reads the paths of MAIL FROM and RCPT TO strictly (RFC 5321 4.1.2).

aiosmtpd reads them with the parser for header fields, which also takes comments, folding and half-open brackets."""

from __future__ import annotations

import re

NULL_PATH = "<>"

# Domains and local parts may be UTF-8 (RFC 6531 3.3). Dots may be anywhere in a local part, because some providers have
# such addresses.
_ATOM = r'[^\s()<>\[\]\\,;:"@\x00-\x20\x7f]+'
_QUOTED = r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])+"'
_LITERAL = r"\[[0-9A-Za-z.:-]+\]"
_ADDRESS = rf"(?:{_ATOM}|{_QUOTED})@(?:{_ATOM}|{_LITERAL})"
# A server must accept a source route and ignore it (RFC 5321 4.1.1.3, appendix C).
_ROUTE = r"(?:@[^\s,:<>@]+(?:,@[^\s,:<>@]+)*:)?"
# RFC 5321 4.5.1: only "postmaster" needs no domain. Many devices send addresses without brackets, so these are read.
_PATH = re.compile(
    rf"(?:<{_ROUTE}(?P<inside>{_ADDRESS}|postmaster)?>|(?P<bare>{_ADDRESS}))(?P<parameters>(?: [\x20-\x7e]*)?)",
    re.IGNORECASE,
)


def read_path(text: str) -> tuple[str, str] | None:
    """Return (the address without brackets, the parameters behind it); None for a malformed path.

    The null reverse-path is "<>". `text` follows the colon of one command line, so its length is limited
    (RFC 5321 4.5.3.1.4)."""
    match = _PATH.fullmatch(text.strip(" "))
    if match is None:
        return None
    address = match["inside"] or match["bare"] or NULL_PATH
    # Not printable are controls, invisible marks and octets that were not UTF-8 (they are lone surrogates here).
    return (address, match["parameters"].strip()) if address.isprintable() else None


def is_postmaster(address: str) -> bool:
    """Whether an address is postmaster, in any case of letters, with or without a domain (RFC 5321 4.5.1)."""
    return address.partition("@")[0].lower() == "postmaster"
