"""What an agent's mail and its commands may need to know beyond the mail itself: data, which was looked up before.

Judging begins with what was looked up for every mail. Where a command reaches further, thinking stops with Missing.
That names the keys (Needs); they are looked up, and the same thoughts begin again with more knowledge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from maild.domain.decision import EntryDraft
from maild.domain.messages.attachment import Attachment
from maild.domain.people.directory import Address
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import Ticket

Batch = tuple[int, tuple[Event, ...]]  # (number of its first event, the events of one act)

NO_NUMBER = 0  # of a ticket that opens with the mail: it has no past
_MERGES = 20  # how often a ticket's survivor may have been merged itself

_T = TypeVar("_T")
_K = TypeVar("_K")


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """A ticket with everything that happened to it, act by act."""

    ticket: Ticket
    acts: tuple[Batch, ...]

    @property
    def history(self) -> tuple[Event, ...]:
        """Return all events in their order."""
        return tuple(event for _, events in self.acts for event in events)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said about a ticket: inside, in our notices to agents, and outside."""

    notes: tuple[str, ...] = ()  # without those that their author meant for the customer
    notices: tuple[str, ...] = ()  # text parts of the newest ones
    said_back: tuple[str, ...] = ()  # those that show an agent their own words: these are nobody's secret
    outside: tuple[str, ...] = ()  # messages and replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What judging asks about the thread of a ticket."""

    said: Said = Said()
    # The newest message of the requester or a participant, as an entry that names its mail; None: they never wrote.
    last_message: EntryDraft | None = None
    last_reply: str = ""  # the text of the newest reply
    offered: tuple[str, ...] = ()  # answers of other tickets that our notices of this one showed


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Which mails of a ticket can still be stopped, and which have left."""

    stoppable: frozenset[int] = frozenset()  # entries whose mails are all untried
    shown_history: frozenset[str] = frozenset()  # keys of addresses to which a history left, or was tried


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent:
    """What is in a file of the mail: marks of agents, in words, and its texts without markup."""

    name: str
    marks: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CannedText:
    """A canned text by its name, with the values that it may use."""

    name: str
    values: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any]) -> CannedText:
        """Make the key of a text with these values."""
        return cls(name, tuple(sorted(values.items())))


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeText:
    """What a canned text gave: its words, None when there is no such text, or what is wrong with it."""

    text: str | None = None
    wrong: str = ""
    names: tuple[str, ...] = ()  # of all canned texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Keys of what must be looked up before a mail can be judged. Needs of several mails can be added up."""

    tickets: frozenset[int] = frozenset()  # with those that they were merged into
    written: frozenset[int] = frozenset()  # by ticket
    leaving: frozenset[int] = frozenset()  # by ticket
    deadlines: frozenset[int] = frozenset()  # by ticket: how they came about
    canned: frozenset[CannedText] = frozenset()
    domains: frozenset[str] = frozenset()  # has the writer of this mail written to them before?
    files: frozenset[Attachment] = frozenset()  # of this mail: what is in them
    traffic: bool = False  # how much was answered by program of late

    def __or__(self, other: Needs) -> Needs:
        return Needs(**{each.name: getattr(self, each.name) | getattr(other, each.name) for each in fields(Needs)})

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(Needs))


class Missing(Exception):
    """Raised where thinking cannot go on before something was looked up."""

    def __init__(self, needs: Needs) -> None:
        super().__init__(f"not looked up yet: {needs}")
        self.needs = needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookups:
    """Answers questions from what was looked up. A question whose key was not looked up raises Missing."""

    records: Mapping[int, TicketRecord | None] = field(default_factory=dict)  # None: there is no such ticket
    threads: Mapping[int, Written] = field(default_factory=dict)
    mails: Mapping[int, Leaving] = field(default_factory=dict)
    derivations: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    texts: Mapping[CannedText, MadeText] = field(default_factory=dict)
    contacted: Mapping[str, bool] = field(default_factory=dict)  # domain -> the writer has written to it before
    contents: Mapping[Attachment, FileContent] = field(default_factory=dict)

    def __or__(self, other: Lookups) -> Lookups:
        """Return the answers of both. Where both have one, that of `other` counts: it is newer."""
        return Lookups(
            **{each.name: {**getattr(self, each.name), **getattr(other, each.name)} for each in fields(Lookups)}
        )

    def record(self, number: int) -> TicketRecord | None:
        """Return a ticket as it is, merged or not; None when there is no such ticket."""
        return None if number == NO_NUMBER else _known(self.records, number, lambda: Needs(tickets=frozenset({number})))

    def ticket(self, number: int) -> Ticket | None:
        """Return a ticket, or the one that it was merged into; None when there is no such ticket."""
        found = self.record(number)
        for _ in range(_MERGES):
            if found is None or found.ticket.merged_into is None:
                break
            found = self.record(found.ticket.merged_into)
        return found.ticket if found else None

    def batches(self, number: int) -> tuple[Batch, ...]:
        """Return the acts of a ticket, in order; () when there is no such ticket."""
        found = self.record(number)
        return found.acts if found else ()

    def history(self, number: int) -> tuple[Event, ...]:
        """Return the events of a ticket, in order; () when there is no such ticket."""
        found = self.record(number)
        return found.history if found else ()

    def written(self, number: int) -> Written:
        """Return what was written in the thread of a ticket."""
        if number == NO_NUMBER:
            return Written()
        return _known(self.threads, number, lambda: Needs(written=frozenset({number})))

    def said(self, number: int) -> Said:
        """Return what was said about a ticket, inside and outside."""
        return self.written(number).said

    def can_withdraw(self, number: int, entry: int) -> bool:
        """Say whether a reply has mails that deliver it, and none of them was tried yet."""
        return entry in self._leaving(number).stoppable

    def history_was_sent(self, number: int, to: Address) -> bool:
        """Say whether a mail that shows somebody the history of a ticket has left, or was tried."""
        return to.key in self._leaving(number).shown_history

    def _leaving(self, number: int) -> Leaving:
        return _known(self.mails, number, lambda: Needs(leaving=frozenset({number})))

    def deadlines(self, number: int) -> tuple[str, ...]:
        """Return, line by line, how a ticket's deadlines came about."""
        return _known(self.derivations, number, lambda: Needs(deadlines=frozenset({number})))

    def canned(self, wanted: CannedText) -> MadeText:
        """Return a canned text with its values put in."""
        return _known(self.texts, wanted, lambda: Needs(canned=frozenset({wanted})))

    def strange(self, domains: Iterable[str]) -> frozenset[str]:
        """Return those of these domains that the writer of the mail has never written to."""
        asked = frozenset(domains)
        self.require(Needs(domains=asked))
        return frozenset(domain for domain in asked if not self.contacted[domain])

    def in_files(self, files: Sequence[Attachment]) -> tuple[FileContent, ...]:
        """What is in files of the mail, in their order."""
        self.require(Needs(files=frozenset(files)))
        return tuple(self.contents[file] for file in files)

    def lacks(self, needs: Needs) -> Needs:
        """Return the keys that were not looked up yet. `traffic` is left out, for its answer is not kept here."""
        return Needs(
            tickets=_absent(needs.tickets, self.records),
            written=_absent(needs.written, self.threads),
            leaving=_absent(needs.leaving, self.mails),
            deadlines=_absent(needs.deadlines, self.derivations),
            canned=_absent(needs.canned, self.texts),
            domains=_absent(needs.domains, self.contacted),
            files=_absent(needs.files, self.contents),
        )

    def require(self, needs: Needs) -> None:
        """Raise Missing with all keys that were not looked up yet. One more look-up answers them together."""
        if lacking := self.lacks(needs):
            raise Missing(lacking)


def _known(answers: Mapping[_K, _T], key: _K, needs: Callable[[], Needs]) -> _T:
    if key not in answers:
        raise Missing(needs())
    return answers[key]


def _absent(keys: frozenset[_K], answers: Mapping[_K, Any]) -> frozenset[_K]:
    return frozenset(key for key in keys if key not in answers)


def all_of(thoughts: Iterable[Callable[[], _T]]) -> list[_T]:
    """Run these functions and return their results. Raises Missing with all that any of them needs."""
    made: list[_T] = []
    needs = Needs()
    for think in thoughts:
        try:
            made.append(think())
        except Missing as missing:
            needs |= missing.needs
    if needs:
        raise Missing(needs)
    return made


NOTHING_KNOWN = Lookups()
