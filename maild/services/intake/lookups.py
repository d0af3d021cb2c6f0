"""Looks up what judging a mail asks for, in the store and in the canned texts. One call answers all keys at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from maild.domain.decision import EntryDraft
from maild.domain.lookups import (
    CannedText,
    FileContent,
    Lookups,
    MadeText,
    Missing,
    Needs,
    Said,
    TicketRecord,
    Written,
)
from maild.domain.messages.attachment import Attachment
from maild.domain.notices.mail_kinds import MAIL_KINDS, Reader, templates_where
from maild.domain.people.directory import Agent, name_key
from maild.domain.tickets.events import MessageReceived
from maild.domain.tickets.ticket import EntryKind
from maild.mail.reading.inner_texts import texts_in
from maild.mail.reading.layers import TooMuchInside
from maild.mail.reading.parse import extract_all
from maild.mail.templates.canned import CannedTexts
from maild.ports import StoredEntry, UnitOfWork
from maild.services.notices.agents_marks import agents_marks
from maild.services.notices.similar_tickets import answers_shown
from maild.services.queries.due_explained import derived_lines
from maild.services.work import Work

_NOTICES = 10  # of ours to agents, the newest: what the leak guard compares with
_MERGES = 20  # how often a ticket's survivor may have been merged itself
ROUNDS = 6  # of looking up and thinking; most mails need one or two, a row's command that reaches further needs three
_TO_CUSTOMERS = templates_where(lambda kind: kind.to is Reader.CUSTOMER)  # what they hold left already

T = TypeVar("T")


def thought_through(
    think: Callable[[Lookups], T], lookups: Lookups, work: Work, agent: Agent | None = None, raw: bytes = b""
) -> T:
    """Return what `think` answers. What it finds missing is looked up. `raw` is the mail that it thinks about.

    Raises LookupError when that never ends."""
    for _ in range(ROUNDS):
        try:
            return think(lookups)
        except Missing as missing:
            lookups |= look_up(work, lookups.lacks(missing.needs), agent, raw)
    raise LookupError("judging asks again and again for what was looked up already")


def look_up(work: Work, needs: Needs, agent: Agent | None, raw: bytes = b"") -> Lookups:
    """Look up everything behind these keys. `agent` wrote the mail `raw`; without an agent no domain is strange."""
    unit, domains = work.unit, needs.domains
    contacted = unit.people.contacted(agent.name, domains) if agent is not None and domains else domains
    records = records_of(needs.tickets | needs.written, unit)
    return Lookups(
        records=records,
        threads=_threads(needs.written, records, unit),
        mails=unit.outbox.leaving(sorted(needs.leaving)) if needs.leaving else {},
        derivations={number: derived_lines(work, number) or () for number in needs.deadlines},
        texts={wanted: _made(wanted, work.helpdesk.canned) for wanted in needs.canned},
        contacted={domain: domain in contacted for domain in needs.domains},
        contents=_contents(needs.files, raw, work),
    )


def records_of(numbers: Collection[int], unit: UnitOfWork) -> dict[int, TicketRecord | None]:
    """Look up these tickets and those that they were merged into. A number without a ticket has None."""
    records: dict[int, TicketRecord | None] = {}
    asked = frozenset(numbers)
    for _ in range(_MERGES + 1):
        if not asked:
            break
        found = unit.tickets.get_many(sorted(asked))
        records |= {number: found.get(number) for number in asked}
        survivors = {record.ticket.merged_into for record in found.values()}
        asked = frozenset(number for number in survivors if number is not None and number not in records)
    return records


def _threads(
    numbers: Collection[int], records: Mapping[int, TicketRecord | None], unit: UnitOfWork
) -> dict[int, Written]:
    return {number: _written(number, records.get(number), unit.tickets.entries(number), unit) for number in numbers}


def _written(number: int, record: TicketRecord | None, entries: Sequence[StoredEntry], unit: UnitOfWork) -> Written:
    inside = [e for e in entries if e.kind == EntryKind.NOTE and not e.may_leave]
    outside = [e for e in entries if e.kind != EntryKind.NOTE or e.may_leave]
    history = record.history if record else ()
    automatic = {event.entry for event in history if isinstance(event, MessageReceived) and event.automatic}
    messages = [e for e in entries if e.kind == EntryKind.MESSAGE and e.id not in automatic]
    told = unit.outbox.told(number, _NOTICES, but=_TO_CUSTOMERS)
    offered = answers_shown(unit, number)
    said = Said(
        notes=tuple(e.text for e in inside),
        notices=tuple(text for template, text in told if not _says_back(template)),
        said_back=tuple(text for template, text in told if _says_back(template)),
        outside=(*(e.text for e in outside), *offered),
    )
    return Written(
        said=said,
        last_message=_as_draft(messages[-1]) if messages else None,
        last_reply=next((e.text for e in reversed(entries) if e.kind == EntryKind.REPLY), ""),
        offered=offered,
    )


def _says_back(template: str) -> bool:
    """Tell whether the mails of a template show an agent their own words. Older versions may have had others."""
    return template in MAIL_KINDS and MAIL_KINDS[template].says_back


def _contents(files: Collection[Attachment], raw: bytes, work: Work) -> dict[Attachment, FileContent]:
    asked = list(files)
    contents = extract_all(raw, [file.part for file in asked]) if asked else []
    return {file: _content(file.name, octets, work) for file, octets in zip(asked, contents, strict=True)}


def _content(name: str, octets: bytes, work: Work) -> FileContent:
    """What is in a file; of one that has too many layers the texts that were found until then."""
    texts: list[str] = []
    with suppress(TooMuchInside):  # its marks tell of it, and hold the answer
        texts.extend(texts_in(octets))
    return FileContent(name=name, marks=agents_marks(octets, work.unit, work.helpdesk), texts=tuple(texts))


def _made(wanted: CannedText, texts: CannedTexts) -> MadeText:
    names = texts.names()
    name = next((known for known in names if name_key(known) == name_key(wanted.name)), wanted.name)
    try:
        return MadeText(text=texts.render(name, dict(wanted.values)) if name else None, names=names)
    except ValueError as wrong:
        return MadeText(wrong=str(wrong), names=names)


def _as_draft(entry: StoredEntry) -> EntryDraft:
    """A stored entry as it would begin another thread; its files stay pointers into its own mail."""
    return EntryDraft(
        kind=EntryKind(entry.kind),
        author=entry.author,
        author_name=entry.author_name,
        text=entry.text,
        html=entry.html,
        folded_lines=entry.folded_lines,
        message_id=entry.message_id,
        trust=entry.trust,
        attachments=entry.attachments,
        inbound=entry.inbound,
    )
