"""A mail of somebody outside a ticket never becomes visible to anybody in it without an agent's act.

The Ticket Trick (2017): open a ticket, take its reply address, or any other mark of it, to a site that mails a code
there, read the code in "your" ticket. Every carrier of a mark is tried, as a person's mail and as a program's."""

from datetime import timedelta

import pytest

from tests.rig.office import CONFIG

ATTACKER = "attacker@evil.example"
SITE = "no-reply@slack.example"
CODE = "123456"
JOHN = "john@acme.example"
HOLD = timedelta(seconds=121)  # with what is risky about a first answer
JOINING = (
    CONFIG
    + """
[[rule]]
when = { subject = "Sign-in" }
then = { join = "(Sign-in)" }
"""
)


def by_address(row, office):
    return {"to": row.context["mail"]["reply_to"], "subject": "Sign-in"}


def by_message_id(row, office):
    return {"headers": {"In-Reply-To": row.message_id}}


def by_root_id(row, office):
    return {"headers": {"References": row.context["mail"]["references"][0]}}


def by_known_id(row, office):
    return {"headers": {"In-Reply-To": office.ticket(row.ticket)["entries"][0]["message_id"]}}


def by_mark_in_the_body(row, office):
    return {"text": f"Your code is {CODE}\n\nref:{row.context['marker']}"}


def by_subject(row, office):
    return {"subject": f"Sign-in {row.subject}"}


def by_join_key(row, office):
    return {"subject": "Sign-in"}


CARRIERS = [by_address, by_message_id, by_root_id, by_known_id, by_mark_in_the_body, by_subject, by_join_key]
AS_WHAT = {
    "a person's": {},
    "a program's": {"Auto-Submitted": "auto-generated"},
    "an answer's": {"Auto-Submitted": "auto-replied"},
}


def what_becomes_of(carrier, as_what):
    """(outcome, whether it is about the ticket) of a mail of the site."""
    if carrier is by_join_key:  # the admin's own rule says that such mails belong together
        return "replied", True
    if as_what.get("Auto-Submitted") == "auto-replied":
        return "ignored", carrier is not by_known_id
    return ("opened", False) if carrier is by_known_id else ("held", True)


@pytest.mark.parametrize("as_what", AS_WHAT.values(), ids=AS_WHAT)
@pytest.mark.parametrize("carrier", CARRIERS, ids=lambda carrier: carrier.__name__)
def test_a_code_that_is_mailed_to_a_ticket_never_reaches_who_opened_it(open_office, carrier, as_what):
    office = open_office(JOINING if carrier is by_join_key else CONFIG)
    number = office.open_ticket(ATTACKER, subject="Sign-in", text="Hello.")
    row = office.last("acknowledgement", ATTACKER)
    how = {"text": f"Your code is {CODE}", "subject": "Your code"} | carrier(row, office)
    headers = how.pop("headers", {}) | as_what
    text = how.pop("text")
    done = office.receive(office.mail(f"Slack <{SITE}>", text, headers=headers, **how))
    assert (done.outcome, done.ticket == number) == what_becomes_of(carrier, as_what)
    # Whatever the attacker asks for afterwards, and whatever an agent answers without quoting it:
    office.receive(office.answer(row, "STATUS"))
    office.receive(office.answer(row, "Any news?"))
    newest = office.last("message", JOHN, number)
    assert office.receive(office.answer(newest, "Not yet.")).outcome == "replied"
    assert office.receive(office.answer(newest, "!resolve")).outcome == "commanded"
    office.deliver(HOLD)
    mails = office.sent_to(ATTACKER)
    assert len(mails) >= 3
    for mail in mails:
        assert CODE not in mail.text + mail.html + mail.subject
        assert not mail.attachments


@pytest.mark.parametrize("carrier", [by_address, by_message_id, by_root_id, by_subject], ids=lambda c: c.__name__)
def test_it_waits_for_an_agents_word(office, carrier):
    number = office.open_ticket(ATTACKER, subject="Sign-in", text="Hello.")
    how = {"subject": "Your code"} | carrier(office.last("acknowledgement", ATTACKER), office)
    done = office.receive(office.mail(f"Slack <{SITE}>", f"Your code is {CODE}", **how))
    assert (done.outcome, done.reason) == ("held", "token-from-another-address")
    assert CODE not in str(office.ticket(number)["entries"])


def test_the_one_who_sent_it_does_not_join_the_ticket(office):
    number = office.open_ticket(ATTACKER, subject="Sign-in", text="Hello.")
    office.receive(office.mail(SITE, f"Your code is {CODE}", **by_address(office.last("acknowledgement"), office)))
    assert office.ticket(number)["participants"] == []
