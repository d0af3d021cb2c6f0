"""How a ticket begins: requester, department, plan, participants, and whether an acknowledgement is due."""

from __future__ import annotations

from dataclasses import replace

from maild.domain.decision import Decision, Mails, Outcome, TraceStep
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide.auto_answers import acknowledgement
from maild.domain.intake.decide.case import Case, entry_of
from maild.domain.intake.decide.copies import copied
from maild.domain.intake.route import RouteKind
from maild.domain.people.directory import Person, Role, Trust
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_ENTRY, Actor, Event
from maild.domain.tickets.organisations import contacts_of, followers_of
from maild.domain.tickets.ticket import Status


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
    """Return the event that begins a ticket, filed as topics and rules say."""
    filing, policy = case.filing, case.policy
    department = _department(case, requester)
    priority = filing.priority or "normal"
    plan, source = policy.plan_for(
        department=department,
        priority=priority,
        requester=requester.address,
        rule=filing.rule_plan,
        topic=filing.topic_plan,
    )
    # Whoever forges a customer's address shall not make the customer's colleagues read about it.
    forged = case.evidence.trust is Trust.FAILED and requester.address == case.sender.address and not case.released
    taking_part = {person.address for person in participants}
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
        contacts=() if forged else contacts_of(requester.address, policy.directory, department, taking_part),
        watchers=() if forged else followers_of(requester.address, policy.directory),
    )


def opens_ticket(case: Case) -> Decision | None:
    """Open a ticket for every other mail: an automatic one without an acknowledgement, spam as spam."""
    links = _links(case)
    actor = Actor(Role.REQUESTER, address=str(case.sender.address))
    happened: list[Event] = [opening(case, case.sender, actor, participants=copied(case), links=links)]
    reason = "a new mail" if not links else f"a new ticket, linked to {', '.join(map(str, links))}"
    if case.automatic:
        reason = f"{case.classification.reason}; it opens a ticket that is not acknowledged"
    if case.classification.mail_class is MailClass.SPAM:
        reason = case.classification.reason
        happened.append(events.StatusChanged(at=case.at, status=Status.SPAM, previous=Status.OPEN, reason=reason))
    answer = acknowledgement(case)
    return Decision(
        Outcome.OPENED,
        reason,
        tuple(happened),
        (replace(entry_of(case), author=actor),),
        actor,
        Mails(acknowledge=answer.due),
        steps=(*_belonging(case), answer.step("acknowledgement")),
        effects=answer.effects,
    )


def _belonging(case: Case) -> tuple[TraceStep, ...]:
    """Return a step for `explain`: whose customer the sender is, and what that brings where nothing stronger
    applies."""
    found = case.policy.directory.organisation_of(case.sender.address)
    if found is None:
        return ()
    brings = (
        f"plan {found.sla_plan}" if found.sla_plan else "",
        f"department {found.department}" if found.department else "",
        f"{len(found.contacts) + len(found.followers)} who follow" if found.contacts or found.followers else "",
    )
    reason = f"{case.sender.address.domain} is of the organisation {found.name}"
    return (TraceStep("rules", "organisation", ": ".join(filter(None, (reason, ", ".join(filter(None, brings)))))),)


def _links(case: Case) -> tuple[int, ...]:
    if case.ticket is not None and case.route.verdict is RouteKind.REPLY:
        return (case.ticket.number,)
    return (case.route.related,) if case.route.related is not None else ()


def _department(case: Case, requester: Person) -> str:
    """Return the department of a new ticket.

    In order: by rule or topic, the private one that was written to, the requester's organisation's, another one
    that was written to, the mailbox's, the first."""
    directory = case.policy.directory
    organisation = directory.organisation_of(requester.address)
    agreed = organisation.department if organisation else ""
    wrote_to = set(case.message.recipients)
    written_to = [each for each in directory.departments if each.address and each.address in wrote_to]
    confidential = next((each.name for each in written_to if each.private), "")
    addressed = next((each.name for each in written_to), "")
    chosen = case.filing.department or confidential or agreed or addressed
    return chosen or case.department or case.policy.default_department
