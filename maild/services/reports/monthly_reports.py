"""The monthly report of an organisation's tickets for its contacts: statistics of the last month, without names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache, partial
from typing import Any

from maild import maillog
from maild.domain.messages.reply_tokens import Scope, Sealed, message_id
from maild.domain.notices.mail_kinds import MAIL_KINDS
from maild.domain.notices.opt_outs import Stop
from maild.domain.people.directory import Address, Agent, Organisation, Person
from maild.domain.reports.digest_schedule import START, Begun
from maild.domain.reports.statistics import PeriodStatistics, whole_days
from maild.domain.reports.ticket_measures import What
from maild.domain.tickets.visibility import Sight
from maild.ports import OpenUnitOfWork, OutboxRow
from maild.services.helpdesk import Helpdesk
from maild.services.listing import sight_for
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.notices.mail_head import KEY, MailHead
from maild.services.notices.template_context import person_words
from maild.services.reports.charts import for_customers, overview, remarks
from maild.services.reports.digest_parts import section
from maild.services.reports.retry_later import RetryLater
from maild.services.reports.statistics import Wanted, statistics_of
from maild.services.work import Work

TEMPLATE = "monthly-report"
_KIND = "report"
_HOUR = time(8)  # of the first day of a month, on the helpdesk's clock


def make_reports(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime, retry_later: RetryLater) -> int:
    """Make the reports of the last month. Returns how many were mailed.

    As with digests the first start sends none. An organisation without a ticket gets none."""
    if not any(organisation.monthly_report for organisation in helpdesk.policy.directory.organisations):
        return 0
    with open_unit(reading=True) as unit:
        due = list(_due(Work(unit, helpdesk, now)))
    made = 0
    for organisation, period in due:
        what = f"the monthly report of {organisation.name}"
        made += retry_later.attempt(what, now, partial(_one, open_unit, organisation, period, helpdesk, now)) or 0
    return made


def _due(work: Work) -> Iterator[tuple[Organisation, Begun | None]]:
    """Return what is to be made now. It asks once for all organisations, because every tick asks it."""
    period = _month(work.helpdesk, work.now)
    reported = [each for each in work.helpdesk.policy.directory.organisations if each.monthly_report]
    made = work.unit.digests.made_among([each.name for each in reported], [_KIND], [START, period.key])
    for organisation in reported:
        since = made.get((organisation.name, _KIND, START))
        if since is None:
            yield organisation, None
        elif period.at >= since and (organisation.name, _KIND, period.key) not in made:
            yield organisation, period


def _month(helpdesk: Helpdesk, now: datetime) -> Begun:
    """Return the month that has begun. Its report is about the one before."""
    local = now.astimezone(helpdesk.zone)
    day = local.date().replace(day=1)
    begins = datetime.combine(day, _HOUR, tzinfo=helpdesk.zone).astimezone(UTC)
    if begins > now:
        day = (day - timedelta(days=1)).replace(day=1)
        begins = datetime.combine(day, _HOUR, tzinfo=helpdesk.zone).astimezone(UTC)
    return Begun(f"{day:%Y-%m}", begins)


def _one(
    open_unit: OpenUnitOfWork, organisation: Organisation, period: Begun | None, helpdesk: Helpdesk, now: datetime
) -> int:
    """Make one organisation's report before the writing unit, as a digest is. Returns how many got it."""
    made = None
    if period is not None:
        with open_unit(reading=True) as unit:
            made = _statistics(Work(unit, helpdesk, now), organisation, period)
    key = period.key if period else START
    with open_unit() as unit:
        begun = unit.digests.begin(organisation.name, _KIND, key, now)
        work = Work(unit, helpdesk, now, f"report-{key}-{organisation.name}")
        mailed = _mail(work, organisation, made) if begun else 0
        unit.commit()
    return mailed


@dataclass(frozen=True, slots=True)
class _Made:
    """The statistics of a month: for the contacts, and as far as each follower may see them."""

    statistics: PeriodStatistics
    followers: tuple[tuple[Agent, PeriodStatistics], ...]


def _statistics(work: Work, organisation: Organisation, period: Begun) -> _Made | None:
    """Return the statistics; None when nothing happened and nothing is left."""
    helpdesk = work.helpdesk
    last = period.at.astimezone(helpdesk.zone).date() - timedelta(days=1)
    month = whole_days(last.replace(day=1), last, helpdesk.zone)

    @cache  # who sees everything sees the same
    def seen_by(sight: Sight | None) -> PeriodStatistics:
        wanted = Wanted(period=month, organisation=organisation.name, sight=sight)
        return statistics_of(work, wanted, helpdesk.zone)

    statistics = seen_by(None)
    if statistics.quiet and not statistics.backlog:
        return None
    away = work.unit.people.absent(work.now)
    named = (helpdesk.policy.directory.agent(name) for name in organisation.followers)
    agents = [agent for agent in named if agent is not None and agent.name not in away]
    return _Made(statistics, tuple((agent, seen_by(sight_for(agent, helpdesk))) for agent in agents))


def _mail(work: Work, organisation: Organisation, made: _Made | None) -> int:
    if made is None:
        return 0
    for address in organisation.contacts:
        _to_contact(work, address, organisation, made.statistics)
    for agent, statistics in made.followers:
        post(work, _to_follower(agent, organisation, statistics, work.helpdesk))
    return len(organisation.contacts) + len(made.followers)


def _subject(statistics: PeriodStatistics) -> str:
    counts = statistics.totals
    return f"tickets in {statistics.days[0].day:%B %Y}: {counts[What.OPENED]} new, {counts[What.RESOLVED]} resolved"


def _to_follower(
    agent: Agent, organisation: Organisation, statistics: PeriodStatistics, helpdesk: Helpdesk
) -> AgentMessage:
    """Mail an agent the statistics of the tickets that they may see."""
    note = f"{statistics.backlog} open or waiting at its end"
    charts = overview(statistics, helpdesk)
    return AgentMessage(
        template="digest",
        agent=agent,
        subject=f"{organisation.name}: {_subject(statistics)}",
        scope=Scope.QUERY,
        reason=f"you are a contact of {organisation.name}, and its report comes each month",
        words={"sections": [section(organisation.name, note, charts=charts, lines=remarks(statistics))]},
        stop=Stop(f"the admin takes you out of the contacts of {organisation.name}"),
    )


def _to_contact(work: Work, address: Address, organisation: Organisation, statistics: PeriodStatistics) -> None:
    """Mail one contact. An answer to it opens a ticket, as any fresh mail does."""
    unit, helpdesk, now = work.unit, work.helpdesk, work.now
    contact = unit.people.contact(Person(address))
    voice = helpdesk.voice(organisation.department)
    row_id = unit.outbox.next_id()
    own_id = message_id(helpdesk.ring, Sealed("", 0, Scope.USER, contact.number, 0), row_id, helpdesk.domain)
    head = MailHead(
        from_=voice,
        reply_to=str(voice.address),
        automatic=MAIL_KINDS[TEMPLATE].auto_submitted(about_ticket=False),
        precedence="list",
        thread_started=now,
        reason=TEMPLATE,
    )
    context: dict[str, Any] = {
        "v": 1,
        "helpdesk": {"name": helpdesk.name, "address": str(voice.address)},
        "language": helpdesk.settings.helpdesk.language,
        "timezone": str(helpdesk.zone),
        "signature": helpdesk.signature(organisation.department),
        "ticket": None,
        "title": f"Your {_subject(statistics)}",
        "recipient": person_words(contact.person),
        "sections": [section(organisation.name, charts=for_customers(statistics))],
        "trace": work.trace,
        KEY: head.to_row(),
    }
    row = OutboxRow(
        id=row_id,
        ticket=None,
        template=TEMPLATE,
        to=contact.person,
        envelope_from="",  # nobody waits for its bounce
        subject=context["title"],
        message_id=own_id,
        context=context,
        next_at=now,
        relay=helpdesk.relay_of(organisation.department),
        queued_at=now,
    )
    unit.outbox.add(row)
    maillog.queued(outbox=row_id, ticket=None, template=TEMPLATE, to=str(address), trace=work.trace)
