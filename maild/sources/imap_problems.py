"""Says in words what goes wrong with an IMAP server: the cause and the remedy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from maild.ports import TemporaryFailure
from maild.sources.imap_options import MailboxOptions, Tls

LONGEST_TEXT = 300  # characters of a server's words that are repeated in a log line


class RefusalError(Exception):
    """maild refuses to go on with this server, or the server lacks something. The text has cause and remedy."""


class ConnectionLostError(Exception):
    """The server closed the connection while maild waited for mail."""


Words = Callable[[BaseException, MailboxOptions], str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One kind of failure: its cause in words, and what an admin can do."""

    kind: type[BaseException]
    cause: Words
    remedy: Words


def _as_written(error: BaseException, _: MailboxOptions) -> str:
    """The error's own text."""
    return str(error)


def _where(options: MailboxOptions) -> str:
    """The server as host:port."""
    return f"{options.host}:{options.port}"


def _port_hint(_: BaseException, options: MailboxOptions) -> str:
    """A remedy that names the usual port for this kind of TLS (RFC 8314 3.2, RFC 9051 2.1)."""
    usual = 993 if options.tls is Tls.IMPLICIT else 143
    hint = f'check host, port and tls: with tls = "{options.tls}" the port is usually {usual}'
    return hint if options.port != usual else "check host, port and tls, and whether the server speaks TLS 1.2 or newer"


def _certificate(error: BaseException, options: MailboxOptions) -> str:
    """The reason why a certificate is not trusted."""
    reason = getattr(error, "verify_message", "") or str(error)
    return f"the certificate of {_where(options)} is not trusted: {reason}"


# The first row that fits is used, so special kinds come before the general ones.
_TABLE: tuple[_Row, ...] = (
    # The text of a refusal has cause and remedy already.
    _Row(RefusalError, _as_written, lambda _, o: f"see [[mailbox]] {o.name}"),
    # The database or the disk is away: the mails are safe in their folder.
    _Row(
        TemporaryFailure,
        lambda e, _: f"mail cannot be kept now: {e}",
        lambda *_: "nothing is lost, the mail waits in its folder; see the messages about the database",
    ),
    # Many providers refuse the correct account password and want a password made for this program.
    _Row(
        LoginError,
        lambda e, o: f"{_where(o)} refuses the login of {o.user}: {e}",
        lambda _, o: f"check user and {_credential(o)} of [[mailbox]] {o.name}; many providers want an app password",
    ),
    # A wrong name, an unknown authority or an expired certificate. Somebody may be in between.
    _Row(
        ssl.SSLCertVerificationError,
        _certificate,
        lambda *_: "check host, or install the authority's certificate on this machine",
    ),
    # Most often the port speaks TLS and maild does not, or the reverse.
    _Row(ssl.SSLError, lambda e, o: f"no TLS with {_where(o)}: {e}", _port_hint),
    _Row(
        socket.gaierror,
        lambda e, o: f"the name {o.host} cannot be resolved: {e.args[-1]}",
        lambda *_: "check host and the DNS of this machine",
    ),
    _Row(ConnectionRefusedError, lambda _, o: f"nothing listens at {_where(o)}", _port_hint),
    # A silent peer and a dead network look alike.
    _Row(
        TimeoutError,
        lambda _, o: f"{_where(o)} does not answer",
        lambda *_: "check the network, a firewall in between, and the server",
    ),
    _Row(ConnectionLostError, _as_written, lambda *_: "none needed; if it goes on, see the server's log"),
    # BYE (RFC 9051 7.1.5), or an end of the connection in the middle of an answer.
    _Row(
        IMAPClientAbortError,
        lambda e, o: f"{_where(o)} ended the session: {e}",
        lambda *_: "none needed; if it goes on, see the server's log",
    ),
    _Row(
        ProtocolError,
        lambda e, o: f"{_where(o)} does not answer in IMAP: {e}",
        lambda *_: "check host and port, and whether a proxy is in between",
    ),
    _Row(
        IMAPClientError,
        lambda e, o: f"{_where(o)} answers: {e}",
        lambda *_: "see the server's log",
    ),
    _Row(OSError, lambda e, o: f"no connection with {_where(o)}: {e}", lambda *_: "check the network and the server"),
)


def _credential(options: MailboxOptions) -> str:
    """What the login uses, in the words of the configuration."""
    return "password" if options.access_token is None else "the OAuth account"


def explain(error: BaseException, options: MailboxOptions) -> str | None:
    """Return cause and remedy in one line; None for an error that no server and no database can cause."""
    for row in _TABLE:
        if isinstance(error, row.kind):
            cause = " ".join(row.cause(error, options).split())
            return f"{cause[:LONGEST_TEXT]} (remedy: {row.remedy(error, options)})"
    return None
