"""Counts recent automatic answers, for mails that a program might answer and for no others."""

from __future__ import annotations

from maild.domain.intake.auto_answer_limits import ALIKE_WITHIN, DAY, HOUR, MINUTE, NO_TRAFFIC, STOPPED_FOR, Traffic
from maild.domain.intake.keys import ReadMail
from maild.domain.messages.subject import same_subject
from maild.domain.tickets.ticket import Ticket
from maild.services.work import Work

_SUBJECTS = 50  # mails of one sender within ten minutes that are compared


def traffic_of(work: Work, read: ReadMail, ticket: Ticket | None) -> Traffic:
    """What there was before this mail, counted for whom an answer would go to: the visitor of a contact form, not the
    form. Nothing is counted for a mail that no program answers anyway."""
    unit, now, message = work.unit, work.now, read.message
    sender = read.filing.requester or message.sender
    if sender is None or not read.classification.answerable:
        return NO_TRAFFIC
    address, answers = sender.address, unit.outbox.count_answers
    written = unit.inbound.subjects(str(address), now - ALIKE_WITHIN, read.inbound, _SUBJECTS)
    return Traffic(
        to_sender=answers(now - DAY, to=address),
        to_domain=answers(now - HOUR, domain=address.domain),
        to_all=answers(now - MINUTE),
        states=answers(now - HOUR, to=address, ticket=ticket.number, template="status") if ticket else 0,
        alike=sum(same_subject(subject, message.subject) for subject in written),
        spam=unit.tickets.has_spam_from(address),
        stopped=unit.outbox.flood_reported(now - STOPPED_FOR),
    )
