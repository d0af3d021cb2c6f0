"""What each of our mails is: one table with one row for each template, read by everything that asks.

A new template gets its row here. Nothing else compares a template's name to know what its mail may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Reader(StrEnum):
    """Who reads the mail."""

    CUSTOMER = "customer"  # what it shows has left the helpdesk
    AGENT = "agent"
    PAGER = "pager"  # one line of text; nobody answers from there


class Nature(StrEnum):
    """Who speaks in the mail, and what made it leave."""

    WORDS = "words"  # a person's own words
    ANSWER = "answer"  # the program answers one mail
    QUESTION = "question"  # the program asks the reader about a mail of their own, which waits for their word
    NOTICE = "notice"  # the program speaks by itself


class Shows(StrEnum):
    """What the mail's context holds of the words in the thread."""

    NOTHING = "nothing"
    ENTRY = "entry"  # the entry that it is about, and those that wait with it
    THREAD = "thread"  # all that was written outside


@dataclass(frozen=True, slots=True, kw_only=True)
class MailKind:
    """One row: what the mails of a template are. `why` gives the reason where it is policy."""

    to: Reader
    nature: Nature
    why: str
    shows: Shows = Shows.NOTHING
    files: bool = False  # the entry's files go along
    delivers: bool = False  # its delivery is the entry's: `maild show` says so, and `!undo` of the entry stops it
    says_back: bool = False  # it repeats the reader's own words: whoever sends those once more means them
    transcript: bool = False  # it tells line by line what became of the reader's commands
    offers: bool = False  # it may offer the answer that solved another ticket
    gathers: bool = False  # notices beyond its reader's ceiling wait in it, a row each
    overtaken: bool = False  # it is dropped when an agent answers before it leaves
    counted: str = ""  # the limit that it counts against: "answer" (of a program), "alarm" (answers are stopped)

    def auto_submitted(self, *, about_ticket: bool) -> str:
        """The value of Auto-Submitted (RFC 3834 5); "" for a person's words, which are not automatic mail."""
        if self.nature is Nature.WORDS:
            return ""
        return "auto-replied" if self._answers(about_ticket) else "auto-generated"

    def has_null_path(self, *, about_ticket: bool) -> bool:
        """True when it leaves with the null reverse-path, as automatic answers do (RFC 3834 3.3, RFC 5321 4.5.5)."""
        return self._answers(about_ticket)

    def _answers(self, about_ticket: bool) -> bool:
        # A question about a ticket wants its bounce: whoever works there has to know that nobody was asked.
        return self.nature is Nature.ANSWER or (self.nature is Nature.QUESTION and not about_ticket)


_C, _A = Reader.CUSTOMER, Reader.AGENT

MAIL_KINDS: Mapping[str, MailKind] = {
    # -- to customers --
    "acknowledgement": MailKind(
        to=_C,
        nature=Nature.ANSWER,
        overtaken=True,
        counted="answer",
        why="shows no text: a forged sender must not make us mail words to a third person",
    ),
    "reply": MailKind(
        to=_C,
        nature=Nature.WORDS,
        shows=Shows.ENTRY,
        files=True,
        delivers=True,
        why="an agent's answer, which waits so that it can be undone",
    ),
    "closed": MailKind(to=_C, nature=Nature.NOTICE, why="shows no text: its reader has it already"),
    "status": MailKind(
        to=_C,
        nature=Nature.ANSWER,
        counted="answer",
        why="shows no text: whoever asks for the state gets the state alone",
    ),
    "history": MailKind(
        to=_C,
        nature=Nature.WORDS,
        shows=Shows.THREAD,
        why="what people wrote outside, without files; it waits as an answer does",
    ),
    "waiting-reminder": MailKind(to=_C, nature=Nature.NOTICE, why="shows no text: its reader has it already"),
    "monthly-report": MailKind(to=_C, nature=Nature.NOTICE, why="numbers of a month, and no names"),
    # -- to agents, about a ticket --
    "new-ticket": MailKind(
        to=_A,
        nature=Nature.NOTICE,
        shows=Shows.ENTRY,
        files=True,
        offers=True,
        why="all that its reader needs for an answer",
    ),
    "message": MailKind(
        to=_A, nature=Nature.NOTICE, shows=Shows.ENTRY, files=True, why="all that its reader needs for an answer"
    ),
    "note": MailKind(
        to=_A, nature=Nature.NOTICE, shows=Shows.ENTRY, files=True, why="what is written or done inside, in full"
    ),
    "assigned": MailKind(
        to=_A, nature=Nature.NOTICE, shows=Shows.ENTRY, files=True, why="whoever gets the ticket may not know it yet"
    ),
    "transferred": MailKind(
        to=_A,
        nature=Nature.NOTICE,
        shows=Shows.ENTRY,
        why="many people of a department read it, and few need the files",
    ),
    "sla-warning": MailKind(to=_A, nature=Nature.NOTICE, why="its news is the time, not what somebody wrote"),
    "sla-breach": MailKind(to=_A, nature=Nature.NOTICE, why="its news is the time, not what somebody wrote"),
    # -- to agents, about their own mail --
    "feedback": MailKind(
        to=_A,
        nature=Nature.ANSWER,
        shows=Shows.ENTRY,
        says_back=True,
        transcript=True,
        why="the helpdesk speaks in it, whoever wrote the entry",
    ),
    "held": MailKind(to=_A, nature=Nature.QUESTION, says_back=True, why="the text in it has reached no thread yet"),
    "was-this-you": MailKind(
        to=_A,
        nature=Nature.QUESTION,
        shows=Shows.ENTRY,
        says_back=True,
        why="the text in it has reached no thread yet; the entry is the program's note about the held mail",
    ),
    "list": MailKind(to=_A, nature=Nature.ANSWER, why="its reader asked just now"),
    # -- to agents, by itself --
    "digest": MailKind(to=_A, nature=Nature.NOTICE, why="comes at its reader's hour"),
    "gathered": MailKind(
        to=_A,
        nature=Nature.NOTICE,
        gathers=True,
        why="stands for notices beyond its reader's ceiling",
    ),
    "sla-gathered": MailKind(to=_A, nature=Nature.NOTICE, why="stands for many alarms at once"),
    "answers-stopped": MailKind(
        to=_A,
        nature=Nature.NOTICE,
        counted="alarm",
        why="its row is how we know that programs answer nobody for a while",
    ),
    "page": MailKind(to=Reader.PAGER, nature=Nature.NOTICE, why="fits into a text message"),
}


def templates_where(has: Callable[[MailKind], bool]) -> tuple[str, ...]:
    """Return the names of the templates whose row has a property."""
    return tuple(template for template, kind in MAIL_KINDS.items() if has(kind))
