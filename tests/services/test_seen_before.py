""" "Seen before: #17" in the notice of a new ticket, and the button that sends what solved it."""

from datetime import timedelta

import pytest

from maild.domain.agent_mail.agent_mail import AgentMail
from maild.domain.agent_mail.suggested_answers import beginning, reusable, use_answer
from maild.domain.commands.apply import parse
from maild.domain.messages.reply_tokens import Scope
from maild.domain.people.directory import Address, Person
from maild.domain.tickets.search_words import Terms
from maild.ports import ListedTicket, Listing
from maild.store.search import SqlSearch
from tests.domain.mail_scene import JANE, KAREN, case, mail, ticket
from tests.rig.misses import in_turn
from tests.rig.office import CONFIG, Office

KEN = "Ken Lee <ken@client.example>"
ANSWER = "Hello Ken,\n\nplease restart Excel in safe mode.\n!important is no command here."
SENT = "please restart Excel in safe mode.\n!important is no command here."


def solve(office: Office, answer: str = ANSWER, subject: str = "Excel does not start") -> int:
    number = office.open_ticket(KEN, "nothing happens", subject=subject)
    notice = office.last("new-ticket", "jane@acme.example", number)
    text = answer.replace("!important", "!!important")
    done = office.receive(office.answer(notice, f"{text}\n!close", quote=False))
    assert done.outcome == "replied", done
    office.deliver(timedelta(minutes=5))
    return number


def seen(office: Office, subject: str = "Excel cannot start", to: str = "jane@acme.example") -> dict | None:
    number = office.open_ticket("Karen Hill <karen@client.example>", "help", subject=subject)
    return office.last("new-ticket", to, number).context["seen_before"]


def press(office: Office, to: str = "jane@acme.example", text: str = "") -> str:
    row = office.last("new-ticket", to)
    link = row.context["seen_before"]["mailto"]
    address = link.removeprefix("mailto:").partition("?")[0].replace("%2B", "+")
    done = office.receive(office.mail(to, text, to=address, subject=f"Re: {row.subject}"))
    return done.outcome


def test_the_answer_that_solved_it_is_shown_and_one_tap_sends_it(office: Office) -> None:
    first = solve(office)
    found = seen(office)
    assert found is not None
    assert (found["number"], found["text"], found["cut"]) == (first, SENT, False)
    mail_ = office.sent_to("jane@acme.example")[-1]
    assert f"Seen before: #{first} Excel does not start. It was answered:" in mail_.text
    assert "Use it: send this answer" in mail_.html
    assert press(office) == "replied"
    office.deliver(timedelta(minutes=5))
    answered = office.sent_to("karen@client.example")[-1]
    assert answered.text.startswith("please restart Excel in safe mode.\n!important is no command here.")
    assert office.ticket(first + 1)["assignee"] == "jane"


def test_what_is_typed_beside_the_button_goes_before_it(office: Office) -> None:
    solve(office)
    assert seen(office) is not None
    assert press(office, text="Hello Karen,") == "replied"
    assert office.ticket(2)["entries"][-1]["text"] == f"Hello Karen,\n\n{SENT}"


LONG = "please restart it in safe mode by the menu of the system, then open the settings and take out all extensions"


def test_a_long_answer_is_no_leak_though_a_notice_shows_it(office: Office) -> None:
    solve(office, LONG)
    assert seen(office) is not None
    notice = office.last("new-ticket", "jane@acme.example")
    assert office.receive(office.answer(notice, f"Good morning,\n{LONG}\nBye", quote=False)).outcome == "replied"
    assert office.ticket(2)["entries"][-1]["text"] == f"Good morning,\n{LONG}\nBye"
    assert press(office) == "replied"


def test_a_colleague_who_was_quicker_stops_the_button(office: Office) -> None:
    solve(office)
    assert seen(office) is not None
    office.receive(office.answer(office.last("new-ticket", "john@acme.example"), "On my way."))
    assert press(office) == "held"


def test_an_answer_that_is_gone_is_told(office: Office) -> None:
    first = solve(office)
    assert seen(office) is not None
    office.receive(office.mail(KEN, "Again!", subject=f"Re: Excel [#{office.helpdesk.token(first)}]"))  # reopened
    assert press(office) == "rejected"
    assert "cannot be used any more" in office.last("feedback").context["problems"][0]["message"]
    assert [e["kind"] for e in office.ticket(2)["entries"]] == ["message"]


def test_an_answer_that_names_its_customer_is_not_offered(office: Office) -> None:
    solve(office, "Hello,\nI set a new password for Ken.")
    assert seen(office) is None


def test_a_long_answer_is_shown_in_part_and_not_sent_by_a_tap(office: Office) -> None:
    solve(office, "\n".join(f"step {n}" for n in range(40)))
    found = seen(office)
    assert found is not None
    assert (found["cut"], found["mailto"]) == (True, "")
    assert "show 1" in office.sent_to("jane@acme.example")[-1].text


def test_open_tickets_other_subjects_and_silent_ones_were_not_seen(office: Office) -> None:
    office.open_ticket(KEN, "nothing happens", subject="Excel does not start")
    assert seen(office) is None
    solve(office, "Ask the landlord.", subject="Heating does not start")
    assert seen(office) is None
    assert seen(office, "Excel") is None  # one word tells nothing
    quiet = office.open_ticket(KEN, "x", subject="Outlook shows nothing")
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", quiet), "!close"))
    assert seen(office, "Outlook shows nothing") is None


def test_nobody_is_shown_what_they_may_not_see(open_office) -> None:
    both = CONFIG.replace('departments = ["sysadmins"]', 'departments = ["sysadmins", "support"]')
    office = open_office(both.replace('name = "sysadmins"\n', 'name = "sysadmins"\nprivate = true\n', 1))
    number = office.receive(office.mail(KEN, "x", to="sysadmins@acme.example", subject="Excel does not start")).ticket
    notice = office.last("new-ticket", "joe@acme.example", number)
    office.receive(office.answer(notice, "Restart it.\n!close"))
    office.deliver(timedelta(minutes=5))
    assert seen(office) is None  # jane
    found = office.last("new-ticket", "joe@acme.example").context["seen_before"]
    assert found is not None
    assert found["number"] == number


def searches(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The searches that are made from now on."""
    made: list[object] = []
    find = SqlSearch.find

    def noted(self: SqlSearch, terms: Terms, wanted: Listing, limit: int) -> list[ListedTicket]:
        made.append(wanted.sight)
        return find(self, terms, wanted, limit)

    monkeypatch.setattr(SqlSearch, "find", noted)
    return made


CROWD = "".join(
    f'[[agent]]\nname = "a{n}"\naddresses = ["a{n}@acme.example"]\ndepartments = ["support"]\n' for n in range(9)
)
OTHER = '[[agent]]\nname = "sara"\naddresses = ["sara@acme.example"]\ndepartments = ["support", "sysadmins"]\n'


def test_agents_who_see_the_same_share_one_search(open_office, monkeypatch) -> None:
    office = open_office(CONFIG + CROWD + OTHER)
    first = solve(office)
    made = searches(monkeypatch)
    number = office.open_ticket("Karen Hill <karen@client.example>", "help", subject="Excel cannot start")
    told = office.outbox("new-ticket", ticket=number)
    assert len(told) == 12
    assert {row.context["seen_before"]["number"] for row in told} == {first}
    assert len({row.context["seen_before"]["mailto"] for row in told}) == 12  # each has a button of their own
    assert [sight.agent for sight in made] == ["john", "jane", "sara"]  # jane leads a team, sara has two departments


def test_what_one_agent_may_see_is_not_shown_to_a_colleague_with_whom_they_share_a_search(open_office) -> None:
    office = open_office(CONFIG.replace('name = "sysadmins"\n', 'name = "sysadmins"\nprivate = true\n', 1))
    number = office.receive(office.mail(KEN, "x", to="sysadmins@acme.example", subject="Excel does not start")).ticket
    office.receive(office.answer(office.last("new-ticket", "joe@acme.example", number), "!assign john"))
    office.receive(office.answer(office.last("assigned", "john@acme.example", number), "!reply\nRestart it."))
    office.receive(office.answer(office.last("assigned", "john@acme.example", number), "!close"))
    office.deliver(timedelta(minutes=5))
    assert seen(office) is None  # jane, told after john
    found = office.last("new-ticket", "john@acme.example").context["seen_before"]
    assert found is not None
    assert found["number"] == number


KEN_ = Person(Address.of("ken.lee@client.example"), "Ken Lee")


@in_turn(
    ("answer", "said"),
    [
        ("Hello Ken,\n\nrestart it.", "restart it."),
        ("Dear Mr. Lee:\nrestart it.", "restart it."),
        ("Restart it, Ken.", ""),
        ("Your address is ken.lee@client.example", ""),
        ("I LEE-way", ""),
        ("Restart it.", "Restart it."),
        ("Restart it!", ""),  # nothing is left of a line that reads like a greeting
        ("", ""),
    ],
)
def test_what_may_be_said_twice(answer: str, said: str) -> None:
    assert reusable(answer, KEN_) == said


def test_a_beginning_is_told_from_the_whole() -> None:
    assert beginning("a\nb") == ("a\nb", False)
    assert beginning("\n".join("abcdefghijklmnopqr"))[1]
    assert beginning("x" * 1201)[1]


def test_the_answer_is_text_whatever_stands_in_it() -> None:
    given = case(mail(JANE))
    act = AgentMail(
        agent=JANE, text="!close", scope=Scope.COMMAND, ticket=ticket(), at=given.at, draft=None, button="use-1"
    )
    used = use_answer(act, "!take it\nout")
    assert (used.scope, used.button) == (Scope.REPLY, "")
    assert parse(used.text).commands == ()
    assert parse(used.text).text == "!close\n\n!take it\nout"
    assert KAREN.name
