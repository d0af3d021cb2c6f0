"""The admin's help topics, filter rules and bans: what a mail matches, and what follows for its ticket.

Expressions are searched in single lines of a capped text, by an engine that needs linear time. So no mail makes
`file` fail or hang."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Protocol

from maild.domain.messages.message import Envelope, InboundMessage
from maild.domain.people.directory import Person, ascii_lower

TEXT_AT_MOST = 65_536  # characters of a text that are searched
_LINE_AT_MOST = 1000  # characters of a subject or of a header's value that are searched
_VALUES_AT_MOST = 50  # values of one header that are searched: Received may be so many
KEY_AT_MOST = 200  # characters of the key that joins alerts
_NAME_AT_MOST = 320  # characters of an address (RFC 5321 4.5.3.1: 64 + @ + 255) or of a file name's end


class Expression(Protocol):
    """A regular expression that is searched in any case. An empty one is falsy and is not asked."""

    def search(self, text: str) -> str | None:
        """Return the text of the expression's group, or all that it matched; None when `text` does not have it."""


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold. An empty one is not asked. Case is ignored."""

    subject: Expression | None = None
    from_: str = ""  # glob over the sender's address: *@monitor.example
    address: str = ""  # an address of ours that the mail went to
    to: str = ""  # glob over any address that it went to, ours or not
    header: tuple[tuple[str, Expression], ...] = ()  # name and expression; one value of that header must match
    body: Expression | None = None  # searched in each line of the text
    attachment: str = ""  # glob over the attachments' names: *.ics
    class_: tuple[str, ...] = ()  # any of these kinds of mail, as maild.domain.intake.classify has them


@dataclass(frozen=True, slots=True)
class Topic:
    """A help topic: the first one that matches names department, team, priority and plan."""

    name: str
    match: Match = Match()
    department: str = ""
    team: str = ""
    assignee: str = ""
    priority: str = ""
    sla_plan: str = ""
    acknowledge: bool | None = None
    tags: tuple[str, ...] = ()
    mute: bool = False
    requester: str = ""  # "reply-to", or "" for the sender
    join: Expression | None = None
    resolve_on: Expression | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter rule. Every one that matches applies, in order; a later one wins."""

    match: Match = Match()
    department: str = ""
    team: str = ""
    assignee: str = ""
    priority: str = ""
    sla_plan: str = ""
    topic: str = ""
    tags: tuple[str, ...] = ()
    acknowledge: bool | None = None
    reject: bool = False
    ignore: bool = False
    mute: bool = False
    requester: str = ""  # "reply-to", or "" for the sender
    join: Expression | None = None  # searched in subject and text: mails with one key go into one ticket
    resolve_on: Expression | None = None  # searched in subject and text: this mail of a joined ticket tells of recovery


@dataclass(frozen=True, slots=True)
class Ban:
    """A sender whose mail is recorded and ignored. One of address, domain and pattern is set."""

    address: str = ""
    domain: str = ""  # with all below it
    pattern: str = ""  # glob over the address
    reason: str = ""
    reject: bool = False  # refuse it in the SMTP dialogue already (550 5.7.1)

    def holds_for(self, sender: str) -> bool:
        """Tell whether this address is banned. The null reverse-path never is: it carries bounces."""
        address = ascii_lower(sender.strip(" <>"))[:_NAME_AT_MOST]
        if not address:
            return False
        domain, own = address.rpartition("@")[2], ascii_lower(self.domain)
        return (
            (bool(own) and (domain == own or domain.endswith(f".{own}")))
            or (bool(self.address) and address == ascii_lower(self.address))
            or (bool(self.pattern) and _fits(self.pattern, address))
        )

    @property
    def shown(self) -> str:
        """What is banned, in words: "domain spam.example"."""
        named = (("address", self.address), ("domain", self.domain), ("pattern", self.pattern))
        return next((f"{kind} {value}" for kind, value in named if value), "nobody")


@dataclass(frozen=True, slots=True)
class Filing:
    """What topics, rules and bans say of a mail; "", None and False where they say nothing."""

    topic: str = ""
    department: str = ""
    team: str = ""
    assignee: str = ""
    priority: str = ""
    rule_plan: str = ""
    topic_plan: str = ""
    tags: tuple[str, ...] = ()
    acknowledge: bool | None = None
    reject: bool = False
    ignore: bool = False
    trail: tuple[str, ...] = ()  # which topic and rules matched, for explain
    mute: bool = False  # agents hear nothing of it
    requester: Person | None = None  # who speaks through the sender, a contact form; as claimed by the mail alone
    join_key: str = ""  # mails with the same key belong into one ticket while that is open
    resolves: bool = False  # the ticket of the key is over: the alert recovered
    banned: str = ""  # why the sender is banned; `ignore` is set then, too


def file(
    message: InboundMessage,
    envelope: Envelope,
    topics: Sequence[Topic],
    rules: Sequence[Rule],
    *,
    mail_class: str = "person",
    importance: bool = False,
    bans: Sequence[Ban] = (),
) -> Filing:
    """Apply the first matching topic, then every matching rule in order. A banned sender's mail gets neither.

    `mail_class` is what classify found. `importance`: the mail's own headers may set the priority that nothing
    else names."""
    if ban := _ban_of(message, envelope, bans):
        reason = f"{ban.shown} ({ban.reason})" if ban.reason else ban.shown
        return Filing(ignore=True, banned=reason, trail=(f"ban: {ban.shown}",))
    filing = Filing()
    topic = next((t for t in topics if matches(t.match, message, envelope, mail_class)), None)
    for number, rule in enumerate(rules, 1):
        if not matches(rule.match, message, envelope, mail_class):
            continue
        if rule.topic:
            topic = next((t for t in topics if t.name == rule.topic), topic)
        filing = _ruled(filing, rule, f"rule {number}", message)
    filing = _with_topic(filing, topic, message) if topic else filing
    return _important(filing, message) if importance and not filing.priority else filing


def banned_sender(sender: str, bans: Iterable[Ban]) -> Ban | None:
    """Return the first ban that holds for this address."""
    return next((ban for ban in bans if ban.holds_for(sender)), None)


def refused_at_the_door(sender: str, bans: Iterable[Ban]) -> bool:
    """Tell whether the SMTP dialogue may end at this MAIL FROM. Only when a ban says so: what is refused leaves no
    record."""
    return any(ban.reject and ban.holds_for(sender) for ban in bans)


def name_fits(globs: Iterable[str], name: str) -> str:
    """Return the first glob that a file's name fits, in any case; "" when none does."""
    end = name.casefold()[-_NAME_AT_MOST:]
    return next((glob for glob in globs if fnmatchcase(end, glob.casefold())), "")


# -- conditions ---------------------------------------------------------------------------------------------------


def matches(match: Match, message: InboundMessage, envelope: Envelope, mail_class: str = "person") -> bool:
    """Tell whether all conditions hold. A match without conditions holds for nothing: it would swallow every mail."""
    asked = _conditions(match, message, envelope, mail_class)
    first = next(asked, None)
    return bool(first) and all(asked)


def _conditions(match: Match, message: InboundMessage, envelope: Envelope, mail_class: str) -> Iterator[bool]:
    """Yield the answer to each condition that is asked, the expensive ones last."""
    if match.class_:
        yield mail_class in match.class_
    if match.from_:
        yield _fits(match.from_, message.sender.address.key if message.sender else "")
    if match.address or match.to:
        went_to = {address.key for address in message.recipients} | {ascii_lower(r) for r in envelope.recipients}
        if match.address:
            yield ascii_lower(match.address) in went_to
        if match.to:
            yield any(_fits(match.to, address) for address in went_to)
    if match.attachment:
        yield any(name_fits((match.attachment,), attached.name) for attached in message.attachments)
    if match.subject:
        yield _found(match.subject, [message.subject[:_LINE_AT_MOST]]) is not None
    for name, expression in match.header:
        values = message.headers.get(name.lower(), ())[:_VALUES_AT_MOST]
        yield _found(expression, (value[:_LINE_AT_MOST] for value in values)) is not None
    if match.body:
        yield _found(match.body, _lines(message)) is not None


def _found(expression: Expression, lines: Iterable[str]) -> str | None:
    """Return what the expression finds first, line by line; None when no line has it."""
    return next((found for line in lines if (found := expression.search(line)) is not None), None)


def _lines(message: InboundMessage) -> list[str]:
    return message.text[:TEXT_AT_MOST].splitlines()


def _subject_and_text(message: InboundMessage) -> list[str]:
    return [message.subject[:_LINE_AT_MOST], *_lines(message)]


def _fits(glob: str, address: str) -> bool:
    """Tell whether the address fits a pattern with * and ?, without ASCII case."""
    return fnmatchcase(address[:_NAME_AT_MOST], ascii_lower(glob))


def _ban_of(message: InboundMessage, envelope: Envelope, bans: Sequence[Ban]) -> Ban | None:
    """Return the ban of From or of the address that bounces go to: the one is changed as easily as the other."""
    senders = (str(message.sender.address) if message.sender else "", envelope.sender or "")
    return next(filter(None, (banned_sender(sender, bans) for sender in senders)), None)


# -- what follows -------------------------------------------------------------------------------------------------


def _ruled(filing: Filing, rule: Rule, name: str, message: InboundMessage) -> Filing:
    key = _join_key(rule, name, message)
    return replace(
        filing,
        department=rule.department or filing.department,
        team=rule.team or filing.team,
        assignee=rule.assignee or filing.assignee,
        priority=rule.priority or filing.priority,
        rule_plan=rule.sla_plan or filing.rule_plan,
        tags=tuple(dict.fromkeys((*filing.tags, *rule.tags))),
        acknowledge=filing.acknowledge if rule.acknowledge is None else rule.acknowledge,
        reject=filing.reject or rule.reject,
        ignore=filing.ignore or rule.ignore,
        mute=filing.mute or rule.mute,
        requester=_requester(rule, message) or filing.requester,
        join_key=key or filing.join_key,
        resolves=_recovers(rule, message) if key else filing.resolves,
        trail=(*filing.trail, *_told(name, key)),
    )


def _with_topic(filing: Filing, topic: Topic, message: InboundMessage) -> Filing:
    """Apply the topic where no rule did."""
    name = f"topic {topic.name}"
    key = "" if filing.join_key else _join_key(topic, name, message)
    return replace(
        filing,
        topic=topic.name,
        department=filing.department or topic.department,
        team=filing.team or topic.team,
        assignee=filing.assignee or topic.assignee,
        priority=filing.priority or topic.priority,
        topic_plan=topic.sla_plan,
        tags=tuple(dict.fromkeys((*topic.tags, *filing.tags))),
        acknowledge=topic.acknowledge if filing.acknowledge is None else filing.acknowledge,
        mute=filing.mute or topic.mute,
        requester=filing.requester or _requester(topic, message),
        join_key=filing.join_key or key,
        resolves=_recovers(topic, message) if key else filing.resolves,
        trail=(*_told(name, key), *filing.trail),
    )


def _told(name: str, key: str) -> tuple[str, ...]:
    """Return the trail: what matched, and what it joins."""
    return (name, f"joined by {key}") if key else (name,)


def _requester(source: Rule | Topic, message: InboundMessage) -> Person | None:
    """Return who a contact form writes for: the first Reply-To that is not the form."""
    if source.requester != "reply-to":
        return None
    sender = message.sender.address if message.sender else None
    return next((person for person in message.reply_to if person.address != sender), None)


def _join_key(source: Rule | Topic, name: str, message: InboundMessage) -> str:
    """Return the text of the expression's group, else all that it found, in one case and spacing; "" when it finds
    nothing.

    The name in front keeps the keys of two rules apart."""
    hit = _found(source.join, _subject_and_text(message)) if source.join else None
    if hit is None:
        return ""
    key = " ".join(hit.casefold().split())[:KEY_AT_MOST]
    return f"{name}: {key}" if key else ""


def _recovers(source: Rule | Topic, message: InboundMessage) -> bool:
    if not source.resolve_on:
        return False
    return _found(source.resolve_on, _subject_and_text(message)) is not None


# The headers in which senders say how much their mail matters, the standard one first: value -> priority. "Urgent" is
# every sender's own mail, so nothing becomes an emergency this way.
_IMPORTANCE: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Importance", {"high": "high", "low": "low"}),  # RFC 4021 2.1.54
    ("X-Priority", {"1": "high", "2": "high", "4": "low", "5": "low"}),  # also written "1 (Highest)"
    ("Priority", {"urgent": "high", "non-urgent": "low"}),  # RFC 4021 2.1.53: meant for transport, used by old programs
)


def _important(filing: Filing, message: InboundMessage) -> Filing:
    """Return the filing with the priority that the mail asks for itself."""
    for name, priorities in _IMPORTANCE:
        words = message.header(name)[:_LINE_AT_MOST].casefold().split()
        if words and words[0] in priorities:
            return replace(
                filing, priority=priorities[words[0]], trail=(*filing.trail, f"importance: {name} {words[0]}")
            )
    return filing
