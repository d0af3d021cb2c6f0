""" "Seen before: #17": a solved ticket about the same trouble, with the answer that solved it, in the notice of a new
one."""

from __future__ import annotations

from typing import Any

from maild.domain.people import Agent
from maild.domain.reuse import USE, beginning, reusable
from maild.domain.search_words import alike
from maild.domain.ticket import Status, Ticket
from maild.domain.token import Scope
from maild.domain.visibility import may_see, sight_of
from maild.ports import Listing, UnitOfWork
from maild.services.context import Sealing, last_of, link_subject, mailto
from maild.services.helpdesk import Helpdesk

_SOLVED = (Status.RESOLVED.value, Status.CLOSED.value)
_NOTICES = 10  # of one ticket, the newest
_LOOKED_AT = 3  # of the best matches, until one has an answer


def seen_before(
    unit: UnitOfWork, ticket: Ticket, agent: Agent, helpdesk: Helpdesk, sealing: Sealing
) -> dict[str, Any] | None:
    """The best match among the solved tickets that this agent may see, as `seen_before` of templates/README.md."""
    wanted = Listing(statuses=_SOLVED, sight=sight_of(agent, helpdesk.policy.directory))
    for hit in unit.search.find(alike(ticket.subject), wanted, _LOOKED_AT):
        number = hit.ticket.number
        answer = solving_answer(unit, number, agent, helpdesk) if number != ticket.number else ""
        if not answer:
            continue
        shown, cut = beginning(answer)
        whole = not cut and helpdesk.settings.helpdesk.plus_addressing
        link = mailto(sealing(Scope.COMMAND, f"{USE}-{number}"), link_subject(ticket, helpdesk), "") if whole else ""
        told = {"number": number, "subject": hit.ticket.subject, "text": shown, "cut": cut}
        return told | {"mailto": link, "typed": ""}
    return None


def solving_answer(unit: UnitOfWork, number: int, agent: Agent | None, helpdesk: Helpdesk) -> str:
    """The last answer of a solved ticket, fit to be given to somebody else; "" when there is none, or when the ticket
    is none of this agent's."""
    ticket = unit.tickets.get(number)
    if ticket is None or agent is None or ticket.status.value not in _SOLVED:
        return ""
    if not may_see(agent, ticket, helpdesk.policy.directory):
        return ""
    last = last_of(unit.tickets.entries(number), "reply")
    return reusable(last.text, ticket.requester) if last is not None else ""


def answers_shown(unit: UnitOfWork, number: int) -> tuple[str, ...]:
    """The answers of other tickets that notices of this one showed. Each went to a customer before: whoever says it
    once more gives nothing away."""
    shown = (context.get("seen_before") for context in unit.outbox.contexts(number, "new-ticket", _NOTICES))
    return tuple(dict.fromkeys(str(seen["text"]) for seen in shown if seen))
