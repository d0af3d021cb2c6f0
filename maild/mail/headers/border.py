"""Finds the border of our own servers in a mail, and the Authentication-Results that they wrote there.

Each server adds its fields at the top (RFC 5321 4.4, RFC 8601 4), so a mail is read from the top. Down to the border
all fields are ours; the sender may have written those below. A field counts only if one of our servers wrote it
(RFC 8601 5, 7.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice

from maild.domain.people.directory import ascii_lower
from maild.mail.headers import received
from maild.mail.headers.comments import without_comments
from maild.mail.headers.fields import unfold
from maild.mail.headers.received import IpNetwork, Received
from maild.mail.text.cleaning import replace_surrogates

RECEIVED = "received"
RESULTS = "authentication-results"
MICROSOFT365 = "microsoft365"  # means fields without an authserv-id: Exchange Online writes none

_LONGEST = 4000  # characters of a field that are read
_MOST = 100  # fields that are read: a mail with more than 50 Received fields is in a loop
_RESULT_AHEAD = re.compile(r"\s*[a-z0-9-]{1,30}\s*(?:/\s*[0-9]{1,3}\s*)?=")

ServerFields = Sequence[tuple[str, str]]  # (lower-case name, value): Received and Authentication-Results, from the top


class Side(StrEnum):
    """The side of its own Received field on which a server writes its results."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True)
class TrustedServers:
    """Which servers are ours, as the configuration says."""

    authserv: tuple[str, ...] = ()  # authserv-ids (RFC 8601 2.5), or patterns with *
    hops: tuple[IpNetwork, ...] = ()  # networks of servers that pass mail on among themselves
    entry: tuple[str, ...] = ()  # names, or patterns, of the servers that take mail from outside
    results: Side = Side.ABOVE


@dataclass(frozen=True, slots=True)
class Field:
    """An Authentication-Results field."""

    authserv: str  # "" for the form without an id
    plain: str  # the text behind the id, in lower case, without comments


@dataclass(frozen=True, slots=True)
class Counting:
    """The fields that count, from the top."""

    fields: tuple[Field, ...] = ()  # each of them may refute the sender
    proving: tuple[Field, ...] = ()  # those that may prove the sender
    missing: str = ""  # why no field counts, with the setting that may be wrong; "" if one counts


def server_fields(items: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the Received and Authentication-Results fields of a header, from the top, at most 100.

    They are unfolded, and nothing in them is decoded: a sender's encoded word must not become the name of our server.
    """
    named = ((name.lower(), value) for name, value in items)
    ours = ((name, replace_surrogates(unfold(value))) for name, value in named if name in (RECEIVED, RESULTS))
    return tuple(islice(ours, _MOST))


def counting(fields: ServerFields, servers: TrustedServers, peer: str = "") -> Counting:
    """Find the fields of a mail that count.

    `peer` is the address that passed the mail to our own listener. It is "" if the mail came in another way, or from a
    program on this machine."""
    client = received.read_address(peer) if peer else None
    if peer and (client is None or not received.is_ours(client, servers.hops)):
        return Counting(missing=f"{peer} passed it to maild; if that is your own server, name it in hops")
    at = _border(fields, servers)
    if at is None:
        return Counting(missing=_no_border(fields, servers))
    border = received.read(fields[at][1])
    if servers.results is Side.BELOW and (border.authenticated or border.from_loopback):
        return Counting(missing=f"{_in_words(border)} is a submission, so its sender wrote what is below")
    start, end = _region(fields, at, servers.results)
    found = tuple(_by_trusted(fields[start:end], servers))
    if not found:
        return Counting(missing=_hint(fields, at, border, servers))
    # Below its Received a server writes directly above the sender's fields: only the first is surely the server's.
    return Counting(found, found if servers.results is Side.ABOVE else found[:1])


def _border(fields: ServerFields, servers: TrustedServers) -> int | None:
    """Return the index of the Received field with which the mail came in from outside; None if none is found."""
    for at, (name, value) in enumerate(fields):
        if name != RECEIVED:
            continue
        hop = received.read(value)
        if not servers.entry:
            if not hop.inside(servers.hops):
                return at
        elif any(_fits(pattern, hop.by) for pattern in servers.entry):
            return at
        elif hop.has_from and not hop.by:
            return None  # this may be the border, and the next match may be the sender's
    return None


def _region(fields: ServerFields, border: int, side: Side) -> tuple[int, int]:
    """Return (start, end) of the fields among which our server writes its results."""
    if side is Side.ABOVE:
        return 0, border
    following = (at for at in range(border + 1, len(fields)) if fields[at][0] == RECEIVED)
    return border + 1, next(following, len(fields))


def _by_trusted(fields: ServerFields, servers: TrustedServers) -> list[Field]:
    """Return the results fields whose authserv-id is trusted."""
    found = (_read(value) for name, value in fields if name == RESULTS)
    return [field for field in found if _is_trusted(field, servers)]


def _is_trusted(field: Field, servers: TrustedServers) -> bool:
    """Whether the authserv-id of a field is one of ours (RFC 8601 2.5)."""
    if not field.authserv:
        return MICROSOFT365 in servers.authserv
    return any(name != MICROSOFT365 and _fits(name, field.authserv) for name in servers.authserv)


def _fits(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern: * is any text, and the case of ASCII letters does not matter."""
    return bool(name) and _pattern(pattern).fullmatch(ascii_lower(name)) is not None


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with *."""
    return re.compile(".*".join(map(re.escape, ascii_lower(pattern.strip()).split("*"))))


# -- reading a field ----------------------------------------------------------------------------------------------


def _read(value: str) -> Field:
    """Read the id and the results of a field. A version may follow the id (RFC 8601 2.2)."""
    plain = without_comments(ascii_lower(value[:_LONGEST]))
    if _RESULT_AHEAD.match(plain):
        return Field("", plain)
    authserv, _, rest = plain.partition(";")
    return Field((authserv.split() or ["?"])[0].strip('"'), rest)


# -- why no field counts ------------------------------------------------------------------------------------------


def _no_border(fields: ServerFields, servers: TrustedServers) -> str:
    """Say why there is no border."""
    if not any(name == RECEIVED for name, _ in fields):
        return "no Received field says which server took the mail in"
    if servers.entry:
        return f"no Received field is by {' or '.join(servers.entry)}; check entry"
    return "it never left our own servers: every Received field is a step among them"


def _hint(fields: ServerFields, at: int, border: Received, servers: TrustedServers) -> str:
    """Say why nothing counts at this border, and name the setting that may be wrong."""
    side = servers.results
    where = f"there is none {side.value} {_in_words(border)}"
    other = Side.BELOW if side is Side.ABOVE else Side.ABOVE
    start, end = _region(fields, at, other)
    if _by_trusted(fields[start:end], servers):
        return f'{where}, but one is {other.value} it: if that server writes there, set results = "{other.value}"'
    start, end = _region(fields, at, side)
    strange = [_read(value) for name, value in fields[start:end] if name == RESULTS]
    if strange:
        name = strange[0].authserv or MICROSOFT365
        return f'{where}, but one of another server is: if it is yours, add "{name[:80]}" to trusted_authserv'
    if _by_trusted(fields[at:], servers) and border.clients and not servers.entry:
        clients = " or ".join(str(client) for client in border.clients)
        return f"{where}, but one is further down: if {clients} is your own server, name it in hops, or set entry"
    return where


def _in_words(border: Received) -> str:
    """Describe the border for people."""
    by = border.by[:80] or "a server without a name"
    client = f" from {border.clients[0]}" if border.clients else ""
    return f"the Received by {by}{client}"
