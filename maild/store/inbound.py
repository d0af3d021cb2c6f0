"""Stores the ledger of incoming mail: each delivery exactly once, each judgement with its reasons."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from maild.domain.intake.keys import EarlierMail
from maild.ports import ClaimLost, InboundState, IncomingMail, Judgement, KeptMail, Receipt
from maild.store import rows
from maild.store.columns import clean
from maild.store.schema import entry, inbound, one_of, raw_mail
from maild.store.transaction.identity_map import among
from maild.store.transaction.insert_once import insert_once
from maild.store.transaction.read_cache import ReadCache
from maild.store.transaction.session import Session

_WAITING = ("held", "ignored")  # outcomes of a mail that nobody has let in yet
SUSPECT = 3  # attempts; a mail that fails in the ordinary way is quarantined by then
CLAIM = timedelta(minutes=10)  # how long a node may hold mails before another one takes them over
# The value is written into the SQL, because a bound parameter would hide the partial index.
_KEPT = inbound.c.state == sa.literal(InboundState.KEPT.value, literal_execute=True)
_SET_ASIDE = (InboundState.HELD.value, InboundState.QUARANTINED.value)
_RECENT = 20_000  # mails of all mailboxes among which the newest of one are looked for
_JUDGED_AS = (
    *("state", "outcome", "reason", "ticket", "entry", "message_id", "sameness"),
    *("sender", "subject", "steps", "judged_at"),
)
_MOST_SUBJECTS = 60  # newest mails of a sender that are read together
_SAME_RAW = timedelta(days=30)  # a folder that its server recreates brings the same mails with new UIDs

_JUDGE = (
    sa.update(inbound)
    .where(
        inbound.c.id == sa.bindparam("of"),
        inbound.c.state == InboundState.KEPT.value,
        inbound.c.claimed_by == sa.bindparam("node"),
    )
    .values(claimed_by=None, claimed_until=None, next_at=None)
    .values({name: sa.bindparam(name) for name in _JUDGED_AS})
)
# The first mail of each mailbox is enough, because a looping mail may have been ignored thousands of times.
_FIRSTS = sa.select(sa.func.min(inbound.c.id)).where(
    among(inbound.c.sameness, "samenesses"), inbound.c.outcome.not_in(["", "duplicate", "quarantined"])
)
_FIRSTS = _FIRSTS.group_by(
    inbound.c.sameness, inbound.c.mailbox, sa.case((inbound.c.outcome.in_(_WAITING), 1), else_=0)
)
_SAME = sa.select(inbound.c.sameness, inbound.c.id, inbound.c.ticket, inbound.c.mailbox, inbound.c.outcome)
_SAME = _SAME.where(inbound.c.id.in_(_FIRSTS)).order_by(inbound.c.id)
_PLACE = sa.func.row_number().over(partition_by=inbound.c.sender, order_by=inbound.c.judged_at.desc()).label("place")
_RECENT_OF = sa.select(inbound.c.id, inbound.c.sender, inbound.c.judged_at, inbound.c.subject, _PLACE)
_RECENT_OF = _RECENT_OF.where(
    among(inbound.c.sender, "senders"), inbound.c.judged_at > sa.bindparam("since", type_=inbound.c.judged_at.type)
)
_NEWEST = _RECENT_OF.subquery()
_JUDGED = sa.select(_NEWEST).where(_NEWEST.c.place <= _MOST_SUBJECTS).order_by(_NEWEST.c.judged_at.desc())


@dataclass(frozen=True, slots=True)
class JudgedMail:
    """A mail that was judged, for the comparison of subjects."""

    id: int
    judged_at: datetime
    subject: str


class SqlInbound:
    """Implements ports.Inbound for one node."""

    def __init__(self, session: Session, node: str, *, reading: bool = False) -> None:
        self._session = session
        self._node = node
        self._same: ReadCache[str, tuple[EarlierMail, ...]] = ReadCache(session, reading=reading)
        self._subjects: ReadCache[str, tuple[JudgedMail, ...]] = ReadCache(session, reading=reading)
        self._subjects_since: datetime | None = None  # how far back these go

    def keep(self, mails: Sequence[IncomingMail], now: datetime) -> list[Receipt]:
        """Store raw mails with their ledger rows, each delivery exactly once."""
        return [self._keep(mail, now) for mail in mails]

    def _keep(self, mail: IncomingMail, now: datetime) -> Receipt:
        sha256 = hashlib.sha256(mail.raw).hexdigest()
        key = ledger_key(mail, sha256)
        known = self._session.scalar(sa.select(inbound.c.id).where(inbound.c.ledger_key == key))
        if known is not None:
            return Receipt(known, known=True)
        raw_id = self._keep_raw(sha256, mail.raw)
        values = _kept_values(mail, key, now) | {"raw_mail_id": raw_id}
        twin = self._same_folder_anew(mail, raw_id, now)
        if twin is not None:
            values |= {"state": InboundState.DONE.value, "outcome": "duplicate", "ticket": twin["ticket"]}
            values |= {"reason": f"the same mail was kept before as {twin['id']}", "judged_at": now}
        new_id = self._session.scalar(insert_once(self._session.connection, inbound, values).returning(inbound.c.id))
        if new_id is None:  # another node stored it a moment earlier
            new_id = self._session.scalar(sa.select(inbound.c.id).where(inbound.c.ledger_key == key))
            return Receipt(int(new_id or 0), known=True)
        return Receipt(int(new_id), known=twin is not None)

    def _keep_raw(self, sha256: str, raw: bytes) -> int:
        find = sa.select(raw_mail.c.id).where(raw_mail.c.sha256 == sha256)
        values = {"sha256": sha256, "size": len(raw), "content": raw}
        made = self._session.scalar(insert_once(self._session.connection, raw_mail, values).returning(raw_mail.c.id))
        return int(made if made is not None else self._session.scalar(find) or 0)

    def _same_folder_anew(self, mail: IncomingMail, raw_id: int, now: datetime) -> RowMapping | None:
        """Find the same bytes in the same folder under another UIDVALIDITY (RFC 9051 2.3.1.1).

        They are the same mail in a folder that its server recreated."""
        if mail.uidvalidity is None:
            return None
        query = (
            sa.select(inbound.c.id, inbound.c.ticket)
            .where(inbound.c.raw_mail_id == raw_id, inbound.c.mailbox == mail.mailbox)
            .where(inbound.c.uidvalidity != mail.uidvalidity, inbound.c.kept_at > now - _SAME_RAW)
            .order_by(inbound.c.id)
        )
        return self._session.execute(query).mappings().first()

    def begin(self, limit: int, now: datetime, only: Sequence[int] | None = None) -> list[KeptMail]:
        """Claim the next mails to judge for this node and count the attempt."""
        mine = sa.or_(
            inbound.c.claimed_until.is_(None), inbound.c.claimed_until < now, inbound.c.claimed_by == self._node
        )
        due = sa.or_(inbound.c.next_at.is_(None), inbound.c.next_at <= now)
        # A mail with many attempts may be what crashes the program. All others go first, then this one alone.
        suspect = inbound.c.attempts >= SUSPECT
        query = sa.select(inbound.c.id).where(_KEPT, due, mine)
        if only is not None:
            query = query.where(inbound.c.id.in_(only))
        in_order = query.order_by(inbound.c.id).with_for_update(skip_locked=True)
        ids = list(self._session.scalars(in_order.where(sa.not_(suspect)).limit(limit)))
        ids = ids or list(self._session.scalars(in_order.where(suspect).limit(1)))
        if not ids:
            return []
        counted = sa.update(inbound).where(inbound.c.id.in_(ids))
        self._session.execute(
            counted.values(attempts=inbound.c.attempts + 1, claimed_by=self._node, claimed_until=now + CLAIM)
        )
        return self._whole(inbound.c.id.in_(ids))

    def give_back(self, numbers: Sequence[int]) -> None:
        """Undo `begin` for mails that this node still holds."""
        values = {"attempts": inbound.c.attempts - 1, "claimed_by": None, "claimed_until": None}
        ours = sa.and_(inbound.c.id.in_(list(numbers)), _KEPT, inbound.c.claimed_by == self._node)
        self._session.execute(sa.update(inbound).where(ours).values(values))

    def postpone(self, number: int, until: datetime, reason: str, *, counts: bool = True) -> None:
        """Try a mail that this node holds again at `until`."""
        values: dict[str, Any] = {"next_at": until, "reason": reason, "claimed_by": None, "claimed_until": None}
        if not counts:
            values["attempts"] = inbound.c.attempts - 1
        ours = sa.and_(inbound.c.id == number, _KEPT, inbound.c.claimed_by == self._node)
        self._session.execute(sa.update(inbound).where(ours).values(**values))

    def judge(self, number: int, judgement: Judgement, now: datetime) -> None:
        """Store the judgement of a mail. Raises ClaimLost when this node does not hold it any more."""
        values: dict[str, Any] = {
            "of": number,
            "node": self._node,
            "state": judgement.state.value,
            "outcome": judgement.outcome,
            "reason": judgement.reason,
            "ticket": judgement.ticket,
            "entry": judgement.entry,
            "message_id": judgement.message_id,
            "sameness": judgement.sameness,
            "sender": judgement.sender,
            "subject": judgement.subject,
            "steps": rows.step_values(judgement.steps),
            "judged_at": now,
        }
        self._session.update_guarded(_JUDGE, values, lambda: ClaimLost("a mail was judged by another node"))
        self._same.drop(judgement.sameness)
        judged = JudgedMail(number, now, clean(judgement.subject))
        self._subjects.change(clean(judgement.sender), lambda others: (judged, *others))

    def find_same(self, samenesses: Sequence[str]) -> Mapping[str, tuple[EarlierMail, ...]]:
        """Return the first judged mails with each of these samenesses, oldest first."""

        def read(unknown: list[str]) -> Mapping[str, tuple[EarlierMail, ...]]:
            found: dict[str, list[EarlierMail]] = {}
            for row in self._session.execute(_SAME, {"samenesses": unknown}):
                mail = EarlierMail(row.id, row.ticket, row.mailbox, waits=row.outcome in _WAITING)
                found.setdefault(row.sameness, []).append(mail)
            return {sameness: tuple(mails) for sameness, mails in found.items()}

        return {same: mails for same, mails in self._same.get_many(filter(None, samenesses), read, ()).items() if mails}

    def subjects(self, sender: str, since: datetime, but: int, limit: int) -> tuple[str, ...]:
        """Return subjects of this sender's mails that were judged after `since`, newest first."""
        mails = self._judged_of([sender], since)[sender]
        recent = (mail.subject for mail in mails if mail.judged_at > since and mail.id != but)
        return tuple(islice(recent, limit))

    def look_ahead(self, senders: Sequence[str], since: datetime) -> None:
        """Read with one statement what `subjects` may be asked about these senders."""
        self._judged_of(senders, since)

    def _judged_of(self, senders: Sequence[str], since: datetime) -> Mapping[str, tuple[JudgedMail, ...]]:
        if self._subjects_since is None or since < self._subjects_since:
            self._subjects.clear()
            self._subjects_since = since

        def read(unknown: list[str]) -> Mapping[str, tuple[JudgedMail, ...]]:
            found: dict[str, list[JudgedMail]] = {}
            for row in self._session.execute(_JUDGED, {"senders": unknown, "since": since}):
                found.setdefault(row.sender, []).append(JudgedMail(row.id, row.judged_at, row.subject))
            return {sender: tuple(mails) for sender, mails in found.items()}

        return self._subjects.get_many(senders, read, ())

    def get(self, number: int) -> KeptMail | None:
        """Return a kept mail with its bytes; None when there is none."""
        return next(iter(self._whole(inbound.c.id == number)), None)

    def listed(
        self, state: InboundState, limit: int | None = None, mailboxes: Sequence[str] | None = None
    ) -> list[KeptMail]:
        """Return mails in this state, oldest first, without their bytes."""
        here = [inbound.c.state == sa.literal(state.value, literal_execute=True)]
        if state.value in _SET_ASIDE:
            here.append(one_of(inbound.c.state, *_SET_ASIDE))  # repeats the condition of the partial index
        if mailboxes is not None:
            here.append(inbound.c.mailbox.in_(list(mailboxes)))
        newest = sa.select(inbound).where(*here).order_by(inbound.c.id.desc()).limit(limit)
        return [rows.read_kept(row, b"") for row in self._session.execute(newest).mappings()][::-1]

    def replay(self, number: int, *, released: bool = False, proven: bool = False, released_as: str = "") -> bool:
        """Set a quarantined or held mail back to KEPT. Returns False when it is neither."""
        values = {"state": InboundState.KEPT.value, "attempts": 0, "next_at": None, "outcome": "", "reason": ""}
        said = {"released": released, "proven": proven}  # what a person said of it before stays true
        return self._set_aside(
            number, values | {name: True for name in said if said[name]} | {"released_as": released_as}
        )

    def drop(self, number: int, now: datetime, by: str = "the admin") -> bool:
        """End a quarantined or held mail as ignored. Returns False when it is neither."""
        values = {"state": InboundState.DONE.value, "outcome": "ignored", "reason": f"dropped by {by}"}
        return self._set_aside(number, values | {"judged_at": now})

    def _set_aside(self, number: int, values: dict[str, Any]) -> bool:
        """Change a mail that is quarantined or held. Returns False when it is neither."""
        waits = inbound.c.state.in_([InboundState.QUARANTINED.value, InboundState.HELD.value])
        changed = sa.update(inbound).where(inbound.c.id == number, waits)
        return self._session.execute(changed.values(**values)).rowcount == 1

    def count_kept(self) -> int:
        """Return how many mails are still to be judged."""
        return int(self._session.scalar(sa.select(sa.func.count()).select_from(inbound).where(_KEPT)) or 0)

    def newest_heads(self, mailbox: str, limit: int, octets: int) -> list[tuple[bytes, str]]:
        """Return the first `octets` of a mailbox's newest mails, each with the address that handed it in."""
        newest = sa.select(sa.func.coalesce(sa.func.max(inbound.c.id), 0)).scalar_subquery()
        head = sa.func.substr(raw_mail.c.content, 1, octets, type_=sa.LargeBinary).label("head")
        query = (
            sa.select(head, inbound.c.peer)
            .join_from(inbound, raw_mail)
            .where(inbound.c.mailbox == mailbox, inbound.c.id > newest - _RECENT)
            .order_by(inbound.c.id.desc())
            .limit(limit)
        )
        return [(bytes(row.head), row.peer) for row in self._session.execute(query)]

    def of_entry(self, number: int) -> KeptMail | None:
        """Return the mail of an entry.

        The entry names its mail itself: an entry that was copied by a split has the mail of the first one."""
        source = sa.select(entry.c.inbound_id).where(entry.c.id == number).scalar_subquery()
        return next(iter(self._whole(inbound.c.id == source)), None)

    def of_ticket(self, ticket: int) -> list[KeptMail]:
        """Return all mails of a ticket, oldest first, without their bytes."""
        query = sa.select(inbound).where(inbound.c.ticket == ticket).order_by(inbound.c.id)
        return [rows.read_kept(row, b"") for row in self._session.execute(query).mappings()]

    def ignore(self, values: Iterable[dict[str, Any]]) -> None:
        """Record mails that stay in their folder. Those that are recorded already are left alone."""
        for row in values:
            self._session.execute(insert_once(self._session.connection, inbound, row))

    def known_uids(self, mailbox: str, uidvalidity: int, uids: Sequence[int]) -> frozenset[int]:
        """Return those of the UIDs of a folder that are in the ledger."""
        query = sa.select(inbound.c.uid).where(
            inbound.c.mailbox == mailbox, inbound.c.uidvalidity == uidvalidity, inbound.c.uid.in_(list(uids))
        )
        return frozenset(self._session.scalars(query))

    def _whole(self, condition: Any) -> list[KeptMail]:
        query = sa.select(inbound, raw_mail.c.content).join(raw_mail).where(condition).order_by(inbound.c.id)
        return [rows.read_kept(row, row["content"]) for row in self._session.execute(query).mappings()]


def imap_key(mailbox: str, uidvalidity: int | None, uid: int) -> str:
    """Return the ledger key of a mail in an IMAP folder (RFC 9051 2.3.1.1)."""
    return f"imap:{mailbox[:250]}:{uidvalidity}:{uid}"


def ledger_key(mail: IncomingMail, sha256: str) -> str:
    """Return the key that identifies a delivery: folder and UID, or else source, bytes and recipients."""
    if mail.uid is not None:
        return imap_key(mail.mailbox, mail.uidvalidity, mail.uid)
    recipients = hashlib.sha256("\0".join((mail.mailbox, *mail.envelope.recipients)).encode("utf-8", "replace"))
    return f"{mail.source}:{sha256}:{recipients.hexdigest()[:32]}"


def _kept_values(mail: IncomingMail, key: str, now: datetime) -> dict[str, Any]:
    return {
        "ledger_key": key,
        "source": mail.source,
        "mailbox": mail.mailbox,
        "uidvalidity": mail.uidvalidity,
        "uid": mail.uid,
        "envelope_sender": mail.envelope.sender,
        "envelope_recipients": list(mail.envelope.recipients),
        "peer": mail.peer,
        "truncated": mail.truncated,
        "arrived_at": mail.arrived_at,
        "kept_at": now,
        "state": InboundState.KEPT.value,
    }
