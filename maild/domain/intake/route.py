"""Where a mail belongs: clues in the mail, one look-up of facts, one verdict with its reason.

The carriers of a clue are asked in the order of their trust: sealed reply address, Message-ID in In-Reply-To or
References, mark in the body, subject token. The first valid one decides. A valid carrier in a stranger's hands
decides nothing: the mail is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from maild.domain.messages.message import Envelope, InboundMessage
from maild.domain.messages.reply_tokens import (
    KeyRing,
    Scope,
    Sealed,
    opens,
    read_message_id,
    read_reply_address,
    read_root_id,
    subject_tickets,
)
from maild.domain.messages.subject import same_subject
from maild.domain.people.directory import Address, Agent, Directory
from maild.domain.tickets.ticket import Ticket

_MAX_IDS = 50  # ids looked up for one mail
_MAX_SEALED = 50  # reply addresses whose holders are looked up for one mail
EXPIRED = "expired"  # the verb of a button that is too old to act
WITHOUT_TICKET = frozenset({Scope.DIGEST, Scope.QUERY})
_EXPIRES_AFTER = timedelta(days=30)  # addresses that act by themselves; answers may come after years


class Carrier(StrEnum):
    """What in a mail carries the clue to its ticket."""

    REPLY_ADDRESS = "reply-address"
    OWN_MESSAGE_ID = "own-message-id"
    BODY_MARKER = "body-marker"
    KNOWN_MESSAGE_ID = "known-message-id"
    SUBJECT_TOKEN = "subject-token"
    JOIN_KEY = "join-key"  # of a rule: alerts about one thing
    NONE = "none"


class RouteKind(StrEnum):
    """What a mail is to the ticket that it leads to."""

    NEW = "new-ticket"
    REPLY = "reply"
    HELD = "held"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Clues:
    """The keys to look up: everything in a mail that may say where it belongs."""

    sealed: tuple[Sealed, ...] = ()
    own_ids: tuple[Sealed, ...] = ()  # MAC checked, nearest parent first
    root_tickets: tuple[int, ...] = ()
    markers: tuple[Sealed, ...] = ()  # own ids that stand in the body; MAC checked
    message_id: str = ""
    parent_ids: tuple[str, ...] = ()  # all ids, nearest first: customers answer their own mails too
    token_tickets: tuple[int, ...] = ()  # check characters verified
    sameness: str = ""

    def tickets(self, holders: Mapping[int, Holder], ring: KeyRing) -> tuple[int, ...]:
        """The tickets that valid marks name. Nothing is looked up for a mark that does not open."""
        marked = [sealed.ticket for sealed, _ in self.opened(holders, ring) if sealed.scope not in WITHOUT_TICKET]
        named = (own.ticket for own in (*self.own_ids, *self.markers) if own.scope not in WITHOUT_TICKET)
        return tuple(dict.fromkeys((*marked, *named, *self.root_tickets, *self.token_tickets)))

    def opened(self, holders: Mapping[int, Holder], ring: KeyRing) -> list[tuple[Sealed, Holder]]:
        """Return the reply addresses whose MAC is right, each with whom it was given to."""
        held = [(sealed, holders[sealed.recipient]) for sealed in self.sealed if sealed.recipient in holders]
        return [(sealed, holder) for sealed, holder in held if opens(ring, sealed, holder.epoch)]

    @property
    def lists(self) -> tuple[int, ...]:
        """The lists that marks name as answered. Whether a reply address is valid is judged separately."""
        marks = (*self.sealed, *self.own_ids, *self.markers)
        return tuple(dict.fromkeys(mark.ticket for mark in marks if mark.scope is Scope.DIGEST))

    @property
    def recipients(self) -> tuple[int, ...]:
        """The numbers of the contacts that marks were given to."""
        return tuple(dict.fromkeys(s.recipient for s in (*self.sealed, *self.own_ids, *self.markers)))

    @property
    def family(self) -> tuple[str, ...]:
        """The ids by which earlier mails may have named this one, or the same ancestors."""
        return tuple(filter(None, (self.message_id, *self.parent_ids)))


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a mark was given to: an agent by name, or an address; with the epoch that seals it."""

    address: Address
    epoch: int
    agent: str = ""
    revoked_before: int = 0  # Message-IDs of mails with a lower outbox number lead nowhere any more


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store knows of the clues."""

    tickets: Mapping[int, Ticket] = field(default_factory=dict)
    holders: Mapping[int, Holder] = field(default_factory=dict)
    tickets_of_ids: Mapping[str, int] = field(default_factory=dict)
    tickets_of_ancestors: Mapping[str, int] = field(default_factory=dict)  # whose mails name an id of the family
    same_mail: tuple[int, int | None] | None = None  # (inbound, ticket) of an earlier copy
    sealed_at: Mapping[tuple[int, int], datetime] = field(default_factory=dict)  # (ticket, event) -> when it happened
    snapshots: Mapping[int, str] = field(default_factory=dict)  # list -> the agent it was made for
    now: datetime | None = None  # nothing expires without it


@dataclass(frozen=True, slots=True)
class Route:
    """Where a mail belongs, by which carrier, and why."""

    verdict: RouteKind
    reason: str
    carrier: Carrier = Carrier.NONE
    ticket: int | None = None
    scope: Scope | None = None
    seen: int | None = None  # the event sequence that the sender had seen
    verb: str = ""  # what a sealed address asks for by itself: close, snooze-1d, send-12
    snapshot: int | None = None  # the list that the sender answers
    related: int | None = None  # a ticket that this mail may have to do with
    ignored: tuple[str, ...] = ()  # carriers that did not count, and why


def clues(message: InboundMessage, envelope: Envelope, ring: KeyRing, domain: str = "") -> Clues:
    """Return everything in the mail that may lead to a ticket. Invalid marks count as absent.

    `domain` is the right side of our Message-IDs, which marks in the body do not repeat."""
    marked = (read_message_id(ring, f"<{marker}@{domain}>") for marker in message.markers)
    addresses = (*message.recipients, *filter(None, map(Address.read, envelope.recipients)))
    sealed = (found for address in dict.fromkeys(addresses) if (found := read_reply_address(address)))
    parents = tuple(dict.fromkeys((*message.in_reply_to, *reversed(message.references))))[:_MAX_IDS]
    return Clues(
        sealed=tuple(islice(sealed, _MAX_SEALED)),
        own_ids=tuple(found for text in parents if (found := read_message_id(ring, text))),
        root_tickets=tuple(root for text in parents if (root := read_root_id(ring, text)) is not None),
        markers=tuple(filter(None, marked)),
        message_id=message.message_id,
        parent_ids=parents,
        token_tickets=subject_tickets(ring, message.subject),
        sameness=message.sameness,
    )


def route(message: InboundMessage, found: Clues, facts: Facts, ring: KeyRing, directory: Directory) -> Route:
    """Return where the mail belongs. It is a pure function of the mail, the look-up and the configuration."""
    if facts.same_mail is not None:
        inbound, ticket = facts.same_mail
        return Route(RouteKind.DUPLICATE, f"the same mail was kept before as {inbound}", ticket=ticket)
    sender = message.sender.address if message.sender else None
    agent = directory.agent_at(sender) if sender else None
    ignored: list[str] = []
    asking = _Asking(sender, agent, ring, message, ignored)
    for ask in (_by_reply_address, _by_own_id, _by_known_id, _by_family, _by_marker, _by_token):
        answer = ask(found, facts, asking)
        if answer is not None:
            return answer
    related = next((facts.tickets_of_ids[i] for i in found.parent_ids if i in facts.tickets_of_ids), None)
    return Route(RouteKind.NEW, "nothing in the mail leads to a ticket", related=related, ignored=tuple(ignored))


@dataclass(frozen=True, slots=True)
class _Asking:
    sender: Address | None
    agent: Agent | None
    ring: KeyRing
    message: InboundMessage
    ignored: list[str]

    def fits(self, holder: Holder | None, ticket: Ticket, scope: Scope, verb: str = "") -> bool:
        """May this sender use a mark given to `holder`? Participants may use each other's customer marks, except those
        that act by themselves: nobody leaves a ticket, or rates it, for somebody else."""
        if self.sender is None or holder is None:
            return False
        if holder.agent:
            return self.agent is not None and self.agent.name == holder.agent
        if scope is Scope.USER and not verb and ticket.includes(self.sender):
            return True
        return holder.address == self.sender


def _by_reply_address(found: Clues, facts: Facts, asking: _Asking) -> Route | None:
    valid = [pair for pair in found.opened(facts.holders, asking.ring) if _leads(pair[0], facts)]
    if len(valid) < len(found.sealed):
        asking.ignored.append("a reply address that is not ours or no longer valid")
    if not valid:
        return None
    # The more private wins where an answer went to two of our addresses (03, section 3.4).
    sealed, holder = min(valid, key=lambda pair: pair[0].scope is Scope.REPLY)
    if sealed.scope in WITHOUT_TICKET or not sealed.ticket:
        return _to_us(sealed, holder, asking, Carrier.REPLY_ADDRESS)
    answer = _judged(sealed, holder, facts, asking, Carrier.REPLY_ADDRESS)
    if answer.verdict is not RouteKind.REPLY:
        return answer
    if _expired(sealed, facts):
        return replace(answer, verb=EXPIRED, reason=f"{answer.reason}, more than 30 days ago")
    if sealed.verb or not _fresh(facts.tickets[sealed.ticket], found, asking.message):
        return answer  # a button's mail is no answer to anything, and means what its address says
    return _afresh(answer)


def _leads(sealed: Sealed, facts: Facts) -> bool:
    """Tell whether a mark with a right MAC leads anywhere, and may still act."""
    if sealed.scope is Scope.QUERY:
        return True
    if sealed.scope is Scope.DIGEST:
        return sealed.ticket in facts.snapshots
    if sealed.scope is Scope.COMMAND and sealed.ticket == 0:
        return True
    return sealed.ticket in facts.tickets


def _expired(sealed: Sealed, facts: Facts) -> bool:
    """Tell whether an address that acts by itself is older than 30 days: the ticket is another one by then."""
    at = facts.sealed_at.get((sealed.ticket, sealed.seq)) if sealed.scope is Scope.COMMAND else None
    return at is not None and facts.now is not None and facts.now - at > _EXPIRES_AFTER


def _to_us(sealed: Sealed, holder: Holder | None, asking: _Asking, carrier: Carrier) -> Route:
    """Route an answer that concerns no single ticket: to a list, to a digest, a question, a word about a held mail."""
    trail = tuple(asking.ignored)
    if holder is None or asking.agent is None or asking.agent.name != holder.agent:
        return Route(RouteKind.HELD, "token-from-another-address", carrier, ignored=trail)
    snapshot = sealed.ticket if sealed.scope is Scope.DIGEST else None
    purpose = "a list" if snapshot else "questions and words to us"
    reason = f"the {carrier.value.replace('-', ' ')} was given to {holder.agent} for {purpose}"
    return Route(
        RouteKind.REPLY,
        reason,
        carrier,
        scope=sealed.scope,
        seen=sealed.seq,
        verb=sealed.verb,
        snapshot=snapshot,
        ignored=trail,
    )


def _fresh(ticket: Ticket, found: Clues, message: InboundMessage) -> bool:
    """Tell whether a sealed address was taken from an address book for something new. Answers name a parent or keep
    the subject."""
    if found.parent_ids or ticket.number in found.token_tickets or not message.subject.strip():
        return False
    return not same_subject(message.subject, ticket.thread_subject)


def _afresh(answer: Route) -> Route:
    """Route such a mail: a customer begins a new, linked ticket; an agent's words are held, or the wrong customer
    might get them."""
    reason = f"a fresh mail to the reply address of ticket {answer.ticket}: neither answer nor its subject"
    if answer.scope is Scope.USER:
        return Route(RouteKind.NEW, reason, related=answer.ticket, ignored=answer.ignored)
    return replace(answer, verdict=RouteKind.HELD, reason=reason)


def _by_own_id(found: Clues, facts: Facts, asking: _Asking) -> Route | None:
    if answer := _by_mark(found.own_ids, facts, asking, Carrier.OWN_MESSAGE_ID):
        return answer
    for number in found.root_tickets:
        if number in facts.tickets:
            return _by_place(facts.tickets[number], asking, Carrier.OWN_MESSAGE_ID)
    return None


def _by_mark(marks: Sequence[Sealed], facts: Facts, asking: _Asking, carrier: Carrier) -> Route | None:
    """Route by the first mark with a right MAC that leads anywhere: to a ticket, or to us."""
    for sealed in marks:
        holder = facts.holders.get(sealed.recipient)
        if holder is not None and sealed.outbox < holder.revoked_before:
            asking.ignored.append("an id of ours that was taken back with all other marks of its recipient")
            continue
        if sealed.scope in WITHOUT_TICKET or not sealed.ticket:
            if _leads(sealed, facts):
                return _to_us(sealed, holder, asking, carrier)
        elif sealed.ticket in facts.tickets:
            return _judged(sealed, holder, facts, asking, carrier)
    return None


def _judged(sealed: Sealed, holder: Holder | None, facts: Facts, asking: _Asking, carrier: Carrier) -> Route:
    ticket = facts.tickets[sealed.ticket]
    trail = tuple(asking.ignored)
    if not asking.fits(holder, ticket, sealed.scope, sealed.verb):
        return Route(RouteKind.HELD, "token-from-another-address", carrier, ticket.number, ignored=trail)
    reason = f"the {carrier.value.replace('-', ' ')} was given to this sender for ticket {ticket.number}"
    return Route(
        RouteKind.REPLY, reason, carrier, ticket.number, sealed.scope, sealed.seq, verb=sealed.verb, ignored=trail
    )


def _by_known_id(found: Clues, facts: Facts, asking: _Asking) -> Route | None:
    """Route an answer to a mail that is in a thread, for instance a customer's second mail to their own first."""
    for text in found.parent_ids:
        ticket = facts.tickets.get(facts.tickets_of_ids.get(text, 0))
        if ticket is None:
            continue
        if asking.agent is not None or (asking.sender is not None and ticket.includes(asking.sender)):
            return _by_place(ticket, asking, Carrier.KNOWN_MESSAGE_ID)
        asking.ignored.append(f"an answer to a mail of ticket {ticket.number}, but the sender is a stranger to it")
    return None


def _by_family(found: Clues, facts: Facts, asking: _Asking) -> Route | None:
    """Route a mail that comes later than its answers, or whose parent we never saw: its relatives lead to the
    ticket.

    Only for those who take part already, because the ids of others' mails are no secret."""
    for text in found.family:
        ticket = facts.tickets.get(facts.tickets_of_ancestors.get(text, 0))
        if ticket is not None and asking.sender is not None and ticket.includes(asking.sender):
            return _by_place(ticket, asking, Carrier.KNOWN_MESSAGE_ID)
    return None


def _by_marker(found: Clues, facts: Facts, asking: _Asking) -> Route | None:
    return _by_mark(found.markers, facts, asking, Carrier.BODY_MARKER)


def _by_token(found: Clues, facts: Facts, asking: _Asking) -> Route | None:
    for number in found.token_tickets:
        if number in facts.tickets:
            return _by_place(facts.tickets[number], asking, Carrier.SUBJECT_TOKEN)
    return None


def _by_place(ticket: Ticket, asking: _Asking, carrier: Carrier) -> Route:
    """Route by a carrier that names the ticket but nobody. It counts for participants and agents, whose text stays
    inside."""
    trail = tuple(asking.ignored)
    if asking.agent is not None and ticket.requester.address != asking.sender:
        reason = f"the {carrier.value.replace('-', ' ')} leads to ticket {ticket.number}; an agent's text stays inside"
        return Route(RouteKind.REPLY, reason, carrier, ticket.number, Scope.NOTE, ignored=trail)
    if asking.sender is not None and ticket.includes(asking.sender):
        reason = (
            f"the {carrier.value.replace('-', ' ')} leads to ticket {ticket.number}, which the sender takes part in"
        )
        return Route(RouteKind.REPLY, reason, carrier, ticket.number, Scope.USER, ignored=trail)
    return Route(RouteKind.HELD, "token-from-another-address", carrier, ticket.number, ignored=trail)
