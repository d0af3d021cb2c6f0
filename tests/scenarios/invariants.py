"""What holds whatever happens: checked after every step of every scenario, and of every random walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Agent, AgentRole, Directory, Role
from maild.domain.tickets.events import Event, MailHeld
from maild.domain.tickets.held_replies import HeldReplyKind
from maild.domain.tickets.ticket import CONTACT, Ticket
from maild.ports import OutboxRow, StoredEntry
from tests.scenarios.mail_client import Mail, scopes_in
from tests.scenarios.stage import PAGERS, Stage

_BESIDE = {"text-held", "text-settled"}
# What is told of a ticket to others than whoever acted.
_NEWS = {"new-ticket", "message", "note", "assigned", "transferred"}
_TELLING = 4  # words that a note must have before its text can be told from everybody's words


@dataclass(frozen=True)
class _State:
    """Every ticket as it is, and the facts that made it."""

    tickets: dict[int, Ticket]
    history: dict[int, tuple[Event, ...]]

    @property
    def facts(self) -> dict[int, list[str]]:
        """The kinds of each ticket's facts, but those that only say that a text waits."""
        return {
            number: [fact.kind for fact in facts if fact.kind not in _BESIDE] for number, facts in self.history.items()
        }


class Watch:
    """Looks at a stage step by step. `faults` answers what went wrong with the step just done."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._office = stage.office
        self._before = self._state()
        self._now = self._before

    def faults(self) -> list[str]:
        """Everything that the last step broke; nothing when all is well."""
        self._before, self._now = self._now, self._state()
        return [*self._outcomes(), *self._audiences(), *self._robots(), *self._leaks(), *self._refusals()]

    @property
    def facts(self) -> dict[int, list[str]]:
        """The facts of each ticket, after the last look."""
        return self._now.facts

    def entries(self, ticket: int) -> tuple[StoredEntry, ...]:
        with self._office.store(reading=True) as unit:
            return tuple(unit.tickets.entries(ticket))

    def all_entries(self) -> Iterator[StoredEntry]:
        for number in self._now.tickets:
            yield from self.entries(number)

    def held_mails(self) -> set[int]:
        """The mails of which those in charge of a ticket were told that they wait."""
        facts = (fact for history in self._now.history.values() for fact in history)
        return {fact.inbound for fact in facts if isinstance(fact, MailHeld)}

    def may_hear(self, agent: Agent, number: int) -> bool:
        """Was the ticket among the agent's before the last step, or is it after it? Told apart from the code that
        decides about it."""
        states = [ticket for state in (self._before, self._now) if (ticket := state.tickets.get(number))]
        directory = self._office.helpdesk.policy.directory
        takes_part = any(address in _outside(ticket) for ticket in states for address in agent.addresses)
        return takes_part or any(_concerns(ticket, agent, directory) for ticket in states)

    def acted(self) -> Iterator[tuple[Ticket, Event]]:
        """What agents did in the last step, each with the ticket as it was before; ticket by ticket."""
        for number, history in self._now.history.items():
            before = self._before.tickets.get(number) or self._now.tickets[number]
            for fact in history[len(self._before.history.get(number, ())) :]:
                if fact.by.role is Role.AGENT and fact.kind not in _BESIDE:
                    yield before, fact

    def concerns(self, ticket: Ticket, agent: str) -> bool:
        """Is the ticket among this agent's?"""
        directory = self._office.helpdesk.policy.directory
        found = directory.agent(agent)
        return found is not None and _concerns(ticket, found, directory)

    def _state(self) -> _State:
        tickets = tickets_of(self._stage)
        with self._office.store(reading=True) as unit:
            return _State(tickets, {number: tuple(unit.tickets.history(number)) for number in tickets})

    # -- every mail ends somehow ----------------------------------------------------------------------------------

    def _outcomes(self) -> Iterator[str]:
        for done in self._stage.last.done:
            if not done.outcome:
                yield f"mail {done.inbound} has no outcome: {done.reason}"
            if done.outcome == "quarantined" and "hops" not in done.reason:
                yield f"mail {done.inbound} broke the thinking: {done.reason}"

    # -- who hears of what ----------------------------------------------------------------------------------------

    def _audiences(self) -> Iterator[str]:
        for row in self._stage.last.queued:
            if row.ticket is None:
                continue
            states = [t for state in (self._before, self._now) if (t := state.tickets.get(row.ticket)) is not None]
            agent = self._agent(row)
            if (
                agent is None
                and not self._paged(row)
                and not any(row.to.address in _outside(ticket) for ticket in states)
            ):
                yield f"{row.template} of ticket {row.ticket} goes to {row.to.address}, who takes no part in it"
            if row.agent and row.template in _NEWS and not self.concerns(self._now.tickets[row.ticket], row.agent):
                yield f"{row.template} of ticket {row.ticket} goes to {row.agent}, who may not see it any more"

    def _robots(self) -> Iterator[str]:
        """At most one automatic mail outside, whatever one mail asks for, and one to each who follows the ticket for
        their organisation."""
        rows = [row for row in self._stage.last.queued if self._outside_and_automatic(row)]
        followers = Counter(str(row.to.address) for row in rows if self._follows(row))
        if any(number > 1 for number in followers.values()):
            yield f"one mail brought somebody several automatic mails: {dict(followers)}"
        made = Counter(str(row.to.address) for row in rows if not self._follows(row))
        if len(self._stage.last.done) == 1 and made.total() > 1:
            yield f"one mail brought {made.total()} automatic mails outside: {dict(made)}"

    def _outside_and_automatic(self, row: OutboxRow) -> bool:
        return self._agent(row) is None and not self._paged(row) and bool(row.context["mail"]["automatic"])

    def _paged(self, row: OutboxRow) -> bool:
        return row.template == "page" and str(row.to.address) in {address for _, address in PAGERS.values()}

    def _follows(self, row: OutboxRow) -> bool:
        ticket = self._now.tickets.get(row.ticket or 0)
        here = ticket.participants if ticket else ()
        return any(p.role == CONTACT and p.person.address == row.to.address for p in here)

    def _agent(self, row: OutboxRow) -> Agent | None:
        return self._office.helpdesk.policy.directory.agent_at(row.to.address)

    # -- what leaves the house ------------------------------------------------------------------------------------

    def _leaks(self) -> Iterator[str]:
        arrived = [mail for mail in self._stage.last.arrived if not self._inside(mail)]
        if not arrived:
            return
        let_through = "\n".join(" ".join(text.split()) for text in self._let_through())
        notes = [words for entry in self._notes() if len(words := entry.text.split()) >= _TELLING]
        notes = [words for words in notes if " ".join(words) not in let_through]
        for mail in arrived:
            to = ", ".join(mail.recipients)
            scopes = scopes_in(f"{mail.field('Reply-To')} {mail.text} {mail.html}") - {"u"}
            if scopes:
                yield f"a mark of an agent leaves with {mail.template} to {to}: scopes {sorted(scopes)}"
            said = mail.words
            yield from (
                f"a note leaves with {mail.template} to {to}: {' '.join(note)!r}"
                for note in notes
                if " ".join(note) in said
            )

    def _inside(self, mail: Mail) -> bool:
        addresses = {str(a) for agent in self._office.helpdesk.policy.directory.agents for a in agent.addresses}
        addresses |= {address for _, address in PAGERS.values()}
        return set(mail.recipients) <= addresses

    def _let_through(self) -> Iterator[str]:
        """Texts that the leak guard held and their writers sent all the same."""
        with self._office.store(reading=True) as unit:
            number = 1
            while (draft := unit.held_replies.get(number)) is not None:
                if draft.kind is HeldReplyKind.LEAK and draft.settled_as == "sent":
                    yield draft.text
                number += 1

    def _notes(self) -> Iterator[StoredEntry]:
        with self._office.store(reading=True) as unit:
            for number in self._now.tickets:
                entries = unit.tickets.entries(number)
                said = {" ".join(e.text.split()) for e in entries if e.kind != "note" or e.may_leave}
                yield from (e for e in entries if e.kind == "note" and " ".join(e.text.split()) not in said)

    # -- all or nothing -------------------------------------------------------------------------------------------

    def _refusals(self) -> Iterator[str]:
        done = self._stage.last.done
        if len(done) != 1 or done[0].outcome != "rejected":
            return
        if self._now.facts != self._before.facts:
            yield f"a refused mail changed something: {done[0].reason}"
        told = [str(row.to.address) for row in self._stage.last.queued if self._agent(row) is None]
        if told:
            yield f"a refused mail was told outside: {told}"


def tickets_of(stage: Stage) -> dict[int, Ticket]:
    """Every ticket by its number: they are counted from one."""
    found: dict[int, Ticket] = {}
    with stage.office.store(reading=True) as unit:
        while (ticket := unit.tickets.get(len(found) + 1)) is not None:
            found[ticket.number] = ticket
    return found


def undelivered(stage: Stage) -> list[OutboxRow]:
    """What waits in the outbox."""
    return [row for row in stage.office.outbox() if row.state in {OutboxState.QUEUED, OutboxState.DEFERRED}]


def _concerns(ticket: Ticket, agent: Agent, directory: Directory) -> bool:
    department, team = directory.department(ticket.department), directory.team(ticket.team)
    private = department is not None and department.private
    return (
        ticket.department in agent.departments
        or (department is not None and department.manager == agent.name)
        or (agent.role is not AgentRole.AGENT and not private)
        or ticket.assignee == agent.name
        or (team is not None and agent.name in (*team.members, team.lead))
        or agent.name in ticket.mentioned
    )


def _outside(ticket: Ticket) -> set[object]:
    return {ticket.requester.address, *(p.person.address for p in ticket.participants if p.role in {"cc", CONTACT})}
