"""Mails that a button made: their address says what they ask for, whatever is left of their body."""

from __future__ import annotations

import re
from dataclasses import replace

from maild.domain.agent_mail.agent_mail import AgentMail
from maild.domain.agent_mail.guards import BUTTON_WORDS, WORDS, about_held_reply, row_of, settled_apart
from maild.domain.agent_mail.judge import act_of_agent
from maild.domain.agent_mail.outcome import refused
from maild.domain.agent_mail.suggested_answers import SOLVED, USE, reusable, use_answer
from maild.domain.commands.apply import Command, CommandProblem, parse
from maild.domain.decision import Decision, Mails, Outcome, Transcript
from maild.domain.effects import YOUR_MAIL, ReleasedAs, ReleaseHeldMail
from maild.domain.intake.decide.case import Case, entry_of, held, with_message
from maild.domain.intake.decide.on_behalf import names_somebody, opened_by_agent
from maild.domain.intake.decide.proof import asked_back, unproven, without_right
from maild.domain.intake.route import EXPIRED
from maild.domain.lookups import Needs
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import feedback
from maild.domain.people.directory import Agent, Role
from maild.domain.tickets.events import Actor
from maild.domain.tickets.held_replies import HeldReply
from maild.domain.tickets.visibility import may_see

_WITH_NUMBER = re.compile(r"([a-z]{1,20})-([0-9]{1,12})")
MAKE = "make"  # make-7: the held mail 7 becomes a ticket
REPLACES = "fix"  # fix-12: an answer that takes the place of held reply 12


def numbered(verb: str) -> tuple[str, int]:
    """Return ("send", 12) for "send-12"; ("", 0) for verbs without a number."""
    found = _WITH_NUMBER.fullmatch(verb)
    return (found[1], int(found[2])) if found else ("", 0)


def button_pressed(case: Case) -> Decision | None:
    """Judge a pressed button of an agent: a word about a held reply, or a command."""
    agent, verb = case.agent, case.route.verb
    if agent is None or case.route.scope is not Scope.COMMAND or not (verb or case.ticket is None):
        return None
    if case.automatic:
        return Decision(Outcome.IGNORED, f"{case.classification.reason}; automatic mail presses no button")
    own, forwarded = case.message.own_and_forwarded
    word, number = numbered(verb)
    if doubt := unproven(case, own):
        # Nobody is asked whether they answered a question.
        return asked_back(case, doubt) if word == REPLACES else held(case, doubt)
    if foreign := without_right(case):
        return foreign
    if verb == EXPIRED:
        return _too_old(case)
    if word in BUTTON_WORDS:
        return _about(case, BUTTON_WORDS[word], number, own)
    if word == MAKE:
        return _made(case, number)
    if case.ticket is None:
        named = next((d for d in case.drafts if d.id == number), None) if word == REPLACES else None
        if names_somebody(parse(own)):
            return opened_by_agent(case, agent, own, forwarded, named if named and not named.settled_as else None)
        return _typed(case, agent, own, named)
    if word == USE:
        return _used(case, number, own)
    return act_of_agent(act_of(case, own), case.policy)


def _used(case: Case, number: int, own: str) -> Decision:
    """Send the answer that solved another ticket. It is looked up again, because that ticket may have changed."""
    answer = answer_of(number, case)
    if not answer:
        gone = CommandProblem(
            "", f"the answer of ticket {number} cannot be used any more: ask for it with show {number}"
        )
        return refused(act_of(case, own), [gone], has_text=bool(own.strip()))
    return act_of_agent(use_answer(act_of(case, own), answer), case.policy)


def answer_of(number: int, case: Case) -> str:
    """Return the last answer of a solved ticket if it can be given to somebody else; "" when it cannot.

    It is "" too when the ticket is not the agent's to see."""
    case.lookups.require(Needs(tickets=frozenset({number}), written=frozenset({number})))
    found = case.lookups.record(number)
    if found is None or case.agent is None or found.ticket.status not in SOLVED:
        return ""
    hidden = not may_see(case.agent, found.ticket, case.policy.directory)
    return "" if hidden else reusable(case.lookups.written(number).last_reply, found.ticket.requester)


def _made(case: Case, inbound: int) -> Decision:
    """Let in a mail that the provider took for spam: it is judged again as if it had come by itself."""
    assert case.agent is not None
    actor = Actor(Role.AGENT, case.agent.name, str(case.sender.address))
    release = ReleaseHeldMail(inbound, ReleasedAs.AS_IT_IS, no_junk=True)
    return Decision(Outcome.COMMANDED, f"the held mail {inbound} is let in", actor=actor, effects=(release,))


def _too_old(case: Case) -> Decision:
    assert case.agent is not None
    problem = ("", "this button is more than 30 days old: answer the newest mail about the ticket", "")
    transcript = Transcript(problems=(problem,), original_text=case.message.new_text)
    actor = Actor(Role.AGENT, case.agent.name, str(case.sender.address))
    decision = Decision(Outcome.REJECTED, problem[1], actor=actor, mails=Mails(transcript=transcript))
    return with_message(case, decision, feedback(case.agent, Scope.NOTE), YOUR_MAIL)


def _typed(case: Case, agent: Agent, own: str, named: HeldReply | None) -> Decision:
    """Judge a word, written by hand, about a mail that belongs to no ticket: "!yes"."""
    asked = parse(own, bare=True)
    words = {_word(command) for command in asked.commands}
    newest = next((d for d in reversed(case.drafts) if d.ticket is None and not d.settled_as), None)
    draft = named or newest
    word = next((word for word in WORDS if word in words), "")
    if draft is not None and word:
        return _about(case, word, draft.id, own)
    if not own.strip():
        return Decision(Outcome.IGNORED, "an answer about a mail of no ticket, without a word that says anything of it")
    return _nothing_done(case, agent, "write !yes or !no, or the whole mail again with !to ADDRESS or !for ADDRESS")


def _nothing_done(case: Case, agent: Agent, why: str) -> Decision:
    """Return the words that concern no ticket to their writer, who hears why nothing came of them."""
    problem = ("", f"nothing was done: {why}", "")
    transcript = Transcript(problems=(problem,), original_text=case.message.new_text)
    actor = Actor(Role.AGENT, agent.name, str(case.sender.address))
    decision = Decision(Outcome.REJECTED, problem[1], actor=actor, mails=Mails(transcript=transcript))
    subject = f"Re: {case.message.subject}"
    return with_message(case, decision, feedback(agent, Scope.QUERY), subject, case.message.message_id)


def _word(command: Command) -> str:
    """Return what a command says of a held reply: "yes" of !yes, "text" of !send text."""
    return command.args.casefold() if command.verb == "send" else command.verb


def _about(case: Case, word: str, number: int, words: str) -> Decision:
    assert case.agent is not None
    draft = next((draft for draft in case.drafts if draft.id == number), None)
    beside = parse(words).text
    if draft is None:
        why = f"there is no held reply {number}"
        return _nothing_done(case, case.agent, why) if beside.strip() else Decision(Outcome.IGNORED, why)
    if draft.settled_as and case.ticket is not None and beside.strip():
        # The button came too late, what stands beside it did not: it stays inside, as beside any button.
        return act_of_agent(replace(act_of(case, beside), button="", html_words=""), case.policy)
    if draft.settled_as:
        why = f"the held reply {number} was {draft.settled_as} before"
        return _nothing_done(case, case.agent, why) if beside.strip() else Decision(Outcome.IGNORED, why)
    if case.ticket is not None:
        return about_held_reply(act_of(case, words), word, beside, draft)
    # About a mail that belongs to no ticket yet: a fresh one in an agent's name.
    row = row_of(word, draft)
    if row is None:
        return _nothing_done(case, case.agent, f'"{word}" says nothing about this mail: answer with !yes or !no')
    return settled_apart(Actor(Role.AGENT, case.agent.name, str(case.sender.address)), draft, row)


def act_of(case: Case, own: str, forwarded: str = "") -> AgentMail:
    """Return the mail as an agent's mail to its ticket."""
    assert case.ticket is not None
    _, replaced = numbered(case.route.verb) if case.route.verb.startswith(f"{REPLACES}-") else ("", 0)
    return AgentMail(
        agent=case.agent,
        text=own,
        html_words=case.message.html_words,
        forwarded=forwarded,
        scope=case.route.scope or Scope.NOTE,
        ticket=case.ticket,
        at=case.at,
        draft=entry_of(case),
        since=case.since,
        seen=case.route.seen,
        waiting=tuple(draft for draft in case.drafts if not draft.settled_as),
        replaces=next((d for d in case.drafts if d.id == replaced and not d.settled_as), None),
        released_as=case.released_as,
        button=case.route.verb if case.route.scope is Scope.COMMAND and not replaced else "",
        receipts=case.receipts,
        lookups=case.lookups,
    )
