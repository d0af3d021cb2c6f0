"""The monthly report of an organisation's tickets, to its contacts: figures of the month that is over, and no names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any

from maild import maillog
from maild.domain.digests import START, Begun
from maild.domain.measuring import What
from maild.domain.people import Address, Agent, Organisation, Person
from maild.domain.statistics import Figures, whole_days
from maild.domain.stops import Stop
from maild.domain.token import Scope, Sealed, message_id
from maild.ports import OpenUnitOfWork, OutboxRow, UnitOfWork
from maild.services.charts import for_customers, overview, remarks
from maild.services.context import person_words
from maild.services.digest_reader import section
from maild.services.helpdesk import Helpdesk
from maild.services.isolation import isolated
from maild.services.letters import BY_ITSELF, Letter, post
from maild.services.listing import sight_for
from maild.services.statistics import Wanted, figures_of

TEMPLATE = "monthly-report"
_KIND = "report"
_HOUR = time(8)  # of the first day of a month, on the helpdesk's clock


def make_reports(open_unit: OpenUnitOfWork, helpdesk: Helpdesk, now: datetime) -> int:
    """Make the reports of the month that is over -> how many were mailed. As with digests the first start sends none,
    and an organisation without a ticket has none."""
    if not any(organisation.monthly_report for organisation in helpdesk.policy.directory.organisations):
        return 0
    with open_unit(reading=True) as unit:
        due = list(_due(unit, helpdesk, now))
    made = 0
    for organisation, period in due:
        with open_unit() as unit:
            made += isolated(unit, 0, partial(_one, unit, organisation, period, helpdesk, now)) or 0
            unit.commit()
    return made


def _due(unit: UnitOfWork, helpdesk: Helpdesk, now: datetime) -> Iterator[tuple[Organisation, Begun | None]]:
    period = _month(helpdesk, now)
    for organisation in helpdesk.policy.directory.organisations:
        if not organisation.monthly_report:
            continue
        since = unit.digests.made(organisation.name, _KIND, START)
        if since is None:
            yield organisation, None
        elif period.at >= since and unit.digests.made(organisation.name, _KIND, period.key) is None:
            yield organisation, period


def _month(helpdesk: Helpdesk, now: datetime) -> Begun:
    """The month that has begun; its report is of the one before."""
    local = now.astimezone(helpdesk.zone)
    day = local.date().replace(day=1)
    begins = datetime.combine(day, _HOUR, tzinfo=helpdesk.zone).astimezone(UTC)
    if begins > now:
        day = (day - timedelta(days=1)).replace(day=1)
        begins = datetime.combine(day, _HOUR, tzinfo=helpdesk.zone).astimezone(UTC)
    return Begun(f"{day:%Y-%m}", begins)


def _one(unit: UnitOfWork, organisation: Organisation, period: Begun | None, helpdesk: Helpdesk, now: datetime) -> int:
    key = period.key if period else START
    if not unit.digests.begin(organisation.name, _KIND, key, now) or period is None:
        return 0
    first = period.at.astimezone(helpdesk.zone).date()
    last = first - timedelta(days=1)
    month = whole_days(last.replace(day=1), last, helpdesk.zone)
    figures = figures_of(unit, helpdesk, Wanted(period=month, organisation=organisation.name), now, helpdesk.zone)
    if figures.quiet and not figures.backlog:
        return 0
    trace = f"report-{key}-{organisation.name}"
    for address in organisation.contacts:
        _to_contact(unit, address, organisation, figures, helpdesk, now, trace)
    followers = [agent for name in organisation.followers if (agent := helpdesk.policy.directory.agent(name))]
    for agent in followers:
        sight = sight_for(agent, helpdesk)
        seen = Wanted(period=month, organisation=organisation.name, sight=sight)
        theirs = figures_of(unit, helpdesk, seen, now, helpdesk.zone)
        post(unit, _to_follower(agent, organisation, theirs, helpdesk), helpdesk, now, trace)
    return len(organisation.contacts) + len(followers)


def _subject(figures: Figures) -> str:
    counts = figures.totals
    return f"tickets in {figures.days[0].day:%B %Y}: {counts[What.OPENED]} new, {counts[What.RESOLVED]} resolved"


def _to_follower(agent: Agent, organisation: Organisation, figures: Figures, helpdesk: Helpdesk) -> Letter:
    """An agent's: of the tickets that they may see."""
    note = f"{figures.backlog} open or waiting at its end"
    charts = overview(figures, helpdesk)
    return Letter(
        template="digest",
        agent=agent,
        subject=f"{organisation.name}: {_subject(figures)}",
        scope=Scope.QUERY,
        reason=f"you are a contact of {organisation.name}, and its report comes each month",
        words={"sections": [section(organisation.name, note, charts=charts, lines=remarks(figures))]},
        automatic=BY_ITSELF,
        stop=Stop(f"the admin takes you out of the contacts of {organisation.name}"),
    )


def _to_contact(
    unit: UnitOfWork,
    address: Address,
    organisation: Organisation,
    figures: Figures,
    helpdesk: Helpdesk,
    now: datetime,
    trace: str,
) -> None:
    """One contact's mail: an answer to it opens a ticket, as any fresh mail does."""
    contact = unit.people.contact(Person(address))
    voice = helpdesk.voice(organisation.department)
    row_id = unit.outbox.next_id()
    own_id = message_id(helpdesk.ring, Sealed("", 0, Scope.USER, contact.number, 0), row_id, helpdesk.domain)
    context: dict[str, Any] = {
        "v": 1,
        "helpdesk": {"name": helpdesk.name, "address": str(voice.address)},
        "language": helpdesk.settings.helpdesk.language,
        "timezone": str(helpdesk.zone),
        "signature": helpdesk.signature(organisation.department),
        "ticket": None,
        "title": f"Your {_subject(figures)}",
        "recipient": person_words(contact.person),
        "sections": [section(organisation.name, charts=for_customers(figures))],
        "trace": trace,
        "mail": {
            "from": {"name": voice.name, "address": str(voice.address)},
            "reply_to": str(voice.address),
            "in_reply_to": "",
            "references": [],
            "automatic": BY_ITSELF,
            "precedence": "list",
            "thread_key": "",
            "thread_started": now.isoformat(),
            "thread_topic": "",
            "list_id": "",
            "reason": TEMPLATE,
            "attach": [],
        },
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
    maillog.queued(outbox=row_id, ticket=None, template=TEMPLATE, to=str(address), trace=trace)
