""" "Seen before: #17": a solved ticket about the same problem, with its answer, in the notice of a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maild.domain.agent_mail.suggested_answers import SOLVED, USE, beginning, reusable
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.mail_kinds import templates_where
from maild.domain.people.directory import Agent
from maild.domain.tickets.search_words import alike
from maild.domain.tickets.ticket import Ticket
from maild.domain.tickets.visibility import Sight, sight_of
from maild.ports import Listing, UnitOfWork
from maild.services.notices.template_context import NoticeContext, Sealing, last_of, link_subject, mailto
from maild.services.work import Work

_SOLVED = tuple(sorted(SOLVED))
_NOTICES = 10  # of one ticket, the newest
_OFFERING = templates_where(lambda kind: kind.offers)
_LOOKED_AT = 5  # of the best matches, until one has an answer


def seen_before(work: Work, occasion: NoticeContext, agent: Agent, sealing: Sealing) -> dict[str, Any] | None:
    """Return the best match among the solved tickets that this agent may see, as `seen_before` of
    templates/README.md."""
    unit, helpdesk = work.unit, work.helpdesk
    ticket, sight = occasion.ticket, sight_of(agent, helpdesk.policy.directory)
    for hit in _alike(unit, occasion, sight):
        number = hit.number
        answer = _answer_once(unit, occasion, hit) if sight.sees(hit) else ""
        if not answer:
            continue
        shown, cut = beginning(answer)
        whole = not cut and helpdesk.settings.helpdesk.plus_addressing
        link = mailto(sealing(Scope.COMMAND, f"{USE}-{number}"), link_subject(ticket, helpdesk), "") if whole else ""
        told = {"number": number, "subject": hit.subject, "text": shown, "cut": cut}
        return told | {"mailto": link, "typed": ""}
    return None


def _alike(unit: UnitOfWork, occasion: NoticeContext, sight: Sight) -> tuple[Ticket, ...]:
    """Return the solved tickets that are most alike.

    They are looked for once for all readers of this change who see the same departments and teams. What only one
    of them may see (`sight.agent`) is left out for the others."""
    shared, found = replace(sight, agent=""), occasion.similar.tickets
    if shared not in found:
        wanted = Listing(statuses=_SOLVED, sight=sight)
        hits = (hit.ticket for hit in unit.search.find(alike(occasion.ticket.subject), wanted, _LOOKED_AT))
        found[shared] = tuple(hit for hit in hits if hit.number != occasion.ticket.number)
    return found[shared]


def _answer_once(unit: UnitOfWork, occasion: NoticeContext, solved: Ticket) -> str:
    found = occasion.similar.answers
    if solved.number not in found:
        found[solved.number] = _answer(unit, solved)
    return found[solved.number]


def _answer(unit: UnitOfWork, ticket: Ticket) -> str:
    last = last_of(unit.tickets.entries(ticket.number), "reply")
    return reusable(last.text, ticket.requester) if last is not None else ""


def look_ahead(unit: UnitOfWork, tickets: Sequence[int]) -> None:
    """Read with one statement what `answers_shown` will be asked about these tickets."""
    unit.outbox.contexts_of(tickets, _OFFERING, _NOTICES)


def answers_shown(unit: UnitOfWork, number: int) -> tuple[str, ...]:
    """Return the answers of other tickets that notices of this one showed.

    Each went to a customer before, so repeating it gives nothing away."""
    shown = (context.get("seen_before") for context in unit.outbox.contexts(number, _OFFERING, _NOTICES))
    return tuple(dict.fromkeys(str(seen["text"]) for seen in shown if seen))
