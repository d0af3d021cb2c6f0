"""Writes header fields: cleans a stranger's words, encodes them (RFC 2047) and folds lines (RFC 5322 2.2.3)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.header import Header

import idna

from maild.domain.people.directory import Address, Person
from maild.mail.text.cleaning import body_text, short_line

FOLD_AT = 76  # characters; RFC 5322 2.1.1 wants lines of at most 78
MAX_ID_LENGTH = 250
NAME_LENGTH = 120

# An id of printable ASCII in angle brackets (RFC 5322 3.6.4), without further brackets inside.
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,248}>")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")  # RFC 5322 3.2.3, and spaces between atoms


def header_line(text: str, limit: int) -> str:
    """Make a stranger's words fit for a field: one line of at most `limit` characters.

    "=?" is split: readers would decode words that look like encoded words, with line breaks in them (RFC 2047 2)."""
    return short_line(text, limit).replace("=?", "= ?")


def unstructured(name: str, text: str) -> str:
    """Write an unstructured field (RFC 5322 2.2.1), folded; text beyond ASCII as encoded words (RFC 2047 5 (1))."""
    words = header_line(text, 900)
    if words.isascii():
        return _folded(words.split(" "), len(name) + 2)
    return Header(words, "utf-8", maxlinelen=75, header_name=name).encode(linesep="\r\n")


def header_text(text: str) -> str:
    """Write a field of our own words in ASCII, folded at spaces. Other characters are left out."""
    words = "".join(letter for letter in short_line(text, 900) if letter <= "~").split()
    return _folded(words, 20)


def valid_id(text: str) -> str:
    """Return a message id that may be copied into our header: <printable ASCII>, at most 250 characters; else ""."""
    bare = text.strip() if len(text) <= 2 * MAX_ID_LENGTH else ""
    return bare if _ID.fullmatch(bare) else ""


def list_id_of(name: str) -> str:
    """Write a List-Id (RFC 2919 2): a dotted name in angle brackets. Characters that are not allowed become hyphens."""
    bare = short_line(name, 255).strip("<> ")
    dotted = "".join(letter if letter.isascii() and (letter.isalnum() or letter in ".-_") else "-" for letter in bare)
    return f"<{dotted}>" if dotted else ""


def id_list(ids: Sequence[str]) -> str:
    """Write message ids, one on a line and never as encoded words (RFC 2047 5 forbids those in an msg-id)."""
    return "\r\n ".join(ids)


def address_list(people: Iterable[Person], *, utf8: bool = False) -> str:
    """Write the value of an address field (RFC 5322 3.4), one mailbox on a line.

    A local part beyond ASCII needs `utf8` (RFC 6532 3.2); without it that person is left out."""
    shown = (_mailbox(person, utf8) for person in people)
    return ",\r\n ".join(filter(None, shown))


def _mailbox(person: Person, utf8: bool) -> str:
    """Write one mailbox: the address, or `name <address>` (RFC 5322 3.4); "" if the address cannot be sent."""
    address = _addr_spec(person.address)
    if not address or not (utf8 or address.isascii()):
        return ""
    name = header_line(person.name, NAME_LENGTH)
    if not name:
        return address
    phrase = _phrase(name)
    last_line = phrase.rsplit("\n", 1)[-1]
    gap = " " if len(last_line) + len(address) + 3 <= FOLD_AT - len("Reply-To: ") else "\r\n "
    return f"{phrase}{gap}<{address}>"


def _phrase(name: str) -> str:
    """Write a display name: encoded words (RFC 2047 5 (3)), atoms, or a quoted string (RFC 5322 3.2.4)."""
    if not name.isascii():
        return Header(name, "utf-8", maxlinelen=75, header_name="Reply-To").encode(linesep="\r\n")
    if _ATOMS.fullmatch(name):
        return name
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'


def _addr_spec(address: Address) -> str:
    """Write local@domain with the domain as A-labels (RFC 5891 5). Characters that cannot be sent are dropped."""
    local = "".join(letter for letter in body_text(address.local) if letter not in ' \t\n<>,;:()[]\\"')
    return f"{local}@{ascii_domain(address.domain)}" if local else ""


def ascii_domain(domain: str) -> str:
    """Return a domain as A-labels. A domain that IDNA refuses is reduced to letters, digits, dots and hyphens."""
    if domain.isascii():
        bare = domain
    else:
        try:
            bare = idna.encode(domain, uts46=True).decode("ascii")
        except idna.IDNAError:
            bare = domain
    return "".join(letter for letter in bare if letter.isascii() and (letter.isalnum() or letter in ".-_[]:"))


def _folded(words: Sequence[str], used: int) -> str:
    """Join words by spaces, with a line break before a word that would pass column 76. `used` columns are taken."""
    lines: list[str] = []
    line = ""
    for word in words:
        if line and used + len(line) + 1 + len(word) > FOLD_AT:
            lines.append(line)
            line, used = word, 1
        else:
            line = f"{line} {word}" if line else word
    return "\r\n ".join([*lines, line])
