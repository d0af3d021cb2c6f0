"""What becomes of a mail: an ordered table of small rules, first hit wins. Judged here, done elsewhere.

Every rule answers a Decision: an outcome, its reason, the facts that follow, the entry that it brings to the thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain import events
from maild.domain.agent_mail import Act, act_of_agent
from maild.domain.classify import Classification, MailClass
from maild.domain.decision import Decision, EntryDraft, Outcome, Step
from maild.domain.events import THIS_ENTRY, Actor, Event
from maild.domain.message import Evidence, InboundMessage
from maild.domain.notices import NOWHERE
from maild.domain.people import Address, Agent, Person, Role, Trust
from maild.domain.policy import AcknowledgeTo, AgentProof, Policy
from maild.domain.route import Carrier, Route, Verdict
from maild.domain.rules import Filing
from maild.domain.ticket import EntryKind, Status, Ticket
from maild.domain.token import Scope


@dataclass(frozen=True, slots=True)
class BouncedMail:
    """The mail of ours that a delivery report is about."""

    ticket: int
    recipient: str
    entry: int | None  # the reply it delivered


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything known about a mail when it is decided. `ticket` is the one that the route names."""

    inbound: int
    message: InboundMessage
    classification: Classification
    evidence: Evidence
    route: Route
    filing: Filing
    policy: Policy
    now: datetime
    at: datetime  # when it arrived, never later than now
    envelope_sender: str = ""
    department: str = ""  # of the mailbox it came by
    ticket: Ticket | None = None
    bounced: BouncedMail | None = None

    @property
    def sender(self) -> Person:
        """From; without a valid one the envelope's sender; without both an address that leads nowhere."""
        if self.message.sender:
            return self.message.sender
        if "@" in self.envelope_sender.strip("@"):
            return Person(Address.of(self.envelope_sender))
        return Person(Address("unknown", NOWHERE), self.message.from_header[:80])

    @property
    def agent(self) -> Agent | None:
        return self.policy.directory.agent_at(self.message.sender.address) if self.message.sender else None

    @property
    def automatic(self) -> bool:
        return self.classification.mail_class in {MailClass.AUTO_REPLY, MailClass.AUTOMATIC}


def decide(case: Case) -> Decision:
    """The decision of the first rule that answers."""
    for rule in RULES:
        decision = rule.judge(case)
        if decision is not None:
            step = Step("decide", rule.name, decision.reason)
            return replace(decision, steps=(*decision.steps, step))
    raise AssertionError("the last rule answers every mail")


# -- mails that are not for a ticket --------------------------------------------------------------------------


def _own_mail(case: Case) -> Decision | None:
    if case.classification.mail_class is MailClass.LOOP:
        return Decision(Outcome.IGNORED, case.classification.reason)
    return None


def _too_many_hops(case: Case) -> Decision | None:
    if case.classification.mail_class is MailClass.TOO_MANY_HOPS:
        return Decision(Outcome.QUARANTINED, case.classification.reason)
    return None


def _kept_before(case: Case) -> Decision | None:
    if case.route.verdict is Verdict.DUPLICATE:
        return Decision(Outcome.DUPLICATE, case.route.reason)
    return None


def _delivery_report(case: Case) -> Decision | None:
    if case.classification.mail_class is not MailClass.DSN:
        return None
    report = case.message.delivery_report
    if case.bounced is None:
        return Decision(Outcome.IGNORED, "a delivery report about a mail that is not ours")
    failed = [s for s in report.statuses if s.action == "failed"] if report else []
    if report and report.statuses and not failed:
        return Decision(Outcome.IGNORED, f"a delivery report without a failure: {report.statuses[0].action}")
    diagnostic = failed[0].diagnostic or failed[0].status if failed else case.message.subject
    permanent = not (failed and failed[0].status.startswith("4"))
    recipient = case.bounced.recipient
    fact = events.Bounced(
        at=case.at,
        by=Actor(Role.SYSTEM, "delivery report"),
        entry=THIS_ENTRY,
        recipient=recipient,
        permanent=permanent,
        diagnostic=diagnostic,
        reply=case.bounced.entry,
    )
    lost = "An answer" if case.bounced.entry is not None else "A mail"
    text = f"{lost} to {recipient} could not be delivered: {diagnostic or 'no reason was given'}"
    return _into_thread(case, Outcome.BOUNCED, text, fact)


def _other_reports(case: Case) -> Decision | None:
    if case.classification.mail_class in {MailClass.FEEDBACK_REPORT, MailClass.MDN}:
        return Decision(Outcome.IGNORED, case.classification.reason)
    return None


def _refused_by_rule(case: Case) -> Decision | None:
    if case.filing.reject:
        return Decision(Outcome.REJECTED, f"a rule of the configuration rejects it ({', '.join(case.filing.trail)})")
    if case.filing.ignore:
        return Decision(Outcome.IGNORED, f"a rule of the configuration ignores it ({', '.join(case.filing.trail)})")
    return None


def _vacation_answer(case: Case) -> Decision | None:
    """An auto-reply is filed where a customer's thread is known, and recorded otherwise. It moves nothing."""
    if case.classification.mail_class is not MailClass.AUTO_REPLY:
        return None
    if case.ticket is None or case.route.verdict is not Verdict.REPLY or case.route.scope is not Scope.USER:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; it answers no ticket of a customer")
    fact = events.MessageReceived(at=case.at, by=_actor(case), entry=THIS_ENTRY, automatic=True)
    return Decision(Outcome.REPLIED, case.classification.reason, (fact,), _message(case), _actor(case))


def _foreign_mark(case: Case) -> Decision | None:
    return _held(case, case.route.reason) if case.route.verdict is Verdict.HELD else None


# -- agents ---------------------------------------------------------------------------------------------------


def _agent_speaks(case: Case) -> Decision | None:
    """An agent's answer to a notice, or a mail that names a ticket."""
    if case.agent is None or case.ticket is None or case.route.scope in {None, Scope.USER}:
        return None
    if case.automatic:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; automatic mail never speaks for an agent")
    if doubt := _unproven(case):
        return _held(case, doubt)
    scope = case.route.scope or Scope.NOTE
    own, forwarded = case.message.own_and_forwarded
    act = Act(
        agent=case.agent,
        text=own,
        forwarded=forwarded,
        scope=scope,
        ticket=case.ticket,
        at=case.at,
        draft=_message(case),
    )
    return act_of_agent(act, case.policy)


def _unproven(case: Case) -> str:
    """Why this From does not count as the agent; "" when it does."""
    proof, trust = case.policy.agent_proof, case.evidence.trust
    if proof is AgentProof.TRUSTING:
        return ""
    if trust is Trust.FAILED:
        return f"the sender is not proven: {case.evidence.reason}"
    sealed = case.route.carrier in {Carrier.REPLY_ADDRESS, Carrier.OWN_MESSAGE_ID}
    if trust is not Trust.VERIFIED and (proof is AgentProof.STRICT or not sealed):
        return "the sender is not proven: neither a sealed reply address nor a trusted authentication result"
    return ""


# -- customers ------------------------------------------------------------------------------------------------


def _customer_writes(case: Case) -> Decision | None:
    """A message into a known thread; it opens the ticket again unless that ended too long ago."""
    ticket = case.ticket
    if ticket is None or case.route.verdict is not Verdict.REPLY:
        return None
    if not case.automatic and _ended_long_ago(ticket, case):
        return None  # opened as a new, linked ticket by the rule below
    actor = _actor(case)
    fact = events.MessageReceived(at=case.at, by=actor, entry=THIS_ENTRY, automatic=case.automatic)
    facts: list[Event] = [fact]
    reason = case.route.reason
    if not case.automatic and ticket.status not in {Status.OPEN, Status.SPAM}:
        why = "the customer wrote"
        facts.append(events.StatusChanged(at=case.at, by=actor, status=Status.OPEN, previous=ticket.status, reason=why))
        reason += f"; {ticket.status} -> open"
    return Decision(Outcome.REPLIED, reason, tuple(facts), _message(case), actor)


def _ended_long_ago(ticket: Ticket, case: Case) -> bool:
    return ticket.ended_at is not None and case.at - ticket.ended_at > case.policy.reopen_within


def _opens_ticket(case: Case) -> Decision | None:
    """Everything else begins a ticket: an automatic one without an acknowledgement."""
    links = _links(case)
    actor = _actor(case)
    filing = case.filing
    policy = case.policy
    department = _department(case)
    priority = filing.priority or "normal"
    plan, source = policy.plan_for(
        department=department, priority=priority, rule=filing.rule_plan, topic=filing.topic_plan
    )
    fact = events.Opened(
        at=case.at,
        by=actor,
        entry=THIS_ENTRY,
        requester=case.sender,
        subject=case.message.subject.strip() or "(no subject)",
        department=department,
        priority=priority,
        sla_plan=plan,
        plan_source=source,
        team=filing.team,
        assignee=filing.assignee,
        topic=filing.topic,
        tags=filing.tags,
        links=links,
        participants=_copied(case),
        automatic=case.automatic,
    )
    reason = "a new mail" if not links else f"a new ticket, linked to {', '.join(map(str, links))}"
    acknowledge, why = acknowledgement(case)
    return Decision(
        Outcome.OPENED,
        reason if not case.automatic else f"{case.classification.reason}; it opens a ticket that is not acknowledged",
        (fact,),
        _message(case),
        actor,
        acknowledge=acknowledge,
        steps=(Step("notices", "acknowledge" if acknowledge else "no acknowledgement", why),),
        opens=True,
    )


def _links(case: Case) -> tuple[int, ...]:
    if case.ticket is not None and case.route.verdict is Verdict.REPLY:
        return (case.ticket.number,)
    return (case.route.related,) if case.route.related is not None else ()


def _department(case: Case) -> str:
    """By rule or topic, else the one whose address was written to, else the mailbox's, else the first."""
    directory = case.policy.directory
    wrote_to = set(case.message.recipients)
    addressed = next((d.name for d in directory.departments if d.address and d.address in wrote_to), "")
    return case.filing.department or addressed or case.department or case.policy.default_department


def _copied(case: Case) -> tuple[Person, ...]:
    """Cc becomes participants only for a proven sender, or a forged From would let a stranger read along."""
    if case.evidence.trust is not Trust.VERIFIED or case.automatic:
        return ()
    directory = case.policy.directory
    people = (*case.message.to, *case.message.cc)
    outside = [p for p in people if p.address not in directory.own_addresses and directory.agent_at(p.address) is None]
    return tuple(p for p in dict.fromkeys(outside) if p.address != case.sender.address)[:20]


def acknowledgement(case: Case) -> tuple[bool, str]:
    """Is an automatic answer due (RFC 3834 section 2), and why or why not?"""
    to = case.policy.acknowledge
    checks = (
        (case.agent is not None, "an agent wrote it"),
        (case.message.sender is None, "the mail has no valid From"),
        (case.classification.mail_class is not MailClass.PERSON, case.classification.reason),
        (not case.classification.answerable, case.classification.reason),
        (case.filing.acknowledge is False, "a topic or rule says so"),
        (to is AcknowledgeTo.NOBODY, 'acknowledge.to = "nobody"'),
        (case.evidence.trust is Trust.FAILED, case.evidence.reason),
        (
            to is AcknowledgeTo.AUTHENTICATED and case.evidence.trust is not Trust.VERIFIED,
            f'acknowledge.to = "authenticated", and {case.evidence.reason}',
        ),
    )
    for holds, why in checks:
        if holds:
            return False, why
    return True, "a person wrote and waits for an answer"


# -- parts ----------------------------------------------------------------------------------------------------


def _actor(case: Case) -> Actor:
    sender = case.sender
    role = Role.REQUESTER
    if case.ticket is not None and case.ticket.requester.address != sender.address:
        role = Role.PARTICIPANT
    return Actor(role, address=str(sender.address))


def _message(case: Case) -> EntryDraft:
    """The mail as an entry from outside; an agent's act changes kind and text."""
    message = case.message
    return EntryDraft(
        kind=EntryKind.MESSAGE,
        author=_actor(case),
        author_name=case.sender.name,
        text=message.new_text,
        html=message.html,
        folded_lines=message.folded_lines,
        message_id=message.message_id,
        trust=case.evidence.trust,
        attachments=message.attachments,
    )


def _held(case: Case, reason: str) -> Decision:
    """Keep the mail for a person's word, and tell those in charge of its ticket that it is there."""
    sender = case.message.from_header or str(case.sender.address)
    fact = events.MailHeld(at=case.at, entry=THIS_ENTRY, sender=sender[:300], reason=reason, inbound=case.inbound)
    text = (
        f"A mail from {sender[:300]} for this ticket is held and changed nothing: {reason}.\n"
        f"It can be read with: maild held show {case.inbound}"
    )
    return _into_thread(case, Outcome.HELD, text, fact, reason=reason)


def _into_thread(case: Case, outcome: Outcome, text: str, fact: Event, reason: str = "") -> Decision:
    """A fact that the system tells in a note."""
    author = Actor(Role.SYSTEM, "maild")
    entry = EntryDraft(kind=EntryKind.NOTE, author=author, author_name=case.policy.helpdesk_name, text=text)
    if case.ticket is None:
        return Decision(outcome, reason or text)
    return Decision(outcome, reason or text, (fact,), entry, author)


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """One row: a name for explain, and a judge that answers None when the mail is none of its business."""

    name: str
    judge: Callable[[Case], Decision | None]


RULES: tuple[DecisionRule, ...] = (
    DecisionRule("own-mail", _own_mail),  # before all: a loop must end whatever else the mail says
    DecisionRule("too-many-hops", _too_many_hops),
    DecisionRule("kept-before", _kept_before),  # one mail by two ways acts once
    DecisionRule("delivery-report", _delivery_report),
    DecisionRule("other-report", _other_reports),
    DecisionRule("refused-by-rule", _refused_by_rule),
    DecisionRule("vacation-answer", _vacation_answer),  # before held: a robot gets nobody's attention
    DecisionRule("foreign-mark", _foreign_mark),
    DecisionRule("agent", _agent_speaks),
    DecisionRule("customer", _customer_writes),
    DecisionRule("new-ticket", _opens_ticket),
)
