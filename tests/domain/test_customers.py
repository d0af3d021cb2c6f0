"""What customers write into a known thread: all of it is a message; a few words and addresses mean more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maild.domain.decision import Outcome
from maild.domain.intake.auto_answer_limits import Traffic
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide import decide
from maild.domain.intake.route import Carrier
from maild.domain.messages.attachment import Attachment
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Address, Person, Role, Trust
from maild.domain.tickets import events
from maild.domain.tickets.ticket import Status
from tests.domain.mail_scene import EVE, JANE, KAREN, MALLORY, NOW, case, kinds, led, mail, person, ticket
from tests.rig.misses import in_turn

U = Scope.USER
BOB = person("bob@client.example", "Bob")
ENDED = [Status.RESOLVED, Status.CLOSED]


def written(text: str = "It burns.", sender: Person = KAREN, on: Status = Status.OPEN, days: float = 1, **more):
    """The decision about a mail of somebody in Karen's ticket, which ended so many days ago."""
    fields = more.pop("fields", {})
    route = more.pop("route", led(U))
    before = more.pop("ticket", None) or ticket(status=on, ended_at=NOW - timedelta(days=days) if on.ended else None)
    return decide(case(mail(sender, text, **fields), route=route, ticket=before, **more))


def messages(decision) -> list[events.MessageReceived]:
    return [fact for fact in decision.events if isinstance(fact, events.MessageReceived)]


def image(*, inline: bool) -> Attachment:
    return Attachment("1", "logo.png", "image/png", 900, "0" * 64, inline, "logo")


# -- STATUS ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["STATUS", "status", "Status", "Status?", "  STATUS.\n", "ＳＴＡＴＵＳ", "STATUS !"])
def test_status_alone_is_answered_and_is_a_message_all_the_same(text):
    decision = written(text)
    assert kinds(decision.events) == ["message-received"]
    assert not messages(decision)[0].courtesy  # an agent sees that somebody asks
    assert [(n.template, n.to, n.scope) for n in decision.mails.notices] == [("status", KAREN, U)]
    assert decision.entry.text == text


@pytest.mark.parametrize("text", ["What is the status?", "STATUS\nplease", "STATUS 42", "CLOSE STATUS", "Statuses", ""])
def test_status_among_other_words_is_only_a_message(text):
    decision = written(text)
    assert (kinds(decision.events), decision.mails.notices) == (["message-received"], ())


def test_the_state_of_an_ended_ticket_is_told_without_opening_it():
    decision = written("STATUS", on=Status.CLOSED, days=99)
    assert kinds(decision.events) == ["message-received"]
    assert messages(decision)[0].courtesy
    assert [n.template for n in decision.mails.notices] == ["status"]


UNANSWERED = {
    "forged": {"trust": Trust.FAILED},
    "a list": {"mail_class": MailClass.LIST},
    "told within the hour": {"traffic": Traffic(states=1)},
    "ten answers today": {"traffic": Traffic(to_sender=10)},
    "stopped": {"traffic": Traffic(stopped=True)},
}


@pytest.mark.parametrize("more", UNANSWERED.values(), ids=UNANSWERED)
def test_what_no_program_answers_a_person_must_see(more):
    """It reopens the ticket like any message."""
    decision = written("STATUS", on=Status.RESOLVED, **more)
    assert kinds(decision.events) == ["message-received", "status-changed"]
    assert [n for n in decision.mails.notices if n.template == "status"] == []
    assert any(step.verdict == "no status" for step in decision.steps)


@pytest.mark.parametrize("mail_class", [MailClass.AUTO_REPLY, MailClass.AUTOMATIC, MailClass.SPAM])
def test_a_program_that_says_status_gets_no_answer(mail_class):
    decision = written("STATUS", mail_class=mail_class)
    assert (kinds(decision.events), decision.mails.notices) == (["message-received"], ())


def test_a_copy_may_ask_and_is_answered_at_their_own_address():
    assert [n.to for n in written("STATUS", EVE).mails.notices] == [EVE]


def test_an_unproven_asker_is_told_by_their_mark_whatever_the_setting_for_acknowledgements():
    assert [n.template for n in written("STATUS", trust=Trust.CLAIMED).mails.notices] == ["status"]


# -- CLOSE -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", [Status.OPEN, Status.WAITING])
def test_close_in_capitals_and_alone_resolves(on):
    decision = written("\n CLOSE \n", on=on)
    assert kinds(decision.events) == ["message-received", "status-changed"]
    message, change = decision.events
    assert (message.courtesy, change.status, change.previous) == (True, "resolved", on)
    assert (change.by.role, change.reason) == (Role.REQUESTER, "the customer asked to close it")


@in_turn("text", ["close", "Close", "CLOSE.", "CLOSE\nthanks", "!close", "!CLOSE", "PLEASE CLOSE", "STOP"])
def test_nothing_else_that_a_customer_writes_is_a_command(text):
    decision = written(text)
    assert kinds(decision.events) == ["message-received"]
    assert decision.entry.text == text


NOT_MEANT = {
    "a copy's": {"sender": EVE},
    "forged": {"trust": Trust.FAILED},
    "by the subject alone": {"trust": Trust.CLAIMED, "route": led(U, Carrier.SUBJECT_TOKEN)},
    "by a known id alone": {"trust": Trust.CLAIMED, "route": led(U, Carrier.KNOWN_MESSAGE_ID)},
    "a program's": {"mail_class": MailClass.AUTOMATIC},
    "with a file": {"fields": {"attachments": (image(inline=False),)}},
    "above a forward": {"fields": {"forwarded_lines": 1, "new_text": "CLOSE\nFrom: x"}},
}


@pytest.mark.parametrize("more", NOT_MEANT.values(), ids=NOT_MEANT)
def test_close_counts_only_when_the_requester_surely_means_it(more):
    assert "status-changed" not in kinds(written("CLOSE", **more).events)


def test_a_sealed_mark_suffices_to_close():
    assert "status-changed" in kinds(written("CLOSE", trust=Trust.CLAIMED).events)


@pytest.mark.parametrize("on", [*ENDED, Status.SPAM])
def test_close_does_not_wake_what_has_ended(on):
    decision = written("CLOSE", on=on, days=99 if on in ENDED else 1)
    assert "status-changed" not in kinds(decision.events)


# -- thanks ----------------------------------------------------------------------------------------------------------


@in_turn("on", ENDED)
@in_turn("text", ["Thanks!", "Danke Jane, es funktioniert.\nKaren", "👍"])
@in_turn("days", [1, 99])
def test_a_thank_you_to_an_ended_ticket_opens_nothing(on, text, days):
    decision = written(text, on=on, days=days)
    assert kinds(decision.events) == ["message-received"]
    assert (messages(decision)[0].courtesy, messages(decision)[0].automatic) == (True, False)
    assert decision.outcome is Outcome.REPLIED


@pytest.mark.parametrize("text", ["Thanks, but it still burns.", "Thanks!\nCan you come again?", "Burns."])
def test_what_says_more_opens_it(text):
    decision = written(text, on=Status.RESOLVED)
    assert kinds(decision.events) == ["message-received", "status-changed"]
    assert not messages(decision)[0].courtesy


@pytest.mark.parametrize("inline", [True, False])
def test_a_thank_you_with_a_picture_opens_it(inline):
    """It may be a picture of what still burns."""
    decision = written("Thanks!", on=Status.RESOLVED, fields={"attachments": (image(inline=inline),)})
    assert "status-changed" in kinds(decision.events)


@pytest.mark.parametrize("on", [Status.OPEN, Status.WAITING])
def test_a_thank_you_to_an_open_ticket_is_a_message_like_any_other(on):
    decision = written("Thanks!", on=on)
    assert not messages(decision)[0].courtesy
    assert ("status-changed" in kinds(decision.events)) is (on is Status.WAITING)


def test_a_reaction_to_an_ended_ticket_opens_nothing_and_is_told_inside():
    decision = written("", on=Status.RESOLVED, mail_class=MailClass.REACTION, fields={"reaction": "👍"})
    assert kinds(decision.events) == ["message-received"]
    assert messages(decision)[0].courtesy
    assert decision.entry.text == "👍"
    assert not messages(written("", mail_class=MailClass.REACTION))[0].courtesy


# -- copies ----------------------------------------------------------------------------------------------------------


def added(decision) -> list[str]:
    return [str(f.person.address) for f in decision.events if isinstance(f, events.ParticipantAdded)]


COPIED = {"cc": (BOB, EVE, KAREN, JANE.person, Person(Address.of("support@acme.example")))}


def test_a_later_copy_joins_when_the_requester_is_proven():
    decision = written(sender=KAREN, fields=COPIED)
    assert added(decision) == ["bob@client.example"]
    assert next(f for f in decision.events if isinstance(f, events.ParticipantAdded)).by.address == str(KAREN.address)


def test_whoever_was_brought_in_by_a_copy_brings_in_nobody():
    assert added(written(sender=EVE, fields=COPIED)) == []


@pytest.mark.parametrize("trust", [Trust.CLAIMED, Trust.FAILED])
def test_nobody_joins_by_a_mail_whose_sender_is_not_proven(trust):
    assert added(written(trust=trust, fields=COPIED)) == []


def test_nobody_joins_by_a_program_or_by_somebody_outside_the_ticket():
    assert added(written(mail_class=MailClass.AUTOMATIC, fields=COPIED)) == []
    assert added(written(sender=MALLORY, fields=COPIED)) == []
    assert added(written(sender=KAREN, released=True, trust=Trust.FAILED, fields=COPIED)) == []


def test_who_left_is_not_brought_back_by_an_answer_to_all():
    without_eve = ticket(participants=())
    assert added(written(ticket=without_eve, fields=COPIED)) == ["bob@client.example", "eve@client.example"]
    assert added(written(ticket=without_eve, departed=frozenset({EVE.address}), fields=COPIED)) == [
        "bob@client.example"
    ]


def test_a_ticket_has_room_for_twenty_copies():
    crowd = tuple(person(f"p{n}@client.example") for n in range(30))
    assert len(added(written(fields={"cc": crowd}))) == 19  # Eve is in it


def test_an_agents_answer_brings_in_whom_they_copied():
    route = led(Scope.REPLY)
    decision = decide(case(mail(JANE, "Use water.", cc=(BOB, KAREN)), route=route))
    assert added(decision) == ["bob@client.example"]
    assert added(decide(case(mail(JANE, "A note.", cc=(BOB,)), route=led(Scope.NOTE)))) == []


# -- leaving ---------------------------------------------------------------------------------------------------------


def pressed(verb: str, text: str = "", sender: Person = KAREN, **more):
    return written(text, sender, route=replace(led(U), verb=verb), **more)


@pytest.mark.parametrize("mail_class", [MailClass.PERSON, MailClass.LIST, MailClass.AUTOMATIC])
def test_a_copy_leaves_by_an_empty_mail(mail_class):
    decision = pressed("leave", "", EVE, mail_class=mail_class)
    assert kinds(decision.events) == ["participant-removed"]
    assert (decision.events[0].person, decision.events[0].role) == (EVE, "cc")
    assert (decision.entry, decision.mails.notices, decision.outcome) == (None, (), Outcome.COMMANDED)


def test_what_is_written_with_it_stays_in_the_thread_and_disturbs_nobody():
    decision = pressed("leave", "I work elsewhere now.", EVE)
    assert kinds(decision.events) == ["participant-removed", "message-received"]
    assert messages(decision)[0].automatic
    assert decision.entry.text == "I work elsewhere now."


def test_leaving_twice_and_leaving_ones_own_ticket():
    again = pressed("leave", "", EVE, ticket=ticket(participants=()))
    assert (again.outcome, again.events) == (Outcome.IGNORED, ())
    own = pressed("leave", "", KAREN)
    assert kinds(own.events) == ["message-received"]


@pytest.mark.parametrize("verb", ["leave", "rate-good"])
def test_a_forged_press_of_a_button_is_held(verb):
    decision = pressed(verb, "", EVE, trust=Trust.FAILED)
    assert decision.outcome is Outcome.HELD


# -- rating ----------------------------------------------------------------------------------------------------------


@in_turn("word", ["good", "fair", "bad"])
@in_turn("on", [*ENDED, Status.OPEN])
def test_a_rating_is_recorded_and_opens_nothing(word, on):
    decision = pressed(f"rate-{word}", on=on)
    (fact,) = decision.events
    assert isinstance(fact, events.Rated)
    assert (fact.rating, decision.outcome, decision.entry) == (word, Outcome.COMMANDED, None)


def test_text_with_a_rating_is_a_message_that_opens_nothing():
    decision = pressed("rate-bad", "It took three weeks. Why?", on=Status.RESOLVED)
    assert kinds(decision.events) == ["rated", "message-received"]
    assert messages(decision)[0].courtesy
    assert decision.outcome is Outcome.REPLIED


@pytest.mark.parametrize("verb", ["rate-superb", "rate-", "close", "take"])
def test_an_address_with_another_verb_is_an_address_for_messages(verb):
    assert kinds(pressed(verb, "It burns.").events) == ["message-received"]


def test_a_program_rates_nothing():
    assert kinds(pressed("rate-good", mail_class=MailClass.AUTOMATIC).events) == ["message-received"]
