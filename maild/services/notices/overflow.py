"""Notices above an agent's limit become lines of one summary, which leaves when the hour is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.messages.outbox import OutboxState
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.mail_kinds import MAIL_KINDS
from maild.domain.notices.opt_outs import ONLY_MINE
from maild.domain.notices.pacing import NoticeReader, after_quiet, hour_of
from maild.domain.people.directory import Agent
from maild.domain.people.preferences import Preferences
from maild.ports import OutboxRow, Snapshot, UnitOfWork
from maild.services.helpdesk import Helpdesk
from maild.services.notices.agent_message import AgentMessage, post, reply_address
from maild.services.notices.pacing import Paced
from maild.services.notices.template_context import NoticeContext, asked_words, changes, person_words
from maild.services.work import Work

TEMPLATE = "gathered"
MOST = 100  # tickets of one mail; notices of others are counted
_WORDS = 160  # characters of what was said


def fold(work: Work, paced: Paced, agent: Agent) -> OutboxRow:
    """Put a notice into the agent's summary. Returns the summary's outbox row.

    The notice becomes a row of its own. What the summary says of all of them follows when it leaves."""
    unit = work.unit
    row = unit.outbox.pending_mail(agent.name, TEMPLATE, work.now)
    if row is None:
        return _begun(work, paced, agent)
    unit.summaries.fold(row.id, _told(paced.occasion, work.helpdesk))
    return row


def with_notices(unit: UnitOfWork, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Return mails as they would leave now: those that are summaries with all the notices that wait in them."""
    waiting = [row.id for row in rows if _is_summary(row) and row.state is not OutboxState.SENT]
    if not waiting:
        return list(rows)
    folded = unit.summaries.folded(waiting)
    return [_filled(row, folded.get(row.id, ())) for row in rows]


def settle(unit: UnitOfWork, rows: Sequence[OutboxRow]) -> None:
    """Store what summaries say, when their bytes are made. From then on an answer's row numbers mean these rows."""
    summaries = [row for row in rows if _is_summary(row)]
    for row in summaries:
        gathered = row.context["gathered"]
        unit.snapshots.change(gathered["list"], [each["ticket"] for each in gathered["rows"]])
    unit.summaries.settle(summaries)


def _is_summary(row: OutboxRow) -> bool:
    """Tell whether notices wait in a mail. Older versions may have had other templates."""
    return row.template in MAIL_KINDS and MAIL_KINDS[row.template].gathers


def _filled(row: OutboxRow, notices: Sequence[Mapping[str, Any]]) -> OutboxRow:
    """Return a summary that tells these notices too. One of an older version has rows in its context already."""
    if not notices:
        return row
    gathered = _added(row.context["gathered"], notices)
    subject = _subject(gathered)
    return replace(row, subject=subject, context={**row.context, "title": subject, "gathered": gathered})


def _begun(work: Work, paced: Paced, agent: Agent) -> OutboxRow:
    unit, helpdesk, occasion = work.unit, work.helpdesk, paced.occasion
    ceiling = helpdesk.policy.rhythm.ceiling
    number = occasion.ticket.number
    shown = unit.snapshots.add(
        Snapshot(agent=agent.name, kind="list", asked="gathered", made_at=work.now, tickets=(number,))
    )
    empty = {"list": shown, "notices": 0, "more": 0, "ceiling": ceiling, "rows": []}
    gathered = _added(empty, [_told(occasion, helpdesk)])
    message = AgentMessage(
        template=TEMPLATE,
        agent=agent,
        subject=_subject(gathered),
        scope=Scope.DIGEST,
        reason=f"more than {ceiling} notices in an hour are told in one mail",
        words={"gathered": gathered, "stop": _stop(unit, agent, helpdesk)},
        about=shown,
    )
    leaves_at = _over(unit, paced.leaving.at, agent, helpdesk)
    return post(work, message, leaves_at)


def _stop(unit: UnitOfWork, agent: Agent, helpdesk: Helpdesk) -> list[dict[str, str]]:
    if not helpdesk.settings.helpdesk.plus_addressing:
        return []
    return [asked_words(ONLY_MINE, reply_address(helpdesk, unit.people.agent(agent), Scope.QUERY))]


def _over(unit: UnitOfWork, at: datetime, agent: Agent, helpdesk: Helpdesk) -> datetime:
    """Return when the hour, and the agent's quiet hours, are over."""
    preferences = Preferences.of(unit.preferences.of(agent.name))
    reader = NoticeReader.of(agent, preferences, helpdesk.policy.rhythm, ZoneInfo(helpdesk.clock_of(agent)))
    return after_quiet(hour_of(at)[1], reader.quiet, reader.zone)


def _subject(gathered: Mapping[str, Any]) -> str:
    notices, tickets = _many(gathered["notices"], "more notice"), _many(len(gathered["rows"]), "ticket")
    return f"{notices} about {tickets}{' and others' if gathered['more'] else ''}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _added(gathered: Mapping[str, Any], notices: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the summary with these notices too. A ticket has one row, which shows what came last."""
    rows: dict[int, Mapping[str, Any]] = {row["ticket"]: row for row in gathered["rows"]}
    more = gathered["more"]
    for told in notices:
        ticket = told["ticket"]
        if ticket not in rows and len(rows) >= MOST:
            more += 1
            continue
        before = rows[ticket]["notices"] if ticket in rows else 0
        rows[ticket] = {"ticket": ticket, "notices": before + 1, **told}
    return {**gathered, "notices": gathered["notices"] + len(notices), "more": more, "rows": list(rows.values())}


def _told(occasion: NoticeContext, helpdesk: Helpdesk) -> dict[str, Any]:
    """Return what one notice would tell, in few words."""
    ticket, entry = occasion.ticket, occasion.entry
    return {
        "ticket": ticket.number,
        "subject": ticket.subject,
        "requester": person_words(ticket.requester),
        "author": (entry.author_name or entry.author.address) if entry else "",
        "kind": entry.kind if entry else "",
        "text": " ".join(entry.text.split())[:_WORDS] if entry else "",
        "changes": changes(occasion.happened, helpdesk, helpdesk.zone)[:3],
    }
