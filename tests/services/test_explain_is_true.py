"""`explain FILE` says what then happens: every event, in every ticket, and every mail that leaves, with its reader."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from maild.domain.messages.message import Envelope
from maild.ports import IncomingMail
from maild.services.intake.explain import effects_of, explain_mail
from maild.services.intake.gather import judge
from maild.services.work import Work
from tests.rig.office import CONFIG, Office
from tests.services.test_held_texts import press

KAREN, KEN = "karen@client.example", "ken@client.example"
JOHN, JANE = "john@acme.example", "jane@acme.example"
MUTED = """
[[rule]]
when = { from = "*@client.example" }
then = { mute = true }
"""


def told(office: Office, raw: bytes) -> list[str]:
    mail = IncomingMail(raw=raw, source="explain", arrived_at=office.clock.now(), envelope=Envelope())
    effects = explain_mail(mail, office.store, office.reader, office.helpdesk, office.clock.now())["effects"]
    assert all(isinstance(effect, str) for effect in effects)
    return effects


def histories(office: Office) -> dict[int, list[str]]:
    """The kinds of the events of each ticket."""
    with office.store(reading=True) as unit:
        numbers = range(1, 10)
        return {number: [event.kind for event in unit.tickets.history(number)] for number in numbers}


def happened(office: Office, raw: bytes) -> list[str]:
    """What a mail brings about, in the words of explain without its reasons."""
    before, mark = histories(office), office.queued
    done = office.receive(raw)
    found = [f"mail {template} to {address}" for template, address in office.told(mark)]
    for number, kinds in histories(office).items():
        new = kinds[len(before[number]) :]
        opened = not before[number] and done.outcome != "opened"
        where = " (a new ticket)" if opened else "" if number == done.ticket else f" (ticket {number})"
        found += [f"event {kind}{where}" for kind in new]
    return found


def said(effects: list[str]) -> Counter[str]:
    """The effects without the reasons of mails."""
    return Counter(effect.partition(":")[0] for effect in effects)


def two_tickets(office: Office) -> tuple[int, int]:
    return office.open_ticket(), office.open_ticket(f"Ken <{KEN}>", "Excel does not start.", subject="Excel")


def answer(office: Office, number: int, text: str) -> bytes:
    return office.answer(office.last("new-ticket", JOHN, number), text)


def a_link(office: Office) -> bytes:
    first, second = two_tickets(office)
    return answer(office, first, f"!link {second}")


def an_undone_link(office: Office) -> bytes:
    first, second = two_tickets(office)
    office.receive(answer(office, first, f"!link {second}"))
    office.clock.advance(timedelta(minutes=1))
    return answer(office, second, "!undo")


def a_split(office: Office) -> bytes:
    first, _ = two_tickets(office)
    return answer(office, first, "!split Scanner is dead")


def an_undone_split(office: Office) -> bytes:
    first, _ = two_tickets(office)
    office.receive(answer(office, first, "!split Scanner is dead"))
    office.clock.advance(timedelta(minutes=1))
    return answer(office, first, "!undo")


def a_merge_that_waits(office: Office) -> bytes:
    first, second = two_tickets(office)
    return answer(office, first, f"!merge {second}")


def an_undone_merge(office: Office) -> bytes:
    office.receive(a_merge_that_waits(office))
    press(office, office.last("held", JOHN, 1), "Yes, do it")
    while office.processing.round():
        pass
    assert office.ticket(1)["merged_into"] == 2
    office.clock.advance(timedelta(minutes=1))
    token = office.ticket(1)["token"]
    return office.answer(office.last("held", JOHN, 1), "!undo", subject=f"Re: It burns [#{token}]")


def a_question(office: Office) -> bytes:
    two_tickets(office)
    return office.mail("Jane Doe <jane@acme.example>", "list open", to="support+me@acme.example")


def a_question_beside_a_command(office: Office) -> bytes:
    first, _ = two_tickets(office)
    return answer(office, first, "!priority high\n!list open")


def a_slip_that_opens_nothing(office: Office) -> bytes:
    return office.mail(
        "Jane Doe <jane@acme.example>", "!new Ken <ken@client.example>\n!prio hihg\nExcel does not start."
    )


def a_forged_mail_about_no_ticket(office: Office) -> bytes:
    return office.mail("Jane Doe <jane@acme.example>", "!away until tomorrow", proof="fail")


def a_forged_answer(office: Office) -> bytes:
    first, _ = two_tickets(office)
    return office.answer(office.last("new-ticket", JOHN, first), "Use petrol.", proof="fail")


def an_alarmed_ticket_that_is_taken(office: Office) -> bytes:
    first, _ = two_tickets(office)
    office.tick(timedelta(days=3))
    return answer(office, first, "!take")


def a_plan_that_moves_deadlines(office: Office) -> bytes:
    first, _ = two_tickets(office)
    return answer(office, first, "!priority emergency\n!dept sysadmins")


def a_short_answer(office: Office) -> bytes:
    first, _ = two_tickets(office)
    return answer(office, first, "Use water.\n!close")


CASES: list[Callable[[Office], bytes]] = [
    a_link,
    an_undone_link,
    a_split,
    an_undone_split,
    a_merge_that_waits,
    an_undone_merge,
    a_question,
    a_question_beside_a_command,
    a_slip_that_opens_nothing,
    a_forged_mail_about_no_ticket,
    a_forged_answer,
    an_alarmed_ticket_that_is_taken,
    a_plan_that_moves_deadlines,
    a_short_answer,
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_is_explained_is_what_then_happens(office: Office, case: Callable[[Office], bytes]):
    raw = case(office)
    explained = said(told(office, raw))
    assert explained == Counter(happened(office, raw))


def test_a_muted_mail_is_announced_to_no_agent(open_office: Callable[[str], Office]):
    office = open_office(CONFIG + MUTED)
    raw = office.mail(KAREN, "It burns.")
    explained = told(office, raw)
    assert [effect.partition(":")[0] for effect in explained if effect.startswith("mail ")] == [
        f"mail acknowledgement to {KAREN}"
    ]
    assert said(explained) == Counter(happened(office, raw))


def test_a_muted_answer_in_a_ticket_is_announced_to_no_agent(open_office: Callable[[str], Office]):
    office = open_office(CONFIG + MUTED)
    office.open_ticket(KAREN)
    raw = office.answer(office.last("acknowledgement"), "It burns more.")
    assert told(office, raw) == ["event message-received"]
    assert happened(office, raw) == ["event message-received"]


def test_the_other_ticket_of_a_merge_is_named(office: Office):
    """A merge is judged when its writer has said yes."""
    raw = a_merge_that_waits(office)
    mail = IncomingMail(raw=raw, source="explain", arrived_at=office.clock.now(), envelope=Envelope())
    with office.store(reading=True) as unit:
        work = Work(unit, office.helpdesk, office.clock.now())
        judged = judge(work, mail, office.reader.read(raw), 0, released_as="confirmed")
        explained = effects_of(work, judged.decision, judged.ticket)
    assert "event absorbed (ticket 2)" in explained
    assert "event participant-added (ticket 2)" in explained
    office.receive(raw)
    before, mark = histories(office), office.queued
    press(office, office.last("held", JOHN, 1), "Yes, do it")
    while office.processing.round():
        pass
    new = {number: kinds[len(before[number]) :] for number, kinds in histories(office).items()}
    assert [f"event {kind} (ticket 2)" for kind in new[2]] == [e for e in explained if e.endswith("(ticket 2)")]
    assert [f"mail {template} to {address}" for template, address in office.told(mark)] == [
        effect.partition(":")[0] for effect in explained if effect.startswith("mail ")
    ]
