"""Whether a program may answer a mail. Never automatic mail, never a forged sender, never too often (RFC 3834)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from maild.domain.decision import TraceStep
from maild.domain.effects import AlarmAdmin
from maild.domain.intake.auto_answer_limits import STATES_PER_HOUR, UNPROVEN_PER_DAY, Traffic
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide.case import Case
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.notice import STOPPED, Notice
from maild.domain.people.directory import Trust
from maild.domain.policy import AcknowledgeTo


@dataclass(frozen=True, slots=True)
class AutoAnswer:
    """Whether an automatic answer is due, and why. `effects` tell the admins that such answers stop now."""

    due: bool
    why: str
    effects: tuple[AlarmAdmin, ...] = ()

    def step(self, name: str) -> TraceStep:
        """Return it as a step for `explain`."""
        return TraceStep("notices", name if self.due else f"no {name}", self.why)


def acknowledgement(case: Case) -> AutoAnswer:
    """Decide whether the sender is told that their ticket exists."""
    to, unproven = case.policy.acknowledge, case.evidence.trust is not Trust.VERIFIED
    checks = (
        (case.agent is not None, "an agent wrote it"),
        (case.message.sender is None, "the mail has no valid From"),
        (case.classification.mail_class is not MailClass.PERSON, case.classification.reason),
        (not case.classification.answerable, case.classification.reason),
        (case.filing.acknowledge is False, "a topic or rule says so"),
        (to is AcknowledgeTo.NOBODY, 'acknowledge.to = "nobody"'),
        (case.evidence.trust is Trust.FAILED, case.evidence.reason),
        (
            to is AcknowledgeTo.AUTHENTICATED and unproven,
            f'acknowledge.to = "authenticated", and {case.evidence.reason}',
        ),
    )

    def too_often(traffic: Traffic) -> str:
        often = unproven and traffic.to_sender >= UNPROVEN_PER_DAY
        return "the sender is not proven, and was answered by program within a day" if often else ""

    return _answer(case, checks, too_often, "a person wrote and waits for an answer")


def state(case: Case) -> AutoAnswer:
    """Decide whether somebody who asked is told how a ticket stands.

    The setting for acknowledgements does not count: they asked, by a mark of a ticket that they take part in."""
    checks = (
        (case.message.sender is None, "the mail has no valid From"),
        (case.classification.mail_class is not MailClass.PERSON, case.classification.reason),
        (not case.classification.answerable, case.classification.reason),
        (case.evidence.trust is Trust.FAILED, case.evidence.reason),
    )

    def too_often(traffic: Traffic) -> str:
        often = traffic.states >= STATES_PER_HOUR
        return "the state of this ticket was told within the last hour" if often else ""

    return _answer(case, checks, too_often, "a person asked for the state of the ticket")


def _answer(
    case: Case, checks: tuple[tuple[bool, str], ...], too_often: Callable[[Traffic], str], why: str
) -> AutoAnswer:
    """The answer, or what hinders it. What was answered of late is counted only where nothing else hinders it."""
    hindrance = next((reason for holds, reason in checks if holds), "") or too_often(case.answered)
    if hindrance:
        return AutoAnswer(False, hindrance)
    policy, traffic = case.policy, case.answered
    too_much = traffic.too_much(a_minute=policy.answers_a_minute, a_domain=policy.answers_a_domain)
    if not too_much:
        return AutoAnswer(True, why)
    first_too_many = not traffic.stopped and traffic.to_all >= policy.answers_a_minute
    return AutoAnswer(False, too_much, _alarm_admins(case) if first_too_many else ())


def _alarm_admins(case: Case) -> tuple[AlarmAdmin, ...]:
    return tuple(
        AlarmAdmin(
            Notice(template=STOPPED, to=admin.person, scope=Scope.QUERY, reason="you are an admin", agent=admin.name)
        )
        for admin in case.policy.directory.admins()
    )
