"""Alarms become mails: few as they are, many as one list; each with a line in the ledger, and never into nothing."""

from datetime import timedelta

import pytest

from maild import maillog
from maild.domain.messages.outbox import DeliveryResult, RelayAnswer
from maild.services.escalation import alarms
from maild.services.escalation import due_steps as escalate
from maild.services.escalation.due_steps import escalate_due
from maild.services.escalation.recompute import recompute_changed
from maild.services.queries.escalation_ledger import lines_of
from maild.services.work import Work
from tests.rig.office import CONFIG

KAREN, JOHN, JANE, JOE, MARY = (
    f"{name}@{domain}.example"
    for name, domain in (("karen", "client"), ("john", "acme"), ("jane", "acme"), ("joe", "acme"), ("mary", "acme"))
)
NOC, PAGER = "noc@other.example", "+49151000@sms.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def plan(*steps: str) -> str:
    head = '\n[[sla_plan]]\nname = "default"\ncalendar = "always"\nresolution = "4h"\n'
    return CONFIG + head + "".join(f"[[sla_plan.step]]\n{step}\n" for step in steps)


WARNED_THEN_BREACHED = plan('at = "75%"\nnotify = ["agent:john"]', 'at = "100%"\nnotify = ["agent:john", "manager"]')


def opened(office, many: int) -> list[int]:
    return [office.receive(office.mail(KAREN, f"{n} burns.", subject=f"Printer {n}")).ticket for n in range(many)]


def escalations(office, number: int) -> list[tuple[str, list[tuple[str, str]]]]:
    """Each step of a ticket with whom it told, and what came of it."""
    return [
        (step["step"], [(told["agent"] or told["address"], told["outcome"]) for told in step["told"]])
        for step in office.ticket(number)["escalations"]
    ]


def bounce(office, row, *, named: bool = True) -> bytes:
    """What a provider says that could not deliver one of our mails: with its Message-ID, or to its envelope alone."""
    about = f"Message-ID: {row.message_id}\n" if named else ""
    report = (
        "Content-Type: text/plain\n\nNot delivered.\n--x\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; {row.to.address}\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 no such user\n\n"
        f"--x\nContent-Type: text/rfc822-headers\n\n{about}Subject: x\n\n--x--"
    )
    return office.mail(
        "MAILER-DAEMON@acme.example",
        f"--x\n{report}",
        to=row.envelope_from,
        subject="Undelivered",
        headers={"Content-Type": "multipart/report; report-type=delivery-status; boundary=x", "Return-Path": "<>"},
    )


# -- many at once -----------------------------------------------------------------------------------------------------


def test_whoever_hears_of_many_gets_one_mail_and_each_step_its_line(open_office):
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 7)
    mark = office.queued
    fired = office.tick(3 * DAY)
    assert len(fired) == 14
    assert sorted(office.told(mark)) == [("sla-gathered", JOHN), ("sla-gathered", MARY)]
    for number in numbers:
        assert escalations(office, number) == [("75%", []), ("100%", [("john", "queued"), ("mary", "queued")])]
    office.deliver()
    assert escalations(office, 1)[1] == ("100%", [("john", "sent"), ("mary", "sent")])
    (mail,) = [mail for mail in office.sent_to(MARY) if "overdue" in mail.subject]
    assert mail.subject == "7 tickets overdue"
    assert all(f"#{number} " in mail.text for number in numbers)
    assert "Resolution was due 2 d 20 h ago" in mail.text
    assert office.tick() == []


def test_few_are_mails_of_their_own(open_office):
    office = open_office(WARNED_THEN_BREACHED)
    opened(office, alarms.FEW)
    mark = office.queued
    office.tick(3 * DAY)
    assert sorted(office.told(mark)) == 3 * [("sla-breach", JOHN)] + 3 * [("sla-breach", MARY)]


def test_one_mail_for_all_the_transactions_of_a_tick(open_office, monkeypatch):
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 11)
    monkeypatch.setattr(escalate, "BATCH", 5)
    mark = office.queued
    assert len(office.tick(3 * DAY)) == 22
    assert sorted(office.told(mark)) == [("sla-gathered", JOHN), ("sla-gathered", MARY)]
    row = office.last("sla-gathered", MARY)
    assert [each["number"] for each in row.context["alarms"]["rows"]] == numbers
    assert row.subject == "11 tickets overdue"
    assert row.next_at == office.clock.now()
    with office.store(reading=True) as unit:
        assert list(unit.snapshots.get(row.context["alarms"]["list"]).tickets) == numbers


def test_a_few_in_each_transaction_are_many_in_the_tick(open_office, monkeypatch):
    office = open_office(WARNED_THEN_BREACHED)
    opened(office, 12)
    monkeypatch.setattr(escalate, "BATCH", 2)
    mark = office.queued
    office.tick(3 * DAY)
    assert sorted(office.told(mark)) == [("sla-gathered", JOHN), ("sla-gathered", MARY)]
    for reader in (JOHN, MARY):
        assert len(office.last("sla-gathered", reader).context["alarms"]["rows"]) == 12


def test_the_numbers_of_what_is_not_shown_are_right(open_office, monkeypatch):
    monkeypatch.setattr(alarms, "MOST_ROWS", 2)
    monkeypatch.setattr(escalate, "BATCH", 4)
    office = open_office(plan('at = "75%"\nnotify = ["manager"]', 'at = "100%"\nnotify = ["manager"]'))
    opened(office, 5)
    office.clock.advance(HOUR)
    opened(office, 4)
    office.tick(3 * HOUR)
    assert office.last("sla-gathered", MARY).subject == "5 tickets overdue, 4 tickets due soon"


def test_what_a_crash_leaves_behind_is_told_once(open_office, monkeypatch):
    """The daemon dies between two transactions of a tick: what was gathered leaves, the rest is gathered later."""
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 10)
    monkeypatch.setattr(escalate, "BATCH", 5)
    whole, calls = alarms.tell_alarms, []

    def dies_later(*args, **more):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*args, **more)

    monkeypatch.setattr(escalate, "tell_alarms", dies_later)
    mark = office.queued
    with pytest.raises(KeyboardInterrupt):
        office.tick(3 * DAY)
    first = office.last("sla-gathered", MARY)
    assert first.next_at > office.clock.now()
    assert office.deliver().sent == len(office.told()) - 2  # all but what waits for more
    office.tick(alarms.GRACE)
    office.deliver()
    gathered = [row for row in office.outbox("sla-gathered", MARY) if row.id > mark]
    told = [each["number"] for row in gathered for each in row.context["alarms"]["rows"]]
    assert (sorted(told), len(gathered)) == (numbers, 2)
    assert all(row.raw for row in gathered)
    assert [step[0] for step in escalations(office, 10)] == ["75%", "100%"]


def test_one_that_cannot_be_told_takes_no_other_along(open_office, monkeypatch):
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 6)
    whole = alarms.apply_decision

    def apply_decision(work, decision, ticket, *more, **words):
        done = whole(work, decision, ticket, *more, **words)
        if ticket.number == numbers[2]:
            raise ValueError("a ticket that nobody can handle")
        return done

    monkeypatch.setattr(alarms, "apply_decision", apply_decision)
    assert {step.ticket for step in office.tick(3 * DAY)} == {*numbers} - {numbers[2]}
    rows = office.last("sla-gathered", MARY).context["alarms"]["rows"]
    assert [each["number"] for each in rows] == [number for number in numbers if number != numbers[2]]
    monkeypatch.setattr(alarms, "apply_decision", whole)
    assert {step.ticket for step in office.tick()} == {numbers[2]}


def test_a_list_that_cannot_be_made_gives_way_to_mails_one_by_one(open_office, monkeypatch):
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 5)
    whole = alarms.post

    def post(unit, letter, *more, **words):
        made = whole(unit, letter, *more, **words)
        if letter.agent.name == "john":
            raise ValueError("a list that nobody can make")
        return made

    monkeypatch.setattr(alarms, "post", post)
    mark = office.queued
    office.tick(3 * DAY)
    assert sorted(office.told(mark)) == [("sla-breach", JOHN)] * 5 + [("sla-gathered", MARY)]
    assert all(dict(escalations(office, number)[1][1]).keys() == {"john", "mary"} for number in numbers)


def test_a_list_that_was_undone_is_forgotten_with_its_number(open_office, monkeypatch):
    """The number belongs to another mail from then on."""
    ticks = []

    def begun():
        ticks.append(alarms.Open())
        return ticks[-1]

    def note(*_):
        raise ValueError("a list that nobody can write")

    monkeypatch.setattr(escalate, "Open", begun)
    monkeypatch.setattr(alarms, "_note", note)
    office = open_office(WARNED_THEN_BREACHED)
    opened(office, 5)
    mark = office.queued
    office.tick(3 * DAY)
    assert [tick.rows for tick in ticks] == [{}]
    assert sorted(office.told(mark)) == 5 * [("sla-breach", JOHN)] + 5 * [("sla-breach", MARY)]


def test_a_list_that_has_left_is_not_sent_again(open_office, monkeypatch):
    """A tick that takes longer than its first list waits: what comes later is another list."""
    office = open_office(WARNED_THEN_BREACHED)
    opened(office, 8)
    monkeypatch.setattr(escalate, "BATCH", 5)

    def opens_late(**more):
        """A minute passes between two transactions, and the first list leaves."""
        if (gathered := office.outbox("sla-gathered")) and not gathered[0].raw:
            office.deliver(2 * alarms.GRACE)
        return office.store(**more)

    office.clock.advance(3 * DAY)
    escalate_due(opens_late, office.helpdesk, office.clock.now())
    office.deliver()
    gathered = office.outbox("sla-gathered", MARY)
    assert len(gathered) == 2
    assert [len(row.context["alarms"]["rows"]) for row in gathered] == [5, 3]
    assert len([mail for mail in office.sent_to(MARY) if "overdue" in mail.subject]) == 2


def test_more_than_a_mail_holds_are_named_by_their_numbers(open_office, monkeypatch):
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 6)
    monkeypatch.setattr(alarms, "MOST_ROWS", 4)
    office.tick(3 * DAY)
    office.deliver()
    (mail,) = [mail for mail in office.sent_to(MARY) if mail.subject == "6 tickets overdue"]
    assert "2 more, to be asked for" in mail.text
    assert all(f"#{number}" in mail.text for number in numbers)


def test_an_address_that_is_nobodys_gets_the_list_and_cannot_answer_it(open_office):
    office = open_office(plan(f'at = "100%"\nnotify = ["{NOC}"]'))
    opened(office, 5)
    mark = office.queued
    office.tick(3 * DAY)
    assert office.told(mark) == [("sla-gathered", NOC)]
    row = office.last("sla-gathered")
    assert row.context["mail"]["reply_to"] == "support@acme.example"
    assert row.context["alarms"]["list"] == 0


def test_rows_of_the_list_can_be_answered(open_office):
    office = open_office(WARNED_THEN_BREACHED)
    numbers = opened(office, 5)
    office.tick(3 * DAY)
    office.receive(office.answer(office.last("sla-gathered", JOHN), "1,2 take\n3 ack\n4 note I call her."))
    assert [office.ticket(number)["assignee"] for number in numbers] == ["john", "john", None, None, None]
    for number in numbers[2:4]:  # a note says as much
        assert escalations(office, number)[1] == ("100%", [("john", "acknowledged"), ("mary", "queued")])
    assert escalations(office, numbers[4])[1] == ("100%", [("john", "queued"), ("mary", "queued")])


# -- pages ------------------------------------------------------------------------------------------------------------

PAGED = plan(f'at = "100%"\npage = ["agent:jane", "agent:john", "{NOC}"]').replace(
    'name = "jane"', f'name = "jane"\npager = "{PAGER}"'
)


def paged(office, many=1):
    numbers = opened(office, many)
    office.tick(3 * DAY)
    office.deliver()
    return numbers


def test_a_page_fits_into_one_text_message_and_says_nothing_of_the_text(open_office):
    office = open_office(PAGED.replace('page = ["agent:jane", "agent:john"', 'page = ["agent:jane"'))
    subject = "Der Drucker für die Bäckerei brennt – " + "und zwar sehr " * 20
    office.open_ticket(subject=subject, text="My password is 12345.")
    office.tick(5 * HOUR)
    office.deliver()
    (page,) = office.sent_to(PAGER)
    said = f"{page.subject} {page.text.strip()}"
    assert len(said) <= 160
    assert said.isascii()
    assert said.startswith(f"#{office.ticket(1)['token']} Resolution was due 1 h ago, Mon 4 May 13:00 UTC. ")
    assert "Der Drucker fur die Backerei brennt -" in said
    assert "12345" not in office.relay.sent[-1].raw.decode()
    assert page.html == ""
    assert b"Auto-Submitted: auto-generated" in office.relay.sent[-1].raw


def test_who_has_no_pager_is_mailed(open_office):
    config = PAGED.replace('"agent:john"', '"manager"')
    office = open_office(config)
    office.open_ticket()
    mark = office.queued
    office.tick(5 * HOUR)
    assert sorted(office.told(mark)) == sorted([("page", PAGER), ("page", NOC), ("sla-breach", MARY)])
    assert escalations(office, 1) == [("100%", [("jane", "queued"), (NOC, "queued"), ("mary", "queued")])]


def test_many_pages_are_one(open_office):
    office = open_office(PAGED.replace('"agent:john", ', ""))
    numbers = paged(office, 5)
    (page,) = office.sent_to(PAGER)
    assert "4 more" in page.text
    assert all(escalations(office, number)[0][1][0] == ("jane", "sent") for number in numbers)


def test_a_pager_beeps_again_in_a_tick_for_what_is_worse_alone(open_office, monkeypatch):
    monkeypatch.setattr(escalate, "BATCH", 5)
    office = open_office(PAGED.replace('"agent:john", ', ""))
    opened(office, 10)
    office.clock.advance(HOUR)
    office.open_ticket(subject="On fire")
    office.receive(office.answer(office.last("new-ticket", JANE, 11), "!priority emergency"))
    office.tick(3 * DAY)
    office.deliver()
    pages = office.sent_to(PAGER)
    assert ["4 more" in pages[0].text, "On fire" in pages[1].text, len(pages)] == [True, True, 2]
    assert all(escalations(office, number)[0][1][0] == ("jane", "sent") for number in range(1, 12))


def test_a_page_that_is_lost_goes_to_the_mailbox(open_office):
    office = open_office(PAGED.replace(f', "agent:john", "{NOC}"', ""))
    office.relay.answers[PAGER] = RelayAnswer(DeliveryResult.PERMANENT, "550 no such pager", 550)
    paged(office)
    assert "no page reaches you" in office.sent_to(JANE)[-1].text
    assert escalations(office, 1) == [("100%", [("jane", "failed"), ("jane", "sent")])]


# -- what does not arrive ---------------------------------------------------------------------------------------------

ONE = plan('at = "100%"\nnotify = ["agent:john"]')


@pytest.mark.parametrize("named", [True, False])
def test_a_bounced_alarm_goes_to_the_next_at_once(open_office, named):
    office = open_office(ONE)
    number = office.open_ticket()
    office.tick(5 * HOUR)
    office.deliver()
    lost = office.last("sla-breach", JOHN)
    done = office.receive(bounce(office, lost, named=named), recipients=[lost.envelope_from], envelope_from="")
    assert (done.outcome, done.ticket) == ("bounced", number)
    assert office.last("sla-breach").to.address.local == "mary"
    office.deliver()
    assert escalations(office, number) == [("100%", [("john", "bounced"), ("mary", "sent")])]
    shown = office.ticket(number)["escalations"][0]["told"]
    assert [told["passed_to"] for told in shown] == [["mary"], []]
    # The same report twice, or a later one, tells nobody again.
    mark = office.queued
    office.receive(bounce(office, lost, named=named), recipients=[lost.envelope_from], envelope_from="")
    assert "sla-breach" not in [template for template, _ in office.told(mark)]


def test_an_alarm_that_the_relay_refuses_goes_to_the_next_in_the_same_round(open_office):
    office = open_office(ONE)
    number = office.open_ticket()
    office.relay.answers[JOHN] = RelayAnswer(DeliveryResult.PERMANENT, "550 no such user", 550)
    office.tick(5 * HOUR)
    office.deliver()
    assert escalations(office, number) == [("100%", [("john", "failed"), ("mary", "sent")])]


def test_nobody_is_told_twice_and_a_chain_that_ends_is_told_in_the_thread_and_the_log(open_office, monkeypatch):
    office = open_office(ONE)
    logged = []
    monkeypatch.setattr(maillog, "alarm_unheard", lambda **said: logged.append(said["ticket"]))
    number = office.open_ticket()
    for address in (JOHN, JANE, MARY):
        office.relay.answers[address] = RelayAnswer(DeliveryResult.PERMANENT, "550 no such user", 550)
    office.tick(5 * HOUR)
    office.deliver()
    assert escalations(office, number) == [("100%", [("john", "failed"), ("mary", "failed"), ("jane", "failed")])]
    assert "nobody is left who could be told of it by mail" in office.ticket(number)["entries"][-1]["text"]
    with office.store(reading=True) as unit:
        assert unit.sla_steps.unheard_steps(10) == [(number, "resolution", "100%")]
    assert logged == [number]


def test_what_matters_no_more_is_not_handed_on(open_office):
    office = open_office(ONE)
    number = office.open_ticket()
    office.tick(5 * HOUR)
    office.deliver()
    lost = office.last("sla-breach", JOHN)
    office.receive(office.answer(lost, "!close quiet"))
    mark = office.queued
    office.receive(bounce(office, lost))
    assert "sla-breach" not in [template for template, _ in office.told(mark)]
    assert escalations(office, number) == [("100%", [("john", "bounced")])]


@pytest.mark.parametrize("how", ["report", "envelope", "relay"])
def test_a_lost_list_goes_on_as_a_list(open_office, how):
    office = open_office(ONE)
    numbers = opened(office, 5)
    office.deliver()
    mark = office.queued
    if how == "relay":
        office.relay.answers[JOHN] = RelayAnswer(DeliveryResult.PERMANENT, "550 no such user", 550)
    office.tick(3 * DAY)
    office.deliver()
    if how != "relay":
        lost = office.last("sla-gathered", JOHN)
        named = how == "report"
        office.receive(bounce(office, lost, named=named), recipients=[lost.envelope_from], envelope_from="")
        office.deliver()
    word = "failed" if how == "relay" else "bounced"
    for number in numbers:
        assert escalations(office, number) == [("100%", [("john", word), ("mary", "sent")])]
        assert "550" in office.ticket(number)["entries"][-1]["text"]
    assert [each["number"] for each in office.last("sla-gathered", MARY).context["alarms"]["rows"]] == numbers
    assert sorted(office.told(mark)) == [("sla-gathered", JOHN), ("sla-gathered", MARY)]  # and no note for each ticket


# -- the ledger -------------------------------------------------------------------------------------------------------


def test_explain_tells_whom_each_step_told(open_office):
    office = open_office(WARNED_THEN_BREACHED)
    number = office.open_ticket()
    office.tick(3 * HOUR)
    office.deliver()
    office.receive(office.answer(office.last("sla-warning", JOHN), "I see."))
    office.tick(HOUR)
    with office.store(reading=True) as unit:
        lines = lines_of(Work(unit, office.helpdesk, office.clock.now()), number)
        assert lines_of(Work(unit, office.helpdesk, office.clock.now() - DAY), number) == ()
    told = "\n".join(lines).partition("Escalations\n")[2].splitlines()
    assert told == [
        "  Mon 2026-05-04 12:00 +00:00  resolution 75%: told john (acknowledged)",
        "  Mon 2026-05-04 13:00 +00:00  resolution 100%: told john (queued); mary",
        "      (queued)",
    ]
    assert all(len(line) <= 72 for line in lines)


def test_two_nodes_that_tick_at_once_tell_once(open_office):
    """On SQLite one waits for the other; what it then finds has fired."""
    office = open_office(WARNED_THEN_BREACHED)
    opened(office, 6)
    office.clock.advance(3 * DAY)
    now = office.clock.now()
    first = escalate_due(office.store, office.helpdesk, now)
    second = escalate_due(office.store, office.helpdesk, now)
    assert (len(first), second) == (12, [])
    assert len(office.outbox("sla-gathered")) == 2


# -- deadlines that move ----------------------------------------------------------------------------------------------


def promised(name: str, resolution: str) -> str:
    goal = f'\n[[sla_plan]]\nname = "{name}"\ncalendar = "always"\nresolution = "{resolution}"\n'
    return f'{goal}[[sla_plan.step]]\nat = "100%"\nnotify = ["manager"]\n'


@pytest.mark.parametrize("how", ["command", "configuration"])
def test_a_breach_after_the_deadline_moved_is_told(open_office, how):
    office = open_office(CONFIG + promised("default", "1h") + promised("slow", "10h"))
    number = office.open_ticket()
    assert [fired.step for fired in office.tick(HOUR)] == ["100%"]
    if how == "command":
        office.receive(office.answer(office.last("new-ticket", JANE), "!sla slow"))
    else:
        office.configure(CONFIG + promised("default", "10h"))
        recompute_changed(office.store, office.helpdesk, office.clock.now())
    assert office.tick(8 * HOUR) == []
    mark = office.queued
    (fired,) = office.tick(HOUR)
    assert fired.step.startswith("100%@")
    assert ("sla-breach", MARY) in office.told(mark)
    assert [step for step, _ in escalations(office, number)] == ["100%", fired.step]
    with office.store(reading=True) as unit:
        lines = lines_of(Work(unit, office.helpdesk, office.clock.now()), number)
    assert any("100%, due 2026-" in line for line in lines)
    assert office.tick(DAY) == []


# -- nights -----------------------------------------------------------------------------------------------------------

NIGHTLY = '\n[notices]\nquiet = "18:00-08:00"\n'


def taken_and_due_at_night(office):
    """A ticket that Jane has, which is overdue in the evening."""
    number = office.open_ticket()
    office.receive(office.answer(office.last("new-ticket", JANE, number), "!take\n!due today 20:00"))
    office.deliver()
    return number


def test_an_alarm_that_is_handed_on_at_night_leaves_at_once(open_office):
    office = open_office(plan('at = "100%"\nnotify = ["assignee"]') + NIGHTLY)
    taken_and_due_at_night(office)
    office.relay.answers[JANE] = RelayAnswer(DeliveryResult.PERMANENT, "550 no such user", 550)
    while not office.tick(30 * timedelta(minutes=1)):
        pass
    office.deliver()
    assert office.clock.now() < office.last("sla-breach", MARY).queued_at + HOUR
    assert any("overdue" in mail.text for mail in office.sent_to(MARY)), office.sent_to(MARY)
