"""A bounce comes back through the front door: the answer did not happen, and somebody who can read is told."""

from datetime import timedelta

import pytest

KAREN, EVE = "karen@client.example", "eve@client.example"
JOHN, JANE = "john@acme.example", "jane@acme.example"
HOLD = timedelta(seconds=121)  # the first mail of an agent to a domain waits two minutes


def report(row, recipient, *, to="", original="", action="failed", status="5.1.1"):
    """A delivery report about one of our mails, as a mail server makes it."""
    returned = f"\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original}\r\n" if original else ""
    return (
        "From: MAILER-DAEMON@relay.example\r\n"
        f"To: {to or row.envelope_from}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        f"Message-ID: <{recipient}.{row.id}.{action}@relay.example>\r\nAuto-Submitted: auto-replied\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nI am sorry.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp; 550 {status} no such user\r\n{returned}\r\n--b--\r\n"
    ).encode()


def answered(office, **more):
    """A ticket whose requester has John's answer on the way."""
    number = office.open_ticket(**more)
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "Use water."))
    office.deliver(HOLD)
    return number, office.last("reply", KAREN)


def unmet(office, number):
    return [target["target"] for target in office.ticket(number)["sla"] if not target["met_at"]]


@pytest.mark.parametrize("way", ["sealed envelope", "returned Message-ID"])
def test_a_bounced_answer_did_not_happen(office, way):
    number, row = answered(office)
    assert unmet(office, number) == ["resolution"]
    by_id = {"to": "support@acme.example", "original": row.message_id}
    mark = office.queued
    done = office.receive(report(row, KAREN, **({} if way == "sealed envelope" else by_id)), envelope_from="")
    assert (done.outcome, done.ticket) == ("bounced", number)
    assert unmet(office, number) == ["first-response", "resolution"]
    assert [e["delivery"] for e in office.ticket(number)["entries"] if e["kind"] == "reply"] == ["bounced"]
    assert office.told(mark) == [("note", JOHN)]
    assert "no such user" in office.words(office.last("note"))


def test_a_bounce_opens_no_ticket_again(office):
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", JOHN), "Use water.\n!close"))
    office.deliver(HOLD)
    office.receive(report(office.last("reply"), KAREN), envelope_from="")
    assert office.ticket(number)["status"] == "closed"


def test_a_bounced_answer_breaches_in_time_as_if_it_had_never_been(office):
    _, row = answered(office)
    office.clock.advance(timedelta(hours=3))
    office.receive(report(row, KAREN), envelope_from="")
    fired = office.tick(timedelta(days=3))
    assert "first-response" in {step.target for step in fired}


@pytest.mark.parametrize(("action", "status"), [("delayed", "4.4.1"), ("delivered", "2.0.0"), ("relayed", "2.0.0")])
def test_a_report_of_no_failure_changes_nothing(office, action, status):
    number, row = answered(office)
    kinds = office.kinds(number)
    assert office.receive(report(row, KAREN, action=action, status=status), envelope_from="").outcome == "ignored"
    assert office.kinds(number) == kinds


def test_a_mailbox_that_stayed_full_for_days_is_a_failure(office):
    number, row = answered(office)
    office.receive(report(row, KAREN, status="4.2.2"), envelope_from="")
    assert "first-response" in unmet(office, number)


def test_a_bounced_copy_undoes_nothing(office):
    number, _ = answered(office, cc=EVE)
    done = office.receive(report(office.last("reply", EVE), EVE), envelope_from="")
    assert (done.outcome, unmet(office, number)) == ("bounced", ["resolution"])


def test_a_bounced_notice_of_a_colleagues_answer_undoes_nothing(office):
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", JOHN), "!take"))
    office.receive(office.answer(office.last("new-ticket", JANE), "Use water."))
    office.deliver(HOLD)
    office.receive(report(office.last("message", JOHN), JOHN), envelope_from="")
    assert unmet(office, number) == ["resolution"]


def test_two_dead_mailboxes_do_not_tell_each_other_for_ever(office):
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", JANE), "!assign john"))
    office.deliver()
    mails = 0
    for _ in range(10):
        fresh = [
            row
            for row in office.outbox()
            if row.id > mails and row.envelope_from and str(row.to.address) in (JOHN, JANE)
        ]
        mails = office.queued
        for row in fresh:
            if row.template in ("assigned", "note"):
                office.receive(report(row, str(row.to.address)), envelope_from="")
        office.deliver()
    assert [(row.template, str(row.to.address)) for row in office.outbox("note")] == [("note", JANE)]
    assert office.kinds(number).count("bounced") == 1


def test_a_forged_report_silences_nobody(office):
    number, row = answered(office)
    kinds = office.kinds(number)
    for to, original in (
        ("support@acme.example", "<a1u1s3.9.0123456789abcdef@acme.example>"),
        ("support+a1u1s3.0123456789abcdef@acme.example", ""),
    ):
        assert office.receive(report(row, KAREN, to=to, original=original), envelope_from="").outcome == "ignored"
    assert office.kinds(number) == kinds


def test_the_same_bounce_counts_once(office):
    number, row = answered(office)
    raw = report(row, KAREN)
    office.receive(raw, envelope_from="", recipients=("a@acme.example",))
    assert office.receive(raw, envelope_from="", recipients=("b@acme.example",)).outcome == "duplicate"
    assert office.kinds(number).count("bounced") == 1
