"""Notices above an agent's limit become lines of one summary, which leaves when the hour is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from maild.domain.messages.reply_tokens import Scope
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
    """Put a notice into the agent's summary. Returns the summary's outbox row."""
    unit = work.unit
    row = unit.outbox.pending_mail(agent.name, TEMPLATE, work.now)
    if row is None:
        return _begun(work, paced, agent)
    told = _added(row.context["gathered"], paced.occasion, work.helpdesk)
    unit.snapshots.change(told["list"], [each["ticket"] for each in told["rows"]])
    subject = _subject(told)
    row = replace(row, subject=subject, context={**row.context, "title": subject, "gathered": told})
    unit.outbox.rewrite(row)
    return row


def _begun(work: Work, paced: Paced, agent: Agent) -> OutboxRow:
    unit, helpdesk, occasion = work.unit, work.helpdesk, paced.occasion
    ceiling = helpdesk.policy.rhythm.ceiling
    number = occasion.ticket.number
    shown = unit.snapshots.add(
        Snapshot(agent=agent.name, kind="list", asked="gathered", made_at=work.now, tickets=(number,))
    )
    told = _added({"list": shown, "notices": 0, "more": 0, "ceiling": ceiling, "rows": []}, occasion, helpdesk)
    message = AgentMessage(
        template=TEMPLATE,
        agent=agent,
        subject=_subject(told),
        scope=Scope.DIGEST,
        reason=f"more than {ceiling} notices in an hour are told in one mail",
        words={"gathered": told, "stop": _stop(unit, agent, helpdesk)},
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


def _subject(told: dict[str, Any]) -> str:
    notices, tickets = _many(told["notices"], "more notice"), _many(len(told["rows"]), "ticket")
    return f"{notices} about {tickets}{' and others' if told['more'] else ''}"


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _added(told: dict[str, Any], occasion: NoticeContext, helpdesk: Helpdesk) -> dict[str, Any]:
    """Return the summary with one notice more. A ticket has one row, which shows what came last."""
    ticket = occasion.ticket
    rows = [dict(row) for row in told["rows"]]
    row = next((row for row in rows if row["ticket"] == ticket.number), None)
    if row is None and len(rows) >= MOST:
        return {**told, "notices": told["notices"] + 1, "more": told["more"] + 1}
    if row is None:
        row = {"ticket": ticket.number, "notices": 0}
        rows.append(row)
    row["notices"] += 1
    row |= {"subject": ticket.subject, "requester": person_words(ticket.requester), **_last(occasion, helpdesk)}
    return {**told, "notices": told["notices"] + 1, "rows": rows}


def _last(occasion: NoticeContext, helpdesk: Helpdesk) -> dict[str, Any]:
    """Return what happened, in few words."""
    entry = occasion.entry
    return {
        "author": (entry.author_name or entry.author.address) if entry else "",
        "kind": entry.kind if entry else "",
        "text": " ".join(entry.text.split())[:_WORDS] if entry else "",
        "changes": changes(occasion.happened, helpdesk, helpdesk.zone)[:3],
    }
