"""The template context of a notice: plain JSON, as of the event. templates/README.md lists its keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from maild.domain.agent_mail.send_delay import wait_lines
from maild.domain.decision import Decision, Transcript
from maild.domain.effects import AboutHeldReply, RemindOfHeldReply
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.buttons import MOST, usual
from maild.domain.notices.mail_kinds import Shows
from maild.domain.notices.notice import Notice
from maild.domain.notices.opt_outs import Stop, stops_of
from maild.domain.people.directory import Address, Person, Role
from maild.domain.sla.moved_deadlines import CAUSES
from maild.domain.sla.standing import Standing
from maild.domain.tickets import events
from maild.domain.tickets.event_words import deadline_words, notice_line
from maild.domain.tickets.ticket import EntryKind, Status, Ticket
from maild.domain.tickets.visibility import Sight
from maild.ports import StoredEntry
from maild.services.helpdesk import Helpdesk
from maild.services.work import Work

_SUBJECT_LENGTH = 120  # characters of a subject in a link
_MAILTO_LENGTH = 1500  # characters: mail programs cut longer links

# (what an answer means, the verb that acts by itself or "") -> the address that says so to this recipient.
Sealing = Callable[[Scope, str], Address]


class Thread:
    """A ticket's entries, read when they are first asked for. A mail about many tickets needs none."""

    def __init__(self, read: Callable[[], tuple[StoredEntry, ...]]) -> None:
        self._read = read

    @cached_property
    def entries(self) -> tuple[StoredEntry, ...]:
        """The entries, in their order."""
        return self._read()


@dataclass(frozen=True, slots=True)
class Doer:
    """Who did what a mail is about, as its templates show them: the JSON of `actor` in templates/README.md."""

    name: str
    address: str
    role: str

    def to_context(self) -> dict[str, str]:
        """Return the value of `actor`."""
        return {"name": self.name, "address": self.address, "role": self.role}

    @classmethod
    def from_context(cls, stored: Mapping[str, str]) -> Doer:
        """Read the `actor` of a queued mail."""
        return cls(stored["name"], stored["address"], stored["role"])


@dataclass(frozen=True, slots=True)
class SimilarFound:
    """What was looked up once about solved tickets, for all who hear of the same change.

    `tickets` are the best matches by what a reader sees (without the reader's own name), `answers` the answers by the
    number of their ticket, "" where there is none to offer."""

    tickets: dict[Sight, tuple[Ticket, ...]] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeContext:
    """What notices are about: the ticket after the events, the decision, the thread, its SLA."""

    ticket: Ticket
    decision: Decision
    thread: Thread
    standing: Standing
    draft: int = 0  # the held reply that the decision left behind
    answer_leaves_at: datetime | None = None  # when the answer that the decision brought leaves (UTC)
    since: tuple[events.Event, ...] = ()  # what the reader was not told of yet, from before the decision
    actor: Doer | None = None  # who did what the mail is about, where that is not the decision's
    similar: SimilarFound = field(default_factory=SimilarFound)

    @property
    def entries(self) -> tuple[StoredEntry, ...]:
        """The entries of the thread."""
        return self.thread.entries

    @property
    def happened(self) -> tuple[events.Event, ...]:
        """The events that the notices are about."""
        return (*self.since, *self.decision.events)

    @property
    def entry(self) -> StoredEntry | None:
        """The entry that the decision brought; without one, the last entry that the reader was not told of."""
        brought = next((event.entry for event in self.decision.events if event.entry is not None), None)
        before = [event.entry for event in self.since if event.entry is not None]
        wanted = brought if brought is not None or not before else before[-1]
        return next((entry for entry in self.entries if entry.id == wanted), None) if wanted is not None else None

    @property
    def earlier(self) -> tuple[StoredEntry, ...]:
        """The entries before that one that the reader was not told of, in their order."""
        before, last = {event.entry for event in self.since}, self.entry
        if not before:
            return ()
        return tuple(entry for entry in self.entries if entry.id in before and entry is not last)


def context_of(work: Work, notice: Notice, occasion: NoticeContext, sealing: Sealing, marker: str) -> Mapping[str, Any]:
    """Return everything that the templates may show of this notice.

    `marker` is the left side of the mail's Message-ID. In the body it survives relays that change ids."""
    reply_to = sealing(notice.scope, notice.verb.format(draft=occasion.draft))
    helpdesk, ticket = work.helpdesk, occasion.ticket
    shown = None if notice.mail_kind.shows is Shows.NOTHING else occasion.entry
    agent = helpdesk.policy.directory.agent(notice.agent) if notice.agent else None
    clock = helpdesk.clock_of(agent) if agent else str(helpdesk.zone)
    return {
        "v": 1,
        "helpdesk": {"name": helpdesk.name, "address": str(helpdesk.address_of(ticket.department))},
        "language": helpdesk.settings.helpdesk.language,
        "timezone": clock,
        "signature": helpdesk.signature(ticket.department),
        "ticket": ticket_words(ticket, helpdesk) | ({} if notice.agent else {"subject": ticket.thread_subject}),
        "recipient": person_words(notice.to),
        "actor": (occasion.actor or _doer(occasion, helpdesk)).to_context(),
        "earlier": [entry_words(each) for each in _earlier(notice, occasion)],
        "entry": entry_words(shown) if shown else None,
        "last_message": entry_words(last) if (last := _last_message(notice, occasion, shown)) else None,
        "answer": answer_words(notice.scope, ticket),
        "due": due_words(occasion.standing, work.now, notice.steps),
        "changes": changes(occasion.happened, helpdesk, ZoneInfo(clock)),
        "actions": actions(notice, occasion, helpdesk, sealing),
        **_held_words(occasion.decision, helpdesk),
        "reason": notice.reason,
        "stop": _stop_words(notice, ticket, helpdesk, sealing),
        "marker": marker,
        "trace": work.trace,
        **_transcript_words(work, notice, occasion, reply_to, ZoneInfo(clock)),
    }


def _earlier(notice: Notice, occasion: NoticeContext) -> Sequence[StoredEntry]:
    """Return what the mail shows before its own entry; for the history of a thread everything that was said
    outside."""
    if notice.mail_kind.shows is not Shows.THREAD:
        return occasion.earlier
    return [each for each in occasion.entries if each.kind != EntryKind.NOTE]


def ticket_words(ticket: Ticket, helpdesk: Helpdesk) -> dict[str, Any]:
    """Return what templates may show of a ticket."""
    assignee = helpdesk.policy.directory.agent(ticket.assignee)
    return {
        "number": ticket.number,
        "token": helpdesk.token(ticket.number),
        "subject": ticket.subject,
        "status": ticket.status.value,
        "priority": ticket.priority.value,
        "sla_plan": ticket.sla_plan,
        "department": ticket.department,
        "team": ticket.team,
        "assignee": assignee.shown if assignee else ticket.assignee,
        "requester": person_words(ticket.requester),
        "created_at": ticket.created_at.isoformat(),
        "closed": ticket.status in {Status.RESOLVED, Status.CLOSED},
    }


def person_words(person: Person) -> dict[str, str]:
    """Return what templates may show of a person."""
    return {"name": person.name, "address": str(person.address)}


def entry_words(entry: StoredEntry) -> dict[str, Any]:
    """Return what templates may show of an entry."""
    author = {"name": entry.author_name or entry.author.address, "address": entry.author.address}
    files = [{"name": a.name, "size": a.size} for a in entry.attachments]
    words = {"kind": entry.kind, "text": entry.text, "at": entry.at.isoformat(), "author": author}
    return words | {"attachments": files, "folded_lines": entry.folded_lines}


def last_of(entries: Sequence[StoredEntry], kind: str) -> StoredEntry | None:
    """Return the newest entry of a kind."""
    return next((entry for entry in reversed(entries) if entry.kind == kind), None)


def _last_message(notice: Notice, occasion: NoticeContext, shown: StoredEntry | None) -> StoredEntry | None:
    """Return the customer's last words, where the notice is about something else."""
    last = last_of(occasion.entries, "message") if notice.agent else None
    return last if last is not None and last is not shown else None


def answer_words(scope: Scope, ticket: Ticket) -> dict[str, Any]:
    """Return what an answer to the mail will do, for its first line."""
    to = _mailbox(ticket.requester) if scope is Scope.REPLY else ""
    copies = [_mailbox(p.person) for p in ticket.participants if p.reads_answers] if scope is Scope.REPLY else []
    return {"scope": scope.value, "to": to, "copies": copies}


def _mailbox(person: Person) -> str:
    return f"{person.name} <{person.address}>" if person.name else str(person.address)


def _doer(occasion: NoticeContext, helpdesk: Helpdesk) -> Doer:
    actor = occasion.decision.actor
    agent = helpdesk.policy.directory.agent(actor.name) if actor.role is Role.AGENT else None
    entry = occasion.entry
    name = agent.shown if agent else (entry.author_name if entry else "") or actor.shown
    return Doer(name, actor.address, actor.role.value)


# -- SLA --------------------------------------------------------------------------------------------------------


def due_words(standing: Standing, now: datetime, steps: Sequence[events.Escalated]) -> dict[str, Any] | None:
    """Return the deadline that the mail speaks of: the escalated target's, else the earliest unmet one."""
    wanted = steps[0].target if steps else ""
    running = [t for t in standing.targets if t.due_at is not None and t.met_at is None]
    chosen = [t for t in running if t.target.value == wanted] or sorted(running, key=lambda t: t.due_at or now)
    if not chosen or chosen[0].due_at is None:
        return None
    due = chosen[0].due_at
    return {
        "target": chosen[0].target.value,
        "at": due.isoformat(),
        "local": "",  # the template names the day in the recipient's words
        "left": span_words(due - now),
        "late": due <= now,
    }


def page_words(notice: Notice, occasion: NoticeContext, helpdesk: Helpdesk) -> dict[str, Any]:
    """Return what a page says besides the ticket and its deadline: on whose clock, and of how many more."""
    agent = helpdesk.policy.directory.agent(notice.pages)
    zone = helpdesk.clock_of(agent) if agent is not None else str(helpdesk.zone)
    return {"timezone": zone, "others": notice.others, "entry": None, "last_message": None, "changes": []}


def span_words(span: timedelta) -> str:
    """Return a duration in its two largest units, without sign: 3 h 18 min."""
    minutes = round(abs(span.total_seconds()) / 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = [
        f"{days} d" if days else "",
        f"{hours} h" if hours else "",
        f"{minutes} min" if minutes and not days else "",
    ]
    return " ".join(part for part in parts if part) or "less than a minute"


# -- what happened ----------------------------------------------------------------------------------------------


def changes(happened: Sequence[events.Event], helpdesk: Helpdesk, zone: tzinfo) -> list[str]:
    """Return what happened besides text: "priority normal -> emergency". Times are on the clock of `zone`."""
    moved_by = any(isinstance(event, CAUSES) for event in happened)  # it is told beside, and needs no repeating
    told = []
    for event in happened:
        if isinstance(event, events.DeadlineMoved):
            told.append(deadline_words(event, zone, with_reason=not moved_by))
        else:
            told.append(notice_line(event, helpdesk.policy.directory, zone))
    return [words for words in told if words]


# -- what can be done -------------------------------------------------------------------------------------------


def actions(notice: Notice, occasion: NoticeContext, helpdesk: Helpdesk, sealing: Sealing) -> list[dict[str, str]]:
    """Return at most four things that one tap asks for, each with its own address.

    The command is in the body too, for providers that lose what follows a plus."""
    agent = helpdesk.policy.directory.agent(notice.agent)
    if agent is None:
        return []
    ticket = occasion.ticket
    buttons = usual(ticket, agent, notice.scope) if notice.buttons is None else notice.buttons
    subject = link_subject(ticket, helpdesk)
    made = []
    for button in buttons[:MOST]:
        to = sealing(button.scope, button.verb.format(draft=occasion.draft))
        made.append({"label": button.label, "mailto": mailto(to, subject, button.typed), "typed": button.typed})
    return made


def _stop_words(notice: Notice, ticket: Ticket, helpdesk: Helpdesk, sealing: Sealing) -> list[dict[str, str]]:
    """Return how the reader stops notices like this one: what to type, where to, and a link that does it."""
    made = []
    for stop in stops_of(notice):
        words = {"label": stop.label, "typed": f"!{stop.verb}" if stop.verb else stop.asks, "to": "", "mailto": ""}
        if stop.verb:
            words["mailto"] = mailto(sealing(Scope.COMMAND, stop.verb), link_subject(ticket, helpdesk), words["typed"])
        elif stop.asks:
            if not helpdesk.settings.helpdesk.plus_addressing:
                continue  # a mail to the bare address asks for nothing
            words = asked_words(stop, sealing(Scope.QUERY, ""))
        made.append(words)
    return made


def asked_words(stop: Stop, address: Address) -> dict[str, str]:
    """Return a preference that is mailed to the reader's own address for questions."""
    link = mailto(address, stop.asks, stop.asks)
    return {"label": stop.label, "typed": stop.asks, "to": str(address), "mailto": link}


def link_subject(ticket: Ticket, helpdesk: Helpdesk) -> str:
    """Return the thread's subject with its token. A fresh subject would make it a fresh mail."""
    return f"Re: {ticket.thread_subject[:_SUBJECT_LENGTH]} [#{helpdesk.token(ticket.number)}]"


def mailto(address: Address, subject: str, body: str) -> str:
    """Return an RFC 6068 link; "" when it would be longer than mail programs take."""
    to = quote(str(address), safe="@.")
    link = (
        f"mailto:{to}?subject={quote(subject, safe='')}&body={quote(body.replace(chr(10), chr(13) + chr(10)), safe='')}"
    )
    return link if len(link) <= _MAILTO_LENGTH else ""


def _held_words(decision: Decision, helpdesk: Helpdesk) -> dict[str, Any]:
    """The text that waits for somebody's word, and what they should know."""
    held = next(iter(decision.effects_of(AboutHeldReply)), None)
    if held is None:
        return {}
    agent = helpdesk.policy.directory.agent(held.agent)
    return {
        "news": list(held.news),
        "held": {
            "kind": held.kind.value,
            "reason": held.reason,
            "agent": agent.shown if agent else held.agent,
            "reminder": isinstance(held, RemindOfHeldReply),
            "by_other": isinstance(held, RemindOfHeldReply) and held.by_other,
        },
        "original_text": held.text,
    }


def message_words(decision: Decision, helpdesk: Helpdesk) -> dict[str, Any]:
    """Return what a mail about no ticket says of a decision: the held reply, the transcript."""
    words = _held_words(decision, helpdesk)
    return words | _said_back(decision.mails.transcript) if decision.mails.transcript else words


def _transcript_words(
    work: Work, notice: Notice, occasion: NoticeContext, reply_to: Address, zone: tzinfo
) -> dict[str, Any]:
    transcript, subject = occasion.decision.mails.transcript, occasion.ticket.thread_subject
    if transcript is None or not notice.mail_kind.transcript:
        return {}
    words = _said_back(transcript)
    if transcript.wait is not None:
        words["results"] += wait_lines(transcript.wait, occasion.answer_leaves_at, work.now, zone)
    fix = mailto(reply_to, subject, transcript.corrected_text) if transcript.corrected_text else ""
    return words | {"fix_mailto": fix}


def _said_back(transcript: Transcript) -> dict[str, Any]:
    names = ("line", "message", "suggestion")
    return {
        "problems": [dict(zip(names, problem, strict=True)) for problem in transcript.problems],
        "results": list(transcript.results),
        "help": transcript.help,
        "original_text": transcript.original_text,
        "corrected_text": transcript.corrected_text,
        "receipt": not transcript.problems,
    }
