"""Tables of maild.toml that are converted to records of the domain, in the form in which they are written."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Annotated, Literal

from msgspec import Struct, field

from maild.config import settings
from maild.config.expressions import Pattern
from maild.config.values import (
    DomainMask,
    DomainName,
    Glob,
    HeaderName,
    Lines,
    OneOrMore,
    QuietHours,
    ZoneName,
)
from maild.domain.intake.classify import MailClass
from maild.domain.people.directory import Address, AgentRole
from maild.domain.sla.standing import Target
from maild.domain.tickets.ticket import Priority
from maild.domain.times.calendars import Span


class DepartmentTable(Struct, frozen=True, kw_only=True):
    """[[department]]: a department."""

    name: str
    address: Address | None = None
    manager: str = ""
    sla_plan: str = ""
    calendar: str = ""
    signature: Lines = Lines("")
    relay: str = ""
    private: bool = False


class TeamTable(Struct, frozen=True, kw_only=True):
    """[[team]]: a team."""

    name: str
    lead: str = ""
    members: tuple[str, ...] = ()


class AgentTable(Struct, frozen=True, kw_only=True):
    """[[agent]]: an agent."""

    name: str
    display: str = ""
    addresses: tuple[Address, ...]
    departments: tuple[str, ...] = ()
    role: AgentRole = AgentRole.AGENT
    timezone: ZoneName = ZoneName("")
    quiet: QuietHours = QuietHours("")
    pager: Address | None = None


class OrganisationTable(Struct, frozen=True, kw_only=True):
    """[[organisation]]: a customer with several people."""

    name: str
    domains: Annotated[tuple[DomainMask, ...], OneOrMore] = ()
    sla_plan: str = ""
    department: str = ""
    contacts: Annotated[tuple[str, ...], OneOrMore] = ()
    monthly_report: bool = False


class MatchTable(Struct, frozen=True, kw_only=True):
    """The conditions of a topic or rule. A mail must meet all of them."""

    subject: Pattern = Pattern("")
    from_: Glob = field(default=Glob(""), name="from")
    address: Address | None = None
    to: Glob = Glob("")
    header: dict[HeaderName, Pattern] = {}
    body: Pattern = Pattern("")
    attachment: str = ""
    class_: Annotated[tuple[MailClass, ...], OneOrMore] = field(default=(), name="class")


Requester = Literal["sender", "reply-to"]


class TopicTable(Struct, frozen=True, kw_only=True):
    """[[topic]]: a help topic."""

    name: str
    match: MatchTable = MatchTable()
    department: str = ""
    team: str = ""
    assignee: str = ""
    priority: Priority | None = None
    sla_plan: str = ""
    tag: str = ""
    tags: tuple[str, ...] = ()
    acknowledge: bool | None = None
    mute: bool = False
    requester: Requester = "sender"
    join: Pattern = Pattern("")
    resolve_on: Pattern = Pattern("")


class ThenTable(Struct, frozen=True, kw_only=True):
    """What a rule does."""

    department: str = ""
    team: str = ""
    assignee: str = ""
    priority: Priority | None = None
    sla_plan: str = ""
    topic: str = ""
    tag: str = ""
    tags: tuple[str, ...] = ()
    acknowledge: bool | None = None
    reject: bool = False
    ignore: bool = False
    mute: bool = False
    requester: Requester = "sender"
    join: Pattern = Pattern("")
    resolve_on: Pattern = Pattern("")


class RuleTable(Struct, frozen=True, kw_only=True):
    """[[rule]]: a filter rule."""

    when: MatchTable
    then: ThenTable


class BanTable(Struct, frozen=True, kw_only=True):
    """[[ban]]: senders whose mail is ignored."""

    address: Annotated[tuple[Address, ...], OneOrMore] = ()
    domain: Annotated[tuple[DomainName, ...], OneOrMore] = ()
    pattern: Annotated[tuple[Glob, ...], OneOrMore] = ()
    reason: str = ""
    reject: bool = False


class ListTable(Struct, frozen=True, kw_only=True):
    """[[list]]: a mailing list that sends to us."""

    id: str = ""
    address: Address | None = None


class MarkTable(Struct, frozen=True, kw_only=True):
    """An entry of `headers` in [spam]."""

    name: HeaderName
    match: Pattern


# Headers that common spam filters write. A sender who forges one harms only their own mail.
SHIPPED_MARKS: tuple[MarkTable, ...] = (
    MarkTable(name=HeaderName("X-Spam-Flag"), match=Pattern("^yes")),  # SpamAssassin, Rspamd
    MarkTable(name=HeaderName("X-Spam-Status"), match=Pattern("^yes")),  # the same, where the flag is switched off
    MarkTable(name=HeaderName("X-Forefront-Antispam-Report"), match=Pattern(r"\bSFV:SPM\b")),  # Microsoft 365: spam
    MarkTable(name=HeaderName("X-MS-Exchange-Organization-SCL"), match=Pattern("^[5-9]$")),  # Exchange: 5 to 9 is spam
)


class SpamTable(Struct, frozen=True, kw_only=True):
    """[spam]: headers by which the provider's spam filter marks a mail."""

    headers: tuple[MarkTable, ...] = SHIPPED_MARKS


class RobotsTable(Struct, frozen=True, kw_only=True):
    """[robots]: senders that count as programs."""

    from_: tuple[Glob, ...] = field(default=(), name="from")


Hours = Annotated[tuple[Span, ...], OneOrMore]


class OpenTable(Struct, frozen=True, kw_only=True):
    """The opening hours of a week. A missing day is closed."""

    mon: Hours = ()
    tue: Hours = ()
    wed: Hours = ()
    thu: Hours = ()
    fri: Hours = ()
    sat: Hours = ()
    sun: Hours = ()


class CalendarTable(Struct, frozen=True, kw_only=True):
    """[[calendar]]: opening hours and holidays."""

    name: str
    timezone: ZoneName = ZoneName("")  # empty: the helpdesk's
    open: OpenTable
    holidays: Annotated[tuple[str, ...], OneOrMore] = ()
    closed: tuple[date, ...] = ()
    special: dict[date, Hours] = {}


class TurnTable(Struct, frozen=True, kw_only=True):
    """[[rota.turn]]: who is on duty at which hours of the week."""

    agents: tuple[str, ...]
    open: OpenTable


class RotaTable(Struct, frozen=True, kw_only=True):
    """[[rota]]: who is on duty when."""

    name: str
    timezone: ZoneName = ZoneName("")  # empty: the helpdesk's
    department: str = ""
    team: str = ""
    turn: tuple[TurnTable, ...] = ()
    order: tuple[str, ...] = ()
    start: date | None = None
    handover: str = "08:00"
    every: timedelta = timedelta(days=7)
    open: OpenTable | None = None
    days: dict[date, Annotated[tuple[str, ...], OneOrMore]] = {}


class StepTable(Struct, frozen=True, kw_only=True):
    """[[sla_plan.step]]: a step of an SLA plan."""

    at: str
    target: Target | None = None
    notify: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    raise_priority: bool = False
    reassign: str = ""
    switch_plan: str = ""
    every: timedelta | None = None


class PlanTable(Struct, frozen=True, kw_only=True):
    """[[sla_plan]]: an SLA plan."""

    name: str
    calendar: str = ""
    first_response: timedelta | None = None
    next_response: timedelta | None = None
    resolution: timedelta | None = None
    step: tuple[StepTable, ...] = ()


class PriorityPlanTable(Struct, frozen=True, kw_only=True):
    """[priority_plan]: the SLA plan of each priority."""

    low: str = ""
    normal: str = ""
    high: str = ""
    emergency: str = ""


# Every top-level table: its struct, and whether there may be several of it.
TABLES: Mapping[str, tuple[type[Struct], bool]] = {
    "helpdesk": (settings.HelpdeskSettings, False),
    "state": (settings.StateSettings, False),
    "store": (settings.StoreSettings, False),
    "mailbox": (settings.MailboxSettings, True),
    "listener": (settings.ListenerSettings, False),
    "relay": (settings.RelaySettings, True),
    "department": (DepartmentTable, True),
    "team": (TeamTable, True),
    "agent": (AgentTable, True),
    "rota": (RotaTable, True),
    "organisation": (OrganisationTable, True),
    "topic": (TopicTable, True),
    "rule": (RuleTable, True),
    "ban": (BanTable, True),
    "importance": (settings.ImportanceSettings, False),
    "list": (ListTable, True),
    "spam": (SpamTable, False),
    "robots": (RobotsTable, False),
    "attachments": (settings.AttachmentSettings, False),
    "calendar": (CalendarTable, True),
    "sla_plan": (PlanTable, True),
    "priority_plan": (PriorityPlanTable, False),
    "acknowledge": (settings.AcknowledgeSettings, False),
    "satisfaction": (settings.SatisfactionSettings, False),
    "outbox": (settings.OutboxSettings, False),
    "notices": (settings.NoticeSettings, False),
    "security": (settings.SecuritySettings, False),
    "limits": (settings.LimitSettings, False),
    "closing": (settings.ClosingSettings, False),
    "retention": (settings.RetentionSettings, False),
    "digest": (settings.DigestSettings, False),
    "templates": (settings.TemplateSettings, False),
    "metrics": (settings.MetricsSettings, False),
    "log": (settings.LogSettings, False),
}
