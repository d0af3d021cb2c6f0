"""What becomes of a mail: an ordered table of small rules. The first that answers wins. Judged here, done
elsewhere.

Every rule answers a Decision: an outcome, its reason, and the events, entries, mails and effects that follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from maild.domain.decision import Decision, TraceStep
from maild.domain.intake.decide.agents import (
    agent_forwards,
    agent_opens,
    agent_speaks,
    answered_elsewhere,
    foreign_mark,
)
from maild.domain.intake.decide.auto_answers import acknowledgement
from maild.domain.intake.decide.buttons import button_pressed
from maild.domain.intake.decide.case import Case
from maild.domain.intake.decide.customers import customer_presses, customer_writes
from maild.domain.intake.decide.opening import opens_ticket
from maild.domain.intake.decide.questions import agent_asks
from maild.domain.intake.decide.reports import (
    delivery_report,
    in_junk_folder,
    kept_before,
    other_reports,
    own_address,
    own_mail,
    reaction,
    refused_by_rule,
    too_many_hops,
    vacation_answer,
)

__all__ = ["RULES", "Case", "DecisionRule", "acknowledgement", "decide"]


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """One row: a name for `explain`, and a judge that returns None when the mail is not its business."""

    name: str
    judge: Callable[[Case], Decision | None]


RULES: tuple[DecisionRule, ...] = (
    DecisionRule("own-mail", own_mail),  # before all: a loop must end whatever else the mail says
    DecisionRule("too-many-hops", too_many_hops),
    DecisionRule("kept-before", kept_before),  # one mail by two ways acts once
    DecisionRule("delivery-report", delivery_report),
    DecisionRule("in-junk-folder", in_junk_folder),  # a bounce of ours counts wherever it lies
    DecisionRule("other-report", other_reports),
    DecisionRule("refused-by-rule", refused_by_rule),
    DecisionRule("vacation-answer", vacation_answer),  # before held: a robot gets nobody's attention
    DecisionRule("reaction", reaction),
    DecisionRule("own-address", own_address),
    DecisionRule("foreign-mark", foreign_mark),
    DecisionRule("answered-elsewhere", answered_elsewhere),  # before "agent": such a mail answers no notice of ours
    DecisionRule("button", button_pressed),  # its address says more than its words
    DecisionRule("agent-asks", agent_asks),  # nothing that is written to a list or as a question opens a ticket
    DecisionRule("agent", agent_speaks),
    DecisionRule("agent-opens", agent_opens),  # before "agent-forwards": whoever names the requester need not be read
    DecisionRule("agent-forwards", agent_forwards),
    DecisionRule("customer-button", customer_presses),  # an address that means something by itself
    DecisionRule("customer", customer_writes),
    DecisionRule("new-ticket", opens_ticket),
)


def decide(case: Case) -> Decision:
    """Return the decision of the first rule that answers. A muted mail is told to no agent."""
    for rule in RULES:
        decision = rule.judge(case)
        if decision is not None:
            step = TraceStep("decide", rule.name, decision.reason)
            mails = replace(decision.mails, mute=case.filing.mute)
            return replace(decision, mails=mails, steps=(*decision.steps, step))
    raise AssertionError("the last rule answers every mail")
