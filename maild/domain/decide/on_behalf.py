"""A fresh mail of an agent that begins somebody's ticket, or that names none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from maild.domain import commands, events
from maild.domain.command_arguments import Surroundings
from maild.domain.command_times import shown_when
from maild.domain.commands import Parsed, Problem
from maild.domain.decide.case import Case, entry_of
from maild.domain.decide.opening import opening
from maild.domain.decision import Decision, Outcome, Transcript
from maild.domain.events import THIS_ENTRY, Actor, Event
from maild.domain.notices import feedback
from maild.domain.people import Agent, Person, Role
from maild.domain.refiling import refiled
from maild.domain.ticket import EntryKind, Ticket, apply
from maild.domain.token import Scope

_UNNUMBERED = 0  # the ticket has no number before it is stored


def opened_by_agent(case: Case, agent: Agent, parsed: Parsed) -> Decision:
    """The ticket that the mail opens, or a letter about what is wrong with it. All or nothing."""
    actor = Actor(Role.AGENT, agent.name, str(case.sender.address))
    surroundings = Surroundings(
        directory=case.policy.directory,
        plans=tuple(case.policy.plans),
        zone=agent.timezone or case.policy.zone,
        now=case.at,
        speaker=agent,
        lookups=case.lookups,
    )
    found = commands.judge(parsed, surroundings)
    if found.problems:
        return _letter(case, agent, actor, found.problems)
    named = [intent for intent in found.intents if intent.verb.name in ("for", "to")]
    if not named:
        helped = [intent for intent in found.intents if intent.verb.answer]
        if len(helped) == len(found.intents):
            return _helped(case, agent, actor, "\n".join(i.verb.answer(i.reading) for i in helped if i.verb.answer))
        problem = Problem("", "your mail names no ticket: answer a notice, or begin with !for ADDRESS or !to ADDRESS")
        return _letter(case, agent, actor, (problem,))
    whom: Person = named[0].reading
    outward = any(intent.verb.name == "to" for intent in named)
    text = parsed.text.strip()
    if outward and not text:
        return _letter(case, agent, actor, (Problem("", "!to needs a text that goes to them"),))
    return _opened(case, agent, actor, found, surroundings, whom, text, outward=outward)


def _opened(
    case: Case,
    agent: Agent,
    actor: Actor,
    found: commands.Interpreted,
    surroundings: Surroundings,
    whom: Person,
    text: str,
    *,
    outward: bool,
) -> Decision:
    begun = opening(case, whom, actor, entry=None)
    facts: list[Event] = [begun]
    entry = None
    if text or case.message.attachments:
        kind = EntryKind.REPLY if outward else EntryKind.NOTE
        entry = replace(
            entry_of(case), kind=kind, author=actor, author_name=agent.shown, text=text or "(no text)", html=""
        )
        said: type[Event] = events.Replied if outward else events.Noted
        facts.append(said(at=case.at, by=actor, entry=THIS_ENTRY))
    ticket: Ticket | None = None
    for fact in facts:
        ticket = apply(_UNNUMBERED, ticket, fact)
    assert ticket is not None
    applied = commands.apply_intents(ticket, found.intents, actor, case.at, surroundings)
    facts.extend(refiled(ticket, applied.events, case.policy))
    if outward and not applied.ticket_after.assignee:
        facts.append(events.Assigned(at=case.at, by=actor, assignee=agent.name, team=applied.ticket_after.team))
    done = f"opened for {whom.shown} <{whom.address}>" + ("; your text goes to them" if outward else "")
    later = (f"it leaves {shown_when(applied.leaves_at, surroundings.wall_clock)}",) if applied.leaves_at else ()
    results = (done, *applied.outcomes, *applied.receipts, *later)
    return Decision(
        Outcome.OPENED,
        f"an agent opens a ticket for {whom.address}",
        tuple(facts),
        entry,
        actor,
        opens=True,
        notices=(feedback(agent, Scope.REPLY),),
        transcript=Transcript(results=results, original_text=case.message.new_text),
        leaves_at=applied.leaves_at,
        leaves_after=timedelta(0) if applied.at_once else None,
        meets=frozenset({whom.address.domain}) if outward else frozenset(),
        others=applied.others,
    )


def _letter(case: Case, agent: Agent, actor: Actor, problems: tuple[Problem, ...]) -> Decision:
    told = tuple((p.line, p.message, p.suggestion) for p in problems)
    words = case.message.new_text
    transcript = Transcript(problems=told, original_text=words, corrected_text=commands.corrected(words, problems))
    reason = f"nothing applied, nothing opened: {problems[0].message}"
    return replace(_helped(case, agent, actor, ""), outcome=Outcome.REJECTED, reason=reason, transcript=transcript)


def _helped(case: Case, agent: Agent, actor: Actor, text: str) -> Decision:
    return Decision(
        Outcome.COMMANDED,
        "help was asked for",
        actor=actor,
        notices=(feedback(agent, Scope.QUERY),),
        transcript=Transcript(help=text, original_text=case.message.new_text),
        apart=True,
        subject=f"Re: {case.message.subject}"[:200],
        answers=case.message.message_id,
    )
