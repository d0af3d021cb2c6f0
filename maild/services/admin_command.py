"""The admin's commands on the command line: the same verbs as in mails, from the same table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maild.domain.agent_mail.judge import ADMIN, AgentMail, act_of_line
from maild.domain.decision import EntryDraft
from maild.domain.lookups import Lookups
from maild.domain.messages.reply_tokens import Scope
from maild.domain.tickets.events import Event
from maild.domain.tickets.ticket import EntryKind
from maild.ports import OpenUnitOfWork
from maild.services.apply.decision import apply_decision
from maild.services.helpdesk import Helpdesk
from maild.services.intake.lookups import records_of, thought_through
from maild.services.work import Work


@dataclass(frozen=True, slots=True)
class Commanded:
    """What became of a line of commands."""

    events: tuple[Event, ...]
    problems: tuple[tuple[str, str, str], ...]
    reason: str
    help: str = ""


def command_ticket(
    open_unit: OpenUnitOfWork, helpdesk: Helpdesk, number: int, words: Sequence[str], now: datetime
) -> Commanded | None:
    """Do one command on a ticket. Returns None when there is no ticket of this number."""
    with open_unit() as unit:
        work = Work(unit, helpdesk, now, f"do-{number}")
        ticket = unit.tickets.get(number)
        if ticket is None:
            return None
        draft = EntryDraft(kind=EntryKind.NOTE, author=ADMIN, author_name=helpdesk.name, text="", trust="verified")
        act = AgentMail(
            agent=None,
            text=" ".join(words),
            scope=Scope.NOTE,
            ticket=ticket,
            at=max(now, ticket.updated_at),
            draft=draft,
        )
        known = Lookups(records=records_of((number,), unit))
        decision = thought_through(
            lambda lookups: act_of_line(replace(act, lookups=lookups), words, helpdesk.policy), known, work
        )
        done = apply_decision(work, decision, ticket)
        unit.commit()
    transcript = decision.mails.transcript
    problems = transcript.problems if transcript else ()
    return Commanded(done.events, problems, decision.reason, transcript.help if transcript else "")
