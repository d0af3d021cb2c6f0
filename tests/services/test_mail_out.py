"""Mail on its way out: the same bytes at every attempt, an answer for each recipient, and nobody left in the dark."""

from datetime import timedelta

import pytest

from maild.domain.messages.outbox import ChannelFault, DeliveryResult, OutboxState, RelayAnswer
from maild.services import deliver as delivering
from maild.services.admin_command import command_ticket
from tests.rig.office import CONFIG

KAREN, EVE = "karen@client.example", "eve@client.example"
JOHN, JANE, MARY = "john@acme.example", "jane@acme.example", "mary@acme.example"
HOLD = timedelta(seconds=121)  # the first mail of an agent to a domain waits two minutes
REFUSED = RelayAnswer(DeliveryResult.PERMANENT, "550 5.1.1 no such user", 550)
LATER = RelayAnswer(DeliveryResult.TEMPORARY, "451 4.7.1 greylisted", 451)


def replied(office, **more):
    """A ticket that John has answered; the answer waits in the outbox."""
    number = office.open_ticket(**more)
    assert office.receive(office.answer(office.last("new-ticket", JOHN, number), "Use water.")).outcome == "replied"
    office.clock.advance(HOLD)
    return number


def state(office, template="reply", to=KAREN):
    row = office.last(template, to)
    return row.state, row.attempts


def unmet(office, number):
    return [target["target"] for target in office.ticket(number)["sla"] if not target["met_at"]]


# -- what the relay says ----------------------------------------------------------------------------------------------


def test_what_the_relay_took_is_sent_once(office):
    number = replied(office)
    assert office.ticket(number)["entries"][-1]["delivery"] == "queued"
    assert office.deliver().sent == 1
    assert office.deliver(timedelta(days=6)).sent == 0
    assert state(office) == (OutboxState.SENT, 1)
    assert office.ticket(number)["entries"][-1]["delivery"] == "sent"


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (LATER, timedelta(minutes=2)),
        (RelayAnswer(DeliveryResult.AMBIGUOUS, "the final reply was lost"), timedelta(minutes=19)),
    ],
)
def test_what_may_be_tried_again_goes_out_later_in_the_very_same_bytes(office, answer, pause):
    replied(office)
    office.relay.answers[KAREN] = answer
    assert office.deliver().deferred == 1
    assert state(office) == (OutboxState.DEFERRED, 1)
    assert office.last("reply").last_answer == answer.text
    office.configure(CONFIG.replace("Acme Support", "Umbrella Support"))  # nothing of it may reach a frozen mail
    del office.relay.answers[KAREN]
    assert office.deliver().sent == 0
    assert office.deliver(pause).sent == 1
    first, second = office.relay.sent[-2:]
    assert first == second
    assert b"Acme Support" in second.raw


def test_a_refused_answer_is_told_inside_and_the_customer_still_waits(office):
    number = replied(office)
    assert unmet(office, number) == ["resolution"]
    office.relay.answers[KAREN] = REFUSED
    mark = office.queued
    assert office.deliver().failed == 1
    assert state(office) == (OutboxState.FAILED, 1)
    shown = office.ticket(number)
    assert [e["delivery"] for e in shown["entries"] if e["kind"] == "reply"] == ["failed"]
    assert shown["events"][-1]["kind"] == "bounced"
    assert shown["entries"][-1]["text"].startswith(f"An answer to {KAREN} could not be delivered: 550 5.1.1")
    assert office.told(mark) == [("note", JOHN)]
    assert unmet(office, number) == ["first-response", "resolution"]


def test_five_days_in_vain_are_a_refusal(office):
    number = replied(office)
    office.relay.answers[KAREN] = LATER
    for _ in range(60):
        office.deliver(timedelta(hours=3))
    assert state(office)[0] is OutboxState.FAILED
    assert "bounced" in office.kinds(number)
    assert "given up after 5 days" in office.ticket(number)["entries"][-1]["text"]


def test_a_refused_copy_undoes_nothing(office):
    number = replied(office, cc=EVE)
    office.relay.answers[EVE] = REFUSED
    office.deliver()
    assert unmet(office, number) == ["resolution"]
    assert office.ticket(number)["events"][-1]["detail"]["reply"] is None


def test_a_refused_notice_is_told_to_a_colleague_and_news_of_it_to_nobody(office):
    """Two mailboxes that do not work must not tell each other so for ever."""
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", JANE), "!assign john"))
    office.relay.answers = dict.fromkeys((JOHN, JANE, MARY), REFUSED)
    mark = office.queued
    for _ in range(10):
        office.deliver(timedelta(hours=1))
    assert office.told(mark) == [("note", JANE)]
    assert office.last("note", JANE).envelope_from == ""
    assert office.kinds(number).count("bounced") == 1


def test_a_refused_acknowledgement_disturbs_nobody(office):
    office.relay.answers[KAREN] = REFUSED
    number = office.open_ticket()
    assert office.kinds(number) == ["opened"]


def test_a_fault_of_the_channel_fails_no_mail_and_counts_no_attempt(office):
    replied(office, cc=EVE)
    office.relay.fault = ChannelFault("535 authentication failed", 535)
    for _ in range(3):
        assert office.deliver(timedelta(hours=1)).deferred == 2
    assert {state(office, to=address) for address in (KAREN, EVE)} == {(OutboxState.DEFERRED, 0)}
    office.relay.fault = None
    assert office.deliver(timedelta(minutes=2)).sent == 2


def test_each_recipient_has_an_answer_of_their_own(office):
    replied(office, cc=EVE)
    office.relay.answers = {KAREN: LATER}
    done = office.deliver()
    assert (done.sent, done.deferred) == (1, 1)
    assert state(office, to=EVE)[0] is OutboxState.SENT


def test_a_mail_that_is_dropped_while_it_is_tried_stays_dropped(office):
    replied(office)
    office.relay.answers[KAREN] = LATER

    def drop(message):
        with office.store() as unit:
            unit.outbox.set_state(office.last("reply").id, OutboxState.DROPPED, None)
            unit.commit()

    office.relay.while_sending = drop
    office.deliver()
    assert state(office)[0] is OutboxState.DROPPED


# -- one worker and another -------------------------------------------------------------------------------------------


def test_no_transaction_is_open_while_a_mail_is_handed_over(office):
    replied(office)
    office.relay.while_sending = lambda message: office.keep(office.mail(KAREN, "Another one."))
    assert office.deliver().sent == 1


def test_two_workers_never_have_the_same_mail(office):
    replied(office)
    other = office.another_delivery(office.store)
    seen = []
    office.relay.while_sending = lambda message: seen.append(other.round().sent)
    assert office.deliver().sent == 1
    assert seen == [0]


def test_a_worker_that_died_leaves_its_mails_to_the_next_one_after_a_while(office):
    replied(office)

    def die(message):
        raise KeyboardInterrupt

    office.relay.while_sending = die
    with pytest.raises(KeyboardInterrupt):
        office.deliver()
    office.relay.while_sending = lambda message: None
    assert office.deliver().sent == 0
    assert office.deliver(timedelta(minutes=16)).sent == 1


def test_a_slow_relay_gives_the_rest_of_a_batch_back_before_others_may_claim_it(office):
    for _ in range(4):
        office.receive(office.mail(KAREN, "It burns."))
    other = office.another_delivery(office.store)
    stolen = []

    def slow(message):
        office.clock.advance(timedelta(minutes=4))
        stolen.append(len([1 for copy in office.relay.sent if copy == message]))

    office.relay.while_sending = slow
    done = office.deliver()
    assert 0 < done.sent < 4
    assert done.deferred > 0
    office.relay.while_sending = lambda message: None
    office.clock.advance(timedelta(minutes=2))
    other.round()
    assert len({message.raw for message in office.relay.sent}) == len(office.relay.sent) == len(office.outbox())
    assert set(stolen) == {0}


def test_a_worker_that_is_told_to_stop_puts_the_rest_off(office):
    office.receive(office.mail(KAREN, "It burns."))
    asked = iter([False, False, True, True, True])
    done = office.delivery.round(lambda: next(asked, True))
    assert (done.sent, done.deferred) == (1, 2)
    assert {row.attempts for row in office.outbox() if row.state is OutboxState.DEFERRED} == {0}


# -- templates --------------------------------------------------------------------------------------------------------


def with_templates(open_office, tmp_path, **files):
    folder = tmp_path / "templates"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.txt.j2").write_text(text)
    return open_office(CONFIG + f'\n[templates]\nfolder = "{folder}"\n'), folder


def test_an_admins_template_is_used(open_office, tmp_path):
    office, _ = with_templates(open_office, tmp_path, reply="Dear {{ recipient.name }}: {{ entry.text }}")
    replied(office)
    office.deliver()
    assert office.sent_to(KAREN)[-1].text.startswith("Dear Karen Hill: Use water.")


@pytest.mark.parametrize("broken", ["{{ nothing.here }}", "{% if %}", "{{ ''.__class__ }}", "{% for x in y"])
def test_a_broken_template_gives_way_to_the_shipped_one(open_office, tmp_path, broken):
    office, _ = with_templates(open_office, tmp_path, reply=broken)
    replied(office)
    assert office.deliver().sent == 1
    assert "Use water." in office.sent_to(KAREN)[-1].text


def _unusable(monkeypatch, template="reply"):
    """Neither the admin's nor the shipped text of one notice can be rendered."""
    whole = delivering.Renderer.render

    def render(self, name, context):
        if name.removeprefix("shipped/") == template:
            raise delivering.TemplateFailed(f"{template}.txt.j2", 3, "broken")
        return whole(self, name, context)

    monkeypatch.setattr(delivering.Renderer, "render", render)
    return whole


def test_a_mail_that_no_template_can_make_is_held_and_released_when_one_can(office, monkeypatch):
    replied(office)
    whole = _unusable(monkeypatch)
    office.receive(office.mail(KAREN, "Another one."))
    done = office.deliver()
    assert (done.sent, done.failed) == (3, 1)
    row = office.last("reply")
    assert row.state is OutboxState.HELD
    assert f"maild outbox release {row.id}" in row.last_answer
    monkeypatch.setattr(delivering.Renderer, "render", whole)
    with office.store() as unit:
        unit.outbox.set_state(row.id, OutboxState.QUEUED, office.clock.now())
        unit.commit()
    assert office.deliver().sent == 1


def test_a_mail_that_cannot_be_made_for_any_other_reason_stops_no_other(office, monkeypatch):
    """Its bytes are made of a mail that may be gone, by a program that may be wrong."""
    replied(office)
    office.receive(office.mail(KAREN, "Another one."))
    whole = delivering.compose

    def compose(draft):
        if "Use water" in draft.text:
            raise LookupError("the mail has no part '2'")
        return whole(draft)

    monkeypatch.setattr(delivering, "compose", compose)
    assert office.deliver().sent == 3
    assert office.last("reply").state is OutboxState.HELD
    assert "LookupError: the mail has no part '2'" in office.last("reply").last_answer


# -- envelopes and headers --------------------------------------------------------------------------------------------


def test_machines_are_answered_by_no_bounce_and_people_by_their_own_mark(office):
    replied(office)
    assert office.last("acknowledgement").envelope_from == ""
    for row in (office.last("reply"), office.last("new-ticket", JOHN)):
        assert row.envelope_from == row.context["mail"]["reply_to"]
        assert row.envelope_from.startswith("support+a1")


def test_what_a_person_wrote_is_no_automatic_mail(office):
    replied(office)
    office.deliver()
    reply, acknowledgement = office.sent_to(KAREN)[-1], office.sent_to(KAREN)[0]
    assert reply.header("auto-submitted") == ""
    assert acknowledgement.header("auto-submitted") == "auto-replied"
    assert office.sent_to(JOHN)[0].header("auto-submitted") == "auto-generated"


def test_a_mail_to_one_reader_says_nothing_of_the_others(office):
    replied(office, cc=EVE)
    office.deliver()
    for message in office.relay.sent:
        (recipient,) = message.recipients
        others = {KAREN, EVE, JOHN, JANE} - {recipient}
        head = message.raw.partition(b"\r\n\r\n")[0].decode()
        assert not any(other in head for other in others)


def test_no_agents_mark_ever_leaves_for_a_customer(office):
    number = replied(office)
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!note\nHm.\n!close"))
    office.deliver()
    marks = {
        row.context["mail"]["reply_to"].encode() for row in office.outbox() if row.to.address.domain == "acme.example"
    }
    for message in office.relay.sent:
        if message.recipients == (KAREN,):
            assert not [mark for mark in marks if mark in message.raw]


def test_mails_about_a_ticket_hang_together(office):
    number = replied(office)
    office.deliver()
    with office.store(reading=True) as unit:
        root = unit.tickets.root_id(number)
    mails = [*office.sent_to(KAREN), *office.sent_to(JOHN)]
    assert {mail.references[0] for mail in mails} == {root}
    assert len({mail.header("thread-index") for mail in mails}) == 1
    assert {mail.subject.removeprefix("Re: ") for mail in mails} == {office.sent_to(JOHN)[0].subject}
    assert not office.sent_to(JOHN)[0].subject.startswith("Re: ")


def test_an_agents_files_go_along_and_nothing_else_of_the_mail(office):
    number = office.open_ticket()
    boundary = {"Content-Type": 'multipart/mixed; boundary="b"', "MIME-Version": "1.0"}
    body = (
        "--b\nContent-Type: text/plain\n\nSee the plan.\n--b\nContent-Type: text/plain; name=plan.txt\n"
        "Content-Disposition: attachment; filename=plan.txt\n\nTHE PLAN\n--b--"
    )
    raw = office.answer(office.last("new-ticket", JOHN), body, quote=False, headers=boundary)
    assert office.receive(raw).outcome == "replied"
    office.deliver(HOLD)
    mail = office.sent_to(KAREN)[-1]
    assert [file.name for file in mail.attachments] == ["plan.txt"]
    assert "See the plan." in mail.text
    assert office.ticket(number)["entries"][-1]["attachments"][0]["name"] == "plan.txt"


def test_the_admins_words_come_from_the_helpdesk_itself(office):
    number = office.open_ticket()
    command_ticket(office.store, office.helpdesk, number, ["reply", "It works again."], office.clock.now())
    office.deliver(HOLD)
    assert office.sent_to(KAREN)[-1].sender.name == "Acme Support"


def test_an_answer_within_the_delay_replaces_the_acknowledgement(open_office):
    office = open_office(CONFIG.replace('to = "everyone"', 'to = "everyone"\ndelay = "3m"'))
    office.open_ticket()
    assert office.sent_to("karen@client.example") == []
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example"), "I am on my way."))
    office.deliver(timedelta(minutes=5))
    assert [m.header("x-maild-reason") for m in office.sent_to("karen@client.example")] == ["reply"]


def test_without_an_answer_the_acknowledgement_leaves_after_its_delay(open_office):
    office = open_office(CONFIG.replace('to = "everyone"', 'to = "everyone"\ndelay = "3m"'))
    office.open_ticket()
    office.deliver(timedelta(minutes=3))
    assert [m.header("x-maild-reason") for m in office.sent_to("karen@client.example")] == ["acknowledgement"]
