"""What an agent's words do to a ticket: text that goes out or stays inside, and commands. All or nothing.

It reads, resolves and tries (`commands`), then asks the guards (`guards`), then decides (`outcome`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maild.domain.agent_mail.agent_mail import ADMIN, AgentMail, Understood
from maild.domain.agent_mail.guards import about_held_reply, guarded
from maild.domain.agent_mail.leak_guard import leaving
from maild.domain.agent_mail.outcome import checked, domains_of, done, refused
from maild.domain.commands import apply as commands
from maild.domain.commands.apply import CommandProblem, Interpreted, Parsed, Surroundings, TextGoes
from maild.domain.decision import Decision
from maild.domain.effects import ReleasedAs
from maild.domain.lookups import NO_NUMBER, Missing, Needs
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import answerable
from maild.domain.policy import Policy
from maild.domain.tickets.ticket import Ticket

__all__ = ["ADMIN", "AgentMail", "act_of_agent", "act_of_line", "surroundings_of"]


def act_of_agent(act: AgentMail, policy: Policy) -> Decision:
    """Judge a mail: commands at the top and the end of the new text, the rest is text."""
    parsed = commands.parse(act.text, bare=act.scope is Scope.COMMAND)
    if act.html_words and _asked(parsed) != _asked(commands.parse(act.html_words, bare=act.scope is Scope.COMMAND)):
        # Whoever reads one part must not find that the other one counted.
        problem = CommandProblem(
            "", "the text and the HTML of your mail ask for different things: send it as plain text"
        )
        return refused(act, [problem], has_text=bool(parsed.text.strip()))
    if act.button:
        parsed = _with_button(parsed, commands.parse_button(act.button))
    if act.released_as in (ReleasedAs.TEXT, ReleasedAs.NOTE):
        parsed = Parsed(text=parsed.text)
    return _judged(act, parsed, policy)


def _asked(parsed: Parsed) -> set[tuple[str, str]]:
    """Return what a text asks for, and what only looks like it."""
    return {(c.verb, c.args) for c in parsed.commands} | {("", p.message) for p in parsed.problems}


def act_of_line(act: AgentMail, words: Sequence[str], policy: Policy) -> Decision:
    """Judge one command without its exclamation mark, as `maild ticket do` gives it."""
    return _judged(act, commands.parse_line(words), policy)


def _with_button(written: Parsed, button: Parsed) -> Parsed:
    """Add the button's command, whatever the body says: mail programs may drop bodies. The same words in the body
    are a repeat."""
    return replace(
        written,
        commands=(*button.commands, *written.commands),
        problems=(*button.problems, *written.problems),
    )


def _judged(act: AgentMail, parsed: Parsed, policy: Policy) -> Decision:
    surroundings = surroundings_of(act, policy)
    found = _resolved(act, parsed, surroundings, policy)
    if found.problems:
        return refused(act, found.problems, has_text=bool(parsed.text.strip() or act.draft.attachments))
    applied = commands.apply_intents(act.ticket, found.intents, act.actor, act.at, surroundings)
    understood = Understood(act, parsed, applied, policy)
    if applied.held_word:
        return about_held_reply(act, applied.held_word, parsed.text)
    if applied.check:
        return checked(understood)
    if unanswerable := _unanswerable(understood):
        return refused(act, [unanswerable])
    return guarded(understood) or done(understood)


def _resolved(act: AgentMail, parsed: Parsed, surroundings: Surroundings, policy: Policy) -> Interpreted:
    """Resolve the commands. Raises Missing with all that they and the text of the mail need together."""
    wanted = needs_of_text(act, parsed, policy)
    try:
        found = commands.judge(parsed, surroundings)
    except Missing as missing:
        raise Missing(missing.needs | act.lookups.lacks(wanted)) from None
    if not found.problems:
        act.lookups.require(wanted)
    return found


def needs_of_text(act: AgentMail, parsed: Parsed, policy: Policy) -> Needs:
    """Return what must be known before the text of a mail is judged, as far as its commands tell beforehand."""
    text = parsed.text.strip() or act.forwarded.strip() or act.draft.attachments
    if not text or act.released_as is ReleasedAs.NOTE or not _goes_out(parsed, act.scope):
        return Needs()
    needs = needs_of_answer(parsed, act.scope, act.ticket, policy)
    if act.agent is None:
        return replace(needs, domains=frozenset())
    return replace(needs, files=frozenset(act.draft.attachments))


def needs_of_answer(parsed: Parsed, scope: Scope, ticket: Ticket, policy: Policy) -> Needs:
    """Return what must be known before this text of an agent leaves; nothing when it stays inside."""
    if not _goes_out(parsed, scope):
        return Needs()
    domains = domains_of(ticket) if policy.hold else frozenset[str]()
    return Needs(written=frozenset({ticket.number}) - {NO_NUMBER}, domains=domains)


def _goes_out(parsed: Parsed, scope: Scope) -> bool:
    """Tell whether the text goes to the customer, by its commands or else by the address it was sent to."""
    goes = [verb.text for each in parsed.commands if (verb := commands.lookup(each.verb)) and verb.takes_text]
    return goes[-1] is TextGoes.REPLY if goes else scope is Scope.REPLY


def surroundings_of(act: AgentMail, policy: Policy) -> Surroundings:
    """Return what a mail's commands are resolved against. A ticket that opens with the mail does not exist yet."""
    return Surroundings(
        directory=policy.directory,
        plans=tuple(policy.plans),
        zone=(act.agent.timezone if act.agent else "") or policy.zone,
        now=act.at,
        speaker=act.agent,
        ticket=act.ticket if act.opens is None else None,
        lookups=act.lookups,
        words=_words(act, policy),
        calendar=policy.calendar_of(act.ticket),
    )


def _words(act: AgentMail, policy: Policy) -> dict[str, Any]:
    """Return what canned texts may name besides the variables that the writer gives."""
    ticket, helpdesk = act.ticket, policy.helpdesk_name
    about = {"subject": ticket.subject, "name": ticket.requester.name}
    numbered = {"number": ticket.number} if act.opens is None else {}
    return {"helpdesk": helpdesk, "agent": act.agent.shown if act.agent else helpdesk, **about, **numbered}


def _unanswerable(understood: Understood) -> CommandProblem | None:
    """Return why the text cannot go where it is meant to go."""
    if understood.act.opens is not None and understood.public and not understood.says_something:
        return CommandProblem("", "!to needs a text that goes to them")
    if (understood.applied.text_goes is not None and not understood.says_something) or _only_our_lines(understood):
        return CommandProblem(
            "", "your mail has no text of its own: what stands in a mail of ours word for word is a quote"
        )
    if understood.says_something and understood.public and not answerable(understood.applied.ticket_after):
        return CommandProblem("", "the requester left no address: write !note to keep your text inside")
    return None


def _only_our_lines(understood: Understood) -> bool:
    """Tell whether an answer to the customer is made of nothing but lines of our own notices."""
    act = understood.act
    if not (understood.public and understood.text) or act.draft.attachments:
        return False
    return not leaving(understood.text, act.lookups.said(act.ticket.number))
