"""Whom a step of an SLA plan tells: its words become people who are there and may see the ticket. Never nobody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from maild.domain.escalation.chain import next_in_line
from maild.domain.notices.recipients import Recipient, Roster, around, on_duty
from maild.domain.people.directory import Address, Agent, Person
from maild.domain.people.preferences import Interest
from maild.domain.sla.standing import DueStep
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import may_see

ON_DUTY = "on-duty"


@dataclass(frozen=True, slots=True)
class AlarmRecipient:
    """Somebody who is told: where, and why in words. `agent` is "" for an address that is no agent's."""

    person: Person
    agent: str
    reason: str
    paged: bool = False
    in_place: bool = False  # of somebody whom no alarm reaches

    @property
    def known_as(self) -> str:
        """The name in events: the agent's name, else the address."""
        return self.agent or str(self.person.address)

    @classmethod
    def of(cls, told: Recipient) -> AlarmRecipient:
        """Return the recipient of an alarm for an agent."""
        return cls(told.agent.person, told.agent.name, told.reason, in_place=told.in_place)


def recipients(
    ticket: Ticket, due: DueStep, roster: Roster, relieved: Collection[str] = frozenset()
) -> list[AlarmRecipient]:
    """Return everybody the step names, each once; when there is nobody, who is in charge of the ticket.

    Somebody else along the chain stands in for those who are away or may not see the ticket. `relieved` are not
    told."""
    named = [each for word in due.step.notify for each in _named(word, ticket, roster)]
    paged, unreachable = _paged(due.step.page, ticket, roster)
    told = each_once((*named, *paged, *unreachable))
    if not told:
        told = each_once(map(AlarmRecipient.of, _in_charge(ticket, due, roster)))
    return [each for each in told if each.known_as not in relieved]


def each_once(told: Iterable[AlarmRecipient]) -> list[AlarmRecipient]:
    """Return each recipient once, by where they are told."""
    kept: dict[str, AlarmRecipient] = {}
    for each in told:
        first = kept.setdefault(each.person.address.key, each)
        if each.in_place and not first.in_place:
            kept[each.person.address.key] = replace(first, in_place=True)
    return list(kept.values())


def _in_charge(ticket: Ticket, due: DueStep, roster: Roster) -> list[Recipient]:
    """Return the nearest circle around a ticket without an owner.

    A breach in a department without a manager also goes to the admins: nobody else would answer for it."""
    circles = around(replace(ticket, assignee=""), roster)
    found = next(filter(None, (_there(circle, ticket, roster) for circle in circles)), [])
    department = roster.directory.department(ticket.department)
    if due.breach and (department is None or not department.manager):
        admins = [
            Recipient(one, "you are an admin of this helpdesk", Interest.OWNER) for one in roster.directory.admins()
        ]
        found = [*found, *_there(admins, ticket, roster)]
    return found or next_in_line(None, ticket, roster, lambda reader: "")


# -- the words of `notify` and `page` ---------------------------------------------------------------------------------


def _named(word: str, ticket: Ticket, roster: Roster) -> list[AlarmRecipient]:
    """Return the people that one word means, or who stands in for them."""
    if (outside := _outside(word, roster)) is not None:
        # Nobody can say who reads an address that is no agent's: tickets of private departments are not told there.
        reason = "the SLA plan names this address"
        return [] if roster.directory.is_private(ticket.department) else [AlarmRecipient(Person(outside), "", reason)]
    return [AlarmRecipient.of(told) for told in _agents(word, ticket, roster)]


def _paged(words: Sequence[str], ticket: Ticket, roster: Roster) -> tuple[list[AlarmRecipient], list[AlarmRecipient]]:
    """Return (who is paged, who has no pager and is mailed instead)."""
    paged: list[AlarmRecipient] = []
    mailed: list[AlarmRecipient] = []
    for word in words:
        for each in _named(word, ticket, roster):
            agent = roster.directory.agent(each.agent)
            if agent is None:
                paged.append(replace(each, paged=True))
            elif agent.pager is not None:
                paged.append(replace(each, person=Person(agent.pager, agent.shown), paged=True))
            else:
                mailed.append(each)
    return paged, mailed


def _agents(word: str, ticket: Ticket, roster: Roster) -> list[Recipient]:
    directory = roster.directory
    circle = _circle(word, ticket, roster)
    if circle is not None:
        return _there(circle, ticket, roster) or _instead(circle[:1], ticket, roster)
    team, department = directory.team(ticket.team), directory.department(ticket.department)
    one = {
        "assignee": (ticket.assignee, "the ticket is assigned to you"),
        "team-lead": (team.lead if team else "", f"you lead the team {ticket.team}"),
        "manager": (department.manager if department else "", f"you manage the department {ticket.department}"),
    }
    name, reason = one.get(word, (word.removeprefix("agent:"), "the SLA plan names you"))
    agent = directory.agent_at(Address.of(word)) if "@" in word else directory.agent(name)
    told = [Recipient(agent, reason, Interest.OWNER)] if agent is not None else []
    return told if not told or _able(told[0].agent, ticket, roster) else _instead(told, ticket, roster)


def _circle(word: str, ticket: Ticket, roster: Roster) -> list[Recipient] | None:
    """Return a group that does the same work: one present member is enough. None for words that name one person."""
    directory = roster.directory
    if word == "team":
        return [
            Recipient(one, f"you are in the team {ticket.team}", Interest.OWNER)
            for one in directory.members(ticket.team)
        ]
    if word == "admins":
        return [Recipient(one, "you are an admin of this helpdesk", Interest.OWNER) for one in directory.admins()]
    if word == ON_DUTY or word.startswith(f"{ON_DUTY}:"):
        return on_duty(ticket, roster, word.removeprefix(ON_DUTY).removeprefix(":"))
    return None


def _there(circle: Sequence[Recipient], ticket: Ticket, roster: Roster) -> list[Recipient]:
    """Return the members of a circle who are there, and the substitutes of the others."""
    found = []
    for told in circle:
        if _able(told.agent, ticket, roster):
            found.append(told)
            continue
        if not _away(told.agent, roster):
            continue
        substitute = roster.readers.stand_in(told.agent, roster.directory, partial(_able, ticket=ticket, roster=roster))
        if substitute is not None:
            reason = f"{roster.gone(told.agent, substitute)}, and you stand in"
            found.append(Recipient(substitute, reason, told.claim, in_place=True))
    return found


def _instead(circle: Sequence[Recipient], ticket: Ticket, roster: Roster) -> list[Recipient]:
    """Return who hears in place of the first of a circle when nobody of it is there."""
    return [each for told in circle for each in _chained(told.agent, ticket, roster)]


def _chained(agent: Agent, ticket: Ticket, roster: Roster) -> list[Recipient]:
    def why(reader: Agent) -> str:
        return roster.gone(agent, reader) if _away(agent, roster) else ""

    return next_in_line(agent, ticket, roster, why)


def _able(agent: Agent, ticket: Ticket, roster: Roster) -> bool:
    return not _away(agent, roster) and may_see(agent, ticket, roster.directory)


def _away(agent: Agent, roster: Roster) -> bool:
    return agent.name in roster.readers.away


def _outside(word: str, roster: Roster) -> Address | None:
    """Return the address that a word is, when it is no agent's."""
    address = Address.read(word)
    return address if address is not None and roster.directory.agent_at(address) is None else None
