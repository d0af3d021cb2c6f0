"""Topics, rules, bans and what tells lists, spam and robots: from tables to the words of the ground floor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from maild.config.decode import Written
from maild.config.people import Known
from maild.config.problems import Findings
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


def build_topics(topics: Iterable[Written[TopicTable]], known: Known, findings: Findings) -> tuple[Topic, ...]:
    """The help topics in their order."""
    written = tuple(topics)
    for each in written:
        _check_joining(each, each.table, (), findings)
    return tuple(_topic(each, known) for each in written)


def build_rules(rules: Iterable[Written[RuleTable]], known: Known, findings: Findings) -> tuple[Rule, ...]:
    """The filter rules in their order. A rule that would never match or never act is a problem."""
    built = []
    for written in rules:
        if not _says_anything(written, "when"):
            findings.problem(written.at("when"), "when: names no condition", 'for every mail write { subject = "*" }')
        if not _says_anything(written, "then"):
            remedy = 'write what shall happen, such as { priority = "low" }'
            findings.problem(written.at("then"), "then: does nothing", remedy)
        _check_joining(written, written.table.then, ("then",), findings)
        built.append(_rule(written, known))
    return tuple(built)


def _says_anything(written: Written[RuleTable], key: str) -> bool:
    """A condition that could not be read is one, too: it has been reported. An empty table or list is none."""
    node = written.node.get(key)
    return node is not None and any(node.says(name) and inner.table != {} for name, inner in (node.table or {}).items())


def _check_joining(
    written: Written[TopicTable] | Written[RuleTable],
    table: TopicTable | ThenTable,
    path: tuple[str, ...],
    findings: Findings,
) -> None:
    """Which text is the key must be plain, and what resolves needs one."""
    label = ".".join((*path, "join"))
    groups = table.join.groups if table.join else 0
    if groups > 1:
        remedy = "put ( ) around the key alone, and (?: ) around the rest"
        findings.problem(written.at(*path, "join"), f"{label}: has {groups} groups, and one is the key", remedy)
    written_join = (written.node.get(path[0]) if path else written.node) or written.node
    if table.resolve_on and written_join.get("join") is None:
        message = f"{'.'.join((*path, 'resolve_on'))}: resolves the ticket that alerts are joined in, and nothing joins"
        findings.problem(written.at(*path, "resolve_on"), message, r'add join = "host (\S+)"')


def _topic(written: Written[TopicTable], known: Known) -> Topic:
    table = written.table
    return Topic(
        name=table.name,
        match=_match(table.match),
        department=known.departments.resolve(table.department, written.at("department"), "department"),
        team=known.teams.resolve(table.team, written.at("team"), "team"),
        assignee=known.agents.resolve(table.assignee, written.at("assignee"), "assignee"),
        priority=table.priority.value if table.priority else "",
        sla_plan=known.plans.resolve(table.sla_plan, written.at("sla_plan"), "sla_plan"),
        acknowledge=table.acknowledge,
        tags=_tags(table),
        mute=table.mute,
        requester=_requester(table),
        join=table.join or None,
        resolve_on=table.resolve_on or None,
    )


def _rule(written: Written[RuleTable], known: Known) -> Rule:
    then = written.table.then
    return Rule(
        match=_match(written.table.when),
        department=known.departments.resolve(then.department, written.at("then", "department"), "then.department"),
        team=known.teams.resolve(then.team, written.at("then", "team"), "then.team"),
        assignee=known.agents.resolve(then.assignee, written.at("then", "assignee"), "then.assignee"),
        priority=then.priority.value if then.priority else "",
        sla_plan=known.plans.resolve(then.sla_plan, written.at("then", "sla_plan"), "then.sla_plan"),
        topic=known.topics.resolve(then.topic, written.at("then", "topic"), "then.topic"),
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


def build_bans(bans: Iterable[Written[BanTable]], directory: Directory, findings: Findings) -> tuple[Ban, ...]:
    """One ban for each address, domain and pattern. One that would hold for us or an agent is a problem."""
    built: list[Ban] = []
    for written in bans:
        own = tuple(_bans_of(written.table))
        if not own and not any(written.node.says(key) for key in ("address", "domain", "pattern")):
            findings.problem(
                written.at(), "[[ban]] bans nobody", 'add address, domain or pattern: domain = "spam.example"'
            )
        for ban in own:
            if (hit := _one_of_us(ban, directory)) is not None:
                key = next(key for key in ("address", "domain", "pattern") if getattr(ban, key))
                findings.problem(
                    written.at(key), f"{key}: bans {hit}", "name less: that mail would be lost to everybody"
                )
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
    """An agent or an address of ours for which the ban holds, in words."""
    for agent in directory.agents:
        if any(ban.holds_for(address.key) for address in agent.addresses):
            return f"agent {agent.name!r}"
    ours: Sequence[Address] = sorted(directory.own_addresses, key=str)
    return next((f"our own {address}" for address in ours if ban.holds_for(address.key)), None)


def build_lists(lists: Iterable[Written[ListTable]], findings: Findings) -> tuple[MailingList, ...]:
    """The mailing lists that feed us."""
    built = []
    for written in lists:
        table = written.table
        if not (table.id or table.address or written.node.says("address")):
            remedy = 'add id = "support.groups.example" (from its List-Id header), or the address that people post to'
            findings.problem(written.at(), "[[list]] names no list", remedy)
        built.append(MailingList(read_list_id(table.id), table.address.key if table.address else ""))
    return tuple(built)


def build_spam_marks(table: SpamTable) -> SpamMarks:
    return SpamMarks(tuple(HeaderMark(mark.name, mark.match) for mark in table.headers))


def build_robots(written: Written[RobotsTable] | None, directory: Directory, findings: Findings) -> Robots:
    """Senders that count as programs. An agent among them could command nothing any more."""
    if written is None:
        return Robots()
    for index, glob in enumerate(written.table.from_):
        addresses = chain.from_iterable(((a, agent.name) for a in agent.addresses) for agent in directory.agents)
        hit = next((name for address, name in addresses if Robots((glob,)).wrote(address.key)), None)
        if hit is not None:
            remedy = "name less: commands and answers of agents would not be heard"
            findings.problem(written.at("from", index), f"from: {glob!r} covers agent {hit!r}", remedy)
    return Robots(written.table.from_)
