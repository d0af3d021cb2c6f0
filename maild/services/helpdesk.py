"""One helpdesk as the services see it: the settings, turned into what each step of a mail needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from maild.config import Settings
from maild.config.settings import ListenerSettings, MailboxSettings
from maild.domain.intake.classify import OwnMarks
from maild.domain.intake.spam_and_robots import SpamMarks
from maild.domain.messages.reply_tokens import KeyRing, loop_mark, read_message_id, subject_token
from maild.domain.people.directory import Address, Agent, Department, Person
from maild.domain.policy import OFFICE, Policy, Rhythm
from maild.domain.sla.standing import Plan, plan_fingerprint
from maild.domain.tickets.ticket import Ticket
from maild.domain.times.calendars import Calendar
from maild.mail.headers.border import Side, TrustedServers
from maild.mail.templates.canned import CannedTexts

_JUNK = "/junk"


@dataclass(frozen=True, slots=True)
class MailboxOrigin:
    """What is known of the place a mail came in by: a mailbox, its spam folder, or the listener ("").

    `junk` says which spam folder it is, as "Spam of mailbox support"; "" when it is none."""

    department: str = ""
    servers: TrustedServers = TrustedServers()
    junk: str = ""


def _servers(place: MailboxSettings | ListenerSettings) -> TrustedServers:
    """Return whose results count in mail that comes in here, and how our own servers are told from others."""
    hops = tuple(ip_network(hop) for hop in place.hops)
    return TrustedServers(tuple(place.trusted_authserv), hops, tuple(place.entry), Side(place.results))


def junk_name(mailbox: str) -> str:
    """Return the name of a mailbox's spam folder among the mailboxes: "support/junk"."""
    return mailbox + _JUNK


def origins_of(settings: Settings) -> dict[str, MailboxOrigin]:
    """Return every place that mail comes in by, by its name; "" is the listener."""
    origins = {box.name: MailboxOrigin(box.department, _servers(box)) for box in settings.mailboxes}
    for box in settings.mailboxes:
        if box.junk:
            words = f"{box.junk} of mailbox {box.name}"
            origins[junk_name(box.name)] = MailboxOrigin(box.department, _servers(box), words)
    if settings.listener is not None:
        origins[""] = MailboxOrigin(servers=_servers(settings.listener))
    return origins


@dataclass(frozen=True, slots=True, kw_only=True)
class Helpdesk:
    """A helpdesk's settings with its keys, templates and policy."""

    settings: Settings
    policy: Policy
    ring: KeyRing
    doors: Mapping[str, MailboxOrigin] = field(default_factory=dict)
    canned: CannedTexts = field(default_factory=CannedTexts)

    @classmethod
    def of(cls, settings: Settings, ring: KeyRing) -> Helpdesk:
        """Return the helpdesk of a configuration."""
        policy = Policy(
            helpdesk_name=settings.helpdesk.name,
            directory=settings.directory,
            plans=settings.plans,
            default_department=settings.default_department,
            priority_plans=settings.priority_plans,
            acknowledge=settings.acknowledge.to,
            agent_proof=settings.security.agent_proof,
            reopen_within=settings.closing.reopen_within,
            hold=settings.outbox.hold,
            acknowledge_after=settings.acknowledge.delay,
            answers_a_minute=settings.acknowledge.most_per_minute,
            answers_a_domain=settings.acknowledge.most_per_domain,
            asks_rating=settings.satisfaction.ask and settings.helpdesk.plus_addressing,
            zone=settings.helpdesk.timezone,
            calendars=settings.calendars,
            rhythm=Rhythm(
                batch=settings.notices.batch,
                batch_most=settings.notices.batch_most,
                quiet=settings.notices.quiet,
                ceiling=settings.notices.ceiling,
            ),
        )
        canned = CannedTexts(settings.templates.folder)
        return cls(settings=settings, policy=policy, ring=ring, doors=origins_of(settings), canned=canned)

    @property
    def name(self) -> str:
        """The helpdesk's name."""
        return self.settings.helpdesk.name

    @property
    def domain(self) -> str:
        """The right side of our Message-IDs."""
        return self.settings.helpdesk.address.domain

    @property
    def zone(self) -> ZoneInfo:
        """The helpdesk's time zone."""
        return ZoneInfo(self.settings.helpdesk.timezone)

    def clock_of(self, agent: Agent) -> str:
        """Return the IANA name of the time zone that an agent reads times in."""
        return agent.timezone or self.settings.helpdesk.timezone

    @property
    def loop_mark(self) -> str:
        """The X-Maild-Loop value of our mails."""
        return loop_mark(self.ring, self.settings.helpdesk.address)

    def door(self, mailbox: str) -> MailboxOrigin:
        """The door of that name. A spam folder stays one when the configuration does not name it any more, for mail
        that was taken out of it before is still to be judged."""
        if mailbox in self.doors or not mailbox.endswith(_JUNK):
            return self.doors.get(mailbox, MailboxOrigin())
        return MailboxOrigin(junk=f"of mailbox {mailbox.removesuffix(_JUNK)}")

    @property
    def junk_doors(self) -> tuple[str, ...]:
        """The names of the spam folders."""
        return tuple(name for name, door in self.doors.items() if door.junk)

    def own_marks(self, *, released: bool = False) -> OwnMarks:
        """Return what classify needs to recognise our own mail. What a person released is not spam."""
        return OwnMarks(
            is_own_id=lambda text: read_message_id(self.ring, text) is not None,
            loop_mark=self.loop_mark,
            own_addresses=self.policy.directory.own_addresses,
            lists=self.settings.lists,
            spam=SpamMarks(headers=()) if released else self.settings.spam,
            robots=self.settings.robots,
        )

    def department(self, name: str) -> Department | None:
        """Return the department of this name."""
        return self.policy.directory.department(name)

    def address_of(self, department: str) -> Address:
        """Return the address that mail about this department's tickets comes from."""
        found = self.department(department)
        return found.address if found and found.address else self.settings.helpdesk.address

    def voice(self, department: str, speaker: str = "") -> Person:
        """Return From: the department's constant address with the person as display name."""
        name = f"{speaker} ({self.name})" if speaker not in ("", self.name) else self.name
        return Person(self.address_of(department), name)

    def relay_of(self, department: str) -> str:
        """Return the name of the relay that carries this department's mail."""
        return self.settings.relay_for(department).name

    def signature(self, department: str) -> str:
        """Return the department's signature."""
        found = self.department(department)
        return found.signature if found else ""

    def token(self, ticket: int) -> str:
        """Return the subject token of a ticket."""
        return subject_token(self.ring, ticket)

    def shows_token(self, *, to_agent: bool) -> bool:
        """Tell whether the subject carries the token for this kind of recipient."""
        mode = self.settings.helpdesk.subject_token
        return mode == "all" or (mode == "agents" and to_agent)

    # -- SLA --------------------------------------------------------------------------------------------------

    def plan_of(self, ticket: Ticket) -> Plan:
        """Return the ticket's plan; "default" when the configuration no longer has it."""
        return self.policy.plan_of(ticket)

    def calendar_of(self, ticket: Ticket) -> Calendar:
        """Return the plan's calendar, else the department's, else "office"."""
        return self._calendar(self.plan_of(ticket), self.department(ticket.department))

    def plan_fingerprint(self, ticket: Ticket) -> str:
        """Return a text that changes whenever the ticket's plan or calendar does."""
        return self._fingerprint(self.plan_of(ticket), self.department(ticket.department))

    def plan_fingerprints(self) -> frozenset[str]:
        """Return the fingerprints of tickets whose SLA was computed with the present configuration."""
        departments = (None, *self.policy.directory.departments)
        plans = self.policy.plans.values()
        return frozenset(self._fingerprint(plan, department) for plan in plans for department in departments)

    def _fingerprint(self, plan: Plan, department: Department | None) -> str:
        """Include the names: a department that moves to an existing calendar is a change, and so is another choice
        of plans."""
        names = (plan.name, department.name if department else "")
        computed = plan_fingerprint(plan, self._calendar(plan, department))
        return hashlib.sha256(repr((names, computed, self.policy.choices)).encode()).hexdigest()[:16]

    def office_of(self, department: str) -> Calendar:
        """Return when a department is open, whatever a plan says."""
        found = self.department(department)
        return self.settings.calendars.get(found.calendar if found else "") or self.settings.calendars[OFFICE]

    def _calendar(self, plan: Plan, department: Department | None) -> Calendar:
        return self.policy.calendar_for(plan, department) or self.settings.calendars[OFFICE]
