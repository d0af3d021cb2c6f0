"""Judge one mail: the stops 5 to 8 of the way in. Reads the store, writes nothing; `explain` walks the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from maild.domain.decision import Decision, TraceStep
from maild.domain.effects import ReleasedAs
from maild.domain.intake.bounce import BouncedMail
from maild.domain.intake.classify import Classification, MailClass, classify
from maild.domain.intake.decide import Case, decide
from maild.domain.intake.decide.buttons import numbered
from maild.domain.intake.route import WITHOUT_TICKET, Carrier, Clues, Facts, Holder, Route, RouteKind, clues, route
from maild.domain.intake.rules import Filing, file
from maild.domain.lookups import Lookups
from maild.domain.messages.message import Evidence, InboundMessage
from maild.domain.messages.reply_tokens import Scope, Sealed
from maild.domain.people.directory import Address, Agent, Trust
from maild.domain.queries.row_commands import Rows
from maild.domain.tickets.events import Event
from maild.domain.tickets.held_replies import HeldReply
from maild.domain.tickets.participation import departed
from maild.domain.tickets.ticket import Ticket
from maild.mail.headers import authentication_results as authentication
from maild.ports import IncomingMail, UnitOfWork
from maild.services.escalation.undelivered import lost_alarm
from maild.services.helpdesk import Helpdesk
from maild.services.intake.auto_answer_counts import traffic_of
from maild.services.intake.list_sender import from_list
from maild.services.intake.lookups import records_of, thought_through
from maild.services.intake.new_text import own_words
from maild.services.work import Work


class MailReader(Protocol):
    """Turns bytes into words where a hostile mail can do no harm. Raises ReadingFailed."""

    def read(self, raw: bytes) -> InboundMessage: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A mail with its decision, the ticket that it concerns, and each stop's verdict."""

    message: InboundMessage
    decision: Decision
    ticket: Ticket | None
    steps: tuple[TraceStep, ...]


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
    """Classify, route, apply the admin's rules, decide. `released`: a person let it in; `proven`: its sender said that
    they wrote it."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    door = helpdesk.door(mail.mailbox)
    message, listed = from_list(message, helpdesk.settings.lists)
    evidence = listed or authentication.judge(message, door.servers, mail.peer)
    classification = classify(message, mail.envelope, helpdesk.own_marks(released=released))
    found = clues(message, mail.envelope, helpdesk.ring, helpdesk.domain)
    junk = "" if released else door.junk
    facts = look_up(work, found, inbound, junk=bool(junk))
    routed = route(message, found, facts, helpdesk.ring, helpdesk.policy.directory)
    filing = _filed(mail, message, classification, helpdesk)
    if filing.requester:
        evidence = Evidence(Trust.CLAIMED, f"a form speaks for {filing.requester.address}")
    routed = _joined(routed, filing, facts, unit)
    bounced = _bounced(work, classification, message, found, facts)
    number = bounced.ticket if bounced else routed.ticket
    ticket = (facts.tickets.get(number) or unit.tickets.get(number)) if number is not None else None
    agent = helpdesk.policy.directory.agent_at(message.sender.address) if message.sender else None
    if released and ticket is not None:
        routed = _released(routed, agent)
    if routed.verdict is RouteKind.REPLY:
        message = own_words(message, ticket, agent, unit)
    case = Case(
        inbound=inbound,
        message=message,
        classification=classification,
        evidence=evidence,
        route=routed,
        filing=filing,
        policy=helpdesk.policy,
        now=now,
        at=_moment(mail.arrived_at, ticket, now),
        envelope_sender=mail.envelope.sender or "",
        department=door.department,
        ticket=ticket,
        bounced=bounced,
        released=released,
        proven=proven,
        released_as=ReleasedAs(released_as),
        since=_since(routed, ticket, found, unit),
        drafts=_drafts(routed, agent, unit) if agent else (),
        lookups=Lookups(records=records_of([ticket.number] if ticket else [], unit)),
        rows=_rows(routed, unit),
        receipts=bool(agent and unit.preferences.of(agent.name).get("receipts") == "all"),
        junk=junk,
        traffic=traffic_of(message, classification, filing, ticket, unit, inbound, now),
        departed=departed(unit.tickets.history(ticket.number)) if ticket is not None else frozenset(),
    )
    think = lambda lookups: decide(replace(case, lookups=lookups))  # noqa: E731
    decision = thought_through(think, case.lookups, work, agent, mail.raw)
    steps = (*_steps(message, evidence, classification, routed, filing), *decision.steps)
    return Judged(message, decision, ticket, steps)


def _filed(mail: IncomingMail, message: InboundMessage, classification: Classification, helpdesk: Helpdesk) -> Filing:
    settings = helpdesk.settings
    return file(
        message,
        mail.envelope,
        settings.topics,
        settings.rules,
        mail_class=classification.mail_class,
        importance=settings.importance.respect,
        bans=settings.bans,
    )


def _released(routed: Route, agent: Agent | None) -> Route:
    """The route of a mail whose mark spoke against it, and that a person let through: into the ticket, as a message of
    whoever wrote it. No such mark speaks for an agent, whose commands are none then."""
    answers = routed.verdict is RouteKind.REPLY and agent is None  # to what agents alone are told
    if routed.verdict is not RouteKind.HELD and not answers:
        return routed
    reason = f"released by a person ({routed.reason})"
    return replace(routed, verdict=RouteKind.REPLY, scope=Scope.USER, verb="", reason=reason)


def _since(routed: Route, ticket: Ticket | None, found: Clues, unit: UnitOfWork) -> tuple[Event, ...]:
    """What happened after what the sender had seen. A mark of a ticket that was merged away counts other events."""
    if ticket is None or routed.seen is None or routed.scope is Scope.USER:
        return ()
    marked = {own.ticket for own in (*found.sealed, *found.own_ids, *found.markers) if own.seq == routed.seen}
    return unit.tickets.events_since(ticket.number, routed.seen) if ticket.number in marked else ()


def _rows(routed: Route, unit: UnitOfWork) -> Rows | None:
    """The list that a mail answers."""
    snapshot = unit.snapshots.get(routed.snapshot) if routed.snapshot is not None else None
    return Rows(snapshot.tickets, snapshot.made_at) if snapshot is not None else None


def _drafts(routed: Route, agent: Agent, unit: UnitOfWork) -> tuple[HeldReply, ...]:
    """The held texts that an agent may have a word on: their own that wait, and the one that a button names."""
    waiting = unit.held_replies.waiting(agent=agent.name)
    _, number = numbered(routed.verb)
    named = unit.held_replies.get(number) if number else None
    return (*waiting, named) if named is not None and named.id not in {d.id for d in waiting} else waiting


def _joined(routed: Route, filing: Filing, facts: Facts, unit: UnitOfWork) -> Route:
    """A mail that leads nowhere by itself goes into the open ticket with its rule's key."""
    number = unit.tickets.by_join_key(filing.join_key) if routed.verdict is RouteKind.NEW else None
    if number is None:
        return routed
    reason = f"ticket {number} is open for the same key: {filing.join_key}"
    return replace(
        routed, verdict=RouteKind.REPLY, reason=reason, carrier=Carrier.JOIN_KEY, ticket=number, scope=Scope.USER
    )


def _moment(arrived_at: datetime, ticket: Ticket | None, now: datetime) -> datetime:
    """When the mail counts as written: its arrival, but never before what its ticket knows already. A mail that was on
    its way while an agent answered was not answered by that."""
    arrived = min(arrived_at, now)
    return max(arrived, min(ticket.updated_at, now)) if ticket else arrived


def look_up(work: Work, found: Clues, inbound: int, *, junk: bool = False) -> Facts:
    """The one look-up: whatever the clues may lead to. A copy that waits in a spam folder (`junk`: so does this one)
    is no earlier one, or whoever moves a mail out of that folder into the mailbox would lose it."""
    unit, helpdesk = work.unit, work.helpdesk
    contacts = unit.people.by_numbers(found.recipients)
    holders = {number: Holder(c.person.address, c.epoch, c.agent, c.revoked_before) for number, c in contacts.items()}
    tickets_of_ids = unit.tickets.by_message_ids(found.parent_ids)
    ancestors = unit.tickets.by_reference(found.family)
    named = (*found.tickets(holders, helpdesk.ring), *tickets_of_ids.values(), *ancestors.values())
    known = Lookups(records=records_of(named, unit))
    tickets = {number: ticket for number in dict.fromkeys(named) if (ticket := known.ticket(number))}
    earlier = unit.inbound.find_same(found.sameness, inbound, waiting_in=() if junk else helpdesk.junk_doors)
    opened = [sealed for sealed, _ in found.opened(holders, helpdesk.ring)]
    snapshots = map(unit.snapshots.get, found.lists)
    return Facts(
        tickets,
        holders,
        tickets_of_ids,
        ancestors,
        earlier,
        sealed_at=_sealed_at(opened, unit),
        snapshots={snapshot.id: snapshot.agent for snapshot in snapshots if snapshot is not None},
        now=work.now,
    )


def _sealed_at(opened: Sequence[Sealed], unit: UnitOfWork) -> dict[tuple[int, int], datetime]:
    """When addresses that act by themselves were sealed: then the last event that their reader saw had happened."""
    acting = dict.fromkeys((sealed.ticket, sealed.seq) for sealed in opened if sealed.scope is Scope.COMMAND)
    happened = {key: unit.tickets.history(key[0])[key[1] - 1 : key[1]] for key in acting}
    return {key: events[0].at for key, events in happened.items() if events}


def _bounced(
    work: Work, classification: Classification, message: InboundMessage, found: Clues, facts: Facts
) -> BouncedMail | None:
    """The mail of ours that a delivery report is about: by the returned Message-ID, else by the envelope address it
    came back to. Without either nothing is believed: a forged report must not silence anybody."""
    if classification.mail_class is not MailClass.DSN:
        return None
    unit, report = work.unit, message.delivery_report
    row = unit.outbox.by_message_id(report.original_message_id) if report and report.original_message_id else None
    if row is not None:
        return _with_alarm(work, BouncedMail(row.ticket, str(row.to.address), row.entry, row.id))
    for sealed, holder in found.opened(facts.holders, work.helpdesk.ring):
        if sealed.scope in WITHOUT_TICKET:
            return BouncedMail(None, str(holder.address), None, _alarming(unit, sealed, holder))
        if sealed.ticket in facts.tickets:
            number = _alarming(unit, sealed, holder)
            entry = _reply_seen(sealed, holder.address, unit)
            return _with_alarm(work, BouncedMail(sealed.ticket, str(holder.address), entry, number))
    return None


def _alarming(unit: UnitOfWork, sealed: Sealed, holder: Holder) -> int | None:
    """The mail about deadlines whose bounces come back to this address; other mails are told by the address alone."""
    ticket = None if sealed.scope in WITHOUT_TICKET else sealed.ticket
    marked = unit.outbox.by_mark(replace(sealed, verb="").text, ticket, holder.agent)
    return next((row for row in marked if unit.sla_steps.lines_of_mail(row)), None)


def _with_alarm(work: Work, lost: BouncedMail) -> BouncedMail:
    """With what the mail told of its ticket's deadlines. One about many tickets goes on ticket by ticket, later."""
    ticket = work.unit.tickets.get(lost.ticket) if lost.ticket is not None else None
    if ticket is None or lost.outbox is None:
        return lost
    return replace(lost, alarm=lost_alarm(work, lost.outbox, ticket))


def _reply_seen(sealed: Sealed, recipient: Address, unit: UnitOfWork) -> int | None:
    """The entry of the reply that brought the ticket to the sequence sealed in the address."""
    history = unit.tickets.history(sealed.ticket)
    seen = history[: sealed.seq]
    return next((f.entry for f in reversed(seen) if f.kind == "replied" and f.at == seen[-1].at), None)


def _steps(
    message: InboundMessage,
    evidence: Evidence,
    classification: Classification,
    routed: Route,
    filing: Filing,
) -> tuple[TraceStep, ...]:
    parts = f"{message.size} bytes, {len(message.attachments)} attachments, {message.folded_lines} lines folded"
    where = f"ticket {routed.ticket}" if routed.ticket is not None else routed.verdict.value
    verdict = f"{routed.verdict.value}: {where}" if routed.verdict is not RouteKind.NEW else routed.verdict.value
    ignored = f" (not counted: {'; '.join(routed.ignored)})" if routed.ignored else ""
    filed = ", ".join(filing.trail) if filing.trail else "nothing matches"
    return (
        TraceStep(
            "parse", "read" if not message.defects else "read with defects", "; ".join((parts, *message.defects))
        ),
        TraceStep("authentication", evidence.trust.value, evidence.reason),
        TraceStep("classify", classification.mail_class.value, f"{classification.rule}: {classification.reason}"),
        TraceStep("route", verdict, f"{routed.carrier.value}: {routed.reason}{ignored}"),
        TraceStep("rules", filing.topic or "none", filed),
    )
