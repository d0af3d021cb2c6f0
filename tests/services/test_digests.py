"""Digests: at the time that was wished, once, with rows that can be answered; none where there is nothing to tell."""

from datetime import timedelta

JOHN, JANE = "john@acme.example", "jane@acme.example"


def wish(office, agent, words):
    with office.store() as unit:
        unit.preferences.change(agent, {"digest": words}, office.clock.now())
        unit.commit()


def digests(office, address):
    return [row for row in office.outbox("list", address) if row.context["mail"]["automatic"] == "auto-generated"]


def test_a_digest_comes_once_a_day_and_names_each_ticket_once(office):
    mine, free = office.open_ticket(), office.open_ticket("ken@client.example", "Excel.", subject="Excel")
    office.receive(office.answer(office.last("new-ticket", JOHN, mine), "!take"))
    wish(office, "john", "daily 08:00")
    for _ in range(3):
        office.tick(timedelta(minutes=1))
    (row,) = digests(office, JOHN)
    with office.store(reading=True) as unit:
        snapshot = unit.snapshots.get(1)
    assert (snapshot.kind, sorted(snapshot.tickets)) == ("digest", [mine, free])
    assert len(set(snapshot.tickets)) == len(snapshot.tickets)
    office.tick(timedelta(days=3))
    assert len(digests(office, JOHN)) == 2  # the days without a tick are not made up for
    assert not digests(office, JANE)
    text = office.words(row)
    assert "Yours, by when they are due" in text
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
    assert not digests(office, "joe@acme.example")
