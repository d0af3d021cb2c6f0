"""Hands mail to a relay (RFC 5321, 6409). One connection, kept and used again; one answer per recipient.

Whatever a relay does becomes a value: an Answer where it speaks of a recipient or of the mail, a ChannelFault where it
speaks of us. maild.transports.smtp_replies holds the table."""

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
from maild.transports.smtp_replies import RelayFault, Reply, Stage, fault, judged
from maild.transports.smtp_transaction import transact

CONNECT_SECONDS = 30.0
COMMAND_SECONDS = 300.0  # RFC 5321 4.5.3.2: five minutes for MAIL and RCPT
DATA_SECONDS = 600.0  # RFC 5321 4.5.3.2.6: ten minutes from the final dot to its reply
IDLE_SECONDS = 60.0  # relays close idle connections; so do we, and politely
FRESH_SECONDS = 5.0  # a connection used so lately is not asked whether it still lives
MAILS_PER_CONNECTION = 100
GOODBYE_SECONDS = 5.0  # a relay that does not answer QUIT is left


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How to reach one relay. Times in seconds. `password` is asked at each login and never kept."""

    name: str
    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    helo: str  # the host name that EHLO gives
    user: str = ""
    password: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str = ""  # PEM of an own authority; "" trusts those of the system
    connect_seconds: float = CONNECT_SECONDS
    command_seconds: float = COMMAND_SECONDS
    data_seconds: float = DATA_SECONDS
    idle_seconds: float = IDLE_SECONDS
    fresh_seconds: float = FRESH_SECONDS
    mails_per_connection: int = MAILS_PER_CONNECTION

    def __post_init__(self) -> None:
        if self.tls == "none" and not _is_loopback(self.host):
            raise ValueError(f'relay {self.name}: tls = "none" is for this machine only, and {self.host} is not')

    def __str__(self) -> str:
        return f"relay {self.name} ({self.host}:{self.port})"


class SmtpTransport:
    """A worker's connection to one relay. Not thread-safe."""

    def __init__(self, options: RelayOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._options = options
        self._clock = clock
        self._smtp: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._mails = 0
        self._context = _verifying(options.ca_file) if options.tls != "none" else None

    def send(self, message: OutboundMessage) -> Mapping[str, RelayAnswer] | ChannelFault:
        """Hand over one mail: exactly one answer for each recipient, or a fault of the channel; neither is raised."""
        envelope = envelope_of(message)
        if not envelope.recipients:
            return envelope.answers
        try:
            answers = self._hand_over(envelope, message.raw)
        except RelayFault as failure:
            self._drop()
            return ChannelFault(f"{self._options}: {failure}", failure.code)
        self._tidy(answers)
        return {**envelope.answers, **answers}

    def close(self) -> None:
        """Say goodbye; a later `send` connects again."""
        smtp, self._smtp = self._smtp, None
        if smtp is None:
            return
        try:
            if smtp.sock is not None:
                smtp.sock.settimeout(GOODBYE_SECONDS)
            smtp.quit()
        except OSError:  # which every SMTPException is
            smtp.close()

    def _hand_over(self, envelope: Envelope, raw: bytes) -> Mapping[str, RelayAnswer]:
        """Over the open connection; where the relay has left it unseen, once more over a new one."""
        kept = self._kept()
        if kept is not None:
            try:
                return transact(kept, envelope, raw, self._options.data_seconds)
            except RelayFault as stale:
                if not stale.connection_lost:
                    raise
                self._drop()
        self._smtp = self._connected()
        self._mails = 0
        return transact(self._smtp, envelope, raw, self._options.data_seconds)

    def _kept(self) -> smtplib.SMTP | None:
        """The open connection if it is fit for one more mail."""
        smtp = self._smtp
        if smtp is None:
            return None
        idle = self._clock() - self._used_at
        if idle > self._options.idle_seconds or self._mails >= self._options.mails_per_connection:
            self.close()
            return None
        if idle > self._options.fresh_seconds and not _alive(smtp):
            self._drop()
            return None
        return smtp

    def _connected(self) -> smtplib.SMTP:
        """A new connection, greeted, encrypted and logged in; RelayFault when any of that fails."""
        options = self._options
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._greeted()
            _expect(Reply.of(smtp.ehlo()), Stage.EHLO)
            if options.tls == "starttls":
                self._start_tls(smtp)
            if options.user:
                log_in(smtp, options.user, options.password)
            if smtp.sock is not None:
                smtp.sock.settimeout(options.command_seconds)
                smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except (RelayFault, OSError, ValueError) as failure:  # UnicodeError: a host name that DNS cannot hold
            if smtp is not None:
                smtp.close()
            raise fault(failure) from failure
        return smtp

    def _greeted(self) -> smtplib.SMTP:
        """Connected, and the greeting read. The host name given here is the one that certificates are held against."""
        options = self._options
        seconds = options.connect_seconds
        if options.tls == "implicit":
            return smtplib.SMTP_SSL(options.host, options.port, options.helo, timeout=seconds, context=self._context)
        return smtplib.SMTP(options.host, options.port, options.helo, timeout=seconds)

    def _start_tls(self, smtp: smtplib.SMTP) -> None:
        """Encrypt or give up: nothing goes in the clear (RFC 8314 4.1).

        What was offered before is forgotten (RFC 3207 4.2)."""
        if not smtp.has_extn("starttls"):
            raise RelayFault("it does not offer STARTTLS; nothing was sent in the clear", None)
        _expect(Reply.of(smtp.starttls(context=self._context)), Stage.STARTTLS)
        _expect(Reply.of(smtp.ehlo()), Stage.EHLO)

    def _tidy(self, answers: Mapping[str, RelayAnswer]) -> None:
        """Keep the connection for the next mail, unless this one left it in doubt."""
        self._used_at = self._clock()
        self._mails += 1
        smtp = self._smtp
        all_sent = all(answer.verdict is DeliveryResult.SENT for answer in answers.values())
        if smtp is None or smtp.sock is None or not (all_sent or _reset(smtp)):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _verifying(ca_file: str) -> ssl.SSLContext:
    """Certificates and names are checked, TLS is 1.2 or later (RFC 8996)."""
    context = ssl.create_default_context(cafile=ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _expect(reply: Reply, stage: Stage) -> None:
    """RelayFault unless the relay agrees."""
    if not reply.is_yes:
        verdict = judged(stage, reply)
        raise verdict if isinstance(verdict, RelayFault) else RelayFault(verdict.text, verdict.code)


def _alive(smtp: smtplib.SMTP) -> bool:
    try:
        return Reply.of(smtp.noop()).is_yes
    except OSError:
        return False


def _reset(smtp: smtplib.SMTP) -> bool:
    """End a transaction that did not end well, so that the next mail begins afresh (RFC 5321 4.1.1.5)."""
    try:
        return Reply.of(smtp.docmd("RSET")).is_yes
    except OSError:
        return False


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
