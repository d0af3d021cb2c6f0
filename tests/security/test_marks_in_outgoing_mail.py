"""The bytes of each mail to a customer are looked through before they are kept: a mark of an agent never leaves.

That holds whatever brought the mark there. The mail fails with a reason, and the agent who wrote it and the admins hear
of it. Customers' own marks, marks of other helpdesks and shapes that somebody made up are no reason."""

import re
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from maild.domain.agent_mail import judge as agents_judge
from maild.domain.messages.outbox import OutboxState
from maild.domain.messages.reply_tokens import Key, KeyRing, Scope, Sealed, message_id, seal
from maild.domain.people.directory import Address
from maild.mail.reading.layers import layers
from maild.services.queries.documents import outbox_document
from tests.rig import attaching
from tests.rig.attaching import with_file

KAREN, BOB = "karen@client.example", "bob@client.example"
JOHN, JANE, MARY = "john@acme.example", "jane@acme.example", "mary@acme.example"
LEAVES = timedelta(seconds=121)


@pytest.fixture
def unguarded(monkeypatch):
    """As if what an agent writes were not looked at: the last door alone is shut."""
    monkeypatch.setattr(agents_judge, "guarded", lambda understood: None)


def marks_of(raw):
    """All marks at any depth, as their meanings: a1r2s3."""
    shape = re.compile(rb"([a-z]\d+[rncdqu]\d+s\d+)(?:\.[a-z0-9-]+)?\.[0-9a-z]{16}")
    return {mark.decode() for layer in layers(raw) for mark in shape.findall(layer.lower())}


def failed(office, to):
    return [row for row in office.outbox(to=to) if row.state is OutboxState.FAILED]


@pytest.mark.parametrize("shape", attaching.WHOLE, ids=lambda shape: shape.__name__)
def test_a_notice_in_a_file_stops_the_mail_of_each_reader(office, unguarded, shape):
    number = office.open_ticket(cc=BOB)
    raw = next(message.raw for message in office.relay.sent if JOHN in message.recipients)
    row = office.last("new-ticket", JOHN, number)
    done = office.receive(with_file(office.answer(row, "Here is the plan."), shape(raw)))
    assert done.outcome == "replied"
    sent = len(office.relay.sent)
    with capture_logs() as lines:
        office.deliver(LEAVES)
    assert {KAREN, BOB}.isdisjoint(to for message in office.relay.sent[sent:] for to in message.recipients)
    reasons = [outbox_document(row)["last_answer"] for to in (KAREN, BOB) for row in failed(office, to)]
    assert len(reasons) == 2
    logged = " ".join(str(line) for line in lines)
    for reason in (*reasons, logged):
        assert "a reply address of an agent" in reason
        assert "in the file notice.eml" in reason or ("in the file" in reason and shape(raw)[0] in reason)
        assert "Write it once more, without that file" in reason
    note = office.ticket(number)["entries"][-1]
    assert (note["kind"], "was stopped before it left" in note["text"]) == ("note", True)
    office.deliver(timedelta(hours=1))
    for agent in (JOHN, MARY):
        assert any("was stopped before it left" in " ".join(mail.text.split()) for mail in office.sent_to(agent))


def test_an_answer_that_was_stopped_did_not_happen(office, unguarded):
    number = office.open_ticket()
    raw = next(message.raw for message in office.relay.sent if JOHN in message.recipients)
    row = office.last("new-ticket", JOHN, number)
    office.receive(with_file(office.answer(row, "Here is the plan."), attaching.attached(raw)))
    met = [office.ticket(number)["sla"][0]["met_at"]]
    office.deliver(LEAVES)
    met.append(office.ticket(number)["sla"][0]["met_at"])
    assert [moment is not None for moment in met] == [True, False]


def test_a_mark_in_the_text_of_a_history_stops_it(office):
    """Karen got hold of an agent's address, and an agent shows Bob what she wrote."""
    number = office.open_ticket()
    address = office.last("new-ticket", JOHN, number).context["mail"]["reply_to"]
    row = office.last("acknowledgement", KAREN, number)
    office.receive(office.answer(row, f"Is this yours: {address}?"))
    office.receive(office.answer(office.last("message", JOHN, number), f"!cc {BOB} +history"))
    office.receive(office.answer(office.last("held", JOHN, number), "!yes"))
    while office.processing.round():
        pass
    office.deliver(LEAVES)
    assert office.sent_to(BOB) == []
    (row,) = failed(office, BOB)
    assert (row.template, "stands in its text" in row.last_answer) == ("history", True)
    office.deliver(timedelta(hours=1))
    assert "was stopped before it left" in " ".join(office.sent_to(MARY)[-1].text.split())


def test_it_is_stopped_again_however_often_somebody_tries_it(office, unguarded):
    number = office.open_ticket()
    raw = next(message.raw for message in office.relay.sent if JOHN in message.recipients)
    row = office.last("new-ticket", JOHN, number)
    office.receive(with_file(office.answer(row, "Here is the plan."), attaching.attached(raw)))
    office.deliver(LEAVES)
    (stopped,) = failed(office, KAREN)
    with office.store() as unit:
        unit.outbox.set_state(stopped.id, OutboxState.QUEUED, office.clock.now())
        unit.commit()
    office.deliver()
    assert [row.id for row in failed(office, KAREN)] == [stopped.id]
    assert not [mail for mail in office.sent_to(KAREN) if mail.header("x-maild-reason") == "reply"]


def test_what_customers_have_or_make_up_and_marks_of_others_stop_nothing(office, unguarded):
    number = office.open_ticket()
    theirs = next(message.raw for message in office.relay.sent if KAREN in message.recipients)
    other = KeyRing((Key("a", b"the secret of another helpdesk"),))
    meaning = Sealed("", 1, Scope.REPLY, 1, 1)
    foreign = (
        f"{seal(other, Address.of('help@other.example'), meaning, 1)} {message_id(other, meaning, 3, 'other.example')}"
    )
    made_up = "support+a1r2s1.0123456789abcdef@acme.example <a1n2s1.7.0123456789abcdef@acme.example>"
    row = office.last("new-ticket", JOHN, number)
    mail = with_file(office.answer(row, f"Here it is. {foreign} {made_up}"), attaching.attached(theirs))
    assert office.receive(mail).outcome == "replied"
    office.deliver(LEAVES)
    assert failed(office, KAREN) == []
    assert {meaning[2] for meaning in marks_of(office.relay.sent[-1].raw)} <= {"u", "r", "n"}


def test_every_kind_of_mail_to_customers_has_marks_of_customers_alone(office):
    """What we send by ourselves is looked at as well: acknowledgements, answers, ends, states, reminders."""
    number = office.open_ticket(cc=BOB)
    office.receive(office.answer(office.last("new-ticket", JOHN, number), "Use water.\n!resolve"))
    office.deliver(LEAVES)
    office.receive(office.answer(office.last("reply", KAREN, number), "STATUS"))
    office.deliver(LEAVES)
    raws = [m.raw for m in office.relay.sent if {KAREN, BOB} & set(m.recipients)]
    assert len(raws) >= 4
    assert {meaning.lstrip("a0123456789")[0] for raw in raws for meaning in marks_of(raw)} == {"u"}
    assert not [row for row in office.outbox() if row.state is OutboxState.FAILED]
