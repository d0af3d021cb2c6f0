"""What judging needs from the configuration: the part of the settings that the domain knows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from maild.domain.people.directory import Address, Department, Directory
from maild.domain.sla.standing import Plan, choose_plan
from maild.domain.tickets.ticket import Ticket
from maild.domain.times.calendars import Calendar

OFFICE = "office"  # the calendar of whoever names no other one


class AcknowledgeTo(StrEnum):
    """Who gets an acknowledgement of a new ticket."""

    AUTHENTICATED = "authenticated"
    EVERYONE = "everyone"
    NOBODY = "nobody"


class AgentProof(StrEnum):
    """How much proof an agent's mail needs before it may act."""

    STRICT = "strict"
    NORMAL = "normal"
    TRUSTING = "trusting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """When notices leave, by the configuration. An agent's own preference wins."""

    batch: timedelta = timedelta(minutes=10)  # a batch waits so long for more after each event
    batch_most: timedelta = timedelta(minutes=15)  # and not longer than this after the first
    quiet: str = ""  # "20:00-07:00", or "" for none
    ceiling: int = 30  # notices of an agent within an hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything that judging, notices and escalation need from the configuration."""

    helpdesk_name: str
    directory: Directory
    plans: Mapping[str, Plan]
    default_department: str
    priority_plans: Mapping[str, str] = field(default_factory=dict)
    acknowledge: AcknowledgeTo = AcknowledgeTo.AUTHENTICATED
    agent_proof: AgentProof = AgentProof.NORMAL
    reopen_within: timedelta = timedelta(days=30)
    hold: timedelta = timedelta(seconds=60)
    acknowledge_after: timedelta = timedelta(0)
    answers_a_minute: int = 30  # automatic answers to people outside; more are a loop
    answers_a_domain: int = 100  # the same to one domain within an hour: robots change their address with every mail
    asks_rating: bool = False  # whoever had a ticket is asked how the help was
    zone: str = "UTC"
    rhythm: Rhythm = Rhythm()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    choices: str = field(init=False, repr=False, compare=False)  # 16 hex digits of whatever a plan is chosen by

    def __post_init__(self) -> None:
        departments = tuple((d.name, d.sla_plan) for d in self.directory.departments if d.sla_plan)
        organisations = tuple((o.domains, o.sla_plan) for o in self.directory.organisations if o.sla_plan)
        chosen_by = (tuple(sorted(self.priority_plans.items())), departments, organisations)
        object.__setattr__(self, "choices", hashlib.sha256(repr(chosen_by).encode()).hexdigest()[:16])

    def plan_of(self, ticket: Ticket) -> Plan:
        """Return the ticket's plan; "default" when the configuration no longer has it."""
        return self.plans.get(ticket.sla_plan) or self.plans["default"]

    def calendar_of(self, ticket: Ticket) -> Calendar | None:
        """Return the calendar that a ticket's business time counts in."""
        return self.calendar_for(self.plan_of(ticket), self.directory.department(ticket.department))

    def calendar_for(self, plan: Plan, department: Department | None) -> Calendar | None:
        """Return the plan's calendar, else the department's, else "office"; None when there is no calendar at all."""
        name = plan.calendar or (department.calendar if department else "") or OFFICE
        return self.calendars.get(name) or self.calendars.get(OFFICE)

    def plan_for(
        self, *, department: str, priority: str, requester: Address, rule: str = "", topic: str = ""
    ) -> tuple[str, str]:
        """Return (plan, source) of a ticket without a commanded plan, as `choose_plan` does."""
        organisation, found = self.directory.organisation_of(requester), self.directory.department(department)
        return choose_plan(
            rule=rule,
            topic=topic,
            organisation=organisation.sla_plan if organisation else "",
            priority_plan=self.priority_plans.get(priority, ""),
            department=found.sla_plan if found else "",
        )
