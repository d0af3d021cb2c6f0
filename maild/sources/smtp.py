"""The SMTP and LMTP listener as a mail source: opens its sockets, admits connections, and drains after `stop`."""

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
    """Takes the mail that other servers deliver by SMTP (RFC 5321) or LMTP (RFC 2033); a `MailSource`."""

    def __init__(
        self, options: ListenerOptions, clock: Clock, sockets: Mapping[str, socket.socket] | None = None
    ) -> None:
        """`sockets` are listening sockets by protocol ("smtp", "lmtp"). They replace the places in the options and stay
        open for their owner."""
        self._options = options
        self._clock = clock
        self._given = dict(sockets or {})
        self._listening: dict[str, socket.socket] = {}
        self._tls: ssl.SSLContext | None = None
        self.ready = threading.Event()  # set while connections are being accepted

    def open(self) -> None:
        """Open the sockets and read the certificate. From then on connections wait for `run`, which calls this too.

        Raises ListenerError with the remedy; no socket stays open then."""
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
        """Close the sockets. `run` does this at its end, so call it only after `open` without `run`."""
        for listening in self._listening.values():
            listening.close()
        self._listening.clear()

    @property
    def addresses(self) -> dict[str, tuple[str, int] | str]:
        """The places where it listens, by protocol: (address, port), or the path of a UNIX socket."""
        places: dict[str, tuple[str, int] | str] = {}
        for protocol, listening in self._listening.items():
            name = listening.getsockname()
            places[protocol] = (name[0], name[1]) if isinstance(name, tuple) else str(name)
        return places

    def run(self, hand_in: HandIn, stop: threading.Event) -> None:
        """Take mail until `stop`; then mails on their way may finish, for at most `drain_seconds`. Blocks."""
        # aiosmtpd logs every command line, with everybody's address, at the level INFO.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self.open()
        try:
            asyncio.run(self._serve(hand_in, stop))
        finally:
            self.ready.clear()
            self.close()

    async def _serve(self, hand_in: HandIn, stop: threading.Event) -> None:
        """Accept connections until `stop`, then drain."""
        options = self._options
        connections: Connections[SmtpSession] = Connections(options.max_connections, options.max_connections_per_peer)
        reception = Reception(options, self._clock, hand_in, connections, ReceiveMemory(options.max_unfinished))
        servers = [
            await _accept_on(listening, self._admissions(protocol, reception))
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

    def _admissions(self, protocol: str, reception: Reception) -> Callable[[], Admission]:
        """Return what makes the Admission for each new connection on the socket of this protocol."""
        session = PROTOCOLS[protocol]
        # A UNIX socket needs no TLS: nobody can listen in.
        tls = None if self._listening[protocol].family == socket.AF_UNIX else self._tls
        return lambda: Admission(reception.connections, lambda: session(reception, tls))


class Admission(asyncio.Protocol):
    """Admits a new connection and gives it a session, or refuses it with 421 before a session is made."""

    def __init__(self, connections: Connections[SmtpSession], new_session: Callable[[], SmtpSession]) -> None:
        self._connections = connections
        self._new_session = new_session

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Admit the connection if there is room for this peer; asyncio calls this."""
        assert isinstance(transport, asyncio.Transport)
        peer = peer_key(transport.get_extra_info("peername"))
        if not self._connections.make_room(peer):
            log.warning("connection from %s refused: too many are open and none is idle", peer or "the UNIX socket")
            transport.write(f"{FULL}\r\n".encode())
            transport.close()
            return
        session = self._new_session()
        self._connections.enter(session, peer)
        transport.set_protocol(session)
        session.connection_made(transport)


async def _accept_on(listening: socket.socket, admission: Callable[[], Admission]) -> asyncio.Server:
    """Start to accept connections on a listening socket."""
    loop = asyncio.get_running_loop()
    if listening.family == socket.AF_UNIX:
        return await loop.create_unix_server(admission, sock=listening, backlog=BACKLOG)
    return await loop.create_server(admission, sock=listening, backlog=BACKLOG)


async def _drain(connections: Connections[SmtpSession], seconds: float) -> None:
    """Close idle connections with 421, let mails on their way finish, and cut what takes longer than `seconds`."""
    for session in connections:
        session.retire()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await connections.all_gone.wait()
    for session in connections:
        log.warning("a connection was cut after %g s without a reply; the peer will send its mail again", seconds)
        session.abort()


def _tls_context(options: ListenerOptions) -> ssl.SSLContext | None:
    """Return the TLS context for STARTTLS (RFC 3207 4); None if no certificate is set. Raises ListenerError."""
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
            f"the certificate {options.tls_certificate} with the key {options.tls_key} cannot be used: {error} "
            "(remedy: check both files and their rights)"
        ) from error
    return context
