"""A fresh mail of an agent that opens somebody's ticket is an act like every other: what narrows, stops or only tries
an answer does the same there."""

from dataclasses import replace

import pytest

from maild.domain.decision import Outcome
from maild.domain.effects import DropHeldMail, HoldReply, MessageToAgent, ReleasedAs, ReleaseHeldMail, SettleHeldReply
from maild.domain.intake.decide import decide
from maild.domain.intake.route import Carrier
from maild.domain.messages.message import ForwardedMail
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Address
from maild.domain.policy import AgentProof
from maild.domain.tickets import events
from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from maild.domain.tickets.ticket import EntryKind
from tests.domain.known import Canned, Else, lookups
from tests.domain.mail_scene import BASE, JOHN, KAREN, NOW, POLICY, case, led, mail

BOB = "bob@new.example"
CANNED = {"please-check": "Dear {name}, please check the cable."}
LOOKUPS = lookups(texts=Canned(CANNED), contacted=Else(False))


def fresh(text, **more):
    fields = {name: more.pop(name) for name in ("html_words", "attachments", "forwarded_lines") if name in more}
    return decide(case(mail(JOHN, text, **fields), **({"lookups": LOOKUPS} | more)))


def of(decision, kind):
    return [fact for fact in decision.events if isinstance(fact, kind)]


@pytest.mark.parametrize("narrow", ["!note", "!draft"])
def test_what_narrows_an_answer_keeps_the_text_inside(narrow):
    decision = fresh(f"!to {BOB}\n{narrow}\nHe must not know that we lost his backup.")
    assert (decision.outcome, decision.entry.kind) == (Outcome.OPENED, EntryKind.NOTE)
    assert not of(decision, events.Replied)
    assert decision.entry.may_leave is (narrow == "!draft")


def test_reply_beside_for_sends_the_text():
    decision = fresh(f"!for {BOB}\n!reply\nYour printer is here.")
    assert (decision.outcome, decision.entry.kind) == (Outcome.OPENED, EntryKind.REPLY)
    assert any("your text goes to" in line for line in decision.mails.transcript.results)


@pytest.mark.parametrize("verb", ["to", "for"])
def test_check_opens_nothing_and_tells(verb):
    decision = fresh(f"!{verb} {BOB}\n!check\nHello Bob.")
    assert (decision.outcome, decision.opens, decision.events, decision.entry) == (Outcome.COMMANDED, False, (), None)
    assert decision.mails.transcript.results[0].startswith("Nothing was done")
    assert any(line.startswith(f"opened for {BOB}") for line in decision.mails.transcript.results)
    assert "Hello Bob." in decision.mails.transcript.help


def test_a_canned_text_goes_along_with_the_name_of_whom_it_is_for():
    decision = fresh(f"!to Bob <{BOB}>\n!tpl please-check")
    assert decision.entry.text == "Dear Bob, please check the cable."
    assert "Hello.\n\nDear Bob" in fresh(f"!to Bob <{BOB}>\n!tpl please-check\nHello.").entry.text


def test_what_cannot_be_taken_back_is_asked_about_first():
    decision = fresh(f"!for {BOB}\n!spam\nBuy now.")
    assert (decision.outcome, decision.opens, decision.events) == (Outcome.HELD, False, ())
    (hold,), (message,) = decision.effects_of(HoldReply), decision.effects_of(MessageToAgent)
    assert (hold.kind, message.notice.template) == (HeldReplyKind.CONFIRM, "held")
    confirmed = fresh(f"!for {BOB}\n!spam\nBuy now.", released_as=ReleasedAs.CONFIRMED)
    assert of(confirmed, events.StatusChanged)[0].status == "spam"


def test_a_sealed_address_never_leaves():
    sealed = "support+a42n2s1.0123456789abcdef@acme.example"
    decision = fresh(f"!to {BOB}\nWrite to {sealed} please.")
    assert "0123456789abcdef" not in decision.entry.text


def test_a_priority_brings_its_plan():
    (changed,) = of(fresh(f"!to {BOB}\n!priority emergency\nWe come at once."), events.PlanChanged)
    assert changed.sla_plan == "sev-a"


@pytest.mark.parametrize("text", [f"!for {BOB}\n@joe, could you look?", f"!to {BOB}\n!note\n@joe, could you look?"])
def test_a_note_names_colleagues(text):
    assert of(fresh(text), events.Noted)[0].mentions == ("joe",)


def test_a_note_above_a_forward_names_colleagues():
    forwarded = ForwardedMail(KAREN, "Printer", "It burns.", comment="@joe, yours?", certain=True)
    decision = decide(case(mail(JOHN, "@joe, yours?", forwarded=forwarded)))
    assert of(decision, events.Noted)[0].mentions == ("joe",)


def test_parts_that_ask_for_different_things_open_nothing():
    decision = fresh(f"!to {BOB}\nHello.", html_words=f"!to {BOB}\n!close\nHello.")
    assert (decision.outcome, decision.opens) == (Outcome.REJECTED, False)
    assert "different things" in decision.reason


def test_whoever_never_wrote_to_a_domain_gets_two_minutes_to_stop_it():
    assert fresh(f"!to {BOB}\nHello.").mails.answer_leaves.total_seconds() == 120
    assert fresh(f"!to {BOB}\n!now\nHello.").mails.answer_leaves.total_seconds() == 0


def test_a_mail_that_goes_on_below_goes_along():
    text = "!for bob@new.example\nHe sent this:\n---- Forwarded ----\nIt burns.\n!close"
    decision = fresh(text, forwarded_lines=3)
    assert "It burns." in decision.entry.text
    assert not of(decision, events.StatusChanged)


# -- what is wrong waits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"!to {BOB}\n!priroity low\nHello.",
        f"!to {BOB}\n!assign nobody we know\nHello.",
        "!to nobody\nHello.",
        f"!to {BOB}\n!for {BOB}\nHello.",
        f"!to {BOB}",
        f"!to {BOB}\n!yes\nHello.",
    ],
)
def test_a_slip_opens_nothing_and_the_text_waits_for_a_word(text):
    decision = fresh(text)
    assert (decision.outcome, decision.opens, decision.events) == (Outcome.REJECTED, False, ())
    (hold,), (message,) = decision.effects_of(HoldReply), decision.effects_of(MessageToAgent)
    assert (hold.kind, message.notice.verb) == (HeldReplyKind.REFUSED, "fix-{draft}")
    assert (message.subject, decision.mails.notices) == ("Re: Printer on fire", ())


@pytest.mark.parametrize(("word", "kind"), [(ReleasedAs.TEXT, EntryKind.REPLY), (ReleasedAs.NOTE, EntryKind.NOTE)])
def test_a_held_text_goes_to_whom_it_names_without_its_other_commands(word, kind):
    decision = fresh(f"!to {BOB}\n!priroity low\nHello.", released_as=word)
    assert (decision.outcome, decision.entry.kind, decision.entry.text) == (Outcome.OPENED, kind, "Hello.")
    assert decision.events[0].requester.address == Address.of(BOB)


def test_whose_ticket_it_is_must_be_readable_whatever_was_said_of_the_text():
    assert fresh("!to nobody\nHello.", released_as=ReleasedAs.TEXT).outcome is Outcome.REJECTED


HELD = HeldReply(
    id=5, inbound=3, ticket=None, agent="john", kind=HeldReplyKind.REFUSED, reason="a slip", created_at=NOW
)


def answered(text, verb="fix-5", drafts=(HELD,), **more):
    route = replace(led(Scope.COMMAND, Carrier.REPLY_ADDRESS), ticket=None, verb=verb)
    fields = {"lookups": LOOKUPS, "drafts": drafts, "ticket": None} | more
    return decide(case(mail(JOHN, text, subject="Re: Printer on fire", to=(BASE,)), route, **fields))


def test_an_answer_to_the_letter_takes_the_place_of_the_text():
    decision = answered(f"!to {BOB}\n!priority low\nHello.")
    assert (decision.outcome, decision.events[0].subject) == (Outcome.OPENED, "Printer on fire")
    assert decision.effects_of(SettleHeldReply) == (SettleHeldReply(5, "replaced"),)
    assert decision.effects_of(DropHeldMail) == (DropHeldMail(3),)


def test_a_word_typed_into_the_answer_is_about_that_text():
    older = replace(HELD, id=4, inbound=2)
    assert answered("!send text", drafts=(HELD, older), verb="fix-5").effects_of(ReleaseHeldMail)[0].inbound == 3
    assert answered("!no", drafts=(HELD, older), verb="fix-4").effects_of(DropHeldMail) == (DropHeldMail(2),)


@pytest.mark.parametrize("verb", ["fix-5", ""])
def test_an_answer_that_says_neither_is_told(verb):
    decision = answered("I meant Bob.", verb=verb)
    (message,) = decision.effects_of(MessageToAgent)
    assert (decision.outcome, message.notice.template) == (Outcome.REJECTED, "feedback")
    assert decision.mails.transcript.original_text == "I meant Bob."


def test_an_answer_in_doubt_waits_for_a_word_too():
    strict = replace(POLICY, agent_proof=AgentProof.STRICT)
    decision = answered(f"!to {BOB}\nHello.", policy=strict, trust="claimed")
    assert (decision.outcome, decision.effects_of(HoldReply)[0].kind) == (Outcome.HELD, HeldReplyKind.UNPROVEN)
