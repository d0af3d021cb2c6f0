"""What a person lets in is no junk; that proves nothing of its sender, and gives nobody a right."""

from dataclasses import replace

import pytest

from maild.domain.decision import Outcome
from maild.domain.effects import HoldReply
from maild.domain.intake.decide import decide
from maild.domain.intake.route import Carrier
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Trust
from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from tests.domain.mail_scene import JANE, JOE, MALLORY, NOW, case, kinds, led, mail

TOKEN = led(Scope.NOTE, Carrier.SUBJECT_TOKEN)
STRANGE = led(Scope.USER)  # somebody else's mark, let in: a message of whoever wrote it


@pytest.mark.parametrize("trust", [Trust.FAILED, Trust.CLAIMED, Trust.VERIFIED])
def test_commands_need_their_own_proof_whoever_let_them_in(trust):
    given = case(mail(JANE, "!close quiet"), TOKEN, trust=trust)
    let_in = decide(replace(given, released=True))
    assert (let_in.outcome, let_in.effects_of(HoldReply)[0].kind) == (Outcome.HELD, HeldReplyKind.UNPROVEN)
    assert "status-changed" not in kinds(let_in.events)
    own_word = decide(replace(given, released=True, proven=True))
    assert (own_word.outcome, kinds(own_word.events)) == (Outcome.COMMANDED, ["status-changed"])


def test_text_counts_by_the_usual_ladder():
    assert decide(case(mail(JANE), TOKEN, released=True)).outcome is Outcome.NOTED
    assert decide(case(mail(JANE), TOKEN, trust=Trust.FAILED, released=True)).outcome is Outcome.HELD


@pytest.mark.parametrize("said", [{"released": True}, {"released": True, "proven": True}])
def test_no_release_gives_a_right(said):
    decision = decide(case(mail(JOE, "Use water.\n!take"), led(Scope.REPLY), **said))
    assert (decision.outcome, decision.reason) == (Outcome.HELD, "its writer may not see this ticket")
    assert kinds(decision.events) == ["mail-held"]


def test_an_agents_mail_with_a_strange_mark_is_a_message_without_commands():
    decision = decide(case(mail(JANE, "Use water.\n!close"), STRANGE, released=True))
    assert (decision.outcome, kinds(decision.events)) == (Outcome.REPLIED, ["message-received"])


def test_such_a_mail_is_asked_about_when_it_is_forged_and_waits_without_a_right():
    forged = decide(case(mail(JANE, "Use water."), STRANGE, trust=Trust.FAILED, released=True))
    assert (forged.outcome, forged.mails.notices[0].template) == (Outcome.HELD, "was-this-you")
    hidden = decide(case(mail(JOE, "Use water."), STRANGE, released=True))
    assert (hidden.outcome, hidden.reason) == (Outcome.HELD, "its writer may not see this ticket")


def test_a_strangers_mail_is_let_in_for_good():
    decision = decide(case(mail(MALLORY, "I am Karen's colleague."), STRANGE, released=True))
    assert (decision.outcome, kinds(decision.events)) == (Outcome.REPLIED, ["message-received"])


def test_whoever_is_asked_already_is_not_asked_once_more():
    asked = HeldReply(id=5, inbound=9, ticket=42, agent="jane", kind=HeldReplyKind.UNPROVEN, reason="", created_at=NOW)
    decision = decide(case(mail(JANE, "!close"), TOKEN, trust=Trust.FAILED, released=True, drafts=(asked,)))
    assert (decision.outcome, decision.effects, decision.mails.notices) == (Outcome.HELD, (), ())
