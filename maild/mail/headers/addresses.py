"""Reads whom a mail is from and for (RFC 5322 3.4), strictly: another program must not see another person there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import idna

from maild.domain.people.directory import Address, Person, ascii_lower
from maild.mail.headers.fields import MAX_FIELD, decode_words, octets_of, unfold
from maild.mail.text.cleaning import visible

MAX_NAME = 200
_MAX_LOCAL = 128  # RFC 5321 4.5.3.1.1 says 64, but senders with encoded return addresses use more
_MAX_DOMAIN = 253  # RFC 1035 2.3.4 says 255 octets in wire format, which are 253 characters
# Letters of a dot-atom (RFC 5322 3.2.3).
_ATEXT = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+$")
# The usual mailbox: words or a quoted string, and one address in brackets. All others are read character by character.
_USUAL = re.compile(r'[ \t]*(?:"([^"\\]*)"|([^"<>(),;:@\\]*))[ \t]*<([^<>]*)>[ \t]*')
_LABEL = re.compile(r"^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$")


def address(spec: str) -> Address | None:
    """Read an addr-spec whose local part is a dot-atom (RFC 5322 3.4.1, RFC 6532 3.2); None for anything else.

    Quoted local parts, comments, routes, domain literals and encoded words give None: programs read them differently.
    """
    local, at, domain = spec.strip(" \t").rpartition("@")
    if not at or "=?" in local:
        return None
    found_local, found_domain = _local(local), _domain(domain)
    return Address(found_local, found_domain) if found_local and found_domain else None


def _local(raw: str) -> str:
    """Return the local part in NFC (RFC 6532 3.1) with its case; "" if it is not a dot-atom."""
    if not 0 < len(raw) <= _MAX_LOCAL or raw[0] == "." or raw[-1] == "." or ".." in raw:
        return ""
    if raw.isascii():
        return raw if _ATEXT.match(raw) else ""
    try:
        text = _composed(octets_of(raw).decode("utf-8"))
    except UnicodeError:
        return ""
    for letter in text:
        if letter.isascii() and not _ATEXT.match(letter):
            return ""
        if unicodedata.category(letter)[0] in "CZ":  # controls, invisible letters, spaces
            return ""
    return text


def _domain(raw: str) -> str:
    """Return the domain as A-labels in lower case; "" if it is no domain.

    This is IDNA 2008 (RFC 5891 5) without a mapping, so full-width letters do not become Latin ones."""
    try:
        text = ascii_lower(octets_of(raw).decode("utf-8"))
    except UnicodeError:
        return ""
    if not 0 < len(text) <= _MAX_DOMAIN:
        return ""
    if not text.isascii() or "xn--" in text:
        text = "".join(_lower_beyond_ascii(letter) for letter in _composed(text))
        try:
            text = idna.encode(text).decode("ascii")
        except (idna.IDNAError, UnicodeError, ValueError, IndexError):
            return ""
    return text if all(_LABEL.match(label) for label in text.split(".")) else ""


def _composed(text: str) -> str:
    """Return `text` in NFC; "" if that would turn a letter into ASCII.

    A Kelvin sign would become K, and then two addresses would be one."""
    if any(not letter.isascii() and unicodedata.normalize("NFC", letter).isascii() for letter in text):
        return ""
    return unicodedata.normalize("NFC", text)


def _lower_beyond_ascii(letter: str) -> str:
    """Return the letter in lower case, unless a letter beyond ASCII would become one of ASCII."""
    lowered = letter.lower()
    return letter if lowered.isascii() else lowered


@dataclass(slots=True)
class _Member:
    """One member of an address list, cut into its pieces."""

    outside: list[str] = field(default_factory=list)  # outside of brackets and comments, with quotes undone
    angles: list[str] = field(default_factory=list)  # in angle brackets
    comments: list[str] = field(default_factory=list)
    doubtful: bool = False  # something is not closed, closed twice, or behind the closing bracket
    quoted: bool = False  # there was a quoted string

    @property
    def words(self) -> str:
        """The text outside of brackets and comments."""
        return "".join(self.outside).strip()

    @property
    def used(self) -> bool:
        """Whether there is anything in this member."""
        return bool(self.angles or self.comments or self.doubtful or self.words)


class _ListParser:
    """Cuts an address list (RFC 5322 3.4) into its members, in one pass over the characters.

    `_state` is the method for the next character: outside, in a quoted string, in a comment, or in brackets."""

    def __init__(self, text: str) -> None:
        self.members: list[_Member] = []
        self.groups = False
        self._member = _Member()
        self._piece: list[str] = []
        self._depth = 0  # of comments
        self._escaped = False
        self._state = self._outside
        usual = _USUAL.fullmatch(text)
        if usual:
            self._member = _Member([usual[1] or usual[2] or ""], [usual[3]], quoted=usual[1] is not None)
        else:
            for letter in text:
                self._state(letter)
        self._member.doubtful |= self._state != self._outside
        self._next_member()

    def _next_member(self) -> None:
        """End this member and begin the next one."""
        if self._member.used:
            self.members.append(self._member)
        self._member = _Member()

    def _end_piece(self) -> str:
        """Return the text of the quoted string, comment or bracket that ends here."""
        piece = "".join(self._piece)
        self._piece = []
        self._state = self._outside
        return piece

    def _outside(self, letter: str) -> None:
        """Read a character outside of everything."""
        member = self._member
        if letter in ",;:":
            self.groups |= letter != ","  # group syntax: "name: members;"
            if letter == ":":  # the name of a group is no person
                self._member = _Member()
            self._next_member()
        elif letter == '"':
            member.quoted = True
            self._state = self._quotation
        elif letter == "(":
            self._depth = 1
            self._state = self._comment
        elif letter == "<":
            self._state = self._bracket
        else:
            member.doubtful |= letter in ")>" or (bool(member.angles) and not letter.isspace())
            member.outside.append(letter)

    def _quotation(self, letter: str) -> None:
        """Read a character of a quoted string (RFC 5322 3.2.4)."""
        if self._unescaped(letter):
            if letter == '"':
                self._member.doubtful |= bool(self._member.angles)
                self._member.outside.append(self._end_piece())
            else:
                self._piece.append(letter)

    def _comment(self, letter: str) -> None:
        """Read a character of a comment; comments nest (RFC 5322 3.2.2)."""
        if self._unescaped(letter):
            self._depth += (letter == "(") - (letter == ")")
            if self._depth:
                self._piece.append(letter)
            else:
                self._member.comments.append(self._end_piece())

    def _bracket(self, letter: str) -> None:
        """Read a character of an address in angle brackets (RFC 5322 3.4, angle-addr)."""
        if letter == ">":
            self._member.angles.append(self._end_piece())
        else:
            self._piece.append(letter)

    def _unescaped(self, letter: str) -> bool:
        """Whether the character has its own meaning. Behind a backslash it stands for itself (RFC 5322 3.2.1)."""
        if self._escaped:
            self._piece.append(letter)
            self._escaped = False
            return False
        self._escaped = letter == "\\"
        return not self._escaped


def _person(member: _Member) -> Person | None:
    """Return the one mailbox of a member; None if it could be read in two ways."""
    if member.doubtful or len(member.angles) > 1:
        return None
    if member.angles:
        found = address(member.angles[0])
        return Person(found, _name(member.words or " ".join(member.comments))) if found else None
    # The old form `addr-spec (Name)`: only with one plain comment, in which no program can see another address.
    if member.quoted or len(member.comments) > 1 or any(set(c) & set('()<>@,;:\\"') for c in member.comments):
        return None
    found = address(member.words)
    return Person(found, _name("".join(member.comments))) if found else None


def _name(raw: str) -> str:
    """Return a display name for people: decoded, with single spaces, without invisible characters and outer quotes."""
    return " ".join(visible(decode_words(raw)).split())[:MAX_NAME].strip("\"' ")


def sender(fields: Sequence[str]) -> Person | None:
    """Return the one mailbox of the one From field (RFC 5322 3.6.2).

    None if there are none or several, a group, or anything doubtful. `Doe, Jane <jane@client.example>` without quotes
    is read as it is meant, because no program can find a second address in it."""
    return _sender(fields[0]) if len(fields) == 1 and len(fields[0]) <= MAX_FIELD else None


@lru_cache(maxsize=16)  # several modules ask for the sender of one mail
def _sender(raw: str) -> Person | None:
    """Read one From field."""
    parser = _ListParser(unfold(raw))
    if parser.groups or not parser.members:
        return None
    *before, last = parser.members
    if any(member.doubtful or member.angles or member.comments or "@" in member.words for member in before):
        return None
    person = _person(last)
    if person is None or not before:
        return person
    return Person(person.address, _name(", ".join(member.words for member in parser.members)))


def people(fields: Sequence[str]) -> tuple[Person, ...]:
    """Return all mailboxes in To, Cc or Reply-To fields (RFC 5322 3.6.2, 3.6.3), each once and in order.

    Members that cannot be read are left out."""
    found: dict[Address, Person] = {}
    for raw in fields:
        for member in _ListParser(unfold(raw)).members:
            person = _person(member)
            if person is not None:
                found.setdefault(person.address, person)
    return tuple(found.values())
