"""The personal digest: what is overdue or due, whose customer waits, what has no owner, what came back or got lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from maild.domain.intake.decide.buttons import MAKE
from maild.domain.notices.buttons import MOST, Button
from maild.domain.people.directory import AgentRole, Role
from maild.domain.reports.digest_schedule import TITLES, Candidate, Section, horizon, sorted_out
from maild.domain.reports.ticket_measures import COUNTED_KINDS
from maild.domain.sla.clocks import Target, cycles
from maild.domain.sla.step_keys import shown_step
from maild.domain.tickets.events import Bounced, Event, Snoozed, StatusChanged
from maild.domain.tickets.ticket import Status
from maild.ports import InboundState, KeptMail, ListedTicket, Listing, Order, TicketHistory, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.reports.digest_parts import MOST_ROWS, Contents, DigestReader, by_due, is_asleep, many_told, section
from maild.services.reports.digest_parts import Section as Shown

_MOST_UNHEARD = 20  # alarms that reached nobody
_MOST_JUNK = 20  # mails of a spam folder that are named
_COUNTED_JUNK = 500  # and that are counted
_KINDS = (*COUNTED_KINDS, "snoozed")
_WORKED_ON = (Status.OPEN.value, Status.WAITING.value)


def of_agent(unit: UnitOfWork, reader: DigestReader) -> Contents | None:
    """Return one agent's digest; None when there is nothing to tell."""
    mine = _mine(unit, reader)
    free = _nobodys(unit, reader)
    candidates = [_candidate(history, reader) for history in mine]
    candidates += [
        Candidate(number=each.ticket.number, mine=False, due_at=each.due_at, asleep=is_asleep(each, reader.now))
        for each in free
    ]
    listed = {each.ticket.number: each for each in (*(history.listed for history in mine), *free)}
    soon = horizon(reader.offices, reader.now, reader.zone)
    contents, told = Contents(), []
    for name, numbers in sorted_out(candidates, reader.now, soon).items():
        contents.add_rows(TITLES[name], by_due([listed[number] for number in numbers]), reader)
        told.append(f"{many_told(len(numbers))} {name}")
        if name is Section.BOUNCED:
            _say_what_bounced(contents.sections[-1], mine, reader)
    if reader.agent.role is AgentRole.ADMIN:
        told += _of_admin(unit, reader, contents)
    contents.subject = f"Your tickets: {', '.join(told)}"
    return contents if contents.sections else None


def _of_admin(unit: UnitOfWork, reader: DigestReader, contents: Contents) -> list[str]:
    """Add what concerns the helpdesk itself. Returns it in few words, for the subject."""
    told = []
    if unheard := unit.sla_steps.unheard_steps(_MOST_UNHEARD):
        contents.sections.insert(0, _unheard_section(unheard))
        told.append(f"{len(unheard)} alarms unheard")
    if junk := _junk(unit, reader.helpdesk):
        contents.sections.append(_junk_section(junk))
        contents.buttons = tuple(_make_ticket(kept) for kept in junk[:MOST])
        told.append(f"{_count(junk)} taken for spam")
    return told


def _unheard_section(unheard: Sequence[tuple[int, str, str]]) -> Shown:
    lines = [
        f"#{ticket}: {target.replace('-', ' ')} {shown_step(step)}; ask: show {ticket}"
        for ticket, target, step in unheard
    ]
    note = f"{len(lines)} alarm{'s' if len(lines) > 1 else ''} that reached nobody by mail"
    return section("Alarms that reached nobody", note, lines=lines)


def _mine(unit: UnitOfWork, reader: DigestReader) -> list[TicketHistory]:
    """Return the reader's tickets with an event since their last digest. Mail about a closed ticket can get lost
    too."""
    theirs = Listing(assignee=reader.agent.name)
    return unit.tickets.histories(unit.tickets.active_between(reader.since, reader.now, theirs), _KINDS)


def _nobodys(unit: UnitOfWork, reader: DigestReader) -> list[ListedTicket]:
    """Return the tickets without owner of the reader's departments and teams: open and awake, or overdue.

    For somebody who sees everything it is their own departments too; without any of those, all of them."""
    sight = reader.sight
    if sight is not None and (sight.departments or sight.teams):
        sight = replace(sight, all_but=None)
    free = Listing(statuses=_WORKED_ON, unassigned=True, sight=sight, order=Order.DUE, limit=MOST_ROWS + 1)
    late = unit.tickets.listing(replace(free, overdue_at=reader.now))
    others = unit.tickets.listing(replace(free, statuses=(Status.OPEN.value,), not_snoozed_at=reader.now))
    return list({each.ticket.number: each for each in (*late, *others)}.values())


def _candidate(history: TicketHistory, reader: DigestReader) -> Candidate:
    listed = history.listed
    recent = [event for event in history.events if event.at > reader.since]
    return Candidate(
        number=listed.ticket.number,
        mine=True,
        due_at=listed.due_at,
        ended=listed.ticket.status.ended,
        asleep=is_asleep(listed, reader.now),
        customer_waits=_customer_waits(history.events),
        woken=any(_wakes(event) for event in recent),
        bounced=any(isinstance(event, Bounced) and event.permanent for event in recent),
    )


def _customer_waits(events: Sequence[Event]) -> bool:
    """Tell whether the customer spoke last and it is our turn."""
    return any(
        cycle.pending and cycle.running_last for cycle in cycles(events) if cycle.target is not Target.RESOLUTION
    )


def _wakes(event: Event) -> bool:
    """Tell whether a timer brought the ticket back. People know what people did."""
    if event.by.role is not Role.SYSTEM:
        return False
    if isinstance(event, Snoozed):
        return event.until is None
    return isinstance(event, StatusChanged) and (event.previous, event.status) == (Status.WAITING, Status.OPEN)


def _say_what_bounced(shown: Shown, mine: Sequence[TicketHistory], reader: DigestReader) -> None:
    told = {history.listed.ticket.number: _lost(history, reader.since) for history in mine}
    for row in shown["rows"]:
        row["line"] = told[row["number"]]


def _lost(history: TicketHistory, since: datetime) -> str:
    lost = [event for event in history.events if isinstance(event, Bounced) and event.permanent and event.at > since]
    return "; ".join(f"{event.recipient}: {event.diagnostic or 'not delivered'}" for event in lost)


# -- the providers' spam folders --------------------------------------------------------------------------------


def _junk(unit: UnitOfWork, helpdesk: Helpdesk) -> list[KeptMail]:
    """Return the mails that wait there for a decision, the newest first."""
    doors = helpdesk.junk_doors
    return unit.inbound.listed(InboundState.HELD, _COUNTED_JUNK + 1, doors)[::-1] if doors else []


def _count(junk: Sequence[KeptMail]) -> str:
    return f"more than {_COUNTED_JUNK}" if len(junk) > _COUNTED_JUNK else str(len(junk))


def _junk_section(junk: list[KeptMail]) -> Shown:
    lines = [f"{kept.id}: {kept.sender[:60]}: {kept.subject[:80]}" for kept in junk[:_MOST_JUNK]]
    more = "; the others: maild held list" if len(junk) > _MOST_JUNK else ""
    return section("Taken for spam", f"{_count(junk)} taken for spam by the provider{more}", lines=lines)


def _make_ticket(kept: KeptMail) -> Button:
    return Button(f"Make ticket of {kept.id}", f"{MAKE}-{kept.id}")
