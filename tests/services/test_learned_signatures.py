"""What the helpdesk learns of agents' signatures by mail, and that no command and no sentence goes with them."""

import json
import sqlite3
from contextlib import closing

JOHN = "john@acme.example"
KAREN = "karen@client.example"


def answers(office, text, times=5):
    """John answers so many new tickets -> their numbers. A {0} in the text is another word each time."""
    numbers = []
    for n in range(times):
        number = office.open_ticket(text=f"Problem {n}", subject=f"Number {n} is broken")
        office.receive(office.answer(office.last("new-ticket", JOHN, number), text.format(f"part {n}")))
        numbers.append(number)
    return numbers


def said(office, number):
    return next(entry["text"] for entry in office.ticket(number)["entries"] if entry["kind"] == "reply")


def signature(office):
    with office.store(reading=True) as unit:
        return unit.people.signature(office.helpdesk.policy.directory.agent("john"))


def test_a_command_that_ends_each_mail_is_carried_out_each_time(office):
    numbers = answers(office, "I repaired {0}.\n!close")
    assert [office.ticket(number)["status"] for number in numbers] == ["closed"] * 5
    assert signature(office) == ""


def test_a_sentence_that_ends_each_mail_is_said_each_time(office):
    asked = "Please restart your computer and tell me whether it works."
    numbers = answers(office, "I repaired {0}.\n\n" + asked)
    assert [said(office, number).endswith(asked) for number in numbers] == [True] * 5


def test_a_signature_above_commands_is_learned_and_the_commands_count(office):
    numbers = answers(office, "I repaired {0}.\n\nJohn Smith\nAcme Support\n\n!close")
    assert said(office, numbers[0]) == "I repaired part 0.\n\nJohn Smith\nAcme Support"
    assert said(office, numbers[-1]) == "I repaired part 4."
    assert office.ticket(numbers[-1])["status"] == "closed"


def test_what_an_older_version_learned_wrongly_does_not_count(office):
    answers(office, "I repaired {0}.\n!close", times=1)
    wrong = ("!close", json.dumps([f"I repaired {n}.\n!close" for n in range(3)]))
    with closing(sqlite3.connect(office.folder / "maild.db")) as database, database:
        database.execute("UPDATE contact SET signature = ?, tails = ? WHERE agent = 'john'", wrong)
    (second,) = answers(office, "I repaired {0}.\n!close", times=1)
    assert office.ticket(second)["status"] == "closed"
