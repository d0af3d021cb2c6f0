"""Who a mail says it is from and for (RFC 5322 3.4): read strictly, so that nobody else sees another person there."""

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
_MAX_LOCAL = 128  # RFC 5321 4.5.3.1.1 says 64; senders with encoded return addresses use more
_MAX_DOMAIN = 253
_ATEXT = re.compile(r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-]+$")
# The usual mailbox: words or a quoted string, and one address in brackets. All others are read letter by letter.
_USUAL = re.compile(r'[ \t]*(?:"([^"\\]*)"|([^"<>(),;:@\\]*))[ \t]*<([^<>]*)>[ \t]*')
_LABEL = re.compile(r"^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$")


def address(spec: str) -> Address | None:
    """The Address of a dot-atom addr-spec (RFC 5322 3.4.1, RFC 6532); None for anything else.

    Quoted local parts, comments, routes, domain literals and encoded words are None: programs read them differently."""
    local, at, domain = spec.strip(" \t").rpartition("@")
    if not at or "=?" in local:
        return None
    found_local, found_domain = _local(local), _domain(domain)
    return Address(found_local, found_domain) if found_local and found_domain else None


def _local(raw: str) -> str:
    """The local part in NFC, case kept; "" when it is not a dot-atom."""
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
    """The domain as A-labels in lower case, "" if it is none. IDNA 2008 without mapping: full-width is not Latin."""
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
    """`text` in NFC; "" where that makes ASCII of another letter: a Kelvin sign would become K, and two people one."""
    if any(not letter.isascii() and unicodedata.normalize("NFC", letter).isascii() for letter in text):
        return ""
    return unicodedata.normalize("NFC", text)


def _lower_beyond_ascii(letter: str) -> str:
    """Lower case, but never a letter of ASCII from one that is not."""
    lowered = letter.lower()
    return letter if lowered.isascii() else lowered


@dataclass(slots=True)
class _Entry:
    """One member of an address list as written."""

    outside: list[str] = field(default_factory=list)  # what stands outside brackets and comments, quotes undone
    angles: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    doubtful: bool = False  # something unclosed, closed twice, or behind the closing bracket
    quoted: bool = False

    @property
    def words(self) -> str:
        return "".join(self.outside).strip()

    @property
    def used(self) -> bool:
        return bool(self.angles or self.comments or self.doubtful or self.words)


class _Reader:
    """Cuts an address list into its members: one pass over the characters, no going back."""

    def __init__(self, text: str) -> None:
        self.entries: list[_Entry] = []
        self.groups = False
        self._entry = _Entry()
        self._piece: list[str] = []
        self._depth = 0  # of comments
        self._escaped = False
        self._state = self._outside
        usual = _USUAL.fullmatch(text)
        if usual:
            self._entry = _Entry([usual[1] or usual[2] or ""], [usual[3]], quoted=usual[1] is not None)
        else:
            for letter in text:
                self._state(letter)
        self._entry.doubtful |= self._state != self._outside
        self._next_entry()

    def _next_entry(self) -> None:
        if self._entry.used:
            self.entries.append(self._entry)
        self._entry = _Entry()

    def _taken(self) -> str:
        piece = "".join(self._piece)
        self._piece = []
        self._state = self._outside
        return piece

    def _outside(self, letter: str) -> None:
        entry = self._entry
        if letter in ",;:":
            self.groups |= letter != ","
            if letter == ":":  # the name of a group is nobody
                self._entry = _Entry()
            self._next_entry()
        elif letter == '"':
            entry.quoted = True
            self._state = self._quotation
        elif letter == "(":
            self._depth = 1
            self._state = self._comment
        elif letter == "<":
            self._state = self._bracket
        else:
            entry.doubtful |= letter in ")>" or (bool(entry.angles) and not letter.isspace())
            entry.outside.append(letter)

    def _quotation(self, letter: str) -> None:
        if self._unescaped(letter):
            if letter == '"':
                self._entry.doubtful |= bool(self._entry.angles)
                self._entry.outside.append(self._taken())
            else:
                self._piece.append(letter)

    def _comment(self, letter: str) -> None:
        if self._unescaped(letter):
            self._depth += (letter == "(") - (letter == ")")
            if self._depth:
                self._piece.append(letter)
            else:
                self._entry.comments.append(self._taken())

    def _bracket(self, letter: str) -> None:
        if letter == ">":
            self._entry.angles.append(self._taken())
        else:
            self._piece.append(letter)

    def _unescaped(self, letter: str) -> bool:
        """Whether the letter has its own meaning; behind a backslash it is taken literally (RFC 5322 3.2.1)."""
        if self._escaped:
            self._piece.append(letter)
            self._escaped = False
            return False
        self._escaped = letter == "\\"
        return not self._escaped


def _person(entry: _Entry) -> Person | None:
    """The one mailbox of an entry; None when it could be read in two ways."""
    if entry.doubtful or len(entry.angles) > 1:
        return None
    if entry.angles:
        found = address(entry.angles[0])
        return Person(found, _name(entry.words or " ".join(entry.comments))) if found else None
    # The old `addr-spec (Name)`: only with one plain comment behind it, in which nobody can see another address.
    if entry.quoted or len(entry.comments) > 1 or any(set(c) & set('()<>@,;:\\"') for c in entry.comments):
        return None
    found = address(entry.words)
    return Person(found, _name("".join(entry.comments))) if found else None


def _name(raw: str) -> str:
    """A display name for people to read: decoded, white space single, nothing invisible, quotes around it gone."""
    return " ".join(visible(decode_words(raw)).split())[:MAX_NAME].strip("\"' ")


def sender(fields: Sequence[str]) -> Person | None:
    """The one mailbox of the one From field; None when there are none or several, a group, or anything doubtful.

    `Doe, Jane <jane@client.example>` without quotes is taken as meant: nobody can find a second address in it."""
    return _sender(fields[0]) if len(fields) == 1 and len(fields[0]) <= MAX_FIELD else None


@lru_cache(maxsize=16)  # several rooms ask for the sender of one mail
def _sender(raw: str) -> Person | None:
    reader = _Reader(unfold(raw))
    if reader.groups or not reader.entries:
        return None
    *before, last = reader.entries
    if any(entry.doubtful or entry.angles or entry.comments or "@" in entry.words for entry in before):
        return None
    person = _person(last)
    if person is None or not before:
        return person
    return Person(person.address, _name(", ".join(entry.words for entry in reader.entries)))


def people(fields: Sequence[str]) -> tuple[Person, ...]:
    """Everybody whom To, Cc or Reply-To fields name, once each, in order; members that cannot be read are left out."""
    found: dict[Address, Person] = {}
    for raw in fields:
        for entry in _Reader(unfold(raw)).entries:
            person = _person(entry)
            if person is not None:
                found.setdefault(person.address, person)
    return tuple(found.values())
