"""Lists, spam, reactions, absences, forwards, copies, alerts: the right entry, or a recorded disposition."""

import itertools
import math
from datetime import timedelta

import pytest

from maild.services.admin_command import command_ticket
from tests.rig.office import CONFIG

KAREN = "Karen Hill <karen@client.example>"
MORE = """
[[list]]
id = "help.lists.acme.example"

[[ban]]
domain = "adverts.example"
reason = "adverts"

[[rule]]
when = { from = "*@monitor.example" }
then = { join = 'host (\\S+)', resolve_on = "recovered", acknowledge = false }

[[rule]]
when = { from = "form@acme-web.example" }
then = { requester = "reply-to" }

[[rule]]
when = { subject = "quietly" }
then = { mute = true }
"""


@pytest.fixture
def busy(open_office):
    return open_office(CONFIG + MORE)


# -- senders that are not what they seem --------------------------------------------------------------------------


def test_a_mail_with_our_own_address_as_its_sender_waits_for_a_person(office):
    done = office.receive(office.mail("support@acme.example", "Who am I?"))
    assert (done.outcome, done.ticket) == ("held", None)
    assert "own address" in done.reason


@pytest.mark.parametrize("field", ["X-Original-From", "Reply-To"])
def test_behind_a_list_that_feeds_us_stands_the_writer(busy, field):
    headers = {"List-Id": "Help <help.lists.acme.example>", field: KAREN, "Precedence": "list"}
    done = busy.receive(busy.mail("'Karen Hill' via Help <support@acme.example>", "It burns.", headers=headers))
    assert done.outcome == "opened"
    ticket = busy.ticket(done.ticket)
    assert ticket["requester"]["address"] == "karen@client.example"
    assert ticket["entries"][0]["trust"] == "claimed"


def test_a_contact_form_speaks_for_its_visitor(busy):
    form = busy.mail("form@acme-web.example", "Name: Karen\nIt burns.", headers={"Reply-To": KAREN})
    ticket = busy.ticket(busy.receive(form).ticket)
    assert ticket["requester"] == {"address": "karen@client.example", "name": "Karen Hill"}
    assert ticket["entries"][0]["trust"] == "claimed"
    assert ("acknowledgement", "karen@client.example") in busy.told()


def test_a_banned_sender_is_recorded_and_ignored(busy):
    done = busy.receive(busy.mail("x@mail.adverts.example", "Buy!"))
    assert (done.outcome, done.ticket) == ("ignored", None)
    assert "adverts" in done.reason
    assert busy.told() == []


def test_marked_spam_is_a_spam_ticket_that_nobody_hears_of_until_a_person_writes_again(office):
    done = office.receive(office.mail(KAREN, "Cheap!", headers={"X-Spam-Flag": "YES"}))
    assert office.ticket(done.ticket)["status"] == "spam"
    assert office.told() == []
    answers = {"In-Reply-To": "<mail-1@client.example>"}
    again = office.receive(office.mail(KAREN, "Cheaper!", headers={**answers, "X-Spam-Flag": "YES"}))
    assert (again.outcome, again.ticket) == ("replied", done.ticket)
    assert (office.ticket(done.ticket)["status"], office.told()) == ("spam", [])
    clean = office.receive(office.mail(KAREN, "Hello? My printer burns.", headers=answers))
    assert (clean.outcome, clean.ticket) == ("replied", done.ticket)
    assert office.ticket(done.ticket)["status"] == "open"
    assert office.told() == [("new-ticket", "john@acme.example"), ("new-ticket", "jane@acme.example")]
    words = office.words(office.last("new-ticket"))
    assert [said in words for said in ("Cheap!", "Cheaper!", "My printer burns.")] == [True] * 3


def test_spam_that_an_agent_confirmed_stays_spam(office):
    done = office.receive(office.mail(KAREN, "Cheap!", headers={"X-Spam-Flag": "YES"}))
    confirmed = command_ticket(office.store, office.helpdesk, done.ticket, ["spam"], office.clock.now())
    assert [fact.kind for fact in confirmed.events] == ["status-changed"]
    assert command_ticket(office.store, office.helpdesk, done.ticket, ["spam"], office.clock.now()).events == ()
    office.receive(office.mail(KAREN, "Cheaper!", headers={"In-Reply-To": "<mail-1@client.example>"}))
    assert (office.ticket(done.ticket)["status"], office.told()) == ("spam", [])


# -- mails that are no words to us --------------------------------------------------------------------------------


def test_a_reaction_is_filed_and_reopens_nothing(office):
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", "john@acme.example"), "Done.\n!close"))
    office.deliver(timedelta(minutes=2))
    reply = office.last("reply", "karen@client.example")
    kind = {"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": "reaction"}
    done = office.receive(office.answer(reply, "\U0001f44d", quote=False, headers=kind))
    assert (done.outcome, done.ticket) == ("replied", number)
    assert office.ticket(number)["status"] == "closed"


def test_an_agent_who_is_away_is_not_waited_for(office):
    number = office.open_ticket()
    everybody = {"john@acme.example", "jane@acme.example"}
    assert {to for template, to in office.told() if template == "new-ticket"} == everybody
    away = office.answer(
        office.last("new-ticket", "jane@acme.example"),
        "I am out of the office until 2026-05-08.",
        headers={"Auto-Submitted": "auto-replied"},
    )
    done = office.receive(away)
    assert done.outcome == "ignored"
    assert "jane is away until 2026-05-08" in done.reason
    mark = office.queued
    office.receive(office.answer(office.last("acknowledgement"), "Still burning."))
    assert office.told(mark) == [("message", "john@acme.example")]
    office.clock.advance(timedelta(days=6))
    mark = office.queued
    office.receive(office.answer(office.last("acknowledgement"), "And now?"))
    assert {to for _, to in office.told(mark)} == everybody
    assert office.kinds(number).count("message-received") == 2


# -- mails of agents that no notice asked for ---------------------------------------------------------------------

FORWARDED = """\
He called as well.

---------- Forwarded message ---------
From: Bob Miller <bob@client.example>
Date: Mon, 4 May 2026 at 08:41
Subject: No dial tone
To: John Smith <john@acme.example>

The telephone is dead since seven.
"""


def test_an_agents_forward_opens_a_ticket_for_the_original_sender(office):
    done = office.receive(office.mail("john@acme.example", FORWARDED, subject="Fwd: No dial tone"))
    assert done.outcome == "opened"
    ticket = office.ticket(done.ticket)
    assert ticket["requester"]["address"] == "bob@client.example"
    assert ticket["subject"] == "No dial tone"
    assert [(e["kind"], e["text"]) for e in ticket["entries"]] == [
        ("message", "The telephone is dead since seven."),
        ("note", "He called as well."),
    ]
    assert ("feedback", "john@acme.example") in office.told()
    assert not [to for _, to in office.told() if to == "bob@client.example"]
    assert "Opened for Bob Miller" in office.words(office.last("feedback"))


def test_a_forward_whose_sender_is_not_certain_asks_once_and_takes_the_answer(office):
    vague = FORWARDED.replace("Bob Miller <bob@client.example>", "Bob Miller")
    done = office.receive(office.mail("john@acme.example", vague, subject="Fwd: No dial tone"))
    assert office.ticket(done.ticket)["requester"]["address"] == "john@acme.example"
    asked = office.last("feedback", "john@acme.example")
    assert "!requester" in office.words(asked)
    named = office.receive(office.answer(asked, "!requester Bob Miller <bob@client.example>"))
    assert named.outcome == "commanded"
    assert office.ticket(done.ticket)["requester"] == {"address": "bob@client.example", "name": "Bob Miller"}


def test_a_copy_of_what_an_agent_wrote_to_a_customer_is_filed_and_not_mailed_again(office):
    own = office.mail("jane@acme.example", "Dear Bob, I shall come at ten.", to="bob@client.example", subject="Visit")
    done = office.receive(own, recipients=["support@acme.example"])
    ticket = office.ticket(done.ticket)
    assert (done.outcome, ticket["requester"]["address"], ticket["assignee"]) == (
        "opened",
        "bob@client.example",
        "jane",
    )
    assert [(e["kind"], e["text"]) for e in ticket["entries"]] == [("reply", "Dear Bob, I shall come at ten.")]
    assert not [to for _, to in office.told() if to == "bob@client.example"]
    headers = {"In-Reply-To": ticket["entries"][0]["message_id"]}
    back = office.receive(office.mail("Bob <bob@client.example>", "Fine.", subject="Re: Visit", headers=headers))
    assert (back.outcome, back.ticket) == ("replied", done.ticket)


def test_an_agents_copy_into_a_known_ticket_is_an_answer_there(office):
    number = office.open_ticket()
    first = office.ticket(number)["entries"][0]["message_id"]
    own = office.mail(
        "jane@acme.example", "Come to my desk.", to=KAREN, cc="support@acme.example", headers={"In-Reply-To": first}
    )
    done = office.receive(own)
    assert (done.outcome, done.ticket) == ("replied", number)
    assert office.kinds(number)[-1] == "replied"
    assert not office.outbox("reply")


# -- alerts -------------------------------------------------------------------------------------------------------


def test_alerts_with_one_key_go_into_one_ticket_until_it_recovers(busy):
    robot = "probe@monitor.example"
    first = busy.receive(busy.mail(robot, "host db1 is down", subject="ALERT"))
    again = busy.receive(busy.mail(robot, "host db1 is still down", subject="ALERT"))
    other = busy.receive(busy.mail(robot, "host web7 is down", subject="ALERT"))
    assert (again.outcome, again.ticket) == ("replied", first.ticket)
    assert other.ticket != first.ticket
    busy.receive(busy.mail(robot, "host db1 has recovered", subject="ALERT"))
    assert busy.ticket(first.ticket)["status"] == "resolved"
    assert busy.ticket(other.ticket)["status"] == "open"
    anew = busy.receive(busy.mail(robot, "host db1 is down", subject="ALERT"))
    assert anew.ticket not in (first.ticket, other.ticket)


def test_what_a_rule_mutes_is_filed_without_a_word_to_agents(busy):
    done = busy.receive(busy.mail(KAREN, "Psst.", subject="quietly"))
    assert done.outcome == "opened"
    assert [template for template, _ in busy.told()] == ["acknowledgement"]


# -- threads ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step", [37, pytest.param(1, marks=[pytest.mark.soak, pytest.mark.timeout(0)])], ids=["twenty", "all-720"]
)
def test_mails_of_one_thread_find_each_other_in_any_order(open_office, step):
    """Six mails of one writer, each answering one before it, as a slow mailbox may bring them."""
    parents = {1: [], 2: [1], 3: [1, 2], 4: [1], 5: [1, 2, 3], 6: [1, 4]}

    def mail(office, number):
        ids = " ".join(f"<t{n}@client.example>" for n in parents[number])
        headers = {"Message-ID": f"<t{number}@client.example>", "References": ids or None}
        headers["In-Reply-To"] = f"<t{parents[number][-1]}@client.example>" if ids else None
        return office.mail(KAREN, f"part {number}", subject="Re: Fire" if ids else "Fire", headers=headers)

    office = open_office(CONFIG)
    for turn, order in enumerate(list(itertools.permutations(parents))[::step]):
        there = f"@turn-{turn}.client.example".encode()
        raws = {number: mail(office, number).replace(b"@client.example", there) for number in parents}
        tickets = {office.receive(raws[number]).ticket for number in order}
        assert len(tickets) == 1, order
    assert turn + 1 == len(range(0, math.factorial(len(parents)), step))


def test_a_fresh_mail_to_a_sealed_address_begins_a_linked_ticket(office):
    number = office.open_ticket()
    address = office.last("acknowledgement").context["mail"]["reply_to"]
    done = office.receive(office.mail(KAREN, "The tap drips.", to=address, subject="Tap"))
    assert (done.outcome, done.ticket != number) == ("opened", True)
    assert office.ticket(done.ticket)["links"] == [number]


def test_an_agents_fresh_mail_to_a_sealed_address_is_held(office):
    number = office.open_ticket()
    address = office.last("new-ticket", "jane@acme.example").context["mail"]["reply_to"]
    done = office.receive(office.mail("jane@acme.example", "Dear Paul, …", to=address, subject="Your invoice"))
    assert (done.outcome, done.ticket) == ("held", number)
    assert not office.outbox("reply")


def test_the_buttons_of_a_notice_are_no_fresh_mail(office):
    number = office.open_ticket()
    notice = office.last("new-ticket", "jane@acme.example")
    button = next(action["mailto"] for action in notice.context["actions"] if action["typed"] == "!take")
    subject = button.partition("subject=")[2].partition("&")[0]
    assert "Take" not in subject
    pressed = office.answer(notice, "!take", quote=False, headers={"In-Reply-To": None, "References": None})
    assert office.receive(pressed).outcome == "commanded"
    assert office.ticket(number)["assignee"] == "jane"


def test_the_marker_in_the_body_leads_home_when_ids_and_subject_were_rewritten(office):
    number = office.open_ticket()
    notice = office.last("acknowledgement")
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example"), "We are on it."))
    office.deliver(timedelta(minutes=2))
    reply = office.last("reply", "karen@client.example")
    assert f"ref:{reply.context['marker']}" in office.words(reply)
    plain = {"In-Reply-To": None, "References": None}
    done = office.receive(office.answer(reply, "Good.", to="support@acme.example", subject="x", headers=plain))
    assert (done.outcome, done.ticket) == ("replied", number)
    assert notice.id < reply.id


# -- new words ----------------------------------------------------------------------------------------------------


def test_our_own_text_is_cut_wherever_it_stands(office):
    number = office.open_ticket()
    advice = "Please unplug the printer now.\nLeave it without power for a whole minute.\nThen plug it in again."
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example"), advice))
    office.deliver(timedelta(minutes=2))
    reply = office.last("reply", "karen@client.example")
    unmarked = "It works again!\n\n" + office.words(reply)
    office.receive(office.answer(reply, unmarked, quote=False))
    assert office.ticket(number)["entries"][-1]["text"] == "It works again!"


def test_what_a_customer_says_again_is_no_quote_of_ours(office):
    """Their words stood in our notices to agents, which they never saw."""
    number = office.open_ticket()
    invalid = "The third tray takes the paper of the second one, and nobody in the office knows why."
    for more in ("It began on Monday.", "It still does."):
        receipt = office.last("acknowledgement")
        office.receive(office.answer(receipt, f"{invalid}\n{more}", quote=False))
        office.deliver(timedelta(minutes=2))
    assert office.ticket(number)["entries"][-1]["text"] == f"{invalid}\nIt still does."


def test_an_alert_that_repeats_its_words_keeps_them(busy):
    robot = "nagios@monitor.example"
    alert = "host db1 is down\nThe replication of the orders database is late by {0} seconds."
    first = busy.receive(busy.mail(robot, alert.format(93), subject="ALERT"))
    busy.deliver(timedelta(minutes=2))
    busy.receive(busy.mail(robot, alert.format(93) + "\nstill", subject="ALERT"))
    assert busy.ticket(first.ticket)["entries"][-1]["text"] == alert.format(93) + "\nstill"


def test_what_we_sent_to_the_customer_is_known_however_many_agents_were_told_since(office):
    number = office.open_ticket()
    advice = "Please unplug the printer now.\nLeave it without power for a whole minute.\nThen plug it in again."
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example"), advice))
    office.deliver(timedelta(minutes=2))
    reply = office.last("reply", "karen@client.example")
    for nag in ("Are you there?", "Still waiting.", "Hello?", "Anybody?", "Hm.", "Please.", "Well?"):
        office.receive(office.answer(reply, nag, quote=False))
        office.deliver(timedelta(minutes=2))
    office.receive(office.answer(reply, "It works again!\n\n" + office.words(reply), quote=False))
    assert office.ticket(number)["entries"][-1]["text"] == "It works again!"


def test_a_signature_that_nobody_marked_is_learned(office):
    number = office.open_ticket()
    ends = "\n\nKind regards\nJane Doe\nACME Ltd, 3rd floor, ext. 42"
    texts = ["We look into it.", "Nearly there, one more hour.", "It runs again.", "Anything else?"]
    for text in texts:
        notice = office.last("new-ticket", "jane@acme.example")
        office.receive(office.answer(notice, text + ends, quote=False))
    replies = [entry["text"] for entry in office.ticket(number)["entries"] if entry["kind"] == "reply"]
    assert replies[0] == texts[0] + ends
    assert replies[3] == texts[3]


# -- files --------------------------------------------------------------------------------------------------------

WITH_FILES = """\
--b
Content-Type: text/plain

See below.
--b
Content-Type: application/x-msdownload; name=setup.exe
Content-Disposition: attachment; filename=setup.exe

MZ
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf

%PDF
--b--
"""


def test_blocked_files_are_kept_and_not_passed_on(office):
    kind = {"Content-Type": "multipart/mixed; boundary=b"}
    done = office.receive(office.mail(KAREN, WITH_FILES, headers=kind))
    assert [a["name"] for a in office.ticket(done.ticket)["entries"][0]["attachments"]] == ["setup.exe", "a.pdf"]
    sent = office.last("new-ticket", "jane@acme.example").context["mail"]["attach"]
    assert [file["name"] for file in sent] == ["a.pdf"]


def test_files_over_the_limit_are_told_in_the_entry(office):
    kind = {"Content-Type": "multipart/mixed; boundary=b"}
    part = "--b\nContent-Type: application/pdf; name={0}.pdf\n\n%PDF {0}\n"
    many = "--b\nContent-Type: text/plain\n\nMany.\n" + "".join(part.format(n) for n in range(103)) + "--b--"
    done = office.receive(office.mail(KAREN, many, headers=kind))
    entry = office.ticket(done.ticket)["entries"][0]
    assert len(entry["attachments"]) == 100
    assert entry["text"].startswith("Many.\n\n[3 attachments are left out")
    assert "100.pdf, 101.pdf, 102.pdf" in entry["text"]


WITH_LOGO = """\
--b
Content-Type: text/plain

{0}
--b
Content-Type: image/png; name=logo.png
Content-Disposition: inline; filename=logo.png
Content-ID: <logo{0}@client.example>

the same picture
--b
Content-Type: image/png; name=again.png
Content-Disposition: inline; filename=again.png
Content-ID: <again{0}@client.example>

the same picture
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename=a.pdf

%PDF
--b--
"""


def test_the_logo_of_a_signature_is_passed_on_once_and_a_file_each_time_that_it_is_sent(office):
    kind = {"Content-Type": "multipart/mixed; boundary=b"}
    number = office.receive(office.mail(KAREN, WITH_LOGO.format(1), headers=kind)).ticket
    first = office.last("new-ticket", "jane@acme.example")
    assert [file["name"] for file in first.context["mail"]["attach"]] == ["logo.png", "a.pdf"]
    receipt = office.last("acknowledgement")
    again = office.answer(receipt, WITH_LOGO.format(2), quote=False, headers=kind)
    assert office.receive(again).ticket == number
    second = office.last("message", "jane@acme.example")
    assert [file["name"] for file in second.context["mail"]["attach"]] == ["a.pdf"]
    assert [len(entry["attachments"]) for entry in office.ticket(number)["entries"]] == [3, 3]
