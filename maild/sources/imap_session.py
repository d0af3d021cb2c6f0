"""One IMAP connection with its folder selected, and the commands that maild sends over it."""

from __future__ import annotations

import imaplib
import logging
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event as ThreadEvent
from typing import Any

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from maild import __version__
from maild.sources.imap_connection import connect, has_unread, log_in, protect
from maild.sources.imap_options import TRUNCATED_TO, MailboxOptions
from maild.sources.imap_problems import ConnectionLostError, RefusalError

log = logging.getLogger("maild.sources.imap")

# imaplib gives up at lines over 1 MB. A search in a folder of 130,000 mails has such an answer.
imaplib._MAXLINE = 32 * 1024 * 1024  # type: ignore[attr-defined]

STOP_CHECK = 1.0  # seconds between two looks at `stop`
FAREWELL = 2.0  # seconds that a server may take to answer LOGOUT
LISTING = 500  # UIDs in one command, so that its line stays below 8,192 octets, which every server takes (RFC 7162 4)


@dataclass(frozen=True, slots=True)
class ListedMail:
    """A mail in the folder whose body is not fetched yet."""

    uid: int
    size: int  # bytes (RFC 9051 2.3.4)
    arrived_at: datetime  # INTERNALDATE (RFC 9051 2.3.3), in UTC


class Session:
    """A connection with the watched folder selected. Every method may raise what `imap_problems` can explain."""

    def __init__(self, options: MailboxOptions) -> None:
        self._options = options
        self._client: Any = None
        self._born = time.monotonic()
        self.capabilities: frozenset[bytes] = frozenset()
        self.uidvalidity = 0
        self.takes_keywords = False
        self._newest = 0
        self._found_new = False
        self._looked_again = False

    def open(self) -> None:
        """Connect, make the connection safe, log in and select the folder.

        Raises RefusalError and sends no secret if the connection is not safe."""
        client = self._client = connect(self._options)
        protect(client, self._options)
        log_in(client, self._options)
        # The capabilities may differ from those before the login (RFC 9051 6.2.2), so they are asked for again.
        self.capabilities = frozenset(client.capabilities())
        self._introduce()
        self.uidvalidity, self.takes_keywords = self._select()
        self._born = time.monotonic()

    @property
    def client(self) -> Any:
        """The IMAPClient itself, for the Acknowledger."""
        return self._client

    @property
    def age(self) -> float:
        """Seconds since the folder was selected."""
        return time.monotonic() - self._born

    def _introduce(self) -> None:
        """Send ID (RFC 2971 3.1): some providers refuse clients that do not say their name."""
        if b"ID" not in self.capabilities:
            return
        try:
            self._client.id_({"name": "maild", "version": __version__})
        except (IMAPClientAbortError, ProtocolError):
            raise
        except IMAPClientError as error:
            log.debug("mailbox %s: the server does not take our ID: %s", self._options.name, error)

    def _select(self) -> tuple[int, bool]:
        """Select the folder -> (its UIDVALIDITY, whether it takes keywords of ours)."""
        folder = self._options.folder
        try:
            # After EXAMINE (RFC 9051 6.3.3) no command can change anything, and even \Recent stays as it is.
            answer = self._client.select_folder(folder, readonly=self._options.read_only)
        except imaplib.IMAP4.readonly:
            raise RefusalError(
                f"{self._options.user} may only read the folder {folder!r}, so no mail could be acknowledged; "
                "give that user the right to change flags and to move mails"
            ) from None
        except (IMAPClientAbortError, ProtocolError):
            raise
        except IMAPClientError as error:
            raise RefusalError(f"the folder {folder!r} cannot be opened: {error}; {self._folders_there()}") from error
        uidvalidity = answer.get(b"UIDVALIDITY")
        if not isinstance(uidvalidity, int):
            raise RefusalError(
                f"the server keeps no UIDs for {folder!r} (RFC 9051 2.3.1.1), so its mails cannot be told apart; "
                "choose another folder"
            )
        return uidvalidity, b"\\*" in answer.get(b"PERMANENTFLAGS", ())  # RFC 9051 7.1

    def _folders_there(self) -> str:
        """List the folders of the server, for an admin who mistyped the name. A failure here is part of the text."""
        try:
            names = sorted(str(name) for _, _, name in self._client.list_folders())
        except IMAPClientError as error:
            return f"the server does not list its folders either: {error}"
        return f"folders there: {', '.join(names[:20])}" if names else "there are no folders at all"

    # -- reading ------------------------------------------------------------------------------------------------

    def search_above(self, uid: int) -> list[int]:
        """Return the UIDs above this one, ascending (RFC 9051 6.4.4)."""
        self._client.noop()  # some servers show new mail only after a command that may report it
        self._mail_announced()  # forget the announcements: the search finds that mail
        # `n:*` always includes the last mail, even below n (RFC 9051 9, seq-range), so lower UIDs are left out.
        found = sorted({found for found in self._client.search(["UID", f"{uid + 1}:*"]) if found > uid})
        newest = max(found, default=uid)
        self._found_new, self._newest = newest > self._newest, newest
        return found

    def still_there(self, uids: Sequence[int]) -> set[int]:
        """Return those of the UIDs that are in the folder at this moment."""
        if not uids:
            return set()
        self._client.noop()
        return set(self._client.search(["UID", ",".join(map(str, uids))])) & set(uids)

    def sizes(self, uids: Sequence[int], fallback: datetime) -> dict[int, ListedMail]:
        """Fetch sizes and INTERNALDATEs, by UID. Mails that are gone are missing.

        `fallback` replaces a date that cannot be read."""
        answers = self._fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        return {
            uid: ListedMail(uid, size, _in_utc(answer.get(b"INTERNALDATE"), fallback))
            for uid, answer in answers.items()
            if isinstance(size := answer.get(b"RFC822.SIZE"), int)
        }

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Fetch the exact bytes of the mails, by UID. Mails that are gone are missing.

        BODY.PEEK sets no \\Seen (RFC 9051 6.4.5)."""
        return _raw(self._fetch(uids, ["BODY.PEEK[]"]), b"BODY[]")

    def beginnings(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Fetch the first TRUNCATED_TO bytes of the mails, one by one (RFC 9051 6.4.5, partial)."""
        found: dict[int, bytes] = {}
        for uid in uids:
            found |= _raw(self._fetch([uid], [f"BODY.PEEK[]<0.{TRUNCATED_TO}>"]), b"BODY[]<0>")
        return found

    def _fetch(self, uids: Sequence[int], what: list[str]) -> dict[int, dict[bytes, Any]]:
        """FETCH the items, by UID.

        After a NO fetch mail by mail: another client may have deleted one (RFC 5530 3, EXPUNGEISSUED)."""
        if not uids:
            return {}
        try:
            # Always a list of numbers, never "1:*": imapclient 4 cannot match a range with its answer.
            return dict(self._client.fetch(list(uids), what))
        except (IMAPClientAbortError, ProtocolError):
            raise
        except IMAPClientError as error:
            if len(uids) == 1:
                log.debug("mailbox %s: UID %d cannot be fetched: %s", self._options.name, uids[0], error)
                return {}
        answers: dict[int, dict[bytes, Any]] = {}
        for uid in uids:
            answers |= self._fetch([uid], what)
        return answers

    # -- waiting ------------------------------------------------------------------------------------------------

    def wait(self, seconds: float, stop: ThreadEvent) -> None:
        """Return when there may be new mail, or after `seconds`, or within a second of `stop`."""
        # A server may have announced a mail in its answer to another command. IDLE does not announce it again, so look
        # at once. A server that announces mail and has none is believed only once.
        if self._mail_announced() and (self._found_new or not self._looked_again):
            self._looked_again = True
            return
        self._looked_again = False
        if self._options.idle and b"IDLE" in self.capabilities:
            self._idle(min(seconds, self._options.idle_timeout), stop)
        else:
            stop.wait(seconds)

    def _mail_announced(self) -> bool:
        """Whether any answer since the last call had an EXISTS (RFC 9051 7.4.1)."""
        return self._client._imap.untagged_responses.pop("EXISTS", None) is not None

    def _idle(self, seconds: float, stop: ThreadEvent) -> None:
        """Wait with IDLE (RFC 2177 3).

        Raises ConnectionLostError if the server has closed the connection: imapclient would answer [] for ever."""
        end = time.monotonic() + seconds
        news = self._begin_idle()
        while not news and not stop.is_set() and (left := end - time.monotonic()) > 0:
            slice_ = min(left, STOP_CHECK)
            began = time.monotonic()
            answers = self._client.idle_check(timeout=slice_)
            if not answers and time.monotonic() - began < slice_ / 2:
                raise ConnectionLostError(f"{self._options.host} closed the connection while we waited for mail")
            news = any(_announces_mail(answer, self._options.host) for answer in answers)
        if stop.is_set():
            self._client.socket().settimeout(FAREWELL)
        self._client.idle_done()

    def _begin_idle(self) -> bool:
        """Send IDLE -> True if the server sent something at once, before its "+" or in one packet with it.

        imapclient's idle() takes the first case for an error, and its idle_check() does not see the second."""
        client = self._client
        imap = client._imap
        tag = client._idle_tag = imap._command("IDLE")
        reported = False
        while imap._get_response() is not None:
            if imap.tagged_commands[tag]:
                raise IMAPClientError(f"IDLE refused: {imap.tagged_commands.pop(tag)}")
            reported = True
        return reported or has_unread(imap, client.socket())

    # -- leaving ------------------------------------------------------------------------------------------------

    def log_out(self) -> None:
        """Send LOGOUT (RFC 9051 6.1.3). A server that does not answer in time is left."""
        try:
            self._client.socket().settimeout(FAREWELL)
            self._client.logout()
        except (IMAPClientError, OSError) as error:
            log.debug("mailbox %s: no answer to LOGOUT: %s", self._options.name, error)
            self.drop()

    def drop(self) -> None:
        """Close the connection without LOGOUT."""
        if self._client is not None:
            with suppress(OSError):
                self._client.shutdown()

    def cut(self) -> None:
        """Make a call that waits for the server fail now. Another thread may call this."""
        if self._client is None:
            return
        with suppress(OSError):
            # Not SSLSocket.shutdown: it would remove the TLS layer while the other thread uses it.
            socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)


def _raw(answers: dict[int, dict[bytes, Any]], item: bytes) -> dict[int, bytes]:
    """Return the named item of each answer that has it. NIL means that the mail is gone."""
    return {uid: raw for uid, answer in answers.items() if isinstance(raw := answer.get(item), bytes)}


def _in_utc(date: object, fallback: datetime) -> datetime:
    """Return the date in UTC, or `fallback` if it has no zone or lies outside of what datetime can hold."""
    if not isinstance(date, datetime) or date.tzinfo is None:
        return fallback
    try:
        return date.astimezone(UTC)
    except (OverflowError, ValueError):  # the year 1 or 9999 in another zone
        return fallback


def _announces_mail(answer: Any, host: str) -> bool:
    """Whether an untagged answer during IDLE is a reason to look for mail. Raises ConnectionLostError for BYE."""
    if isinstance(answer, tuple) and answer and answer[0] == b"BYE":
        raise ConnectionLostError(f"{host} said BYE while we waited for mail")
    return isinstance(answer, tuple) and len(answer) >= 2 and answer[1] in (b"EXISTS", b"RECENT")
