"""Mails of agents: answers to notices, forwards, copies of what they wrote themselves; and marks in wrong hands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from maild.domain.agent_mail.judge import act_of_agent
from maild.domain.commands.apply import parse
from maild.domain.decision import Decision, EntryDraft, Mails, Outcome, Transcript
from maild.domain.intake.decide.buttons import act_of
from maild.domain.intake.decide.case import Case, entry_of, held, with_message
from maild.domain.intake.decide.copies import with_copies
from maild.domain.intake.decide.on_behalf import names_somebody, opened_by_agent
from maild.domain.intake.decide.opening import opening
from maild.domain.intake.decide.proof import asked_back, forged, unproven, without_right
from maild.domain.intake.route import RouteKind
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import feedback
from maild.domain.people.directory import Person, Role
from maild.domain.people.mentions import mentions
from maild.domain.tickets import events
from maild.domain.tickets.events import NEXT_ENTRY, THIS_ENTRY, Actor, Event
from maild.domain.tickets.ticket import EntryKind


def foreign_mark(case: Case) -> Decision | None:
    """Hold a mail with a mark that was given to somebody else, or an agents' mark used by an address that SLA steps
    name."""
    if case.route.verdict is RouteKind.HELD:
        decision = held(case, case.route.reason)
        return _of_a_colleague(case, decision) if case.ticket is None else decision
    if foreign := _let_in(case):
        return foreign
    inside = case.route.verdict is RouteKind.REPLY and case.route.scope is not Scope.USER
    if not inside or case.agent is not None:
        return None
    if case.automatic:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; it answers a notice for agents")
    return held(case, "an answer to a notice for agents, from somebody who is none")


def _let_in(case: Case) -> Decision | None:
    """File an agent's mail with somebody else's mark that a person let in: as a message.

    Only for an agent's mail about a ticket that they may see; None for everything else."""
    agent, ticket = case.agent, case.ticket
    if not case.released or agent is None or ticket is None or case.route.scope is not Scope.USER:
        return None
    if ticket.includes(case.sender.address):
        return None
    if doubt := forged(case):
        return asked_back(case, doubt)
    return without_right(case)


def _of_a_colleague(case: Case, decision: Decision) -> Decision:
    """Hold an answer to a list or message that somebody else was given. Its writer hears that nothing came of it.

    For a ticket those in charge hear of it; here nobody else would."""
    agent = case.agent
    if agent is None or case.automatic or forged(case):
        return decision
    problem = "the mail that you answered was written to somebody else: ask for a list of your own with list open"
    transcript = Transcript(problems=(("", problem, ""),), original_text=case.message.new_text)
    told = replace(
        decision, actor=Actor(Role.AGENT, agent.name, str(case.sender.address)), mails=Mails(transcript=transcript)
    )
    notice = replace(feedback(agent, Scope.QUERY), buttons=())
    return with_message(case, told, notice, "Nothing was done", case.message.message_id)


def agent_speaks(case: Case) -> Decision | None:
    """Judge an agent's answer to a notice, or a mail that names a ticket."""
    if case.agent is None or case.ticket is None or case.route.scope in {None, Scope.USER}:
        return None
    if case.automatic:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; automatic mail never speaks for an agent")
    own, forwarded = case.message.own_and_forwarded
    if doubt := unproven(case, own):
        return asked_back(case, doubt)
    if foreign := without_right(case):
        return foreign
    return with_copies(case, act_of_agent(act_of(case, own, forwarded), case.policy))


# -- mails of agents that no notice asked for -----------------------------------------------------------------------


def answered_elsewhere(case: Case) -> Decision | None:
    """File the copy (Cc or Bcc) of an agent's own mail to a customer: as an answer that was sent, and is never
    mailed again."""
    agent = case.agent
    if agent is None or case.automatic or case.route.scope not in {None, Scope.NOTE}:
        return None
    customers = _outsiders(case, case.message.to)
    if not customers or any(case.policy.directory.is_own(person.address) for person in case.message.to):
        return None
    # It ends a promise, and nobody here reads it again: what whoever knows a subject line could send is not enough.
    if doubt := forged(case, outward=True):
        return asked_back(case, doubt)
    actor = Actor(Role.AGENT, agent.name, str(case.sender.address))
    entry = replace(entry_of(case), kind=EntryKind.REPLY, author=actor, author_name=agent.shown)
    reply = events.Replied(at=case.at, by=actor, entry=THIS_ENTRY, outside=True)
    ticket = case.ticket
    if (
        ticket is not None
        and case.route.verdict is RouteKind.REPLY
        and any(ticket.includes(c.address) for c in customers)
    ):
        if foreign := without_right(case):
            return foreign
        return Decision(
            Outcome.REPLIED, "an agent's own mail to the customer, with a copy to us", (reply,), (entry,), actor
        )
    opened = opening(case, customers[0], actor, entry=None, assignee=agent.name, participants=tuple(customers[1:]))
    reason = f"an agent's own mail to {customers[0].address}, with a copy to us"
    return Decision(Outcome.OPENED, reason, (opened, reply), (entry,), actor)


def agent_opens(case: Case) -> Decision | None:
    """Judge an agent's fresh mail that says for whom it is.

    !for ADDRESS opens that person's ticket with the text as a note; !to ADDRESS also mails it to them. Other
    commands act on the new ticket."""
    agent = case.agent
    if agent is None or case.automatic or case.route.verdict is not RouteKind.NEW:
        return None
    own, forwarded = case.message.own_and_forwarded
    parsed = parse(own)
    if not parsed.commands and not parsed.problems:
        return None
    if not names_somebody(parsed) and (parsed.text.strip() or case.message.forwarded):
        return None  # an agent's own request that happens to hold a command: opened, told, and corrected by an answer
    if doubt := forged(case, outward=True):
        return asked_back(case, doubt)
    return opened_by_agent(case, agent, own, forwarded)


def agent_forwards(case: Case) -> Decision | None:
    """Open a ticket for a customer whose mail an agent forwards, with the agent's words as a note.

    When the original sender is not certain, nobody is guessed: the ticket is the agent's, who is asked once."""
    agent, forwarded = case.agent, case.message.forwarded
    if agent is None or forwarded is None or case.automatic or case.route.verdict is not RouteKind.NEW:
        return None
    if doubt := forged(case):
        return asked_back(case, doubt)
    actor = Actor(Role.AGENT, agent.name, str(case.sender.address))
    told = (feedback(agent, Scope.REPLY),)
    original = forwarded.sender
    if original is None or not forwarded.certain or not _outsiders(case, (original,)):
        asked = "Who wrote the mail that you forwarded could not be read for certain, so the ticket is yours."
        transcript = Transcript(results=(asked, "Name the requester by an answer with: !requester ADDRESS"))
        opened = opening(case, case.sender, actor, assignee=agent.name)
        entry = replace(entry_of(case), author=Actor(Role.REQUESTER, address=str(case.sender.address)))
        reason = "an agent's forward; its original sender is not certain"
        return Decision(Outcome.OPENED, reason, (opened,), (entry,), actor, Mails(notices=told, transcript=transcript))
    happened: list[Event] = [opening(case, original, actor, subject=forwarded.subject)]
    entry = EntryDraft(
        kind=EntryKind.MESSAGE,
        author=Actor(Role.REQUESTER, address=str(original.address)),
        author_name=original.name,
        text=forwarded.text,
        attachments=case.message.attachments,
    )
    entries: tuple[EntryDraft, ...] = (entry,)
    if comment := forwarded.comment.strip():
        named = mentions(comment, case.policy.directory)
        happened.append(events.Noted(at=case.at, by=actor, entry=NEXT_ENTRY, mentions=named))
        note = EntryDraft(kind=EntryKind.NOTE, author=actor, author_name=agent.shown, text=comment)
        entries = (entry, note)
    transcript = Transcript(results=(f"Opened for {original.shown} <{original.address}>.",))
    reason = f"an agent forwards a mail of {original.address}"
    return Decision(Outcome.OPENED, reason, tuple(happened), entries, actor, Mails(notices=told, transcript=transcript))


def _outsiders(case: Case, people: Iterable[Person]) -> list[Person]:
    """Return those who are neither us nor agents."""
    return [person for person in people if case.policy.directory.is_outside(person.address)]
