"""The read side and the admin's word: what is shown is what there is, and explaining writes nothing."""

import hashlib
import sqlite3
from datetime import timedelta

import pytest

from maild.domain.messages.message import Envelope
from maild.domain.messages.outbox import OutboxState
from maild.domain.tickets.ticket import fold
from maild.ports import InboundState, IncomingMail
from maild.services.admin_command import command_ticket
from maild.services.intake.explain import explain_mail
from maild.services.queries.documents import (
    explained,
    inbound_list,
    outbox_list,
    raw_of_entry,
    ticket_list,
    ticket_show,
)
from maild.services.queries.due_explained import derived_document, derived_lines
from maild.services.work import Work
from tests.rig.office import MONDAY

KAREN, JOHN, JANE = "karen@client.example", "john@acme.example", "jane@acme.example"


def everything(office) -> str:
    """The content of the whole database, as one value."""
    connection = sqlite3.connect(office.folder / "maild.db")
    try:
        return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()
    finally:
        connection.close()


def do(office, number, *words):
    return command_ticket(office.store, office.helpdesk, number, words, office.clock.now())


# -- explain ----------------------------------------------------------------------------------------------------------


def _mails(office):
    """One mail of each kind that a ticket meets."""
    office.open_ticket(cc="Eve <eve@client.example>")
    notice, acknowledgement = office.last("new-ticket", JOHN), office.last("acknowledgement")
    return {
        "new": office.mail("ken@client.example", "Hello?"),
        "answer": office.answer(acknowledgement, "It still burns."),
        "reply": office.answer(notice, "Use water.\n!close"),
        "note": office.answer(notice, "!note\nHm."),
        "command": office.answer(notice, "!team banking"),
        "slip": office.answer(notice, "!clsoe"),
        "help": office.answer(notice, "!help"),
        "empty": office.answer(notice, ""),
        "stranger": office.answer(notice, "Let me in.", sender="bob@evil.example"),
        "robot": office.mail("cron@client.example", "Done.", headers={"Auto-Submitted": "auto-generated"}),
        "away": office.mail(KAREN, "Away.", headers={"Auto-Submitted": "auto-replied"}),
        "own": office.relay.sent[0].raw,
        "nothing": b"\r\n\r\n",
    }


KINDS = "new answer reply note command slip help empty stranger robot away own nothing".split()


@pytest.mark.parametrize("kind", KINDS)
def test_explaining_a_mail_writes_nothing_and_says_what_then_happens(office, kind):
    raw = _mails(office)[kind]
    before = everything(office)
    mail = IncomingMail(raw=raw, source="explain", arrived_at=office.clock.now(), envelope=Envelope())
    told = explain_mail(mail, office.store, office.reader, office.helpdesk, office.clock.now())
    assert everything(office) == before
    mark = office.queued
    done = office.receive(raw)
    assert (told["outcome"], told["reason"]) == (done.outcome, done.reason)
    if done.outcome != "opened":
        assert told["ticket"] == done.ticket
    with office.store(reading=True) as unit:
        recorded = explained(unit, unit.inbound.get(done.inbound))
    steps = [step for step in told["steps"] if step["verdict"] != "way"]
    assert steps == [step for step in recorded["steps"] if step["verdict"] != "queued"]
    said = [effect.split(":")[0] for effect in told["effects"] if effect.startswith("mail ")]
    assert said == [f"mail {template} to {address}" for template, address in office.told(mark)]
    assert len(recorded["effects"]) == len(said)


def test_every_stop_is_told_with_its_reason(office):
    done = office.receive(office.mail(KAREN, "It burns."))
    with office.store(reading=True) as unit:
        told = explained(unit, unit.inbound.get(done.inbound))
    stops = [step["stop"] for step in told["steps"]]
    assert stops[:5] == ["parse", "authentication", "classify", "route", "rules"]
    assert {"decide", "notices"} <= set(stops)
    assert all(step["reason"] for step in told["steps"])
    assert (told["ticket"], told["outcome"], len(told["effects"])) == (done.ticket, "opened", 3)


# -- tickets ----------------------------------------------------------------------------------------------------------


def _a_long_life(office) -> int:
    number = office.open_ticket(cc="Eve <eve@client.example>")
    notice = office.last("new-ticket", JOHN)
    for text in ("!take\n!priority emergency", "!note\nHm.", "Use water.\n!wait 2h", "!dept sysadmins\n!team banking"):
        office.clock.advance(timedelta(minutes=7))
        office.receive(office.answer(notice, text))
        office.deliver(timedelta(minutes=2))
    office.tick(timedelta(hours=3))
    office.receive(office.answer(notice, "Let me in.", sender="bob@evil.example"))
    office.receive(office.answer(office.last("reply", KAREN), "Thanks."))
    office.receive(office.answer(notice, "!close"))
    office.tick(timedelta(days=1))
    office.receive(office.answer(office.last("reply", KAREN), "Once more."))
    return number


def test_the_row_of_a_ticket_is_what_its_events_fold_to(office):
    number = _a_long_life(office)
    with office.store(reading=True) as unit:
        row, history = unit.tickets.get(number), unit.tickets.history(number)
    assert fold(number, history) == row
    assert row.seq == len(history) > 12
    assert [event.at for event in history] == sorted(event.at for event in history)


def test_a_ticket_is_shown_with_thread_events_and_deadlines(office):
    number = _a_long_life(office)
    shown = office.ticket(number)
    assert (shown["status"], shown["priority"], shown["department"], shown["team"]) == (
        "open",
        "emergency",
        "sysadmins",
        "banking",
    )
    assert {entry["kind"] for entry in shown["entries"]} == {"message", "reply", "note"}
    assert shown["events"][0]["kind"] == "opened"
    assert {target["target"] for target in shown["sla"]} >= {"first-response", "resolution"}
    assert shown["due_at"] is not None
    assert shown["entries"][0]["author"] == {"address": KAREN, "name": "Karen Hill", "role": "requester"}


def test_there_is_no_ticket_where_none_is(office):
    now = office.clock.now()
    assert ticket_show(office.store, office.helpdesk, 99, now) is None
    assert do(office, 99, "close") is None
    assert raw_of_entry(office.store, 99, 1) is None


def test_lists_hold_what_they_are_called(office):
    numbers = [office.open_ticket() for _ in range(4)]
    for number, words in zip(numbers, (["assign", "jane"], ["wait"], ["resolve"], ["close"]), strict=True):
        do(office, number, *words)
    now = office.clock.now() + timedelta(days=30)

    def listed(**wanted):
        return [row["number"] for row in ticket_list(office.store, office.helpdesk, now, **wanted)]

    open_, waiting, resolved, closed = numbers
    assert listed() == [open_]
    assert (listed(status="waiting"), listed(status="resolved"), listed(status="closed")) == (
        [waiting],
        [resolved],
        [closed],
    )
    assert listed(status="all") == numbers
    assert listed(status="overdue") == [open_]
    assert (listed(assignee="Jane"), listed(assignee="john"), listed(status="all", assignee="jane")) == (
        [open_],
        [],
        [open_],
    )
    assert (listed(department="Support"), listed(department="sysadmins")) == ([open_], [])


def test_the_untouched_mail_of_an_entry_stays_available(office):
    raw = office.mail(KAREN, "It burns.\n\nOn Mon, 4 May 2026 at 09:00, Eve <eve@client.example> wrote:\n> old words")
    number = office.receive(raw).ticket
    (entry,) = office.ticket(number)["entries"]
    assert (entry["text"], entry["folded_lines"] > 0) == ("It burns.", True)
    assert raw_of_entry(office.store, number, entry["id"]) == raw
    do(office, number, "note", "Hm.")
    assert raw_of_entry(office.store, number, office.ticket(number)["entries"][-1]["id"]) is None


def test_deadlines_are_explained_line_by_line(office):
    number = _a_long_life(office)
    with office.store(reading=True) as unit:
        work = Work(unit, office.helpdesk, office.clock.now())
        lines = derived_lines(work, number)
        earlier = derived_lines(Work(unit, office.helpdesk, MONDAY), number)
        assert derived_lines(Work(unit, office.helpdesk, MONDAY - timedelta(hours=1)), number) is None
        assert derived_lines(work, 99) is None
        document = derived_document(work, number)
    assert lines[0].startswith("Plan ")
    assert any("ticket opened" in line for line in lines)
    assert earlier[0] == "Plan default"  # as things stood then
    assert [target["target"] for target in document["targets"]][:2] == ["first-response", "resolution"]
    assert document["plan"]["name"] == lines[0].removeprefix("Plan ").partition(",")[0]


def test_queues_are_listed(office):
    _a_long_life(office)
    held = [(row["from"], row["reason"]) for row in inbound_list(office.store, InboundState.HELD)]
    assert ("bob@evil.example", "token-from-another-address") in held
    assert inbound_list(office.store, InboundState.QUARANTINED) == []
    assert all(row["state"] == "sent" and row["attempts"] == 1 for row in outbox_list(office.store, [OutboxState.SENT]))


# -- the admin's word -------------------------------------------------------------------------------------------------


def test_the_admin_does_what_agents_do_by_mail(office):
    number = office.open_ticket()
    mark = office.queued
    done = do(office, number, "assign", "jane")
    assert ([event.kind for event in done.events], done.problems) == (["assigned"], ())
    assert office.told(mark) == [("assigned", JANE)]
    assert office.ticket(number)["events"][-1]["by"] == "admin"


def test_the_admins_note_stays_inside_and_the_reply_goes_out(office):
    number = office.open_ticket()
    do(office, number, "note", "the", "fuse", "blew")
    mark = office.queued
    do(office, number, "reply", "It works again.")
    assert office.told(mark) == [("reply", KAREN)]
    assert [(e["kind"], e["text"]) for e in office.ticket(number)["entries"][1:]] == [
        ("note", "the fuse blew"),
        ("reply", "It works again."),
    ]


@pytest.mark.parametrize("words", [("clsoe",), ("assign", "nobody"), ("take",), ("reply",), ()])
def test_a_refused_command_changes_nothing_and_says_why(office, words):
    number = office.open_ticket()
    before, mark = office.ticket(number), office.queued
    done = do(office, number, *words)
    assert (done.events, bool(done.problems)) == ((), True)
    assert (office.ticket(number), office.told(mark)) == (before, [])


def test_help_on_the_command_line_is_the_same_text(office):
    number = office.open_ticket()
    assert "!close" in do(office, number, "help").help


def test_a_command_is_never_dated_before_what_its_ticket_knows(office):
    number = office.open_ticket()
    early = office.clock.now() - timedelta(hours=1)
    command_ticket(office.store, office.helpdesk, number, ["close"], early)
    events = office.ticket(number)["events"]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
