"""Who is connected, who may come in, and who goes when it is full."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from maild.sources.smtp_replies import MADE_ROOM


class Connection(Protocol):
    """What the rules below need of a session."""

    @property
    def has_mail(self) -> bool:
        """Whether a MAIL command has opened a transaction."""
        ...

    def hang_up(self, reply: str) -> None: ...


def peer_key(peername: object) -> str:
    """Whom to count a connection for: an IPv4 address, an IPv6 /64 (what one customer gets), "" for a UNIX socket."""
    if not isinstance(peername, tuple) or not peername:
        return ""
    address = ipaddress.ip_address(str(peername[0]).partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


AnyConnection = TypeVar("AnyConnection", bound=Connection)


class Connections(Generic[AnyConnection]):
    """The open connections of a listener, oldest first. When it is full, the oldest one without MAIL makes room."""

    def __init__(self, total: int, per_peer: int) -> None:
        self._total = total
        self._per_peer = per_peer
        self._peers: dict[AnyConnection, str] = {}
        self.all_gone = asyncio.Event()
        self.all_gone.set()

    def __iter__(self) -> Iterator[AnyConnection]:
        return iter(tuple(self._peers))

    def make_room(self, peer: str) -> bool:
        """Whether one more connection of this peer may come in, after another had to go perhaps."""
        same_peer = [connection for connection, key in self._peers.items() if peer and key == peer]
        if len(same_peer) >= self._per_peer:
            return self._dismiss_first_idle(same_peer)
        if len(self._peers) >= self._total:
            return self._dismiss_first_idle(list(self._peers))
        return True

    def _dismiss_first_idle(self, candidates: list[AnyConnection]) -> bool:
        for connection in candidates:
            if not connection.has_mail:
                self.leave(connection)
                connection.hang_up(MADE_ROOM)
                return True
        return False

    def enter(self, connection: AnyConnection, peer: str) -> None:
        self._peers[connection] = peer
        self.all_gone.clear()

    def leave(self, connection: AnyConnection) -> None:
        """Harmless when it has left before."""
        self._peers.pop(connection, None)
        if not self._peers:
            self.all_gone.set()
