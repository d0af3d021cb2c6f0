"""Judges a mail from what was looked up for it. Nothing here asks the store.

1. `keys.keys_of` names what is looked up for every mail: the FirstLook.
2. `place` says which ticket the mail concerns, and what deciding will ask for: the SecondLook.
3. `conclude` decides. Where a command reaches further, it names what is missing, and is asked again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.agent_mail.judge import needs_of_answer
from maild.domain.commands.apply import parse
from maild.domain.decision import Decision, TraceStep
from maild.domain.intake.bounce import BouncedMail
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide import Case, decide
from maild.domain.intake.decide.buttons import numbered
from maild.domain.intake.keys import FirstLook, ReadMail, SecondLook, tickets_of_clues
from maild.domain.intake.route import WITHOUT_TICKET, Carrier, Clues, Facts, Route, RouteKind, route
from maild.domain.intake.rules import Filing
from maild.domain.lookups import Missing, Needs
from maild.domain.messages.message import InboundMessage
from maild.domain.messages.reply_tokens import KeyRing, Scope, Sealed
from maild.domain.people.directory import Agent
from maild.domain.policy import Policy
from maild.domain.tickets.events import Event
from maild.domain.tickets.held_replies import HeldReply
from maild.domain.tickets.participation import departed
from maild.domain.tickets.ticket import Ticket

# -- where it belongs -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LostMark:
    """The mark in the envelope address that a report came back to, and to whom that was given."""

    text: str
    ticket: int | None
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A mail whose place is known. `needs` is what deciding will ask for, as far as can be told by now."""

    read: ReadMail
    known: FirstLook
    route: Route
    ticket: Ticket | None
    bounced: BouncedMail | None = None
    lost: LostMark | None = None  # where the lost mail itself is not known
    needs: Needs = Needs()


def place(read: ReadMail, known: FirstLook, policy: Policy, ring: KeyRing, now: datetime) -> Placed:
    """Say which ticket a mail concerns, and as what."""
    facts = _facts(read, known, ring, now)
    routed = _joined(route(read.message, read.clues, facts, ring, policy.directory), read.filing, known)
    bounced, lost = _bounced(read, facts, known, ring)
    number = bounced.ticket if bounced else routed.ticket
    ticket = (facts.tickets.get(number) or _itself(number, known)) if number is not None else None
    if read.released and ticket is not None:
        routed = _released(routed, read.agent)
    placed = Placed(read=read, known=known, route=routed, ticket=ticket, bounced=bounced, lost=lost)
    return replace(placed, needs=_needs(placed, policy))


def _facts(read: ReadMail, known: FirstLook, ring: KeyRing, now: datetime) -> Facts:
    """Return what the first look found about the clues.

    A copy that waits in a spam folder does not make this mail a duplicate (`waiting_in`): a mail that somebody
    moves from that folder into the mailbox would be lost."""
    found = read.clues
    tickets = {number: known.tickets.ticket(number) for number in tickets_of_clues(found, known, ring)}
    earlier = (
        (mail.inbound, mail.ticket)
        for mail in known.earlier.get(found.sameness, ())
        if mail.inbound != read.inbound and not (mail.waits and mail.mailbox in read.waiting_in)
    )
    return Facts(
        tickets={number: ticket for number, ticket in tickets.items() if ticket is not None},
        holders=known.holders,
        tickets_of_ids=known.tickets_of_ids,
        tickets_of_ancestors=known.tickets_of_ancestors,
        same_mail=next(earlier, None),
        sealed_at=_sealed_at(found, known, ring),
        snapshots={number: mailed.agent for number, mailed in known.lists.items()},
        now=now,
    )


def _sealed_at(found: Clues, known: FirstLook, ring: KeyRing) -> dict[tuple[int, int], datetime]:
    """Return when addresses that act by themselves were sealed: at the last event that their reader had seen."""
    opened = (sealed for sealed, _ in found.opened(known.holders, ring))
    acting = {(sealed.ticket, sealed.seq) for sealed in opened if sealed.scope is Scope.COMMAND}
    seen = {(number, seq): known.tickets.history(number)[seq - 1 : seq] for number, seq in acting if seq > 0}
    return {key: events[0].at for key, events in seen.items() if events}


def _joined(routed: Route, filing: Filing, known: FirstLook) -> Route:
    """Route a mail that leads nowhere by itself into the open ticket with its rule's join key."""
    number = known.joined.get(filing.join_key) if routed.verdict is RouteKind.NEW else None
    if number is None:
        return routed
    reason = f"ticket {number} is open for the same key: {filing.join_key}"
    return replace(
        routed, verdict=RouteKind.REPLY, reason=reason, carrier=Carrier.JOIN_KEY, ticket=number, scope=Scope.USER
    )


def _released(routed: Route, agent: Agent | None) -> Route:
    """Route a mail that a person let in, although its mark spoke against it, into the ticket as a message.

    Such a mark does not speak for an agent: their commands do not count."""
    answers = routed.verdict is RouteKind.REPLY and agent is None  # to what agents alone are told
    if routed.verdict is not RouteKind.HELD and not answers:
        return routed
    reason = f"released by a person ({routed.reason})"
    return replace(routed, verdict=RouteKind.REPLY, scope=Scope.USER, verb="", reason=reason)


def _bounced(
    read: ReadMail, facts: Facts, known: FirstLook, ring: KeyRing
) -> tuple[BouncedMail | None, LostMark | None]:
    """Return the mail of ours that a delivery report is about.

    The returned Message-ID says which one, else the envelope address that the report came back to. A report without
    either is not believed: a forged one must not silence anybody."""
    if read.classification.mail_class is not MailClass.DSN:
        return None, None
    row = known.returned.get(read.returned_id)
    if row is not None:
        return BouncedMail(row.ticket, str(row.to), row.entry, row.outbox), None
    for sealed, holder in read.clues.opened(facts.holders, ring):
        text = replace(sealed, verb="").text
        if sealed.scope in WITHOUT_TICKET:
            return BouncedMail(None, str(holder.address), None), LostMark(text, None, holder.agent)
        if sealed.ticket in facts.tickets:
            entry = _reply_seen(sealed, known)
            mark = LostMark(text, sealed.ticket, holder.agent)
            return BouncedMail(sealed.ticket, str(holder.address), entry), mark
    return None, None


def _reply_seen(sealed: Sealed, known: FirstLook) -> int | None:
    """Return the entry of the reply that brought the ticket to the sequence sealed in the address."""
    seen = known.tickets.history(sealed.ticket)[: sealed.seq]
    return next((f.entry for f in reversed(seen) if f.kind == "replied" and f.at == seen[-1].at), None)


def _itself(number: int, known: FirstLook) -> Ticket | None:
    """Return a ticket as it is, merged or not."""
    found = known.tickets.record(number)
    return found.ticket if found else None


def _needs(placed: Placed, policy: Policy) -> Needs:
    """Return what deciding will most likely ask for. Anything else is looked up when it is asked for."""
    read, routed, ticket = placed.read, placed.route, placed.ticket
    if routed.verdict is RouteKind.NEW and read.agent is None and read.classification.answerable:
        return Needs(traffic=True)  # it may be acknowledged
    if routed.verdict is not RouteKind.REPLY or read.agent is None or ticket is None or routed.scope is Scope.USER:
        return Needs()
    own, _ = read.message.own_and_forwarded
    parsed = parse(own, bare=routed.scope is Scope.COMMAND)
    return needs_of_answer(parsed, routed.scope or Scope.NOTE, ticket, policy) if parsed.text.strip() else Needs()


@dataclass(frozen=True, slots=True)
class Judged:
    """A mail with its decision, the ticket that it concerns, and each stop's verdict."""

    message: InboundMessage
    decision: Decision
    ticket: Ticket | None
    steps: tuple[TraceStep, ...]


def conclude(placed: Placed, second: SecondLook, policy: Policy, now: datetime) -> Judged | Needs:
    """Decide what becomes of a mail, or return what must be looked up before that."""
    try:
        decision = decide(_case(placed, second, policy, now))
    except Missing as missing:
        return missing.needs
    steps = (*_steps(placed, second.message), *decision.steps)
    return Judged(second.message, decision, placed.ticket, steps)


def _case(placed: Placed, second: SecondLook, policy: Policy, now: datetime) -> Case:
    read, known, routed, ticket = placed.read, placed.known, placed.route, placed.ticket
    history = second.lookups.history(ticket.number) if ticket is not None else ()
    bounced = placed.bounced and replace(placed.bounced, outbox=second.outbox, alarm=second.alarm)
    mailed = known.lists.get(routed.snapshot) if routed.snapshot is not None else None
    wishes = known.preferences.get(read.agent.name, {}) if read.agent else {}
    return Case(
        inbound=read.inbound,
        message=second.message,
        classification=read.classification,
        evidence=read.evidence,
        route=routed,
        filing=read.filing,
        policy=policy,
        now=now,
        at=_moment(read.arrived_at, ticket, now),
        envelope_sender=read.envelope.sender or "",
        department=read.department,
        ticket=ticket,
        bounced=bounced,
        released=read.released,
        proven=read.proven,
        released_as=read.released_as,
        since=_since(placed, history),
        drafts=_held_replies(placed) if read.agent else (),
        lookups=second.lookups,
        rows=mailed.rows if mailed else None,
        receipts=wishes.get("receipts") == "all",
        junk=read.junk,
        traffic=second.traffic,
        departed=departed(history),
    )


def _moment(arrived_at: datetime, ticket: Ticket | None, now: datetime) -> datetime:
    """Return when the mail counts as written: its arrival, but not before the newest event of its ticket.

    A mail that was on its way while an agent answered was not answered by that."""
    arrived = min(arrived_at, now)
    return max(arrived, min(ticket.updated_at, now)) if ticket else arrived


def _since(placed: Placed, history: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return what happened after what the sender had seen. The mark of a merged ticket counts other events."""
    routed, ticket, found = placed.route, placed.ticket, placed.read.clues
    if ticket is None or routed.seen is None or routed.scope is Scope.USER:
        return ()
    marked = {own.ticket for own in (*found.sealed, *found.own_ids, *found.markers) if own.seq == routed.seen}
    return history[max(routed.seen, 0) :] if ticket.number in marked else ()


def _held_replies(placed: Placed) -> tuple[HeldReply, ...]:
    """Return the held replies that an agent may decide about: their own, and the one that a button names."""
    agent, (_, number) = placed.read.agent, numbered(placed.route.verb)
    found = placed.known.held_replies
    waiting = tuple(each for each in found if agent and each.agent == agent.name and not each.settled_as)
    named = tuple(each for each in found if number and each.id == number and each not in waiting)
    return (*waiting, *named)


def _steps(placed: Placed, message: InboundMessage) -> tuple[TraceStep, ...]:
    """Return what each step before the decision found."""
    read, routed = placed.read, placed.route
    parts = f"{message.size} bytes, {len(message.attachments)} attachments, {message.folded_lines} lines folded"
    where = f"ticket {routed.ticket}" if routed.ticket is not None else routed.verdict.value
    verdict = f"{routed.verdict.value}: {where}" if routed.verdict is not RouteKind.NEW else routed.verdict.value
    ignored = f" (not counted: {'; '.join(routed.ignored)})" if routed.ignored else ""
    filed = ", ".join(read.filing.trail) if read.filing.trail else "nothing matches"
    was_read = "read" if not message.defects else "read with defects"
    known_as = read.classification
    return (
        TraceStep("parse", was_read, "; ".join((parts, *message.defects))),
        TraceStep("authentication", read.evidence.trust.value, read.evidence.reason),
        TraceStep("classify", known_as.mail_class.value, f"{known_as.rule}: {known_as.reason}"),
        TraceStep("route", verdict, f"{routed.carrier.value}: {routed.reason}{ignored}"),
        TraceStep("rules", read.filing.topic or "none", filed),
    )
