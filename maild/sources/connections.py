"""Counts the open connections of a listener, admits new ones, and closes an idle one when it is full."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from maild.sources.smtp_replies import MADE_ROOM


class Connection(Protocol):
    """What Connections needs of a session."""

    @property
    def has_mail(self) -> bool:
        """Whether a MAIL command has opened a transaction (RFC 5321 4.1.1.2)."""
        ...

    def hang_up(self, reply: str) -> None:
        """Send a last reply and close the connection."""
        ...


def peer_address(peername: object) -> str:
    """Return the address of a peer, without its port or zone; "" for a UNIX socket.

    A peer of the network whose address is not known is "unknown": nobody may pass for a program on this machine."""
    if isinstance(peername, tuple) and peername:
        return str(peername[0]).partition("%")[0]
    return "unknown" if peername is None else ""


def peer_key(peername: object) -> str:
    """Return the key under which connections of a peer are counted.

    It is the IPv4 address, or the IPv6 /64, because one customer has a whole /64. A UNIX socket has the key ""."""
    if not isinstance(peername, tuple) or not peername:
        return ""
    address = ipaddress.ip_address(peer_address(peername))
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


AnyConnection = TypeVar("AnyConnection", bound=Connection)


class Connections(Generic[AnyConnection]):
    """The open connections of a listener, oldest first.

    `total` connections may be open, `per_peer` of them by one peer. When that is reached, the oldest connection without
    a mail is closed to make room."""

    def __init__(self, total: int, per_peer: int) -> None:
        self._total = total
        self._per_peer = per_peer
        self._peers: dict[AnyConnection, str] = {}
        self.all_gone = asyncio.Event()
        self.all_gone.set()

    def __iter__(self) -> Iterator[AnyConnection]:
        return iter(tuple(self._peers))

    def make_room(self, peer: str) -> bool:
        """Return whether one more connection of this peer may come in. An idle one may be closed for it."""
        same_peer = [connection for connection, key in self._peers.items() if peer and key == peer]
        if len(same_peer) >= self._per_peer:
            return self._close_first_idle(same_peer)
        if len(self._peers) >= self._total:
            return self._close_first_idle(list(self._peers))
        return True

    def _close_first_idle(self, candidates: list[AnyConnection]) -> bool:
        """Close the first candidate without a mail -> whether there was one."""
        for connection in candidates:
            if not connection.has_mail:
                self.leave(connection)
                connection.hang_up(MADE_ROOM)
                return True
        return False

    def enter(self, connection: AnyConnection, peer: str) -> None:
        """Count a new connection under the key of its peer."""
        self._peers[connection] = peer
        self.all_gone.clear()

    def leave(self, connection: AnyConnection) -> None:
        """Count a connection no longer. It does no harm to call this twice."""
        self._peers.pop(connection, None)
        if not self._peers:
            self.all_gone.set()
