"""An alarm that did not arrive goes to the next person in line, at once. Nobody is told twice."""

from __future__ import annotations

from dataclasses import dataclass

from maild.domain.escalation.chain import next_in_line
from maild.domain.escalation.step_recipients import AlarmRecipient
from maild.domain.escalation.steps import alarm
from maild.domain.notices.notice import Notice
from maild.domain.notices.recipients import Recipient, Roster
from maild.domain.people.preferences import ALL_IN, Interest, Readers
from maild.domain.policy import Policy
from maild.domain.tickets.events import Escalated
from maild.domain.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class LostAlarm:
    """What a lost mail told, as far as it still matters; whom it was for; and who was told of the same by other mails.

    `agent` is "" for an address that is nobody's. `told` are agents by name, those included whom it did not reach;
    `reached` says whether anybody was, as far as we know. A page may be lost while the agent's mailbox is not."""

    outbox: int
    steps: tuple[Escalated, ...]
    recipient: str
    agent: str = ""
    told: frozenset[str] = frozenset()
    reached: bool = False
    paged: bool = False
    readers: Readers = ALL_IN


def handed_on(ticket: Ticket, lost: LostAlarm, policy: Policy) -> tuple[Notice, ...]:
    """The mails to whoever is next; none when the steps matter no more, or everybody in line was told."""
    if not lost.steps:
        return ()
    roster = Roster(policy.directory, lost.readers, policy.zone)
    agent = policy.directory.agent(lost.agent)
    who = agent.shown if agent is not None else lost.recipient
    if lost.paged and agent is not None and agent.name not in lost.told:
        told = [Recipient(agent, "no page reaches you", Interest.OWNER, in_place=True)]
    else:
        told = next_in_line(agent, ticket, roster, lambda _reader: f"no mail reaches {who}", lost.told)
    return tuple(alarm(AlarmRecipient.of(each), lost.steps, ticket, policy.directory) for each in told)


def unheard(lost: LostAlarm, notices: tuple[Notice, ...]) -> bool:
    """Does nobody know of it now?"""
    return bool(lost.steps) and not lost.reached and not notices
