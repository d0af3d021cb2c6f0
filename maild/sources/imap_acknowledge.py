"""What is done in the folder to mails that are durably ours: moved, deleted or marked, never a plain EXPUNGE."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from imapclient import DELETED, FLAGGED, SEEN
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, ProtocolError

from maild.sources.imap_options import After, MailboxOptions
from maild.sources.imap_session import Session

log = logging.getLogger("maild.sources.imap")

KEYWORD = b"$Processed"  # set beside \Seen where a mail should have left the folder but could not

Command = Callable[[Sequence[int]], None]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to acknowledge, for what the admin wants and the server can."""

    after: After
    needs: frozenset[bytes]
    command: Callable[[Acknowledger, Sequence[int]], None]


class Acknowledger:
    """Acknowledges mails in one session. A server that says NO never stops the intake: the mails are ours already.

    `trouble` is the last thing that could not be done as configured, "" when all went well."""

    def __init__(self, session: Session, options: MailboxOptions, warned: set[str]) -> None:
        """`warned` outlives the session, so that each warning is given once."""
        self._client: Any = session.client
        self._options = options
        self._takes_keywords = session.takes_keywords
        self._warned = warned
        self._target: str | None = None
        self._capabilities = session.capabilities
        self.trouble = ""

    def acknowledge(self, uids: Sequence[int]) -> None:
        """Mark the mails in the folder as dealt with. Harmless when repeated and for mails that have gone."""
        if uids:
            way = next(way for way in _WAYS if way.after is self._options.after and way.needs <= self._capabilities)
            self._try(lambda: way.command(self, uids), uids)

    def flag(self, uids: Sequence[int]) -> None:
        """Mark mails over the limit for people, and leave them where they are."""
        if not uids or self._options.read_only:
            return
        try:
            self._client.add_flags(uids, FLAGGED, silent=True)
        except IMAPClientError as error:
            self._carry_on(error, "mails over the limit cannot be flagged")

    def _try(self, command: Callable[[], None], uids: Sequence[int]) -> None:
        try:
            command()
        except IMAPClientError as error:
            self._carry_on(error, f'after = "{self._options.after}" does not work')
            self._mark(uids)

    def _carry_on(self, error: IMAPClientError, what: str) -> None:
        """A NO of the server becomes a warning; a broken connection is still one."""
        if isinstance(error, (IMAPClientAbortError, ProtocolError)):
            raise error
        self._warn(f"{what}: {error}; the mails stay in {self._options.folder!r} (remedy: check quota and rights)")

    def _warn(self, text: str) -> None:
        self.trouble = text
        if text not in self._warned:
            self._warned.add(text)
            log.warning("mailbox %s: %s", self._options.name, text)

    # -- the ways -----------------------------------------------------------------------------------------------

    def _move(self, uids: Sequence[int]) -> None:
        self._transfer(self._client.move, uids)

    def _copy_and_expunge(self, uids: Sequence[int]) -> None:
        """COPY, then \\Deleted, then UID EXPUNGE. What has \\Deleted already was copied before an interruption."""
        flags = self._client.get_flags(uids)
        uncopied = [uid for uid in uids if uid in flags and DELETED not in flags[uid]]
        if uncopied:
            self._transfer(self._client.copy, uncopied)
        self._delete(uids)

    def _delete(self, uids: Sequence[int]) -> None:
        """RFC 4315 2.1: only these mails go, not those that somebody else has marked \\Deleted."""
        self._client.add_flags(uids, DELETED, silent=True)
        self._client.uid_expunge(uids)

    def _leave(self, uids: Sequence[int]) -> None:
        """Send nothing: the mails are not ours to touch."""

    def _see(self, uids: Sequence[int]) -> None:
        self._client.add_flags(uids, SEEN, silent=True)

    def _stay(self, uids: Sequence[int]) -> None:
        self._warn(
            f'the server can neither MOVE nor UID EXPUNGE, so after = "{self._options.after}" is not safe there; '
            'mails are marked as seen instead (remedy: write after = "seen")'
        )
        self._mark(uids)

    def _mark(self, uids: Sequence[int]) -> None:
        """\\Seen and, where the folder takes keywords, one of ours that tells people why."""
        flags = [SEEN, KEYWORD] if self._takes_keywords else [SEEN]
        try:
            self._client.add_flags(uids, flags, silent=True)
        except IMAPClientError as error:
            self._carry_on(error, "mails cannot even be marked as seen")

    # -- the folder for processed mail --------------------------------------------------------------------------

    def _transfer(self, command: Callable[[Sequence[int], str], object], uids: Sequence[int]) -> None:
        """MOVE or COPY; after a NO the folder is made and the command repeated (RFC 9051 6.4.7, TRYCREATE)."""
        if self._target is None:
            self._target = self._resolve(self._options.processed)
        try:
            command(uids, self._target)
        except (IMAPClientAbortError, ProtocolError):
            raise
        except IMAPClientError as refusal:
            try:
                self._client.create_folder(self._target)
            except (IMAPClientAbortError, ProtocolError):
                raise
            except IMAPClientError:
                raise refusal from None  # the folder was there or may not be made: the first answer tells more
            log.info("mailbox %s: made the folder %r", self._options.name, self._target)
            command(uids, self._target)

    def _resolve(self, folder: str) -> str:
        """The folder's name on this server: its own prefix and separator instead of "/" (RFC 2342)."""
        prefix, separator = self._namespace()
        if separator and separator != "/":
            folder = folder.replace("/", separator)
        return folder if folder.startswith(prefix) else prefix + folder

    def _namespace(self) -> tuple[str, str]:
        try:
            if b"NAMESPACE" in self._capabilities:
                personal = self._client.namespace().personal
                if personal:
                    prefix, separator = personal[0]
                    return str(prefix or ""), str(separator or "")
            listed = self._client.list_folders("", "")  # RFC 9051 6.3.9.1: an empty name asks for the separator alone
            return "", listed[0][1].decode("ascii") if listed and listed[0][1] else ""
        except (IMAPClientAbortError, ProtocolError):
            raise
        except IMAPClientError as error:
            log.debug("mailbox %s: the server does not tell how folders are named: %s", self._options.name, error)
            return "", ""


# The first way that fits is taken.
_WAYS: tuple[_Way, ...] = (
    # One atomic command: no moment in which the mail is in both folders or in none (RFC 6851).
    _Way(After.MOVE, frozenset({b"MOVE"}), Acknowledger._move),
    # The same in three steps; UID EXPUNGE spares what others have marked (RFC 4315).
    _Way(After.MOVE, frozenset({b"UIDPLUS"}), Acknowledger._copy_and_expunge),
    _Way(After.DELETE, frozenset({b"UIDPLUS"}), Acknowledger._delete),
    # A folder that is only read stays as it is, whatever the server can.
    _Way(After.LEAVE, frozenset(), Acknowledger._leave),
    # A flag needs no extension.
    _Way(After.SEEN, frozenset(), Acknowledger._see),
    # A plain EXPUNGE would take mails with it that a person only marked: they stay, marked.
    _Way(After.MOVE, frozenset(), Acknowledger._stay),
    _Way(After.DELETE, frozenset(), Acknowledger._stay),
)
