"""Mails of customers into a known thread. Everything is a message; a few words and addresses mean more."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from enum import Enum, auto

from maild.domain.decision import Decision, EntryDraft, Outcome
from maild.domain.intake.classify import MailClass
from maild.domain.intake.decide.auto_answers import AutoAnswer, state
from maild.domain.intake.decide.case import Case, actor_of, entry_of, held
from maild.domain.intake.decide.copies import joining
from maild.domain.intake.decide.proof import is_sealed
from maild.domain.intake.route import Carrier, RouteKind
from maild.domain.intake.thank_you import is_thanks
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.notice import Notice
from maild.domain.people.directory import Person, Role, Trust
from maild.domain.tickets import events
from maild.domain.tickets.events import SYSTEM, THIS_ENTRY, Actor, Event
from maild.domain.tickets.ratings import Rating
from maild.domain.tickets.spam import marked_by_filter_alone
from maild.domain.tickets.ticket import Status, Ticket

LEAVE = "leave"  # the verb of an address by which somebody in Cc leaves
RATE = "rate-"  # and of those that say how the help was, before the word for it


class _Said(Enum):
    """What a customer's mail is besides a message."""

    MORE = auto()  # than a program can know: nothing but a message
    THANKS = auto()
    STATUS = auto()
    CLOSE = auto()


def customer_writes(case: Case) -> Decision | None:
    """Judge a message into a known thread.

    It reopens the ticket, unless that ended too long ago or nobody waits for an answer. A ticket that only a
    filter took for spam is opened by a person's next mail, and told as new."""
    ticket = case.ticket
    if ticket is None or case.route.verdict is not RouteKind.REPLY:
        return None
    no_spam = _no_spam_after_all(case, ticket)
    said = _Said.MORE if no_spam else _said(case, ticket)
    answer = state(case) if said is _Said.STATUS else None
    settled = said in {_Said.THANKS, _Said.CLOSE} or (answer is not None and answer.due and ticket.status.ended)
    if not case.automatic and not settled and _ended_long_ago(ticket, case):
        return None  # opened as a new, linked ticket by the rule below
    if case.route.carrier is Carrier.SUBJECT_TOKEN and _forged(case):
        # Subjects are quoted and forwarded by everybody: beside a forged From a token is worth nothing.
        return held(case, f"the sender is not proven: {case.evidence.reason}")
    machine = case.automatic or case.route.carrier is Carrier.JOIN_KEY
    actor = actor_of(case)
    message = events.MessageReceived(at=case.at, by=actor, entry=THIS_ENTRY, automatic=machine, courtesy=settled)
    change, why = _status(case, ticket, said, moves=not machine and not settled)
    if no_spam:
        change, why = _changed(case, ticket, Status.OPEN, SYSTEM, "no spam after all: a person wrote again")
    happened: tuple[Event, ...] = (message, *joining(case, ticket), *change)
    decision = Decision(
        Outcome.REPLIED, "; ".join(filter(None, (case.route.reason, why))), happened, (entry_of(case),), actor
    )
    return _with_state(decision, answer, case.sender) if answer is not None else decision


def _forged(case: Case) -> bool:
    return case.evidence.trust is Trust.FAILED and not case.released


def _no_spam_after_all(case: Case, ticket: Ticket) -> bool:
    """Tell whether a person writes, unmarked and unforged, to a ticket that only a filter took for spam."""
    if ticket.status is not Status.SPAM or case.route.carrier is Carrier.JOIN_KEY or _forged(case):
        return False
    clean = case.classification.mail_class is MailClass.PERSON
    return clean and marked_by_filter_alone(case.lookups.history(ticket.number))


def _ended_long_ago(ticket: Ticket, case: Case) -> bool:
    return ticket.ended_at is not None and case.at - ticket.ended_at > case.policy.reopen_within


# -- words that mean more ---------------------------------------------------------------------------------------------


def _said(case: Case, ticket: Ticket) -> _Said:
    """Return what a person of the ticket wrote, when it is the whole new text.

    STATUS counts in any case, with or without question mark: it changes nothing, and phones write "Status".
    CLOSE ends a ticket, so it must be meant: in capitals, only from the requester, and with a mark or an
    authentication that no stranger has. A thank-you counts after the work has ended: on an open ticket it may be
    everything that an agent waits for."""
    own, forwarded = case.message.own_and_forwarded
    person = not case.automatic and case.route.carrier is not Carrier.JOIN_KEY
    if not person or forwarded.strip() or not ticket.includes(case.sender.address):
        return _Said.MORE
    word = unicodedata.normalize("NFKC", own[:100]).strip()
    if word.rstrip("?.!").strip().casefold() == "status":
        return _Said.STATUS
    if any(not file.inline for file in case.message.attachments):
        return _Said.MORE
    if word == "CLOSE" and _may_close(case, ticket):
        return _Said.CLOSE
    if ticket.status.ended and not case.message.attachments and is_thanks(own, names=_names(case, ticket)):
        return _Said.THANKS
    return _Said.MORE


def _may_close(case: Case, ticket: Ticket) -> bool:
    proven = case.evidence.trust is Trust.VERIFIED or (is_sealed(case) and not _forged(case))
    return proven and ticket.requester.address == case.sender.address and ticket.status is not Status.SPAM


def _names(case: Case, ticket: Ticket) -> tuple[str, ...]:
    """Return the names that the writer may sign with and call the helper by. Mail programs leave out names that we
    know."""
    agents = case.policy.directory.agents
    here = (case.policy.helpdesk_name, *(agent.shown for agent in agents), *(agent.name for agent in agents))
    people = (case.sender, ticket.requester, *(participant.person for participant in ticket.participants))
    return (*(person.name for person in people), *case.sender.address.local.split("."), *here)


def _status(case: Case, ticket: Ticket, said: _Said, *, moves: bool) -> tuple[tuple[events.StatusChanged, ...], str]:
    """Return how the message changes the ticket's status, and why."""
    if said is _Said.CLOSE:
        if ticket.status.ended:
            return (), "the customer asked to close what has ended"
        return _changed(case, ticket, Status.RESOLVED, actor_of(case), "the customer asked to close it")
    if case.filing.resolves and case.route.carrier is Carrier.JOIN_KEY:
        return _changed(case, ticket, Status.RESOLVED, Actor(Role.SYSTEM, "rule"), "the alert recovered")
    if said is _Said.THANKS:
        return (), "a thank-you: nobody waits for an answer"
    if not moves or ticket.status in {Status.OPEN, Status.SPAM}:
        return (), ""
    change, _ = _changed(case, ticket, Status.OPEN, actor_of(case), "the customer wrote")
    return change, f"{ticket.status} -> open"


def _changed(
    case: Case, ticket: Ticket, status: Status, by: Actor, why: str
) -> tuple[tuple[events.StatusChanged, ...], str]:
    return (events.StatusChanged(at=case.at, by=by, status=status, previous=ticket.status, reason=why),), why


def _with_state(decision: Decision, answer: AutoAnswer, asks: Person) -> Decision:
    """Tell the state of the ticket to somebody who asked. The mail stays a message for a person when no program may
    answer."""
    told = Notice(template="status", to=asks, scope=Scope.USER, reason="you asked for the state of this ticket")
    notices = (told,) if answer.due else ()
    mails = replace(decision.mails, notices=notices)
    return replace(decision, mails=mails, effects=answer.effects, steps=(answer.step("status"),))


# -- addresses that mean something by themselves ----------------------------------------------------------------------


def customer_presses(case: Case) -> Decision | None:
    """Judge a mail to an address that we gave a customer for one purpose: to leave a ticket, or to rate the help."""
    ticket, verb = case.ticket, case.route.verb
    if ticket is None or case.route.verdict is not RouteKind.REPLY or case.route.scope is not Scope.USER or not verb:
        return None
    if _forged(case):
        return held(case, f"the sender is not proven: {case.evidence.reason}")
    if verb == LEAVE:
        return _leaves(case, ticket)
    if verb.startswith(RATE) and not case.automatic:
        return _rates(case, verb.removeprefix(RATE))
    return None  # a message, whatever its address once meant


def _leaves(case: Case, ticket: Ticket) -> Decision | None:
    """Let somebody in Cc leave. They hear nothing more, not even of that. What they wrote with it stays in the
    thread.

    Mail programs send such mails at the press of a button, and some mark them as automatic: that counts too."""
    if case.classification.mail_class not in {MailClass.PERSON, MailClass.LIST, MailClass.AUTOMATIC}:
        return None
    role = next((p.role for p in ticket.participants if p.person.address == case.sender.address), "")
    if not role:
        if ticket.includes(case.sender.address):
            return None  # the requester, since an agent made them so: somebody must see that they wish to leave
        return Decision(Outcome.IGNORED, "the sender had left the ticket before")
    actor = actor_of(case)
    gone: list[Event] = [events.ParticipantRemoved(at=case.at, by=actor, person=case.sender, role=role)]
    entries: tuple[EntryDraft, ...] = ()
    if _own_text(case):
        entries = (entry_of(case),)
        gone.append(events.MessageReceived(at=case.at, by=actor, entry=THIS_ENTRY, automatic=True))
    return Decision(Outcome.COMMANDED, "the sender leaves the ticket", tuple(gone), entries, actor)


def _rates(case: Case, word: str) -> Decision | None:
    """Record how the help was, in one word; the last one counts.

    Text with it is a message and reopens nothing: those in charge read it, and see the button that does."""
    if word not in set(Rating):
        return None
    actor = actor_of(case)
    happened: list[Event] = [events.Rated(at=case.at, by=actor, rating=word)]
    reason = f"the customer rates the help: {word}"
    if not _own_text(case) and not case.message.attachments:
        return Decision(Outcome.COMMANDED, reason, tuple(happened), actor=actor)
    happened.append(events.MessageReceived(at=case.at, by=actor, entry=THIS_ENTRY, courtesy=True))
    return Decision(Outcome.REPLIED, reason, tuple(happened), (entry_of(case),), actor)


def _own_text(case: Case) -> str:
    return "".join(case.message.own_and_forwarded).strip()
