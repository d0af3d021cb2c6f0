"""Mails to agents that concern no ticket: what is fixed when they are queued, and where answers to them lead."""

from datetime import timedelta

import pytest

from maild.domain.intake.judge import place
from maild.domain.intake.route import Route, RouteKind
from maild.domain.messages.message import Envelope
from maild.domain.messages.reply_tokens import Scope, read_message_id, read_reply_address
from maild.domain.notices.buttons import IT_WAS_ME
from maild.domain.people.directory import Address
from maild.mail.reading.parse import read
from maild.ports import IncomingMail, OutboxRow, Snapshot
from maild.services.intake.gather import first_look, read_mail
from maild.services.notices.agent_message import AgentMessage, post
from maild.services.work import Work
from tests.rig.office import CONFIG, Office

PLAIN = 'address = "support@acme.example"\n'


def letter(office: Office, name: str = "jane", **more: object) -> AgentMessage:
    agent = office.helpdesk.policy.directory.agent(name)
    assert agent is not None
    words = {"results": ["You are away until Monday."], "receipt": True}
    values = {"template": "feedback", "subject": "Away", "scope": Scope.QUERY, "reason": "you asked", "words": words}
    return AgentMessage(agent=agent, **{**values, **more})


def posted(office: Office, **more: object) -> OutboxRow:
    with office.store() as unit:
        row = post(Work(unit, office.helpdesk, office.clock.now(), "in-1"), letter(office, **more))
        unit.commit()
    return row


def snapshot_of(office: Office, *tickets: int, agent: str = "jane") -> int:
    with office.store() as unit:
        number = unit.snapshots.add(Snapshot(agent=agent, kind="list", made_at=office.clock.now(), tickets=tickets))
        unit.commit()
    return number


def test_a_letter_is_a_mail_that_arrives(office: Office) -> None:
    row = posted(office, in_reply_to="<question@acme.example>", references=("<older@acme.example>",))
    assert office.deliver().sent == 1
    (mail,) = office.sent_to("jane@acme.example")
    assert (mail.subject, mail.message_id) == ("Away", row.message_id)
    assert mail.in_reply_to == ("<question@acme.example>",)
    assert mail.references == ("<older@acme.example>", "<question@acme.example>")
    assert "* You are away until Monday." in mail.text
    assert mail.text.startswith("Answer with questions, one on a line.")
    assert "Why you got this: you asked." in mail.text
    assert row.context["ask"]["address"] in mail.text.replace("\n", "")
    assert (row.ticket, row.envelope_from, row.next_at) == (None, "", office.clock.now())


def test_what_nobody_asked_for_says_so_and_may_bounce(office: Office) -> None:
    row = posted(office, template="digest", words={"sections": []})
    office.deliver()
    raw = office.relay.sent[-1].raw
    assert b"Auto-Submitted: auto-generated" in raw
    assert row.envelope_from == row.context["mail"]["reply_to"]


def test_a_letter_that_is_not_committed_was_never_written(office: Office) -> None:
    with office.store() as unit:
        post(Work(unit, office.helpdesk, office.clock.now()), letter(office))
    assert office.outbox() == []


def test_times_are_told_on_the_readers_clock(open_office) -> None:
    office = open_office(CONFIG.replace('name = "joe"', 'name = "joe"\ntimezone = "Asia/Kolkata"'))
    assert posted(office, name="joe").context["timezone"] == "Asia/Kolkata"
    assert posted(office, name="jane").context["timezone"] == office.helpdesk.policy.zone


def test_the_reply_address_names_list_meaning_and_verb(office: Office) -> None:
    sealed = read_reply_address(Address.of(posted(office, scope=Scope.DIGEST, about=7).context["mail"]["reply_to"]))
    assert sealed is not None
    assert (sealed.ticket, sealed.scope, sealed.seq, sealed.verb) == (7, Scope.DIGEST, 0, "")
    row = posted(office, scope=Scope.COMMAND, verb="yes-3", buttons=(IT_WAS_ME,), draft=3)
    sealed = read_reply_address(Address.of(row.context["mail"]["reply_to"]))
    assert sealed is not None
    assert (sealed.ticket, sealed.scope, sealed.verb) == (0, Scope.COMMAND, "yes-3")
    (action,) = row.context["actions"]
    assert "0c" in action["mailto"]
    assert "yes-3" in action["mailto"]


@pytest.mark.parametrize("plus", [True, False])
def test_an_answer_leads_to_the_list_and_not_to_the_ticket_of_that_number(open_office, plus: bool) -> None:
    office = open_office(CONFIG if plus else CONFIG.replace(PLAIN, PLAIN + "plus_addressing = false\n", 1))
    first = office.open_ticket()
    number = snapshot_of(office, first)
    assert number == first == 1
    row = posted(office, scope=Scope.DIGEST, about=number)
    office.deliver()
    assert read_message_id(office.helpdesk.ring, row.message_id) is not None
    found = route_of(office, office.answer(row, "1 close"))
    assert (found.verdict, found.ticket, found.snapshot, found.scope) == (RouteKind.REPLY, None, number, Scope.DIGEST)
    assert found.carrier.value == ("reply-address" if plus else "own-message-id")
    foreign = route_of(office, office.answer(row, "1 close", sender="joe@acme.example"))
    assert (foreign.verdict, foreign.reason) == (RouteKind.HELD, "token-from-another-address")


def test_a_list_that_never_was_leads_nowhere(office: Office) -> None:
    row = posted(office, scope=Scope.DIGEST, about=99)
    assert route_of(office, office.answer(row, "1 close")).verdict is RouteKind.NEW


def route_of(office: Office, raw: bytes) -> Route:
    helpdesk, now = office.helpdesk, office.clock.now()
    mail = IncomingMail(raw=raw, source="smtp", arrived_at=now, envelope=Envelope())
    with office.store(reading=True) as unit:
        work = Work(unit, helpdesk, now)
        mail_read = read_mail(helpdesk, mail, read(raw), inbound=0)
        return place(mail_read, first_look(work, [mail_read]), helpdesk.policy, helpdesk.ring, now).route


def test_a_letter_that_comes_back_is_a_bounce_of_no_ticket(office: Office) -> None:
    office.open_ticket()
    row = posted(office, template="digest", words={"sections": []}, scope=Scope.DIGEST, about=snapshot_of(office, 1))
    office.deliver(timedelta(minutes=1))
    report = (
        "From: mailer-daemon@mx.acme.example\r\nTo: " + row.envelope_from + "\r\nSubject: failed\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\nMIME-Version: 1.0\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nno such user\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; mx.acme.example\r\n\r\nFinal-Recipient: rfc822; jane@acme.example\r\nAction: failed\r\n"
        "Status: 5.1.1\r\n\r\n--b--\r\n"
    ).encode()
    done = office.receive(report, recipients=(row.envelope_from,))
    assert (done.outcome, done.ticket) == ("bounced", None)
    assert "jane@acme.example could not be delivered" in done.reason
    assert office.kinds(1) == ["opened"]
