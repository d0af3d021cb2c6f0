"""Agents ask by mail and answer lists: one letter for one mail, rows that mean what was seen, and nothing posted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from maild.domain.messages.reply_tokens import Scope
from maild.domain.reports.ticket_measures import Measured
from maild.mail.templates.lint import CLIPPED
from maild.ports import OutboxRow
from maild.services.admin_command import command_ticket
from maild.services.queries.asked_statistics import waits_for_statistics, with_statistics
from maild.services.reports import statistics
from tests.rig.office import CONFIG, Office

ME = "support+me@acme.example"
JANE = "Jane Doe <jane@acme.example>"
PRIVATE = CONFIG.replace(
    "[[team]]",
    '[[department]]\nname = "personnel"\nmanager = "joe"\nprivate = true\naddress = "personnel@acme.example"\n[[team]]',
    1,
)


def ask(office: Office, text: str, *, sender: str = JANE, subject: str = "", **more: object) -> OutboxRow:
    """A question to +me -> the letter that answers it."""
    before = office.queued
    done = office.receive(office.mail(sender, text, to=ME, subject=subject, **more))
    assert done.outcome == "commanded", done
    (row,) = [row for row in office.outbox() if row.id > before]
    office.deliver()
    with office.store(reading=True) as unit:
        return with_statistics(unit, row, office.helpdesk) if waits_for_statistics(row) else row


def section(row: OutboxRow, at: int = 0) -> dict:
    return row.context["sections"][at]


def numbers(row: OutboxRow, at: int = 0) -> list[int]:
    return [each["number"] for each in section(row, at)["rows"]]


def three(office: Office) -> tuple[int, int, int]:
    made = tuple(office.open_ticket(text=f"trouble {n}", subject=f"Printer {n}") for n in range(3))
    return made[0], made[1], made[2]


# -- asking -----------------------------------------------------------------------------------------------------


def test_a_list_comes_back_numbered_in_the_thread_of_the_question(office: Office) -> None:
    one, two, three_ = three(office)
    row = ask(office, "list open", subject="What is there?")
    assert (row.template, row.subject, str(row.to.address)) == ("list", "Re: What is there?", "jane@acme.example")
    assert numbers(row) == [one, two, three_]
    assert [each["row"] for each in section(row)["rows"]] == [1, 2, 3]
    mail = office.sent_to("jane@acme.example")[-1]
    assert mail.in_reply_to
    assert f"  1  #{one}" in mail.text
    assert row.context["answer"]["scope"] == Scope.DIGEST
    with office.store(reading=True) as unit:
        snapshot = unit.snapshots.get(1)
    assert snapshot is not None
    assert (snapshot.agent, snapshot.kind, snapshot.tickets) == ("jane", "list", (one, two, three_))


def test_a_question_opens_no_ticket_and_may_stand_in_the_subject(office: Office) -> None:
    office.open_ticket()
    row = ask(office, "", subject="list open")
    assert numbers(row) == [1]
    with office.store(reading=True) as unit:
        assert unit.tickets.get(2) is None


def test_the_address_for_questions_in_the_foot_is_the_agents_own(office: Office) -> None:
    first = ask(office, "who")
    again = office.receive(office.mail(JANE, "list open", to=first.context["ask"]["address"], proof=""))
    assert again.outcome == "commanded"
    foreign = office.receive(office.mail("joe@acme.example", "list open", to=first.context["ask"]["address"]))
    assert (foreign.outcome, foreign.reason) == ("held", "token-from-another-address")
    assert [template for template, to in office.told() if to == "joe@acme.example"] == ["feedback"]


def test_several_questions_are_answered_in_one_letter_numbered_through(office: Office) -> None:
    one, two, three_ = three(office)
    row = ask(office, f"list open\nfind trouble\nshow {two}\n\nwho")
    assert [each["title"] for each in row.context["sections"]] == ["list open", "find trouble", f"show {two}", "who"]
    assert [each["row"] for each in section(row, 1)["rows"]] == [4, 5, 6]
    assert numbers(row, 2) == [two]
    assert section(row, 1)["rows"][0]["line"].startswith("trouble")
    done = office.receive(office.answer(row, "7 take"))
    assert done.outcome == "commanded"
    assert office.ticket(two)["assignee"] == "jane"
    assert office.ticket(one)["assignee"] is None
    assert office.ticket(three_)["assignee"] is None


def test_an_empty_answer_is_an_answer(office: Office) -> None:
    row = ask(office, "mine")
    assert (section(row)["note"], numbers(row), row.context["answer"]["scope"]) == ("no ticket", [], Scope.QUERY)


def test_what_nobody_understands_comes_back_with_the_mend_prefilled(office: Office) -> None:
    office.open_ticket()
    done = office.receive(office.mail(JANE, "list opne mine\nwho", to=ME, subject="Hi"))
    assert done.outcome == "rejected"
    row = office.last("feedback")
    assert row.context["problems"][0]["suggestion"] == "list open mine"
    assert row.context["corrected_text"] == "list open mine\nwho"
    assert row.context["fix_mailto"].startswith("mailto:support%2B")
    assert "who" in row.context["fix_mailto"]
    assert office.outbox("list") == []


def test_text_asks_nothing_and_is_posted_nowhere(office: Office) -> None:
    done = office.receive(office.mail(JANE, "Karen is a difficult customer.", to=ME))
    assert done.outcome == "rejected"
    assert "help" in office.last("feedback").context
    with office.store(reading=True) as unit:
        assert unit.tickets.get(1) is None


def test_only_a_proven_agent_is_answered(office: Office) -> None:
    office.open_ticket()
    for proof in ("", "fail"):
        done = office.receive(office.mail(JANE, "list open", to=ME, proof=proof))
        assert done.outcome == "held"
    assert office.outbox("list") == []
    customer = office.receive(office.mail("karen@client.example", "list open", to=ME))
    assert customer.outcome == "opened"  # a customer's mail is a customer's mail
    robot = office.receive(office.mail(JANE, "list open", to=ME, headers={"Auto-Submitted": "auto-replied"}))
    assert robot.outcome == "ignored"


def test_times_are_on_the_readers_clock(open_office) -> None:
    office = open_office(CONFIG.replace('name = "joe"', 'name = "joe"\ntimezone = "Asia/Kolkata"'))
    assert ask(office, "who", sender="joe@acme.example").context["timezone"] == "Asia/Kolkata"


# -- what they may see ------------------------------------------------------------------------------------------


def test_lists_search_and_show_keep_to_what_the_reader_may_see(open_office) -> None:
    office = open_office(PRIVATE)
    office.open_ticket(subject="Printer")
    secret = office.receive(office.mail("karen@client.example", "my salary", to="personnel@acme.example")).ticket
    assert secret == 2
    jane = ask(office, "list all\nfind salary\nshow 2\nshow 99")
    assert numbers(jane) == [1]
    assert numbers(jane, 1) == []
    assert section(jane, 2)["note"] == "there is no ticket 2 among yours"
    assert section(jane, 3)["note"] == "there is no ticket 99 among yours"
    mary = ask(office, "list all\nfind salary", sender="mary@acme.example")  # an admin
    assert numbers(mary) == [1]
    joe = ask(office, "list all\nfind salary\nshow 2", sender="joe@acme.example")  # manages it
    assert (numbers(joe), numbers(joe, 1), numbers(joe, 2)) == ([2], [2], [2])


def test_a_row_that_is_not_the_readers_any_more_stops_the_whole_answer(office: Office) -> None:
    one, two, _ = three(office)
    assert numbers(ask(office, "list open", sender="joe@acme.example")) == []
    for number in (one, two):
        office.receive(office.answer(office.last("new-ticket", "john@acme.example", number), "!assign joe"))
    row = ask(office, "list open", sender="joe@acme.example")
    assert numbers(row) == [one, two]
    office.receive(office.answer(office.last("new-ticket", "john@acme.example", two), "!assign john"))
    done = office.receive(office.answer(row, "1 close\n2 close"))
    assert done.outcome == "rejected"
    (problem,) = office.last("feedback").context["problems"]
    assert (problem["line"], problem["message"]) == ("2 close", "the ticket of row 2 is not among yours any more")
    assert [office.ticket(number)["status"] for number in (one, two)] == ["open", "open"]


# -- answering a list -------------------------------------------------------------------------------------------


def test_rows_are_commanded_line_by_line(office: Office) -> None:
    one, two, three_ = three(office)
    row = ask(office, "list open")
    done = office.receive(office.answer(row, "1 close\n2,3 take\n!3 priority high\n2 note Called her, no answer."))
    assert done.outcome == "commanded", done
    assert (done.ticket, office.ticket(one)["status"]) == (None, "closed")
    assert [office.ticket(number)["assignee"] for number in (two, three_)] == ["jane", "jane"]
    assert office.ticket(three_)["priority"] == "high"
    assert [(e["kind"], e["text"]) for e in office.ticket(two)["entries"]][1:] == [("note", "Called her, no answer.")]


def test_a_list_means_what_its_reader_saw(office: Office) -> None:
    one, two, three_ = three(office)
    row = ask(office, "list open")
    office.receive(office.answer(office.last("new-ticket", "john@acme.example", one), "!close"))
    fourth = office.open_ticket(subject="Printer 4")
    office.receive(office.answer(row, "3 take"))
    assert [office.ticket(n)["assignee"] for n in (two, three_, fourth)] == [None, "jane", None]


@pytest.mark.parametrize(
    ("text", "message", "mend"),
    [
        ("1 take\n2 clsoe", 'unknown command "clsoe"', "1 take\n2 close"),
        ("1 take\n9 close", "the list has rows 1 to 3, and no 9", "1 take"),
        ("1 take\n0 close", "the list has rows 1 to 3, and no 0", "1 take"),
        ("1 take\n3-1 close", "the list has rows 1 to 3", "1 take"),
        ("1 take\nPlease look at these.", "neither a row with a command", "1 take"),
        ("1 take\n2 reply We are on it", "nothing leaves from a list", "1 take"),
        ("1 take\n2 assign nobodyknown", "there is no agent or team", "1 take"),
        ("1 assign jane\n1 assign john", "keep one", ""),
        ("1 take\nlist opne", 'a list knows no "opne"', "1 take\nlist open"),
    ],
)
def test_one_wrong_line_and_nothing_is_done(office: Office, text: str, message: str, mend: str) -> None:
    three(office)
    row = ask(office, "list open")
    before = office.queued
    done = office.receive(office.answer(row, text))
    assert done.outcome == "rejected"
    (letter,) = [each for each in office.outbox() if each.id > before]
    assert (letter.template, letter.context["answer"]["scope"]) == ("feedback", Scope.DIGEST)
    assert message in letter.context["problems"][0]["message"]
    assert letter.context["corrected_text"].startswith(mend)
    assert [office.kinds(number) for number in (1, 2, 3)] == [["opened"]] * 3


def test_the_mended_answer_goes_to_the_same_list(office: Office) -> None:
    one, *_ = three(office)
    row = ask(office, "list open")
    office.receive(office.answer(row, "1 clsoe"))
    letter = office.last("feedback")
    done = office.receive(office.answer(letter, letter.context["corrected_text"], quote=False))
    assert done.outcome == "commanded"
    assert office.ticket(one)["status"] == "closed"


def test_a_list_may_be_answered_twice(office: Office) -> None:
    one, *_ = three(office)
    row = ask(office, "list open")
    for _ in range(2):
        assert office.receive(office.answer(row, "1 close")).outcome == "commanded"
    assert office.kinds(one).count("status-changed") == 1


def test_the_list_of_somebody_else_is_held(office: Office) -> None:
    one, *_ = three(office)
    row = ask(office, "list open")
    for sender in ("john@acme.example", "mallory@evil.example"):
        done = office.receive(office.answer(row, "1 close", sender=sender))
        assert (done.outcome, done.reason) == ("held", "token-from-another-address")
    assert office.kinds(one) == ["opened"]


def test_who_takes_what_was_taken_since_is_told(office: Office) -> None:
    one, *_ = three(office)
    row = ask(office, "list open")
    office.clock.advance(timedelta(minutes=5))
    office.receive(office.answer(office.last("new-ticket", "john@acme.example", one), "!take"))
    office.clock.advance(timedelta(minutes=1))
    done = office.receive(office.answer(row, "1 take"))
    assert done.outcome == "rejected"
    assert "John Smith has it" in office.last("feedback").context["problems"][0]["message"]
    assert office.ticket(one)["assignee"] == "john"


def test_a_question_beside_commands_is_answered_after_them(office: Office) -> None:
    _, two, _ = three(office)
    row = ask(office, "list open")
    done = office.receive(office.answer(row, "1 close\n2 take\nmine"))
    assert done.outcome == "commanded"
    assert numbers(office.last("list")) == [two]


def test_our_own_list_in_the_answer_is_no_command(office: Office) -> None:
    one, *_ = three(office)
    row = ask(office, "list open")
    unmarked = f"1 take\n\n{office.words(row)}"  # a program that quotes without any mark
    done = office.receive(office.answer(row, unmarked, quote=False))
    assert done.outcome == "commanded", done
    assert office.ticket(one)["assignee"] == "jane"


def test_without_plus_addressing_the_message_id_leads_to_the_list(open_office) -> None:
    plain = 'address = "support@acme.example"\n'
    office = open_office(CONFIG.replace(plain, plain + "plus_addressing = false\n", 1))
    one, *_ = three(office)
    row = ask(office, "list open")
    assert office.receive(office.answer(row, "1 close")).outcome == "commanded"
    assert office.ticket(one)["status"] == "closed"


# -- the other questions ----------------------------------------------------------------------------------------


def test_one_ticket_with_facts_and_newest_entries(office: Office) -> None:
    one = office.open_ticket(text="It burns.", subject="Printer on fire")
    for n in range(6):
        office.receive(office.answer(office.last("new-ticket", "jane@acme.example", one), f"!note look {n}"))
    office.deliver()
    row = ask(office, f"show {one}")
    shown = section(row)
    assert numbers(row) == [one]
    assert [entry["text"] for entry in shown["entries"]] == [f"look {n}" for n in range(1, 6)]
    assert shown["note"] == "its newest 5 of 7 entries"
    assert "opened for: Karen Hill <karen@client.example>" in shown["lines"]


def test_the_whole_thread_comes_as_a_file(office: Office) -> None:
    one = office.open_ticket(text="It burns.", subject="Printer on fire")
    row = ask(office, f"show {one} full")
    (attached,) = office.sent_to("jane@acme.example")[-1].attachments
    assert (attached.name, attached.content_type) == (f"ticket-{one}.txt", "text/plain")
    (file,) = row.context["mail"]["files"]
    assert file["text"].startswith(f"#{one} Printer on fire\n")
    assert "==== message by Karen Hill" in file["text"]
    assert "It burns." in file["text"]
    assert "opened: Printer on fire (for karen@client.example) (karen@client.example)" in file["text"]


def test_being_away_and_back(office: Office) -> None:
    row = ask(office, "ooo until fri to john")
    assert "You are away until Fri 2026-05-08 09:00 UTC; John Smith stands in for you." in section(row)["lines"]
    who = ask(office, "who", sender="john@acme.example")
    assert "Jane Doe (jane): away until Fri 2026-05-08 09:00 UTC; John Smith stands in" in section(who)["lines"]
    assert "John Smith (john): here" in section(who)["lines"]
    with office.store(reading=True) as unit:
        assert set(unit.people.absent(office.clock.now())) == {"jane"}
        assert unit.preferences.of("jane") == {"substitute": "john"}
    ask(office, "ooo off")
    with office.store(reading=True) as unit:
        assert not unit.people.absent(office.clock.now())
    # Whom somebody named once stands in the next time, too.
    assert "John Smith stands in for you." in section(ask(office, "ooo until fri"))["lines"][0]
    assert "Nobody in particular" in section(ask(office, "ooo until fri", sender="john@acme.example"))["lines"][0]


def test_wishes_are_kept(office: Office) -> None:
    row = ask(office, "digest daily 8:15")
    assert section(row)["lines"] == ["Kept: digest daily 08:15."]
    with office.store(reading=True) as unit:
        assert unit.preferences.of("jane")["digest"] == "daily 08:15"


def test_figures_of_a_week(office: Office) -> None:
    one, two, _ = three(office)
    office.clock.advance(timedelta(minutes=30))
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", one), "Done.\n!close"))
    office.clock.advance(timedelta(minutes=30))
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", two), "Look here."))
    row = ask(office, "stats")
    shown = section(row)
    assert shown["note"] == "Tue 28 Apr to Mon 4 May 2026, of all tickets that you may see"
    charts = {chart["caption"]: chart for chart in shown["charts"]}
    counts = {each["label"]: each["told"] for each in charts["What came and went"]["rows"]}
    assert counts == {"New tickets": "3", "Customers' messages": "3", "Answers": "2", "Resolved": "1", "Reopened": "0"}
    times = charts["How long it took, in business time"]["rows"]
    assert times[0] == ["First response", "30 min", "1 h", "2"]  # nearest rank: spans that happened
    assert times[1] == ["Next response", "none came", "none came", "0"]
    assert [point["value"] for point in charts["New tickets"]["points"]] == ["0"] * 6 + ["3"]
    assert charts["What is left, by age"]["note"] == "2 open, 0 waiting for the customer"
    assert "New tickets        ▁▁▁▁▁▁█  3, most 3 on Mon 4 May" in office.words(row)


def test_mail_is_taken_in_while_figures_are_reckoned(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(*asked: Any) -> Iterator[Measured]:
        monkeypatch.setattr(statistics, "measure", real)
        office.open_ticket("ken@client.example", subject="Meanwhile")
        return real(*asked)

    real = statistics.measure
    three(office)
    monkeypatch.setattr(statistics, "measure", measure)
    done = office.receive(office.mail(JANE, "stats week", to=ME))
    office.deliver()
    assert done.outcome == "commanded"
    assert office.ticket(4)["subject"] == "Meanwhile"
    assert any("What came and went" in mail.text for mail in office.sent_to("jane@acme.example"))


def test_figures_are_those_of_the_moment_that_asked(office: Office) -> None:
    three(office)
    office.receive(office.mail(JANE, "stats week", to=ME))
    letter = office.last("list", "jane@acme.example")
    office.clock.advance(timedelta(hours=5))  # the relay was away
    office.open_ticket("ken@client.example", subject="Later")
    with office.store(reading=True) as unit:
        charts = section(with_statistics(unit, letter, office.helpdesk))["charts"]
    assert charts[0]["rows"][0]["told"] == "3"


def test_who_is_no_agent_any_more_gets_no_figures(office: Office) -> None:
    three(office)
    office.receive(office.mail(JANE, "stats week", to=ME))
    letter = replace(office.last("list", "jane@acme.example"), agent="somebody who left")
    with office.store(reading=True) as unit:
        shown = section(with_statistics(unit, letter, office.helpdesk))
    assert (shown["note"], shown["charts"]) == ("figures are for agents, and you are none any more", [])


def test_a_week_without_anything_says_so_in_words(office: Office) -> None:
    shown = section(ask(office, "stats week"))
    assert shown["charts"] == []
    assert shown["lines"] == [
        "Nothing came in, went out or was decided in this time.",
        "Nothing was left open or waiting at its end.",
    ]
    one, *_ = three(office)
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", one), "!take"))
    office.clock.advance(timedelta(days=40))
    shown = section(ask(office, "stats week"))
    assert [chart["caption"] for chart in shown["charts"]] == ["Open or waiting", "What is left, by age"]
    assert shown["lines"][0] == "Nothing came in, went out or was decided in this time."


def test_a_letter_has_room_for_so_many_charts(office: Office) -> None:
    three(office)
    row = ask(office, "\n".join(["stats week"] * 6))
    with_charts = [each for each in row.context["sections"] if each["charts"]]
    assert 1 < len(with_charts) < 6
    assert section(row, 5)["note"] == "this mail has no room for more charts: ask once more"
    context = {key: value for key, value in row.context.items() if key != "mail"}
    assert len(office.renderer.render("list", context).html.encode()) < CLIPPED


def test_figures_of_a_department_and_of_ones_own(office: Office) -> None:
    three(office)
    office.open_ticket(to="sysadmins@acme.example")
    one = office.last("new-ticket", "jane@acme.example").ticket or 0
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", one), "Look here."))

    def opened(line: str, **more: str) -> str:
        charts = section(ask(office, line, **more))["charts"]
        rows = next((chart["rows"] for chart in charts if chart["caption"] == "What came and went"), [])
        return next((row["told"] for row in rows if row["label"] == "New tickets"), "")

    mary = {"sender": "mary@acme.example"}
    assert opened("stats week", **mary) == "4"
    assert opened("stats week dept=sysadmins", **mary) == "1"
    assert opened("stats week owner=jane", **mary) == opened("stats mine") == "1"
    assert "Jane Doe's work, " in section(ask(office, "stats mine"))["note"]


def test_figures_are_of_what_their_reader_may_see(open_office) -> None:
    office = open_office(PRIVATE)
    three(office)
    office.open_ticket(to="personnel@acme.example")
    office.open_ticket(to="sysadmins@acme.example")
    seen, hidden = {}, {}
    for who in ("jane", "joe", "mary"):
        charts = section(ask(office, "stats week", sender=f"{who}@acme.example"))["charts"]
        seen[who] = charts[0]["rows"][0]["told"]
        asked = section(ask(office, "stats dept=personnel", sender=f"{who}@acme.example"))
        hidden[who] = asked["charts"] == []
    assert hidden == {"jane": True, "joe": False, "mary": True}
    assert seen == {"jane": "3", "joe": "2", "mary": "4"}  # Joe manages the private one; to Mary it does not exist


def test_merged_tickets_and_spam_are_told_and_not_counted(office: Office) -> None:
    one, two, three_ = three(office)
    for number, words in ((two, ("merge", str(one))), (three_, ("spam",))):
        done = command_ticket(office.store, office.helpdesk, number, words, office.clock.now())
        assert done is not None
        assert not done.problems
    shown = section(ask(office, "stats"))
    assert shown["charts"][0]["rows"][0]["told"] == "1"
    assert "Not counted, for it is no work: 1 merged ticket and 1 ticket of spam of this time." in shown["lines"]


def test_help_comes_as_it_is_written(office: Office) -> None:
    row = ask(office, "help")
    assert "list [open|waiting|resolved|closed|all]" in section(row)["text"]
    assert "list overdue dept=support" in office.words(row)


def test_a_letter_has_room_for_fifty_rows(office: Office) -> None:
    for number in range(52):
        office.receive(office.mail(f"c{number}@client.example", "x", subject=f"Case {number}"))
    row = ask(office, "list open\nfind case")
    assert len(section(row)["rows"]) == 50
    assert section(row)["note"] == "the first 50 tickets; narrow it down for the others"
    assert section(row, 1)["rows"] == []
    assert len(office.sent_to("jane@acme.example")[-1].html.encode()) < 60_000
