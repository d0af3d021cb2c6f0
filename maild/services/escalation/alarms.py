"""Turns alarms into mails: one for each person and ticket, or one list where a person hears of many at once.

Many may come at once after a night without the daemon or with a lost mailbox. Then a person reads one list,
worst first. The ledger and the mail that it names are written in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.decision import Decision
from maild.domain.messages.outbox import OutboxState
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.mail_kinds import Reader
from maild.domain.notices.notice import Notice
from maild.domain.notices.pacing import NoticeReader, leaving
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import Preferences
from maild.domain.sla.standing import DueStep
from maild.domain.tickets.ticket import Priority, Ticket
from maild.ports import ListedTicket, OutboxRow, Snapshot
from maild.services.apply.applying import Done
from maild.services.apply.decision import apply_decision
from maild.services.listing import rows_of
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.notices.enqueue import enqueue, tellings
from maild.services.notices.template_context import NoticeContext, due_words
from maild.services.work import Work, isolated

TEMPLATE = "sla-gathered"
FEW = 3  # alarms of one person in one tick that are mails of their own
MOST_ROWS = 100  # tickets of one mail that are shown; of the others the numbers are
GRACE = timedelta(minutes=1)  # a mail that more may join leaves then, if nobody comes back to it

Row = dict[str, Any]
Rank = tuple[bool, int, datetime]  # the lower, the worse


@dataclass(frozen=True, slots=True)
class Decided:
    """A ticket, and what is decided about its alarms."""

    ticket: Ticket
    decision: Decision
    steps: tuple[DueStep, ...] = ()


Prepare = Callable[[Decided], Decision]


@dataclass(slots=True)
class Open:
    """The mails of one tick that are about many tickets: for each reader (by address) the outbox row and when it
    leaves.

    It lives between the transactions of the tick. What a crash forgets leaves by itself after GRACE."""

    rows: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    pages: dict[str, tuple[int, Rank]] = field(default_factory=dict)  # with the worst that was paged
    heard: Counter[str] = field(default_factory=Counter)  # alarms of each reader so far


@dataclass(frozen=True, slots=True)
class _Line:
    """One alarm of one ticket for one person, which is not mailed by itself."""

    work: Work
    notice: Notice
    occasion: NoticeContext

    @property
    def worst_first(self) -> Rank:
        """A breach before a warning, the more urgent ticket before the less, what is overdue longest first."""
        ticket = self.occasion.ticket
        due = due_words(self.occasion.standing, self.work.now, self.notice.steps)
        at = datetime.fromisoformat(due["at"]) if due else ticket.created_at
        return (not self.notice.steps[0].breach, -list(Priority).index(ticket.priority), at)


def tell_alarms(
    work: Work,
    decided: Sequence[Decided],
    *,
    prepare: Prepare = lambda each: each.decision,
    tick: Open | None = None,
    last: bool = True,
    alone: bool = False,
) -> list[tuple[Decided, Done]]:
    """Carry out decisions about alarms, each by itself, and queue the mails. Returns those that could be carried
    out.

    `prepare` runs in the savepoint of each and returns the decision as it holds then. Mails about many tickets
    wait within a `tick` for its later transactions, until the `last` one. `alone`: the alarms are everything
    that is told; one problem with many tickets is not one mail for each."""
    tick = tick if tick is not None else Open()
    tick.heard.update(n.to.address.key for each in decided for n in each.decision.mails.notices if n.steps)
    # While more is to come nobody knows who will hear of few: whoever hears now hears in a list.
    many = {key for key, count in tick.heard.items() if count > FEW or not last} | set(tick.rows) | set(tick.pages)
    lines: list[_Line] = []
    done: list[tuple[Decided, Done]] = []
    for each in decided:
        found: list[_Line] = []
        marked = work if work.trace else work.traced(f"sla-{each.ticket.number}")
        made = isolated(
            work.unit, each.ticket.number, partial(_carried, marked, each, prepare, many, found, alone=alone)
        )
        if made is not None:
            done.append((each, made))
            lines += found
    for key, own in _by_reader(lines).items():
        told = sorted(own, key=lambda line: line.worst_first)
        # What is kept in `tick` is what the savepoint has kept, too.
        if told[0].notice.mail_kind.to is Reader.PAGER:
            page = isolated(work.unit, 0, partial(_page, work, told, tick.pages.get(key)))
            written = page is not None
            if page is not None:
                tick.pages[key] = page
        else:
            mail = isolated(work.unit, 0, partial(_mail, work, told, tick.rows.get(key)))
            written = mail is not None
            if mail is not None:
                tick.rows[key] = mail
        if not written:
            for line in told:  # better many mails than none
                enqueue(line.work, line.notice, line.occasion)
    if last:
        for row, at in tick.rows.values():
            if work.unit.outbox.lock_unsent(row) is not None:
                work.unit.outbox.set_state(row, OutboxState.QUEUED, at)
    return done


def _carried(
    work: Work, each: Decided, prepare: Prepare, many: Collection[str], found: list[_Line], *, alone: bool
) -> Done:
    def queue(work: Work, notice: Notice, occasion: NoticeContext) -> OutboxRow | None:
        if alone and not notice.steps:
            return None
        if not notice.steps or notice.to.address.key not in many:
            return enqueue(work, notice, occasion)
        found.append(_Line(work, notice, occasion))
        return None

    return apply_decision(work, prepare(each), each.ticket, queue=queue)


def _by_reader(lines: Sequence[_Line]) -> dict[str, list[_Line]]:
    """Return the lines of each reader. The order is the same on every node, so that no two nodes wait for each
    other's rows."""
    found: dict[str, list[_Line]] = {}
    for line in lines:
        found.setdefault(line.notice.to.address.key, []).append(line)
    return dict(sorted(found.items()))


def _page(work: Work, lines: Sequence[_Line], paged: tuple[int, Rank] | None) -> tuple[int, Rank]:
    """Send one page about the worst of them, which says how many more there are. Returns its row, and how bad that
    was.

    Who was `paged` in the same tick is paged again only for something worse."""
    worst, *others = lines
    if paged is None or worst.worst_first < paged[1]:
        row = enqueue(worst.work, replace(worst.notice, others=len(others)), worst.occasion)
        paged = (row.id, worst.worst_first)
    _note(work, lines, paged[0])  # what the page's own row has noted already is not noted twice
    return paged


def _mail(work: Work, lines: Sequence[_Line], begun: tuple[int, datetime] | None) -> tuple[int, datetime]:
    """Write one list for this reader: a new one, or more rows in the same tick's list that has not left yet.

    Returns its row and when it leaves."""
    unit, at = work.unit, _leaves_at(work, lines)
    number, before = begun or (0, at)
    row = unit.outbox.lock_unsent(number) if number else None
    if row is None:
        row = _begun(work, lines, max(at, work.now + GRACE))
    else:
        told = _added(row.context["alarms"], lines, work)
        unit.snapshots.change(told["list"], [each["number"] for each in told["rows"]])
        title = _subject(told)
        unit.outbox.rewrite(replace(row, subject=title, context={**row.context, "title": title, "alarms": told}))
        at = min(at, before)
    _note(work, lines, row.id)
    return row.id, at


def _note(work: Work, lines: Sequence[_Line], outbox: int) -> None:
    """Write the lines of the ledger."""
    noted = (tellings(line.notice, line.occasion.ticket.number, outbox, work.now) for line in lines)
    work.unit.sla_steps.add_lines([each for told in noted for each in told])


def _leaves_at(work: Work, lines: Sequence[_Line]) -> datetime:
    """Return when the first of them would leave by itself. One that wakes its reader brings the others along."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    agent = helpdesk.policy.directory.agent(lines[0].notice.agent)
    if agent is None:
        return now
    rhythm, name = helpdesk.policy.rhythm, agent.name
    reader = NoticeReader.of(
        agent, Preferences.of(unit.preferences.of(agent.name)), rhythm, ZoneInfo(helpdesk.clock_of(agent))
    )

    def at(line: _Line) -> datetime:
        kind, in_place = line.notice.kind, line.notice.in_place
        return leaving(kind, line.occasion.ticket, name, reader, rhythm, now, now, in_place=in_place).at

    return min(map(at, lines))


def _begun(work: Work, lines: Sequence[_Line], leaves_at: datetime) -> OutboxRow:
    unit, notice = work.unit, lines[0].notice
    # An address that is nobody's gets the same list; what it answers counts for nothing.
    reader = work.helpdesk.policy.directory.agent(notice.agent) or Agent("", (notice.to.address,), notice.to.name)
    made = Snapshot(agent=reader.name, kind="list", asked=TEMPLATE, made_at=work.now, tickets=())
    about = unit.snapshots.add(made) if reader.name else 0
    told = _added({"list": about, "rows": [], "others": [], "late_others": 0}, lines, work)
    if about:
        unit.snapshots.change(about, [each["number"] for each in told["rows"]])
    message = AgentMessage(
        template=TEMPLATE,
        agent=reader,
        subject=_subject(told),
        scope=Scope.DIGEST,
        reason=f"{notice.reason}; more than {FEW} alarms at once are told in one mail",
        words={"alarms": told},
        about=about,
    )
    return post(work.traced(f"sla-{reader.name or notice.to.address}"), message, leaves_at)


def _added(told: dict[str, Any], lines: Sequence[_Line], work: Work) -> dict[str, Any]:
    """Return the list with these alarms in it as well. What does not fit is named by its number."""
    rows = sorted([*told["rows"], *(_row(line, work) for line in lines)], key=lambda row: row["rank"])
    shown, rest = rows[:MOST_ROWS], rows[MOST_ROWS:]
    numbered = [{**row, "row": place} for place, row in enumerate(shown, 1)]
    return {
        **told,
        "rows": numbered,
        "others": [*told["others"], *(row["number"] for row in rest)],
        "late_others": told["late_others"] + sum(row["breach"] for row in rest),
    }


def _row(line: _Line, work: Work) -> Row:
    occasion, steps = line.occasion, line.notice.steps
    due = due_words(occasion.standing, work.now, steps)
    at = datetime.fromisoformat(due["at"]) if due else None
    (row,) = rows_of([ListedTicket(occasion.ticket, at)], work.helpdesk, work.now)
    calm, urgency, since = line.worst_first
    return row | {
        "target": steps[0].target,
        "breach": steps[0].breach,
        "left": due["left"] if due else "",
        "late": bool(due and due["late"]),
        "rank": [calm, urgency, since.isoformat()],
    }


def _subject(told: dict[str, Any]) -> str:
    """Return "12 tickets are overdue, 3 are due soon"."""
    rows = told["rows"]
    late = sum(row["breach"] for row in rows) + told["late_others"]
    soon = len(rows) + len(told["others"]) - late
    parts = [f"{late} {_tickets(late)} overdue" if late else "", f"{soon} {_tickets(soon)} due soon" if soon else ""]
    return ", ".join(filter(None, parts))


def _tickets(count: int) -> str:
    return "ticket" if count == 1 else "tickets"
