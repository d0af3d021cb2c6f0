"""Agents' marks wherever they stand in bytes, and which of them are true."""

import pytest

from maild.domain.messages.mark_search import MOST, agents_marks_in, is_true
from maild.domain.messages.reply_tokens import Key, KeyRing, Scope, Sealed, message_id, seal
from maild.domain.people.directory import Address

OLD, NEW = Key("a", b"a secret of at least sixteen characters"), Key("b", b"another secret, which seals today")
RING = KeyRing((NEW, OLD))
OURS = (Address.of("support@acme.example"), Address.of("sysadmins@acme.example"))
AGENTS = [scope for scope in Scope if scope is not Scope.USER]


def sealed(scope=Scope.REPLY, verb=""):
    return Sealed("", 1042, scope, 7, 31, verb)


def true(octets, epochs=(1,), addresses=OURS):
    return [mark for mark in agents_marks_in(octets) if is_true(RING, mark, epochs, addresses)]


@pytest.mark.parametrize("scope", AGENTS)
@pytest.mark.parametrize("verb", ["", "close", "snooze-1d", "send-12"])
def test_a_reply_address_of_an_agent_is_found_in_every_spelling(scope, verb):
    address = str(seal(RING, OURS[0], sealed(scope, verb), 1))
    local, _, domain = address.partition("@")
    spellings = [
        address,
        f"<{address}>",
        address.upper(),
        f"mailto:{address.replace('+', '%2B')}?subject=x",
        f"mailto:{address.replace('+', '%2b').replace('@', '%40')}",
        address.replace("+", "&#43;").replace("@", "&#64;"),
        f"{local} (at) {domain}",
        f'"{address}",',
    ]
    assert [each for each in spellings if len(true(each.encode())) != 1] == []


def test_a_message_id_and_the_mark_in_a_body_are_found():
    own = message_id(RING, sealed(Scope.NOTE), 55, "acme.example")
    assert len(true(f"In-Reply-To: {own}".encode())) == 1
    assert len(true(f"ref:{own.strip('<>').partition('@')[0]}".encode())) == 1
    assert len(true(own.replace("<", "%3C").replace("@", "%40").encode())) == 1


def test_customers_marks_are_none_of_an_agent():
    octets = f"{seal(RING, OURS[0], sealed(Scope.USER), 1)} {message_id(RING, sealed(Scope.USER), 55, 'acme.example')}"
    assert agents_marks_in(octets.encode()) == []


def test_a_mark_under_a_former_key_for_a_former_address_or_revoked_is_ours_all_the_same():
    former = KeyRing((OLD,))
    assert len(true(str(seal(former, OURS[0], sealed(), 1)).encode())) == 1
    assert len(true(str(seal(RING, Address.of("desk@old.example"), sealed(), 1)).encode())) == 1
    assert len(true(str(seal(RING, OURS[0], sealed(), 2)).encode(), epochs=(1, 2, 3))) == 1


@pytest.mark.parametrize(
    "octets",
    [
        b"support+a1042r7s31.0123456789abcdef@acme.example",
        b"<a1042n7s31.55.0123456789abcdef@acme.example>",
        str(seal(KeyRing((Key("a", b"the secret of somebody else"),)), OURS[0], sealed(), 1)).encode(),
        b"version 1.0123456789abcdef, a1r2s3.",
    ],
)
def test_what_we_did_not_make_is_not_true(octets):
    assert true(octets) == []


def test_each_mark_is_told_once_and_no_more_than_so_many():
    address = str(seal(RING, OURS[0], sealed(), 1)).encode()
    assert len(agents_marks_in(b" ".join([address] * 50))) == 1
    many = b" ".join(b"x+a%dr1s1.0123456789abcdef@acme.example" % number for number in range(MOST * 3))
    assert len(agents_marks_in(many)) == MOST + 1
