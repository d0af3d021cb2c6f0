"""The options of one watched IMAP folder, checked for unsafe values."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum
from ipaddress import ip_address
from typing import TypeAlias

DEFAULT_MAX_MESSAGE = 25 * 1024 * 1024
TRUNCATED_TO = 1024 * 1024  # bytes that are fetched of a mail that is over the limit


class Tls(StrEnum):
    """How the connection is protected: TLS from the start (RFC 8314 3), STARTTLS, or not at all."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"  # loopback only


class After(StrEnum):
    """What happens in the folder to a mail that maild has stored."""

    MOVE = "move"
    SEEN = "seen"
    DELETE = "delete"
    LEAVE = "leave"  # nothing: the folder is opened for reading only


class Start(Enum):
    """Which mails count when a folder is seen for the first time. A datetime can name the instant instead."""

    NOW = "now"
    ALL = "all"


StartFrom: TypeAlias = Start | datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MailboxOptions:
    """The options of one watched folder. Times are in seconds, sizes in bytes.

    Exactly one of `password` and `access_token` (OAuth2) is given. It is called at each connect, so that a changed
    secret counts at once, and it is never shown. Raises ValueError with the remedy for unsafe values, and for folders
    that would loop."""

    name: str
    host: str
    user: str
    port: int = 993
    tls: Tls = Tls.IMPLICIT
    password: Callable[[], str] | None = field(default=None, repr=False)
    access_token: Callable[[], str] | None = field(default=None, repr=False)
    folder: str = "INBOX"
    start: StartFrom = Start.NOW
    after: After = After.MOVE
    processed: str = "Processed"
    idle: bool = True
    poll: float = 60.0
    max_message: int = DEFAULT_MAX_MESSAGE
    batch: int = 50
    batch_bytes: int = 32 * 1024 * 1024
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    hand_in_timeout: float = 120.0
    idle_timeout: float = (
        300.0  # RFC 2177 3 allows 29 minutes, but routers and providers drop silent connections sooner
    )
    reconnect_after: float = 12 * 3600.0  # some providers end or freeze a session after a day
    first_retry: float = 1.0
    longest_retry: float = 300.0
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for setting in ("host", "user", "folder", "processed"):
            _refuse_control_characters(self.name, setting, getattr(self, setting))
        if (self.password is None) == (self.access_token is None):
            raise ValueError(f"mailbox {self.name!r}: give either a password or an OAuth account")
        if self.tls is Tls.NONE and not is_loopback(self.host):
            raise ValueError(
                f'mailbox {self.name!r}: tls = "none" would send the password in clear to {self.host}; '
                'write tls = "implicit" (port 993) or "starttls" (port 143)'
            )
        if isinstance(self.start, datetime) and self.start.tzinfo is None:
            raise ValueError(f"mailbox {self.name!r}: start = {self.start} has no time zone")
        if self.after is After.MOVE and _same_folder(self.folder, self.processed):
            raise ValueError(
                f"mailbox {self.name!r}: mails cannot be moved from {self.folder!r} into itself; "
                'name another folder in processed, or write after = "seen"'
            )

    @property
    def read_only(self) -> bool:
        """Whether nothing may be changed in the folder: no mail moved, none flagged."""
        return self.after is After.LEAVE


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _refuse_control_characters(mailbox: str, setting: str, text: str) -> None:
    """Raise ValueError for control characters: a line end in a folder name would begin a command (CVE-2025-15366)."""
    bad = sorted({character for character in text if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0})
    if bad:
        raise ValueError(f"mailbox {mailbox!r}: {setting} has the control character {bad[0]!r}; remove it")
    if not text:
        raise ValueError(f"mailbox {mailbox!r}: {setting} is empty")


def _same_folder(one: str, other: str) -> bool:
    """Whether two names mean one folder. INBOX is the only name that ignores case (RFC 9051 5.1)."""
    return one == other or one.upper() == other.upper() == "INBOX"
