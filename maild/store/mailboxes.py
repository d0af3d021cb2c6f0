"""Stores how far IMAP folders have been read. Each call is one transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from maild.ports import IgnoredMail, InboundState, MailboxState
from maild.store.engine import temporary_failures
from maild.store.inbound import SqlInbound, imap_key
from maild.store.schema import mailbox_state
from maild.store.transaction.insert_once import insert_once
from maild.store.transaction.session import Session


class SqlMailboxLedger:
    """Implements ports.MailboxLedger."""

    def __init__(self, engine: Engine, node: str) -> None:
        self._engine = engine
        self._node = node

    def recall(self, mailbox: str) -> MailboxState | None:
        """Return the state of a folder; None when it has never been read."""
        query = sa.select(mailbox_state).where(mailbox_state.c.mailbox == mailbox)
        with temporary_failures(), self._begin() as connection:
            row = connection.execute(query).mappings().first()
        return MailboxState(row["uidvalidity"], row["last_uid"], row["start_at"]) if row else None

    def remember(self, mailbox: str, state: MailboxState) -> None:
        """Store the state of a folder."""
        values = {"uidvalidity": state.uidvalidity, "last_uid": state.last_uid, "start_at": state.start_at}
        with temporary_failures(), self._begin() as connection:
            connection.execute(insert_once(connection, mailbox_state, {"mailbox": mailbox} | values))
            connection.execute(sa.update(mailbox_state).where(mailbox_state.c.mailbox == mailbox).values(values))

    def known(self, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> frozenset[int]:
        """Return those of the UIDs that are already in the ledger."""
        if not uids:
            return frozenset()
        with temporary_failures(), self._begin() as connection:
            ledger = SqlInbound(Session(connection), self._node)
            slices = [uids[start : start + 500] for start in range(0, len(uids), 500)]
            return frozenset().union(*(ledger.known_uids(mailbox, uidvalidity, part) for part in slices))

    def ignore(self, mailbox: str, uidvalidity: int, mails: Sequence[IgnoredMail], reason: str) -> None:
        """Record mails that stay in the folder as ignored."""
        with temporary_failures(), self._begin() as connection:
            SqlInbound(Session(connection), self._node).ignore(
                {
                    "ledger_key": imap_key(mailbox, uidvalidity, mail.uid),
                    "source": "imap",
                    "mailbox": mailbox,
                    "uidvalidity": uidvalidity,
                    "uid": mail.uid,
                    "envelope_recipients": [],
                    "arrived_at": mail.arrived_at,
                    "kept_at": mail.arrived_at,
                    "state": InboundState.DONE.value,
                    "outcome": "ignored",
                    "reason": reason,
                }
                for mail in mails
            )

    def _begin(self) -> AbstractContextManager[Connection]:
        return self._engine.begin()
