"""An organisation's contacts get the figures of each month: once, of their own tickets alone, and without our names."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maild.domain.reports.ticket_measures import Measured
from maild.services.reports import statistics
from tests.rig.office import CONFIG, Office

ORGANISATION = """
[[organisation]]
name = "Client Ltd"
domains = ["client.example", "*.client.example"]
contacts = ["boss@client.example", "jane"]
monthly_report = true
[[organisation]]
name = "The lab"
domains = ["lab.client.example"]
contacts = ["lab@lab.client.example"]
"""
JUNE = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def reported(open_office) -> Office:
    office = open_office(CONFIG + ORGANISATION)
    office.tick()  # the first start
    return office


def reports(office: Office) -> list[tuple[str, str]]:
    return [(str(row.to.address), row.subject) for row in (*office.outbox("monthly-report"), *office.outbox("digest"))]


def test_contacts_get_the_month_that_is_over(reported):
    first = reported.open_ticket("Karen Hill <karen@client.example>")
    reported.receive(reported.answer(reported.last("new-ticket", "john@acme.example", first), "Done.\n!close"))
    reported.open_ticket("ken@berlin.client.example")
    reported.open_ticket("ada@lab.client.example")  # the narrower domain is another organisation's
    reported.open_ticket("paul@other.example")
    reported.clock.set(JUNE - HOUR)
    reported.tick()
    assert not reports(reported)
    reported.tick(HOUR)
    told = "tickets in May 2026: 2 new, 1 resolved"
    assert reports(reported) == [
        ("boss@client.example", f"Your {told}"),
        ("jane@acme.example", f"Client Ltd: {told}"),
    ]
    reported.tick(HOUR)
    assert len(reports(reported)) == 2
    reported.tick(timedelta(days=40))  # July: nothing new, and one is still open
    assert reports(reported)[-1] == ("jane@acme.example", "Client Ltd: tickets in June 2026: 0 new, 0 resolved")


def test_a_contact_is_told_figures_and_no_names_of_ours(reported):
    number = reported.open_ticket()
    reported.receive(reported.answer(reported.last("new-ticket", "john@acme.example", number), "Done.\n!close"))
    reported.clock.set(JUNE)
    reported.tick()
    reported.deliver()
    (mail,) = [m for m in reported.sent_to("boss@client.example") if m.subject.startswith("Your tickets in May 2026")]
    assert "These are the tickets of everybody at Client Ltd." in mail.text.replace("\n", " ")
    assert "First response" in mail.text
    assert "has you as a contact" in mail.text
    for word in ("John", "Jane", "!take", "SLA", "Answer with"):
        assert word not in mail.text
    assert "In time, by SLA plan" in reported.words(reported.outbox("digest", "jane@acme.example")[-1])


def test_an_answer_to_a_report_opens_a_ticket(reported):
    reported.open_ticket()
    reported.clock.set(JUNE)
    reported.tick()
    row = reported.last("monthly-report")
    answered = reported.receive(reported.answer(row, "Why so few?", proof="pass"))
    assert answered.outcome == "opened"


def test_an_agent_who_is_away_gets_no_report(reported):
    reported.open_ticket()
    reported.clock.set(JUNE - HOUR)
    reported.receive(reported.mail("jane@acme.example", "ooo until 2026-06-05", to="support+me@acme.example"))
    reported.tick(HOUR)
    assert [address for address, _ in reports(reported)] == ["boss@client.example"]


def test_a_month_is_reckoned_while_mail_is_taken_in(reported, monkeypatch):
    def measure(*asked: Any) -> Iterator[Measured]:
        monkeypatch.setattr(statistics, "measure", real)
        reported.open_ticket("ken@client.example", subject="Meanwhile")
        reported.tick()  # another node, which is quicker
        return real(*asked)

    real = statistics.measure
    reported.open_ticket()
    reported.clock.set(JUNE)
    monkeypatch.setattr(statistics, "measure", measure)
    reported.tick()
    assert reported.ticket(2)["subject"] == "Meanwhile"
    assert [address for address, _ in reports(reported)] == ["boss@client.example", "jane@acme.example"]


def test_a_report_that_fails_is_told_and_tried_again_after_a_while(reported, monkeypatch, caplog):
    tried: list[str] = []

    def measure(*asked: Any) -> Iterator[Measured]:
        tried.append("once")
        raise ValueError("an event that nobody can read")

    reported.open_ticket()
    reported.clock.set(JUNE)
    with monkeypatch.context() as broken:
        broken.setattr(statistics, "measure", measure)
        for _ in range(10):
            reported.tick(timedelta(minutes=1))
    assert len(tried) == 1
    told = [record.getMessage() for record in caplog.records if "report of" in record.getMessage()]
    assert told == ["the monthly report of Client Ltd cannot be made; it is tried again in 15 minutes"]
    assert not reports(reported)
    reported.tick(timedelta(minutes=15))
    assert len(reports(reported)) == 2


def test_nobody_gets_a_report_of_nothing_or_unasked(reported):
    reported.clock.set(JUNE)
    reported.tick()
    assert not reports(reported)
    reported.open_ticket("ada@lab.client.example")  # its organisation wants none
    reported.clock.set(datetime(2026, 7, 1, 8, tzinfo=UTC))
    reported.tick()
    assert not reports(reported)


def test_the_first_start_sends_no_report_of_a_month_that_it_did_not_see(open_office):
    office = open_office(CONFIG + ORGANISATION)
    office.open_ticket()
    office.clock.set(JUNE + HOUR)
    for _ in range(2):
        office.tick(timedelta(minutes=1))
    assert not reports(office)
