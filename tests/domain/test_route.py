"""Where a mail belongs: the first valid mark decides, and in a stranger's hands it decides nothing."""

from dataclasses import replace
from types import MappingProxyType

import pytest

from maild.domain.intake.route import Carrier, Facts, Holder, Route, RouteKind, clues, route
from maild.domain.messages.message import Envelope
from maild.domain.messages.reply_tokens import Scope, Sealed, seal
from maild.domain.people.directory import Address, Person
from maild.domain.tickets.ticket import Participant
from tests.domain.mail_scene import (
    BASE,
    DIRECTORY,
    ENVELOPE,
    EVE,
    FACTS,
    HOLDERS,
    JANE,
    JOHN,
    KAREN,
    MALLORY,
    RING,
    ROOT,
    TICKETS,
    TOKEN,
    WATCHER,
    mail,
    own_id,
    reply_address,
    ticket,
)
from tests.rig.misses import in_turn

R, N, U = Scope.REPLY, Scope.NOTE, Scope.USER
KARENS = "<karens@client.example>"  # the id of Karen's own first mail


def routed(message, facts=FACTS, envelope=ENVELOPE) -> Route:
    return route(message, clues(message, envelope, RING), facts, RING, DIRECTORY)


def short(found: Route) -> tuple:
    return (found.verdict, found.carrier, found.ticket, found.scope)


# -- who may use which mark -----------------------------------------------------------------------------------------


@in_turn(
    ("sender", "scope", "recipient", "verdict"),
    [
        (JANE, R, 2, RouteKind.REPLY),
        (JANE, N, 2, RouteKind.REPLY),
        (KAREN, U, 1, RouteKind.REPLY),
        (EVE, U, 1, RouteKind.REPLY),  # participants may use each other's customer marks
        (KAREN, U, 4, RouteKind.REPLY),
        (WATCHER, N, 5, RouteKind.REPLY),
        (JOHN, R, 2, RouteKind.HELD),
        (JOHN, N, 2, RouteKind.HELD),
        (KAREN, R, 2, RouteKind.HELD),
        (KAREN, N, 2, RouteKind.HELD),
        (MALLORY, U, 1, RouteKind.HELD),
        (MALLORY, R, 2, RouteKind.HELD),
        (JANE, U, 1, RouteKind.HELD),
        (EVE, N, 5, RouteKind.HELD),
        (Person(Address.of("gone@acme.example")), R, 6, RouteKind.HELD),  # no agent any more
        (None, U, 1, RouteKind.HELD),
        (None, R, 2, RouteKind.HELD),
    ],
)
@in_turn("carrier", [Carrier.REPLY_ADDRESS, Carrier.OWN_MESSAGE_ID])
def test_a_mark_counts_in_the_hands_it_was_given_to(sender, scope, recipient, verdict, carrier):
    if carrier is Carrier.REPLY_ADDRESS:
        message = mail(sender, to=(reply_address(scope, recipient, seq=3),))
    else:
        message = mail(sender, in_reply_to=(own_id(scope, recipient, seq=3),))
    found = routed(message)
    assert (found.verdict, found.carrier, found.ticket) == (verdict, carrier, 42)
    if verdict is RouteKind.REPLY:
        assert (found.scope, found.seen) == (scope, 3)
    else:
        assert (found.reason, found.scope) == ("token-from-another-address", None)


def test_an_agent_may_write_from_any_address_on_file():
    jane = replace(JANE, addresses=(*JANE.addresses, Address.of("jane@home.example")))
    office = replace(DIRECTORY, agents=(jane,))
    message = mail(Person(Address.of("Jane@home.example")), to=(reply_address(R, 2),))
    assert route(message, clues(message, ENVELOPE, RING), FACTS, RING, office).scope is R


# -- where marks stand ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["to", "cc", "delivered_to", "envelope", "second recipient"])
def test_a_reply_address_counts_wherever_the_mail_says_it_went(place):
    address = reply_address(U, 1)
    fields = {
        "to": {"to": (address,)},
        "cc": {"cc": (Person(address),)},
        "delivered_to": {"delivered_to": (address,)},
        "envelope": {},
        "second recipient": {"to": (Address.of("boss@client.example"), BASE, address)},
    }[place]
    envelope = Envelope("karen@client.example", (str(address).upper(),)) if place == "envelope" else ENVELOPE
    assert short(routed(mail(**fields), envelope=envelope)) == (RouteKind.REPLY, Carrier.REPLY_ADDRESS, 42, U)


@pytest.mark.parametrize("recipient", ["", "@", "postmaster", "a@b@", "@b", "support@", " @ "])
def test_a_recipient_that_is_no_address_is_passed_over(recipient):
    assert routed(mail(), envelope=Envelope("", (recipient,))).verdict is RouteKind.NEW


def test_the_nearest_parent_decides_among_message_ids():
    message = mail(JANE, in_reply_to=("<x@y>",), references=(ROOT, own_id(R, 2, seq=1), own_id(N, 2, seq=8)))
    assert (routed(message).scope, routed(message).seen) == (N, 8)


def test_of_very_many_parents_only_the_nearest_are_looked_up():
    message = mail(references=(own_id(U, 1), *(f"<{number}@client.example>" for number in range(200))))
    found = clues(message, ENVELOPE, RING)
    assert len(found.parent_ids) == 50
    assert found.own_ids == ()


def test_of_very_many_reply_addresses_only_some_are_looked_up():
    forged = [Address.of(f"support+a42u{number}s1.0123456789abcdef@acme.example") for number in range(500)]
    found = clues(mail(to=forged), ENVELOPE, RING)
    assert len(found.recipients) <= 50


def test_nothing_is_looked_up_for_a_mark_that_does_not_open():
    forged = [Address.of(f"support+a{number}u1s1.0123456789abcdef@acme.example") for number in range(50, 90)]
    found = clues(mail(to=(*forged, reply_address(U, 1))), ENVELOPE, RING)
    assert found.tickets(HOLDERS, RING) == (42,)


# -- the order of the carriers ----------------------------------------------------------------------------------------


def test_the_first_valid_carrier_decides():
    """Each names another ticket or meaning; taking the strongest away lets the next one decide."""
    facts = replace(
        FACTS,
        tickets=TICKETS | {44: ticket(44), 45: ticket(45)},
        tickets_of_ids=MappingProxyType({KARENS: 44}),
    )
    everything = {
        "to": (reply_address(U, 1, number=42),),
        "in_reply_to": (own_id(U, 1, number=45),),
        "references": (KARENS,),
        "subject": f"Re: Printer {TOKEN}",
    }
    expected = [
        (Carrier.REPLY_ADDRESS, 42),
        (Carrier.OWN_MESSAGE_ID, 45),
        (Carrier.KNOWN_MESSAGE_ID, 44),
        (Carrier.SUBJECT_TOKEN, 42),
        (Carrier.NONE, None),
    ]
    for name, (carrier, number) in zip(("to", "in_reply_to", "references", "subject", ""), expected, strict=True):
        found = routed(mail(**everything), facts)
        assert (found.carrier, found.ticket) == (carrier, number)
        everything.pop(name, None)


def test_an_answer_to_a_public_and_to_an_internal_address_stays_inside():
    for to in ((reply_address(R, 2), reply_address(N, 2)), (reply_address(N, 2), reply_address(R, 2))):
        assert routed(mail(JANE, to=to)).scope is N


@pytest.mark.parametrize(
    "address",
    [
        Address.of("support+a42u1s1.0123456789abcdef@acme.example"),
        reply_address(U, 1, epoch=2),
        reply_address(U, 99),
        reply_address(U, 1, number=999),
    ],
    ids=["forged", "revoked", "of nobody", "of no ticket"],
)
def test_an_invalid_reply_address_is_as_if_absent(address):
    assert short(routed(mail(to=(address,)))) == (RouteKind.NEW, Carrier.NONE, None, None)
    found = routed(mail(to=(address,), subject=f"Re: Printer {TOKEN}"))
    assert short(found) == (RouteKind.REPLY, Carrier.SUBJECT_TOKEN, 42, U)
    assert found.ignored == ("a reply address that is not ours or no longer valid",)


def test_an_own_id_of_no_ticket_is_as_if_absent():
    assert routed(mail(in_reply_to=(own_id(U, 1, number=999),))).verdict is RouteKind.NEW


# -- carriers that name a ticket and nobody ---------------------------------------------------------------------------

_PLACES = {
    Carrier.OWN_MESSAGE_ID: {"references": (ROOT,)},
    Carrier.KNOWN_MESSAGE_ID: {"in_reply_to": (KARENS,)},
    Carrier.SUBJECT_TOKEN: {"subject": f"Re: Printer {TOKEN}"},
}


@in_turn("carrier", _PLACES)
@in_turn(("sender", "scope"), [(KAREN, U), (EVE, U), (JANE, N), (JOHN, N)])
def test_participants_write_into_the_thread_and_agents_only_notes(carrier, sender, scope):
    assert short(routed(mail(sender, **_PLACES[carrier]))) == (RouteKind.REPLY, carrier, 42, scope)


@pytest.mark.parametrize("carrier", [Carrier.OWN_MESSAGE_ID, Carrier.SUBJECT_TOKEN])
@pytest.mark.parametrize("sender", [MALLORY, None])
def test_a_valid_mark_in_a_strangers_mail_is_held(carrier, sender):
    found = routed(mail(sender, **_PLACES[carrier]))
    assert short(found) == (RouteKind.HELD, carrier, 42, None)
    assert found.reason == "token-from-another-address"


@pytest.mark.parametrize("sender", [MALLORY, None])
def test_a_customers_message_id_in_a_strangers_mail_only_relates(sender):
    found = routed(mail(sender, in_reply_to=(KARENS,)))
    assert short(found) == (RouteKind.NEW, Carrier.NONE, None, None)
    assert found.related == 42
    assert found.ignored == ("an answer to a mail of ticket 42, but the sender is a stranger to it",)


def test_an_agent_who_opened_the_ticket_writes_as_its_requester():
    facts = replace(FACTS, tickets={42: ticket(requester=JANE.person)})
    for carrier, fields in _PLACES.items():
        assert short(routed(mail(JANE, **fields), facts)) == (RouteKind.REPLY, carrier, 42, U)


def test_an_agent_who_takes_part_may_use_a_customers_mark():
    joined = ticket(participants=(Participant(JANE.person, "cc"),))
    found = routed(mail(JANE, to=(reply_address(U, 1),)), replace(FACTS, tickets={42: joined}))
    assert (found.verdict, found.scope) == (RouteKind.REPLY, U)


def test_a_token_of_a_ticket_that_is_gone_is_as_if_absent():
    assert routed(mail(subject=f"Re: Printer {TOKEN}"), replace(FACTS, tickets={})).verdict is RouteKind.NEW


# -- the same mail twice ----------------------------------------------------------------------------------------------


def test_the_same_mail_by_another_way_is_a_duplicate_whatever_it_bears():
    facts = replace(FACTS, same_mail=(5, 42))
    found = routed(mail(MALLORY, to=(reply_address(R, 2),)), facts)
    assert (found.verdict, found.ticket) == (RouteKind.DUPLICATE, 42)
    assert "kept before as 5" in found.reason


def test_a_mail_without_any_mark_is_new():
    assert routed(mail()) == Route(RouteKind.NEW, "nothing in the mail leads to a ticket")
    assert routed(mail(), Facts()).verdict is RouteKind.NEW


def test_a_holder_is_known_by_agent_name_whatever_the_address_was():
    """An agent whose address changed keeps the marks that went to the old one."""
    holders = {2: Holder(Address.of("jane.old@acme.example"), 1, "jane")}
    assert routed(mail(JANE, to=(reply_address(R, 2),)), replace(FACTS, holders=holders)).scope is R


@pytest.mark.parametrize(("sender", "fits"), [(EVE, True), (KAREN, False), (MALLORY, False), (JANE, False)])
def test_a_customers_address_that_acts_by_itself_counts_from_its_holder_alone(sender, fits):
    """Participants may write to each other's addresses, but nobody leaves or rates for somebody else."""
    address = seal(RING, BASE, Sealed("", 42, Scope.USER, 4, 1, "leave"), 1)
    found = routed(mail(sender, to=(address,)))
    assert (found.verdict is RouteKind.REPLY, found.verb) == (fits, "leave" if fits else "")
    assert found.verdict is (RouteKind.REPLY if fits else RouteKind.HELD)
