"""The SMTP and LMTP listener as a mail source: opens its sockets, admits connections, drains when told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Mapping

from maild.ports import Clock, HandIn
from maild.sources.connections import Connections, peer_key
from maild.sources.data_reader import ReceiveMemory
from maild.sources.listener_options import ListenerOptions
from maild.sources.lmtp_session import LmtpSession
from maild.sources.smtp_replies import FULL
from maild.sources.smtp_session import Reception, SmtpSession
from maild.sources.sockets import BACKLOG, ListenerError, open_listener

__all__ = ["ListenerError", "ListenerOptions", "SmtpSource"]

log = logging.getLogger(__name__)

STOP_POLL_SECONDS = 0.1
PROTOCOLS: Mapping[str, type[SmtpSession]] = {"smtp": SmtpSession, "lmtp": LmtpSession}


class SmtpSource:
    """Brings the mail that other servers deliver by SMTP or LMTP."""

    def __init__(
        self, options: ListenerOptions, clock: Clock, sockets: Mapping[str, socket.socket] | None = None
    ) -> None:
        """`sockets`: already listening ones by protocol ("smtp", "lmtp"), used instead of the options' places and left
        open for their owner."""
        self._options = options
        self._clock = clock
        self._given = dict(sockets or {})
        self._listening: dict[str, socket.socket] = {}
        self._tls: ssl.SSLContext | None = None
        self.ready = threading.Event()  # set while connections are being accepted

    def open(self) -> None:
        """Open the sockets and read the certificate. From here on connections queue up; `run` does it when nobody has.

        Raises ListenerError: fatal at start, rather than half alive."""
        if self._listening:
            return
        self._tls = _tls_context(self._options)
        try:
            for protocol, place in (("smtp", self._options.smtp), ("lmtp", self._options.lmtp)):
                if protocol in self._given:
                    self._listening[protocol] = self._given[protocol].dup()
                    self._listening[protocol].setblocking(False)
                elif place:
                    self._listening[protocol] = open_listener(place)
        except ListenerError:
            self.close()
            raise
        if not self._listening:
            raise ListenerError("the listener has no place to listen: set smtp or lmtp in [listener]")

    def close(self) -> None:
        """Close the sockets. `run` does it at its end; needed only after `open` without `run`."""
        for listening in self._listening.values():
            listening.close()
        self._listening.clear()

    @property
    def addresses(self) -> dict[str, tuple[str, int] | str]:
        """Where it listens, by protocol: (address, port), or the path of a UNIX socket."""
        places: dict[str, tuple[str, int] | str] = {}
        for protocol, listening in self._listening.items():
            name = listening.getsockname()
            places[protocol] = (name[0], name[1]) if isinstance(name, tuple) else str(name)
        return places

    def run(self, hand_in: HandIn, stop: threading.Event) -> None:
        """Block and take mail until `stop`; then let mails that are being received finish, `drain_seconds` at most."""
        # aiosmtpd's own log has every command line with everybody's address in it, at the level INFO.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self.open()
        try:
            asyncio.run(self._serve(hand_in, stop))
        finally:
            self.ready.clear()
            self.close()

    async def _serve(self, hand_in: HandIn, stop: threading.Event) -> None:
        options = self._options
        connections: Connections[SmtpSession] = Connections(options.max_connections, options.max_connections_per_peer)
        reception = Reception(options, self._clock, hand_in, connections, ReceiveMemory(options.max_unfinished))
        servers = [
            await _accept_on(listening, self._doormen(protocol, reception))
            for protocol, listening in self._listening.items()
        ]
        log.info("listening: %s", self.addresses)
        self.ready.set()
        while not stop.is_set():
            await asyncio.sleep(STOP_POLL_SECONDS)
        self.ready.clear()
        for server in servers:
            server.close()
        await _drain(connections, options.drain_seconds)

    def _doormen(self, protocol: str, reception: Reception) -> Callable[[], Doorman]:
        """One doorman for each new connection on the socket of this protocol."""
        session = PROTOCOLS[protocol]
        # Over a UNIX socket there is nobody to hide from.
        tls = None if self._listening[protocol].family == socket.AF_UNIX else self._tls
        return lambda: Doorman(reception.connections, lambda: session(reception, tls))


class Doorman(asyncio.Protocol):
    """Answers a new connection: in, with a session of its own, or 421. Who is turned away costs no session."""

    def __init__(self, connections: Connections[SmtpSession], new_session: Callable[[], SmtpSession]) -> None:
        self._connections = connections
        self._new_session = new_session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = peer_key(transport.get_extra_info("peername"))
        if not self._connections.make_room(peer):
            log.warning("connection from %s refused: too many, and none of them idle", peer or "the UNIX socket")
            transport.write(f"{FULL}\r\n".encode())
            transport.close()
            return
        session = self._new_session()
        self._connections.enter(session, peer)
        transport.set_protocol(session)
        session.connection_made(transport)


async def _accept_on(listening: socket.socket, answer: Callable[[], Doorman]) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if listening.family == socket.AF_UNIX:
        return await loop.create_unix_server(answer, sock=listening, backlog=BACKLOG)
    return await loop.create_server(answer, sock=listening, backlog=BACKLOG)


async def _drain(connections: Connections[SmtpSession], seconds: float) -> None:
    """421 to the idle, time for those in the middle of a mail, an end for those who need too long."""
    for session in connections:
        session.retire()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await connections.all_gone.wait()
    for session in connections:
        log.warning("a connection was cut after %g s without an answer, the peer will send its mail again", seconds)
        session.abort()


def _tls_context(options: ListenerOptions) -> ssl.SSLContext | None:
    """What STARTTLS offers (RFC 3207), or None when no certificate is set."""
    if bool(options.tls_certificate) != bool(options.tls_key):
        raise ListenerError("tls_certificate and tls_key in [listener] go together: set both, or neither")
    if not options.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(options.tls_certificate, options.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ListenerError(
            f"the certificate {options.tls_certificate} with the key {options.tls_key} cannot be used: {error}"
        ) from error
    return context
