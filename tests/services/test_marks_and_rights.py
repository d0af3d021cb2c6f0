"""Marks that are taken back, rights that are gone, parts of a mail that disagree: what an agent's mail cannot do."""

import re
from datetime import timedelta

import pytest

from maild.mail.reading.parse import read
from tests.rig.office import CONFIG

KAREN = "karen@client.example"
JOHN, JANE = "john@acme.example", "jane@acme.example"


def answer(office, row, text, **more):
    return office.receive(office.answer(row, text, **more))


def revoke(office, agent):
    with office.store() as unit:
        done = unit.people.revoke(agent, unit.outbox.next_id())
        unit.commit()
    return done


def two_parts(office, row, plain, page):
    """An answer with a text part and an HTML part, each its own words."""
    mail = row.context["mail"]
    kind = {"MIME-Version": "1.0", "Content-Type": 'multipart/alternative; boundary="cut"'}
    body = f"--cut\nContent-Type: text/plain\n\n{plain}\n--cut\nContent-Type: text/html\n\n{page}\n--cut--"
    raw = office.mail(str(row.to.address), body, to=mail["reply_to"], subject=f"Re: {row.subject}", headers=kind)
    return office.receive(raw)


@pytest.mark.parametrize("carrier", ["reply address", "message-id"])
def test_marks_given_to_an_agent_are_dead_once_they_are_taken_back(office, carrier):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    assert revoke(office, "john")
    more = {} if carrier == "reply address" else {"to": "support@acme.example"}
    done = answer(office, notice, "Use water.\n!close", **more)
    office.deliver(timedelta(seconds=121))
    assert done.outcome == "held"
    assert not [m for m in office.sent_to(KAREN) if "Use water" in m.text]
    assert office.ticket(number)["status"] == "open"


def test_what_is_mailed_after_taking_marks_back_works(office):
    number = office.open_ticket()
    revoke(office, "john")
    office.receive(
        office.mail(KAREN, "It burns more.", subject=f"Re: {office.last('new-ticket', JOHN, number).subject}")
    )
    assert answer(office, office.last("message", JOHN, number), "Use water.").outcome == "replied"


def test_an_agent_who_may_not_see_the_ticket_any_more_changes_nothing_in_it(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    moved = re.sub(
        r'(display = "John Smith"\n.*\n)departments = \["support"\]', r'\1departments = ["sysadmins"]', CONFIG
    )
    assert moved != CONFIG
    office.configure(moved)
    done = answer(office, notice, "Use water.\n!close")
    office.deliver(timedelta(seconds=121))
    assert (done.outcome, office.ticket(number)["status"]) == ("held", "open")
    assert not [m for m in office.sent_to(KAREN) if "Use water" in m.text]
    told = office.last("feedback", JOHN)
    assert told.ticket is None
    assert "is not among yours" in " ".join(office.words(told).split())
    assert "Printer on fire" not in office.words(told).replace("> ", "").split("-- ")[-1]


def test_a_button_of_over_thirty_days_is_refused_and_says_so(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    (link,) = (a["mailto"] for a in notice.context["actions"] if a["label"] == "Close")
    address = link.removeprefix("mailto:").partition("?")[0].replace("%2B", "+")
    office.clock.advance(timedelta(days=31))
    done = office.receive(office.mail(JOHN, "!close", to=address, subject=notice.subject))
    assert (done.outcome, office.ticket(number)["status"]) == ("rejected", "open")
    assert "30 days old" in " ".join(office.words(office.last("feedback", JOHN, number)).split())


@pytest.mark.parametrize(
    ("plain", "page", "outcome"),
    [
        ("Use water.", "<div>!close</div><div>Use water.</div>", "rejected"),
        ("!close\nUse water.", "<p>Use water.</p>", "rejected"),
        ("!close\nUse water.", "<p>!resolve</p><p>Use water.</p>", "rejected"),
        ("Use water.", '<p>Use water.</p><p style="display:none">!close</p>', "replied"),  # nobody could see it
        ("!close\nUse water.", "<div>!Close</div><div>Use water.</div>", "replied"),
        ("Use water!", "<p>Use <b>water</b>!</p>", "replied"),
    ],
)
def test_two_parts_that_ask_for_different_things_stop_the_mail(office, plain, page, outcome):
    number = office.open_ticket()
    done = two_parts(office, office.last("new-ticket", JOHN, number), plain, page)
    assert done.outcome == outcome
    if outcome == "rejected":
        assert office.ticket(number)["status"] == "open"


def test_the_words_of_the_html_are_read_only_where_a_command_may_stand():
    head = b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=cut\r\n\r\n"
    text, page = (
        b"--cut\r\nContent-Type: text/plain\r\n\r\n%s\r\n",
        b"--cut\r\nContent-Type: text/html\r\n\r\n<p>%s</p>\r\n",
    )
    body = text + page + b"--cut--\r\n"
    assert read(head + body % (b"Use water.", b"Use water.")).html_words == ""
    assert read(head + body % (b"Use water.", b"!close")).html_words == "!close"


# -- fresh mails ------------------------------------------------------------------------------------------------------


def test_a_doubtful_fresh_mail_that_would_write_to_somebody_is_asked_about_in_a_letter(office):
    done = office.receive(office.mail(JOHN, f"!to {KAREN}\nYour printer is mended.", proof=""))
    assert (done.outcome, done.ticket) == ("held", None)
    question = office.last("was-this-you", JOHN)
    assert question.ticket is None
    (link,) = (a["mailto"] for a in question.context["actions"] if a["label"].startswith("Yes"))
    address = link.removeprefix("mailto:").partition("?")[0].replace("%2B", "+")
    yes = office.receive(office.mail(JOHN, "", to=address, subject="Re: Was this you?"))
    while office.processing.round():
        pass
    office.deliver(timedelta(seconds=121))
    assert yes.outcome == "commanded"
    assert office.ticket(1)["requester"]["address"] == KAREN
    assert [mail.text.startswith("Your printer is mended.") for mail in office.sent_to(KAREN)] == [True]


@pytest.mark.parametrize(("verb", "kind", "mails"), [("for", "note", 0), ("to", "reply", 1)])
def test_an_agents_fresh_mail_opens_somebodys_ticket(office, verb, kind, mails):
    text = f"!{verb} Karen Hill <{KAREN}>\n!priority high\nThe printer burns, she says."
    done = office.receive(office.mail(JOHN, text, subject="Printer"))
    office.deliver(timedelta(seconds=121))
    shown = office.ticket(done.ticket)
    assert (done.outcome, shown["requester"]) == ("opened", {"address": KAREN, "name": "Karen Hill"})
    assert (shown["priority"], shown["subject"]) == ("high", "Printer")
    assert [(e["kind"], e["text"]) for e in shown["entries"]] == [(kind, "The printer burns, she says.")]
    assert len(office.sent_to(KAREN)) == mails
    assert "opened for Karen Hill" in " ".join(office.words(office.last("feedback", JOHN)).split())


def test_a_mail_of_commands_alone_that_names_no_ticket_is_answered_with_what_is_missing(office):
    done = office.receive(office.mail(JOHN, "!close"))
    assert (done.outcome, done.ticket) == ("rejected", None)
    words = " ".join(office.words(office.last("feedback", JOHN)).split())
    assert "names no ticket: answer a notice" in words


def test_a_word_about_text_without_text_is_told_and_not_passed_over(office):
    number = office.open_ticket()
    done = answer(office, office.last("new-ticket", JOHN, number), "!reply")
    assert (done.outcome, office.kinds(number)) == ("rejected", ["opened"])
    assert "no text of its own" in " ".join(office.words(office.last("feedback", JOHN, number)).split())


def test_the_title_of_lists_is_nobodys_but_ours(office):
    number = office.open_ticket()
    answer(office, office.last("new-ticket", JOHN, number), "!title Stupid user again\nUse water.")
    office.deliver(timedelta(seconds=121))
    sent = b"".join(message.raw for message in office.relay.sent if KAREN in message.recipients)
    assert b"Stupid" not in sent
