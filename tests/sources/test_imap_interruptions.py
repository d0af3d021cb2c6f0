"""Crashes, restarts, other clients and a store that is away: nothing is lost, nothing is taken twice."""

import threading
from concurrent.futures import Future

import pytest

from maild.ports import IncomingMail, Receipt, TemporaryFailure
from maild.sources.imap_intake import FIRST_SIGHT
from tests.rig.dovecot import Dovecot, running_dovecot
from tests.rig.waiting import wait_until
from tests.sources.contract import LONG_ENOUGH, Intake, running
from tests.sources.imap_setting import MAILBOX, mail, options_for, source_for
from tests.sources.test_imap_acknowledgement import client_of

pytestmark = pytest.mark.door


def test_a_mail_kept_but_not_acknowledged_is_acknowledged_later_and_not_handed_in_again() -> None:
    intake = Intake()
    with running_dovecot() as dovecot:
        user = dovecot.new_user()
        for number in (1, 2):
            dovecot.deliver(user, mail(str(number)))

        def keep_and_cut(taken: IncomingMail) -> Future[Receipt]:
            answer = intake(taken)
            if taken.uid == 2:
                dovecot.stop()  # both are kept, and the server goes before it can be told
            return answer

        source = source_for(options_for(dovecot, user), intake.ledger)
        with running(source, keep_and_cut):
            wait_until(lambda: source.status.problem, LONG_ENOUGH, "the loss of the connection")
            assert dovecot.contents(user) == [mail("1"), mail("2")]
            dovecot.start()
            wait_until(lambda: len(dovecot.contents(user, "Processed")) == 2, LONG_ENOUGH, "the moves")
            wait_until(lambda: not source.status.problem, LONG_ENOUGH, "the recovery")
        assert intake.raws == [mail("1"), mail("2")]


def test_a_mail_that_the_intake_knows_is_acknowledged(dovecot: Dovecot) -> None:
    """The ledger of UIDs may not know it (another node, a restored database): the Receipt is enough."""
    user, intake = dovecot.new_user(), Intake()
    dovecot.deliver(user, mail("1"))

    def known(taken: IncomingMail) -> Future[Receipt]:
        answer: Future[Receipt] = Future()
        answer.set_result(Receipt(inbound=99, known=True))
        return answer

    with running(source_for(options_for(dovecot, user), intake.ledger), known):
        wait_until(lambda: dovecot.contents(user, "Processed"), LONG_ENOUGH, "the move")


def test_a_store_that_is_away_leaves_the_mail_untouched_until_it_is_back(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    away = True

    def refuse(_: IncomingMail) -> None:
        if away:
            raise TemporaryFailure("the database is locked")

    intake.judge = refuse
    dovecot.deliver(user, mail("1"))
    source = source_for(options_for(dovecot, user), intake.ledger)
    with running(source, intake):
        wait_until(lambda: "the database is locked" in source.status.problem, LONG_ENOUGH, "the failure")
        assert dovecot.flags(user) == [""]
        assert intake.ledger.states[MAILBOX].last_uid < 1
        away = False
        intake.wait_for(1)
        wait_until(lambda: dovecot.contents(user, "Processed"), LONG_ENOUGH, "the move")
        wait_until(lambda: not source.status.problem, LONG_ENOUGH, "a clean status")
    assert dovecot.contents(user) == []


def test_a_ledger_that_is_away_stops_nothing_for_good(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    dovecot.deliver(user, mail("1"))
    intake.ledger.fail = TemporaryFailure("no connection to the database")
    source = source_for(options_for(dovecot, user), intake.ledger)
    with running(source, intake):
        wait_until(lambda: "no connection to the database" in source.status.problem, LONG_ENOUGH, "the failure")
        assert not intake.mails
        intake.ledger.fail = None
        intake.wait_for(1)


def test_an_answer_that_never_comes_is_a_store_that_is_away(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    dovecot.deliver(user, mail("1"))
    handed: list[IncomingMail] = []

    def forget(taken: IncomingMail) -> Future[Receipt]:
        handed.append(taken)
        return Future() if len(handed) == 1 else intake(taken)

    source = source_for(options_for(dovecot, user, hand_in_timeout=0.2), intake.ledger)
    with running(source, forget):
        wait_until(lambda: dovecot.contents(user, "Processed"), LONG_ENOUGH, "the move")
    assert len(handed) == 2


def test_one_mail_that_cannot_be_kept_does_not_hold_up_the_others(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()

    def refuse(taken: IncomingMail) -> None:
        if taken.raw == mail("2"):
            raise ValueError("poison")

    intake.judge = refuse
    for number in (1, 2, 3):
        dovecot.deliver(user, mail(str(number)))
    source = source_for(options_for(dovecot, user, batch=1), intake.ledger)
    with running(source, intake):
        wait_until(lambda: len(dovecot.contents(user, "Processed")) == 2, LONG_ENOUGH, "the others")
        wait_until(lambda: "UID 2" in source.status.problem, LONG_ENOUGH, "a word about it")
        dovecot.deliver(user, mail("4"))
        intake.wait_for(3)
    assert intake.raws == [mail("1"), mail("3"), mail("4")]
    assert dovecot.contents(user) == [mail("2")]


def test_mails_that_another_client_deletes_meanwhile_are_skipped(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    for number in (1, 2, 3):
        dovecot.deliver(user, mail(str(number)))
    with client_of(dovecot, user) as person:

        def delete_the_second(taken: IncomingMail) -> None:
            if taken.uid == 1:  # all three have been listed; the others have not been fetched
                person.delete_messages([2])
                person.expunge()

        intake.judge = delete_the_second
        source = source_for(options_for(dovecot, user, batch=1), intake.ledger)
        with running(source, intake):
            wait_until(lambda: len(dovecot.contents(user, "Processed")) == 2, LONG_ENOUGH, "the others")
            wait_until(lambda: intake.ledger.states[MAILBOX].last_uid == 3, LONG_ENOUGH, "the end")
            assert source.status.problem == ""
    assert intake.raws == [mail("1"), mail("3")]


def test_a_restart_of_the_server_is_survived() -> None:
    intake = Intake()
    with running_dovecot() as dovecot:
        user = dovecot.new_user()
        source = source_for(options_for(dovecot, user), intake.ledger)
        with running(source, intake):
            for number in range(3):
                dovecot.deliver(user, mail(f"before {number}"))
                intake.wait_for(2 * number + 1)
                dovecot.stop()
                dovecot.deliver(user, mail(f"while away {number}"))
                dovecot.start()
                intake.wait_for(2 * number + 2)
            wait_until(lambda: len(dovecot.contents(user, "Processed")) == 6, LONG_ENOUGH, "the moves")
        assert len(set(intake.raws)) == len(intake.raws) == 6


def test_a_server_that_is_not_there_is_named_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake()
    with running_dovecot() as dovecot:
        user = dovecot.new_user()
        dovecot.deliver(user, mail("1"))
        dovecot.stop()
        source = source_for(options_for(dovecot, user), intake.ledger)
        with running(source, intake):
            wait_until(lambda: "nothing listens at" in source.status.problem, LONG_ENOUGH, "the cause")
            assert "remedy" in source.status.problem
            assert not source.status.connected
            assert source.status.last_success_at is None
            dovecot.start()
            intake.wait_for(1)
            wait_until(lambda: source.status.connected and not source.status.problem, LONG_ENOUGH, "the recovery")
            assert source.status.last_success_at is not None
        assert not source.status.connected
    said = [record.getMessage() for record in caplog.records if "nothing listens at" in record.getMessage()]
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == len(said) == 1


def test_idle_brings_a_mail_long_before_the_poll(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    source = source_for(options_for(dovecot, user, poll=3600.0), intake.ledger)
    with running(source, intake):
        for number in (1, 2, 3):
            wait_until(lambda: source.status.last_success_at, LONG_ENOUGH, "the first look")
            dovecot.deliver(user, mail(str(number)))
            intake.wait_for(number)


def test_without_idle_the_poll_brings_the_mail(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    source = source_for(options_for(dovecot, user, idle=False), intake.ledger)
    with running(source, intake):
        wait_until(lambda: source.status.last_success_at, LONG_ENOUGH, "the first look")
        dovecot.deliver(user, mail("1"))
        intake.wait_for(1)


def test_stopping_finishes_the_batch_that_was_begun(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    for number in (1, 2, 3, 4):
        dovecot.deliver(user, mail(str(number)))
    halt = threading.Event()

    def stop_in_the_middle(taken: IncomingMail) -> Future[Receipt]:
        if taken.uid == 1:
            halt.set()
        return intake(taken)

    source = source_for(options_for(dovecot, user, batch=2), intake.ledger)
    thread = threading.Thread(target=source.run, args=(stop_in_the_middle, halt))
    thread.start()
    thread.join(LONG_ENOUGH)
    assert not thread.is_alive()
    assert intake.raws == [mail("1"), mail("2")]
    assert dovecot.contents(user, "Processed") == [mail("1"), mail("2")]
    assert dovecot.contents(user) == [mail("3"), mail("4")]
    assert intake.ledger.states[MAILBOX].last_uid == FIRST_SIGHT  # it has not ended, so the next start goes on


def test_an_old_connection_is_replaced(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    source = source_for(options_for(dovecot, user, reconnect_after=0.0), intake.ledger)
    with running(source, intake):
        wait_until(lambda: dovecot.log().count(f"Login: user=<{user}>") >= 3, LONG_ENOUGH, "new connections")
        assert source.status.problem == ""


def test_the_server_is_told_who_we_are(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    with running(source_for(options_for(dovecot, user), intake.ledger), intake):
        wait_until(lambda: "name=maild" in dovecot.log(), LONG_ENOUGH, "the ID command")
