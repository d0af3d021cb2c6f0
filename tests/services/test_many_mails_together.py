"""Fifty mails judged together leave exactly what fifty judged one by one leave, and cost few statements."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from maild.domain.messages.message import InboundMessage
from maild.services.intake import process
from maild.services.intake.process import Processed
from tests.rig.office import CONFIG, Office
from tests.services.test_statements import counted

TABLES = (
    *("ticket", "event", "entry", "participant", "ancestor", "contact", "outbox", "inbound", "search_doc"),
    *("snapshot", "draft", "preference", "acquaintance", "absence", "counter", "sla_step"),
)


def before(office: Office) -> None:
    """Three tickets whose mails have left."""
    for number in range(3):
        office.open_ticket(f"Karen {number} <karen-{number}@client.example>", subject=f"Fire {number}")


def mixed(office: Office) -> list[bytes]:
    """Mails of all kinds. Several concern one ticket, some come twice, and some hold what no database takes."""
    note = office.last("new-ticket", "john@acme.example", 1)
    question = office.last("acknowledgement", ticket=2)
    new = [
        office.mail(f"Bob {n} <bob-{n}@client.example>", f"Mine burns, too: {n}.", subject=f"Fire {n}") for n in "ab"
    ]
    return [
        *new,
        office.answer(question, "It burns more now."),
        office.answer(note, "Please pull the plug."),
        office.answer(note, "!priority high\n!tag fire\n!assign jane"),
        new[0],
        office.mail("Bob a <bob-a@client.example>", "A second \U0001f525 matter.", subject="Another \U0001f525 thing"),
        office.answer(question, "And now the curtains."),
        office.answer(note, "Water helps. !resolve"),
        office.mail("Karen 0 <karen-0@client.example>", "Printer on fire again.", subject="Fire again"),
        office.answer(office.last("new-ticket", "jane@acme.example", 3), "!away tomorrow"),
        office.answer(office.last("new-ticket", "jane@acme.example", 3), "A note. !note"),
        office.mail("john@acme.example", "list open", subject="list open"),
        office.answer(note, "!priority hihg"),
    ]


def judged(office: Office, mails: list[bytes], size: int) -> list[Processed]:
    """Judge these mails in groups of this size."""
    done: list[Processed] = []
    for start in range(0, len(mails), size):
        for raw in mails[start : start + size]:
            office.keep(raw)
        while found := office.processing.round():
            done += found
    return done


def left(office: Office) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in order. Who holds a mail until when is not compared."""
    with office.store(reading=True) as unit:
        found = {}
        for table in TABLES:
            rows = unit._connection.execute(sa.text(f"SELECT * FROM {table}")).mappings()
            found[table] = sorted((dict(row) for row in rows), key=repr)
        return found


@pytest.mark.parametrize("size", [3, 50])
def test_a_batch_leaves_what_single_mails_leave(open_office: Callable[..., Office], size: int) -> None:
    offices = [open_office(CONFIG), open_office(CONFIG)]
    results = []
    for office, at_once in zip(offices, (1, size), strict=True):
        before(office)
        mails = mixed(office)
        results.append((judged(office, mails, at_once), left(office)))
    (alone, rows_alone), (together, rows_together) = results
    assert [(d.outcome, d.ticket, d.reason) for d in together] == [(d.outcome, d.ticket, d.reason) for d in alone]
    for table in TABLES:
        assert rows_together[table] == rows_alone[table], table


def test_a_mail_that_cannot_be_judged_harms_no_other_of_its_batch(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    before(office)
    true = process.read_mail

    def broken(helpdesk: Any, mail: Any, message: InboundMessage, *more: Any, **named: Any) -> Any:
        if message.subject == "breaks":
            raise RuntimeError("it cannot be judged")
        return true(helpdesk, mail, message, *more, **named)

    monkeypatch.setattr(process, "read_mail", broken)
    mails = mixed(office)
    mails.insert(4, office.mail("Eve <eve@client.example>", "Nothing.", subject="breaks"))
    for raw in mails:
        office.keep(raw)
    done = office.processing.round()
    kept = len(set(mails))  # what comes twice is kept once
    assert [each.outcome == "" for each in done] == [place == 4 for place in range(kept)]
    assert done[4].reason == "RuntimeError: it cannot be judged"
    numbers = [number for each in done if (number := each.ticket) is not None]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))  # no number was lost


# -- statements -------------------------------------------------------------------------------------------------------

MOST = 60  # for fifty mails


def fifty_new(office: Office) -> list[bytes]:
    return [office.mail(f"Bob <bob-{n}@client.example>", f"Mine burns: {n}.", subject=f"Fire {n}") for n in range(50)]


def fifty_replies(office: Office) -> list[bytes]:
    return [office.answer(office.last("acknowledgement", ticket=n % 20 + 1), f"It burns: {n}.") for n in range(50)]


def fifty_answers(office: Office) -> list[bytes]:
    notices = [office.outbox("new-ticket", "john@acme.example", n) for n in range(1, 51)]
    told = [found[-1] for found in notices if found]
    return [office.answer(told[n % len(told)], f"Please pull plug {n}.") for n in range(50)]


def fifty_commands(office: Office) -> list[bytes]:
    notices = [office.outbox("new-ticket", "john@acme.example", n) for n in range(1, 21)]
    told = [found[-1] for found in notices if found]
    return [office.answer(told[n % len(told)], f"!tag number-{n}") for n in range(50)]


@pytest.mark.parametrize(
    ("mails", "opened"), [(fifty_commands, 20), (fifty_new, 3), (fifty_replies, 20), (fifty_answers, 20)]
)
def test_fifty_mails_cost_few_statements(
    open_office: Callable[..., Office], mails: Callable[[Office], list[bytes]], opened: int
) -> None:
    office = open_office(CONFIG + "\n[notices]\nceiling = 3\n")
    for number in range(opened):
        office.open_ticket(f"Karen <karen@client-{number}.example>", subject=f"Fire {number}")
    for raw in mails(office):
        office.keep(raw)
    with counted() as statements:
        done = office.processing.round()
    assert len(done) == 50
    assert {each.outcome for each in done} <= {"opened", "replied", "held", "commanded"}, Counter(
        each.reason for each in done
    )
    assert len(statements) <= MOST, Counter(statements).most_common()
