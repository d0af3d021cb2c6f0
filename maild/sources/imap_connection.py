"""Makes an IMAP connection: with verified TLS or not at all, and with a login that shows the secret to nobody else."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from maild.sources.imap_options import MailboxOptions, Tls
from maild.sources.imap_problems import RefusalError


def connect(options: MailboxOptions) -> Any:
    """Connect by TCP, with TLS if it is implicit, and read the greeting -> an IMAPClient.

    Raises OSError or IMAPClientError; no secret has been sent then."""
    implicit = options.tls is Tls.IMPLICIT
    client = IMAPClient(
        options.host,
        options.port,
        ssl=implicit,
        ssl_context=_tls_context(options) if implicit else None,
        timeout=SocketTimeout(options.connect_timeout, options.read_timeout),
    )
    client.normalise_times = False  # otherwise INTERNALDATE loses its zone
    client._imap.debug = 0  # imapclient sets 5, which formats every literal for the log several times
    _cap_literals(client._imap, 2 * options.max_message + 16 * 1024 * 1024)
    return client


def protect(client: Any, options: MailboxOptions) -> None:
    """Make the connection safe for a secret: no PREAUTH, and TLS by STARTTLS if configured.

    Raises RefusalError if that is not possible."""
    _notice_dead_peers(client.socket())
    _refuse_preauth(client, options)
    if options.tls is Tls.STARTTLS:
        _start_tls(client, options)


def _refuse_preauth(client: Any, options: MailboxOptions) -> None:
    """Refuse a PREAUTH greeting: it logs us in as somebody else and makes STARTTLS impossible (RFC 9051 11.1)."""
    if (client.welcome or b"").upper().startswith(b"* PREAUTH"):
        raise RefusalError(
            f"{options.host} greets with PREAUTH, as if we had logged in: check host and port, it may be an attack"
        )


def _tls_context(options: MailboxOptions) -> ssl.SSLContext:
    """Return a TLS context that checks certificates and names (RFC 8314 5.3) and wants TLS 1.2 or later (RFC 8997)."""
    if options.ssl_context is not None:
        return options.ssl_context
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _cap_literals(imap: Any, limit: int) -> None:
    """End the session at a literal above `limit` bytes (RFC 9051 4.3): no mail within the limits needs so much memory.

    imaplib would reserve the memory before it reads the first byte."""
    read = imap.read

    def capped(size: int) -> bytes:
        if size > limit:
            raise IMAPClientAbortError(f"a literal of {size} bytes is announced, at most {limit} are read")
        return bytes(read(size))

    imap.read = capped


def _notice_dead_peers(connection: socket.socket) -> None:
    """Let the system test the connection, so that a dead one is found within two minutes, even during IDLE."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}  # the last in ms
    for name, value in seconds.items():
        if hasattr(socket, name):  # not every system has all four
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _CleanHandshake:
    """Takes the place of the TLS context in STARTTLS and looks for data between the server's OK and the handshake.

    Such data was sent in clear before TLS began: somebody injects answers (the attack NO STARTTLS, 2021)."""

    def __init__(self, imap: Any, options: MailboxOptions) -> None:
        self._imap = imap
        self._options = options

    def wrap_socket(self, connection: socket.socket, server_hostname: str) -> ssl.SSLSocket:
        """Begin TLS. Raises RefusalError if the server has sent something in clear already."""
        if has_unread(self._imap, connection):
            raise RefusalError(
                f"{self._options.host} sent data in clear between STARTTLS and TLS: somebody may be in between"
            )
        self._imap.untagged_responses.clear()  # what the server said in clear does not count (RFC 9051 6.2.1)
        return _tls_context(self._options).wrap_socket(connection, server_hostname=server_hostname)


def has_unread(imap: Any, connection: socket.socket) -> bool:
    """Whether the server has sent more than we have read. Reads nothing and never waits."""
    if hasattr(imap, "_readbuf"):  # from Python 3.14 on imaplib has its own buffer
        return bool(imap._readbuf)
    patience = connection.gettimeout()
    connection.settimeout(0)
    try:
        return bool(imap.file.peek(1))
    except ssl.SSLWantReadError:
        return False
    finally:
        connection.settimeout(patience)


def _start_tls(client: Any, options: MailboxOptions) -> None:
    """Begin TLS (RFC 9051 6.2.1), or raise RefusalError: maild never goes on in clear text (RFC 8314 5.2)."""
    remedy = 'write tls = "implicit" with port 993 if the server has that, and never a weaker setting'
    try:
        client.starttls(ssl_context=_CleanHandshake(client._imap, options))
    except CapabilityError as error:
        raise RefusalError(f"{options.host} offers no STARTTLS; {remedy}") from error
    except (IMAPClientAbortError, ProtocolError):
        raise
    except IMAPClientError as error:
        raise RefusalError(f"{options.host} refuses STARTTLS: {error}; {remedy}") from error


def log_in(client: Any, options: MailboxOptions) -> None:
    """Log in with the password or the access token.

    Raises LoginError if the server refuses it; its text has *** for the secret. Raises RefusalError if there is no
    usable secret or no safe way to send it."""
    secret = _secret(options)
    try:
        if options.access_token is not None:
            client.sasl_login(*_bearer(client, options.user, secret))
        elif _needs_plain(client, options.user + secret):
            client.plain_login(options.user, secret)
        elif client.has_capability("LOGINDISABLED"):  # RFC 9051 6.2.3
            raise RefusalError(f'{options.host} takes no password over this connection; write tls = "starttls"')
        elif not (options.user + secret).isascii():
            raise RefusalError(
                f"{options.host} takes only ASCII letters in user and password, because it offers no AUTH=PLAIN; "
                "choose such a password"
            )
        else:  # imaplib quotes the password, but not the user (RFC 9051 4.3)
            client.login('"' + options.user.replace("\\", "\\\\").replace('"', '\\"') + '"', secret)
    except LoginError as error:
        said = str(error).replace(secret, "***")
        # A connection that ends during the login says nothing about the password.
        lost = isinstance(error.__context__, IMAPClientAbortError)
        raise (IMAPClientAbortError if lost else LoginError)(said) from None


def _secret(options: MailboxOptions) -> str:
    """Fetch the secret. Raises RefusalError if there is none, or if it cannot be part of a command."""
    source = options.access_token or options.password
    assert source is not None  # MailboxOptions makes sure of it
    try:
        secret = source()
    except Exception as error:
        raise RefusalError(f"the secret of {options.user} cannot be read: {error}") from error
    if not secret or any(character in secret for character in "\r\n\0"):
        raise RefusalError(f"the secret of {options.user} is empty or has a line end in it; write it again without one")
    return secret


def _needs_plain(client: Any, text: str) -> bool:
    """Whether to use AUTHENTICATE PLAIN (RFC 4616 2).

    LOGIN cannot carry letters beyond ASCII, and servers may disable it (RFC 9051 6.2.3)."""
    return bool(client.has_capability("AUTH=PLAIN")) and (
        not text.isascii() or bool(client.has_capability("LOGINDISABLED"))
    )


def _bearer(client: Any, user: str, token: str) -> tuple[str, Any]:
    """Return (mechanism, what to answer): OAUTHBEARER (RFC 7628 3.1) if the server offers it, else XOAUTH2.

    The first answer is the token. The answer to a refusal is empty (RFC 7628 3.2.3)."""
    if client.has_capability("AUTH=OAUTHBEARER"):
        # RFC 5801 4: "=" and "," are escaped in the name.
        name = user.replace("=", "=3D").replace(",", "=2C")
        mechanism, first = "OAUTHBEARER", f"n,a={name},\1auth=Bearer {token}\1\1"
    else:
        mechanism, first = "XOAUTH2", f"user={user}\1auth=Bearer {token}\1\1"
    return mechanism, lambda challenge: b"" if challenge else first.encode()
