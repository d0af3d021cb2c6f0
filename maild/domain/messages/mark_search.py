"""Finds agents' marks anywhere in bytes: in a link, in a header field of a forwarded mail, in a program's file.

The search finds what has the shape of a mark. Its MAC then shows whether maild made it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from maild.domain.messages.reply_tokens import KeyRing, Scope, Sealed, opens, read_message_id
from maild.domain.people.directory import Address

MOST = 500  # different marks that are checked; no real file has more
_BEFORE, _AFTER = 130, 260  # octets beside a mark in which the rest of its address is looked for

# A mark ends with a dot and its MAC. There are few such places, and what stands before each is looked at then.
_MAC = re.compile(rb"\.(?=([0-9a-z]{16}))")
_MEANING = re.compile(
    rb"([a-z])([0-9]{1,12})([rncdqu])([0-9]{1,12})s([0-9]{1,9})(?:\.(?:([a-z][a-z0-9-]{0,20})|([0-9]{1,12})))?\Z"
)
_LOCAL = re.compile(rb"([a-z0-9._-]{1,64})(?:\+|%2b)\Z")
_DOMAIN = re.compile(rb"(?:@|%40)([a-z0-9.-]{1,255})")


@dataclass(frozen=True, slots=True)
class FoundMark:
    """Something with the shape of a mark, and the local part and domain beside it ("" when there is none).

    `sealed.outbox` is 0 for a reply address. For a Message-ID, or its left side alone, it is a number."""

    sealed: Sealed
    local: str
    domain: str


def agents_marks_in(octets: bytes) -> list[FoundMark]:
    """Return what has the shape of an agent's mark, each once, at most MOST + 1. Customers' marks are left out.

    Upper case counts like lower case. The time is linear in the size."""
    low = octets.lower()
    found: dict[FoundMark, None] = {}
    for match in _MAC.finditer(low):
        mark = _read(low, match.start(), match[1])
        if mark is not None and mark.sealed.scope is not Scope.USER:
            found.setdefault(mark)
            if len(found) > MOST:
                break
    return list(found)


def _read(low: bytes, dot: int, mac: bytes) -> FoundMark | None:
    """Return the mark whose MAC stands behind this dot; None when what stands before it has another shape."""
    before = low[max(0, dot - _BEFORE) : dot]
    meaning = _MEANING.search(before)
    if meaning is None:
        return None
    letter, ticket, scope, recipient, seq, verb, outbox = (
        group.decode() if group else "" for group in meaning.groups()
    )
    end = dot + 1 + len(mac)
    local, domain = _LOCAL.search(before[: meaning.start()]), _DOMAIN.match(low[end : end + _AFTER])
    sealed = Sealed(
        letter, int(ticket), Scope(scope), int(recipient), int(seq), verb, mac.decode(), outbox=int(outbox or 0)
    )
    return FoundMark(sealed, local[1].decode() if local else "", domain[1].decode() if domain else "")


def is_true(ring: KeyRing, mark: FoundMark, epochs: Iterable[int], addresses: Sequence[Address]) -> bool:
    """Tell whether maild made this mark. `epochs` are all that its recipient has had, so revoked marks count too.

    `addresses` are our own. They are tried as well, for a program may have torn the mark out of its address."""
    if mark.sealed.outbox:
        domains = {mark.domain, *(address.domain for address in addresses)} - {""}
        return any(read_message_id(ring, f"<{mark.sealed.text}.{_rest(mark)}@{domain}>") for domain in domains)
    bases = dict.fromkeys(address.key for address in addresses)
    if mark.local and mark.domain:
        bases.setdefault(f"{mark.local}@{mark.domain}")
    sealed = [replace(mark.sealed, base=base) for base in bases]
    return any(opens(ring, each, epoch) for epoch in epochs for each in sealed)


def _rest(mark: FoundMark) -> str:
    return f"{mark.sealed.outbox}.{mark.sealed.mac}"
