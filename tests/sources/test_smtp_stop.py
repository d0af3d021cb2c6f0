"""The listener stops at once when idle, and lets a mail on its way finish."""

import socket
import threading
from concurrent.futures import Future

import pytest

from maild.ports import Receipt
from maild.sources.smtp import ListenerError, ListenerOptions, SmtpSource
from tests.sources.smtp_listening import LOOPBACK, Intake, Listening, StoppedClock, Wire, is_ours, listening


def test_the_idle_are_told_and_the_listener_ends() -> None:
    with listening(Intake()) as listener:
        idle, between = Wire(listener.smtp), Wire(listener.smtp)
        between.say("EHLO client.test")
        between.say("MAIL FROM:<karen@customer.test>")
        listener.tell_to_stop()
        for wire in (idle, between):
            assert wire.reply().startswith("421 4.3.2")
            assert wire.reply() == ""
        assert listener.has_ended()


def test_no_new_connection_is_taken_after_the_stop() -> None:
    with listening(Intake()) as listener:
        address = listener.smtp
        listener.tell_to_stop()
        assert listener.has_ended()
        assert not listener.source.ready.is_set()
        with pytest.raises(ConnectionRefusedError):
            Wire(address)


def test_a_mail_on_its_way_is_taken_before_the_end() -> None:
    intake = Intake()
    with listening(intake) as listener:
        wire, idle = Wire(listener.smtp), Wire(listener.smtp)
        wire.open_data("support@help.test")
        wire.send(b"first half\r\n")
        listener.tell_to_stop()
        assert idle.reply().startswith("421")
        wire.send(b"second half\r\n.\r\n")
        assert [reply[:9] for reply in wire.rest()] == ["250 2.0.0", "421 4.3.2"]
        assert listener.has_ended()
    assert intake.raws == [b"first half\r\nsecond half\r\n"]


def test_a_receipt_on_its_way_is_awaited() -> None:
    promise: Future[Receipt] = Future()
    intake = Intake(promise)
    with listening(intake) as listener, Wire(listener.smtp) as wire, Wire(listener.smtp) as idle:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        intake.wait()
        listener.tell_to_stop()
        assert idle.reply().startswith("421")
        assert not listener.has_ended(0)
        promise.set_result(Receipt(1, known=False))
        assert wire.reply().startswith("250")
        assert listener.has_ended()


def test_a_mail_that_takes_too_long_is_cut_and_not_acknowledged() -> None:
    intake = Intake()
    with listening(intake, drain_seconds=0.05) as listener, Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"first half\r\n")
        listener.tell_to_stop()
        assert listener.has_ended()
        assert wire.rest() == []
    assert intake.mails == []


def test_sockets_that_were_given_stay_open_for_their_owner() -> None:
    intake = Intake()
    with socket.create_server((LOOPBACK, 0)) as owned:
        for number in (1, 2):
            source = SmtpSource(ListenerOptions(accepts=is_ours), StoppedClock(), {"smtp": owned})
            running = Listening(source, intake)
            # Nobody accepts yet, but nobody is refused either.
            early = Wire(owned.getsockname(), greet=False)
            running.start()
            assert early.reply().startswith("220")
            early.open_data("support@help.test")
            early.send(b"x\r\n.\r\n")
            assert early.reply().startswith("250")
            running.tell_to_stop()
            assert running.has_ended()
            assert len(intake.mails) == number


def test_after_open_clients_queue_up_until_it_runs() -> None:
    source = SmtpSource(ListenerOptions(accepts=is_ours, smtp=f"{LOOPBACK}:0"), StoppedClock())
    source.open()
    address = source.addresses["smtp"]
    assert isinstance(address, tuple)
    with Wire(address, greet=False) as wire:
        running = Listening(source, Intake())
        running.start()
        assert wire.reply().startswith("220")
        running.tell_to_stop()
        assert running.has_ended()


def test_a_listener_without_a_place_is_an_error() -> None:
    with pytest.raises(ListenerError, match="set smtp or lmtp in"):
        SmtpSource(ListenerOptions(accepts=is_ours), StoppedClock()).open()


def test_when_one_place_is_taken_the_other_is_let_go() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken, socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        free = probe.getsockname()[1]
        probe.close()
        smtp, lmtp = f"{LOOPBACK}:{free}", f"{LOOPBACK}:{taken.getsockname()[1]}"
        source = SmtpSource(ListenerOptions(accepts=is_ours, smtp=smtp, lmtp=lmtp), StoppedClock())
        with pytest.raises(ListenerError, match="in use"):
            source.run(Intake(), threading.Event())
        socket.create_server((LOOPBACK, free)).close()
