"""Marks that come back to us in other people's mail: subject token, sealed reply address, Message-ID.

Each carries a MAC under the helpdesk's token key. A mark says *which thread, for whom, meaning what*. It never
grants identity: the sender is judged separately. These shapes lie in mailboxes for years. The first letter names
format and key."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from enum import StrEnum

from maild.domain.people.directory import Address, ascii_lower

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans("oil", "011")  # Crockford: letters that are misread for digits
_MAC_LENGTH = 16  # characters of 5 bits: 80 bits
_CHECK_LENGTH = 4

# Digits and letters are spelt out: \d and IGNORECASE take those of other scripts too (U+0661, U+212A).
_MEANING = r"([a-z])([0-9]{1,12})([rncdqu])([0-9]{1,12})s([0-9]{1,9})"
_SEALED = re.compile(_MEANING + r"(?:\.([a-z][a-z0-9-]{0,20}))?\.([0-9a-z]{16})")
_OWN_ID = re.compile("<" + _MEANING + r"\.([0-9]{1,12})\.([0-9a-z]{16})@([^<>@\s]{1,255})>")
_ROOT_ID = re.compile(r"<([a-z])([0-9]{1,12})\.root\.([0-9a-z]{16})@([^<>@\s]{1,255})>")
_SUBJECT_TOKEN = re.compile(r"\[\s*#\s*([0-9]{1,12})\s*[-\u2010-\u2015]\s*([0-9A-Za-z]{4})\s*\]")
_SEALED_IN_TEXT = re.compile(r"(?:\+|%2[Bb])" + _SEALED.pattern + r"(?=@|%40)", re.IGNORECASE | re.ASCII)
_MARK_IN_TEXT = re.compile(r"\s*\bref:" + _MEANING + r"\.[0-9]{1,12}\.[0-9a-z]{16}\b", re.IGNORECASE | re.ASCII)


class Scope(StrEnum):
    """What an answer to a reply address means."""

    REPLY = "r"  # goes to the customer
    NOTE = "n"  # stays inside
    COMMAND = "c"
    DIGEST = "d"
    QUERY = "q"
    USER = "u"  # a customer's answer


@dataclass(frozen=True, slots=True)
class Key:
    """One secret with its letter. `secret` is never shown."""

    letter: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Key({self.letter!r}, …)"


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The current key, which seals, and former keys, which still open."""

    keys: tuple[Key, ...]

    @property
    def current(self) -> Key:
        """The key that seals."""
        return self.keys[0]

    def lettered(self, letter: str) -> Key | None:
        """Return the key with this letter; None when there is none."""
        return next((key for key in self.keys if key.letter == letter), None)

    @classmethod
    def of_text(cls, text: str) -> KeyRing:
        """Read a key file: one `letter:secret` a line, the current key first. A bare secret has the letter a.

        Raises ValueError for no key, a secret under 16 characters, or a letter that is used twice."""
        keys = []
        for line in filter(None, (line.strip() for line in text.splitlines())):
            letter, colon, secret = line.partition(":")
            if not (colon and len(letter) == 1 and letter.isascii() and letter.islower()):
                letter, secret = "a", line
            if len(secret) < 16:
                raise ValueError("a token key needs at least 16 characters; delete the file to have a new one made")
            keys.append(Key(letter, secret.encode()))
        if not keys or len({key.letter for key in keys}) < len(keys):
            raise ValueError("the token key file has no key, or one letter twice: expected lines such as a:SECRET")
        return cls(tuple(keys))


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a reply address or one of our Message-IDs says, before or after its MAC was checked."""

    key_letter: str
    ticket: int
    scope: Scope
    recipient: int  # number of the contact it was given to
    seq: int  # the event sequence that the recipient had seen
    verb: str = ""
    mac: str = ""
    base: str = ""  # the address without its plus part, ASCII-lowered; for an id its domain
    outbox: int = 0  # Message-IDs only

    @property
    def text(self) -> str:
        """The text that the MAC covers, in the order of the address."""
        middle = f"{self.key_letter}{self.ticket}{self.scope}{self.recipient}s{self.seq}"
        return f"{middle}.{self.verb}" if self.verb else middle


# -- reply addresses ------------------------------------------------------------------------------------------


def seal(ring: KeyRing, base: Address, sealed: Sealed, epoch: int) -> Address:
    """Return the reply address LOCAL+KTSRsN[.VERB].MAC@DOMAIN of this meaning for a recipient at this epoch."""
    named = _with_letter(sealed, ring.current.letter)
    mac = _reply_mac(ring.current, named.text, base.key, epoch)
    return Address(f"{base.local}+{named.text}.{mac}", base.domain)


def read_reply_address(address: Address) -> Sealed | None:
    """Return what a reply address claims; None when it does not have the shape. `opens` checks the MAC with the
    epoch."""
    local, plus, tag = ascii_lower(address.local).rpartition("+")  # the base may have a plus of its own
    found = _SEALED.fullmatch(tag) if plus else None
    if not found:
        return None
    letter, ticket, scope, recipient, seq, verb, mac = found.groups()
    base = f"{local}@{ascii_lower(address.domain)}"
    return Sealed(letter, int(ticket), Scope(scope), int(recipient), int(seq), verb or "", mac, base)


def opens(ring: KeyRing, sealed: Sealed, epoch: int) -> bool:
    """Tell whether the MAC of a reply address is right for its recipient's epoch. Takes constant time."""
    key = ring.lettered(sealed.key_letter)
    if key is None:
        return False
    expected = _reply_mac(key, sealed.text, sealed.base, epoch)
    return hmac.compare_digest(expected, sealed.mac.translate(_READ_AS))


# -- Message-IDs ----------------------------------------------------------------------------------------------


def message_id(ring: KeyRing, sealed: Sealed, outbox: int, domain: str) -> str:
    """Return the Message-ID of one outgoing mail. Its outbox number makes it unique."""
    named = _with_letter(sealed, ring.current.letter)
    text = f"{named.text}.{outbox}"
    return f"<{text}.{_mac(ring.current, 'message-id', text, domain)}@{domain}>"


def read_message_id(ring: KeyRing, text: str) -> Sealed | None:
    """Return what one of our own Message-IDs says; None for foreign ones and for a wrong MAC."""
    found = _OWN_ID.fullmatch(text.strip())
    if not found:
        return None
    letter, ticket, scope, recipient, seq, outbox, mac, domain = found.groups()
    sealed = Sealed(
        letter, int(ticket), Scope(scope), int(recipient), int(seq), base=ascii_lower(domain), outbox=int(outbox)
    )
    return sealed if _holds(ring, letter, "message-id", f"{sealed.text}.{outbox}", domain, mac) else None


def root_id(ring: KeyRing, ticket: int, domain: str) -> str:
    """Return the id that stands first in the References of every mail about a ticket. It is never sent as a
    Message-ID."""
    text = f"{ring.current.letter}{ticket}.root"
    return f"<{text}.{_mac(ring.current, 'message-id', text, domain)}@{domain}>"


def read_root_id(ring: KeyRing, text: str) -> int | None:
    """Return the ticket of one of our root ids, else None."""
    found = _ROOT_ID.fullmatch(text.strip())
    if not found:
        return None
    letter, ticket, mac, domain = found.groups()
    return int(ticket) if _holds(ring, letter, "message-id", f"{letter}{int(ticket)}.root", domain, mac) else None


# -- the subject ----------------------------------------------------------------------------------------------


def without_seals(text: str) -> str:
    """Return `text` with all our sealed addresses made bare and all marks of the body removed, valid or not."""
    return _MARK_IN_TEXT.sub("", _SEALED_IN_TEXT.sub("", text))


def subject_token(ring: KeyRing, ticket: int) -> str:
    """Return the token without its brackets: 1042-7k2m."""
    return f"{ticket}-{_check(ring.keys[0], ticket)}"


def subject_tickets(ring: KeyRing, subject: str) -> tuple[int, ...]:
    """Return the tickets whose valid tokens are in a subject, in their order. At most ten tokens are checked."""
    found = []
    for match in list(_SUBJECT_TOKEN.finditer(subject[:2000]))[:10]:
        number, check = int(match[1]), ascii_lower(match[2]).translate(_READ_AS)
        if any(hmac.compare_digest(_check(key, number), check) for key in ring.keys):
            found.append(number)
    return tuple(dict.fromkeys(found))


def without_token(subject: str) -> str:
    """Return a subject without tokens, ours or not."""
    return " ".join(_SUBJECT_TOKEN.sub(" ", subject[:2000]).split())


# -- other marks ----------------------------------------------------------------------------------------------


def loop_mark(ring: KeyRing, address: Address) -> str:
    """Return the X-Maild-Loop value of this helpdesk. A mail with it came from us."""
    return _mac(ring.keys[-1], "loop", "", address.key)


def thread_key(root: str) -> bytes:
    """Return 16 bytes for Thread-Index ([MS-OXCMAIL] 2.2.3.2.7), the same for every mail about a ticket."""
    return hashlib.sha256(f"thread\0{root}".encode()).digest()[:16]


def _with_letter(sealed: Sealed, letter: str) -> Sealed:
    return Sealed(letter, sealed.ticket, sealed.scope, sealed.recipient, sealed.seq, sealed.verb)


def _holds(ring: KeyRing, letter: str, purpose: str, text: str, domain: str, mac: str) -> bool:
    key = ring.lettered(letter)
    return key is not None and hmac.compare_digest(_mac(key, purpose, text, domain), mac)


def _reply_mac(key: Key, text: str, base: str, epoch: int) -> str:
    return _mac(key, "reply-address", f"{text}\0{epoch}", base)


def _check(key: Key, ticket: int) -> str:
    return _mac(key, "subject", str(ticket), "")[:_CHECK_LENGTH]


def _mac(key: Key, purpose: str, text: str, place: str) -> str:
    """Return 16 Crockford characters of HMAC-SHA256. The purpose keeps one kind of mark from passing for another."""
    covered = "\0".join((purpose, ascii_lower(text), ascii_lower(place)))
    number = int.from_bytes(hmac.digest(key.secret, covered.encode(), "sha256")[:10], "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(75, -1, -5))
