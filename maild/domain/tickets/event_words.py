"""Puts an event into words. Receipts, notices and the written-out thread all take theirs from here.

A change is told as a field and what became of it: ("priority", "normal -> emergency"). What changes no field is a
sentence: ("", "a mail to bob@client.example could not be delivered")."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

from maild.domain.people.directory import Directory
from maild.domain.tickets import events
from maild.domain.tickets.events import NEW_TICKET, Event
from maild.domain.tickets.ticket import Ticket
from maild.domain.times.moments import shown_when

Words = tuple[str, str]  # (field or "", what became of it)

_ATTENTION = {"watch": "hears of everything", "mute": "hears of nothing else", "": "hears as usual"}
_SETTLED = {"sent": "sent", "noted": "kept as a note", "dropped": "dropped", "replaced": "replaced by a newer one"}

# What a notice to an agent lists beside the new text. Other events have a headline of their own or are no news there.
_IN_NOTICES = (
    events.Bounced,
    events.MailHeld,
    events.StatusChanged,
    events.PriorityChanged,
    events.PlanChanged,
    events.Rated,
    events.Transferred,
    events.Assigned,
)


def receipt_lines(event: Event, before: Ticket, directory: Directory, zone: tzinfo) -> list[str]:
    """Return what a command changed, as "field: old -> new". `before` is the ticket before the event."""
    return _lines(_told(event, before, directory, zone))


def notice_line(event: Event, directory: Directory, zone: tzinfo) -> str:
    """Return what a notice says of an event beside the new text; "" when it says it elsewhere or not at all."""
    if not isinstance(event, _IN_NOTICES) or (
        isinstance(event, events.PlanChanged) and event.sla_plan == event.previous
    ):
        return ""
    return ", ".join(f"{field} {change}".strip() for field, change in _told(event, None, directory, zone))


def thread_line(event: Event, directory: Directory, zone: tzinfo) -> str:
    """Return one line about any event: "2026-05-04 11:00 CEST  priority: normal -> high (jane)"."""
    words = "; ".join(_lines(_told(event, None, directory, zone))) or event.kind.replace("-", " ")
    return f"{shown_when(event.at, zone)}  {words} ({event.by.shown})"


def deadline_words(moved: events.DeadlineMoved, zone: tzinfo, *, with_reason: bool = True) -> str:
    """Return a moved deadline: "resolution now due Mon 2026-05-04 16:00 CEST (was …): priority normal -> high"."""
    target = moved.target.replace("-", " ")
    was = f" (was {shown_when(moved.previous, zone)})" if moved.previous else ""
    now = f"now due {shown_when(moved.due_at, zone)}" if moved.due_at else "not due any more"
    return f"{target} {now}{was}: {moved.reason}" if with_reason and moved.reason else f"{target} {now}{was}"


def _lines(words: Iterable[Words]) -> list[str]:
    return [f"{field}: {change}" if field else change for field, change in words]


def _told(event: Event, before: Ticket | None, directory: Directory, zone: tzinfo) -> list[Words]:
    """The words of an event, looked for where its kind belongs. `before` makes changes of the assignment exact."""
    if isinstance(event, events.Assigned):
        return _assignment(event, before, directory)
    for told in (_of_the_ticket(event, zone), _of_people(event, directory), _of_other_tickets(event, before)):
        if told:
            return told
    return _of_mail(event, directory, zone)


def _of_the_ticket(event: Event, zone: tzinfo) -> list[Words]:
    """Changes of the ticket's own fields."""
    match event:
        case events.StatusChanged() if event.status == event.previous:
            return [("status", f"{event.status}, confirmed")]
        case events.StatusChanged():
            until = f" until {shown_when(event.until, zone)}" if event.until else ""
            return [("status", f"{event.previous} -> {event.status}{until}")]
        case events.Transferred():
            return [("department", f"{event.previous or 'none'} -> {event.department}")]
        case events.PriorityChanged():
            return [("priority", f"{event.previous} -> {event.priority}")]
        case events.PlanChanged() if event.sla_plan == event.previous:
            return [("SLA plan", f"{event.sla_plan}, now fixed by {event.source}")]
        case events.PlanChanged():
            return [("SLA plan", f"{event.previous or 'none'} -> {event.sla_plan}")]
        case events.Retitled():
            return [("title", f"{event.previous} -> {event.subject}")]
        case events.Tagged():
            return [("tags", " ".join([*(f"+{tag}" for tag in event.added), *(f"-{tag}" for tag in event.removed)]))]
        case events.Snoozed():
            return [("snooze", _until(event.until, zone) or "ended")]
        case events.DueSet():
            return [("due", shown_when(event.due_at, zone) if event.due_at else "as its SLA plan says")]
        case events.DeadlineMoved():
            return [("", deadline_words(event, zone))]
    return []


def _of_people(event: Event, directory: Directory) -> list[Words]:
    """Who takes part, and how much agents hear."""
    match event:
        case events.RequesterChanged():
            return [("requester", f"{event.previous} -> {event.requester.address}")]
        case events.ParticipantAdded():
            return [("takes part", f"{event.person.address}{', with the history' if event.history else ''}")]
        case events.ParticipantRemoved():
            return [("takes part no more", str(event.person.address))]
        case events.Followed():
            return [(event.agent, _ATTENTION.get(event.level, event.level))]
        case events.Acknowledged():
            return [("acknowledged", f"the {event.target.replace('-', ' ')} alarm")]
        case events.Rated():
            return [("", f"the customer rates the help: {event.rating}")]
        case events.Escalated():
            told = ", ".join(_name(name, directory) for name in event.notified) or "nobody"
            state = "breached" if event.breach else f"reached its step {event.step}"
            return [("", f"the {event.target.replace('-', ' ')} target {state}; told: {told}")]
    return []


def _of_other_tickets(event: Event, before: Ticket | None) -> list[Words]:
    match event:
        case events.Linked():
            return [("links", f"+{event.ticket}")]
        case events.Unlinked():
            return [("links", f"-{event.ticket}")]
        case events.Merged() if event.into is None:
            return [("merged", f"no more into {before.merged_into}" if before else "no more")]
        case events.Merged():
            return [("merged", f"into {event.into}")]
        case events.Absorbed():
            return [("merged", f"ticket {event.ticket} into this one")]
        case events.Split():
            return [("split", f"into {'a new ticket' if event.into == NEW_TICKET else event.into}")]
    return []


def _of_mail(event: Event, directory: Directory, zone: tzinfo) -> list[Words]:
    """What was written, held, stopped or lost. Nothing for an undo: the events around it say what it did."""
    match event:
        case events.Opened():
            return [("opened", f"{event.subject} (for {event.requester.address})")]
        case events.MessageReceived():
            return [("", "an automatic message came" if event.automatic else "a message came")]
        case events.Replied():
            return [("", "answered by a mail of the agent's own" if event.outside else "answered")]
        case events.Noted():
            named = f", for {', '.join(_name(name, directory) for name in event.mentions)}" if event.mentions else ""
            return [("", f"a note was written{named}")]
        case events.ReplyWithdrawn():
            return [("answer", "withdrawn")]
        case events.Bounced():
            return [("", f"a mail to {event.recipient} could not be delivered")]
        case events.MailHeld():
            return [("", f"a mail from {event.sender} is held")]
        case events.TextHeld():
            return [("", f"an answer of {_name(event.agent, directory)} is held: {event.reason}")]
        case events.TextSettled():
            return [("held answer", _SETTLED.get(event.settled_as, event.settled_as))]
        case events.CustomerReminded():
            return [
                ("", f"the customer was reminded; without an answer the ticket ends {shown_when(event.ends_at, zone)}")
            ]
    return []


def _assignment(event: events.Assigned, before: Ticket | None, directory: Directory) -> list[Words]:
    """The assignment as it is now, or, where the ticket before is known, what changed of it."""
    if before is None:
        names = [_name(event.assignee, directory), f"team {event.team}" if event.team else ""]
        return [("assigned to", ", ".join(filter(None, names)) or "nobody")]
    told = []
    if event.team != before.team:
        told.append(("team", f"{before.team or 'none'} -> {event.team or 'none'}"))
    if event.assignee != before.assignee:
        old, new = (_name(name, directory) or "nobody" for name in (before.assignee, event.assignee))
        told.append(("assignee", f"{old} -> {new}"))
    return told


def _name(name: str, directory: Directory) -> str:
    agent = directory.agent(name)
    return agent.shown if agent else name


def _until(instant: datetime | None, zone: tzinfo) -> str:
    return f"until {shown_when(instant, zone)}" if instant else ""
