"""What an agent's words do to a ticket: text that goes out or stays inside, and the commands in it. All or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain import commands, events
from maild.domain.command_table import Settles
from maild.domain.commands import Applied, Parsed, Problem, Surroundings, TextGoes
from maild.domain.decision import Decision, EntryDraft, Outcome, Transcript
from maild.domain.events import THIS_ENTRY, Actor, Event
from maild.domain.notices import answerable, feedback
from maild.domain.people import Agent, Role
from maild.domain.policy import Policy
from maild.domain.ticket import EntryKind, Ticket
from maild.domain.token import Scope

ADMIN = Actor(Role.AGENT, "admin")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An agent's mail to a ticket, or the admin's line on the command line (`agent` is None)."""

    agent: Agent | None
    text: str
    scope: Scope  # what text without commands becomes
    ticket: Ticket
    at: datetime
    draft: EntryDraft  # the entry that the text would become
    forwarded: str = ""  # a mail that follows the text: part of the entry, but nobody's command

    @property
    def actor(self) -> Actor:
        if self.agent is None:
            return ADMIN
        return Actor(Role.AGENT, self.agent.name, self.draft.author.address or str(self.agent.addresses[0]))


def act_of_agent(act: Act, policy: Policy) -> Decision:
    """Judge a mail: commands at the top and the end of the new text, the rest is text."""
    return _judged(act, commands.parse(act.text), policy)


def act_of_line(act: Act, words: Sequence[str], policy: Policy) -> Decision:
    """Judge one command without its exclamation mark, as `maild ticket do` gives it."""
    return _judged(act, commands.parse_line(words), policy)


def _judged(act: Act, parsed: Parsed, policy: Policy) -> Decision:
    surroundings = Surroundings(
        directory=policy.directory, plans=tuple(policy.plans), zone=policy.zone, now=act.at, speaker=act.agent
    )
    understood = commands.judge(parsed, surroundings)
    if understood.problems:
        return _refused(act, understood.problems)
    applied = commands.apply_intents(act.ticket, understood.intents, act.actor, act.at, surroundings)
    return _done(act, parsed, applied, policy)


def _refused(act: Act, problems: Sequence[Problem]) -> Decision:
    """Nothing is applied and nothing is sent: one mail says what is wrong, with the mend prefilled."""
    transcript = Transcript(
        problems=tuple((p.line, p.message, p.suggestion) for p in problems),
        original_text=act.text,
        corrected_text=commands.corrected(act.text, problems),
    )
    reason = "; ".join(": ".join(filter(None, (p.line.strip(), p.message))) for p in problems[:3])
    told = (feedback(act.agent, act.scope),) if act.agent else ()
    return Decision(
        Outcome.REJECTED,
        f"nothing applied, nothing sent: {reason}",
        actor=act.actor,
        notices=told,
        transcript=transcript,
    )


def _done(act: Act, parsed: Parsed, applied: Applied, policy: Policy) -> Decision:
    facts: list[Event] = []
    entry = None
    text = "\n\n".join(filter(None, (parsed.text.strip(), act.forwarded.strip())))
    if text or act.draft.attachments:
        if _public(act, applied.text_goes) and not answerable(act.ticket):
            return _refused(act, [Problem("", "the requester left no address: write !note to keep your text inside")])
        entry, brought, outcome = _entry(act, text, applied.text_goes)
        facts.append(brought)
        if outcome is Outcome.REPLIED and not act.ticket.assignee and act.agent and not _assigns(parsed):
            # Who answers first has the ticket: otherwise two colleagues answer the next mail.
            facts.append(events.Assigned(at=act.at, by=act.actor, assignee=act.agent.name, team=act.ticket.team))
    else:
        outcome = Outcome.COMMANDED
    facts.extend(applied.events)
    if not parsed.commands and entry is None:
        return _nothing_said(act)
    transcript = Transcript(help=applied.help, original_text=act.text) if applied.help else None
    told = (feedback(act.agent, act.scope),) if act.agent and transcript else ()
    done = "; ".join(line for line in applied.outcomes if not line.startswith("text: ")) or "no commands"
    where = {Outcome.REPLIED: "the text goes to the customer", Outcome.NOTED: "the text stays inside"}
    reason = f"{where.get(outcome, 'no text')}; {done}"
    facts = _with_plan_of_priority(act.ticket, facts, policy)
    return Decision(outcome, reason, tuple(facts), entry, act.actor, notices=told, transcript=transcript)


def _entry(act: Act, text: str, text_goes: TextGoes | None) -> tuple[EntryDraft, Event, Outcome]:
    public = _public(act, text_goes)
    kind = EntryKind.REPLY if public else EntryKind.NOTE
    # The sanitised HTML of the mail would carry quotes and commands along: an agent's words are kept as text.
    entry = replace(act.draft, kind=kind, author=act.actor, text=text, html="")
    if act.agent:
        entry = replace(entry, author_name=act.agent.shown)
    if public:
        return entry, events.Replied(at=act.at, by=act.actor, entry=THIS_ENTRY), Outcome.REPLIED
    return entry, events.Noted(at=act.at, by=act.actor, entry=THIS_ENTRY), Outcome.NOTED


def _public(act: Act, text_goes: TextGoes | None) -> bool:
    return text_goes is TextGoes.REPLY if text_goes else act.scope is Scope.REPLY


def _assigns(parsed: Parsed) -> bool:
    """Does the mail itself say who works on the ticket, be it nobody?"""
    verbs = (commands.lookup(command.verb) for command in parsed.commands)
    return any(verb.settles in {Settles.ASSIGNEE, Settles.TEAM} for verb in verbs if verb)


def _nothing_said(act: Act) -> Decision:
    problem = ("", "your mail has no new text and no command", "")
    transcript = Transcript(problems=(problem,), original_text=act.text)
    told = (feedback(act.agent, act.scope),) if act.agent else ()
    return Decision(Outcome.IGNORED, problem[1], actor=act.actor, notices=told, transcript=transcript)


def _with_plan_of_priority(ticket: Ticket, facts: Sequence[Event], policy: Policy) -> list[Event]:
    """A changed priority or department brings its own plan, unless somebody chose one by command or rule."""
    chosen = ticket.plan_source in {"command", "rule", "topic"} or any(isinstance(f, events.PlanChanged) for f in facts)
    made = list(facts)
    if chosen:
        return made
    moved = [f for f in facts if isinstance(f, (events.PriorityChanged, events.Transferred))]
    if not moved:
        return made
    priority = next((f.priority for f in reversed(moved) if isinstance(f, events.PriorityChanged)), ticket.priority)
    department = next((f.department for f in reversed(moved) if isinstance(f, events.Transferred)), ticket.department)
    plan, source = policy.plan_for(department=department, priority=priority)
    if plan != ticket.sla_plan:
        last = moved[-1]
        made.append(events.PlanChanged(at=last.at, by=last.by, sla_plan=plan, previous=ticket.sla_plan, source=source))
    return made
