"""How many SQL statements one mail costs, from keeping it to the commit of all that follows. Later changes lower it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from maild.domain.intake.judge import Placed, place
from maild.domain.messages.message import Envelope, InboundMessage
from maild.mail.reading.parse import read
from maild.ports import IncomingMail
from maild.services.intake.gather import first_look, read_mail
from maild.services.work import Work
from tests.rig.office import Office

# Kind of mail -> the most statements that it may cost on SQLite, BEGIN and SAVEPOINT included.
MOST = {
    "a new mail": 38,
    "a customer's reply": 41,
    "an agent's reply": 39,
    "a mail of commands": 33,
    "a bounce": 36,
}


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that go to any database meanwhile."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(" ".join(statement.split()))

    sa.event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(Engine, "before_cursor_execute", note)


def new_mail(office: Office) -> bytes:
    return office.mail("Bob Reed <bob@client.example>", "Mine burns, too.", subject="Another printer")


def customers_reply(office: Office) -> bytes:
    return office.answer(office.last("acknowledgement"), "It burns more now.")


def agents_reply(office: Office) -> bytes:
    return office.answer(office.last("new-ticket", to="john@acme.example"), "Please pull the plug.")


def commands(office: Office) -> bytes:
    return office.answer(office.last("new-ticket", to="john@acme.example"), "!priority high\n!tag fire\n!assign jane")


def bounce(office: Office) -> bytes:
    office.receive(agents_reply(office))
    reply = office.last("reply", to="karen@client.example")
    report = (
        "Reporting-MTA: dns; mx.client.example\r\n\r\n"
        "Final-Recipient: rfc822; karen@client.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        "Diagnostic-Code: smtp; 550 5.1.1 user unknown\r\n"
    )
    returned = f"Message-ID: {reply.message_id}\r\nSubject: {reply.subject}\r\n"
    parts = (
        "Content-Type: text/plain\r\n\r\nIt did not arrive.\r\n",
        f"Content-Type: message/delivery-status\r\n\r\n{report}",
        f"Content-Type: text/rfc822-headers\r\n\r\n{returned}",
    )
    body = "".join(f"--part\r\n{part}\r\n" for part in parts) + "--part--\r\n"
    head = (
        "From: MAILER-DAEMON@mx.client.example\r\nTo: support@acme.example\r\nSubject: Undelivered mail\r\n"
        "Message-ID: <report-1@mx.client.example>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="part"\r\n\r\n'
    )
    return (head + body).encode()


MAILS: dict[str, tuple[Callable[[Office], bytes], str]] = {
    "a new mail": (new_mail, "opened"),
    "a customer's reply": (customers_reply, "replied"),
    "an agent's reply": (agents_reply, "replied"),
    "a mail of commands": (commands, "commanded"),
    "a bounce": (bounce, "bounced"),
}


@pytest.mark.parametrize("kind", MAILS)
def test_a_mail_costs_no_more_statements_than_that(office: Office, kind: str) -> None:
    make, outcome = MAILS[kind]
    office.open_ticket()
    raw = make(office)
    with counted() as statements:
        done = office.receive(raw, envelope_from="" if kind == "a bounce" else None)
    assert done.outcome == outcome
    assert len(statements) <= MOST[kind], Counter(statements).most_common()


# -- many mails at once -----------------------------------------------------------------------------------------------

MOST_FOR_THE_FIRST_LOOK = 11  # at mails of all kinds, however many


def test_the_first_look_at_twenty_mails_costs_as_much_as_at_one(office: Office) -> None:
    numbers = [office.open_ticket(f"Karen {n} <karen-{n}@client.example>", subject=f"Fire {n}") for n in range(10)]
    mails = []
    for number in numbers:
        mails.append(read(office.answer(office.last("acknowledgement", ticket=number), "It burns more now.")))
        mails.append(read(office.answer(office.last("new-ticket", "john@acme.example", number), "Pull the plug.")))
    for asked in (mails[:2], mails):
        placed, statements = looked_at(office, asked)
        assert len(statements) <= MOST_FOR_THE_FIRST_LOOK, Counter(statements).most_common()
        assert [each.ticket.number for each in placed if each.ticket] == [n for n in numbers for _ in "ab"][
            : len(asked)
        ]
        alone = [looked_at(office, [message])[0][0] for message in asked]
        assert [(each.route, each.ticket, each.needs) for each in placed] == [
            (each.route, each.ticket, each.needs) for each in alone
        ]


def looked_at(office: Office, messages: Sequence[InboundMessage]) -> tuple[list[Placed], list[str]]:
    """Where mails belong that are looked at together, and the statements of that look."""
    helpdesk, now = office.helpdesk, office.clock.now()
    mail = IncomingMail(raw=b"", source="smtp", arrived_at=now, envelope=Envelope())
    reads = [read_mail(helpdesk, mail, message, 100 + place) for place, message in enumerate(messages)]
    with office.store() as unit:
        with counted() as statements:
            known = first_look(Work(unit, helpdesk, now), reads)
        return [place(each, known, helpdesk.policy, helpdesk.ring, now) for each in reads], statements
