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
    """What a lost mail told, as far as it still matters; whom it was for; and who else was told of the same.

    `agent` is "" for an address that is no agent's. `told` are agents by name, including those whom it did not
    reach. `reached` says whether anybody was reached, as far as we know. A page can be lost while the agent's
    mailbox works."""

    outbox: int
    steps: tuple[Escalated, ...]
    recipient: str
    agent: str = ""
    told: frozenset[str] = frozenset()
    reached: bool = False
    paged: bool = False
    readers: Readers = ALL_IN


def handed_on(ticket: Ticket, lost: LostAlarm, policy: Policy) -> tuple[Notice, ...]:
    """Return the mails to whoever is next; () when the steps matter no more or everybody in line was told."""
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
    """Tell whether nobody knows of it now."""
    return bool(lost.steps) and not lost.reached and not notices
