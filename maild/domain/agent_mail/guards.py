"""When an agent's text waits for their word, and what that word does. Every hold is told to its writer, with buttons.

The guards are asked in the order of the table. What a writer let through is not asked twice: each word of theirs
(`ReleasedAs`) says which guards it has passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from maild.domain.agent_mail.agent_mail import AgentMail, Understood
from maild.domain.agent_mail.leak_guard import leaked, leaked_file, marked_files
from maild.domain.agent_mail.outcome import refused, replaced
from maild.domain.agent_mail.stale_guard import news, taken_by
from maild.domain.commands import apply as commands
from maild.domain.commands.apply import CommandProblem
from maild.domain.commands.table import Settles
from maild.domain.decision import Decision, EntryDraft, Mails, Outcome
from maild.domain.effects import DropHeldMail, Effect, HoldReply, ReleasedAs, ReleaseHeldMail, SettleHeldReply
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import Notice
from maild.domain.notices.buttons import DROP_TEXT, KEEP_AS_NOTE, NO, SEND_ANYWAY, YES, Button
from maild.domain.people.directory import Agent
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_DRAFT, THIS_ENTRY, Actor, Event
from maild.domain.tickets.held_replies import HeldReply, HeldReplyKind
from maild.domain.tickets.ticket import EntryKind


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a mail is stopped, with a line for each thing that its writer should know."""

    reason: str
    lines: tuple[str, ...]


# -- the guards -------------------------------------------------------------------------------------------------


def _final(understood: Understood, agent: Agent) -> Doubt | None:
    reasons = understood.applied.confirm
    return Doubt("it asks for what cannot be taken back", reasons) if reasons else None


def _stale(understood: Understood, agent: Agent) -> Doubt | None:
    """An answer, or a button that changes the status, by somebody who had not seen the latest."""
    act = understood.act
    ends = bool(act.button) and _settles(understood, Settles.STATUS)
    if not ends and not (understood.says_something and understood.public):
        return None
    found = news(act.since, agent, understood.policy.directory, agent.timezone or understood.policy.zone)
    return Doubt("the ticket has news that you had not seen", found) if found else None


def _marked(understood: Understood, agent: Agent) -> Doubt | None:
    """A notice of ours among the files: whoever got it could act as the agent whose notice it is."""
    act = understood.act
    if not (act.draft.attachments and understood.public):
        return None
    found = marked_files(act.lookups.in_files(act.draft.attachments))
    if not found:
        return None
    names = ", ".join(name for name, _ in found)
    outlook = (_OUTLOOK,) if any(name.lower() == "winmail.dat" for name, _ in found) else ()
    lines = (*(f"in {name}: {', '.join(marks)}" for name, marks in found), _WITHOUT_THE_FILE, *outlook)
    return Doubt(f"what only agents may have is in its files: {names[:200]}", lines)


_WITHOUT_THE_FILE = "It never leaves with such a file. Answer this mail with your text again, and without the file."
_OUTLOOK = "Outlook adds winmail.dat by itself to a mail in Rich Text format: send it as HTML or as plain text."


def _leak(understood: Understood, agent: Agent) -> Doubt | None:
    act = understood.act
    if not (understood.says_something and understood.public):
        return None
    said = act.lookups.said(act.ticket.number)
    if run := leaked(understood.text, said):
        return Doubt("words of an internal note are in it", (f'said inside: "{run[:200]}"',))
    if act.draft.attachments:
        name, run = leaked_file(act.lookups.in_files(act.draft.attachments), said)
        if run:
            return Doubt("words of an internal note are in it", (f'said inside, and in {name}: "{run[:200]}"',))
    return None


def _settles(understood: Understood, what: Settles) -> bool:
    verbs = (commands.lookup(command.verb) for command in understood.parsed.commands)
    return any(verb.settles is what for verb in verbs if verb)


@dataclass(frozen=True, slots=True)
class Guard:
    """One row: what stops a mail, what its writer may say of it, and with which of their words it has passed."""

    kind: HeldReplyKind
    stops: Callable[[Understood, Agent], Doubt | None]
    buttons: tuple[Button, ...]
    passed: frozenset[ReleasedAs]


GUARDS: tuple[Guard, ...] = (
    Guard(HeldReplyKind.CONFIRM, _final, (YES, NO), frozenset({ReleasedAs.CONFIRMED, ReleasedAs.ANYWAY})),
    Guard(HeldReplyKind.MARKED, _marked, (KEEP_AS_NOTE, DROP_TEXT), frozenset()),
    Guard(HeldReplyKind.STALE, _stale, (SEND_ANYWAY, KEEP_AS_NOTE, DROP_TEXT), frozenset({ReleasedAs.ANYWAY})),
    Guard(HeldReplyKind.LEAK, _leak, (SEND_ANYWAY, KEEP_AS_NOTE, DROP_TEXT), frozenset({ReleasedAs.ANYWAY})),
)
BUTTONS: Mapping[HeldReplyKind, tuple[Button, ...]] = {guard.kind: guard.buttons for guard in GUARDS}


def guarded(understood: Understood) -> Decision | None:
    """The decision that stops a mail; None when nothing speaks against it. Nobody stops the admin's own line."""
    act = understood.act
    if act.agent is None:
        return None
    if lost := _lost_race(understood, act.agent):
        return refused(act, [lost], has_text=understood.says_something)
    for guard in GUARDS:
        if act.released_as in guard.passed:
            continue
        doubt = guard.stops(understood, act.agent)
        if doubt is not None:
            return _held(act, act.agent, guard, doubt)
    return None


def _lost_race(understood: Understood, agent: Agent) -> CommandProblem | None:
    """The first take wins: whoever had not seen it is told, instead of taking the ticket away again."""
    command = next((c for c in understood.parsed.commands if c.verb == "take"), None)
    taken = taken_by(understood.act.since, agent)
    if command is None or taken is None or understood.act.ticket.assignee != taken.assignee:
        return None
    if understood.act.released_as is ReleasedAs.ANYWAY:
        return None
    winner = understood.policy.directory.agent(taken.assignee)
    name = winner.shown if winner else taken.assignee
    earlier = round((understood.act.at - taken.at).total_seconds())
    ago = f"{earlier} seconds" if earlier < 120 else f"{earlier // 60} minutes"
    message = f"{name} has it since {ago} before you; to have it all the same"
    return CommandProblem(command.line, message, "!assign me", command.at)


def _held(act: AgentMail, agent: Agent, guard: Guard, doubt: Doubt) -> Decision:
    event = events.TextHeld(at=act.at, by=act.actor, draft=THIS_DRAFT, agent=agent.name, reason=doubt.reason)
    notice = Notice(
        template="held",
        to=agent.person,
        scope=act.scope if act.scope in (Scope.REPLY, Scope.NOTE) else Scope.NOTE,
        reason="your text waits for your word",
        agent=agent.name,
        buttons=guard.buttons,
        verb="fix-{draft}",
    )
    hold = HoldReply(kind=guard.kind, agent=agent.name, reason=doubt.reason, news=doubt.lines, text=act.text)
    return Decision(
        Outcome.HELD,
        f"{doubt.reason}: {'; '.join(doubt.lines)}",
        (event,),
        actor=act.actor,
        mails=Mails(notices=(notice,)),
        effects=(hold, *replaced(act)),
    )


# -- the word about a held reply ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Word:
    """One row: what a word does to a held reply of some kinds. Without `releases` the text is dropped."""

    kinds: frozenset[HeldReplyKind]
    settled_as: str
    releases: ReleasedAs | None = None


_GUARDED = frozenset({HeldReplyKind.STALE, HeldReplyKind.LEAK})
_MARKED = frozenset({HeldReplyKind.MARKED})  # no word sends it
_ASKED = frozenset({HeldReplyKind.CONFIRM, HeldReplyKind.UNPROVEN})
_REFUSED = frozenset({HeldReplyKind.REFUSED})
WORDS: Mapping[str, tuple[Word, ...]] = {
    "anyway": (Word(_GUARDED, "sent", ReleasedAs.ANYWAY), Word(_REFUSED, "sent", ReleasedAs.TEXT)),
    "text": (Word(_REFUSED | _GUARDED, "sent", ReleasedAs.TEXT),),
    "note": (Word(_REFUSED | _GUARDED | _MARKED, "noted", ReleasedAs.NOTE),),
    "yes": (
        Word(frozenset({HeldReplyKind.CONFIRM}), "sent", ReleasedAs.CONFIRMED),
        Word(frozenset({HeldReplyKind.UNPROVEN}), "sent", ReleasedAs.AS_IT_IS),
    ),
    "nothing": (Word(_GUARDED | _MARKED | _REFUSED | _ASKED, "dropped"),),
    "no": (Word(_ASKED | _GUARDED | _MARKED | _REFUSED, "dropped"),),
}
_EXPECTED: Mapping[HeldReplyKind, str] = {
    **dict.fromkeys(_ASKED, "answer with !yes or !no"),
    HeldReplyKind.MARKED: "it never leaves with this file. Answer with your text again and without the file, "
    "or with !send note or !send nothing",
}
# In a button's address the word comes first, and the number of the text behind it: send-12.
BUTTON_WORDS: Mapping[str, str] = {"send": "anyway", "text": "text", "note": "note", "drop": "nothing", "yes": "yes"}


def about_held_reply(act: AgentMail, word: str, beside: str = "", draft: HeldReply | None = None) -> Decision:
    """Do what an agent says of a held reply: of this one (a button names it), else of their newest on the ticket.

    Text beside the word stays inside as a note. A text that was settled before is settled once only."""
    mine = [d for d in act.waiting if d.ticket == act.ticket.number and act.agent and d.agent == act.agent.name]
    chosen = draft or act.replaces or next((d for d in reversed(mine) if row_of(word, d)), None)
    if chosen is None and mine and mine[-1].kind is HeldReplyKind.MARKED:
        chosen = mine[-1]  # it is told why the word cannot be done
    if chosen is None:
        return refused(
            act,
            [CommandProblem("", f"no text of yours waits on this ticket that !{word} could mean")],
            has_text=bool(beside.strip()),
        )
    if chosen.settled_as:
        return Decision(Outcome.IGNORED, f"the held reply {chosen.id} was {chosen.settled_as} before", actor=act.actor)
    row = row_of(word, chosen)
    if row is None:
        expected = _EXPECTED.get(chosen.kind, "answer with !send anyway, note or nothing")
        return refused(
            act,
            [CommandProblem("", f'"{word}" says nothing about this mail: {expected}')],
            has_text=bool(beside.strip()),
        )
    return settled(act, chosen, row, beside)


def settled(act: AgentMail, draft: HeldReply, row: Word, beside: str = "") -> Decision:
    """The end of a held reply of a ticket."""
    happened: list[Event] = [events.TextSettled(at=act.at, by=act.actor, draft=draft.id, settled_as=row.settled_as)]
    entries: tuple[EntryDraft, ...] = ()
    if beside.strip():
        happened.append(events.Noted(at=act.at, by=act.actor, entry=THIS_ENTRY))
        entries = (replace(act.draft, kind=EntryKind.NOTE, author=act.actor, text=beside.strip(), html=""),)
    return replace(settled_apart(act.actor, draft, row), events=tuple(happened), entries=entries)


def settled_apart(actor: Actor, draft: HeldReply, row: Word) -> Decision:
    """The end of a held reply, without a word in any thread."""
    mail: Effect = DropHeldMail(draft.inbound)
    if row.releases is not None:
        mail = ReleaseHeldMail(draft.inbound, row.releases, proven=draft.kind is HeldReplyKind.UNPROVEN)
    return Decision(
        Outcome.COMMANDED,
        f"the held reply {draft.id} is {row.settled_as}",
        actor=actor,
        effects=(SettleHeldReply(draft.id, row.settled_as), mail),
    )


def row_of(word: str, draft: HeldReply) -> Word | None:
    """What a word means for this held reply; None when it says nothing about it."""
    return next((row for row in WORDS.get(word, ()) if draft.kind in row.kinds), None)
