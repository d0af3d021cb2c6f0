"""How often a program answers: by sender, proof, domain, minute and subject; and who hears that it stopped."""

from dataclasses import replace

import pytest

from maild.domain.intake.auto_answer_limits import ALIKE, NO_TRAFFIC, PROVEN_PER_DAY, Traffic
from maild.domain.intake.decide import decide
from maild.domain.intake.decide.auto_answers import STOPPED, acknowledgement
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Trust
from maild.domain.policy import AcknowledgeTo
from tests.domain.mail_scene import JANE, MARY, POLICY, case, led, mail
from tests.rig.misses import in_turn

EVERYONE = replace(POLICY, acknowledge=AcknowledgeTo.EVERYONE)
A_MINUTE, A_DOMAIN = POLICY.answers_a_minute, POLICY.answers_a_domain

# (what there was before, is a proven sender answered, is one that nothing proves)
LIMITS = [
    (NO_TRAFFIC, True, True),
    (Traffic(to_sender=1), True, False),  # whoever stands in a forged From gets one mail a day from us
    (Traffic(to_sender=PROVEN_PER_DAY - 1), True, False),
    (Traffic(to_sender=PROVEN_PER_DAY), False, False),
    (Traffic(to_domain=A_DOMAIN - 1), True, True),
    (Traffic(to_domain=A_DOMAIN), False, False),
    (Traffic(alike=ALIKE - 2), True, True),
    (Traffic(alike=ALIKE - 1), False, False),
    (Traffic(to_all=A_MINUTE - 1), True, True),
    (Traffic(to_all=A_MINUTE), False, False),
    (Traffic(stopped=True), False, False),
    (Traffic(states=9), True, True),  # those limit each other alone
]


@in_turn(("traffic", "proven", "unproven"), LIMITS)
def test_a_program_answers_so_often_and_no_more(traffic, proven, unproven):
    for trust, due in ((Trust.VERIFIED, proven), (Trust.CLAIMED, unproven), (Trust.FAILED, False)):
        answer = acknowledgement(case(traffic=traffic, trust=trust, policy=EVERYONE))
        assert answer.due is due, answer.why
        assert answer.why


def test_the_one_too_many_is_told_to_the_admins_once():
    (alarm,) = decide(case(traffic=Traffic(to_all=A_MINUTE))).effects
    told = alarm.notice
    assert (told.template, told.to, told.agent, told.scope) == (STOPPED, MARY.person, "mary", Scope.QUERY)
    assert decide(case(traffic=Traffic(to_all=A_MINUTE, stopped=True))).effects == ()
    assert decide(case(mail(text="STATUS"), route=led(Scope.USER), traffic=Traffic(to_all=A_MINUTE))).effects == (
        alarm,
    )


@pytest.mark.parametrize(
    "given",
    [{"trust": Trust.FAILED}, {"message": mail(JANE)}, {"policy": replace(POLICY, acknowledge=AcknowledgeTo.NOBODY)}],
)
def test_a_mail_that_no_program_would_answer_stops_nothing(given):
    assert decide(case(traffic=Traffic(to_all=A_MINUTE), **given)).effects == ()
