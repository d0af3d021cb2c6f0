"""When a notice to an agent leaves, and what else of the ticket goes with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.merging import Waited, news_for, together
from maild.domain.notices.notice import Notice
from maild.domain.notices.pacing import PACES, Departure, NoticeReader, hour_of, leaving
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import Preferences
from maild.domain.tickets.events import Event
from maild.ports import OutboxRow, UnitOfWork
from maild.services.notices.mail_head import head_of
from maild.services.notices.template_context import Doer, NoticeContext
from maild.services.work import Work

_JOINED = "joined: a newer mail about the ticket tells of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """A notice with its time. `since` and `first_at` are for those that may join it; `full`: its hour is."""

    notice: Notice
    occasion: NoticeContext
    leaving: Departure
    first_at: datetime
    since: int | None
    full: bool


def paced(work: Work, notice: Notice, agent: Agent, occasion: NoticeContext) -> Paced:
    """Merge what waits for this agent about this ticket, and compute when the mail leaves."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    pace, rhythm = PACES[notice.kind], helpdesk.policy.rhythm
    waited = unit.outbox.take_pending(occasion.ticket.number, agent.name, _JOINED) if pace.joins else ()
    first_at = min((row.first_at or now for row in waited), default=now)
    since = min((row.since or 0 for row in waited), default=occasion.ticket.seq - len(occasion.decision.events))
    reader = NoticeReader.of(
        agent, Preferences.of(unit.preferences.of(agent.name)), rhythm, ZoneInfo(helpdesk.clock_of(agent))
    )
    when = leaving(notice.kind, occasion.ticket, agent.name, reader, rhythm, now, first_at, in_place=notice.in_place)
    if waited:
        notice, occasion = _with(unit, notice, occasion, waited, since)
    begins, ends = hour_of(when.at)
    return Paced(
        notice=notice,
        occasion=occasion,
        leaving=when,
        first_at=first_at,
        since=since if when.waits and pace.joins else None,
        full=pace.folds and unit.outbox.count_notices(agent.name, begins, ends, rhythm.ceiling) >= rhythm.ceiling,
    )


def _with(
    unit: UnitOfWork, notice: Notice, occasion: NoticeContext, waited: tuple[OutboxRow, ...], since: int
) -> tuple[Notice, NoticeContext]:
    """Return the notice that also tells what waited: everything that happened since, in order."""
    before = _before(unit, occasion, since)
    occasion = replace(occasion, since=news_for(notice.agent, before))
    shown = [entry.kind for entry in (*occasion.earlier, occasion.entry) if entry is not None]
    told = [_waited(row) for row in waited]
    one = together(notice, told, shown)
    lead = next((row for row, each in zip(waited, told, strict=True) if each.template == one.template), None)
    if lead is not None and one.template != notice.template:
        occasion = replace(
            occasion, actor=Doer.from_context(lead.context["actor"])
        )  # who assigned it, not who wrote after that
    return one, occasion


def _before(unit: UnitOfWork, occasion: NoticeContext, since: int) -> tuple[Event, ...]:
    """Return the events of `since` without those that happen now."""
    news = unit.tickets.events_since(occasion.ticket.number, since)
    return news[: len(news) - len(occasion.decision.events)]


def _waited(row: OutboxRow) -> Waited:
    head = head_of(row)
    assert head.kind is not None  # every notice has one, and nothing else is taken along
    return Waited(
        kind=head.kind,
        template=row.template,
        scope=Scope(row.context["answer"]["scope"]),
        reason=row.context["reason"],
        claim=head.claim,
    )
