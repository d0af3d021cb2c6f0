"""How an IMAP connection is made: TLS that is verified or none at all, and a login that shows its secret to nobody."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from maild.sources.imap_options import MailboxOptions, Tls
from maild.sources.imap_problems import RefusalError


def connect(options: MailboxOptions) -> Any:
    """TCP, TLS where it is implicit, and the greeting."""
    implicit = options.tls is Tls.IMPLICIT
    client = IMAPClient(
        options.host,
        options.port,
        ssl=implicit,
        ssl_context=_tls_context(options) if implicit else None,
        timeout=SocketTimeout(options.connect_timeout, options.read_timeout),
    )
    client.normalise_times = False  # else INTERNALDATE loses its zone
    client._imap.debug = 0  # imapclient sets 5: every literal would be formatted for the log, several times
    _cap_literals(client._imap, 2 * options.max_message + 16 * 1024 * 1024)
    return client


def protect(client: Any, options: MailboxOptions) -> None:
    """Make sure that nobody is in between before a secret is sent. Raises RefusalError when that cannot be."""
    _notice_dead_peers(client.socket())
    _refuse_preauth(client, options)
    if options.tls is Tls.STARTTLS:
        _start_tls(client, options)


def _refuse_preauth(client: Any, options: MailboxOptions) -> None:
    """PREAUTH logs us in as somebody we did not choose, and rules STARTTLS out (RFC 9051 11.1)."""
    if (client.welcome or b"").upper().startswith(b"* PREAUTH"):
        raise RefusalError(f"{options.host} greets with PREAUTH, as if we had logged in: an attack, or a wrong port")


def _tls_context(options: MailboxOptions) -> ssl.SSLContext:
    """Certificates and names are verified, TLS 1.2 at least (RFC 8996)."""
    if options.ssl_context is not None:
        return options.ssl_context
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _cap_literals(imap: Any, limit: int) -> None:
    """A server must not make us reserve memory for a literal that no mail within the limits can need."""
    read = imap.read

    def capped(size: int) -> bytes:
        if size > limit:
            raise IMAPClientAbortError(f"a literal of {size} bytes is announced, more than {limit}")
        return bytes(read(size))

    imap.read = capped


def _notice_dead_peers(connection: socket.socket) -> None:
    """A half-open connection is found dead in two minutes at most, even while we only listen."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    seconds = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 60_000}  # the last in ms
    for name, value in seconds.items():
        if hasattr(socket, name):  # not every system has all four
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class _CleanHandshake:
    """Stands for the TLS context in STARTTLS, and looks at the connection between the server's OK and the handshake.

    Whatever lies there was sent in clear before the TLS began: somebody injects answers (NO STARTTLS, 2021)."""

    def __init__(self, imap: Any, options: MailboxOptions) -> None:
        self._imap = imap
        self._options = options

    def wrap_socket(self, connection: socket.socket, server_hostname: str) -> ssl.SSLSocket:
        if has_unread(self._imap, connection):
            raise RefusalError(
                f"{self._options.host} sent data in clear between STARTTLS and TLS: somebody is in between"
            )
        self._imap.untagged_responses.clear()  # whatever was said in clear counts no longer (RFC 9051 6.2.1)
        return _tls_context(self._options).wrap_socket(connection, server_hostname=server_hostname)


def has_unread(imap: Any, connection: socket.socket) -> bool:
    """Whether the server has sent more than we have read; looks, takes nothing, never waits."""
    if hasattr(imap, "_readbuf"):  # since Python 3.14 imaplib has a buffer of its own
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
    """STARTTLS or nothing: there is no way back to clear text."""
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
    """Raises LoginError when the server refuses the credential; its own words are repeated without the secret."""
    secret = _secret(options)
    try:
        if options.access_token is not None:
            client.sasl_login(*_bearer(client, options.user, secret))
        elif _needs_plain(client, options.user + secret):
            client.plain_login(options.user, secret)
        elif client.has_capability("LOGINDISABLED"):
            raise RefusalError(f'{options.host} takes no password over this connection; write tls = "starttls"')
        elif not (options.user + secret).isascii():
            raise RefusalError(
                f"{options.host} takes ASCII letters only in user and password (it offers no AUTH=PLAIN)"
            )
        else:
            client.login('"' + options.user.replace("\\", "\\\\").replace('"', '\\"') + '"', secret)
    except LoginError as error:
        said = str(error).replace(secret, "***")
        # A connection that ends during the login says nothing about the credential.
        lost = isinstance(error.__context__, IMAPClientAbortError)
        raise (IMAPClientAbortError if lost else LoginError)(said) from None


def _secret(options: MailboxOptions) -> str:
    """Ask for the secret now. Raises RefusalError when there is none or it could not stand in a command."""
    source = options.access_token or options.password
    assert source is not None  # MailboxOptions sees to it
    try:
        secret = source()
    except Exception as error:
        raise RefusalError(f"the secret of {options.user} cannot be read: {error}") from error
    if not secret or any(character in secret for character in "\r\n\0"):
        raise RefusalError(f"the secret of {options.user} is empty or has a line end in it; write it anew without one")
    return secret


def _needs_plain(client: Any, text: str) -> bool:
    """LOGIN cannot carry other letters than ASCII (RFC 9051 6.2.3); AUTHENTICATE PLAIN can (RFC 4616)."""
    return bool(client.has_capability("AUTH=PLAIN")) and (
        not text.isascii() or bool(client.has_capability("LOGINDISABLED"))
    )


def _bearer(client: Any, user: str, token: str) -> tuple[str, Any]:
    """The OAuth2 mechanism that the server knows; the token, then nothing more to a refusal (RFC 7628 3.2.3)."""
    if client.has_capability("AUTH=OAUTHBEARER"):
        name = user.replace("=", "=3D").replace(",", "=2C")
        mechanism, first = "OAUTHBEARER", f"n,a={name},\1auth=Bearer {token}\1\1"
    else:
        mechanism, first = "XOAUTH2", f"user={user}\1auth=Bearer {token}\1\1"
    return mechanism, lambda challenge: b"" if challenge else first.encode()
