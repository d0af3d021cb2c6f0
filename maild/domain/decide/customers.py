"""A message of a customer into a known thread."""

from __future__ import annotations

from maild.domain import events
from maild.domain.decide.case import Case, actor_of, entry_of, held
from maild.domain.decision import Decision, Outcome
from maild.domain.events import THIS_ENTRY, Actor, Event
from maild.domain.people import Role, Trust
from maild.domain.route import Carrier, Verdict
from maild.domain.ticket import Status, Ticket


def customer_writes(case: Case) -> Decision | None:
    """A message into a known thread; it opens the ticket again unless that ended too long ago."""
    ticket = case.ticket
    if ticket is None or case.route.verdict is not Verdict.REPLY:
        return None
    if not case.automatic and _ended_long_ago(ticket, case):
        return None  # opened as a new, linked ticket by the rule below
    forged = case.evidence.trust is Trust.FAILED and not case.released
    if case.route.carrier is Carrier.SUBJECT_TOKEN and forged:
        # Subjects are quoted and forwarded by everybody: beside a forged From a token is worth nothing.
        return held(case, f"the sender is not proven: {case.evidence.reason}")
    actor = actor_of(case)
    machine = case.automatic or case.route.carrier is Carrier.JOIN_KEY
    fact = events.MessageReceived(at=case.at, by=actor, entry=THIS_ENTRY, automatic=machine)
    facts: list[Event] = [fact]
    reason = case.route.reason
    if case.filing.resolves and case.route.carrier is Carrier.JOIN_KEY:
        by_rule = Actor(Role.SYSTEM, "rule")
        why = "the alert recovered"
        facts.append(
            events.StatusChanged(at=case.at, by=by_rule, status=Status.RESOLVED, previous=ticket.status, reason=why)
        )
        reason += f"; {why}"
    elif not machine and ticket.status not in {Status.OPEN, Status.SPAM}:
        why = "the customer wrote"
        facts.append(events.StatusChanged(at=case.at, by=actor, status=Status.OPEN, previous=ticket.status, reason=why))
        reason += f"; {ticket.status} -> open"
    return Decision(Outcome.REPLIED, reason, tuple(facts), entry_of(case), actor)


def _ended_long_ago(ticket: Ticket, case: Case) -> bool:
    return ticket.ended_at is not None and case.at - ticket.ended_at > case.policy.reopen_within
