"""How a ticket begins: requester, department, plan, participants, and whether an acknowledgement is due."""

from __future__ import annotations

from dataclasses import replace

from maild.domain import events
from maild.domain.classify import MailClass
from maild.domain.decide.case import Case, entry_of
from maild.domain.decision import Decision, Outcome, Step
from maild.domain.events import THIS_ENTRY, Actor, Event
from maild.domain.people import Person, Role, Trust
from maild.domain.policy import AcknowledgeTo
from maild.domain.route import Verdict
from maild.domain.ticket import Status


def opening(
    case: Case,
    requester: Person,
    actor: Actor,
    *,
    subject: str = "",
    assignee: str = "",
    participants: tuple[Person, ...] = (),
    links: tuple[int, ...] = (),
    entry: int | None = THIS_ENTRY,
) -> events.Opened:
    """The fact that begins a ticket, filed as topics and rules say."""
    filing, policy = case.filing, case.policy
    department = _department(case)
    priority = filing.priority or "normal"
    plan, source = policy.plan_for(
        department=department, priority=priority, rule=filing.rule_plan, topic=filing.topic_plan
    )
    return events.Opened(
        at=case.at,
        by=actor,
        entry=entry,
        requester=requester,
        subject=(subject or case.message.subject).strip() or "(no subject)",
        department=department,
        priority=priority,
        sla_plan=plan,
        plan_source=source,
        team=filing.team,
        assignee=filing.assignee or assignee,
        topic=filing.topic,
        tags=filing.tags,
        links=links,
        participants=participants,
        automatic=case.automatic,
        join_key=filing.join_key,
    )


def opens_ticket(case: Case) -> Decision | None:
    """Everything else begins a ticket: an automatic one without an acknowledgement, spam as what it is."""
    links = _links(case)
    actor = Actor(Role.REQUESTER, address=str(case.sender.address))
    facts: list[Event] = [opening(case, case.sender, actor, participants=_copied(case), links=links)]
    reason = "a new mail" if not links else f"a new ticket, linked to {', '.join(map(str, links))}"
    if case.automatic:
        reason = f"{case.classification.reason}; it opens a ticket that is not acknowledged"
    if case.classification.mail_class is MailClass.SPAM:
        reason = case.classification.reason
        facts.append(events.StatusChanged(at=case.at, status=Status.SPAM, previous=Status.OPEN, reason=reason))
    acknowledge, why = acknowledgement(case)
    return Decision(
        Outcome.OPENED,
        reason,
        tuple(facts),
        replace(entry_of(case), author=actor),
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
    people = (*case.message.to, *case.message.cc)
    outside = [person for person in people if case.policy.directory.is_outside(person.address)]
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
