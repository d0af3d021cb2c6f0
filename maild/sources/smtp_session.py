"""One SMTP dialogue (RFC 5321), on aiosmtpd's command loop and STARTTLS.

Everything that a stranger could abuse is replaced here: greeting, extensions, path syntax and the DATA reader. Errors
and idle commands are limited, timers end with 421, and no reply contains an exception. A hand-in goes on after a
disconnect."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass

from aiosmtpd.smtp import SMTP, TLSSetupException
from aiosmtpd.smtp import Envelope as OpenEnvelope
from aiosmtpd.smtp import Session as PeerSession

from maild.domain.messages.message import Envelope
from maild.ports import Clock, HandIn, IncomingMail, Receipt, TemporaryFailure
from maild.sources import smtp_replies as replies
from maild.sources.connections import Connections, peer_address
from maild.sources.data_reader import LINE_END, DataLimits, ReceiveMemory, Refused, read_data
from maild.sources.envelope_path import NULL_PATH, is_postmaster, read_path
from maild.sources.listener_options import ListenerOptions

log = logging.getLogger(__name__)

COMMAND_OCTETS = 1024  # RFC 5321 4.5.3.1.4 asks for 512; sealed addresses with SIZE and SMTPUTF8 need more
LINGER_SECONDS = 2  # after our last reply we read on so long: a TCP reset could overtake the reply
RETIRE_SECONDS = 0.5  # the same while the listener stops
MAX_RECIPIENT_OVERSHOOT = 1000  # replies 452 for one mail; more are an attack

# Commands that deliver no mail. A peer that sends nothing else takes a connection away from others.
JUNK_COMMANDS = ("HELO", "EHLO", "LHLO", "NOOP", "RSET", "VRFY", "EXPN")


@dataclass(frozen=True, slots=True)
class Reception:
    """What all sessions of a listener share."""

    options: ListenerOptions
    clock: Clock
    hand_in: HandIn
    connections: Connections[SmtpSession]
    memory: ReceiveMemory


class _EnvelopeHooks:
    """The hooks that aiosmtpd calls for each address with correct syntax."""

    async def handle_MAIL(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SmtpSession, session: PeerSession, envelope: OpenEnvelope, address: str, parameters: list[str]
    ) -> str:
        del session
        return server.judge_sender(envelope, address, parameters)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SmtpSession, session: PeerSession, envelope: OpenEnvelope, address: str, parameters: list[str]
    ) -> str:
        del session, parameters
        return await server.judge_recipient(envelope, address)


class SmtpSession(SMTP):
    """An SMTP dialogue (RFC 5321) with PIPELINING, SIZE, 8BITMIME, SMTPUTF8, STARTTLS and enhanced status codes."""

    source = "smtp"
    hello = "EHLO"
    command_size_limit = COMMAND_OCTETS
    line_length_limit = 65_536  # of the stream reader: how much it gathers before a reader must take some

    def __init__(self, reception: Reception, tls: ssl.SSLContext | None) -> None:
        options = reception.options
        # aiosmtpd has this table on the class, so each connection would change it for all others.
        self.command_size_limits = defaultdict(lambda: COMMAND_OCTETS)
        super().__init__(
            _EnvelopeHooks(),
            data_size_limit=options.max_message,
            enable_SMTPUTF8=True,
            hostname=options.hostname,
            ident="ready",  # no name and no version: attackers look for them
            tls_context=tls,
            timeout=options.command_timeout,
            loop=asyncio.get_running_loop(),
        )
        self._reception = reception
        self._options = options
        self._is_receiving = False
        self._is_leaving = False
        self._is_lost = False
        self._is_retiring = False
        self._errors = 0
        self._junk = 0
        self._overshoot = 0
        for command in ("AUTH", "HELP"):
            del self._smtp_methods[command]  # there are no accounts, and no help beyond the RFC
        for command in JUNK_COMMANDS:
            if command in self._smtp_methods:
                self._smtp_methods[command] = self._counted(self._smtp_methods[command])

    # -- beginning and end ----------------------------------------------------------------------------------

    @property
    def has_mail(self) -> bool:
        """Whether a transaction is open, from MAIL to the last reply to its DATA (RFC 5321 3.3)."""
        return self._is_receiving or (self.envelope is not None and self.envelope.mail_from is not None)

    def hang_up(self, reply: str, patience: float = LINGER_SECONDS) -> None:
        """Send a last reply and close the connection, after `patience` seconds by force.

        A peer that reads nothing, or does not answer the end of TLS, would keep the connection half open."""
        transport = self._open_transport()
        if transport is None:
            return
        if not self._is_leaving:
            self._is_leaving = True
            transport.write(f"{reply}\r\n".encode())
        transport.close()
        self.loop.call_later(patience, transport.abort)

    def retire(self) -> None:
        """Close the connection with 421, because the listener stops. A mail on its way may finish first."""
        self._is_retiring = True
        if not self._is_receiving:
            self.hang_up(replies.SHUTTING_DOWN, RETIRE_SECONDS)

    def abort(self) -> None:
        """Cut the connection at once."""
        transport = self._open_transport()
        if transport is not None:
            transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Give the connection's place back, once; asyncio calls this, and so does a failed handshake."""
        if not self._is_lost:
            self._is_lost = True
            self._reception.connections.leave(self)
            super().connection_lost(error)

    def _is_shaking_hands(self) -> bool:
        """Whether STARTTLS has been answered and TLS is not there yet."""
        return self._tls_protocol is not None and (self.session is None or self.session.ssl is None)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Begin TLS (RFC 3207 4). aiosmtpd forgets everything that was said before it (4.2)."""
        await super().smtp_STARTTLS(arg)
        if self._is_shaking_hands():
            # The peer closed the connection during the handshake, and asyncio tells nobody else about it.
            self.connection_lost(None)
            raise ConnectionResetError("gone during the TLS handshake")

    def _open_transport(self) -> asyncio.Transport | None:
        """Return the transport if it is still open."""
        transport = self.transport
        if transport is None:
            return None
        assert isinstance(transport, asyncio.Transport)
        return None if transport.is_closing() else transport

    def _timeout_cb(self) -> None:
        """Hang up after too long a silence (RFC 5321 4.5.3.2.7); aiosmtpd's timer calls this."""
        self.hang_up(replies.TIMEOUT)

    async def _dismiss(self, reply: str) -> None:
        """Send a last reply, read on for a moment so that it arrives, close, and leave the command loop.

        Always raises ConnectionResetError."""
        self._is_leaving = True
        await super().push(reply)
        transport = self._open_transport()
        if transport is not None and transport.can_write_eof():
            transport.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while await self._reader.read(self.line_length_limit):
                    pass
        if transport is not None:
            transport.close()
        raise ConnectionResetError("dismissed")  # aiosmtpd's loop ends at this exception

    async def _handle_client(self) -> None:
        """Run aiosmtpd's command loop; a connection that ends is no error."""
        try:
            await super()._handle_client()
        except ConnectionError as gone:
            log.debug("dialogue over: %s", gone)
        finally:
            self._writer.close()

    async def handle_exception(self, error: Exception) -> str:
        """Log what went wrong -> the reply: the peer learns only that it may try again."""
        if isinstance(error, ConnectionError | TLSSetupException):
            log.info("the connection of %s failed: %r", self._peer(), error.__cause__ or error)
        else:
            log.error("an SMTP command failed; the peer was told to try again", exc_info=error)
        return replies.TRY_LATER

    async def push(self, status: str | bytes) -> None:
        """Send a reply, with an enhanced status code after EHLO (RFC 2034 4). Too many errors end the dialogue."""
        text = status.decode("ascii") if isinstance(status, bytes) else status
        assert self.session is not None
        await super().push(replies.with_enhanced_code(text) if self.session.extended_smtp else text)
        if text.startswith("5"):
            self._errors += 1
            if self._errors >= self._options.max_errors:
                await self._dismiss(replies.TOO_MANY_ERRORS)

    def _counted(self, method: Callable[[str], Awaitable[None]]) -> Callable[[str], Awaitable[None]]:
        """Return the method of a command, with a counter that ends the dialogue at too many junk commands."""

        async def counted(argument: str) -> None:
            self._junk += 1
            if self._junk > self._options.max_junk_commands:
                await self._dismiss(replies.TOO_MANY_JUNK_COMMANDS)
            await method(argument)

        return counted

    # -- envelope -------------------------------------------------------------------------------------------

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Answer EHLO with our extensions (RFC 5321 4.1.1.1).

        CHUNKING (RFC 3030) is not offered: with two ways to end a mail, two servers may see different ends."""
        if not hostname:
            await self.push(f"501 5.5.4 Syntax: {self.hello} hostname")
            return
        assert self.session is not None
        self._set_rset_state()  # type: ignore[no-untyped-call]
        self.session.extended_smtp = True
        self.session.host_name = hostname
        extensions = ["PIPELINING", f"SIZE {self._options.max_message}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        if self.tls_context and not self._tls_protocol:
            extensions.append("STARTTLS")
        lines = [self.hostname, *extensions]
        await super().push("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    async def smtp_VRFY(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Answer VRFY without saying whether the address exists (RFC 5321 3.5.3, 7.3)."""
        await self.push(replies.UNVERIFIED)

    async def check_helo_needed(self, helo: str = "") -> bool:
        """Whether the peer has yet to say EHLO; it gets a 503 then (RFC 5321 4.1.4). aiosmtpd asks this."""
        return await super().check_helo_needed(helo or self.hello)

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """Read the path of MAIL or RCPT; (None, None) for a malformed one. aiosmtpd asks this."""
        return read_path(arg) or (None, None)

    def judge_sender(self, envelope: OpenEnvelope, address: str, parameters: list[str]) -> str:
        """Return the reply to MAIL (RFC 5321 4.1.1.2), and store the sender if it is taken."""
        if not address.isascii() and not envelope.smtp_utf8:
            return replies.NEEDS_SMTPUTF8
        if address != NULL_PATH and "@" not in address:
            return replies.NO_DOMAIN
        if address != NULL_PATH and self._options.refuses_sender(address):
            return replies.SENDER_REFUSED
        envelope.mail_from = address
        envelope.mail_options.extend(parameters)
        return replies.SENDER_TAKEN

    async def judge_recipient(self, envelope: OpenEnvelope, address: str) -> str:
        """Return the reply to RCPT (RFC 5321 4.1.1.3), and store the recipient if it is taken.

        Unknown recipients are refused here, so that no mail has to bounce later. A mail with too many recipients keeps
        its first ones (RFC 5321 4.5.3.1.10)."""
        if len(envelope.rcpt_tos) >= self._options.max_recipients:
            self._overshoot += 1
            if self._overshoot > MAX_RECIPIENT_OVERSHOOT:
                await self._dismiss(replies.TOO_MANY_ERRORS)
            return replies.TOO_MANY_RECIPIENTS
        if not address.isascii() and not envelope.smtp_utf8:
            return replies.NEEDS_SMTPUTF8
        if not is_postmaster(address) and not self._options.accepts(address):
            return replies.UNKNOWN_RECIPIENT
        envelope.rcpt_tos.append(address)
        return replies.RECIPIENT_TAKEN

    # -- mail -----------------------------------------------------------------------------------------------

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the name that aiosmtpd looks for
        """Take a mail: 354, the mail, the final reply. The reply is 250 only if the mail is durable (RFC 5321 6.1)."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if not self.envelope.rcpt_tos:
            await self.push(replies.NO_RECIPIENT)
            return
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        if self._reader._buffer:  # type: ignore[attr-defined]
            # RFC 2920 3.1: DATA must be the last command of a group. If a peer goes on, its mail could be read as
            # commands, or its commands as a mail.
            await self._dismiss(replies.TALKED_AHEAD)
        self._is_receiving = True
        assert self._timeout_handle is not None
        self._timeout_handle.cancel()  # read_data and the receipt have their own timers
        try:
            await self._receive(self.envelope)
        finally:
            self._is_receiving = False
        self._reset_timeout()
        if self._is_retiring:
            self.retire()
            raise ConnectionResetError("retired")  # leaves aiosmtpd's loop, even if more commands have arrived

    async def _receive(self, envelope: OpenEnvelope) -> None:
        """Read the mail, hand it in, and send the final reply."""
        options = self._options
        limits = DataLimits(
            message=options.max_message,
            hops=options.max_hops,
            piece_seconds=options.data_timeout,
            total_seconds=options.data_total_timeout,
        )
        self._reader.feed_data(LINE_END)  # read_data wants the CRLF of the DATA command
        await self.push(replies.START_MAIL)
        with self._reception.memory.lease() as lease:
            content = await read_data(self._reader, limits, lease)
            if isinstance(content, Refused):
                log.info("a mail of %s was refused: %s", self._peer(), content.reply)
                reply, hang_up = content.reply, content.hang_up
            else:
                reply, hang_up = await self._keep(envelope, content), False
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        if hang_up:
            await self._dismiss(self._final_reply(reply, envelope))
        await self.push(self._final_reply(reply, envelope))

    async def _keep(self, envelope: OpenEnvelope, raw: bytes) -> str:
        """Hand the mail in and wait until it is durable -> the reply.

        RFC 5321 4.4 asks a server to add a Received field. The field would have a time in it, so a retry after a lost
        250 would have other bytes. The ledger's key is the sha256 of the bytes, so it would take the mail twice. maild
        is the last server on the mail's way, and its ledger records what the field would say,
        the address of the peer included."""
        assert envelope.mail_from is not None
        mail = IncomingMail(
            raw=raw,
            source=self.source,
            arrived_at=self._reception.clock.now(),
            envelope=Envelope(
                sender="" if envelope.mail_from == NULL_PATH else envelope.mail_from,
                recipients=tuple(envelope.rcpt_tos),
            ),
            peer=peer_address(self.session.peer if self.session else None),
        )
        seconds = self._options.receipt_timeout
        try:
            receipt = self._reception.hand_in(mail)
            if not await _is_done_within(seconds, receipt):
                log.error("a mail of %s was not durable after %g s; the peer was told to retry", self._peer(), seconds)
                return replies.TRY_LATER
            receipt.result()
        except TemporaryFailure as failure:
            log.warning("a mail of %s was put off: %s", self._peer(), failure)
        except Exception:
            log.exception("a mail of %s could not be handed in; the peer was told to retry", self._peer())
        else:
            self._errors = self._junk = self._overshoot = 0
            return replies.TAKEN
        return replies.TRY_LATER

    def _final_reply(self, reply: str, envelope: OpenEnvelope) -> str:
        """Return what is sent after the final dot; LMTP sends more than one reply."""
        del envelope
        return reply

    def _peer(self) -> str:
        """The address of the peer, for the log."""
        return repr(self.session.peer if self.session else None)


async def _is_done_within(seconds: float, future: Future[Receipt]) -> bool:
    """Wait for a hand-in -> whether it is done. The hand-in goes on even if the peer is gone or the time is over."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def wake(_: Future[Receipt]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the listener has stopped, and nobody waits
            loop.call_soon_threadsafe(done.set)

    future.add_done_callback(wake)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await done.wait()
    return future.done()
