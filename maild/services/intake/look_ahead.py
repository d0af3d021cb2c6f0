"""Reads for a whole batch of mails what judging each of them will ask, with a fixed number of statements.

The unit of work remembers the answers and keeps them true while the batch is judged. What is missing here is read when
it is asked for, so nothing depends on it but the speed."""

from __future__ import annotations

from collections.abc import Sequence

from maild.domain.intake.keys import ReadMail, tickets_named
from maild.services.intake.auto_answer_counts import answer_windows, asked_about, subjects_since
from maild.services.intake.gather import first_look
from maild.services.notices import similar_tickets
from maild.services.work import Work


def look_ahead(work: Work, reads: Sequence[ReadMail]) -> None:
    """Read what judging these mails will ask, and lock the tickets that they name, in the order of their numbers."""
    unit, now = work.unit, work.now
    known = first_look(work, reads)
    named = [tickets_named(read, known, work.helpdesk.ring) for read in reads]
    tickets = sorted(number for number, record in known.tickets.records.items() if record is not None)
    unit.expect(mails=len(reads), new_tickets=sum(not numbers for numbers in named))
    unit.tickets.entries_of(tickets)
    people = [person for read in reads if (person := asked_about(read)) is not None]
    addresses = list(dict.fromkeys(person.address for person in people))
    unit.outbox.look_ahead(tickets, addresses, answer_windows(now))
    by_agents = [numbers for read, numbers in zip(reads, named, strict=True) if read.agent is not None]
    similar_tickets.look_ahead(unit, sorted(frozenset().union(*by_agents).intersection(tickets)))
    unit.tickets.spam_senders(addresses)
    unit.inbound.look_ahead(list(dict.fromkeys(map(str, addresses))), subjects_since(now))
    records = (record for record in known.tickets.records.values() if record is not None)
    members = [person.address for record in records for person in record.ticket.correspondents]
    senders = [read.message.sender.address for read in reads if read.message.sender is not None]
    unit.people.look_ahead([*senders, *members])
