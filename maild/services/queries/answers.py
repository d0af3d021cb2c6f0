"""Answers an agent's questions by mail: lists with numbered rows, tickets, search, who is here, statistics.

Questions are read in the transaction of the mail that asks, after everything else that it does. Only statistics
are computed when the answer leaves. One message answers one mail. Its rows are numbered through and bound to a
snapshot, so that "3 close" means what the reader saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.effects import AskQuery
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Agent
from maild.domain.queries.parsing import MOST_ROWS, help_text
from maild.domain.query import (
    AwayQuery,
    FindQuery,
    HelpQuery,
    ListQuery,
    Query,
    ShowQuery,
    StatsQuery,
    WhoQuery,
    WishQuery,
)
from maild.domain.tickets.event_words import thread_line
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import Sight, may_see
from maild.domain.times.moments import shown_when
from maild.ports import ListedTicket, OutboxRow, Snapshot, StoredEntry
from maild.services.listing import count_told, found_by, limited, listing_of, rows_of, said_in, sight_for
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.notices.due_notices import about_no_ticket
from maild.services.notices.template_context import entry_words
from maild.services.queries import asked_statistics as asked_statistics
from maild.services.work import Work

_NEWEST = 5  # entries of a ticket that is shown
_THREAD = 1_000_000  # characters of a thread that goes along as a file

Section = dict[str, Any]


@dataclass(slots=True)
class _Answering:
    """The questions of one mail on their way to one message."""

    work: Work
    agent: Agent
    rows: list[int] = field(default_factory=list)  # the ticket of each row so far
    files: list[tuple[str, str]] = field(default_factory=list)

    @property
    def sight(self) -> Sight | None:
        return sight_for(self.agent, self.work.helpdesk)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.work.helpdesk.clock_of(self.agent))

    @property
    def room(self) -> int:
        """Return how many rows the message still takes."""
        return MOST_ROWS - len(self.rows)

    def numbered(self, found: Sequence[ListedTicket]) -> list[dict[str, Any]]:
        rows = rows_of(found, self.work.helpdesk, self.work.now, len(self.rows) + 1)
        self.rows += [listed.ticket.number for listed in found]
        return rows


def answer(work: Work, asked: AskQuery) -> OutboxRow | None:
    """Queue the mail that answers an agent's question. Returns its row; None when they are no agent any more."""
    due = about_no_ticket(work, asked)
    if due is None:
        return None
    notice, agent = due
    answering = _Answering(work, agent)
    sections = [_section(answering, query) for query in asked.question.queries]
    lines = tuple(query.line for query in asked.question.queries)
    snapshot = 0
    if answering.rows:
        made = Snapshot(
            agent=agent.name, kind="list", asked="; ".join(lines), made_at=work.now, tickets=tuple(answering.rows)
        )
        snapshot = work.unit.snapshots.add(made)
    message = AgentMessage(
        template=notice.template,
        agent=agent,
        subject=asked.subject or lines[0],
        scope=Scope.DIGEST if snapshot else Scope.QUERY,
        about=snapshot,
        reason=notice.reason,
        words={"sections": sections},
        in_reply_to=asked.in_reply_to,
        files=tuple(answering.files),
    )
    return post(work, message)


def _section(answering: _Answering, query: Query) -> Section:
    made = _ANSWERS[type(query.asked)](answering, query.asked)
    return {"title": query.line, "note": "", "rows": [], "lines": [], "text": "", "entries": [], "charts": []} | made


# -- lists ------------------------------------------------------------------------------------------------------


def _list(answering: _Answering, asked: ListQuery) -> Section:
    room = answering.room
    wanted = listing_of(asked.filter, answering.work.now, answering.sight, room + 1)
    shown, more = limited(answering.work.unit.tickets.listing(wanted), room)
    return {"rows": answering.numbered(shown), "note": count_told(len(shown), more, asked.filter)}


def _find(answering: _Answering, asked: FindQuery) -> Section:
    room = answering.room
    found = found_by(answering.work.unit, asked, answering.work.now, answering.sight, room + 1)
    shown, more = limited(found, room)
    rows = answering.numbered(shown)
    for row, listed in zip(rows, shown, strict=True):
        row["line"] = said_in(answering.work.unit, listed.ticket.number, asked.terms)
    return {"rows": rows, "note": count_told(len(shown), more)}


# -- one ticket -------------------------------------------------------------------------------------------------


def _show(answering: _Answering, asked: ShowQuery) -> Section:
    unit, helpdesk = answering.work.unit, answering.work.helpdesk
    ticket = unit.tickets.get(asked.number)
    # Whether there is a ticket that somebody may not see is not theirs to know either.
    if ticket is None or not may_see(answering.agent, ticket, helpdesk.policy.directory):
        return {"note": f"there is no ticket {asked.number} among yours"}
    if not answering.room:
        return {"note": "this mail has no room for it: ask once more"}
    entries = unit.tickets.entries(ticket.number)
    rows = answering.numbered([ListedTicket(ticket, unit.tickets.due_at(ticket.number))])
    left = len(entries) - _NEWEST
    note = f"its newest {_NEWEST} of {len(entries)} entries" if left > 0 else ""
    if asked.full:
        answering.files.append((f"ticket-{ticket.number}.txt", _thread(answering, ticket, entries)))
        note = f"the whole thread is in the file ticket-{ticket.number}.txt"
    shown = [entry_words(entry) for entry in entries[-_NEWEST:]]
    return {"rows": rows, "lines": _properties(ticket), "entries": shown, "note": note}


def _properties(ticket: Ticket) -> list[str]:
    people = [f"{person.person.shown} ({person.role})" for person in ticket.participants]
    told = (
        ("opened for", f"{ticket.requester.name} <{ticket.requester.address}>".strip()),
        ("taking part", ", ".join(people)),
        ("SLA plan", ticket.sla_plan),
        ("team", ticket.team),
        ("topic", ticket.topic),
        ("tags", ", ".join(ticket.tags)),
        ("linked to", ", ".join(f"#{number}" for number in ticket.links)),
        ("merged into", f"#{ticket.merged_into}" if ticket.merged_into else ""),
    )
    return [f"{name}: {value}" for name, value in told if value]


def _thread(answering: _Answering, ticket: Ticket, entries: Sequence[StoredEntry]) -> str:
    """Return a ticket from its beginning, for people: entries and events in the order of their times."""
    zone, directory = answering.zone, answering.work.helpdesk.policy.directory
    parts = [f"#{ticket.number} {ticket.subject}\n", *(f"{line}\n" for line in _properties(ticket)), "\n"]
    told: list[tuple[datetime, int, str]] = [(entry.at, entry.id, _entry_told(entry, zone)) for entry in entries]
    told += [
        (event.at, 0, f"     {thread_line(event, directory, zone)}\n")
        for event in answering.work.unit.tickets.history(ticket.number)
    ]
    parts += [text for _, _, text in sorted(told, key=lambda each: each[:2])]
    whole = "".join(parts)
    return whole if len(whole) <= _THREAD else f"{whole[:_THREAD]}\n[cut here: maild ticket show {ticket.number}]\n"


def _entry_told(entry: StoredEntry, zone: ZoneInfo) -> str:
    files = "".join(f"\n[attached: {a.name}, {a.size} bytes]" for a in entry.attachments)
    inside = " (stays inside)" if entry.kind == "note" else ""
    who = entry.author_name or entry.author.shown
    return f"\n==== {entry.kind}{inside} by {who}, {shown_when(entry.at, zone)}\n\n{entry.text}{files}\n\n"


# -- people and figures -----------------------------------------------------------------------------------------


def _who(answering: _Answering, asked: WhoQuery) -> Section:
    away = answering.work.unit.people.absent(answering.work.now)
    preferences = answering.work.unit.preferences.all()
    directory = answering.work.helpdesk.policy.directory
    lines = []
    for agent in directory.agents:
        until = away.get(agent.name)
        told = f"{agent.shown} ({agent.name}): here"
        if until is not None:
            substitute = directory.agent(str(preferences.get(agent.name, {}).get("substitute") or ""))
            stands_in = f"; {substitute.shown} stands in" if substitute else ""
            told = f"{agent.shown} ({agent.name}): away until {shown_when(until, answering.zone)}{stands_in}"
        lines.append(told)
    return {"lines": lines, "note": f"{len(directory.agents) - len(away)} of {len(directory.agents)} are here"}


def _stats(answering: _Answering, asked: StatsQuery) -> Section:
    return asked_statistics.named(asked, answering.work.now)


# -- the writer -------------------------------------------------------------------------------------------------


def _away(answering: _Answering, asked: AwayQuery) -> Section:
    if asked.until is None:
        return {"lines": ["You are back."]}
    kept = answering.work.unit.preferences.of(answering.agent.name).get("substitute")
    substitute = asked.substitute or answering.work.helpdesk.policy.directory.agent(str(kept or ""))
    told = f"You are away until {shown_when(asked.until, answering.zone)}"
    stands_in = (
        f"; {substitute.shown} stands in for you." if substitute else ". Nobody in particular stands in for you."
    )
    return {"lines": [told + stands_in, 'To end it sooner, write "ooo off".']}


def _wish(answering: _Answering, asked: WishQuery) -> Section:
    return {"lines": [asked.wished.told]}


def _help(answering: _Answering, asked: HelpQuery) -> Section:
    return {"text": help_text()}


_ANSWERS: dict[type[Any], Callable[[_Answering, Any], Section]] = {
    ListQuery: _list,
    FindQuery: _find,
    ShowQuery: _show,
    StatsQuery: _stats,
    WhoQuery: _who,
    AwayQuery: _away,
    WishQuery: _wish,
    HelpQuery: _help,
}
