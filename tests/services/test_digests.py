"""Digests: at the reader's hour, once, with rows that can be answered; none where there is nothing to tell."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maild.domain.reports.ticket_measures import Measured
from maild.mail.templates.lint import CLIPPED
from maild.ports import OutboxRow, TicketHistory, UnitOfWork
from maild.services.reports import digest_of_agent, statistics
from maild.services.reports import digests as services
from maild.services.reports.digest_parts import DigestReader
from maild.services.reports.retry_later import RetryLater
from maild.services.work import Work
from tests.rig.office import CONFIG, Office

JOHN, JANE, JOE, MARY = (f"{name}@acme.example" for name in ("john", "jane", "joe", "mary"))
OFF = CONFIG[CONFIG.index("[digest]") : CONFIG.index("[[department]]")]
BY_DEFAULT = CONFIG.replace(OFF, "")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TUESDAY = datetime(2026, 5, 5, 8, 0, tzinfo=UTC)


def wish(office: Office, agent: str, words: str | None, name: str = "digest") -> None:
    with office.store() as unit:
        unit.preferences.change(agent, {name: words}, office.clock.now())
        unit.commit()


def digests(office: Office, address: str = "") -> list[OutboxRow]:
    return office.outbox("digest", address)


def managers(office: Office) -> list[OutboxRow]:
    """The digests of Mary's departments."""
    return [row for row in digests(office, MARY) if row.context["trace"].startswith("manager")]


def titles(row: OutboxRow) -> list[str]:
    return [section["title"] for section in row.context["sections"]]


def numbers(row: OutboxRow, title: str) -> list[int]:
    (section,) = [each for each in row.context["sections"] if each["title"] == title]
    return [each["number"] for each in section["rows"]]


def until(office: Office, moment: datetime) -> None:
    """Let time pass until then, in ticks of an hour."""
    while office.clock.now() < moment:
        office.tick(min(HOUR, moment - office.clock.now()))


def taken(office: Office, who: str = JOHN, **more: str) -> int:
    """A ticket that somebody has, and whose customer waits."""
    number = office.open_ticket(**more)
    office.receive(office.answer(office.last("new-ticket", who, number), "!take"))
    return number


def answered(office: Office, who: str = JOHN, words: str = "", **more: str) -> int:
    """A ticket that somebody has, and whose customer has their answer."""
    number = office.open_ticket(**more)
    office.receive(office.answer(office.last("new-ticket", who, number), f"Hello.\n{words}"))
    return number


@pytest.fixture
def by_default(open_office: Callable[[str], Office]) -> Office:
    """An office whose digests come by themselves, as they do where nobody says otherwise."""
    office = open_office(BY_DEFAULT)
    office.tick()  # the first start
    return office


# -- by wish ----------------------------------------------------------------------------------------------------


def test_a_digest_comes_once_a_day_and_names_each_ticket_once(office):
    mine, free = taken(office), office.open_ticket("ken@client.example", "Excel.", subject="Excel")
    wish(office, "john", "daily 08:00")
    for _ in range(3):
        office.tick(timedelta(minutes=1))
    (row,) = digests(office, JOHN)
    with office.store(reading=True) as unit:
        snapshot = unit.snapshots.get(1)
    assert (snapshot.kind, snapshot.tickets) == ("digest", (mine, free))
    office.tick(timedelta(days=3))
    assert len(digests(office, JOHN)) == 2  # the days without a tick are not made up for
    assert not digests(office, JANE)
    text = office.words(row)
    assert "== Yours, and due by the end of the next working day" in text
    assert "Excel" in text


def test_a_digest_is_answered_by_its_rows(office):
    number = office.open_ticket()
    wish(office, "john", "daily 08:00")
    office.tick()
    (row,) = digests(office, JOHN)
    mail = row.context["mail"]
    done = office.receive(office.mail(JOHN, "1 take", to=mail["reply_to"], subject=f"Re: {row.subject}"))
    again = office.receive(office.mail(JOHN, "1 take", to=mail["reply_to"], subject=f"Re: {row.subject}"))
    assert [done.outcome, again.outcome] == ["commanded", "commanded"]
    assert office.ticket(number)["assignee"] == "john"
    assert office.kinds(number).count("assigned") == 1


def test_a_digest_without_a_row_is_not_sent(office):
    wish(office, "joe", "hourly")
    office.open_ticket()  # of another department
    office.tick(timedelta(hours=2))
    assert not digests(office, JOE)


def test_a_wish_counts_on_sundays_too_and_a_default_does_not(by_default):
    wish(by_default, "jane", "daily 08:00")
    by_default.open_ticket()
    by_default.clock.advance(timedelta(days=5))  # Saturday
    by_default.tick()
    assert digests(by_default, JANE)
    assert not digests(by_default, JOHN)
    by_default.tick(2 * DAY)  # Monday
    assert digests(by_default, JOHN)


# -- by default -------------------------------------------------------------------------------------------------


def test_everybody_gets_one_on_working_days_at_eight(by_default):
    by_default.open_ticket()
    until(by_default, TUESDAY - timedelta(seconds=1))
    assert not digests(by_default)
    until(by_default, TUESDAY)
    assert {str(row.to.address) for row in digests(by_default)} == {JOHN, JANE, MARY}  # Joe sees other tickets
    until(by_default, TUESDAY + 23 * HOUR)
    assert len(digests(by_default, JOHN)) == 1


@pytest.mark.parametrize("closed", ["", "2026-05-11"])
def test_the_night_after_days_off_brings_no_digest_of_them(open_office, closed):
    """The newest period of a Monday's night is Sunday's; the same holds after a holiday."""
    week = ", ".join(f'{day} = "08:00-17:00"' for day in ("mon", "tue", "wed", "thu", "fri"))
    calendar = f'[[calendar]]\nname = "office"\nopen = {{ {week} }}\nclosed = [{closed}]\n'
    office = open_office(f"{BY_DEFAULT}\n{calendar}")
    office.tick()
    office.open_ticket()
    until(office, TUESDAY + 3 * DAY)  # Friday's has come
    before = len(digests(office, JOHN))
    returns = TUESDAY + (7 if closed else 6) * DAY
    until(office, returns - timedelta(seconds=1))
    assert len(digests(office, JOHN)) == before
    until(office, returns + HOUR)
    assert len(digests(office, JOHN)) == before + 1


def test_the_first_start_mails_nobody_even_long_after_eight(open_office):
    office = open_office(BY_DEFAULT)
    office.open_ticket()
    for _ in range(3):
        office.tick(timedelta(minutes=1))
    assert not digests(office)
    until(office, TUESDAY)
    assert digests(office, JOHN)


def test_a_new_agent_is_first_told_of_the_next_day(by_default):
    by_default.open_ticket()
    until(by_default, TUESDAY + HOUR)
    ana = '[[agent]]\nname = "ana"\naddresses = ["ana@acme.example"]\ndepartments = ["support"]\n'
    by_default.configure(BY_DEFAULT + ana)
    by_default.tick(HOUR)
    assert not digests(by_default, "ana@acme.example")
    until(by_default, TUESDAY + DAY)
    assert digests(by_default, "ana@acme.example")


@pytest.mark.parametrize(
    ("preferences", "told"),
    [
        ({}, ["digest", "team"]),
        ({"digest": "off"}, []),
        ({"digest_team": "off"}, ["digest"]),
        ({"digest": "weekly fri 08:00"}, ["digest", "team"]),
    ],
)
def test_an_agents_own_wish_wins_over_the_default(by_default, preferences, told):
    for name, words in preferences.items():
        wish(by_default, "jane", words, name)
    number = by_default.open_ticket()
    by_default.receive(by_default.answer(by_default.last("new-ticket", JANE, number), "!assign banking"))
    by_default.tick()
    until(by_default, TUESDAY)
    assert [row.context["trace"].split("-")[0] for row in digests(by_default, JANE)] == told
    until(by_default, TUESDAY + 2 * DAY)  # who wishes for Fridays gets the one that is due at once, and no other
    if preferences.get("digest", "").startswith("weekly"):
        assert sum(row.context["trace"].startswith("digest") for row in digests(by_default, JANE)) == 1


def test_who_is_away_gets_none(by_default):
    by_default.open_ticket()
    by_default.receive(by_default.mail(JANE, "ooo until fri", to="support+me@acme.example"))
    until(by_default, TUESDAY)
    assert not digests(by_default, JANE)
    assert digests(by_default, JOHN)


def test_eight_is_on_the_readers_clock(open_office):
    config = BY_DEFAULT.replace('display = "John Smith"', 'display = "John Smith"\ntimezone = "Asia/Tokyo"')
    office = open_office(config)
    office.tick()
    office.open_ticket()
    until(office, datetime(2026, 5, 4, 22, tzinfo=UTC))
    assert not digests(office)
    until(office, datetime(2026, 5, 4, 23, tzinfo=UTC))  # Tuesday, 08:00 in Tokyo
    assert [str(row.to.address) for row in digests(office)] == [JOHN]


def test_every_digest_says_why_it_came_and_how_to_end_it(by_default):
    number = by_default.open_ticket()
    by_default.receive(by_default.answer(by_default.last("new-ticket", JANE, number), "!assign banking"))
    until(by_default, TUESDAY)
    personal, team = digests(by_default, JANE)
    assert personal.context["reason"] == "your digest comes daily 08:00 on working days"
    assert team.context["reason"] == "you lead this team; its digest comes daily 08:00 on working days"
    for row, ends in ((personal, "digest off"), (team, "digest team off")):
        assert f"Stop: {ends}" in by_default.words(row).replace("\n", " ")
        by_default.deliver()
        assert (
            row.context["mail"]["list_unsubscribe"] == f"<{row.context['stop'][0]['mailto'].partition('&')[0]}&body=>"
        )
    # What a mail program sends when its reader presses Unsubscribe.
    to = personal.context["stop"][0]["to"]
    assert by_default.receive(by_default.mail(JANE, "", to=to, subject="digest off")).outcome == "commanded"
    by_default.tick(DAY)
    assert len(digests(by_default, JANE)) == 2


def test_two_ticks_at_once_make_one(by_default):
    by_default.open_ticket()
    by_default.clock.set(TUESDAY)
    with by_default.store(reading=True) as unit:
        due = list(services.due_digests(Work(unit, by_default.helpdesk, TUESDAY)))
    by_default.tick()
    another = services.make_digests(by_default.store, by_default.helpdesk, TUESDAY, due, RetryLater())
    assert (another, len(digests(by_default, JOHN))) == (0, 1)  # it looked at the same moment


@pytest.fixture
def while_reckoning(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Something that happens once, while the figures of departments are being reckoned."""

    def happens(what: Callable[[], object]) -> None:
        def measure(*asked: Any) -> Iterator[Measured]:
            monkeypatch.setattr(statistics, "measure", real)
            what()
            return real(*asked)

        real = statistics.measure
        monkeypatch.setattr(statistics, "measure", measure)

    return happens


def test_mail_is_taken_in_while_figures_are_reckoned(by_default, while_reckoning):
    by_default.open_ticket()
    by_default.clock.set(TUESDAY + 6 * DAY)
    while_reckoning(lambda: by_default.open_ticket("ken@client.example", subject="Meanwhile"))
    by_default.tick()
    assert by_default.ticket(2)["subject"] == "Meanwhile"
    assert managers(by_default)


def test_what_another_node_mailed_meanwhile_is_thrown_away(by_default, while_reckoning):
    by_default.open_ticket()
    by_default.clock.set(TUESDAY + 6 * DAY)
    while_reckoning(by_default.tick)
    by_default.tick()
    assert len(managers(by_default)) == 1
    with by_default.store(reading=True) as unit:
        kept = [number for number in range(1, 20) if unit.snapshots.get(number)]
    assert len(kept) == len(digests(by_default))


def test_a_digest_that_fails_is_told_once_and_tried_again_after_a_while(by_default, monkeypatch, caplog):
    tried: list[datetime] = []

    def fails(unit: UnitOfWork, reader: DigestReader) -> list[TicketHistory]:
        if reader.agent.name != "john":
            return real(unit, reader)
        tried.append(reader.now)
        raise ValueError("an event that nobody can read")

    real = digest_of_agent._mine
    monkeypatch.setattr(digest_of_agent, "_mine", fails)
    by_default.open_ticket()
    by_default.clock.set(TUESDAY)
    for _ in range(10):
        by_default.tick(timedelta(minutes=1))
    assert {str(row.to.address) for row in digests(by_default)} == {JANE, MARY}  # the others get theirs
    assert tried == [TUESDAY + timedelta(minutes=1)]
    told = [record for record in caplog.records if "digest of john" in record.getMessage()]
    assert [record.getMessage() for record in told] == [
        "the personal digest of john cannot be made; it is tried again in 15 minutes"
    ]
    assert told[0].exc_info
    by_default.tick(timedelta(minutes=6))
    assert len(tried) == 2
    monkeypatch.setattr(digest_of_agent, "_mine", real)
    by_default.tick(timedelta(minutes=15))
    assert len(digests(by_default, JOHN)) == 1


# -- what stands in a personal one --------------------------------------------------------------------------------


def test_the_sections_of_a_personal_digest(open_office):
    """On Wednesday: one overdue, one due soon, one whose customer waits, one of nobody, one back, one lost."""
    office = open_office(f'{BY_DEFAULT}\n[[sla_plan]]\nname = "default"\nresolution = "200h"\n')
    office.tick()
    late = answered(office, words="!due 2026-05-05 12:00", subject="Late")
    soon = answered(office, words="!due 2026-05-07", subject="Soon")
    answered(office, words="!due 2026-05-08", subject="Later")
    back = answered(office, words="!wait 1d", subject="Back")
    lost = answered(office, words="!close", subject="Lost")
    waits = answered(office, subject="Waits")
    until(office, TUESDAY + HOUR)
    office.receive(office.mail("Karen Hill <karen@client.example>", "And now?", **_thread(office, waits)))
    free = office.open_ticket(subject="Free")
    _bounce(office, lost)
    until(office, TUESDAY + DAY)
    row = digests(office, JOHN)[-1]
    assert {title: numbers(row, title) for title in titles(row)} == {
        "Overdue, yours or nobody's": [late],
        "Yours, and due by the end of the next working day": [soon],
        "Yours, and the customer wrote last": [waits],
        "Nobody's": [free],
        "Yours, and back from waiting or a snooze": [back],
        "Yours, and a mail did not arrive": [lost],
    }
    assert row.subject == (
        "Your tickets: 1 overdue, 1 due soon, 1 waiting for you, 1 without an owner, 1 back, 1 undelivered"
    )


def _thread(office: Office, number: int) -> dict[str, str]:
    return {"subject": f"Re: Waits [#{office.ticket(number)['token']}]"}


def _bounce(office: Office, number: int) -> None:
    """The customer's provider could not deliver the newest answer of a ticket."""
    row = office.last("reply", "karen@client.example", number)
    report = (
        "From: MAILER-DAEMON@mx.client.example\r\nTo: support@acme.example\r\nSubject: Undelivered\r\n"
        "Message-ID: <b1@mx.client.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nNo.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.client.example\r\n\r\nFinal-Recipient: rfc822; karen@client.example\r\n"
        "Action: failed\r\nStatus: 5.2.2\r\nDiagnostic-Code: smtp; 552 mailbox full\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {row.message_id}\r\n\r\n--b--\r\n"
    )
    assert office.receive(report.encode()).outcome == "bounced"


def test_who_sees_everything_is_told_of_their_own_departments(open_office):
    """Mary manages two departments; Max, another admin, is in none."""
    max_ = '[[agent]]\nname = "max"\naddresses = ["max@acme.example"]\ndepartments = []\nrole = "admin"\n'
    sales = '[[department]]\nname = "sales"\naddress = "sales@acme.example"\n'
    office = open_office(BY_DEFAULT + max_ + sales)
    office.tick()
    ours, others = office.open_ticket(), office.open_ticket(to="sales@acme.example")
    until(office, TUESDAY)
    for address, told in ((MARY, [ours]), ("max@acme.example", [ours, others])):
        (row,) = [row for row in digests(office, address) if row.context["trace"].startswith("digest")]
        assert numbers(row, "Overdue, yours or nobody's") == told


def test_what_came_back_or_got_lost_is_told_once(by_default):
    office = by_default
    answered(office, words="!wait 1d\n!due 2026-05-29")
    lost = answered(office, words="!close", subject="Lost")
    office.deliver(timedelta(minutes=2))
    _bounce(office, lost)
    until(office, TUESDAY + 3 * DAY)
    told = [titles(row) for row in digests(office, JOHN)]
    assert told == [["Yours, and a mail did not arrive"], ["Yours, and back from waiting or a snooze"]]
    (first, _) = digests(office, JOHN)
    assert first.context["sections"][0]["rows"][0]["line"].startswith("karen@client.example: ")


def test_snoozed_tickets_are_out_of_sight_until_they_wake(by_default):
    office = by_default
    answered(office, words="!due 2026-05-06 12:00\n!snooze 1d")
    until(office, TUESDAY)
    assert not digests(office, JOHN)
    until(office, TUESDAY + DAY)
    assert titles(digests(office, JOHN)[-1]) == ["Yours, and due by the end of the next working day"]


def test_more_than_a_mail_holds_is_told(by_default):
    for number in range(53):
        by_default.receive(by_default.mail(f"c{number}@client.example", "x", subject=f"Case {number}"))
    until(by_default, TUESDAY)
    (row,) = digests(by_default, JOHN)
    (section,) = row.context["sections"]
    assert len(section["rows"]) == 50
    assert section["note"] == "more than 50 tickets, the first 50 of them are here"
    assert row.subject == "Your tickets: more than 50 overdue"


# -- of a team, and of departments --------------------------------------------------------------------------------


def test_a_teams_lead_hears_who_has_what(by_default):
    office = by_default
    one, two = office.open_ticket(subject="One"), office.open_ticket(subject="Two")
    office.open_ticket(subject="Of nobody's team")
    for number in (one, two):
        office.receive(office.answer(office.last("new-ticket", JANE, number), "!assign banking"))
    office.receive(office.answer(office.last("new-ticket", JANE, two), "!take"))
    until(office, TUESDAY - 12 * HOUR)
    fresh = office.open_ticket(subject="Fresh")
    office.receive(office.answer(office.last("new-ticket", JANE, fresh), "!assign banking"))
    until(office, TUESDAY)
    team = digests(office, JANE)[-1]
    assert team.subject == "Your team banking: 3 open or waiting, 2 overdue, 2 nobody's"
    assert titles(team) == ["Overdue", "Nobody's", "The team"]
    assert (numbers(team, "Overdue"), numbers(team, "Nobody's")) == ([one, two], [fresh])  # each stands once
    who, line = team.context["sections"][2]["charts"]
    told = [(row["label"], row["told"]) for row in who["rows"]]
    assert told == [("Jane Doe", "1, 1 late"), ("joe", "0"), ("Nobody", "2, 1 late")]
    assert [point["value"] for point in line["points"]] == ["0"] * 12 + ["3", "3"]
    # Its rows are answered as those of any list.
    mail = team.context["mail"]
    office.receive(office.mail(JANE, "1 take", to=mail["reply_to"], subject=f"Re: {team.subject}"))
    assert office.ticket(one)["assignee"] == "jane"


def test_a_manager_hears_once_a_week_how_the_departments_did(by_default):
    office = by_default
    done = answered(office, words="!close", subject="Done")
    late = taken(office, subject="Late")
    until(office, datetime(2026, 5, 11, 8, tzinfo=UTC))
    (row,) = managers(office)
    assert row.subject == "Mon 4 May to Sun 10 May 2026: support 2 new, 1 resolved"
    assert titles(row) == ["support", "The worst now"]  # nothing happened in the other one
    support = row.context["sections"][0]
    assert support["note"] == "2 new, 1 resolved, 1 left at the end"
    assert [chart["caption"] for chart in support["charts"]] == [
        "New tickets",
        "Resolved",
        "How long it took, in business time",
        "In time, by SLA plan",
        "In time, by agent",
        "What is left, by age",
    ]
    assert numbers(row, "The worst now") == [late]
    assert done not in numbers(row, "The worst now")


def test_many_departments_fit_into_one_mail(open_office):
    names = [f"branch {number}" for number in range(8)]
    tables = "".join(
        f'[[department]]\nname = "{name}"\nmanager = "mary"\naddress = "b{number}@acme.example"\n'
        for number, name in enumerate(names)
    )
    office = open_office(BY_DEFAULT + tables)
    office.tick()
    for number in range(8):
        office.open_ticket(to=f"b{number}@acme.example")
    until(office, TUESDAY)
    office.tick(6 * DAY)
    row = managers(office)[0]
    shown = row.context["sections"]
    assert [each["title"] for each in shown][-2:] == ["Other departments", "The worst now"]
    told = [line for each in shown for line in each["lines"] if each["title"] == "Other departments"]
    assert len(told) + len(shown) - 2 == 8
    assert told[-1] == 'branch 7: 1 new, 0 resolved, 1 left at the end (stats week dept="branch 7")'
    context = {key: value for key, value in row.context.items() if key != "mail"}
    assert len(office.renderer.render("digest", context).html.encode()) < CLIPPED


def test_a_manager_who_was_late_hears_of_the_same_week(by_default):
    """The daemon was down on Monday: on Wednesday it tells of the week before that Monday."""
    by_default.open_ticket()
    by_default.tick(9 * DAY)
    (row,) = managers(by_default)
    assert row.subject.startswith("Mon 4 May to Sun 10 May 2026: ")


def test_whoever_leads_and_manages_nothing_gets_no_digest_of_it(by_default):
    by_default.open_ticket()
    until(by_default, datetime(2026, 5, 12, 8, tzinfo=UTC))
    kinds = {row.context["trace"].split("-")[0] for row in digests(by_default, JOHN)}
    assert kinds == {"digest"}


def test_quiet_departments_bring_no_digest(by_default):
    until(by_default, datetime(2026, 5, 12, 8, tzinfo=UTC))
    assert not digests(by_default)
