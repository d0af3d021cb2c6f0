"""A notice that an agent attaches to an answer never reaches a customer, in whatever file it stands.

It has an internal note, buttons and addresses at which mail acts for the agent. The answer is held, and no word of the
agent sends it with that file; words of a note in a file are asked about as in the text."""

import re
from datetime import timedelta

import pytest

from maild.mail.reading import winmail
from maild.mail.reading.layers import layers
from tests.rig import attaching
from tests.rig.attaching import with_file

KAREN, BOB = "karen@client.example", "bob@client.example"
JOHN, JANE = "john@acme.example", "jane@acme.example"
LEAVES = timedelta(seconds=121)
SECRET = "the customer has not paid since march and ana will not grant any café credit to them"
AN_AGENTS = re.compile(rb"[a-z]\d+[rncdq]\d+s\d+(?:\.[a-z][a-z0-9-]*|\.\d+)?\.[0-9a-z]{16}")


@pytest.fixture
def notice(office):
    """The notice of a note, as it lies in John's mailbox, and its raw bytes. Bob reads along."""
    number = office.open_ticket(cc=BOB)
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "!take"))
    office.receive(office.answer(office.last("new-ticket", JANE, number), f"!note\nMind this: {SECRET}."))
    office.deliver(timedelta(minutes=20))
    raw = next(m.raw for m in reversed(office.relay.sent) if JOHN in m.recipients and b"X-Maild-Reason: note" in m.raw)
    return office.last("note", JOHN, number), raw


def send(office, row, file, text="!reply\nHere is the plan."):
    return office.receive(with_file(office.answer(row, text), file))


def settle(office):
    while office.processing.round():
        pass
    office.deliver(LEAVES)


def leaks(office):
    """Marks of agents, at any depth, in what customers got."""
    sent = [message.raw for message in office.relay.sent if {KAREN, BOB} & set(message.recipients)]
    return [mark for raw in sent for layer in layers(raw) for mark in AN_AGENTS.findall(layer.lower())]


def waiting(office):
    with office.store(reading=True) as unit:
        return unit.held_replies.waiting(agent="john")


def answers(office):
    return [m for m in office.sent_to(KAREN) if m.header("x-maild-reason") == "reply"]


@pytest.mark.parametrize("shape", attaching.WHOLE, ids=lambda shape: shape.__name__)
def test_an_answer_with_a_notice_as_a_file_is_held_and_no_word_sends_it(office, notice, shape):
    if shape is attaching.winmail and winmail._library() is None:
        pytest.skip("the extra tnefparse is not installed")
    row, raw = notice
    name = "notice.eml" if shape is attaching.winmail else shape(raw)[0]
    done = send(office, row, shape(raw))
    assert (done.outcome, [draft.kind for draft in waiting(office)]) == ("held", ["marked"])
    office.deliver(LEAVES)
    held = office.last("held", JOHN)
    told = " ".join(office.words(held).split())
    assert name in told
    assert "Answer this mail with your text again, and without the file." in told
    assert ("send it as HTML or as plain text" in told) == (name == "winmail.dat")
    assert [action["label"] for action in held.context["actions"]] == ["Keep as a note", "Drop it"]
    for word in ("!send anyway", "!send text", "!yes"):
        assert office.receive(office.answer(held, word)).outcome == "rejected"
        settle(office)
    assert (answers(office), leaks(office), len(waiting(office))) == ([], [], 1)
    assert "without the file" in " ".join(office.words(office.last("feedback", JOHN)).split())


def test_the_answer_without_the_file_takes_the_place_of_the_held_one(office, notice):
    row, raw = notice
    send(office, row, attaching.attached(raw))
    done = office.receive(office.answer(office.last("held", JOHN), "!reply\nHere is the plan."))
    settle(office)
    assert (done.outcome, len(answers(office)), waiting(office), leaks(office)) == ("replied", 1, (), [])


def test_an_answer_that_was_held_for_news_is_held_again_for_its_file(office, notice):
    row, raw = notice
    office.receive(office.mail(KAREN, "It burns more.", subject=f"Re: {row.subject}"))
    send(office, row, attaching.attached(raw))
    assert [draft.kind for draft in waiting(office)] == ["marked"]


def test_a_note_may_have_any_file(office, notice):
    row, raw = notice
    assert send(office, row, attaching.attached(raw), "For colleagues.").outcome == "noted"
    send(office, row, attaching.attached(raw))
    office.receive(office.answer(office.last("held", JOHN), "!send note"))
    settle(office)
    assert (waiting(office), leaks(office), answers(office)) == ((), [], [])


def test_an_agents_own_mail_that_answers_a_notice_is_one_too(office, notice):
    """It has the notice's id among its References, and its address in To."""
    row, _ = notice
    own = office.answer(row, "I said this already.", quote=False)
    assert send(office, row, attaching.as_octets(own)).outcome == "held"


def test_a_mail_that_the_customer_has_may_go_along(office, notice):
    row, _ = notice
    raw = next(message.raw for message in office.relay.sent if KAREN in message.recipients)
    assert send(office, row, attaching.attached(raw)).outcome == "replied"
    settle(office)
    assert b"message/rfc822" in office.relay.sent[-1].raw or answers(office)[-1].attachments


def test_a_made_up_mark_and_one_of_another_helpdesk_hold_nothing(office, notice):
    row, _ = notice
    made_up = "support+a1r3s1.0123456789abcdef@acme.example and help+a1r2s1.close.0123456789abcdef@other.example"
    assert send(office, row, attaching.text_file(made_up)).outcome == "replied"


@pytest.mark.parametrize("shape", attaching.WORDS, ids=lambda shape: shape.__name__)
def test_words_of_a_note_in_a_file_are_asked_about_as_in_the_text(office, notice, shape):
    row, _ = notice
    done = send(office, row, shape(f"For your files: {SECRET}, sorry."))
    assert (done.outcome, [draft.kind for draft in waiting(office)]) == ("held", ["leak"])
    held = office.last("held", JOHN)
    told = " ".join(office.words(held).split())
    assert shape("")[0] in told
    assert "not paid since march" in told
    assert [action["label"] for action in held.context["actions"]] == ["Send anyway", "Keep as a note", "Drop it"]
    office.receive(office.answer(held, "!send anyway"))
    settle(office)
    assert len(answers(office)) == 1


def test_words_far_down_in_a_large_file_are_found(office, notice):
    row, _ = notice
    log = "\n".join(f"{n} the printer did not answer" for n in range(20_000))
    assert send(office, row, attaching.text_file(f"{log}\n{SECRET}")).outcome == "held"
    settle(office)
    assert answers(office) == []
