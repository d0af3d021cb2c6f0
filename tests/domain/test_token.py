"""Marks that come back in other people's mail: what opens, what does not, and what cannot stand in for what."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.messages.reply_tokens import (
    Key,
    KeyRing,
    Scope,
    Sealed,
    loop_mark,
    message_id,
    opens,
    read_message_id,
    read_reply_address,
    read_root_id,
    root_id,
    seal,
    subject_tickets,
    subject_token,
    thread_key,
    without_token,
)
from maild.domain.people.directory import Address
from tests.rig.misses import in_turn

OLD, NEW = Key("a", b"the old secret, long enough"), Key("b", b"the new secret, long enough")
RING = KeyRing((OLD,))
BASE = Address.of("support@acme.example")
SEALED = Sealed("", 1042, Scope.REPLY, 17, 5)

# Crockford's digits and the letters that are read for them; case never counts.
_SAME = {"0": "oO", "o": "0O", "1": "iIlL", "i": "1lLI", "l": "1iIL"}


def address_of(ring: KeyRing = RING, base: Address = BASE, epoch: int = 1, **changes: object) -> Address:
    values = {"ticket": 1042, "scope": Scope.REPLY, "recipient": 17, "seq": 5, "verb": ""} | changes
    return seal(ring, base, Sealed("", **values), epoch)  # type: ignore[arg-type]


def opened(address: Address, ring: KeyRing = RING, epoch: int = 1) -> Sealed | None:
    """What an address says when it is ours."""
    sealed = read_reply_address(address)
    return sealed if sealed is not None and opens(ring, sealed, epoch) else None


# -- reply addresses ----------------------------------------------------------------------------------------------


@given(
    ticket=st.integers(0, 10**12 - 1),
    scope=st.sampled_from(Scope),
    recipient=st.integers(0, 10**12 - 1),
    seq=st.integers(0, 10**9 - 1),
    verb=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True) | st.just(""),
    epoch=st.integers(0, 10**6),
)
def test_a_reply_address_says_what_was_sealed_into_it(ticket, scope, recipient, seq, verb, epoch):
    address = address_of(epoch=epoch, ticket=ticket, scope=scope, recipient=recipient, seq=seq, verb=verb)
    found = opened(address, epoch=epoch)
    assert found is not None
    assert (found.ticket, found.scope, found.recipient, found.seq, found.verb) == (ticket, scope, recipient, seq, verb)


def test_a_reply_address_has_the_shape_of_the_contract():
    address = address_of(verb="close")
    assert str(address).startswith("support+a1042r17s5.close.")
    assert len(address.local) <= 64  # RFC 5321 4.5.3.1.1


@pytest.mark.parametrize("fold", [str.upper, str.lower, str.title])
def test_a_mail_program_may_change_the_case_of_a_reply_address(fold):
    address = address_of(base=Address.of("Support@acme.example"))
    assert opened(Address.of(fold(str(address)))) is not None


@given(st.data())
def test_one_changed_character_closes_a_reply_address(data):
    text = str(address_of(verb="close"))
    at = data.draw(st.integers(0, len(text) - 1))
    letter = text[at]
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + "+-._@\u0661\u212a\u017f\u00e9"))
    if (other.lower() == letter.lower() and other.isascii()) or other in _SAME.get(letter, ""):
        return
    try:
        changed = Address.of(text[:at] + other + text[at + 1 :])
    except ValueError:
        return
    assert opened(changed) is None, changed


@pytest.mark.parametrize("letters", ["o0", "i1", "l1"])
def test_letters_that_are_misread_for_digits_do_not_close_a_reply_address(letters):
    """Crockford's base32 is made to be read aloud; only the check characters are read so."""
    letter, digit = letters
    for seq in range(200):
        local, _, mac = address_of(seq=seq).local.rpartition(".")
        if digit in mac:
            assert opened(Address(f"{local}.{mac.replace(digit, letter)}", BASE.domain)) is not None
            return
    raise AssertionError(f"no MAC with {digit} in 200")


def test_a_former_key_still_opens_and_no_longer_seals():
    before, both = KeyRing((OLD,)), KeyRing((NEW, OLD))
    assert opened(address_of(before), both) is not None
    assert address_of(both).local.startswith("support+b1042")
    assert opened(address_of(both), before) is None
    assert opened(address_of(before), KeyRing((NEW,))) is None


def test_a_letter_of_another_key_does_not_open():
    text = str(address_of(KeyRing((OLD,)))).replace("+a", "+b")
    assert opened(Address.of(text), KeyRing((NEW, OLD))) is None


def test_a_raised_epoch_revokes_every_address_of_a_person():
    assert opened(address_of(epoch=1), epoch=2) is None


def test_a_reply_address_opens_at_its_own_base_only():
    moved = Address.of(str(address_of()).replace("support", "banking"))
    elsewhere = Address.of(str(address_of()).replace("acme", "evil"))
    assert opened(moved) is None
    assert opened(elsewhere) is None


def test_a_base_address_with_a_plus_of_its_own_keeps_it():
    base = Address.of("acme+support@mail.example")
    address = address_of(base=base)
    assert str(address).startswith("acme+support+a1042r17s5.")
    assert opened(address) is not None


@in_turn(
    "text",
    [
        "support@acme.example",
        "support+sales@acme.example",
        "support+a1042r17s5@acme.example",
        "support+a1042r17s5.0123456789abcde@acme.example",
        "support+a1042x17s5.0123456789abcdef@acme.example",
        "support+a1042r17s5.close.now.0123456789abcdef@acme.example",
        "support+\u0661\u0662r1s1.0123456789abcdef@acme.example",
        "+a1042r17s5.0123456789abcdef@acme.example",
    ],
)
def test_what_has_not_the_shape_is_no_reply_address(text):
    assert opened(Address.of(text)) is None


def test_digits_of_another_script_are_no_digits():
    assert read_reply_address(Address.of(str(address_of()).replace("+a1", "+a\u0661"))) is None


# -- Message-IDs --------------------------------------------------------------------------------------------------


def test_a_message_id_says_what_was_sealed_into_it():
    text = message_id(RING, SEALED, 77, "acme.example")
    found = read_message_id(RING, text)
    assert found is not None
    assert (found.ticket, found.scope, found.recipient, found.seq, found.outbox) == (1042, Scope.REPLY, 17, 5, 77)


def test_a_message_id_is_short_enough_for_one_header_line():
    text = message_id(RING, Sealed("", 999_999, Scope.USER, 99_999, 999), 9_999_999, "helpdesk.acme.example")
    assert len(text) <= 70


@given(st.data())
def test_one_changed_character_makes_a_message_id_foreign(data):
    text = message_id(RING, SEALED, 77, "acme.example")
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + ".@<> \u0661"))
    domain_from = text.index("@")
    if other == text[at] or (at > domain_from and other.lower() == text[at].lower()):
        return
    assert read_message_id(RING, text[:at] + other + text[at + 1 :]) is None


@pytest.mark.parametrize("text", ["", "<>", "<a@b>", "a@b", "<a1042r17s5.77.0123456789abcdef@acme.example>"])
def test_foreign_ids_say_nothing(text):
    assert read_message_id(RING, text) is None
    assert read_root_id(RING, text) is None


def test_a_root_id_names_its_ticket_also_after_a_new_key():
    text = root_id(RING, 1042, "acme.example")
    assert read_root_id(KeyRing((NEW, OLD)), text) == 1042
    assert read_root_id(KeyRing((NEW,)), text) is None
    assert read_root_id(RING, text.replace("1042", "1043")) is None


# -- one mark is not another --------------------------------------------------------------------------------------


def test_no_mark_can_stand_in_for_one_of_another_kind():
    """The same words under the same key, taken from one kind of mark and put into the shape of the other."""
    address, own_id = address_of(), message_id(RING, SEALED, 77, "acme.example")
    mac_of_id = own_id.partition("@")[0].rpartition(".")[2]
    mac_of_address = address.local.rpartition(".")[2]
    root_mac = root_id(RING, 1042, "acme.example").partition("@")[0].rpartition(".")[2]
    assert opened(Address(f"support+a1042r17s5.{mac_of_id}", BASE.domain)) is None
    assert read_message_id(RING, f"<a1042r17s5.77.{mac_of_address}@acme.example>") is None
    assert read_message_id(RING, f"<a1042r17s5.77.{root_mac}@acme.example>") is None
    assert read_root_id(RING, f"<a1042.root.{mac_of_id}@acme.example>") is None
    assert subject_tickets(RING, f"[#1042-{mac_of_address[:4]}]") == ()


@pytest.mark.parametrize("scope", [s for s in Scope if s is not Scope.REPLY])
def test_a_scope_cannot_be_exchanged(scope):
    for kind in ("note to reply", "reply to note"):
        sealed, other = (scope, Scope.REPLY) if kind == "note to reply" else (Scope.REPLY, scope)
        text = str(address_of(scope=sealed)).replace(f"1042{sealed}17", f"1042{other}17")
        assert opened(Address.of(text)) is None


# -- the subject --------------------------------------------------------------------------------------------------

TOKEN = subject_token(RING, 1042)
CHECK = TOKEN.partition("-")[2]


@in_turn(
    "subject",
    [
        f"[#{TOKEN}]",
        f"Re: Printer on fire [#{TOKEN}]",
        f"AW: [#{TOKEN}] Antwort: Drucker",
        f"Re: Printer [#{TOKEN.upper()}]",
        f"Printer [ # {TOKEN} ]",
        f"Printer [#1042 - {CHECK}]",
        f"Printer [#1042\u2013{CHECK}]",
        f"Printer [#1042\u2011{CHECK}]",
        f"回复： Printer [#{TOKEN}]",
        f"Printer [#\u00a01042\u00a0-\u00a0{CHECK}]",
    ],
)
def test_a_token_is_found_wherever_and_however_it_is_written(subject):
    assert subject_tickets(RING, subject) == (1042,)


@in_turn(
    "subject",
    [
        "",
        "Printer [#1042]",
        f"Printer #{TOKEN}",
        f"Printer [{TOKEN}]",
        f"Printer [#1043-{CHECK}]",
        f"Printer [#1042-{CHECK}x]",
        "Printer [#1042-\u212abcd]",
        "Printer [#1042-\u017fbcd]",
        f"Printer [#\u0661\u0660\u0664\u0662-{CHECK}]",
        f"{'x' * 2000} [#{TOKEN}]",
    ],
)
def test_what_is_no_valid_token_is_as_if_absent(subject):
    assert subject_tickets(RING, subject) == ()


def test_one_wrong_character_makes_a_token_absent():
    for at, letter in enumerate(CHECK):
        for other in "0123456789abcdefghjkmnpqrstvwxyz":
            if other != letter:
                assert subject_tickets(RING, f"[#1042-{CHECK[:at]}{other}{CHECK[at + 1 :]}]") == ()


def test_several_tokens_are_found_in_their_order_each_once():
    second = subject_token(RING, 7)
    assert subject_tickets(RING, f"[#{second}] [#{TOKEN}] [#7-zzzz] [#{second}]") == (7, 1042)


def test_a_token_of_a_former_key_is_still_known():
    assert subject_tickets(KeyRing((NEW, OLD)), f"[#{TOKEN}]") == (1042,)
    assert subject_token(KeyRing((NEW, OLD)), 1042) != TOKEN


def test_a_subject_without_its_tokens_is_what_people_wrote():
    assert without_token(f"Re:  Printer [#{TOKEN}] on fire [#7-zzzz]") == "Re: Printer on fire"


# -- the rest -----------------------------------------------------------------------------------------------------


def test_the_loop_mark_outlives_a_new_key_and_differs_between_helpdesks():
    assert loop_mark(RING, BASE) == loop_mark(KeyRing((NEW, OLD)), BASE)
    assert loop_mark(RING, BASE) != loop_mark(RING, Address.of("support@other.example"))


def test_the_thread_key_follows_from_the_root():
    root = root_id(RING, 1042, "acme.example")
    assert thread_key(root) == thread_key(root)
    assert len(thread_key(root)) == 16
    assert thread_key(root) != thread_key(root_id(RING, 1043, "acme.example"))


def test_a_key_file_has_a_key_a_line():
    ring = KeyRing.of_text("b:the newest secret, long enough\n\na:an older secret, long enough\n")
    assert [key.letter for key in ring.keys] == ["b", "a"]
    assert KeyRing.of_text("just a long bare secret").current == Key("a", b"just a long bare secret")
    assert "secret" not in repr(ring)


@pytest.mark.parametrize("text", ["", "\n \n", "a:short", "a:long enough to be a key\na:and another one of it"])
def test_a_key_file_without_a_usable_key_is_refused(text):
    with pytest.raises(ValueError, match="key"):
        KeyRing.of_text(text)
