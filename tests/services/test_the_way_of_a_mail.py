"""A mail from its arrival to the answer that reaches the customer: each stop once, and only what belongs there."""

from datetime import timedelta

import pytest

from maild.mail.reading.parse import read
from maild.mail.worker.pool import ReadingFailed
from maild.services.intake import process
from maild.services.intake.process import DEATHS
from tests.rig.office import CONFIG, PROVIDER

KAREN = "karen@client.example"
HOLD = timedelta(seconds=121)  # the first mail of an agent to a domain waits two minutes


def opened_for(office, address="john@acme.example"):
    """A new ticket, and its notice to an agent."""
    number = office.open_ticket()
    return number, office.last("new-ticket", address, number)


# -- in ---------------------------------------------------------------------------------------------------------------


def test_a_customers_mail_becomes_a_ticket_and_everybody_hears_of_it(office):
    number = office.open_ticket(f"Karen Hill <{KAREN}>", "It burns.\n\n-- \nKaren")
    shown = office.ticket(number)
    assert (shown["subject"], shown["status"], shown["department"]) == ("Printer on fire", "open", "support")
    assert shown["requester"] == {"address": KAREN, "name": "Karen Hill"}
    assert [(e["kind"], e["text"], e["trust"]) for e in shown["entries"]] == [("message", "It burns.", "verified")]
    assert office.told() == [
        ("acknowledgement", KAREN),
        ("new-ticket", "john@acme.example"),
        ("new-ticket", "jane@acme.example"),
    ]


@pytest.mark.parametrize("times", [2, 5])
def test_the_same_raw_mail_acts_once_however_often_it_comes(office, times):
    raw = office.mail(KAREN, "It burns.")
    receipts = [office.keep(raw) for _ in range(times)]
    done = [office.processing.round() for _ in range(times)]
    assert [receipt.known for receipt in receipts] == [False, *[True] * (times - 1)]
    assert [len(batch) for batch in done] == [1, *[0] * (times - 1)]
    assert len(office.outbox("acknowledgement")) == 1


def test_the_same_mail_by_two_ways_is_one_ticket_and_two_receipts(office):
    raw = office.mail(KAREN, "It burns.", to="support@acme.example, help@acme.example")
    first = office.receive(raw, mailbox="", recipients=("support@acme.example",))
    second = office.receive(b"Received: by elsewhere\r\n" + raw, recipients=("help@acme.example",))
    assert (first.outcome, second.outcome, second.ticket) == ("opened", "duplicate", first.ticket)
    assert len(office.outbox("acknowledgement")) == 1
    assert len(office.ticket(first.ticket)["entries"]) == 1


def test_two_copies_in_one_batch_are_one_ticket(office):
    raw = office.mail(KAREN, "It burns.")
    office.keep(raw, recipients=("support@acme.example",))
    office.keep(raw, recipients=("help@acme.example",))
    assert [done.outcome for done in office.processing.round()] == ["opened", "duplicate"]


def test_two_people_may_write_the_same_words(office):
    first = office.receive(office.mail(KAREN, "It burns."))
    second = office.receive(office.mail(KAREN, "It burns."))  # another Message-ID: written twice
    assert [first.outcome, second.outcome] == ["opened", "opened"]
    assert first.ticket != second.ticket


def test_mails_without_a_message_id_are_never_the_same_by_their_words(office):
    bare = {"headers": {"Message-ID": None}}
    numbers = {office.receive(office.mail(KAREN, "It burns.", **bare), recipients=(str(n),)).ticket for n in range(3)}
    assert len(numbers) == 3


@pytest.mark.parametrize("missing", ["Message-ID", "From", "Date", "Subject", "To", "Content-Type", "everything"])
def test_a_mail_that_lacks_a_field_becomes_a_ticket_all_the_same(office, missing):
    headers = dict.fromkeys(("Message-ID", "From", "Date", "Subject", "To", "Content-Type"))
    raw = office.mail(KAREN, "It burns.", headers=headers if missing == "everything" else {missing: None})
    done = office.receive(raw, envelope_from="")
    assert (done.outcome, office.ticket(done.ticket)["entries"][0]["text"]) == ("opened", "It burns.")
    if missing in ("From", "everything"):
        assert office.ticket(done.ticket)["requester"]["address"] == "unknown@invalid"
        assert not office.outbox("acknowledgement")


def test_a_mail_in_the_middle_of_which_the_reader_fails_is_quarantined_and_the_rest_goes_on(office):
    poison, good = office.keep(office.mail(KAREN, "POISON")), office.keep(office.mail(KAREN, "It burns."))
    whole = office.reader

    class Choking:
        def read(self, raw):
            if b"POISON" in raw:
                raise ReadingFailed("cannot be read")
            return whole.read(raw)

    office.reader = Choking()
    outcomes = [{done.inbound: done.outcome for done in office.processing.round()} for _ in range(4)]
    assert [o.get(poison.inbound) for o in outcomes] == ["", "", "quarantined", None]
    assert outcomes[0][good.inbound] == "opened"
    with office.store(reading=True) as unit:
        kept = unit.inbound.get(poison.inbound)
    assert b"POISON" in kept.mail.raw
    assert "cannot be read" in kept.reason


def test_a_mail_that_breaks_the_judging_leaves_nothing_behind_and_stops_nobody(office, monkeypatch):
    whole = process.apply_decision

    def breaking(work, decision, *args, **more):
        done = whole(work, decision, *args, **more)
        if decision.entry and "POISON" in decision.entry.text:
            raise RuntimeError("broken after writing")
        return done

    monkeypatch.setattr(process, "apply_decision", breaking)
    poison, good = office.keep(office.mail(KAREN, "POISON")), office.keep(office.mail(KAREN, "It burns."))
    outcomes = [{done.inbound: done.outcome for done in office.processing.round()} for _ in range(3)]
    assert [o.get(poison.inbound) for o in outcomes] == ["", "", "quarantined"]
    assert outcomes[0][good.inbound] == "opened"
    assert len(office.outbox("acknowledgement")) == 1
    with office.store() as unit:
        assert unit.inbound.replay(poison.inbound)
        unit.commit()
    monkeypatch.setattr(process, "apply_decision", whole)
    assert [done.outcome for done in office.processing.round()] == ["opened"]


def test_only_the_beginning_of_a_mail_is_never_judged(office):
    done = office.receive(office.mail(KAREN, "It bur"), truncated=True)
    assert (done.outcome, done.ticket) == ("quarantined", None)
    assert "limits.message" in done.reason


def test_a_mark_with_letters_of_another_script_is_as_if_absent(office):
    """U+212A is a K to a careless expression, and no character to compare in constant time."""
    done = office.receive(office.mail(KAREN, "It burns.", subject="=?utf-8?q?Printer_=5B=231-=E2=84=AAabc=5D?="))
    assert done.outcome == "opened"


# -- answers ----------------------------------------------------------------------------------------------------------


def test_an_agents_answer_reaches_the_customer_after_the_hold_and_not_before(office):
    number, notice = opened_for(office)
    with office.store() as unit:  # the first mail to a domain waits longer
        unit.people.record_contact("john", "client.example")
        unit.commit()
    done = office.receive(office.answer(notice, "Use water."))
    assert (done.outcome, done.ticket) == ("replied", number)
    assert office.deliver().sent == 0
    assert office.deliver(timedelta(seconds=59)).sent == 0
    assert office.deliver(timedelta(seconds=2)).sent == 1
    mail = office.sent_to(KAREN)[-1]
    assert mail.text.startswith("Use water.\n")
    assert "It burns" not in mail.text
    assert mail.sender.name == "John Smith (Acme Support)"
    assert str(mail.sender.address) == "support@acme.example"
    assert mail.in_reply_to == ("<mail-1@client.example>",)
    assert office.ticket(number)["assignee"] == "john"


def test_a_note_never_reaches_the_customer(office):
    number, notice = opened_for(office)
    before = len(office.sent_to(KAREN))
    for text in ("!note\nThe customer is wrong.", "The customer is wrong.\n!note"):
        assert office.receive(office.answer(notice, text)).outcome == "noted"
    office.receive(office.answer(notice, "!team banking"))
    office.receive(office.answer(office.last("assigned", "jane@acme.example"), "Indeed, wrong."))
    office.deliver(HOLD)
    assert len(office.sent_to(KAREN)) == before
    kinds = [(e["kind"], e["text"]) for e in office.ticket(number)["entries"]]
    assert kinds[1:] == [*[("note", "The customer is wrong.")] * 2, ("note", "Indeed, wrong.")]


def test_note_text_is_in_no_mail_that_ever_leaves_for_a_customer(office):
    number, notice = opened_for(office)
    office.receive(office.answer(notice, "!note\nZEBRA: the customer is wrong."))
    office.receive(office.answer(notice, "Use water.\n!close"))
    office.deliver(HOLD)
    assert [m for m in office.sent_to(KAREN) if "ZEBRA" in m.text or "ZEBRA" in m.html] == []
    assert all("ZEBRA" not in str(row.context) for row in office.outbox(to=KAREN, ticket=number))


def test_an_agent_who_sends_nothing_but_the_quoted_notice_sends_nothing(office):
    number, notice = opened_for(office)
    office.receive(office.answer(notice, "!note\nZEBRA: the customer is wrong."))
    done = office.receive(office.answer(notice, ""))
    assert done.outcome == "ignored"
    assert office.last("feedback").to == notice.to
    assert not office.outbox("reply", ticket=number)


def test_commands_in_the_quoted_notice_are_not_carried_out(office):
    number, notice = opened_for(office)
    assert "!close" in office.words(notice)
    office.receive(office.answer(notice, "Use water."))
    assert office.ticket(number)["status"] == "open"


def test_one_wrong_command_stops_the_mail_and_comes_back_with_the_mend(office):
    number, notice = opened_for(office)
    before = office.ticket(number)
    done = office.receive(office.answer(notice, "Use water.\n!clsoe"))
    assert (done.outcome, done.ticket) == ("rejected", number)
    assert office.told()[-1] == ("feedback", "john@acme.example")
    assert "!close" in office.words(office.last("feedback"))
    assert office.last("feedback").envelope_from == ""
    assert office.ticket(number) == before
    mend = office.receive(office.answer(office.last("feedback"), "Use water.\n!close"))
    assert (mend.outcome, office.ticket(number)["status"]) == ("replied", "closed")


def test_without_plus_addressing_the_message_id_says_what_an_answer_means(open_office):
    office = open_office(
        CONFIG.replace("[listener]", "[listener]").replace(
            'aliases = ["help@acme.example"]', 'aliases = ["help@acme.example"]\nplus_addressing = false'
        )
    )
    number = office.open_ticket()
    notice = office.last("new-ticket", "john@acme.example")
    assert notice.context["mail"]["reply_to"] == "support@acme.example"
    assert office.receive(office.answer(notice, "Use water.")).outcome == "replied"
    office.receive(office.answer(office.last("acknowledgement"), "Which water?"))
    assert [e["kind"] for e in office.ticket(number)["entries"]] == ["message", "reply", "message"]


@pytest.mark.parametrize("way", ["reply address", "Message-ID", "token"])
def test_a_customers_answer_finds_its_ticket_by_any_one_mark(office, way):
    number = office.open_ticket()
    acknowledgement = office.last("acknowledgement")
    more = {
        "reply address": {"headers": {"In-Reply-To": None, "References": None}, "subject": "AW: Printer on fire"},
        "Message-ID": {"to": "support@acme.example", "subject": "Hello again"},
        "token": {"to": "help@acme.example", "headers": {"In-Reply-To": None, "References": None}},
    }[way]
    done = office.receive(office.answer(acknowledgement, "It still burns.", **more))
    assert (done.outcome, done.ticket) == ("replied", number)
    assert office.told()[-1][0] == "message"


def test_a_customers_second_mail_to_their_own_first_finds_the_ticket(office):
    number = office.open_ticket()
    more = {"In-Reply-To": "<mail-1@client.example>"}
    assert office.receive(office.mail(KAREN, "And smokes.", subject="Re: Printer", headers=more)).ticket == number


def test_a_fresh_mail_of_a_customer_is_a_new_ticket(office):
    assert office.open_ticket() != office.open_ticket()


def test_a_customers_answer_opens_a_closed_ticket_again(office):
    number, notice = opened_for(office)
    office.receive(office.answer(notice, "Use water.\n!close"))
    office.deliver(HOLD)
    assert office.ticket(number)["status"] == "closed"
    mark = office.queued
    done = office.receive(office.answer(office.last("reply"), "It still burns."))
    assert (done.outcome, done.ticket, office.ticket(number)["status"]) == ("replied", number, "open")
    assert office.told(mark) == [("message", "john@acme.example")]


def test_an_answer_to_a_ticket_that_closed_long_ago_is_a_new_one_that_points_there(office):
    number, notice = opened_for(office)
    office.receive(office.answer(notice, "Use water.\n!close"))
    office.deliver(timedelta(days=31))
    done = office.receive(office.answer(office.last("reply"), "It burns again."))
    assert (done.outcome, done.ticket != number) == ("opened", True)
    shown = office.ticket(done.ticket)
    assert (shown["links"], shown["participants"], shown["entries"][0]["author"]["role"]) == ([number], [], "requester")
    assert office.ticket(number)["status"] == "closed"


def test_a_vacation_answer_opens_nothing_again_and_is_answered_by_nobody(office):
    number, notice = opened_for(office)
    office.receive(office.answer(notice, "Use water.\n!close"))
    office.deliver(HOLD)
    mark = office.queued
    away = office.answer(office.last("reply"), "I am away.", headers={"Auto-Submitted": "auto-replied"})
    assert office.receive(away).outcome == "replied"
    assert office.ticket(number)["status"] == "closed"
    assert office.told(mark) == []


# -- marks in other hands ---------------------------------------------------------------------------------------------


def test_a_forwarded_notice_lets_nobody_in(office):
    """An agent forwards a notice to an outsider, who answers it: nothing is done, and the office hears of it."""
    number, notice = opened_for(office)
    mark = office.queued
    done = office.receive(office.answer(notice, "Let me in.\n!close", sender="bob@evil.example"))
    assert (done.outcome, done.reason, done.ticket) == ("held", "token-from-another-address", number)
    assert office.ticket(number)["status"] == "open"
    assert office.told(mark) == [("note", "john@acme.example"), ("note", "jane@acme.example")]
    assert not office.outbox(to="bob@evil.example")
    assert all("Let me in" not in office.words(row) for row in office.outbox("note"))


def test_a_watchers_answer_to_an_sla_notice_is_no_customers_message(open_office):
    config = CONFIG + (
        '\n[[sla_plan]]\nname = "default"\nresolution = "1h"\ncalendar = "always"\n'
        '[[sla_plan.step]]\nat = "100%"\nnotify = ["pager@client.example"]\n'
    )
    office = open_office(config)
    number = office.open_ticket()
    office.tick(timedelta(hours=2))
    warning = office.last("sla-breach", "pager@client.example")
    assert "It burns" not in office.words(warning)
    done = office.receive(office.answer(warning, "On my way.\n!close"))
    assert (done.outcome, office.ticket(number)["status"]) == ("held", "open")
    assert "message-received" not in office.kinds(number)


def test_nobody_but_the_agent_acts_with_an_agents_address(office):
    _, notice = opened_for(office)
    for sender in (KAREN, "jane@acme.example", "john@evil.example"):
        assert office.receive(office.answer(notice, "!close", sender=sender)).outcome == "held"
    forged = office.answer(notice, "!close", proof="fail")
    assert office.receive(forged).outcome == "held"
    assert office.receive(office.answer(notice, "!close", sender="john@home.example")).outcome == "commanded"


def test_a_word_of_nobody_we_trust_proves_nothing(open_office):
    office = open_office(CONFIG + '\n[security]\nagent_proof = "strict"\n')
    number, notice = opened_for(office)
    theirs = {"Authentication-Results": "mx.evil.example; dmarc=pass header.from=acme.example"}
    assert office.receive(office.answer(notice, "!close", proof="", headers=theirs)).outcome == "held"
    injected = f'{PROVIDER}; spf=fail smtp.mailfrom="x; dmarc=pass header.from=acme.example"@evil.example'
    forged = office.answer(notice, "!close", proof="", headers={"Authentication-Results": injected})
    assert office.receive(forged).outcome == "held"
    assert office.ticket(number)["status"] == "open"
    assert office.receive(office.answer(notice, "!close")).outcome == "commanded"


def test_our_own_mail_that_comes_back_ends_there(office):
    number = office.open_ticket()
    mark, kinds = office.queued, office.kinds(number)
    for message in list(office.relay.sent):
        assert office.receive(message.raw, recipients=("support@acme.example",)).outcome == "ignored"
    assert (office.told(mark), office.kinds(number)) == ([], kinds)


# -- participants -----------------------------------------------------------------------------------------------------


def test_a_proven_senders_copies_take_part_and_hear_what_comes_after(office):
    number = office.open_ticket(cc="Eve <eve@client.example>")
    assert [p["address"] for p in office.ticket(number)["participants"]] == ["eve@client.example"]
    office.receive(office.answer(office.last("new-ticket", "john@acme.example"), "Use water."))
    office.deliver(HOLD)
    assert office.told()[-2:] == [("reply", KAREN), ("reply", "eve@client.example")]
    (copy,) = office.sent_to("eve@client.example")
    assert "It burns" not in copy.text
    answer = office.answer(office.last("reply", "eve@client.example"), "And I?")
    assert (office.receive(answer).outcome, office.ticket(number)["entries"][-1]["author"]["role"]) == (
        "replied",
        "participant",
    )


@pytest.mark.parametrize("proof", ["fail", "none", ""])
def test_an_unproven_senders_copies_hear_nothing(office, proof):
    number = office.open_ticket(cc="Eve <eve@evil.example>", proof=proof)
    office.receive(office.answer(office.last("new-ticket", "john@acme.example"), "Use water."))
    office.deliver(HOLD)
    assert office.ticket(number)["participants"] == []
    assert office.sent_to("eve@evil.example") == []


def test_a_mail_to_our_own_marks_makes_them_no_participants(office):
    office.open_ticket()
    mark = office.last("acknowledgement").context["mail"]["reply_to"]
    revoked = mark.replace("+a", "+z")
    number = office.open_ticket("ken@other.example", to=f"support@acme.example, help+x@acme.example, {revoked}")
    assert office.ticket(number)["participants"] == []


# -- times ------------------------------------------------------------------------------------------------------------


def test_a_ticket_begins_when_its_mail_arrived(office):
    arrived = office.clock.now() - timedelta(hours=5)
    done = office.receive(office.mail(KAREN, "It burns."), arrived_at=arrived)
    assert office.ticket(done.ticket)["created_at"] == "2026-05-04T04:00:00Z"


def test_a_mail_that_was_on_its_way_does_not_come_before_what_happened_meanwhile(office):
    number, notice = opened_for(office)
    sent = office.clock.now()
    office.clock.advance(timedelta(minutes=10))
    office.receive(office.answer(notice, "Use water."))
    late = office.answer(office.last("acknowledgement"), "Any news?")
    office.receive(late, arrived_at=sent)
    events = office.ticket(number)["events"]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert [t["target"] for t in office.ticket(number)["sla"] if not t["met_at"]] == ["next-response", "resolution"]


def test_a_server_whose_clock_is_ahead_dates_nothing_into_the_future(office):
    done = office.receive(office.mail(KAREN, "It burns."), arrived_at=office.clock.now() + timedelta(days=3))
    assert office.ticket(done.ticket)["created_at"] == "2026-05-04T09:00:00Z"


# -- bytes ------------------------------------------------------------------------------------------------------------


def test_a_customers_message_id_of_any_kind_never_breaks_a_reply(office):
    for message_id in ("<ü@client.example>", f"<{'x' * 600}@client.example>", "<a\0b@client.example>", "no brackets"):
        number = office.open_ticket(headers={"Message-ID": message_id})
        notice = office.last("new-ticket", "john@acme.example", number)
        assert office.receive(office.answer(notice, "Use water.")).outcome == "replied"
        assert office.deliver(HOLD).sent == 1
        raw = office.relay.sent[-1].raw
        assert raw.isascii()
        assert b"\0" not in raw
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert read(raw).references


def test_a_mail_over_which_the_program_dies_again_and_again_is_set_aside_in_the_end(office):
    receipt = office.keep(office.mail("karen@client.example", "It burns."))
    for _ in range(DEATHS):
        with office.store() as unit:
            assert len(unit.inbound.begin(10, office.clock.now())) == 1
            unit.commit()
    (done,) = office.processing.round()
    assert (done.inbound, done.outcome) == (receipt.inbound, "quarantined")
