"""Notices to agents in the outbox: batches, what joins them, nights, stand-ins, and the ceiling of an hour."""

from datetime import datetime, time, timedelta

import pytest

from maild.domain.decision import Decision, EntryDraft, Outcome
from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Role
from maild.domain.people.mentions import mentions
from maild.domain.tickets.events import THIS_ENTRY, Actor, Noted
from maild.domain.tickets.ticket import EntryKind
from maild.mail.reading.parse import read
from maild.services.apply.decision import apply_decision
from maild.services.deliver import frozen
from maild.services.notices import due_notices as readers
from maild.services.notices.overflow import MOST
from maild.services.queries.documents import outbox_list
from maild.services.work import Work
from tests.rig.office import CONFIG
from tests.services.test_statements import counted

KAREN = "karen@client.example"
JOHN, JANE, JOE, MARY = "john@acme.example", "jane@acme.example", "joe@acme.example", "mary@acme.example"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NIGHTLY = CONFIG + '\n[notices]\nquiet = "20:00-07:00"\n'
FEW = CONFIG + "\n[notices]\nceiling = 3\n"


def johns(office, **more):
    """A ticket that John has taken; all that follows from that is delivered."""
    number = office.open_ticket(**more)
    assert office.receive(office.answer(office.last("new-ticket", JOHN, number), "!take")).outcome == "commanded"
    office.deliver(30 * MINUTE)
    return number


def jane_notes(office, number, text, notice=None):
    row = notice or office.last("new-ticket", JANE, number)
    assert office.receive(office.answer(row, f"!note\n{text}")).outcome == "noted"


def writes(office, number, text):
    row = office.last("acknowledgement", KAREN, number)
    assert office.receive(office.answer(row, text)).outcome == "replied"


def got(office, address, since=0):
    """What reached an agent, as texts."""
    return [mail.text for mail in office.sent_to(address)[since:]]


def seen(office, address):
    return len(office.sent_to(address))


def wish(office, agent, **preferences):
    with office.store() as unit:
        unit.preferences.change(agent, preferences, office.clock.now())
        unit.commit()


def away(office, agent, until):
    with office.store() as unit:
        unit.people.set_absence(agent, office.clock.now(), until)
        unit.commit()


# -- batches ----------------------------------------------------------------------------------------------------------


def test_a_colleagues_note_waits_ten_minutes(office):
    number = johns(office)
    jane_notes(office, number, "The fuser is broken.")
    mark = seen(office, JOHN)
    office.deliver(9 * MINUTE)
    assert got(office, JOHN, mark) == []
    office.deliver(MINUTE)
    (text,) = got(office, JOHN, mark)
    assert "The fuser is broken." in text


def test_what_follows_joins_the_mail_that_waits_and_is_told_in_order(office):
    number = johns(office)
    mark = seen(office, JOHN)
    for minutes, text in ((0, "First."), (4, "Second."), (4, "Third."), (4, "Fourth.")):
        office.deliver(minutes * MINUTE)
        jane_notes(office, number, text)
    office.deliver(3 * MINUTE - timedelta(seconds=1))
    assert got(office, JOHN, mark) == []
    office.deliver(timedelta(seconds=1))  # fifteen minutes after the first
    (text,) = got(office, JOHN, mark)
    places = [text.index(word) for word in ("First.", "Second.", "Third.", "Fourth.")]
    assert places == sorted(places)
    assert "4 new entries, the last from Jane Doe" in text
    office.deliver(HOUR)
    assert seen(office, JOHN) == mark + 1
    states = [row.state for row in office.outbox("note", JOHN, number)]
    assert states == [OutboxState.DROPPED] * 3 + [OutboxState.SENT]
    assert office.outbox("note", JOHN, number)[0].last_answer.startswith("joined")


def test_changes_and_text_of_several_acts_are_one_mail(office):
    number = johns(office)
    mark = seen(office, JOHN)
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!priority high"))
    jane_notes(office, number, "I raised it.")
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!wait"))
    office.deliver(10 * MINUTE)
    (text,) = got(office, JOHN, mark)
    assert text.index("I raised it.") < text.index("* priority normal -> high") < text.index("* status open -> waiting")


def test_what_the_reader_did_meanwhile_is_no_news_to_them(office):
    number = johns(office)
    mark = seen(office, JOHN)
    jane_notes(office, number, "A.")
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "!note\nI know it myself."))
    jane_notes(office, number, "B.")
    office.deliver(15 * MINUTE)
    text = next(text for text in got(office, JOHN, mark) if "A." in text)
    assert "B." in text
    assert "I know it myself." not in text


def test_the_customers_words_leave_at_once_and_take_the_batch_along(office):
    number = johns(office)
    mark = seen(office, JOHN)
    jane_notes(office, number, "The fuser is broken.")
    writes(office, number, "It burns again.")
    office.deliver()
    (text,) = got(office, JOHN, mark)
    assert text.index("The fuser is broken.") < text.index("It burns again.")
    assert text.startswith("Your answer stays inside Acme Support")  # a note is in it
    office.deliver(HOUR)
    assert seen(office, JOHN) == mark + 1


def test_a_change_of_state_in_front_of_the_customers_words_leaves_the_answer_to_the_customer(office):
    number = johns(office)
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!priority high"))
    writes(office, number, "It burns again.")
    row = office.last("message", JOHN, number)
    assert office.words(row).startswith("Your answer goes to Karen Hill")
    assert "priority normal -> high" in office.words(row)
    office.deliver()
    done = office.receive(office.answer(row, "Use water."))
    assert done.outcome == "replied"


def test_an_answer_to_a_mail_of_several_entries_holds_none_of_their_words(office):
    number = johns(office)
    for text in ("The fuser is broken.", "And the lamp on its left side, too."):
        jane_notes(office, number, text)
    office.deliver(15 * MINUTE)
    row = office.last("note", JOHN, number)
    quoted = office.words(row)  # unmarked, as some programs leave it
    done = office.receive(office.answer(row, f"I have spares.\n\n{quoted}", quote=False))
    assert done.outcome == "noted"
    assert office.ticket(number)["entries"][-1]["text"] == "I have spares."


def test_a_mail_that_was_made_already_is_left_alone(office):
    number = johns(office)
    jane_notes(office, number, "First.")
    row = office.last("note", JOHN, number)
    raw = frozen(row, office.store, office.renderer, office.helpdesk)
    jane_notes(office, number, "Second.")
    office.deliver(15 * MINUTE)
    mine = [mail for mail in office.sent_to(JOHN) if "First." in mail.text or "Second." in mail.text]
    assert [("First." in mail.text, "Second." in mail.text) for mail in mine] == [(True, False), (False, True)]
    assert raw in [message.raw for message in office.relay.sent]


def test_whom_a_note_names_hears_of_it_at_once_with_what_waited(office):
    number = johns(office)
    jane_notes(office, number, "A.")
    mark = seen(office, JOHN)
    by, now = Actor(Role.AGENT, "jane", JANE), office.clock.now()
    note = EntryDraft(kind=EntryKind.NOTE, author=by, author_name="Jane Doe", text="@john @joe, have you a spare?")
    fact = Noted(at=now, by=by, entry=THIS_ENTRY, mentions=mentions(note.text, office.helpdesk.policy.directory))
    with office.store() as unit:
        ticket = unit.tickets.get(number)
        apply_decision(Work(unit, office.helpdesk, now), Decision(Outcome.NOTED, "", (fact,), (note,), by), ticket)
        unit.commit()
    office.deliver()
    (text,) = got(office, JOHN, mark)
    assert text.index("A.") < text.index("have you a spare?")
    assert "Why you got this: a note names you" in text
    assert ["have you a spare?" in text for text in got(office, JOE)] == [True]  # of another department


def test_who_wants_everything_at_once_waits_for_nothing(office):
    number = johns(office)
    wish(office, "john", pace="at once")
    mark = seen(office, JOHN)
    jane_notes(office, number, "A.")
    office.deliver()
    assert len(got(office, JOHN, mark)) == 1


def test_no_wish_and_no_absence_is_looked_up_for_what_concerns_no_agent(office, monkeypatch):
    number = johns(office)
    monkeypatch.setattr(readers, "readers_of", lambda *_: pytest.fail("asked in vain"))
    raw = office.answer(office.last("new-ticket", JANE, number), "!tag +printer")
    assert office.receive(raw).outcome == "commanded"


# -- nights -----------------------------------------------------------------------------------------------------------


def at(office, text):
    """Let the clock show this time of the same day or the next (UTC)."""
    now = office.clock.now()
    wanted = datetime.combine(now.date(), time.fromisoformat(text), now.tzinfo)
    office.clock.advance((wanted if wanted > now else wanted + timedelta(days=1)) - now)


def test_at_night_mails_wait_and_leave_as_one_in_the_morning(open_office):
    office = open_office(NIGHTLY)
    at(office, "21:00")
    number = office.open_ticket()
    mark = seen(office, JOHN)
    office.clock.advance(HOUR)
    writes(office, number, "It still burns.")
    office.deliver(2 * HOUR)
    assert (mark, seen(office, JOHN)) == (0, 0)
    assert office.sent_to(KAREN)  # customers are not asleep
    at(office, "06:59")
    office.deliver()
    assert seen(office, JOHN) == 0
    office.deliver(MINUTE)
    (mail,) = office.sent_to(JOHN)
    assert mail.text.index("It burns.") < mail.text.index("It still burns.")
    assert "New ticket from Karen Hill" in mail.text
    assert mail.header("date") == "Tue, 05 May 2026 07:00:00 +0000"  # not written at night


def test_an_emergency_wakes_and_brings_what_waited(open_office):
    office = open_office(NIGHTLY)
    number = johns(office)
    at(office, "22:00")
    writes(office, number, "It burns.")
    office.deliver()
    mark = seen(office, JOHN)
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!priority emergency"))
    writes(office, number, "The house burns!")
    office.deliver()
    (text,) = got(office, JOHN, mark)
    assert text.index("It burns.") < text.index("The house burns!")


def test_an_agents_own_night_counts(office):
    number = johns(office)
    wish(office, "john", quiet="08:00-12:00")
    writes(office, number, "Hello?")
    office.deliver()
    mark = seen(office, JOHN)
    at(office, "12:00")
    office.deliver()
    assert "Hello?" in got(office, JOHN, mark)[-1]


def test_whoever_writes_at_night_is_answered(open_office):
    office = open_office(NIGHTLY)
    number = johns(office)
    at(office, "23:00")
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "!clsoe"))
    mark = seen(office, JOHN)
    office.deliver()
    assert seen(office, JOHN) == mark + 1


# -- absences ---------------------------------------------------------------------------------------------------------


def test_a_substitute_is_told_in_place_of_who_is_away(office):
    number = johns(office)
    wish(office, "john", substitute="mary")
    away(office, "john", office.clock.now() + timedelta(days=7))
    mark = office.queued
    writes(office, number, "Hello?")
    assert office.told(mark) == [("message", MARY)]
    assert "Why you got this: John Smith is away until Mon 2026-05-11" in office.words(office.last("message", MARY))


def test_a_substitute_who_may_not_see_the_ticket_is_passed_over(office):
    number = johns(office)
    wish(office, "john", substitute="joe")
    away(office, "john", office.clock.now() + timedelta(days=7))
    mark = office.queued
    writes(office, number, "Hello?")
    assert office.told(mark) == [("message", JANE)]


def test_a_deadline_of_who_is_away_reaches_who_stands_in(office):
    number = johns(office)
    wish(office, "john", substitute="jane")
    away(office, "john", office.clock.now() + timedelta(days=30))
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!sla sev-a"))
    fired = office.tick(2 * HOUR)
    assert all("john" not in step.notified for step in fired)
    assert any("jane" in step.notified for step in fired)
    assert "John Smith is away until" in office.words(office.last("sla-breach", JANE))


# -- clocks -----------------------------------------------------------------------------------------------------------


def test_an_agents_notice_stands_on_their_clock_and_a_customers_mail_on_the_helpdesks(open_office):
    office = open_office(CONFIG.replace('display = "Jane Doe"', 'display = "Jane Doe"\ntimezone = "America/New_York"'))
    number = office.open_ticket()
    assert office.last("new-ticket", JANE, number).context["timezone"] == "America/New_York"
    assert office.last("new-ticket", JOHN, number).context["timezone"] == str(office.helpdesk.zone)
    assert office.last("acknowledgement", ticket=number).context["timezone"] == str(office.helpdesk.zone)
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "Use water."))
    assert office.last("reply", ticket=number).context["timezone"] == str(office.helpdesk.zone)


# -- the ceiling of an hour -------------------------------------------------------------------------------------------


def opened_for_john(office, count):
    return [
        office.receive(office.mail(f"c{n}@client.example", f"Help {n}.", subject=f"S{n}")).ticket for n in range(count)
    ]


def asks_again(office, number):
    answer = office.answer(office.last("acknowledgement", ticket=number), "Hello?")
    assert office.receive(answer).outcome == "replied"


def test_beyond_the_ceiling_notices_become_lines_of_one_mail(open_office):
    office = open_office(FEW)
    numbers = opened_for_john(office, 3)
    beyond = opened_for_john(office, 2)
    office.deliver()
    assert seen(office, JOHN) == 3
    row = office.last("gathered", JOHN)
    assert row.subject == "2 more notices about 2 tickets"
    text = office.words(row)
    assert [f"#{number}" in text for number in (*numbers, *beyond)] == [False] * 3 + [True] * 2
    assert "You got 3 notices within an hour" in text
    office.deliver(59 * MINUTE)
    assert seen(office, JOHN) == 3
    office.deliver(MINUTE)
    assert seen(office, JOHN) == 4
    (mail,) = [mail for mail in office.sent_to(JOHN) if "more notices" in mail.subject]
    assert mail.header("date") == f"{row.leaves_at:%a, %d %b %Y %H:%M:%S} +0000"


def test_a_summary_names_a_ticket_once_and_can_be_answered_by_its_numbers(open_office):
    office = open_office(FEW)
    opened_for_john(office, 3)
    number = office.receive(office.mail(KAREN, "It burns.")).ticket
    for text in ("Hello?", "Is anybody there?"):
        writes(office, number, text)
    row = office.last("gathered", JOHN)
    assert row.subject == "3 more notices about 1 ticket"
    assert len(office.outbox("gathered", JOHN)) == 1
    (told,) = row.context["gathered"]["rows"]
    assert (told["ticket"], told["notices"], told["text"]) == (number, 3, "Is anybody there?")
    with office.store(reading=True) as unit:
        snapshot = unit.snapshots.get(row.context["gathered"]["list"])
    assert (snapshot.tickets, snapshot.agent) == ((number,), "john")
    assert f"+a{snapshot.id}d" in row.context["mail"]["reply_to"]


def test_a_row_number_means_the_ticket_that_stands_there_in_the_mail(open_office):
    office = open_office(FEW)
    opened_for_john(office, 3)
    first, second, third = opened_for_john(office, 3)
    asks_again(office, first)
    office.deliver(HOUR)
    row = office.last("gathered", JOHN)
    assert [each["ticket"] for each in row.context["gathered"]["rows"]] == [first, second, third]
    (text,) = [mail.text for mail in office.sent_to(JOHN) if "more notices" in mail.subject]
    shown, words = [f"1 #{first}", f"2 #{second}", f"3 #{third}"], " ".join(text.split())
    assert [each for each in shown if each in words] == shown
    assert office.receive(office.answer(row, "2 close", quote=False)).outcome == "commanded"
    assert [office.ticket(number)["status"] for number in (first, second, third)] == ["open", "closed", "open"]


def test_a_summary_says_the_same_before_and_after_it_left(open_office):
    office = open_office(FEW)
    opened_for_john(office, 3 + MOST + 2)
    before = office.last("gathered", JOHN)
    (listed,) = [each for each in outbox_list(office.store, [OutboxState.QUEUED]) if each["id"] == before.id]
    assert listed["subject"] == before.subject == f"{MOST + 2} more notices about {MOST} tickets and others"
    assert (len(before.context["gathered"]["rows"]), before.context["gathered"]["more"]) == (MOST, 2)
    office.deliver(HOUR)
    (mail,) = [mail for mail in office.sent_to(JOHN) if "more notices" in mail.subject]
    assert mail.subject == before.subject
    with office.store(reading=True) as unit:
        stored = unit.outbox.get(before.id)
        assert unit.summaries.folded([before.id]) == {before.id: ()}
        snapshot = unit.snapshots.get(before.context["gathered"]["list"])
    assert (stored.subject, stored.context) == (before.subject, before.context)
    assert list(snapshot.tickets) == [each["ticket"] for each in before.context["gathered"]["rows"]]


def test_a_summary_of_an_older_version_takes_in_more_and_leaves_with_all(open_office):
    office = open_office(FEW)
    opened_for_john(office, 3)
    first, second = opened_for_john(office, 2)
    told = office.last("gathered", JOHN)
    with office.store() as unit:  # an older version wrote all rows into the context, and into the list
        unit.outbox.rewrite(told)
        unit.snapshots.change(told.context["gathered"]["list"], (first, second))
        unit.summaries.settle([told])
        unit.commit()
    asks_again(office, second)
    (third,) = opened_for_john(office, 1)
    office.deliver(HOUR)
    (mail,) = [mail for mail in office.sent_to(JOHN) if "more notices" in mail.subject]
    assert mail.subject == "4 more notices about 3 tickets"
    assert [f"#{number}" in mail.text for number in (first, second, third)] == [True] * 3
    assert "Hello?" in mail.text
    with office.store(reading=True) as unit:
        assert list(unit.snapshots.get(told.context["gathered"]["list"]).tickets) == [first, second, third]


def test_a_summary_of_an_older_version_leaves_unchanged(open_office):
    office = open_office(FEW)
    opened_for_john(office, 5)
    told = office.last("gathered", JOHN)
    with office.store() as unit:
        unit.summaries.settle([told])
        unit.commit()
    office.deliver(HOUR)
    assert office.last("gathered", JOHN).context == told.context
    assert "2 more notices about 2 tickets" in [mail.subject for mail in office.sent_to(JOHN)]


def test_a_notice_beyond_the_ceiling_costs_one_small_row(open_office):
    office = open_office(FEW)
    opened_for_john(office, 4)
    kept = [office.keep(office.mail(f"d{n}@client.example", "Help.", subject=f"D{n}")).inbound for n in range(20)]
    with counted() as statements:
        done = office.processing.round(kept)
    assert [each.outcome for each in done] == ["opened"] * 20
    assert sum(each.startswith("INSERT INTO folded_notice") for each in statements) <= 2  # the first one, all others
    assert not [each for each in statements if each.startswith(("UPDATE outbox", "UPDATE snapshot"))]
    assert sum("outbox.template = ?" in each and "leaves_at > ?" in each for each in statements) <= 2  # an agent each


def test_a_new_hour_begins_anew(open_office):
    office = open_office(FEW)
    opened_for_john(office, 4)
    office.clock.advance(HOUR)
    mark = office.queued
    opened_for_john(office, 1)
    assert ("new-ticket", JOHN) in office.told(mark)


def test_after_a_summary_was_sent_the_next_one_is_another(open_office):
    office = open_office(FEW)
    opened_for_john(office, 4)
    office.deliver(HOUR)
    opened_for_john(office, 4)
    first, second = office.outbox("gathered", JOHN)
    assert (first.state, second.state) == (OutboxState.SENT, OutboxState.QUEUED)


def test_deadlines_are_never_folded(open_office):
    office = open_office(FEW)
    numbers = opened_for_john(office, 6)
    mark = office.queued
    office.tick(timedelta(days=3))
    told = [row for row in office.outbox(to=JOHN) if row.id > mark]
    assert [row.template for row in told] == ["sla-gathered"]  # many at once are one list, and it leaves now
    assert told[0].next_at == office.clock.now()
    assert sorted(each["number"] for each in told[0].context["alarms"]["rows"]) == sorted(numbers)


def test_deadlines_that_come_one_by_one_are_never_folded(open_office):
    office = open_office(FEW)
    opened_for_john(office, 3)
    mark = office.queued
    office.tick(timedelta(days=3))
    told = office.told(mark)
    assert told.count(("sla-breach", JOHN)) == 3
    assert ("gathered", JOHN) not in told


def test_a_storm_is_cut_for_each_agent_alone(open_office):
    office = open_office(FEW)
    opened_for_john(office, 3)
    mark = office.queued
    number = office.receive(office.mail(KAREN, "It burns.", to="sysadmins@acme.example")).ticket
    assert number
    assert ("new-ticket", JOE) in office.told(mark)


def test_a_batch_that_leaves_in_a_full_hour_is_folded(open_office):
    office = open_office(FEW)
    number = johns(office)
    office.clock.advance(HOUR)
    opened_for_john(office, 3)
    jane_notes(office, number, "A.")
    assert office.last("gathered", JOHN).context["gathered"]["rows"][0]["text"] == "A."


# -- the foot ---------------------------------------------------------------------------------------------------------


def test_every_foot_names_the_reason_and_the_way_out(office):
    number = office.open_ticket()
    row = office.last("new-ticket", JOHN, number)
    text = " ".join(office.words(row).split())
    assert "Why you got this: you work in the department support · Stop: !mute; notify new off (mail that to" in text
    mute, asked = row.context["stop"]
    assert ".mute." in mute["mailto"]
    assert asked["to"].startswith("support+a0q")
    mail = read(frozen(row, office.store, office.renderer, office.helpdesk))
    assert "new" in mail.header("x-maild-reason")


def test_where_the_provider_knows_no_plus_nothing_is_to_be_mailed_to_it(open_office):
    office = open_office(CONFIG.replace("[listener]", "plus_addressing = false\n\n[listener]", 1))
    office.open_ticket()
    stop = office.last("new-ticket", JOHN).context["stop"]
    assert [way["typed"] for way in stop] == ["!mute"]


def test_the_button_of_the_foot_mutes(office):
    number = office.open_ticket()
    row = office.last("new-ticket", JOHN, number)
    address = row.context["stop"][0]["mailto"].removeprefix("mailto:").partition("?")[0].replace("%2B", "+")
    done = office.receive(office.mail(JOHN, "", to=address, subject=f"Re: {row.subject}"))
    assert done.outcome == "commanded"
    mark = office.queued
    writes(office, number, "Hello?")
    assert office.told(mark) == [("message", JANE)]
