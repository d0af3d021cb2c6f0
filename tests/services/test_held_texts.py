"""Texts of agents that wait for their word: news they had not seen, words said inside, what cannot be taken back, and
mails that may not be theirs. Each is told with buttons, each word works once, and none of them is forgotten."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from maild.services.apply.effects import drop
from maild.services.housekeeping import held_replies as remind
from maild.services.work import Work
from tests.rig.office import CONFIG

KAREN = "karen@client.example"
JOHN, JANE, MARY = "john@acme.example", "jane@acme.example", "mary@acme.example"
LEAVES = timedelta(seconds=121)  # the first mail of an agent to a domain waits two minutes
SECRET = "the customer has not paid since march and ana will not grant any more credit to them"


def press(office, row, label, *, sender="", body=None, **more):
    """The mail that a button makes, sent as it is."""
    (link,) = (action["mailto"] for action in row.context["actions"] if action["label"] == label)
    parts = urlsplit(link)
    words = parse_qs(parts.query)
    text = words.get("body", [""])[0] if body is None else body
    more = {"to": unquote(parts.path), "subject": words["subject"][0]} | more
    return office.receive(office.mail(sender or str(row.to.address), text, **more))


def answer(office, row, text, **more):
    return office.receive(office.answer(row, text, **more))


def settle(office):
    """Judge what a word let go, and let the mails leave."""
    while office.processing.round():
        pass
    office.deliver(LEAVES)


def drafts(office, number):
    with office.store(reading=True) as unit:
        return [(d.kind.value, d.agent) for d in unit.held_replies.waiting(ticket=number)]


def replies(office, address=KAREN):
    return [mail.new_text for mail in office.sent_to(address) if "reply" in mail.header("x-maild-reason")]


# -- news -------------------------------------------------------------------------------------------------------------


def stale(office, number, text="Use water."):
    """John answers; Jane answers the older notice."""
    notice = office.last("new-ticket", JANE, number)
    answer(office, office.last("new-ticket", JOHN, number), "Use sand.")
    return answer(office, notice, text)


def test_an_answer_to_an_old_notice_is_held_and_returned_with_the_news(office):
    number = office.open_ticket()
    done = stale(office, number)
    office.deliver(LEAVES)
    assert (done.outcome, done.ticket) == ("held", number)
    assert replies(office) == ["Use sand."]
    held = office.last("held", JANE, number)
    text = office.words(held)
    assert "John Smith answered the customer" in text
    assert "> Use water." in text
    assert [action["label"] for action in held.context["actions"]] == ["Send anyway", "Keep as a note", "Drop it"]
    assert drafts(office, number) == [("stale", "jane")]


@pytest.mark.parametrize(
    ("label", "said", "kinds"),
    [
        ("Send anyway", True, ["reply", "reply"]),
        ("Keep as a note", False, ["reply", "note"]),
        ("Drop it", False, ["reply"]),
    ],
)
def test_each_button_of_a_held_text_works_once(office, label, said, kinds):
    number = office.open_ticket()
    stale(office, number)
    held = office.last("held", JANE, number)
    first, second = press(office, held, label), press(office, held, label)
    settle(office)
    assert (first.outcome, second.outcome) == ("commanded", "ignored")
    assert any("Use water." in text for text in replies(office)) is said
    assert [e["kind"] for e in office.ticket(number)["entries"] if e["author"]["role"] == "agent"] == kinds
    assert drafts(office, number) == []


def test_the_word_may_be_typed_too(office):
    number = office.open_ticket()
    stale(office, number)
    done = answer(office, office.last("held", JANE, number), "!send anyway")
    settle(office)
    assert done.outcome == "commanded"
    assert any("Use water." in text for text in replies(office))


def test_a_button_works_without_its_body_with_a_signature_and_in_capitals(office):
    number = office.open_ticket()
    stale(office, number)
    held = office.last("held", JANE, number)
    (link,) = (a["mailto"] for a in held.context["actions"] if a["label"] == "Keep as a note")
    address = unquote(urlsplit(link).path)
    local, _, domain = address.partition("@")
    done = press(office, held, "Keep as a note", body="-- \nJane\n0171 1234", to=f"{local.upper()}@{domain}")
    settle(office)
    assert done.outcome == "commanded"
    assert office.ticket(number)["entries"][-1]["text"] == "Use water."


def test_an_answer_to_the_held_notice_takes_the_place_of_the_held_text(office):
    number = office.open_ticket()
    stale(office, number)
    done = answer(office, office.last("held", JANE, number), "Use sand, as John says.")
    settle(office)
    assert done.outcome == "replied"
    assert any("Use sand, as John says." in text for text in replies(office))
    assert not any("Use water." in text for text in replies(office))
    assert drafts(office, number) == []


@pytest.mark.parametrize(("label", "status"), [("Close", "closed"), ("Resolve", "resolved")])
def test_a_button_that_ends_a_ticket_asks_first_when_there_is_news(office, label, status):
    number = office.open_ticket()
    notice = office.last("new-ticket", JANE, number)
    office.receive(office.mail(KAREN, "It burns more.", subject=f"Re: {notice.subject}"))
    done = press(office, notice, label)
    assert done.outcome == "held"
    assert office.ticket(number)["status"] == "open"
    press(office, office.last("held", JANE, number), "Send anyway")
    settle(office)
    assert office.ticket(number)["status"] == status


def test_notes_and_commands_are_no_news(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JANE, number)
    answer(office, office.last("new-ticket", JOHN, number), "!note\n!priority high\nI look at it.")
    assert answer(office, notice, "Use water.").outcome == "replied"


def test_the_first_take_wins_and_the_other_is_told(office):
    number = office.open_ticket()
    theirs, mine = office.last("new-ticket", JOHN, number), office.last("new-ticket", JANE, number)
    office.receive(office.mail(JOHN, "!take", to=theirs.context["mail"]["reply_to"], subject=theirs.subject))
    office.clock.advance(timedelta(seconds=40))
    done = press(office, mine, "Take it")
    assert (done.outcome, office.ticket(number)["assignee"]) == ("rejected", "john")
    told = office.words(office.last("feedback", JANE, number))
    assert "John Smith has it since 40 seconds before you" in " ".join(told.split())


# -- words said inside ------------------------------------------------------------------------------------------------


def test_words_of_a_note_never_leave_unless_their_writer_says_so(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    answer(office, notice, f"!note\nPlease mind: {SECRET}.")
    done = answer(office, office.last("new-ticket", JOHN, number), f"Dear Karen, {SECRET.upper()}, sorry.")
    office.deliver(LEAVES)
    assert done.outcome == "held"
    assert "credit" not in " ".join(replies(office)).lower()
    held = office.last("held", JOHN, number)
    assert "words of an internal note are in it" in office.words(held)
    press(office, held, "Send anyway")
    settle(office)
    assert "CREDIT" in " ".join(replies(office))


def test_what_the_customer_said_is_no_secret_in_a_note(office):
    words = "the printer on the second floor has been burning since early this morning and smells"
    number = office.open_ticket(text=words)
    answer(office, office.last("new-ticket", JOHN, number), f"!note\nShe says: {words}")
    assert (
        answer(office, office.last("new-ticket", JOHN, number), f"You wrote: {words}. Use water.").outcome == "replied"
    )


def test_tokens_and_banner_of_a_notice_never_reach_a_customer(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    office.deliver()
    pasted = office.words(notice)
    address = notice.context["mail"]["reply_to"]
    answer(office, notice, f"Use water. Write to {address} or see below\n{pasted}", quote=False)
    settle(office)
    held = office.outbox("held", JOHN, number)
    if held:
        press(office, held[-1], "Send anyway")
        settle(office)
    sent = b"".join(message.raw for message in office.relay.sent if KAREN in message.recipients)
    assert b"Use water" in sent
    assert not re.search(rb"\+a\d+[rncdq]\d+s\d+", sent)
    text = " ".join(replies(office))
    assert "Your answer goes to" not in text
    assert "Why you got this" not in text


# -- who it was -------------------------------------------------------------------------------------------------------


def test_a_doubtful_mail_is_asked_about_at_the_address_on_file_and_released_once(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    done = answer(office, notice, "Use water.", proof="fail")
    assert done.outcome == "held"
    question = office.last("was-this-you", JOHN, number)
    assert "Use water." in office.words(question)
    first = press(office, question, "Yes, I wrote it")
    second = press(office, question, "Yes, I wrote it")
    settle(office)
    assert (first.outcome, second.outcome) == ("commanded", "ignored")
    assert any("Use water." in text for text in replies(office))


def test_a_doubtful_answer_to_the_question_asks_nothing_more(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "Use water.", proof="fail")
    asked = len(office.outbox("was-this-you"))
    done = press(office, office.last("was-this-you", JOHN, number), "Yes, I wrote it", proof="fail")
    assert (done.outcome, len(office.outbox("was-this-you"))) == ("held", asked)
    settle(office)
    assert not replies(office)


def test_a_flood_of_forged_mails_is_no_flood_of_questions(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    for index in range(9):
        answer(office, notice, f"Use water {index}.", proof="fail")
    assert len(office.outbox("was-this-you", JOHN)) == 5


# -- nothing is forgotten ---------------------------------------------------------------------------------------------


def test_a_held_text_is_reminded_of_twice_then_its_lead_until_somebody_gives_a_word(office):
    number = office.open_ticket()
    stale(office, number)
    mark = office.queued
    due = [timedelta(minutes=14), timedelta(minutes=1), timedelta(minutes=105), timedelta(hours=2), timedelta(days=1)]
    told = []
    for pause in due:
        office.tick(pause)
        told.append([(t, a) for t, a in office.told(mark) if t == "held"])
        mark = office.queued
    assert told == [[], [("held", JANE)], [("held", JANE)], [("held", MARY)], [("held", MARY)]]
    assert "Jane Doe still waits for a word" in " ".join(office.words(office.last("held", MARY)).split())
    press(office, office.last("held", MARY, number), "Keep as a note")
    settle(office)
    assert drafts(office, number) == []
    mark = office.queued
    office.tick(timedelta(days=3))
    assert not [row for row in office.told(mark) if row[0] == "held"]


def test_text_beside_a_mistyped_command_waits_and_may_leave_alone(office):
    number = office.open_ticket()
    done = answer(office, office.last("new-ticket", JOHN, number), "Use water.\n!clsoe")
    assert (done.outcome, drafts(office, number)) == ("rejected", [("refused", "john")])
    feedback = office.last("feedback", JOHN, number)
    press(office, feedback, "Send the text alone")
    settle(office)
    assert any("Use water." in text and "clsoe" not in text for text in replies(office))
    assert office.ticket(number)["status"] == "open"


def test_the_mended_mail_takes_the_place_of_the_refused_one(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "Use water.\n!clsoe")
    answer(office, office.last("feedback", JOHN, number), "Use water.\n!close")
    settle(office)
    assert (office.ticket(number)["status"], drafts(office, number)) == ("closed", [])
    assert len([text for text in replies(office) if "Use water." in text]) == 1


def test_a_mistyped_command_alone_leaves_nothing_behind(office):
    number = office.open_ticket()
    done = answer(office, office.last("new-ticket", JOHN, number), "!clsoe")
    assert (done.outcome, drafts(office, number)) == ("rejected", [])


def test_two_nodes_remind_once(office):
    number = office.open_ticket()
    stale(office, number)
    office.clock.advance(timedelta(minutes=16))
    now = office.clock.now()
    with office.store(reading=True) as unit:
        due = unit.held_replies.due(now, 10)
    assert len(due) == 1
    mark = office.queued
    for _ in range(2):
        with office.store() as unit:
            remind._reminded(Work(unit, office.helpdesk, now), due[0])
            unit.commit()
    assert [told for told in office.told(mark) if told[0] == "held"] == [("held", JANE)]


def test_mails_in_an_agents_name_wait_however_many_they_are_and_are_asked_about_in_turn(office):
    for each in range(7):
        raw = office.mail(JOHN, f"!to bob{each}@client.example\nHello.", subject=f"Mail {each}", proof="")
        assert office.receive(raw).outcome == "held"
    with office.store(reading=True) as unit:
        waiting = unit.held_replies.waiting(agent="john")
    assert len(waiting) == 7
    assert len(office.outbox("was-this-you", JOHN)) == 5
    mark = office.queued
    office.tick(timedelta(minutes=16))
    assert [told for told in office.told(mark) if told[0] == "held"] == [("held", JOHN)] * 5
    assert "2 more mails in the same name wait" in " ".join(office.words(office.last("held", JOHN)).split())
    mark = office.queued
    said = office.receive(office.mail(JOHN, "", to=button_of(office, "was-this-you", "Yes"), subject="Re: Mail"))
    office.tick(timedelta(seconds=15))
    assert (said.outcome, office.told(mark).count(("held", JOHN))) == ("commanded", 1)
    asked = " ".join(office.words(office.last("held", JOHN)).split())
    assert "1 more mail in the same name waits" in asked
    assert "bob5@client.example" in asked
    office.receive(office.mail(JOHN, "", to=button_of(office, "held", "No"), subject="Re: Mail"))
    with office.store(reading=True) as unit:
        assert [draft.id for draft in unit.held_replies.waiting(agent="john")] == [
            *(d.id for d in waiting[:4]),
            waiting[6].id,
        ]


def button_of(office, template, label):
    links = (a["mailto"] for a in office.last(template, JOHN).context["actions"] if a["label"].startswith(label))
    return unquote(urlsplit(next(links)).path)


def test_a_mail_dropped_on_the_command_line_is_reminded_of_no_more(office):
    number = office.open_ticket()
    stale(office, number)
    row = office.last("held", JANE, number)
    with office.store() as unit:
        (draft,) = unit.held_replies.waiting(ticket=number)
        assert drop(unit, draft.inbound, office.clock.now())
        unit.commit()
    mark = office.queued
    office.tick(timedelta(hours=5))
    assert not [told for told in office.told(mark) if told[0] == "held"]
    assert press(office, row, "Send anyway").outcome == "ignored"
    settle(office)
    office.deliver(LEAVES)
    assert "Use water." not in replies(office)


def test_a_text_let_in_on_the_command_line_waits_for_no_word_any_more(office):
    """What it was refused for is mended in the configuration, and the admin lets it in."""
    number = office.open_ticket()
    held = answer(office, office.last("new-ticket", JOHN, number), "Use water.\n!assign ana")
    assert drafts(office, number) == [("refused", "john")]
    ana = '[[agent]]\nname = "ana"\naddresses = ["ana@acme.example"]\ndepartments = ["support"]\n'
    office.configure(CONFIG + ana)
    with office.store() as unit:
        assert unit.inbound.replay(held.inbound, released=True)
        unit.commit()
    settle(office)
    assert (replies(office), office.ticket(number)["assignee"]) == (["Use water."], "ana")
    assert drafts(office, number) == []
