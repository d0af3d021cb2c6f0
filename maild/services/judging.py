"""Judge one mail: the stops 5 to 8 of the way in. Reads the store, writes nothing; `explain` walks the same way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from maild.domain.classify import Classification, MailClass, classify
from maild.domain.decide import BouncedMail, Case, decide
from maild.domain.decision import Decision, Step
from maild.domain.message import Evidence, InboundMessage
from maild.domain.people import Address
from maild.domain.route import Clues, Facts, Holder, Route, Verdict, clues, route
from maild.domain.rules import Filing, file
from maild.domain.ticket import Ticket
from maild.domain.token import Sealed
from maild.mail import authentication
from maild.ports import IncomingMail, UnitOfWork
from maild.services.helpdesk import Helpdesk


class Reader(Protocol):
    """Turns bytes into words where a hostile mail can do no harm. Raises ReadingFailed."""

    def read(self, raw: bytes) -> InboundMessage: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A mail with its decision, the ticket that it concerns, and each stop's verdict."""

    message: InboundMessage
    decision: Decision
    ticket: Ticket | None
    steps: tuple[Step, ...]


def judge(
    mail: IncomingMail, message: InboundMessage, inbound: int, unit: UnitOfWork, helpdesk: Helpdesk, now: datetime
) -> Judged:
    """Classify, route, apply the admin's rules, decide."""
    door = helpdesk.door(mail.mailbox)
    evidence = authentication.judge(message, door.trusted_authserv)
    classification = classify(message, mail.envelope, helpdesk.own_marks())
    found = clues(message, mail.envelope, helpdesk.ring)
    facts = look_up(found, inbound, unit, helpdesk)
    routed = route(message, found, facts, helpdesk.ring, helpdesk.policy.directory)
    filing = file(message, mail.envelope, helpdesk.topics, helpdesk.rules)
    bounced = _bounced(classification, message, found, facts, unit, helpdesk)
    number = bounced.ticket if bounced else routed.ticket
    ticket = (facts.tickets.get(number) or unit.tickets.get(number)) if number is not None else None
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
    )
    decision = decide(case)
    steps = (*_steps(message, evidence, classification, routed, filing), *decision.steps)
    return Judged(message, decision, ticket, steps)


def _moment(arrived_at: datetime, ticket: Ticket | None, now: datetime) -> datetime:
    """When the mail counts as written: its arrival, but never before what its ticket knows already. A mail that was on
    its way while an agent answered was not answered by that."""
    arrived = min(arrived_at, now)
    return max(arrived, min(ticket.updated_at, now)) if ticket else arrived


def look_up(found: Clues, inbound: int, unit: UnitOfWork, helpdesk: Helpdesk) -> Facts:
    """The one look-up: whatever the clues may lead to."""
    contacts = unit.people.numbered(found.recipients)
    holders = {number: Holder(c.person.address, c.epoch, c.agent) for number, c in contacts.items()}
    tickets_of_ids = unit.tickets.by_message_ids(found.parent_ids)
    wanted = dict.fromkeys((*found.tickets(holders, helpdesk.ring), *tickets_of_ids.values()))
    tickets = {number: ticket for number in wanted if (ticket := unit.tickets.get(number))}
    return Facts(tickets, holders, tickets_of_ids, unit.inbound.same(found.sameness, inbound))


def _bounced(
    classification: Classification,
    message: InboundMessage,
    found: Clues,
    facts: Facts,
    unit: UnitOfWork,
    helpdesk: Helpdesk,
) -> BouncedMail | None:
    """The mail of ours that a delivery report is about: by the returned Message-ID, else by the envelope address it
    came back to. Without either nothing is believed: a forged report must not silence anybody."""
    if classification.mail_class is not MailClass.DSN:
        return None
    report = message.delivery_report
    row = unit.outbox.by_message_id(report.original_message_id) if report and report.original_message_id else None
    if row is not None and row.ticket is not None:
        return BouncedMail(row.ticket, str(row.to.address), row.entry)
    for sealed, holder in found.opened(facts.holders, helpdesk.ring):
        if sealed.ticket in facts.tickets:
            return BouncedMail(sealed.ticket, str(holder.address), _reply_seen(sealed, holder.address, unit))
    return None


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
) -> tuple[Step, ...]:
    parts = f"{message.size} bytes, {len(message.attachments)} attachments, {message.folded_lines} lines folded"
    where = f"ticket {routed.ticket}" if routed.ticket is not None else routed.verdict.value
    verdict = f"{routed.verdict.value}: {where}" if routed.verdict is not Verdict.NEW else routed.verdict.value
    ignored = f" (not counted: {'; '.join(routed.ignored)})" if routed.ignored else ""
    filed = ", ".join(filing.trail) if filing.trail else "nothing matches"
    return (
        Step("parse", "read" if not message.defects else "read with defects", "; ".join((parts, *message.defects))),
        Step("authentication", evidence.trust.value, evidence.reason),
        Step("classify", classification.mail_class.value, f"{classification.rule}: {classification.reason}"),
        Step("route", verdict, f"{routed.carrier.value}: {routed.reason}{ignored}"),
        Step("rules", filing.topic or "none", filed),
    )
