"""Mail in the provider's spam folder waits for a person's word, and counts like any other once it is given."""

from urllib.parse import unquote, urlsplit

import pytest

from maild.ports import InboundState
from maild.services.queries.documents import inbound_list, ticket_list
from tests.rig.office import CONFIG, Office

KAREN = "Karen Hill <karen@client.example>"
JUNK = "systems/junk"
REASON = "in the provider's spam folder Spam of mailbox systems"
WITH_MAILBOX = """
[[mailbox]]
name = "systems"
host = "imap.acme.example"
user = "systems"
password = { file = "PASSWORD_FILE" }
department = "sysadmins"
trusted_authserv = ["mx.acme.example"]
junk = "Spam"
"""


@pytest.fixture
def watched(open_office, tmp_path) -> Office:
    secret = tmp_path / "password"
    secret.write_text("Rain-on-tin.42")
    secret.chmod(0o600)
    return open_office(CONFIG + WITH_MAILBOX.replace("PASSWORD_FILE", str(secret)))


def release(office: Office, number: int):
    """What `maild held release` does."""
    with office.store() as unit:
        assert unit.inbound.replay(number, released=True)
        unit.commit()
    (done,) = office.processing.round([number])
    return done


def tickets(office: Office) -> list[dict]:
    return ticket_list(office.store, office.helpdesk, office.clock.now(), status="all")


def held(office: Office) -> list[tuple[int, str]]:
    return [(row["id"], row["reason"]) for row in inbound_list(office.store, InboundState.HELD)]


def test_a_mail_in_the_spam_folder_is_held_and_nobody_hears_of_it(watched):
    raw = watched.mail(KAREN, "It burns.")
    done = watched.receive(raw, mailbox=JUNK)
    assert (done.outcome, done.ticket, done.reason) == ("held", None, REASON)
    assert held(watched) == [(done.inbound, REASON)]
    assert watched.outbox() == []
    with watched.store(reading=True) as unit:
        assert unit.inbound.get(done.inbound).mail.raw == raw


def test_an_answer_in_the_spam_folder_changes_nothing_in_its_ticket(watched):
    number = watched.open_ticket(KAREN)
    before, queued = watched.ticket(number), watched.queued
    acknowledged = watched.last("acknowledgement", ticket=number)
    done = watched.receive(watched.answer(acknowledged, "It still burns."), mailbox=JUNK)
    assert (done.outcome, done.reason) == ("held", REASON)
    after = watched.ticket(number)
    assert (after["entries"], after["events"]) == (before["entries"], before["events"])
    assert watched.told(since=queued) == []
    assert (release(watched, done.inbound).outcome, watched.kinds(number)[-1]) == ("replied", "message-received")
    assert watched.ticket(number)["entries"][-1]["text"].startswith("It still burns.")


def test_an_agents_command_in_the_spam_folder_is_not_obeyed(watched):
    number = watched.open_ticket(KAREN)
    notice = watched.last("new-ticket", ticket=number)
    done = watched.receive(watched.answer(notice, "!close"), mailbox=JUNK)
    assert (done.outcome, watched.ticket(number)["status"]) == ("held", "open")


def test_a_released_mail_opens_a_ticket_as_if_it_had_come_by_the_mailbox(watched):
    done = watched.receive(watched.mail(KAREN, "It burns.", cc="eve@client.example"), mailbox=JUNK)
    opened = release(watched, done.inbound)
    ticket = watched.ticket(opened.ticket)
    assert (opened.outcome, ticket["status"], ticket["department"]) == ("opened", "open", "sysadmins")
    assert ticket["entries"][0]["trust"] == "verified"  # the mailbox's own provider was believed
    assert ("acknowledgement", "karen@client.example") in watched.told()
    assert held(watched) == []


def test_a_released_mail_is_acknowledged_to_no_forged_sender(watched):
    done = watched.receive(watched.mail(KAREN, "It burns.", proof="fail"), mailbox=JUNK)
    assert release(watched, done.inbound).outcome == "opened"
    assert "karen@client.example" not in [address for _, address in watched.told()]


def test_a_released_mail_is_no_spam_whatever_the_provider_wrote_into_it(watched):
    done = watched.receive(watched.mail(KAREN, "It burns.", headers={"X-Spam-Flag": "YES"}), mailbox=JUNK)
    opened = release(watched, done.inbound)
    assert watched.ticket(opened.ticket)["status"] == "open"
    assert ("acknowledgement", "karen@client.example") in watched.told()


def test_a_mail_that_a_person_moves_into_the_mailbox_opens_its_ticket_and_only_one(watched):
    raw = watched.mail(KAREN, "It burns.")
    waiting = watched.receive(raw, mailbox=JUNK)
    opened = watched.receive(raw, mailbox="systems", source="imap", uidvalidity=1, uid=1)
    assert (opened.outcome, opened.ticket is not None) == ("opened", True)
    again = release(watched, waiting.inbound)
    assert (again.outcome, again.ticket) == ("duplicate", opened.ticket)


def test_a_mail_that_was_dropped_may_still_be_moved_into_the_mailbox(watched):
    raw = watched.mail(KAREN, "It burns.")
    waiting = watched.receive(raw, mailbox=JUNK)
    with watched.store() as unit:
        assert unit.inbound.drop(waiting.inbound, watched.clock.now())
        unit.commit()
    assert watched.receive(raw, mailbox="systems").outcome == "opened"


def test_a_copy_of_what_is_a_ticket_already_is_not_held(watched):
    raw = watched.mail(KAREN, "It burns.")
    opened = watched.receive(raw, mailbox="systems")
    copy = watched.receive(raw, mailbox=JUNK)
    assert (copy.outcome, copy.ticket, held(watched)) == ("duplicate", opened.ticket, [])


def test_our_own_mail_in_the_spam_folder_ends_there(watched):
    watched.open_ticket(KAREN)
    ours = next(m.raw for m in watched.relay.sent if "karen@client.example" in m.recipients)
    assert watched.receive(ours, mailbox=JUNK).outcome == "ignored"


def test_mail_out_of_a_folder_that_is_watched_no_more_is_held_all_the_same(watched):
    watched.configure(CONFIG)
    done = watched.receive(watched.mail(KAREN, "It burns."), mailbox=JUNK)
    assert (done.outcome, done.reason) == ("held", "in the provider's spam folder of mailbox systems")


def test_the_admins_digest_lists_it_with_a_button_that_makes_a_ticket(watched):
    done = watched.receive(watched.mail(KAREN, "It burns."), mailbox=JUNK)
    with watched.store() as unit:
        unit.preferences.change("mary", {"digest": "hourly"}, watched.clock.now())
        unit.commit()
    watched.tick()
    digest = watched.last("digest", "mary@acme.example")
    assert f"{done.inbound}: karen@client.example: Printer on fire" in watched.words(digest)
    (action,) = digest.context["actions"]
    assert action["label"] == f"Make ticket of {done.inbound}"
    to = unquote(urlsplit(action["mailto"]).path)
    for outcome in ("commanded", "commanded"):
        pressed = watched.receive(watched.mail("mary@acme.example", "", to=to, subject=f"Re: {digest.subject}"))
        assert pressed.outcome == outcome
    while watched.processing.round():
        pass
    assert [row["requester"]["address"] for row in tickets(watched)] == ["karen@client.example"]


def test_what_is_no_junk_is_not_proven_by_that(watched):
    number = watched.open_ticket(KAREN)
    subject = watched.last("new-ticket", ticket=number).subject
    forged = watched.mail("jane@acme.example", "!close quiet", proof="fail", subject=f"Re: {subject}")
    done = watched.receive(forged, mailbox=JUNK)
    again = release(watched, done.inbound)
    assert (again.outcome, watched.ticket(number)["status"]) == ("held", "open")
    question = watched.last("was-this-you", "jane@acme.example")
    (link,) = (a["mailto"] for a in question.context["actions"] if a["label"].startswith("Yes"))
    yes = watched.mail("jane@acme.example", "", to=unquote(urlsplit(link).path), subject="Re: Was this you?")
    assert watched.receive(yes).outcome == "commanded"
    while watched.processing.round():
        pass
    assert watched.ticket(number)["status"] == "closed"


def test_an_agents_fresh_mail_to_an_old_address_is_let_in_without_its_commands(watched):
    number = watched.open_ticket(KAREN)
    notice = watched.last("new-ticket", "jane@acme.example", number)
    raw = watched.mail("jane@acme.example", "Lunch?\n!close", to=notice.context["mail"]["reply_to"], subject="Lunch")
    done = watched.receive(raw)
    assert done.outcome == "held"
    assert release(watched, done.inbound).outcome == "replied"
    watched.deliver()
    assert (watched.ticket(number)["status"], watched.ticket(number)["entries"][-1]["kind"]) == ("open", "message")
    assert not [m for m in watched.sent_to("karen@client.example") if "Lunch" in m.text]
