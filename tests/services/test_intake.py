"""Mail is kept before anybody thinks about it: every sender gets an answer, and it is true."""

import threading
from datetime import timedelta

import pytest

from maild.domain.messages.message import Envelope
from maild.ports import IncomingMail, TemporaryFailure
from maild.services.intake.receive import Intake

KAREN = "karen@client.example"


def incoming(office, number=0) -> IncomingMail:
    raw = office.mail(KAREN, f"Mail {number}.")
    return IncomingMail(
        raw=raw, source="smtp", arrived_at=office.clock.now(), envelope=Envelope(KAREN, ("support@acme.example",))
    )


@pytest.fixture
def intake(office):
    """An intake at work."""
    kept = threading.Event()
    made = Intake(office.store, office.clock, kept.set)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.close()
    thread.join(30)
    assert not thread.is_alive()


def test_a_receipt_means_that_the_mail_is_in_the_database(office, intake):
    receipt = intake(incoming(office)).result(30)
    with office.store(reading=True) as unit:
        assert unit.inbound.get(receipt.inbound) is not None
    assert not receipt.known


def test_what_arrives_together_is_kept_together_and_each_answered(office, intake):
    futures = [intake(incoming(office, number)) for number in range(50)]
    assert len({future.result(30).inbound for future in futures}) == 50


def test_the_same_delivery_twice_has_one_number(office, intake):
    mail = incoming(office)
    first, second = intake(mail), intake(mail)
    assert first.result(30).inbound == second.result(30).inbound
    assert [first.result().known, second.result().known] == [False, True]


def test_every_sender_hears_when_the_database_is_away(office):
    def away(**_):
        raise TemporaryFailure("the database does not answer")

    intake = Intake(away, office.clock, lambda: None)
    futures = [intake(incoming(office, number)) for number in range(3)]
    intake.close()
    intake.run()
    for future in futures:
        with pytest.raises(TemporaryFailure):
            future.result(0)


def test_any_other_failure_is_temporary_to_the_sender_who_keeps_the_mail(office):
    def broken(**_):
        raise RuntimeError("a mistake of ours")

    intake = Intake(broken, office.clock, lambda: None)
    future = intake(incoming(office))
    intake.close()
    intake.run()
    with pytest.raises(TemporaryFailure, match="not kept: a mistake of ours"):
        future.result(0)


def test_what_waits_at_closing_is_still_kept_and_later_mail_is_refused(office):
    intake = Intake(office.store, office.clock, lambda: None)
    waiting = intake(incoming(office, 1))
    intake.close()
    intake.run()
    assert waiting.result(0).inbound
    with pytest.raises(TemporaryFailure, match="maild is stopping"):
        intake(incoming(office, 2)).result(0)


def test_a_database_that_goes_away_between_keeping_and_judging_costs_nothing(office, monkeypatch):
    receipt = office.keep(office.mail(KAREN, "It burns."))
    whole = office.processing._open
    opened = iter([whole])

    def once(**more):
        found = next(opened, None)
        if found is None:
            raise TemporaryFailure("gone")
        return found(**more)

    monkeypatch.setattr(office.processing, "_open", once)
    with pytest.raises(TemporaryFailure):
        office.processing.round()
    monkeypatch.setattr(office.processing, "_open", whole)
    office.clock.advance(timedelta(minutes=1))
    assert [(done.inbound, done.outcome) for done in office.processing.round()] == [(receipt.inbound, "opened")]
