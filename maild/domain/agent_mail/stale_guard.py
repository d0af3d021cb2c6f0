"""What happened to a ticket after the notice that somebody answers: news that may change what they want to say."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from maild.domain.people.directory import Agent, Directory, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Status
from maild.domain.times.moments import shown_when

_ENDS = {Status.RESOLVED.value, Status.CLOSED.value}


def news(since: Sequence[Event], reader: Agent, directory: Directory, zone: str) -> tuple[str, ...]:
    """Return one line for each thing that the writer had not seen and should know before their answer leaves.

    That is another agent's public reply, an end of the ticket by somebody else, or a new message of the
    customer."""
    told = []
    for event in since:
        if event.by.role is Role.AGENT and event.by.name == reader.name:
            continue
        what = _told(event)
        if what:
            told.append(f"{_who(event.by, directory)} {what}, {shown_when(event.at, ZoneInfo(zone))}")
    return tuple(told)


def _told(event: Event) -> str:
    if isinstance(event, events.Replied):
        return "answered the customer"
    if isinstance(event, events.MessageReceived) and not event.automatic:
        return "wrote once more"
    if isinstance(event, events.StatusChanged) and event.status in _ENDS:
        return f"marked the ticket as {event.status}"
    return ""


def _who(actor: Actor, directory: Directory) -> str:
    agent = directory.agent(actor.name) if actor.role is Role.AGENT else None
    return agent.shown if agent else actor.shown


def taken_by(since: Sequence[Event], reader: Agent) -> events.Assigned | None:
    """Return the last assignment to somebody else that the writer had not seen."""
    taken = [event for event in since if isinstance(event, events.Assigned) and event.assignee not in ("", reader.name)]
    return taken[-1] if taken else None
