"""What follows from an agent's mail that is understood: entry, events and receipt; or its refusal as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from maild.domain.agent_mail.agent_mail import AgentMail, Understood
from maild.domain.agent_mail.leak_guard import leaving, our_lines
from maild.domain.agent_mail.send_delay import RISKY_WAIT, PublicAnswer, risks
from maild.domain.commands import apply as commands
from maild.domain.commands.apply import CommandProblem, Parsed
from maild.domain.commands.table import Settles
from maild.domain.decision import AnswerWait, Decision, EntryDraft, Mails, Outcome, Transcript
from maild.domain.effects import (
    DropHeldMail,
    Effect,
    HoldReply,
    RecordContact,
    SettleHeldReply,
)
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import Notice, feedback
from maild.domain.notices.buttons import UNDO
from maild.domain.people.mentions import mentions
from maild.domain.plan_change import refiled
from maild.domain.sla.alarm_acks import alarms
from maild.domain.sla.clocks import Target
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_ENTRY, Event
from maild.domain.tickets.held_replies import HeldReplyKind
from maild.domain.tickets.ticket import EntryKind, Ticket


def refused(act: AgentMail, problems: Sequence[CommandProblem], *, has_text: bool = True) -> Decision:
    """Refuse a mail: nothing is applied or sent. One mail says what is wrong, with the correction prefilled.

    Text in it is held for its writer. It replaces the held reply that it was meant to correct."""
    transcript = Transcript(
        problems=tuple((p.line, p.message, p.suggestion) for p in problems),
        original_text=act.text,
        corrected_text=commands.corrected(act.text, problems, bare=act.scope is Scope.COMMAND),
    )
    reason = "; ".join(": ".join(filter(None, (p.line.strip(), p.message))) for p in problems[:3])
    # What opens a ticket waits without a text, too: an answer corrects it, for a fresh mail would
    # begin another one.
    waits = act.agent is not None and (has_text or act.opens is not None)
    effects: tuple[Effect, ...] = ()
    if act.agent is not None and waits:
        hold = HoldReply(kind=HeldReplyKind.REFUSED, agent=act.agent.name, reason=reason, text=act.text)
        effects = (hold, *replaced(act))
    return Decision(
        Outcome.REJECTED,
        f"nothing applied, nothing sent: {reason}",
        actor=act.actor,
        mails=Mails(
            notices=(feedback(act.agent, act.scope, held=waits),) if act.agent else (),
            transcript=transcript,
        ),
        effects=effects,
    )


def replaced(act: AgentMail) -> tuple[Effect, ...]:
    """End the held reply that this mail corrects: the new text takes its place."""
    old = act.replaces
    return (SettleHeldReply(old.id, "replaced"), DropHeldMail(old.inbound)) if old is not None else ()


# -- doing ------------------------------------------------------------------------------------------------------


def done(understood: Understood) -> Decision:
    """Return everything that the mail says, in one decision."""
    act, applied = understood.act, understood.applied
    happened: list[Event] = [act.opens] if act.opens else []
    entries: tuple[EntryDraft, ...] = ()
    outcome = Outcome.COMMANDED
    if understood.says_something:
        entry, brought, outcome = _entry(understood)
        entries = (entry,)
        happened.append(brought)
        if outcome is Outcome.REPLIED and not act.ticket.assignee and act.agent and not _assigns(understood.parsed):
            # Who answers first has the ticket: otherwise two colleagues answer the next mail.
            happened.append(events.Assigned(at=act.at, by=act.actor, assignee=act.agent.name, team=act.ticket.team))
    happened.extend(applied.events)
    happened.extend(_acknowledged(understood, happened, answers=outcome is Outcome.REPLIED))
    if not understood.parsed.commands and not entries:
        return _nothing_said(act)
    return Decision(
        Outcome.OPENED if act.opens else outcome,
        _reason(understood, outcome),
        tuple(refiled(act.ticket, happened, understood.policy)),
        entries,
        act.actor,
        _mails(understood, outcome),
        _effects(understood, outcome),
    )


def _reason(understood: Understood, outcome: Outcome) -> str:
    """What is done, in one line."""
    opens, outcomes = understood.act.opens, understood.applied.outcomes
    begun = f"an agent opens a ticket for {opens.requester.address}; " if opens else ""
    where = {Outcome.REPLIED: "the text goes to the customer", Outcome.NOTED: "the text stays inside"}
    changes = "; ".join(line for line in outcomes if not line.startswith("text: ")) or "no commands"
    return f"{begun}{where.get(outcome, 'no text')}; {changes}"


def _mails(understood: Understood, outcome: Outcome) -> Mails:
    """The receipt for its writer, where they must know something, and when the answer leaves."""
    act, applied = understood.act, understood.applied
    wait, why = _wait(understood) if outcome is Outcome.REPLIED else (None, ())
    results = _results(understood)
    waits = _told_wait(understood, why) if outcome is Outcome.REPLIED else None
    receipt = (_receipt(understood, outcome),) if act.agent and (applied.help or results or waits) else ()
    transcript = Transcript(help=applied.help, results=results, wait=waits, original_text=act.text)
    return Mails(
        notices=receipt,
        transcript=transcript if receipt or applied.help else None,
        quiet=applied.quiet,
        answer_leaves=(applied.leaves_at or wait) if outcome is Outcome.REPLIED else None,
    )


def _effects(understood: Understood, outcome: Outcome) -> tuple[Effect, ...]:
    """Return what the mail does besides the thread."""
    act, applied = understood.act, understood.applied
    made: list[Effect] = [*applied.effects]
    if outcome is Outcome.REPLIED and act.agent:
        made.append(RecordContact(act.agent.name, domains_of(applied.ticket_after)))
    if understood.says_something or act.opens:
        made.extend(replaced(act))
    return tuple(made)


def _acknowledged(understood: Understood, happened: Sequence[Event], *, answers: bool) -> list[Event]:
    """Acknowledge alarms that the mail answers: its writer knows of them.

    Taking the ticket alone says nothing yet. An alarm that the answer itself ends needs no acknowledgement."""
    act = understood.act
    took = not understood.says_something and all(isinstance(event, events.Assigned) for event in happened)
    said = any(isinstance(event, events.Acknowledged) for event in happened)
    if act.agent is None or act.seen is None or said or took or understood.applied.ticket_after.status.ended:
        return []
    name, seen = act.agent.name, act.seen
    return [
        events.Acknowledged(at=act.at, by=act.actor, target=alarm.target, cycle=alarm.cycle, agent=name)
        for alarm in alarms(act.lookups.history(act.ticket.number))
        if name in alarm.told and alarm.told[name] <= seen and name not in alarm.answered
        if not (answers and alarm.target != Target.RESOLUTION)
    ]


def _entry(understood: Understood) -> tuple[EntryDraft, Event, Outcome]:
    act = understood.act
    kind = EntryKind.REPLY if understood.public else EntryKind.NOTE
    text = understood.text
    if understood.public:
        text = leaving(text, act.lookups.said(act.ticket.number))
    # The sanitised HTML of the mail would carry quotes and commands along: an agent's words are kept as text.
    entry = replace(act.draft, kind=kind, author=act.actor, text=text, html="", may_leave=understood.applied.may_leave)
    if act.agent:
        entry = replace(entry, author_name=act.agent.shown)
    if understood.public:
        return entry, events.Replied(at=act.at, by=act.actor, entry=THIS_ENTRY), Outcome.REPLIED
    named = mentions(text, understood.policy.directory)
    return entry, events.Noted(at=act.at, by=act.actor, entry=THIS_ENTRY, mentions=named), Outcome.NOTED


def _assigns(parsed: Parsed) -> bool:
    """Tell whether the mail itself says who works on the ticket, or that nobody does."""
    verbs = (commands.lookup(command.verb) for command in parsed.commands)
    return any(verb.settles in {Settles.ASSIGNEE, Settles.TEAM} for verb in verbs if verb)


def _wait(understood: Understood) -> tuple[timedelta | None, tuple[str, ...]]:
    """Return (how long the answer waits before it leaves, why it waits longer than usual)."""
    act, applied, hold = understood.act, understood.applied, understood.policy.hold
    if act.agent is None or not hold:
        return None, ()  # the admin's own word, or nobody wishes to undo
    if applied.at_once:
        return timedelta(0), ()
    if applied.leaves_at is not None:
        return None, ()
    leaving = PublicAnswer(
        text=understood.text,
        widened=act.scope is not Scope.REPLY,
        people=len(applied.ticket_after.correspondents),
        strange=act.lookups.strange(domains_of(applied.ticket_after)),
    )
    found = risks(leaving)
    return (max(hold, RISKY_WAIT), found) if found else (None, ())


def domains_of(ticket: Ticket) -> frozenset[str]:
    """Return the domains that an answer to everybody in the ticket goes to."""
    return frozenset(person.address.domain for person in ticket.correspondents)


# -- telling ----------------------------------------------------------------------------------------------------


def _results(understood: Understood) -> tuple[str, ...]:
    """Return the lines of a receipt: only what the writer cannot know without it."""
    act, applied = understood.act, understood.applied
    told = [*_opened(understood), *_left_out(understood), *applied.receipts]
    if act.receipts or act.opens:
        told.extend(applied.outcomes)
    return tuple(dict.fromkeys(told))


def _told_wait(understood: Understood, risky: Sequence[str]) -> AnswerWait | None:
    """Return what the receipt says about the wait of the answer; None when the writer need not hear of it."""
    act, applied = understood.act, understood.applied
    widened = act.scope is not Scope.REPLY and not applied.at_once
    wait = AnswerWait(
        to=act.ticket.requester.shown if widened else "",
        named=applied.leaves_at is not None,
        reasons=tuple(risky) if act.receipts and not widened else (),
    )
    return wait if wait != AnswerWait() else None


def _opened(understood: Understood) -> tuple[str, ...]:
    """Say whose ticket was opened: no other mail tells the writer."""
    if understood.act.opens is None:
        return ()
    whom = understood.act.opens.requester
    goes = "; your text goes to them" if understood.says_something and understood.public else ""
    return (f"opened for {whom.shown} <{whom.address}>{goes}",)


def _left_out(understood: Understood) -> tuple[str, ...]:
    """Name the lines of our own notices that do not go to the customer: nothing is cut in silence."""
    if not (understood.says_something and understood.public):
        return ()
    found = our_lines(understood.text, understood.act.lookups.said(understood.act.ticket.number))
    return tuple(f'left out, for it is a line of our own notice: "{line.strip()[:200]}"' for line in found)


def _receipt(understood: Understood, outcome: Outcome) -> Notice:
    act = understood.act
    assert act.agent is not None
    # That of a ticket which opened stands for its first notice: an answer to it goes to the customer.
    notice = feedback(act.agent, Scope.REPLY if act.opens else act.scope)
    if outcome is Outcome.COMMANDED and not act.receipts:
        return notice
    return replace(notice, buttons=(UNDO,)) if _can_undo(understood, outcome) else notice


def _can_undo(understood: Understood, outcome: Outcome) -> bool:
    """Tell whether `!undo` would take anything back: an answer that leaves at once is gone."""
    applied = understood.applied
    waits = applied.leaves_at is not None or (bool(understood.policy.hold) and not applied.at_once)
    return outcome is not Outcome.REPLIED or waits or bool(applied.events)


def _nothing_said(act: AgentMail) -> Decision:
    problem = ("", "your mail has no new text and no command", "")
    transcript = Transcript(problems=(problem,), original_text=act.text)
    told = (feedback(act.agent, act.scope),) if act.agent else ()
    return Decision(Outcome.IGNORED, problem[1], actor=act.actor, mails=Mails(notices=told, transcript=transcript))


def checked(understood: Understood) -> Decision:
    """Say what would happen, and what the customer would get. Nothing is done."""
    act, applied = understood.act, understood.applied
    whom = ", ".join(person.shown for person in applied.ticket_after.correspondents)
    lines = [*_opened(understood), *(line for line in applied.outcomes if not line.startswith("check"))]
    if understood.says_something and not (act.opens and understood.public):
        lines.append(f"your text goes to {whom}" if understood.public else "your text stays inside")
    lines += _left_out(understood)
    told = ["Nothing was done. This is what would happen:", *(lines or ["nothing"]), *applied.receipts]
    text = (
        leaving(understood.text, act.lookups.said(act.ticket.number))
        if understood.public and understood.text
        else understood.text
    )
    shown = f"{text}\n" if understood.says_something else ""
    transcript = Transcript(results=tuple(told), help=shown, original_text=act.text)
    notices = (feedback(act.agent, act.scope),) if act.agent else ()
    return Decision(
        Outcome.COMMANDED, "checked, nothing done", actor=act.actor, mails=Mails(notices=notices, transcript=transcript)
    )
