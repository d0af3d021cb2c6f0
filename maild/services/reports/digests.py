"""Digests: what waits for an agent, a team or a department, at the reader's hour, once. Each row can be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from zoneinfo import ZoneInfo

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.opt_outs import NO_DIGEST, NO_MANAGER_DIGEST, NO_TEAM_DIGEST, Stop
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import NO_WISHES, OFF, DigestWish, Preferences
from maild.domain.reports.digest_schedule import START, Begun, DigestKind, period_of, works_on
from maild.domain.times.calendars import Calendar
from maild.ports import OpenUnitOfWork, Snapshot, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.reports.digest_of_agent import of_agent
from maild.services.reports.digest_of_manager import departments_of, of_manager
from maild.services.reports.digest_of_team import of_team, teams_of
from maild.services.reports.digest_parts import Contents, DigestReader
from maild.services.reports.retry_later import RetryLater
from maild.services.work import Work

_TEMPLATE = "digest"
_SNAPSHOT = "digest"
_FIRST_LOOK_BACK = timedelta(days=1)  # of a reader who never had one


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: a kind of digest, who gets it by default, what is in it, and how it is stopped."""

    configured: Callable[[Helpdesk], str]
    concerns: Callable[[Agent, Helpdesk], bool]
    contents: Callable[[UnitOfWork, DigestReader], Contents | None]
    stop: Stop
    reason: str


_KINDS: Mapping[DigestKind, _Row] = {
    DigestKind.PERSONAL: _Row(
        lambda helpdesk: helpdesk.settings.digest.personal,
        lambda agent, helpdesk: True,
        of_agent,
        NO_DIGEST,
        "your digest comes {when}",
    ),
    DigestKind.TEAM: _Row(
        lambda helpdesk: helpdesk.settings.digest.team,
        lambda agent, helpdesk: bool(teams_of(agent, helpdesk)),
        of_team,
        NO_TEAM_DIGEST,
        "you lead this team; its digest comes {when}",
    ),
    DigestKind.MANAGER: _Row(
        lambda helpdesk: helpdesk.settings.digest.manager,
        lambda agent, helpdesk: bool(departments_of(agent, helpdesk)),
        of_manager,
        NO_MANAGER_DIGEST,
        "you manage these departments; their digest comes {when}",
    ),
}


@dataclass(frozen=True, slots=True)
class DueDigest:
    """A digest that is to be made now. Without `period`, its reader is only noted as seen."""

    agent: Agent
    kind: DigestKind
    wish: DigestWish
    own: bool  # the reader wished for it
    period: Begun | None


def make_digests(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime, due: Sequence[DueDigest], retry_later: RetryLater
) -> int:
    """Make the digests whose period has begun. Returns how many were mailed. Without content there is no digest."""
    made = 0
    for digest in due:
        what = f"the {digest.kind.name.lower()} digest of {digest.agent.name}"
        made += bool(retry_later.attempt(what, now, partial(_one, open_unit, digest, helpdesk, now)))
    return made


def due_digests(work: Work) -> Iterator[DueDigest]:
    """Return what is to be made now. It asks once for all readers, because every tick asks it."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    wished = list(_wished(work))
    periods = {period.key for *_, period in wished if period is not None} | {START}
    readers = {agent.name for agent, *_ in wished}
    made = unit.digests.made_among(sorted(readers), list(_KINDS), sorted(periods)) if wished else {}
    for agent, kind, wish, own, period in wished:
        since = made.get((agent.name, kind, START))
        due = DueDigest(agent, kind, wish, own, period)
        if not own:
            due = _by_default(due, since, helpdesk, now)
        if made.get((agent.name, kind, due.period.key if due.period else START)) is None:
            yield due


def _wished(work: Work) -> Iterator[tuple[Agent, DigestKind, DigestWish, bool, Begun | None]]:
    """Return each digest that somebody gets, whether by their own preference, and its newest period."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    preferences = {name: Preferences.of(kept) for name, kept in unit.preferences.all().items()}
    away = unit.people.absent(now)
    begun = cache(period_of)  # most readers have the same hour
    for agent in helpdesk.policy.directory.agents:
        for kind, row in _KINDS.items():
            wish, own = _wish(kind, preferences.get(agent.name, NO_WISHES), row, helpdesk)
            if wish is None or agent.name in away or not row.concerns(agent, helpdesk):
                continue
            yield agent, kind, wish, own, begun(wish, now, ZoneInfo(helpdesk.clock_of(agent)))


def _by_default(due: DueDigest, since: datetime | None, helpdesk: Helpdesk, now: datetime) -> DueDigest:
    """Tell whether a digest that nobody asked for is due.

    It is due on working days, and never for a period that began before its reader was first seen (`since`). So
    the first start mails nobody, and neither does an upgrade or a new name in the configuration. The newest
    period in a Monday's night is Sunday's: the day when it began counts as well as today."""
    unseen = replace(due, period=None)
    if since is None or due.period is None or due.period.at < since:
        return unseen
    if due.wish.every == "weekly":
        return due
    offices, zone = _offices(due.agent, helpdesk), ZoneInfo(helpdesk.clock_of(due.agent))
    days = {moment.astimezone(zone).date() for moment in (due.period.at, now)}
    return due if all(works_on(offices, day) for day in days) else unseen


def _wish(kind: DigestKind, preferences: Preferences, row: _Row, helpdesk: Helpdesk) -> tuple[DigestWish | None, bool]:
    """Return (when a reader gets a digest, whether that is their own preference); None: never."""
    own = preferences.digest
    refused = {DigestKind.TEAM: not preferences.team_digest, DigestKind.MANAGER: not preferences.manager_digest}
    if (own is not None and own.every == OFF) or refused.get(kind, False):
        return None, True
    if own is not None and kind is DigestKind.PERSONAL:
        return own, True
    configured = DigestWish.of(row.configured(helpdesk))
    return (None if configured is None or configured.every == OFF else configured), False


def _offices(agent: Agent, helpdesk: Helpdesk) -> tuple[Calendar, ...]:
    return tuple(helpdesk.office_of(name) for name in agent.departments or departments_of(agent, helpdesk) or ("",))


def _one(open_unit: OpenUnitOfWork, due: DueDigest, helpdesk: Helpdesk, now: datetime) -> bool:
    """Make one digest of one period. Tells whether it was mailed.

    Making its contents can take long, and a writing unit would block other writers. So they are read before one
    is opened, and thrown away when another node has begun the period by then."""
    agent, kind, period = due.agent, due.kind, due.period
    contents = None
    if period is not None:
        with open_unit(reading=True) as unit:
            contents = _contents(Work(unit, helpdesk, now), due, period)
    with open_unit() as unit:
        begun = unit.digests.begin(agent.name, kind, period.key if period else START, now)
        if begun and period is not None and contents is not None:
            _mail(Work(unit, helpdesk, now, f"{kind}-{agent.name}-{period.key}"), due, period, contents)
        unit.commit()
    return begun and contents is not None


def _contents(work: Work, due: DueDigest, period: Begun) -> Contents | None:
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    last = unit.digests.last(due.kind, [due.agent.name]).get(due.agent.name)
    reader = DigestReader(
        agent=due.agent,
        helpdesk=helpdesk,
        now=now,
        begun=period.at,
        since=last or now - _FIRST_LOOK_BACK,
        wish=due.wish,
        offices=_offices(due.agent, helpdesk),
    )
    return _KINDS[due.kind].contents(unit, reader)


def _mail(work: Work, due: DueDigest, period: Begun, contents: Contents) -> None:
    agent, row = due.agent, _KINDS[due.kind]
    snapshot = Snapshot(
        agent=agent.name, kind=_SNAPSHOT, asked=period.key, made_at=work.now, tickets=tuple(contents.numbers)
    )
    message = AgentMessage(
        template=_TEMPLATE,
        agent=agent,
        subject=contents.subject,
        scope=Scope.DIGEST,
        about=work.unit.snapshots.add(snapshot),
        reason=row.reason.format(when=_when(due)),
        words={"sections": contents.sections},
        buttons=contents.buttons,
        stop=row.stop,
    )
    post(work, message)


def _when(due: DueDigest) -> str:
    days = "" if due.own or due.wish.every == "weekly" else " on working days"
    return f"{due.wish.words}{days}{', as you wished' if due.own else ''}"
