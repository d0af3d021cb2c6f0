"""Looks up what a mail is judged by: steps 5 to 8 of the way in. Reads the store and writes nothing.

What follows from it is decided in domain/intake/judge.py. `explain` uses the same functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Protocol

from maild.domain.effects import ReleasedAs
from maild.domain.intake.bounce import BouncedMail
from maild.domain.intake.classify import classify
from maild.domain.intake.judge import Judged, LostMark, Placed, conclude, place
from maild.domain.intake.keys import FirstLook, Keys, MailedList, ReadMail, SecondLook, keys_of, tickets_named
from maild.domain.intake.route import Holder, RouteKind, clues
from maild.domain.intake.rules import file
from maild.domain.lookups import Lookups, Needs
from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.people.directory import Trust
from maild.domain.queries.row_commands import Rows
from maild.mail.headers import authentication_results as authentication
from maild.ports import IncomingMail, UnitOfWork
from maild.services.escalation.undelivered import lost_alarm
from maild.services.helpdesk import Helpdesk
from maild.services.intake.auto_answer_counts import traffic_of
from maild.services.intake.list_sender import from_list
from maild.services.intake.lookups import ROUNDS, look_up, records_of
from maild.services.intake.new_text import own_words, quotable
from maild.services.work import Work

__all__ = ["Judged", "MailReader", "first_look", "judge", "read_mail"]


class MailReader(Protocol):
    """Turns bytes into words where a hostile mail can do no harm. Raises ReadingFailed."""

    def read(self, raw: bytes) -> InboundMessage:
        """Read the bytes of one mail."""


def judge(
    work: Work,
    mail: IncomingMail,
    message: InboundMessage,
    inbound: int,
    *,
    released: bool = False,
    proven: bool = False,
    released_as: str = "",
) -> Judged:
    """Judge a mail. `released`: a person let it in; `proven`: its sender said that they wrote it.

    Raises LookupError when judging asks without end for what was looked up already."""
    read = read_mail(
        work.helpdesk, mail, message, inbound, released=released, proven=proven, released_as=ReleasedAs(released_as)
    )
    return judge_read(work, read, mail.raw)


def judge_read(work: Work, read: ReadMail, raw: bytes) -> Judged:
    """Judge a mail that was read from the bytes `raw`. Raises what `judge` raises."""
    placed = place(read, first_look(work, [read]), work.helpdesk.policy, work.helpdesk.ring, work.now)
    second = _second_look(work, placed, raw)
    for _ in range(ROUNDS):
        judged = conclude(placed, second, work.helpdesk.policy, work.now)
        if isinstance(judged, Judged):
            return judged
        second = _with(work, placed, second, judged, raw)
    raise LookupError("judging asks again and again for what was looked up already")


def read_mail(
    helpdesk: Helpdesk,
    mail: IncomingMail,
    message: InboundMessage,
    inbound: int,
    *,
    released: bool = False,
    proven: bool = False,
    released_as: ReleasedAs = ReleasedAs.AS_IT_IS,
) -> ReadMail:
    """Collect what a mail says of itself, and what the configuration says of it.

    `released`, `proven` and `released_as` are what a person said of it."""
    settings, door = helpdesk.settings, helpdesk.door(mail.mailbox)
    message, listed = from_list(message, settings.lists)
    evidence = listed or authentication.judge(message, door.servers, mail.peer)
    classification = classify(message, mail.envelope, helpdesk.own_marks(released=released))
    filing = file(
        message,
        mail.envelope,
        settings.topics,
        settings.rules,
        mail_class=classification.mail_class,
        importance=settings.importance.respect,
        bans=settings.bans,
    )
    if filing.requester:
        evidence = Evidence(Trust.CLAIMED, f"a form speaks for {filing.requester.address}")
    junk = "" if released else door.junk
    return ReadMail(
        inbound=inbound,
        message=message,
        envelope=mail.envelope,
        arrived_at=mail.arrived_at,
        evidence=evidence,
        classification=classification,
        clues=clues(message, mail.envelope, helpdesk.ring, helpdesk.domain),
        filing=filing,
        agent=helpdesk.policy.directory.agent_at(message.sender.address) if message.sender else None,
        department=door.department,
        junk=junk,
        waiting_in=() if junk else helpdesk.junk_doors,
        released=released,
        proven=proven,
        released_as=released_as,
    )


# -- the first look: by what a mail names -----------------------------------------------------------------------------


def first_look(work: Work, reads: Sequence[ReadMail]) -> FirstLook:
    """Look up what these mails name, with as many statements for fifty of them as for one.

    Which tickets are meant follows from the holders of the marks, so tickets come last."""
    known = _by_keys(work.unit, reduce(or_, map(keys_of, reads), Keys()), work.helpdesk)
    named = {number for read in reads for number in tickets_named(read, known, work.helpdesk.ring)}
    return replace(known, tickets=Lookups(records=records_of(named, work.unit)))


def _by_keys(unit: UnitOfWork, keys: Keys, helpdesk: Helpdesk) -> FirstLook:
    """Look up everything behind these keys but the tickets."""
    contacts = unit.people.by_numbers(sorted(keys.holders))
    lists = unit.snapshots.get_many(sorted(keys.lists))
    agents = [agent for name in sorted(keys.writers) if (agent := helpdesk.policy.directory.agent(name))]
    writes = bool(keys.writers or keys.held_replies)
    return FirstLook(
        holders={n: Holder(c.person.address, c.epoch, c.agent, c.revoked_before) for n, c in contacts.items()},
        tickets_of_ids=unit.tickets.by_message_ids(sorted(keys.message_ids)),
        tickets_of_ancestors=unit.tickets.by_reference(sorted(keys.ancestors)),
        earlier=unit.inbound.find_same(sorted(keys.samenesses)),
        joined=unit.tickets.by_join_keys(sorted(keys.join_keys)),
        returned=unit.outbox.by_message_ids(sorted(keys.returned_ids)),
        lists={n: MailedList(found.agent, Rows(found.tickets, found.made_at)) for n, found in lists.items()},
        held_replies=unit.held_replies.for_agents(sorted(keys.writers), sorted(keys.held_replies)) if writes else (),
        preferences=unit.preferences.all() if keys.writers else {},
        signatures=unit.people.signatures(agents),
    )


# -- the second look: by the ticket that it concerns ------------------------------------------------------------------


def _second_look(work: Work, placed: Placed, raw: bytes) -> SecondLook:
    read, message = placed.read, placed.read.message
    second = _with(work, placed, SecondLook(message=message, lookups=placed.known.tickets), placed.needs, raw)
    if placed.bounced is not None:
        second = _with_lost(work, placed.bounced, placed.lost, second)
    if placed.route.verdict is not RouteKind.REPLY:
        return second
    signature = placed.known.signatures.get(read.agent.name, "") if read.agent else ""
    known = quotable(message, placed.ticket, read.agent, second.lookups, work.unit)
    return replace(second, message=own_words(message, known, signature))


def _with(work: Work, placed: Placed, second: SecondLook, needs: Needs, raw: bytes) -> SecondLook:
    """Return the second look with the answers to these needs. `raw` is the mail that is judged."""
    read, traffic = placed.read, second.traffic
    lookups = second.lookups | look_up(work, second.lookups.lacks(needs), read.agent, raw)
    if needs.traffic and traffic is None:
        traffic = traffic_of(work, read, placed.ticket)
    return replace(second, lookups=lookups, traffic=traffic)


def _with_lost(work: Work, lost: BouncedMail, mark: LostMark | None, second: SecondLook) -> SecondLook:
    """Return the second look with the mail that did not arrive, and what that told of its ticket's deadlines.

    A mail about many tickets is handled ticket by ticket, later."""
    outbox = lost.outbox if mark is None else _alarming(work.unit, mark)
    record = second.lookups.record(lost.ticket) if lost.ticket is not None else None
    alarm = lost_alarm(work, outbox, record.ticket) if record is not None and outbox is not None else None
    return replace(second, outbox=outbox, alarm=alarm)


def _alarming(unit: UnitOfWork, mark: LostMark) -> int | None:
    """Return the mail about deadlines whose bounces come back to this address; None for other mails."""
    marked = unit.outbox.by_mark(mark.text, mark.ticket, mark.agent)
    return next((row for row in marked if unit.sla_steps.lines_of_mail(row)), None)
