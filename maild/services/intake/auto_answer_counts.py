"""Counts recent automatic answers, for mails that a program might answer and for no others."""

from __future__ import annotations

from datetime import datetime

from maild.domain.intake.auto_answer_limits import ALIKE_WITHIN, DAY, HOUR, MINUTE, NO_TRAFFIC, STOPPED_FOR, Traffic
from maild.domain.intake.keys import ReadMail
from maild.domain.messages.subject import same_subject
from maild.domain.people.directory import Person, ascii_lower
from maild.domain.tickets.ticket import Ticket
from maild.ports import AnswerWindows
from maild.services.work import Work

_SUBJECTS = 50  # mails of one sender within ten minutes that are compared


def asked_about(read: ReadMail) -> Person | None:
    """Return whom an automatic answer would go to: the visitor of a contact form, not the form.

    None for a mail that no program answers."""
    return (read.filing.requester or read.message.sender) if read.classification.answerable else None


def answer_windows(now: datetime) -> AnswerWindows:
    """Return since when automatic answers count."""
    return AnswerWindows(
        a_day_ago=now - DAY,
        an_hour_ago=now - HOUR,
        a_minute_ago=now - MINUTE,
        stopped_since=now - STOPPED_FOR,
    )


def subjects_since(now: datetime) -> datetime:
    """Return since when the subjects of a sender's mails are compared."""
    return now - ALIKE_WITHIN


def traffic_of(work: Work, read: ReadMail, ticket: Ticket | None) -> Traffic:
    """Count recent answers to the person whom an answer would go to.

    Nothing is counted for a mail that no program answers anyway."""
    unit, now = work.unit, work.now
    person = asked_about(read)
    if person is None:
        return NO_TRAFFIC
    address, subject = person.address, read.message.subject
    counts = unit.outbox.count_answers([address], answer_windows(now), "status")
    written = unit.inbound.subjects(str(address), subjects_since(now), read.inbound, _SUBJECTS)
    return Traffic(
        to_sender=counts.to_address.get(address.key, 0),
        to_domain=counts.to_domain.get(ascii_lower(address.domain), 0),
        to_all=counts.to_all,
        states=counts.states.get((address.key, ticket.number), 0) if ticket else 0,
        alike=sum(same_subject(other, subject) for other in written),
        spam=address.key in unit.tickets.spam_senders([address]),
        stopped=counts.flood_reported,
    )
