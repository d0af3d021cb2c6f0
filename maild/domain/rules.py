"""The admin's help topics and filter rules: what a mail matches, and what follows for its ticket."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from maild.domain.message import Envelope, InboundMessage

_MATCHED = 2000  # characters of a subject that an admin's expression gets to see


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold; an empty one is not asked. Case is ignored."""

    subject: str = ""  # regular expression, searched
    from_: str = ""  # glob over the sender's address: *@monitor.example
    address: str = ""  # an address of ours that the mail went to


@dataclass(frozen=True, slots=True)
class Topic:
    """A help topic: the first one that matches names department, team, priority, plan."""

    name: str
    match: Match = Match()
    department: str = ""
    team: str = ""
    assignee: str = ""
    priority: str = ""
    sla_plan: str = ""
    acknowledge: bool | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A filter rule: every one that matches applies in order, a later one winning where both speak."""

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


@dataclass(frozen=True, slots=True)
class Filing:
    """What topics and rules say of a mail; "" and None where they say nothing."""

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


def file(message: InboundMessage, envelope: Envelope, topics: Sequence[Topic], rules: Sequence[Rule]) -> Filing:
    """Apply the first matching topic, then every matching rule in order."""
    filing = Filing()
    topic = next((t for t in topics if matches(t.match, message, envelope)), None)
    for number, rule in enumerate(rules, 1):
        if not matches(rule.match, message, envelope):
            continue
        if rule.topic:
            topic = next((t for t in topics if t.name == rule.topic), topic)
        filing = _ruled(filing, rule, f"rule {number}")
    return _with_topic(filing, topic) if topic else filing


def matches(match: Match, message: InboundMessage, envelope: Envelope) -> bool:
    """Do all conditions hold? A match without conditions holds for nothing: it would swallow every mail."""
    asked = []
    if match.subject:
        asked.append(re.search(match.subject, message.subject[:_MATCHED], re.IGNORECASE) is not None)
    if match.from_:
        sender = message.sender.address.key if message.sender else ""
        asked.append(fnmatchcase(sender, match.from_.casefold()))
    if match.address:
        went_to = {address.key for address in message.recipients} | {r.casefold() for r in envelope.recipients}
        asked.append(match.address.casefold() in went_to)
    return bool(asked) and all(asked)


def _ruled(filing: Filing, rule: Rule, name: str) -> Filing:
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
        trail=(*filing.trail, name),
    )


def _with_topic(filing: Filing, topic: Topic) -> Filing:
    """The topic speaks where no rule did."""
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
        trail=(f"topic {topic.name}", *filing.trail),
    )
