"""A fresh mail of an agent that begins somebody's ticket, or that names none.

It acts on the ticket that it opens, like every other mail of an agent: the same guards stop or limit it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from maild.domain.agent_mail.agent_mail import AgentMail
from maild.domain.agent_mail.judge import act_of_agent, surroundings_of
from maild.domain.agent_mail.outcome import refused
from maild.domain.commands import apply as commands
from maild.domain.commands.apply import CommandProblem, Parsed
from maild.domain.decision import Decision, Mails, Outcome, Transcript
from maild.domain.effects import MessageToAgent
from maild.domain.intake.decide.case import MOST_SUBJECT, Case, entry_of
from maild.domain.intake.decide.opening import opening
from maild.domain.messages.reply_tokens import Scope
from maild.domain.messages.subject import base_subject
from maild.domain.notices.agent_notices import feedback
from maild.domain.people.directory import Agent, Person, Role
from maild.domain.tickets.events import Actor
from maild.domain.tickets.held_replies import HeldReply
from maild.domain.tickets.ticket import apply

_UNNUMBERED = 0  # the ticket has no number before it is stored
# Commands that say whose ticket a mail opens -> what its text becomes.
_NAMING: Mapping[str, Scope] = {"for": Scope.NOTE, "to": Scope.REPLY}


def names_somebody(parsed: Parsed) -> bool:
    """Tell whether an agent's fresh mail says whose ticket it opens."""
    return any(command.verb in _NAMING for command in parsed.commands)


def opened_by_agent(
    case: Case, agent: Agent, own: str, forwarded: str = "", replaces: HeldReply | None = None
) -> Decision:
    """Return the ticket that the mail opens; or a message about what is wrong, what it waits for, or what it would
    do.

    `replaces` is the held reply whose message it answers: it replaces that one."""
    parsed = commands.parse(own)
    act = _act(case, agent, case.sender, own, forwarded, replaces)
    if not names_somebody(parsed):
        return _naming_nobody(case, agent, act, parsed)
    surroundings = surroundings_of(act, case.policy)
    naming = [command for command in parsed.commands if command.verb in _NAMING]
    named = commands.interpret(naming, surroundings)
    if named.problems:  # all that is wrong with the mail is told at once
        return _as_message(case, refused(act, commands.judge(parsed, surroundings).problems))
    scope = Scope.REPLY if any(command.verb == "to" for command in naming) else Scope.NOTE
    act = _act(case, agent, named.intents[0].reading, own, forwarded, replaces, scope)
    decision = act_of_agent(act, case.policy)
    return decision if decision.opens else _as_message(case, decision)


def _act(
    case: Case,
    agent: Agent,
    whom: Person,
    own: str,
    forwarded: str,
    replaces: HeldReply | None,
    scope: Scope = Scope.NOTE,
) -> AgentMail:
    """Return the mail as an agent's mail to the ticket of `whom`."""
    actor = Actor(Role.AGENT, agent.name, str(case.sender.address))
    subject = base_subject(case.message.subject) if replaces else ""
    begun = opening(case, whom, actor, subject=subject, entry=None)
    ticket = apply(_UNNUMBERED, None, begun)
    return AgentMail(
        agent=agent,
        text=own,
        html_words=case.message.html_words,
        forwarded=forwarded,
        scope=scope,
        ticket=ticket,
        opens=begun,
        at=case.at,
        draft=entry_of(case),
        waiting=tuple(draft for draft in case.drafts if not draft.settled_as),
        replaces=replaces,
        released_as=case.released_as,
        receipts=case.receipts,
        lookups=case.lookups,
    )


def _as_message(case: Case, decision: Decision) -> Decision:
    """Return what is said of a mail whose ticket does not open: there is no thread for it."""
    subject = f"Re: {base_subject(case.message.subject) or 'your mail'}"[:MOST_SUBJECT]
    messages = (
        MessageToAgent(notice=notice, subject=subject, in_reply_to=case.message.message_id)
        for notice in decision.mails.notices
    )
    return replace(decision, events=(), mails=replace(decision.mails, notices=())).with_effects(*messages)


def _naming_nobody(case: Case, agent: Agent, act: AgentMail, parsed: Parsed) -> Decision:
    """Answer commands without a ticket that they could be about: help is given, everything else is refused with a
    reason."""
    found = commands.judge(parsed, surroundings_of(act, case.policy))
    helped = [intent for intent in found.intents if intent.verb.answer]
    if found.intents and len(helped) == len(found.intents):
        text = "\n".join(intent.verb.answer(intent.reading) for intent in helped if intent.verb.answer)
        return _told(case, agent, Outcome.COMMANDED, "help was asked for", Transcript(help=text))
    problem = CommandProblem(
        "", "your mail names no ticket: answer a notice, or begin with !for ADDRESS or !to ADDRESS"
    )
    problems = found.problems or (problem,)
    transcript = Transcript(problems=tuple((p.line, p.message, p.suggestion) for p in problems))
    return _told(case, agent, Outcome.REJECTED, f"nothing applied, nothing opened: {problems[0].message}", transcript)


def _told(case: Case, agent: Agent, outcome: Outcome, reason: str, transcript: Transcript) -> Decision:
    said = replace(transcript, original_text=case.message.new_text)
    notices = (feedback(agent, Scope.QUERY),)
    actor = Actor(Role.AGENT, agent.name, str(case.sender.address))
    return _as_message(case, Decision(outcome, reason, actor=actor, mails=Mails(notices=notices, transcript=said)))
