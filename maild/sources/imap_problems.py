"""What goes wrong with an IMAP server, in words: the cause, and what mends it."""

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
    """We refuse to go on with this server, or it cannot do what is demanded; the sentence names cause and remedy."""


class ConnectionLostError(Exception):
    """The server ended the connection without a word."""


Words = Callable[[BaseException, MailboxOptions], str]


@dataclass(frozen=True, slots=True)
class _Row:
    """One kind of failure: what is said of it, and what an admin can do."""

    kind: type[BaseException]
    cause: Words
    remedy: Words


def _as_written(error: BaseException, _: MailboxOptions) -> str:
    return str(error)


def _where(options: MailboxOptions) -> str:
    return f"{options.host}:{options.port}"


def _port_hint(_: BaseException, options: MailboxOptions) -> str:
    usual = 993 if options.tls is Tls.IMPLICIT else 143
    hint = f'check host, port and tls: with tls = "{options.tls}" the port is usually {usual}'
    return hint if options.port != usual else "check host, port and tls, and whether the server speaks TLS 1.2 or newer"


def _certificate(error: BaseException, options: MailboxOptions) -> str:
    reason = getattr(error, "verify_message", "") or str(error)
    return f"the certificate of {_where(options)} is not trusted: {reason}"


# The first row that fits speaks: special kinds stand above the families they belong to.
_TABLE: tuple[_Row, ...] = (
    # Our own refusals carry both halves already.
    _Row(RefusalError, _as_written, lambda _, o: f"see [[mailbox]] {o.name}"),
    # The database or the disk is away: the mails are safe in their folder.
    _Row(
        TemporaryFailure,
        lambda e, _: f"mail cannot be kept just now: {e}",
        lambda *_: "nothing is lost, it waits in its folder; see the store's own messages",
    ),
    # Many providers answer a correct account password with NO and want one made for this program.
    _Row(
        LoginError,
        lambda e, o: f"{_where(o)} refuses the login of {o.user}: {e}",
        lambda _, o: f"check user and {_credential(o)} of [[mailbox]] {o.name}; many providers want an app password",
    ),
    # A wrong name, an unknown authority, an expired certificate: somebody may be in between.
    _Row(
        ssl.SSLCertVerificationError,
        _certificate,
        lambda *_: "check host, or install the authority's certificate on this machine",
    ),
    # Most often a TLS port spoken to in clear, or the reverse.
    _Row(ssl.SSLError, lambda e, o: f"no TLS with {_where(o)}: {e}", _port_hint),
    _Row(
        socket.gaierror,
        lambda e, o: f"the name {o.host} cannot be resolved: {e.args[-1]}",
        lambda *_: "check host and this machine's DNS",
    ),
    _Row(ConnectionRefusedError, lambda _, o: f"nothing listens at {_where(o)}", _port_hint),
    # A silent peer and a dead network look alike.
    _Row(
        TimeoutError,
        lambda _, o: f"{_where(o)} does not answer",
        lambda *_: "check the network, a firewall in between, and the server",
    ),
    _Row(ConnectionLostError, _as_written, lambda *_: "none needed unless it goes on: see the server's log"),
    # BYE, or an end of the connection in the middle of an answer.
    _Row(
        IMAPClientAbortError,
        lambda e, o: f"{_where(o)} ended the session: {e}",
        lambda *_: "none needed unless it goes on: see the server's log",
    ),
    _Row(
        ProtocolError,
        lambda e, o: f"{_where(o)} answers what is no IMAP: {e}",
        lambda *_: "check host and port, and for a proxy in between",
    ),
    _Row(
        IMAPClientError,
        lambda e, o: f"{_where(o)} answers: {e}",
        lambda *_: "see the server's log",
    ),
    _Row(OSError, lambda e, o: f"no connection with {_where(o)}: {e}", lambda *_: "check the network and the server"),
)


def _credential(options: MailboxOptions) -> str:
    return "password" if options.access_token is None else "the OAuth account"


def explain(error: BaseException, options: MailboxOptions) -> str | None:
    """Cause and remedy in one line; None when the error is none that a server or a store can cause."""
    for row in _TABLE:
        if isinstance(error, row.kind):
            cause = " ".join(row.cause(error, options).split())
            return f"{cause[:LONGEST_TEXT]} (remedy: {row.remedy(error, options)})"
    return None
