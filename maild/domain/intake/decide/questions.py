"""Mails of agents that ask, or that answer a list: to their address for questions, or to a list or digest of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from maild.domain.agent_mail.agent_mail import AgentMail
from maild.domain.agent_mail.judge import act_of_agent
from maild.domain.commands.arguments import Surroundings
from maild.domain.commands.parsing import CommandProblem
from maild.domain.decision import ActOnOtherTicket, Decision, Mails, Outcome, Transcript
from maild.domain.effects import (
    AskQuery,
    ChangePreferences,
    ClearAbsence,
    Effect,
    HoldReply,
    MessageToAgent,
    SetAbsence,
)
from maild.domain.intake.decide.case import Case, entry_of
from maild.domain.intake.decide.proof import asked_back, forged, unproven
from maild.domain.intake.route import RouteKind
from maild.domain.lookups import Needs, all_of
from maild.domain.messages.message import InboundMessage
from maild.domain.messages.reply_tokens import Scope
from maild.domain.messages.subject import base_subject
from maild.domain.notices.agent_notices import feedback
from maild.domain.people.absence import Absence
from maild.domain.people.directory import Address, Agent, Role
from maild.domain.queries.parsing import help_text
from maild.domain.queries.row_commands import ListAnswer, RowCommand, Rows, corrected, read_answer
from maild.domain.query import AwayQuery, Query, Question, WishQuery
from maild.domain.tickets.events import Actor, Event
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import may_see

TO_ME = "me"  # support+me@acme.example: an agent's questions, where they have no address of their own at hand


def agent_asks(case: Case) -> Decision | None:
    """Judge questions to us and answers to a list. Nothing of such a mail is ever posted to a ticket as text."""
    if case.agent is None or case.ticket is not None or case.route.verb:
        return None
    answers = case.route.verdict is RouteKind.REPLY and case.route.scope in {Scope.DIGEST, Scope.QUERY}
    if not answers and not _written_to_me(case):
        return None
    if case.automatic:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; automatic mail asks nothing")
    text = _script(case.message)
    if doubt := unproven(case, text) if answers else forged(case, outward=True):
        return asked_back(case, doubt)
    return _judged(case, case.agent, text, case.rows if case.route.scope is Scope.DIGEST else None)


def _written_to_me(case: Case) -> bool:
    """Tell whether it is a fresh mail to our own address with +me after it."""
    if case.route.verdict is not RouteKind.NEW:
        return False
    directory = case.policy.directory
    return any(_is_to_me(address) and directory.is_own(address) for address in case.message.recipients)


def _is_to_me(address: Address) -> bool:
    return address.local.casefold().rpartition("+")[2] == TO_ME and "+" in address.local


def _script(message: InboundMessage) -> str:
    """Return the lines of a mail; without any, its subject."""
    own, _ = message.own_and_forwarded
    return own if own.strip() else base_subject(message.subject)


def _judged(case: Case, agent: Agent, text: str, rows: Rows | None) -> Decision:
    surroundings = Surroundings(
        directory=case.policy.directory,
        plans=tuple(case.policy.plans),
        zone=agent.timezone or case.policy.zone,
        now=case.at,
        speaker=agent,
    )
    found = read_answer(text, surroundings, len(rows.tickets) if rows else 0)
    if found.problems:
        return _refused(case, agent, text, found.problems)
    if not found.commands and not found.queries:
        return _refused(
            case, agent, text, (CommandProblem("", "your mail asks nothing; write help to see what can be asked"),)
        )
    others: tuple[ActOnOtherTicket, ...] = ()
    if found.commands and rows:
        done = _on_rows(case, agent, found.commands, rows)
        problems = tuple(each for each in done if isinstance(each, CommandProblem))
        if problems:
            return _refused(case, agent, text, problems)
        others = tuple(each for each in done if isinstance(each, ActOnOtherTicket))
    return _asked(case, agent, found, others)


def _asked(case: Case, agent: Agent, found: ListAnswer, others: tuple[ActOnOtherTicket, ...]) -> Decision:
    """Return everything that the mail asks for: what it does to tickets, what it changes about the writer, its
    questions."""
    told = [f"{command.words} for {_rows_told(command.rows)}" for command in found.commands]
    told += [query.line for query in found.queries]
    effects: tuple[Effect, ...] = (*others, *_about_the_writer(agent, found.queries, case.at))
    if found.queries:
        subject, question = _subject(case, found.queries), Question(found.queries)
        asked = AskQuery(agent=agent.name, question=question, subject=subject, in_reply_to=case.message.message_id)
        effects = (*effects, asked)
    return Decision(Outcome.COMMANDED, "; ".join(told), actor=_actor(case, agent), effects=effects)


def _about_the_writer(agent: Agent, queries: Sequence[Query], at: datetime) -> tuple[Effect, ...]:
    """Return what a mail changes about its writer. Of two absences the last one counts."""
    wished: dict[str, Any] = {}
    presence: tuple[Effect, ...] = ()
    for query in queries:
        if isinstance(query.asked, WishQuery):
            wished |= query.asked.wished.preferences
        elif isinstance(query.asked, AwayQuery):
            until, substitute = query.asked.until, query.asked.substitute
            presence = (SetAbsence(Absence(agent.name, at, until)) if until else ClearAbsence(agent.name),)
            if substitute:
                wished["substitute"] = substitute.name
    return (*presence, ChangePreferences(agent.name, wished)) if wished else presence


def _rows_told(rows: Sequence[int]) -> str:
    return f"row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows))}"


def _subject(case: Case, queries: Sequence[Query]) -> str:
    """Return the answer's subject: the agent's own, if they wrote one, so that their mail program shows one thread."""
    written = base_subject(case.message.subject)
    return f"Re: {written}" if written else (queries[0].line if queries else "Your question")


def _actor(case: Case, agent: Agent) -> Actor:
    return Actor(Role.AGENT, agent.name, str(case.sender.address))


# -- rows -------------------------------------------------------------------------------------------------------


def _on_rows(
    case: Case, agent: Agent, asked: Sequence[RowCommand], rows: Rows
) -> list[ActOnOtherTicket | CommandProblem]:
    """Return what happens to each ticket of the named rows, all its commands in one act; or why it cannot."""
    of_row: dict[int, list[RowCommand]] = {}
    for command in asked:
        for row in command.rows:
            of_row.setdefault(row, []).append(command)
    case.lookups.require(Needs(tickets=frozenset(rows.tickets[row - 1] for row in of_row)))
    of_ticket: dict[int, tuple[Ticket, list[RowCommand]]] = {}
    made: list[ActOnOtherTicket | CommandProblem] = []
    for row, commands in of_row.items():
        ticket = case.lookups.ticket(rows.tickets[row - 1])
        if ticket is None or not may_see(agent, ticket, case.policy.directory):
            message = f"the ticket of row {row} is not among yours any more"
            made.append(CommandProblem(commands[0].line, message, at=commands[0].at))
            continue
        of_ticket.setdefault(ticket.number, (ticket, []))[1].extend(commands)
    acts = (partial(_on_ticket, case, agent, ticket, list(dict.fromkeys(c)), rows) for ticket, c in of_ticket.values())
    return [*made, *all_of(acts)]


def _on_ticket(
    case: Case, agent: Agent, ticket: Ticket, asked: Sequence[RowCommand], rows: Rows
) -> ActOnOtherTicket | CommandProblem:
    since = _since(case, ticket, rows)
    act = AgentMail(
        agent=agent,
        text="\n".join(f"!{command.words}" for command in asked),
        scope=Scope.NOTE,
        ticket=ticket,
        at=max(case.at, min(ticket.updated_at, case.now)),
        draft=replace(entry_of(case), text="", html="", attachments=(), folded_lines=0, message_id=""),
        since=since,
        seen=ticket.seq - len(since),
        receipts=case.receipts,
        lookups=case.lookups,
    )
    decision = act_of_agent(act, case.policy)
    problem = _stopped(decision, asked, ticket)
    return problem or ActOnOtherTicket(ticket.number, decision)


def _since(case: Case, ticket: Ticket, rows: Rows) -> tuple[Event, ...]:
    """Return what happened after the list was made. Somebody who takes a ticket that was taken meanwhile is told."""
    return tuple(event for event in case.lookups.history(ticket.number) if event.at > rows.made_at)


def _stopped(decision: Decision, asked: Sequence[RowCommand], ticket: Ticket) -> CommandProblem | None:
    """Return the problem of a ticket's act, at the line of the list that brought it; None when it can be done."""
    holds = decision.effects_of(HoldReply)
    if decision.outcome in {Outcome.COMMANDED, Outcome.NOTED} and not holds:
        return None
    problems = decision.mails.transcript.problems if decision.mails.transcript else ()
    line, message, suggestion = problems[0] if problems else ("", decision.reason, "")
    command = next((each for each in asked if f"!{each.words}" == line.strip()), asked[0])
    named = command.line.strip().partition(" ")[0]
    if holds and not problems:
        message = f"{holds[0].reason}: answer a notice of the ticket itself"
    instead = f"{named} {suggestion.removeprefix('!')}" if suggestion else ""
    return CommandProblem(command.line, f"#{ticket.number}: {message}", instead, command.at)


# -- refusing ---------------------------------------------------------------------------------------------------


def _refused(case: Case, agent: Agent, text: str, problems: tuple[CommandProblem, ...]) -> Decision:
    """Do nothing. One mail shows each wrong line, and the rest with the corrections put in."""
    told = problems[:20]
    mended = corrected(text, problems)
    transcript = Transcript(
        problems=tuple((p.line.strip(), p.message, p.suggestion) for p in told),
        original_text=text,
        corrected_text=mended if mended != text.strip("\n") else "",
        help=help_text() if not mended else "",
    )
    reason = "; ".join(": ".join(filter(None, (p.line.strip()[:80], p.message))) for p in told[:3])
    notice = replace(feedback(agent, Scope.QUERY), reason="you asked something by mail", buttons=())
    message = MessageToAgent(
        notice=notice,
        subject=f"Re: {base_subject(case.message.subject) or 'your question'}",
        in_reply_to=case.message.message_id,
        about=case.route.snapshot or 0,
    )
    actor = _actor(case, agent)
    return Decision(
        Outcome.REJECTED, f"nothing done: {reason}", actor=actor, mails=Mails(transcript=transcript), effects=(message,)
    )
