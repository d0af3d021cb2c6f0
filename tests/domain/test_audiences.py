"""Watchers, mentions, wishes, muted tickets and absences: who hears of what besides whoever is in charge."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import TicketChange, concerns_agents, notices_for
from maild.domain.notices.pacing import PACES, Kind
from maild.domain.notices.recipients import Roster, newly_in_charge
from maild.domain.people.directory import AgentRole, Department, Directory, Role, Team
from maild.domain.people.preferences import ALL_IN, Interest, Level, Preferences, Readers
from maild.domain.people.rotas import Rota
from maild.domain.tickets import events
from maild.domain.tickets.events import SYSTEM, Actor
from maild.domain.tickets.ticket import apply
from tests.domain.facts import EXAMPLES
from tests.domain.mail_scene import DIRECTORY, NOW, OPENED, POLICY, agent, ticket
from tests.rig.misses import in_turn

BY_KAREN = Actor(Role.REQUESTER, address="karen@client.example")
BY_JANE = Actor(Role.AGENT, "jane", "jane@acme.example")
BY_JOHN = Actor(Role.AGENT, "john", "john@acme.example")

MESSAGE = events.MessageReceived(at=NOW, by=BY_KAREN, entry=2)
REPLIED = events.Replied(at=NOW, by=BY_JANE, entry=3)
NOTED = events.Noted(at=NOW, by=BY_JANE, entry=4)
ASKED = events.Noted(at=NOW, by=BY_JANE, entry=4, mentions=("john", "joe"))
WAITING = events.StatusChanged(at=NOW, by=BY_JANE, status="waiting", previous="open")
GIVEN = events.Assigned(at=NOW, by=BY_JANE, assignee="john", team="")
TO_TEAM = events.Assigned(at=NOW, by=BY_JOHN, assignee="", team="banking")
MOVED = events.Transferred(at=NOW, by=BY_JANE, department="sysadmins", previous="support")
BOUNCED = events.Bounced(at=NOW, entry=4, recipient="karen@client.example", permanent=True)
LATER = NOW + timedelta(days=7)


def told(fact, on=None, actor=BY_JANE, readers=ALL_IN, policy=POLICY):
    after = on or ticket()
    after = after if isinstance(fact, events.Opened) else apply(42, after, fact)
    return [notice for notice in notices_for(TicketChange(after, (fact,), actor), policy, readers) if notice.agent]


def heard(*args, **more):
    return {notice.agent: notice.kind for notice in told(*args, **more)}


# -- the matrix -------------------------------------------------------------------------------------------------------

JOHNS = ticket(assignee="john", watchers=("mary", "jane"))
NOBODYS = ticket(watchers=("mary",))


@in_turn(
    ("fact", "on", "actor", "wanted"),
    [
        (OPENED, ticket(), BY_KAREN, {"jane": Kind.NEW, "john": Kind.NEW}),
        (OPENED, JOHNS, BY_KAREN, {"john": Kind.NEW, "mary": Kind.WATCHED, "jane": Kind.WATCHED}),
        (MESSAGE, JOHNS, BY_KAREN, {"john": Kind.MESSAGE, "mary": Kind.WATCHED, "jane": Kind.WATCHED}),
        (MESSAGE, NOBODYS, BY_KAREN, {"jane": Kind.MESSAGE, "john": Kind.MESSAGE, "mary": Kind.WATCHED}),
        (REPLIED, JOHNS, BY_JANE, {"john": Kind.ANSWERED, "mary": Kind.WATCHED}),
        (replace(REPLIED, by=BY_JOHN), JOHNS, BY_JOHN, {"mary": Kind.WATCHED, "jane": Kind.WATCHED}),
        (REPLIED, NOBODYS, BY_JANE, {"mary": Kind.WATCHED}),
        (NOTED, JOHNS, BY_JANE, {"john": Kind.NEWS, "mary": Kind.WATCHED}),
        (NOTED, NOBODYS, BY_JANE, {"mary": Kind.WATCHED}),
        (ASKED, JOHNS, BY_JANE, {"john": Kind.MENTION, "joe": Kind.MENTION, "mary": Kind.WATCHED}),
        (ASKED, ticket(), BY_JANE, {"john": Kind.MENTION, "joe": Kind.MENTION}),
        (WAITING, JOHNS, BY_JANE, {"john": Kind.NEWS, "mary": Kind.WATCHED}),
        (WAITING, ticket(), BY_JANE, {}),
        (WAITING, JOHNS, SYSTEM, {}),
        (GIVEN, NOBODYS, BY_JANE, {"john": Kind.ASSIGNED, "mary": Kind.WATCHED}),
        (TO_TEAM, NOBODYS, BY_JOHN, {"jane": Kind.ASSIGNED, "joe": Kind.ASSIGNED, "mary": Kind.WATCHED}),
        (MOVED, JOHNS, BY_JANE, {"john": Kind.MOVED, "joe": Kind.MOVED, "mary": Kind.WATCHED}),
        (BOUNCED, JOHNS, SYSTEM, {"john": Kind.TROUBLE}),
    ],
)
def test_who_hears_and_with_how_much_hurry(fact, on, actor, wanted):
    assert heard(fact, on, actor) == wanted


def test_whoever_a_note_names_is_asked_and_answers_inside():
    (john, joe) = told(ASKED, ticket())
    assert (john.template, john.scope, john.claim, john.reason) == (
        "note",
        Scope.NOTE,
        Interest.NAMED,
        "a note names you",
    )
    assert joe.agent == "joe"  # of another department: the note opens the ticket to him
    assert not PACES[Kind.MENTION].batched


def test_nobody_who_has_left_is_told():
    gone = replace(ASKED, mentions=("gone",))
    assert heard(gone, ticket(watchers=("gone",), assignee="gone")) == {}


@in_turn("kind", sorted(EXAMPLES))
@in_turn("actor", [BY_JANE, BY_KAREN, SYSTEM], ids=lambda actor: actor.shown)
def test_everybody_is_told_once_and_never_the_actor(kind, actor):
    on = ticket(assignee="john", team="banking", watchers=("jane", "john", "joe", "mary"))
    agents = [notice.agent for notice in told(EXAMPLES[kind][0], on, actor)]
    assert len(agents) == len(set(agents))
    assert actor.name not in agents


def test_what_concerns_nobody_asks_nothing():
    tagged = TicketChange(ticket(), (EXAMPLES["tagged"][0],), BY_JANE)
    assert not concerns_agents(tagged)
    assert concerns_agents(TicketChange(ticket(), (NOTED,), BY_JANE))


# -- wishes -----------------------------------------------------------------------------------------------------------


def wishing(**preferences):
    return Readers(preferences)


MINE, NAMED, NOTHING = Preferences(level=Level.MINE), Preferences(level=Level.MENTIONS), Preferences(level=Level.NONE)


@in_turn(
    ("fact", "on", "wish", "hears"),
    [
        (MESSAGE, JOHNS, MINE, True),
        (MESSAGE, ticket(), MINE, False),
        (MESSAGE, ticket(watchers=("john",)), MINE, True),
        (ASKED, ticket(), MINE, True),
        (MESSAGE, JOHNS, NAMED, False),
        (ASKED, JOHNS, NAMED, True),
        (GIVEN, ticket(), NAMED, True),
        (GIVEN, ticket(), NOTHING, False),
        (ASKED, JOHNS, NOTHING, False),
        (OPENED, ticket(), Preferences(new=False), False),
        (OPENED, JOHNS, Preferences(new=False), True),  # his own
        (MESSAGE, ticket(), Preferences(new=False), True),
        (MESSAGE, ticket(muted_by=("john",)), Preferences(), False),
        (MESSAGE, replace(JOHNS, muted_by=("john",)), Preferences(), True),  # somebody has to answer it
        (NOTED, replace(JOHNS, muted_by=("john",)), Preferences(), False),
        (REPLIED, replace(JOHNS, muted_by=("john",)), Preferences(), False),
        (ASKED, replace(JOHNS, muted_by=("john",)), Preferences(), True),
        (GIVEN, ticket(muted_by=("john",)), Preferences(), True),
        (BOUNCED, replace(JOHNS, muted_by=("john",)), Preferences(), True),
    ],
)
def test_what_an_agent_wishes_to_hear(fact, on, wish, hears):
    actor = fact.by if fact.by.role is not Role.SYSTEM else SYSTEM
    assert ("john" in heard(fact, on, actor, wishing(john=wish))) is hears


def test_a_new_ticket_that_its_department_does_not_wish_to_hear_of_goes_to_who_is_above():
    nobody = wishing(jane=Preferences(new=False), john=MINE)
    assert heard(OPENED, ticket(), BY_KAREN, nobody) == {"mary": Kind.NEW}
    assert heard(OPENED, ticket(), BY_KAREN, Readers({**nobody.preferences, "mary": NOTHING})) == {}


# -- absences ---------------------------------------------------------------------------------------------------------


def away(*names, **substitutes):
    return Readers(
        {name: Preferences(substitute=other) for name, other in substitutes.items()}, dict.fromkeys(names, LATER)
    )


@in_turn(
    ("fact", "on", "readers", "wanted"),
    [
        (MESSAGE, JOHNS, away("john", john="mary"), {"mary", "jane"}),
        (MESSAGE, ticket(assignee="john"), away("john", john="mary"), {"mary"}),
        (MESSAGE, ticket(assignee="john"), away("john", "mary", john="mary"), {"jane"}),  # the department
        (MESSAGE, ticket(assignee="john"), away("john", john="joe"), {"jane"}),  # joe may not see it
        (MESSAGE, ticket(assignee="john"), away("john", "joe", john="joe", joe="mary"), {"mary"}),
        (MESSAGE, ticket(assignee="john"), away("john", john="joe", joe="mary"), {"mary"}),
        (MESSAGE, ticket(assignee="john", team="banking"), away("john"), {"jane", "joe"}),  # the team
        (MESSAGE, ticket(), away("john"), {"jane"}),
        (MESSAGE, ticket(), away("john", "jane"), {"mary"}),  # the manager
        (MESSAGE, ticket(), away("john", "jane", jane="joe"), {"mary"}),
        (MESSAGE, ticket(), away("john", "jane", "mary"), {"jane", "john"}),  # joe is there, and may not see it
        (MESSAGE, ticket(), away("jane", "john", "joe", "mary"), {"jane", "john"}),  # where all are, nobody is
        (OPENED, ticket(), away("john", john="joe"), {"jane"}),  # colleagues are there
        (ASKED, ticket(), away("john", john="mary"), {"mary", "joe"}),
        (ASKED, ticket(), away("john"), {"john", "joe"}),  # the question waits for whom it was put to
        (GIVEN, ticket(), away("john", john="mary"), {"mary"}),
        (NOTED, ticket(assignee="john"), away("john"), set()),
        (MESSAGE, ticket(assignee="john", watchers=("mary",)), away("mary"), {"john"}),
    ],
)
def test_who_is_told_while_somebody_is_away(fact, on, readers, wanted):
    actor = fact.by if fact.by.role is not Role.SYSTEM else SYSTEM
    assert set(heard(fact, on, actor, readers)) == wanted


def test_who_stands_in_reads_why():
    (notice,) = told(MESSAGE, ticket(assignee="jane"), BY_KAREN, away("jane", jane="mary"))
    assert notice.reason == "Jane Doe is away until Mon 2026-05-11 09:30 UTC, and you stand in"
    (other,) = told(MESSAGE, ticket(assignee="jane"), BY_KAREN, away("jane"))
    assert other.reason == ("Jane Doe is away until Mon 2026-05-11 09:30 UTC, and you work in the department support")


def test_a_team_lead_is_told_when_nobody_else_is_there():
    lena, tom = agent("lena", "sales", role=AgentRole.MANAGER), agent("tom", "sysadmins")
    boss = agent("boss", role=AgentRole.ADMIN)
    directory = Directory(
        agents=(tom, lena, boss), teams=(Team("web", ("tom",), "lena"),), departments=(Department("sysadmins"),)
    )
    policy = replace(POLICY, directory=directory)
    on = ticket(assignee="tom", department="sysadmins")
    assert set(heard(MESSAGE, on, BY_KAREN, away("tom"), policy)) == {"lena"}
    assert set(heard(MESSAGE, replace(on, team="web"), BY_KAREN, away("tom"), policy)) == {"lena"}
    assert set(heard(MESSAGE, on, BY_KAREN, away("tom", "lena"), policy)) == {"boss"}


# -- sight ------------------------------------------------------------------------------------------------------------

ZOE, YURI = agent("zoe", "vault"), agent("yuri", "vault")
PRIVATE = replace(
    POLICY,
    directory=replace(
        POLICY.directory,
        agents=(*POLICY.directory.agents, ZOE, YURI),
        teams=(*POLICY.directory.teams, Team("guards", ("zoe",), "joe")),
        departments=(*POLICY.directory.departments, Department("vault", private=True)),
    ),
)


def vault(**fields):
    return ticket(department="vault", **fields)


@in_turn(
    ("fact", "on", "readers", "wanted"),
    [
        (NOTED, vault(watchers=("john", "mary", "zoe")), ALL_IN, {"zoe"}),
        (REPLIED, vault(watchers=("john", "mary", "zoe")), ALL_IN, {"zoe"}),
        (MESSAGE, vault(watchers=("john",)), ALL_IN, {"zoe", "yuri"}),
        (MESSAGE, vault(assignee="zoe"), away("zoe", zoe="john"), {"yuri"}),
        (MESSAGE, vault(), away("zoe", "yuri", zoe="john", yuri="mary"), {"zoe", "yuri"}),  # it waits for them
        (MESSAGE, vault(assignee="zoe"), away("zoe", "yuri"), {"zoe"}),  # and goes to no lead of her team, and no admin
        (ASKED, vault(), away("john", john="mary"), {"john", "joe"}),  # who is named may see it, and nobody for them
        (GIVEN, vault(), away("john", john="mary"), {"zoe", "yuri"}),
        (MOVED, vault(watchers=("jane", "mary")), ALL_IN, {"joe", "mary"}),  # jane moved it herself, out of the vault
        (
            events.Transferred(at=NOW, by=BY_JANE, department="vault", previous="support"),
            JOHNS,
            ALL_IN,
            {"john", "zoe", "yuri"},
        ),
    ],
)
def test_nobody_hears_of_a_ticket_that_they_may_not_see(fact, on, readers, wanted):
    actor = fact.by if fact.by.role is not Role.SYSTEM else SYSTEM
    assert set(heard(fact, on, actor, readers, PRIVATE)) == wanted


@in_turn("kind", sorted(EXAMPLES))
def test_no_fact_at_all_is_told_past_the_wall_of_a_private_department(kind):
    everybody = tuple(each.name for each in PRIVATE.directory.agents)
    readers = away("zoe", zoe="john")
    for fact in EXAMPLES[kind]:
        after = replace(vault(watchers=everybody), assignee="zoe", team="")
        notices = notices_for(TicketChange(after, (fact,), SYSTEM), PRIVATE, readers)
        assert {notice.agent for notice in notices if notice.agent} <= {"zoe", "yuri", *after.mentioned}


def test_what_those_in_charge_may_not_see_goes_to_whoever_may():
    """A private department that lost its people: a note once opened the ticket to joe."""
    alone = replace(PRIVATE, directory=replace(PRIVATE.directory, agents=POLICY.directory.agents))
    assert set(heard(MESSAGE, vault(mentioned=("joe",)), BY_KAREN, policy=alone)) == {"joe"}
    assert heard(MESSAGE, vault(), BY_KAREN, policy=alone) == {}


def test_a_team_of_nobody_makes_a_ticket_nobodys_news():
    """Whoever may see a ticket is told in place of circles that may not, and never in place of none."""
    assert heard(events.Assigned(at=NOW, by=BY_JANE, assignee="", team="gone"), ticket()) == {}


# -- on duty ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duty", "on", "wanted"),
    [
        ((), ticket(), ["jane", "john"]),  # nobody is: as without a rota, and not everybody who may see it
        (("john",), ticket(), ["john"]),
        (("john",), ticket(assignee="jane"), ["jane"]),
        (("joe",), ticket(), ["jane", "john"]),  # joe may not see it
    ],
)
def test_a_new_ticket_is_told_to_who_is_on_duty_or_else_to_who_is_in_charge(duty, on, wanted):
    office = Roster(
        replace(DIRECTORY, rotas=(Rota(name="week", zone="UTC", department="support"),)),
        Readers(duty={"week": duty}),
        about=on,
    )
    assert [told.agent.name for told in newly_in_charge(on, office)] == wanted
