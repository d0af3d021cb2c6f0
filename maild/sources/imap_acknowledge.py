"""Acknowledges mails in their folder once they are durable: moves, deletes or marks them. Never a plain EXPUNGE."""

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

KEYWORD = b"$Processed"  # set with \Seen on a mail that should have left the folder but could not

Command = Callable[[Sequence[int]], None]


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to acknowledge mails."""

    after: After  # what the admin wants
    needs: frozenset[bytes]  # the capabilities that the server must have for it (RFC 9051 7.2.2)
    command: Callable[[Acknowledger, Sequence[int]], None]


class Acknowledger:
    """Acknowledges mails in one session.

    A NO from the server becomes a warning and never stops the intake, because the mails are durable already. `problem`
    is the last thing that could not be done as configured, "" if all went well."""

    def __init__(self, session: Session, options: MailboxOptions, warned: set[str]) -> None:
        """`warned` lives longer than the session, so that each warning is logged once."""
        self._client: Any = session.client
        self._options = options
        self._takes_keywords = session.takes_keywords
        self._warned = warned
        self._target: str | None = None
        self._capabilities = session.capabilities
        self.problem = ""

    def acknowledge(self, uids: Sequence[int]) -> None:
        """Acknowledge the mails as configured. Repeating it does no harm, and mails that are gone are skipped.

        Raises IMAPClientAbortError or ProtocolError if the connection breaks."""
        if uids:
            way = next(way for way in _WAYS if way.after is self._options.after and way.needs <= self._capabilities)
            self._try(lambda: way.command(self, uids), uids)

    def flag(self, uids: Sequence[int]) -> None:
        """Set \\Flagged on mails over the limit, so that people see them, and leave them in the folder."""
        if not uids or self._options.read_only:
            return
        try:
            self._client.add_flags(uids, FLAGGED, silent=True)
        except IMAPClientError as error:
            self._carry_on(error, "mails over the limit cannot be flagged")

    def _try(self, command: Callable[[], None], uids: Sequence[int]) -> None:
        """Run the command; after a NO mark the mails as seen instead."""
        try:
            command()
        except IMAPClientError as error:
            self._carry_on(error, f'after = "{self._options.after}" does not work')
            self._mark(uids)

    def _carry_on(self, error: IMAPClientError, what: str) -> None:
        """Turn a NO of the server into a warning. A broken connection is raised again."""
        if isinstance(error, (IMAPClientAbortError, ProtocolError)):
            raise error
        self._warn(f"{what}: {error}; the mails stay in {self._options.folder!r} (remedy: check quota and rights)")

    def _warn(self, text: str) -> None:
        """Remember the problem, and log it once."""
        self.problem = text
        if text not in self._warned:
            self._warned.add(text)
            log.warning("mailbox %s: %s", self._options.name, text)

    # -- the ways -----------------------------------------------------------------------------------------------

    def _move(self, uids: Sequence[int]) -> None:
        """MOVE the mails (RFC 6851 3.2)."""
        self._transfer(self._client.move, uids)

    def _copy_and_expunge(self, uids: Sequence[int]) -> None:
        """COPY the mails, mark them \\Deleted, UID EXPUNGE them (RFC 4315 2.1).

        A mail with \\Deleted was copied before an interruption, so it is not copied again."""
        flags = self._client.get_flags(uids)
        uncopied = [uid for uid in uids if uid in flags and DELETED not in flags[uid]]
        if uncopied:
            self._transfer(self._client.copy, uncopied)
        self._delete(uids)

    def _delete(self, uids: Sequence[int]) -> None:
        """Delete these mails only, not those that somebody else has marked \\Deleted (RFC 4315 2.1)."""
        self._client.add_flags(uids, DELETED, silent=True)
        self._client.uid_expunge(uids)

    def _leave(self, uids: Sequence[int]) -> None:
        """Send nothing: the folder is only read."""

    def _see(self, uids: Sequence[int]) -> None:
        """Mark the mails as read (RFC 9051 2.3.2)."""
        self._client.add_flags(uids, SEEN, silent=True)

    def _stay(self, uids: Sequence[int]) -> None:
        """Warn that the mails cannot leave the folder safely, and mark them instead."""
        self._warn(
            f'the server can neither MOVE nor UID EXPUNGE, so after = "{self._options.after}" is not safe there; '
            'mails are marked as seen instead (remedy: write after = "seen")'
        )
        self._mark(uids)

    def _mark(self, uids: Sequence[int]) -> None:
        """Set \\Seen and, where the folder takes keywords, our own keyword, which tells people why (RFC 9051 2.3.2)."""
        flags = [SEEN, KEYWORD] if self._takes_keywords else [SEEN]
        try:
            self._client.add_flags(uids, flags, silent=True)
        except IMAPClientError as error:
            self._carry_on(error, "mails cannot even be marked as seen")

    # -- the folder for processed mail --------------------------------------------------------------------------

    def _transfer(self, command: Callable[[Sequence[int], str], object], uids: Sequence[int]) -> None:
        """MOVE or COPY the mails; after a NO make the folder and repeat the command (RFC 9051 6.4.7, TRYCREATE)."""
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
                raise refusal from None  # the folder exists or may not be made: the first answer says more
            log.info("mailbox %s: the folder %r was made", self._options.name, self._target)
            command(uids, self._target)

    def _resolve(self, folder: str) -> str:
        """Return the folder's name on this server, with the server's prefix, and its separator for "/" (RFC 2342 5)."""
        prefix, separator = self._namespace()
        if separator and separator != "/":
            folder = folder.replace("/", separator)
        return folder if folder.startswith(prefix) else prefix + folder

    def _namespace(self) -> tuple[str, str]:
        """Ask for (prefix, separator) of our own folders; ("", "") if the server does not say."""
        try:
            if b"NAMESPACE" in self._capabilities:
                personal = self._client.namespace().personal
                if personal:
                    prefix, separator = personal[0]
                    return str(prefix or ""), str(separator or "")
            listed = self._client.list_folders("", "")  # RFC 9051 6.3.9: an empty name asks for the separator only
            return "", listed[0][1].decode("ascii") if listed and listed[0][1] else ""
        except (IMAPClientAbortError, ProtocolError):
            raise
        except IMAPClientError as error:
            log.debug("mailbox %s: the server does not tell how folders are named: %s", self._options.name, error)
            return "", ""


# The first row that fits is used.
_WAYS: tuple[_Way, ...] = (
    # One atomic command: the mail is never in both folders and never in none (RFC 6851 3.3).
    _Way(After.MOVE, frozenset({b"MOVE"}), Acknowledger._move),
    # The same in three steps; UID EXPUNGE spares the mails that others have marked (RFC 4315 2.1).
    _Way(After.MOVE, frozenset({b"UIDPLUS"}), Acknowledger._copy_and_expunge),
    _Way(After.DELETE, frozenset({b"UIDPLUS"}), Acknowledger._delete),
    # A folder that is only read stays as it is, whatever the server can do.
    _Way(After.LEAVE, frozenset(), Acknowledger._leave),
    # A flag needs no extension.
    _Way(After.SEEN, frozenset(), Acknowledger._see),
    # A plain EXPUNGE would also delete mails that a person has marked (RFC 9051 6.4.3), so the mails stay, marked.
    _Way(After.MOVE, frozenset(), Acknowledger._stay),
    _Way(After.DELETE, frozenset(), Acknowledger._stay),
)
