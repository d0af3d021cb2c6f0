"""Builds topics, rules, bans, and the marks of mailing lists, spam and robots from their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from maild.config.decode import ParsedTable
from maild.config.people import KnownNames
from maild.config.problems import Diagnostics
from maild.config.tables import (
    BanTable,
    ListTable,
    MatchTable,
    RobotsTable,
    RuleTable,
    SpamTable,
    ThenTable,
    TopicTable,
)
from maild.domain.intake.rules import Ban, Match, Rule, Topic
from maild.domain.intake.spam_and_robots import HeaderMark, MailingList, Robots, SpamMarks, read_list_id
from maild.domain.people.directory import Address, Directory


def build_topics(
    topics: Iterable[ParsedTable[TopicTable]], known: KnownNames, diagnostics: Diagnostics
) -> tuple[Topic, ...]:
    """Return the help topics in their order."""
    parsed = tuple(topics)
    for each in parsed:
        _check_joining(each, each.table, (), diagnostics)
    return tuple(_topic(each, known) for each in parsed)


def build_rules(
    rules: Iterable[ParsedTable[RuleTable]], known: KnownNames, diagnostics: Diagnostics
) -> tuple[Rule, ...]:
    """Return the filter rules in their order. Reports a rule that would never match or never act."""
    built = []
    for parsed in rules:
        if not _has_content(parsed, "when"):
            diagnostics.problem(
                parsed.at("when"), "when: has no condition", 'to match every mail, write { subject = "*" }'
            )
        if not _has_content(parsed, "then"):
            remedy = 'write what the rule does, such as { priority = "low" }'
            diagnostics.problem(parsed.at("then"), "then: does nothing", remedy)
        _check_joining(parsed, parsed.table.then, ("then",), diagnostics)
        built.append(_rule(parsed, known))
    return tuple(built)


def _has_content(parsed: ParsedTable[RuleTable], key: str) -> bool:
    """Say whether a condition or action is written.

    An empty table or list is none; an unusable value is one, because it was reported already."""
    node = parsed.node.get(key)
    return node is not None and any(
        node.has_value(name) and inner.table != {} for name, inner in (node.table or {}).items()
    )


def _check_joining(
    parsed: ParsedTable[TopicTable] | ParsedTable[RuleTable],
    table: TopicTable | ThenTable,
    path: tuple[str, ...],
    diagnostics: Diagnostics,
) -> None:
    """Report a `join` with several groups, and a `resolve_on` without `join`."""
    label = ".".join((*path, "join"))
    groups = table.join.groups if table.join else 0
    if groups > 1:
        remedy = "put ( ) around the key, and (?: ) around other groups"
        diagnostics.problem(
            parsed.at(*path, "join"), f"{label}: has {groups} groups, but only one can be the key", remedy
        )
    node = (parsed.node.get(path[0]) if path else parsed.node) or parsed.node
    if table.resolve_on and node.get("join") is None:
        message = f"{'.'.join((*path, 'resolve_on'))}: works only together with join"
        diagnostics.problem(parsed.at(*path, "resolve_on"), message, r'add join = "host (\S+)"')


def _topic(parsed: ParsedTable[TopicTable], known: KnownNames) -> Topic:
    table = parsed.table
    return Topic(
        name=table.name,
        match=_match(table.match),
        department=known.departments.resolve(table.department, parsed.at("department"), "department"),
        team=known.teams.resolve(table.team, parsed.at("team"), "team"),
        assignee=known.agents.resolve(table.assignee, parsed.at("assignee"), "assignee"),
        priority=table.priority.value if table.priority else "",
        sla_plan=known.plans.resolve(table.sla_plan, parsed.at("sla_plan"), "sla_plan"),
        acknowledge=table.acknowledge,
        tags=_tags(table),
        mute=table.mute,
        requester=_requester(table),
        join=table.join or None,
        resolve_on=table.resolve_on or None,
    )


def _rule(parsed: ParsedTable[RuleTable], known: KnownNames) -> Rule:
    then = parsed.table.then
    return Rule(
        match=_match(parsed.table.when),
        department=known.departments.resolve(then.department, parsed.at("then", "department"), "then.department"),
        team=known.teams.resolve(then.team, parsed.at("then", "team"), "then.team"),
        assignee=known.agents.resolve(then.assignee, parsed.at("then", "assignee"), "then.assignee"),
        priority=then.priority.value if then.priority else "",
        sla_plan=known.plans.resolve(then.sla_plan, parsed.at("then", "sla_plan"), "then.sla_plan"),
        topic=known.topics.resolve(then.topic, parsed.at("then", "topic"), "then.topic"),
        tags=_tags(then),
        acknowledge=then.acknowledge,
        reject=then.reject,
        ignore=then.ignore,
        mute=then.mute,
        requester=_requester(then),
        join=then.join or None,
        resolve_on=then.resolve_on or None,
    )


def _match(table: MatchTable) -> Match:
    return Match(
        subject=table.subject or None,
        from_=table.from_,
        address=table.address.key if table.address else "",
        to=table.to,
        header=tuple(table.header.items()),
        body=table.body or None,
        attachment=table.attachment,
        class_=tuple(each.value for each in table.class_),
    )


def _tags(table: TopicTable | ThenTable) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag for tag in (table.tag, *table.tags) if tag))


def _requester(table: TopicTable | ThenTable) -> str:
    return "" if table.requester == "sender" else table.requester


# -- senders ------------------------------------------------------------------------------------------------------


def build_bans(
    bans: Iterable[ParsedTable[BanTable]], directory: Directory, diagnostics: Diagnostics
) -> tuple[Ban, ...]:
    """Return one ban for each address, domain and pattern. Reports bans on our own addresses and on agents."""
    built: list[Ban] = []
    for parsed in bans:
        own = tuple(_bans_of(parsed.table))
        if not own and not any(parsed.node.has_value(key) for key in ("address", "domain", "pattern")):
            diagnostics.problem(
                parsed.at(), "[[ban]] has no address, domain or pattern", 'add one, such as domain = "spam.example"'
            )
        for ban in own:
            if (hit := _one_of_us(ban, directory)) is not None:
                key = next(key for key in ("address", "domain", "pattern") if getattr(ban, key))
                diagnostics.problem(parsed.at(key), f"{key}: bans {hit}", "narrow it down: this mail would be lost")
        built += own
    return tuple(built)


def _bans_of(table: BanTable) -> Iterator[Ban]:
    for address in table.address:
        yield Ban(address=address.key, reason=table.reason, reject=table.reject)
    for domain in table.domain:
        yield Ban(domain=domain, reason=table.reason, reject=table.reject)
    for pattern in table.pattern:
        yield Ban(pattern=pattern, reason=table.reason, reject=table.reject)


def _one_of_us(ban: Ban, directory: Directory) -> str | None:
    """Describe an agent or an own address that the ban would hit; None when there is none."""
    for agent in directory.agents:
        if any(ban.holds_for(address.key) for address in agent.addresses):
            return f"agent {agent.name!r}"
    ours: Sequence[Address] = sorted(directory.own_addresses, key=str)
    return next((f"our own {address}" for address in ours if ban.holds_for(address.key)), None)


def build_lists(lists: Iterable[ParsedTable[ListTable]], diagnostics: Diagnostics) -> tuple[MailingList, ...]:
    """Return the mailing lists that send to us."""
    built = []
    for parsed in lists:
        table = parsed.table
        if not (table.id or table.address or parsed.node.has_value("address")):
            remedy = 'add id = "support.groups.example" (from its List-Id header), or the address that people post to'
            diagnostics.problem(parsed.at(), "[[list]] has neither id nor address", remedy)
        built.append(MailingList(read_list_id(table.id), table.address.key if table.address else ""))
    return tuple(built)


def build_spam_marks(table: SpamTable) -> SpamMarks:
    """Return the headers by which the provider's spam filter marks a mail."""
    return SpamMarks(tuple(HeaderMark(mark.name, mark.match) for mark in table.headers))


def build_robots(parsed: ParsedTable[RobotsTable] | None, directory: Directory, diagnostics: Diagnostics) -> Robots:
    """Return the senders that count as programs.

    Reports a pattern that matches an agent: agents must be able to give commands."""
    if parsed is None:
        return Robots()
    for index, glob in enumerate(parsed.table.from_):
        addresses = chain.from_iterable(((a, agent.name) for a in agent.addresses) for agent in directory.agents)
        hit = next((name for address, name in addresses if Robots((glob,)).wrote(address.key)), None)
        if hit is not None:
            remedy = "narrow it down: this agent's commands and answers would be ignored"
            diagnostics.problem(parsed.at("from", index), f"from: {glob!r} matches agent {hit!r}", remedy)
    return Robots(parsed.table.from_)
