"""Offers an answer that solved one customer's problem for another's, without anything that names the first
customer.

What the notice shows is, letter by letter, what one tap sends."""

from __future__ import annotations

from dataclasses import replace

from maild.domain.agent_mail.agent_mail import AgentMail
from maild.domain.commands.apply import escape
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Person
from maild.domain.tickets.search_words import words_of
from maild.domain.tickets.ticket import Status

USE = "use"  # use-17: the button that sends the answer of ticket 17
SOLVED = frozenset({Status.RESOLVED, Status.CLOSED})
SHOWN_LINES = 15
SHOWN_CHARACTERS = 1200
_GREETING = 40  # characters
_NAME = 3  # letters; shorter parts of a name are words of many languages


def reusable(answer: str, given_to: Person) -> str:
    """Return the answer without its greeting; "" when it names the customer it was given to."""
    lines = answer.strip().split("\n")
    if lines and len(lines[0]) <= _GREETING and lines[0].rstrip().endswith((",", "!", ":")):
        lines = lines[1:]
    text = "\n".join(lines).strip()
    named = {word for word in words_of(f"{given_to.name} {given_to.address.local}") if len(word) >= _NAME}
    return "" if named & set(words_of(text)) else text


def beginning(text: str) -> tuple[str, bool]:
    """Return (as much of an answer as a notice shows, whether there is more)."""
    shown = "\n".join(text.split("\n")[:SHOWN_LINES])[:SHOWN_CHARACTERS]
    return shown, shown != text


def use_answer(act: AgentMail, answer: str) -> AgentMail:
    """Return the pressed button as an answer to the customer: the earlier answer, below what was typed now."""
    text = "\n\n".join(filter(None, (escape(act.text.strip()), escape(answer))))
    return replace(act, text=text, scope=Scope.REPLY, button="")
