"""Who is who: when two addresses are one, and whom a name means."""

import pytest

from maild.domain.people.directory import Address, Agent, AgentRole, Department, Directory, Person, Team, name_key
from tests.rig.misses import in_turn

JANE = Agent("jane", (Address.of("jane@acme.example"), Address.of("Jane.Doe@home.example")), "Jane Doe", ("Support",))
SAM_O = Agent("samo", (Address.of("samo@acme.example"),), "Sam Oduya", ("support", "Net Work"))
SAM_W = Agent("samw", (Address.of("samw@acme.example"),), "Sam Weiss", ("net-work",), AgentRole.MANAGER)
MARY = Agent("mary", (Address.of("mary@acme.example"),), role=AgentRole.ADMIN)
OFFICE = Directory(
    agents=(JANE, SAM_O, SAM_W, MARY),
    teams=(Team("Online-Banking", ("samw", "nobody", "jane"), "jane"),),
    departments=(Department("Support"), Department("Net Work")),
    own_addresses=frozenset({Address.of("support@acme.example"), Address.of("acme+help@mail.example")}),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Karen@Client.example", "karen@client.EXAMPLE"),
        (" karen@client.example ", "karen@client.example"),
        ("KAREN+x@client.example", "karen+X@client.example"),
    ],
)
def test_addresses_that_differ_in_ascii_case_alone_are_one_person(one, other):
    assert Address.of(one) == Address.of(other)
    assert hash(Address.of(one)) == hash(Address.of(other))
    assert len({Address.of(one), Address.of(other)}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\u212aelvin@client.example", "kelvin@client.example"),  # the Kelvin sign, which str.lower makes a k
        ("stra\u00dfe@client.example", "strasse@client.example"),
        ("\uff4baren@client.example", "karen@client.example"),
        ("karen@client.example", "karen+tag@client.example"),
        ("k.aren@client.example", "karen@client.example"),
        ("karen@client.example", "karen@client.example.evil"),
    ],
)
def test_addresses_that_only_look_alike_are_two_people(one, other):
    assert Address.of(one) != Address.of(other)


def test_an_address_is_written_as_it_was_read():
    assert str(Address.of("Karen.Hill@Client.Example")) == "Karen.Hill@client.example"
    assert Address.of("karen@client.example") != "karen@client.example"


@pytest.mark.parametrize("text", ["", "karen", "@client.example", "karen@", " @ ", "a@b@"])
def test_what_is_no_address_is_refused_or_nothing(text):
    with pytest.raises(ValueError, match="expected local@domain"):
        Address.of(text)
    assert Address.read(text) is None


def test_an_address_of_any_origin_is_read():
    assert Address.read(" karen@Client.example ") == Address.of("karen@client.example")


def test_people_are_shown_by_name_else_by_address():
    assert Person(Address.of("k@c.example"), "Karen").shown == "Karen"
    assert Person(Address.of("k@c.example")).shown == "k@c.example"
    assert (JANE.shown, MARY.shown) == ("Jane Doe", "mary")
    assert JANE.person == Person(Address.of("jane@acme.example"), "Jane Doe")


@pytest.mark.parametrize(
    "name", ["online-banking", "Online Banking", "ONLINE_BANKING", "online.banking", "online\u00a0banking"]
)
def test_names_match_whatever_their_case_spaces_and_hyphens(name):
    assert OFFICE.team(name) is OFFICE.teams[0]
    assert name_key(name) == "onlinebanking"


@pytest.mark.parametrize("name", ["", " ", "-", "online", "bankings"])
def test_no_name_means_nobody(name):
    assert (OFFICE.team(name), OFFICE.agent(name), OFFICE.department(name)) == (None, None, None)
    assert OFFICE.members(name) == ()


def test_an_agent_is_known_by_each_address():
    assert OFFICE.agent_at(Address.of("JANE@acme.example")) is JANE
    assert OFFICE.agent_at(Address.of("jane.doe@home.example")) is JANE
    assert OFFICE.agent_at(Address.of("karen@client.example")) is None


@in_turn(
    ("words", "found"),
    [
        ("jane", (JANE,)),
        ("Jane Doe", (JANE,)),
        ("jane@acme.example", (JANE,)),
        ("doe", (JANE,)),
        ("sam", (SAM_O, SAM_W)),
        ("sam weiss", (SAM_W,)),
        ("bob", ()),
        ("", ()),
        ("-", ()),
    ],
)
def test_an_exact_name_wins_and_a_first_name_may_mean_several(words, found):
    assert OFFICE.agents_matching(words) == found


def test_a_team_has_its_members_in_the_order_of_the_configuration():
    assert OFFICE.members("online banking") == (SAM_W, JANE)  # and nobody, who is not there


def test_a_department_has_who_names_it():
    assert OFFICE.agents_of("net work") == (SAM_O, SAM_W)
    assert OFFICE.agents_of("") == ()
    assert OFFICE.admins() == (MARY,)


@in_turn(
    ("text", "ours"),
    [
        ("support@acme.example", True),
        ("Support@ACME.example", True),
        ("support+a1r2s3.0123456789abcdef@acme.example", True),
        ("acme+help@mail.example", True),
        ("acme+help+tag@mail.example", True),
        ("acme@mail.example", False),
        ("acme+other@mail.example", False),
        ("+support@acme.example", False),
        ("jane@acme.example", False),
    ],
)
def test_an_address_of_ours_is_known_with_anything_behind_a_plus(text, ours):
    assert OFFICE.is_own(Address.of(text)) is ours
