"""Role x department x relation: which tickets an agent may see, and that a view and a question agree."""

from datetime import UTC, datetime
from itertools import product

import pytest

from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Person, Team
from maild.domain.tickets import events
from maild.domain.tickets.ticket import Ticket, fold
from maild.domain.tickets.visibility import may_see, sight_of
from tests.rig.misses import in_turn

NOW = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
KAREN = Person(Address.of("karen@client.example"), "Karen Hill")
DEPARTMENTS = (Department("support"), Department("personnel", manager="ann", private=True))
TEAMS = (Team("Online-Banking", ("tina",), "lena"),)


def agent(name: str, role: AgentRole, *departments: str) -> Agent:
    return Agent(name, (Address.of(f"{name}@acme.example"),), "", departments, role)


def directory(*agents: Agent) -> Directory:
    return Directory(agents, TEAMS, DEPARTMENTS)


def ticket(department: str, *, assignee: str = "", team: str = "", mentioned: str = "") -> Ticket:
    opened = events.Opened(at=NOW, requester=KAREN, subject="Pay", department=department, assignee=assignee, team=team)
    note = events.Noted(at=NOW, mentions=(mentioned,) if mentioned else ())
    return fold(1, (opened, note))


RELATIONS = {
    "none": {},
    "assigned": {"assignee": "me"},
    "mentioned": {"mentioned": "me"},
    "another is assigned": {"assignee": "you"},
    "another is mentioned": {"mentioned": "you"},
}
GIVEN = {"assigned", "mentioned"}


@in_turn(
    ("role", "own", "place", "relation"),
    list(product(AgentRole, ("support", "personnel", ""), ("support", "personnel", "forgotten"), RELATIONS)),
)
def test_every_role_in_every_department_with_every_relation(
    role: AgentRole, own: str, place: str, relation: str
) -> None:
    me = agent("me", role, *filter(None, [own]))
    there = ticket(place, **RELATIONS[relation])
    everything = role is not AgentRole.AGENT and place != "personnel"
    assert may_see(me, there, directory(me)) == (own == place or relation in GIVEN or everything)


@in_turn("role", AgentRole)
@in_turn(("name", "seen"), [("tina", True), ("lena", True), ("otto", False)])
@in_turn("place", ["support", "personnel"])
def test_a_team_sees_what_it_was_given(role: AgentRole, name: str, seen: bool, place: str) -> None:
    somebody = agent(name, role)
    there = ticket(place, team="online banking")
    everything = role is not AgentRole.AGENT and place == "support"
    assert may_see(somebody, there, directory(somebody)) == (seen or everything)


@pytest.mark.parametrize("role", AgentRole)
def test_whoever_manages_a_department_sees_it_also_when_it_is_private(role: AgentRole) -> None:
    ann = agent("ann", role)
    assert may_see(ann, ticket("personnel"), directory(ann))
    assert may_see(ann, ticket("support"), directory(ann)) == (role is not AgentRole.AGENT)


def test_names_match_as_everywhere() -> None:
    me = agent("me", AgentRole.AGENT, "Sup-Port")
    assert may_see(me, ticket("support"), directory(me))
    assert may_see(me, ticket("elsewhere", assignee="Me"), directory(me))


def test_nobody_is_meant_by_an_empty_name() -> None:
    nobody = agent("me", AgentRole.AGENT)
    everybody = Directory((nobody,), (Team("banking"),), (Department("support"), Department("sales")))
    assert not may_see(nobody, ticket(""), everybody)
    assert not may_see(nobody, ticket("support"), everybody)


def test_a_view_names_what_it_is_made_of() -> None:
    me = agent("me", AgentRole.MANAGER, "support")
    sight = sight_of(me, directory(me))
    assert (sight.departments, sight.teams, sight.all_but) == (("support",), (), ("personnel",))
