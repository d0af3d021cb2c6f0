"""Hands mails to a relay (RFC 5321, RFC 6409) over one connection that is used again.

Everything that a relay does becomes a value. A RelayAnswer is about a recipient or about the mail. A ChannelFault is
about the relay itself: connection, TLS, login. The table is in maild.transports.smtp_replies."""

from __future__ import annotations

import ipaddress
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult, RelayAnswer
from maild.transports.envelope import Envelope, envelope_of
from maild.transports.smtp_login import log_in
from maild.transports.smtp_replies import RelayFault, Reply, Stage, judge_reply, relay_fault
from maild.transports.smtp_transaction import transact

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 300.0  # five minutes for MAIL and for RCPT (RFC 5321 4.5.3.2.2, 4.5.3.2.3)
DATA_SECONDS = 600.0  # ten minutes from the final dot to its reply (RFC 5321 4.5.3.2.6)
IDLE_SECONDS = 60.0  # relays close idle connections, so we close ours first, with QUIT
FRESH_SECONDS = 5.0  # a connection that was used so recently is not tested with NOOP
MAILS_PER_CONNECTION = 100
GOODBYE_SECONDS = 5.0  # how long a relay may take to answer QUIT


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How to reach one relay. Times are in seconds.

    `password` is called at each login; its answer is not stored. Raises ValueError for tls = "none" to another machine.
    """

    name: str
    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    helo: str  # the host name in EHLO (RFC 5321 4.1.1.1)
    user: str = ""
    password: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str = ""  # a PEM file with your own authority; "" means those that the system trusts
    connect_seconds: float = CONNECT_SECONDS
    command_seconds: float = COMMAND_SECONDS
    data_seconds: float = DATA_SECONDS
    idle_seconds: float = IDLE_SECONDS
    fresh_seconds: float = FRESH_SECONDS
    mails_per_connection: int = MAILS_PER_CONNECTION

    def __post_init__(self) -> None:
        if self.tls == "none" and not _is_loopback(self.host):
            raise ValueError(
                f'relay {self.name}: tls = "none" is for this machine only, and {self.host} is another one '
                '(remedy: write tls = "starttls" or "implicit")'
            )

    def __str__(self) -> str:
        return f"relay {self.name} ({self.host}:{self.port})"


class SmtpTransport:
    """Sends mails through one relay; a MailTransport. Not thread-safe: each thread needs its own."""

    def __init__(self, options: RelayOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._smtp: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._mails = 0
        self._context = _tls_context(options.ca_file) if options.tls != "none" else None

    def send(self, message: OutboundMessage) -> Mapping[str, RelayAnswer] | ChannelFault:
        """Hand over one mail -> exactly one answer for each recipient, or a ChannelFault. Raises for nothing that a
        relay does."""
        envelope = envelope_of(message)
        if not envelope.recipients:
            return envelope.answers
        try:
            answers = self._hand_over(envelope, message.raw)
        except RelayFault as failure:
            self._drop()
            return ChannelFault(f"{self._options}: {failure}", failure.code)
        self._finish_mail(answers)
        return {**envelope.answers, **answers}

    def close(self) -> None:
        """Say QUIT and close (RFC 5321 4.1.1.10). A later `send` connects again."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(GOODBYE_SECONDS)
            smtp.quit()
        except OSError:  # every SMTPException is an OSError
            smtp.close()

    def _hand_over(self, envelope: Envelope, raw: bytes) -> Mapping[str, RelayAnswer]:
        """Send over the open connection. If the relay had closed it, send once more over a new one."""
        reusable = self._reusable()
        if reusable is not None:
            try:
                return transact(reusable, envelope, raw, self._options.data_seconds)
            except RelayFault as fault:
                if not fault.connection_lost:
                    raise
                self._drop()
        self._smtp = self._connect()
        self._mails = 0
        return transact(self._smtp, envelope, raw, self._options.data_seconds)

    def _reusable(self) -> smtplib.SMTP | None:
        """Return the open connection if it can take one more mail, else close it and return None."""
        smtp = self._smtp
        if smtp is None:
            return None
        idle = self._clock() - self._used_at
        if idle > self._options.idle_seconds or self._mails >= self._options.mails_per_connection:
            self.close()
            return None
        if idle > self._options.fresh_seconds and not _answers_noop(smtp):
            self._drop()
            return None
        return smtp

    def _connect(self) -> smtplib.SMTP:
        """Make a new connection: greeting, EHLO, TLS, login. Raises RelayFault if any of that fails."""
        options = self._options
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._open_socket()
            _expect(Reply.of(smtp.ehlo()), Stage.EHLO)
            if options.tls == "starttls":
                self._start_tls(smtp)
            if options.user:
                log_in(smtp, options.user, options.password)
            if smtp.sock is not None:
                smtp.sock.settimeout(options.command_seconds)
                smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (RelayFault, OSError, ValueError) as failure:  # ValueError: a host name that DNS cannot hold
            if smtp is not None:
                smtp.close()
            raise relay_fault(failure) from failure
        return smtp

    def _open_socket(self) -> smtplib.SMTP:
        """Connect and read the greeting. The certificate must be for the host name given here (RFC 8314 5.3)."""
        options = self._options
        seconds = options.connect_seconds
        if options.tls == "implicit":
            return smtplib.SMTP_SSL(options.host, options.port, options.helo, timeout=seconds, context=self._context)
        return smtplib.SMTP(options.host, options.port, options.helo, timeout=seconds)

    def _start_tls(self, smtp: smtplib.SMTP) -> None:
        """Encrypt the connection, or give up: no mail and no password goes in the clear (RFC 8314 5.2)."""
        if not smtp.has_extn("starttls"):
            raise RelayFault(
                'it does not offer STARTTLS, so nothing was sent; check port and tls = "implicit" in [[relay]]', None
            )
        _expect(Reply.of(smtp.starttls(context=self._context)), Stage.STARTTLS)
        # RFC 3207 4.2: what the relay offered before TLS does not count, so EHLO is sent again.
        _expect(Reply.of(smtp.ehlo()), Stage.EHLO)

    def _finish_mail(self, answers: Mapping[str, RelayAnswer]) -> None:
        """Keep the connection for the next mail, unless this mail left it in an unknown state."""
        self._used_at = self._clock()
        self._mails += 1
        smtp = self._smtp
        all_sent = all(answer.verdict is DeliveryResult.SENT for answer in answers.values())
        if smtp is None or smtp.sock is None or not (all_sent or _reset(smtp)):
            self._drop()

    def _drop(self) -> None:
        """Close the connection without QUIT."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _tls_context(ca_file: str) -> ssl.SSLContext:
    """Make a TLS context that checks certificates and names and wants TLS 1.2 or later (RFC 8996, RFC 8997)."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _expect(reply: Reply, stage: Stage) -> None:
    """Raise RelayFault unless the relay agrees."""
    if not reply.is_yes:
        verdict = judge_reply(stage, reply)
        raise verdict if isinstance(verdict, RelayFault) else RelayFault(verdict.text, verdict.code)


def _answers_noop(smtp: smtplib.SMTP) -> bool:
    """Whether the relay still answers: NOOP changes nothing (RFC 5321 4.1.1.9)."""
    try:
        return Reply.of(smtp.noop()).is_yes
    except OSError:
        return False


def _reset(smtp: smtplib.SMTP) -> bool:
    """End a failed transaction, so that the next mail starts a new one (RFC 5321 4.1.1.5)."""
    try:
        return Reply.of(smtp.docmd("RSET")).is_yes
    except OSError:
        return False


def _is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
