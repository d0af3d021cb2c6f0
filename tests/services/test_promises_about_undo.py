"""What a receipt says about the wait of an answer is the moment at which its outbox row leaves, and nothing else."""

from datetime import timedelta

import pytest

from tests.rig.office import CONFIG, Office

KAREN, JOHN, JANE = "karen@client.example", "john@acme.example", "jane@acme.example"


def with_hold(hold: str) -> str:
    return CONFIG.replace("[acknowledge]", f'[outbox]\nhold = "{hold}"\n\n[acknowledge]', 1)


def widened(office: Office, text: str) -> None:
    """Jane answers a notice whose answers stay inside, with a command that sends her text to the customer."""
    office.open_ticket("Karen Hill <karen@client.example>")
    office.receive(office.answer(office.last("new-ticket", JOHN), "!assign jane"))
    office.clock.advance(timedelta(seconds=7))
    done = office.receive(office.answer(office.last("assigned", JANE), text))
    assert done.outcome == "replied"


def receipt(office: Office, agent: str = JANE) -> str:
    return " ".join(office.words(office.last("feedback", agent)).split())


def buttons(office: Office, agent: str = JANE) -> list[str]:
    return [action["label"] for action in office.last("feedback", agent).context["actions"]]


@pytest.mark.parametrize(("hold", "leaves"), [("60s", "09:02:07"), ("30s", "09:02:07"), ("5m", "09:05:07")])
def test_the_moment_is_that_of_the_row(open_office, hold: str, leaves: str):
    office = open_office(with_hold(hold))
    widened(office, "!reply\nPlease call me.")
    row = office.last("reply", KAREN)
    assert f"{row.next_at:%H:%M:%S}" == leaves
    assert f"your text goes to Karen Hill at {leaves} UTC; until then !undo stops it" in receipt(office)
    assert "minutes" not in receipt(office)
    assert "Undo" in buttons(office)
    office.deliver()
    (mail,) = (mail for mail in office.sent_to(JANE) if "until then" in mail.text)
    assert leaves in mail.text


def test_a_longer_wait_names_the_day(open_office):
    office = open_office(with_hold("2h"))
    widened(office, "!reply\nPlease call me.")
    assert "your text goes to Karen Hill on Mon 2026-05-04 11:00 UTC; until then !undo stops it" in receipt(office)


def test_without_a_window_nothing_is_said_about_undo(open_office):
    office = open_office(with_hold("0s"))
    widened(office, "!reply\nPlease call me.")
    row = office.last("reply", KAREN)
    assert row.next_at == office.clock.now()
    assert "your text goes to Karen Hill" in receipt(office)
    assert "undo" not in receipt(office).lower()
    assert "Undo" not in buttons(office)


def test_a_status_that_changed_with_it_can_still_be_undone(open_office):
    office = open_office(with_hold("0s"))
    widened(office, "!reply\n!close\nPlease call me.")
    assert "until then" not in receipt(office)
    assert "Undo" in buttons(office)


def test_a_moment_that_the_writer_named_is_said_once(open_office):
    office = open_office(with_hold("0s"))
    widened(office, "!reply\n!send tomorrow 10:00\nPlease call me.")
    assert "your text goes to Karen Hill on Tue 2026-05-05 10:00 UTC; until then !undo stops it" in receipt(office)
    assert receipt(office).count("until then") == 1
    assert office.last("reply", KAREN).next_at.isoformat() == "2026-05-05T10:00:00+00:00"


def test_an_answer_that_its_writer_puts_off_says_when_it_leaves(office: Office):
    office.open_ticket(KAREN)
    office.receive(office.answer(office.last("new-ticket", JOHN), "!send tomorrow 10:00\nUse water."))
    assert "your answer leaves on Tue 2026-05-05 10:00 UTC; until then !undo stops it" in receipt(office, JOHN)


def test_why_an_answer_waits_longer_is_said_with_the_moment(open_office):
    office = open_office(with_hold("3m"))
    office.receive(office.mail("John Smith <john@acme.example>", "receipts all", to="support+me@acme.example"))
    office.open_ticket(KAREN)
    office.receive(office.answer(office.last("new-ticket", JOHN), "!priority high\nPassword: hunter22"))
    told = receipt(office, JOHN)
    assert "it waits until 09:03:00 UTC, because it seems to hold a password" in told
    assert "it waits until 09:03:00 UTC, because it is your first mail to client.example" in told
    assert office.last("reply", KAREN).next_at == office.clock.now() + timedelta(minutes=3)


def test_the_moment_stands_on_the_readers_clock(open_office):
    office = open_office(CONFIG.replace('name = "jane"', 'name = "jane"\ntimezone = "Asia/Kolkata"', 1))
    widened(office, "!reply\nPlease call me.")
    assert "your text goes to Karen Hill at 14:32:07 IST; until then" in receipt(office)


def test_a_text_that_leaves_at_once_has_no_line_about_a_wait(office: Office):
    widened(office, "!reply\n!now\n!wait fri\nPlease call me.")
    assert "waiting until Fri 2026-05-08 09:00 UTC" in receipt(office)
    assert "until then" not in receipt(office)
    assert office.last("reply", KAREN).next_at == office.clock.now()
