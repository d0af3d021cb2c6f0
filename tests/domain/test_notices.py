"""Who hears of what: never the actor, one mail a person, customers never of what stays inside."""

from dataclasses import replace

import pytest

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import (
    AUDIENCES,
    NOWHERE,
    Notice,
    TicketChange,
    feedback,
    notices_for,
    strongest,
)
from maild.domain.notices.mail_kinds import Nature
from maild.domain.notices.recipients import Roster, in_charge
from maild.domain.people.directory import Address, Department, Directory, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import SYSTEM, Actor
from maild.domain.tickets.ticket import Participant, Status, apply
from tests.domain.facts import EXAMPLES
from tests.domain.mail_scene import DIRECTORY, EVE, JANE, JOE, JOHN, KAREN, MARY, NOW, OPENED, POLICY, ticket
from tests.rig.misses import in_turn

R, N, U = Scope.REPLY, Scope.NOTE, Scope.USER
BY_KAREN = Actor(Role.REQUESTER, address="karen@client.example")
BY_JANE = Actor(Role.AGENT, "jane", "jane@acme.example")
BY_JOHN = Actor(Role.AGENT, "john", "john@acme.example")
CUSTOMERS = {"karen@client.example", "eve@client.example"}
NOBODY = Person(Address("unknown", NOWHERE))


def told(fact, on=None, actor=BY_JANE, policy=POLICY, acknowledge=False, also=()) -> tuple[Notice, ...]:
    """What is told of a fact that just happened to a ticket."""
    after = on or ticket()
    for each in (fact, *also):
        after = after if isinstance(each, events.Opened) else apply(42, after, each)
    return notices_for(TicketChange(after, (fact, *also), actor, acknowledge), policy)


def short(notices) -> list[tuple[str, str, Scope]]:
    return [(n.template, n.to.address.local, n.scope) for n in notices]


MESSAGE = events.MessageReceived(at=NOW, by=BY_KAREN, entry=2)
REPLIED = events.Replied(at=NOW, by=BY_JANE, entry=3)
NOTED = events.Noted(at=NOW, by=BY_JANE, entry=4)


def became(status, previous="open") -> events.StatusChanged:
    return events.StatusChanged(at=NOW, status=status, previous=previous)


# -- the table --------------------------------------------------------------------------------------------------------

ASSIGNED, TEAM = ticket(assignee="john"), ticket(team="banking")


@in_turn(
    ("fact", "on", "actor", "wanted"),
    [
        (OPENED, ticket(), BY_KAREN, [("new-ticket", "jane", R), ("new-ticket", "john", R)]),
        (OPENED, ASSIGNED, BY_KAREN, [("new-ticket", "john", R)]),
        (OPENED, TEAM, BY_KAREN, [("new-ticket", "jane", R), ("new-ticket", "joe", R)]),
        (MESSAGE, ticket(), BY_KAREN, [("message", "jane", R), ("message", "john", R)]),
        (MESSAGE, ASSIGNED, BY_KAREN, [("message", "john", R)]),
        (replace(MESSAGE, automatic=True), ASSIGNED, BY_KAREN, []),
        (NOTED, ASSIGNED, BY_JANE, [("note", "john", N)]),
        (NOTED, TEAM, BY_JANE, []),  # nobody has it: a colleague's note wakes no team
        (NOTED, ticket(), BY_JANE, []),  # a whole department is not woken by a colleague's note
        (events.Assigned(at=NOW, assignee="john", team=""), ticket(), BY_JANE, [("assigned", "john", N)]),
        (events.Assigned(at=NOW, assignee="jane", team=""), ticket(), BY_JANE, []),  # taken
        (events.Assigned(at=NOW, assignee="", team=""), ASSIGNED, BY_JANE, []),
        (
            events.Assigned(at=NOW, assignee="", team="banking"),
            ticket(),
            BY_JOHN,
            [("assigned", "jane", N), ("assigned", "joe", N)],
        ),
        (events.PriorityChanged(at=NOW, priority="high", previous="normal"), ASSIGNED, BY_JANE, [("note", "john", N)]),
        (became("waiting"), ASSIGNED, BY_JANE, [("note", "john", N)]),
        (became("waiting"), ASSIGNED, BY_JOHN, []),
        (REPLIED, TEAM, BY_JANE, [("reply", "karen", U), ("reply", "eve", U)]),
    ],
)
def test_each_fact_is_told_to_whom_it_concerns(fact, on, actor, wanted):
    assert short(told(fact, on, actor)) == wanted


def test_a_reply_goes_to_the_customers_and_as_news_to_whose_ticket_it_is():
    assert short(told(REPLIED, ASSIGNED)) == [("reply", "karen", U), ("reply", "eve", U), ("message", "john", R)]


def test_a_reply_waits_and_is_a_persons_mail():
    for notice in told(REPLIED)[:2]:
        assert (notice.hold, notice.mail_kind.nature) == (POLICY.hold, Nature.WORDS)
    for notice in told(MESSAGE, actor=BY_KAREN):
        assert not notice.hold
        assert notice.mail_kind.nature is not Nature.WORDS


def test_every_row_says_why():
    assert all(row.why for row in AUDIENCES)
    assert all(notice.reason for fact, _ in EXAMPLES.values() for notice in told(fact, ASSIGNED, actor=SYSTEM))


@in_turn("kind", sorted(EXAMPLES))
@in_turn("actor", [BY_JANE, BY_KAREN, SYSTEM, Actor(Role.AGENT, "admin")], ids=lambda a: a.shown)
@in_turn("on", [ticket(), ASSIGNED, TEAM, ticket(assignee="jane", team="banking")])
def test_nobody_is_told_twice_and_no_customer_of_anything_inside(kind, actor, on):
    fact = EXAMPLES[kind][0]
    notices = told(fact, on, actor, acknowledge=True)
    addresses = [str(notice.to.address) for notice in notices]
    assert len(addresses) == len(set(addresses))
    for notice in notices:
        outside = str(notice.to.address) in CUSTOMERS
        assert outside is (notice.scope is U) is (not notice.agent)
        assert notice.template in {"reply", "acknowledgement", "closed", "history", "waiting-reminder"} or not outside
    if actor is BY_JANE:
        assert "jane@acme.example" not in addresses


# -- the actor --------------------------------------------------------------------------------------------------------


def test_an_agent_with_a_ticket_of_their_own_does_not_hear_of_it():
    own = ticket(requester=JANE.person, participants=())
    by_jane_outside = Actor(Role.REQUESTER, address="JANE@acme.example")
    assert short(told(OPENED, own, by_jane_outside)) == [("new-ticket", "john", R)]
    assert short(told(MESSAGE, replace(own, assignee="jane"), by_jane_outside)) == []
    assert short(told(became("closed"), own, BY_JANE)) == []
    assert short(told(REPLIED, own, BY_JOHN)) == [("reply", "jane", U)]


def test_an_agent_who_takes_part_gets_no_copy_of_their_own_answer():
    joined = ticket(participants=(Participant(JANE.person, "cc"), Participant(EVE, "cc")))
    assert short(told(REPLIED, joined)) == [("reply", "karen", U), ("reply", "eve", U)]
    assert ("reply", "jane", U) in short(told(REPLIED, joined, BY_JOHN))


def test_the_admin_on_the_command_line_is_nobody_of_the_office():
    on = ticket(assignee="jane")
    assert short(told(NOTED, on, Actor(Role.AGENT, "admin"))) == [("note", "jane", N)]


# -- one mail a person ------------------------------------------------------------------------------------------------


def test_the_first_row_of_the_table_wins_for_a_person_who_is_told_twice():
    given = events.Assigned(at=NOW, assignee="john", team="")
    assert short(told(NOTED, ticket(), BY_JANE, also=(given,))) == [("assigned", "john", N)]
    moved = events.Transferred(at=NOW, department="support", previous="sysadmins")
    assert short(told(moved, ASSIGNED, BY_JANE, also=(NOTED,))) == [("transferred", "john", N)]


def test_of_several_notices_to_an_address_the_first_is_sent():
    first = Notice(template="sla-breach", to=JANE.person, scope=N, reason="a", agent="jane")
    second = Notice(template="assigned", to=Person(Address.of("Jane@acme.example")), scope=N, reason="b")
    third = Notice(template="note", to=JOHN.person, scope=N, reason="c")
    assert strongest((first, second, third)) == (first, third)


# -- who is in charge -------------------------------------------------------------------------------------------------

ALONE = Directory(agents=(JANE,), departments=(Department("support"),))


@in_turn(
    ("on", "directory", "names"),
    [
        (ticket(assignee="john", team="banking"), DIRECTORY, ["john"]),
        (ticket(team="banking"), DIRECTORY, ["jane", "joe"]),
        (ticket(), DIRECTORY, ["jane", "john"]),
        (ticket(assignee="gone"), DIRECTORY, ["jane", "john"]),
        (ticket(team="gone"), DIRECTORY, ["jane", "john"]),
        (ticket(department="support"), replace(DIRECTORY, agents=(MARY, JOE)), ["mary"]),  # its manager
        (ticket(department="gone"), DIRECTORY, ["mary"]),  # the admin
        (ticket(department="gone"), replace(DIRECTORY, agents=(JOE, JOHN)), ["joe"]),
        (ticket(department="gone"), replace(DIRECTORY, agents=()), []),
    ],
)
def test_somebody_is_always_in_charge(on, directory, names):
    assert [told.agent.name for told in in_charge(on, Roster(directory))] == names


# -- moved, woken, bounced, held --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "actor", "names"),
    [
        (ticket(), BY_JANE, ["joe"]),
        (ticket(assignee="jane"), BY_JANE, ["joe"]),
        (ticket(assignee="john"), BY_JANE, ["john", "joe"]),
        (ticket(team="banking"), BY_JANE, ["joe"]),
    ],
)
def test_a_new_department_hears_of_its_ticket_whoever_works_on_it(on, actor, names):
    fact = events.Transferred(at=NOW, department="sysadmins", previous="support")
    assert [notice.to.address.local for notice in told(fact, on, actor)] == names


@pytest.mark.parametrize(("on", "names"), [(ASSIGNED, ["john"]), (ticket(), ["jane", "john"])])
def test_when_the_waiting_time_is_over_somebody_hears_of_it(on, names):
    note = events.Noted(at=NOW, entry=4)
    notices = told(note, on, Actor(Role.SYSTEM, "timer"), also=(became("open", "waiting"),))
    assert [(n.template, n.to.address.local) for n in notices] == [("note", name) for name in names]


def test_what_the_clock_ends_is_told_to_nobody():
    for status in ("resolved", "closed"):
        assert told(became(status), ASSIGNED, Actor(Role.SYSTEM, "timer")) == ()


def bounced(address) -> events.Bounced:
    return events.Bounced(at=NOW, entry=4, recipient=address, permanent=True, diagnostic="no such user")


@pytest.mark.parametrize(
    ("address", "on", "names"),
    [
        ("karen@client.example", ASSIGNED, ["john"]),
        ("karen@client.example", ticket(), ["jane", "john"]),
        ("john@acme.example", ASSIGNED, ["jane"]),  # his colleagues: he would never read it
        ("john@acme.example", TEAM, ["jane", "joe"]),
        ("jane@acme.example", ticket(team="banking"), ["joe"]),
        ("joe@acme.example", ticket(department="sysadmins", assignee="joe"), ["mary"]),
        ("no address", ASSIGNED, ["john"]),
    ],
)
def test_a_lost_mail_is_told_to_somebody_whom_mail_reaches(address, on, names):
    assert [notice.to.address.local for notice in told(bounced(address), on, SYSTEM)] == names


def test_nobody_is_told_that_the_only_mailbox_there_is_does_not_work():
    policy = replace(POLICY, directory=ALONE)
    assert told(bounced("jane@acme.example"), ticket(), SYSTEM, policy) == ()


def test_a_held_mail_is_told_to_who_is_in_charge():
    fact = events.MailHeld(at=NOW, entry=4, sender="x", reason="y", inbound=9)
    assert short(told(fact, ticket(), SYSTEM)) == [("note", "jane", N), ("note", "john", N)]


# -- customers --------------------------------------------------------------------------------------------------------


def test_an_acknowledgement_is_told_when_it_is_due_and_to_the_requester_alone():
    assert short(told(OPENED, actor=BY_KAREN, acknowledge=True))[0] == ("acknowledgement", "karen", U)
    assert all(notice.agent for notice in told(OPENED, actor=BY_KAREN, acknowledge=False))
    assert all(notice.agent for notice in told(MESSAGE, actor=BY_KAREN, acknowledge=True))


@pytest.mark.parametrize(
    ("fact", "actor", "hears"),
    [
        (became("resolved"), BY_JANE, True),
        (became("closed"), BY_JANE, True),
        (became("closed", "waiting"), BY_JANE, True),
        (became("closed", "resolved"), BY_JANE, False),  # heard of it when it was resolved
        (became("closed"), SYSTEM, False),
        (became("open", "closed"), BY_JANE, False),
        (became("spam"), BY_JANE, False),
    ],
)
def test_the_requester_hears_once_that_an_agent_ended_the_ticket(fact, actor, hears):
    assert short(told(fact, actor=actor)) == [("closed", "karen", U)] * hears


def test_an_answer_that_closes_is_one_mail():
    notices = told(REPLIED, also=(became("closed"),))
    assert [n.template for n in notices if not n.agent] == ["reply", "reply"]


def test_spam_is_never_answered():
    on = ticket(status=Status.SPAM)
    assert all(notice.agent for fact in (REPLIED, OPENED) for notice in told(fact, on, acknowledge=True))


def test_a_third_party_gets_no_replies():
    on = ticket(participants=(Participant(EVE, "third-party"),))
    assert short(told(REPLIED, on)) == [("reply", "karen", U)]


def test_a_requester_without_an_address_is_not_written_to():
    on = ticket(requester=NOBODY)
    assert short(told(REPLIED, on)) == [("reply", "eve", U)]
    alone = replace(on, participants=())
    for fact in (OPENED, REPLIED, became("closed")):
        assert all(notice.agent for notice in told(fact, alone, acknowledge=True))


def test_a_notice_does_not_promise_an_answer_that_nobody_would_get():
    alone = ticket(requester=NOBODY, participants=())
    assert {notice.scope for notice in told(OPENED, alone, BY_KAREN)} == {N}
    assert {notice.scope for notice in told(OPENED, ticket(requester=NOBODY), BY_KAREN)} == {R}


def test_feedback_is_for_the_agent_who_asked():
    notice = feedback(JANE, R)
    assert (notice.template, notice.to, notice.agent, notice.scope) == ("feedback", JANE.person, "jane", R)


def test_the_names_of_customers_are_as_on_file():
    assert told(REPLIED)[0].to == KAREN


# -- customers: ends, ratings, thanks --------------------------------------------------------------------------------

MERGED = events.Merged(at=NOW, by=BY_JANE, into=7)


@pytest.mark.parametrize(
    ("facts", "quiet", "wanted"),
    [
        ((became("closed"),), False, [("closed", "karen", U)]),
        ((became("resolved"),), False, [("closed", "karen", U)]),
        ((became("closed", "resolved"),), False, []),  # they heard of it then
        ((became("closed"),), True, []),
        ((MERGED, became("closed")), False, []),  # it goes on elsewhere
        ((replace(MERGED, into=None), became("closed")), False, [("closed", "karen", U)]),
        ((REPLIED, became("closed")), True, [("reply", "karen", U), ("reply", "eve", U)]),
    ],
)
def test_an_end_without_words_is_told_unless_the_agent_keeps_it_quiet_or_it_goes_on_elsewhere(facts, quiet, wanted):
    after = ticket()
    for fact in facts:
        after = apply(42, after, fact)
    change = TicketChange(after, facts, BY_JANE, quiet=quiet)
    assert [row for row in short(notices_for(change, POLICY)) if row[2] is U] == wanted


def test_only_the_requester_is_asked_how_the_help_was_and_only_a_copy_may_leave():
    asking = replace(POLICY, asks_rating=True)
    told_outside = [n for n in told(REPLIED, also=(became("resolved"),), policy=asking) if n.scope is U]
    assert [(n.to.address.local, n.asks_rating, n.may_leave) for n in told_outside] == [
        ("karen", True, False),
        ("eve", False, True),
    ]
    assert not any(n.asks_rating for n in told(REPLIED, policy=asking))
    assert not any(n.asks_rating for n in told(REPLIED, also=(became("resolved"),)))
    assert [n.asks_rating for n in told(became("closed"), policy=asking)] == [True]


COURTESY = replace(MESSAGE, courtesy=True)


@pytest.mark.parametrize(
    ("fact", "wanted"),
    [
        (COURTESY, [("message", "john", R)]),
        (events.Rated(at=NOW, by=BY_KAREN, rating="bad"), [("note", "john", N)]),
        (events.Rated(at=NOW, by=BY_KAREN, rating="fair"), []),
        (events.Rated(at=NOW, by=BY_KAREN, rating="good"), []),
        (events.ParticipantRemoved(at=NOW, by=BY_KAREN, person=EVE), []),
    ],
)
def test_thanks_and_bad_ratings_are_told_inside_and_who_leaves_is_not(fact, wanted):
    assert short(told(fact, ASSIGNED, BY_KAREN)) == wanted


def test_what_customers_and_timers_end_is_silent_outside():
    for actor in (BY_KAREN, SYSTEM):
        assert [n for n in told(became("resolved"), actor=actor) if n.scope is U] == []
