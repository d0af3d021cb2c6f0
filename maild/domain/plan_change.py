"""What follows from a changed priority, department or requester: the ticket's plan, and who reads along."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from maild.domain.policy import Policy
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.organisations import closed_to_contacts, handed_over
from maild.domain.tickets.ticket import Ticket

# Why a ticket has a plan that no other change takes away: somebody, or a rule for mails like it, chose that very one.
CHOSEN = frozenset({"command", "rule", "topic"})
_FIXED = CHOSEN | {"escalation"}
_STAYS = _FIXED | {""}
_CAUSES = (events.PriorityChanged, events.Transferred, events.RequesterChanged)


def refiled(ticket: Ticket, happened: Sequence[Event], policy: Policy) -> list[Event]:
    """Return the events together with what follows from them. `ticket` is as it was before."""
    made = list(happened)
    causes = [event for event in happened if isinstance(event, _CAUSES)]
    given = [event for event in causes if isinstance(event, events.RequesterChanged)]
    if given:
        made += handed_over(ticket, given[-1], policy.directory)
    for moved in (event for event in causes if isinstance(event, events.Transferred)):
        made += closed_to_contacts(ticket, moved, policy.directory)
    fixed = ticket.plan_source in _FIXED or any(isinstance(event, events.PlanChanged) for event in happened)
    if not causes or fixed:
        return made
    last = causes[-1]
    plan, source = policy.plan_for(
        department=_last(causes, events.Transferred, "department", ticket.department),
        priority=_last(causes, events.PriorityChanged, "priority", ticket.priority.value),
        requester=given[-1].requester.address if given else ticket.requester.address,
    )
    if plan != ticket.sla_plan:
        made.append(events.PlanChanged(at=last.at, by=last.by, sla_plan=plan, previous=ticket.sla_plan, source=source))
    return made


def planned_anew(ticket: Ticket, policy: Policy, at: datetime, by: Actor) -> events.PlanChanged | None:
    """Return the other plan that the present configuration gives this ticket; None when it stays or was chosen by
    hand."""
    if ticket.plan_source in _STAYS:
        return None
    plan, source = policy.plan_for(
        department=ticket.department, priority=ticket.priority.value, requester=ticket.requester.address
    )
    if plan == ticket.sla_plan:
        return None
    return events.PlanChanged(at=at, by=by, sla_plan=plan, previous=ticket.sla_plan, source=source)


def _last(causes: Sequence[Event], kind: type[Event], name: str, otherwise: str) -> str:
    return next((str(getattr(event, name)) for event in reversed(causes) if isinstance(event, kind)), otherwise)
