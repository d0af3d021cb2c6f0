"""A stranger cannot fill the listener: connections, errors, idle commands and silence have their limits."""

import pytest

from maild.sources.connections import Connections, peer_address, peer_key
from maild.sources.smtp_session import MAX_RECIPIENT_OVERSHOOT
from tests.rig.waiting import wait_until
from tests.sources.smtp_listening import LOOPBACK, Intake, Wire, listening

NO_TIME = 0.05


def begin_mail(wire: Wire) -> None:
    assert wire.say("EHLO client.test").startswith("250")
    assert wire.say("MAIL FROM:<karen@customer.test>").startswith("250")


def test_when_it_is_full_the_oldest_idle_connection_makes_room() -> None:
    with listening(Intake(), max_connections=3) as listener:
        busy, idle, younger = (Wire(listener.smtp) for _ in range(3))
        begin_mail(busy)
        newcomer = Wire(listener.smtp)
        assert idle.reply().startswith("421 4.7.0")
        assert idle.reply() == ""
        for wire in (busy, younger, newcomer):
            assert wire.say("NOOP").startswith("250")
            wire.close()


@pytest.mark.parametrize("limit", ["max_connections", "max_connections_per_peer"])
def test_when_all_are_busy_the_newcomer_has_to_wait(limit: str) -> None:
    intake = Intake()
    with listening(intake, **{limit: 2}) as listener:
        wires = [Wire(listener.smtp) for _ in range(2)]
        for wire in wires:
            begin_mail(wire)
        with Wire(listener.smtp, greet=False) as newcomer:
            assert [reply[:9] for reply in newcomer.rest()] == ["421 4.7.0"]
        for wire in wires:
            wire.say("RCPT TO:<support@help.test>")
            wire.say("DATA")
            wire.send(b"x\r\n.\r\n")
            assert wire.reply().startswith("250")
            wire.close()
    assert len(intake.mails) == 2


def test_one_peer_does_not_use_up_the_places_of_the_others() -> None:
    with listening(Intake(), max_connections_per_peer=2, max_connections=3) as listener:
        greedy = [Wire(listener.smtp) for _ in range(4)]
        other = Wire(listener.smtp, source=("127.0.0.2", 0))
        assert other.greeting.startswith("220")
        assert [wire.reply()[:9] for wire in greedy[:2]] == ["421 4.7.0"] * 2
        for wire in (*greedy[2:], other):
            assert wire.say("NOOP").startswith("250")
        for wire in (*greedy, other):
            wire.close()


def test_a_mail_gets_through_a_crowd_of_idle_connections() -> None:
    intake = Intake()
    with listening(intake, max_connections=20, max_connections_per_peer=5) as listener:
        crowd = [Wire(listener.smtp, source=(f"127.0.1.{number % 100 + 1}", 0), greet=False) for number in range(300)]
        with Wire(listener.smtp) as wire:
            wire.open_data("support@help.test")
            wire.send(b"x\r\n.\r\n")
            assert wire.reply().startswith("250")
        for wire in crowd:
            wire.close()
    assert len(intake.mails) == 1


def test_a_connection_that_has_gone_frees_its_place() -> None:
    with listening(Intake(), max_connections=1) as listener:
        for _ in range(5):
            wire = Wire(listener.smtp)
            begin_mail(wire)
            wire.close()
            wait_until(lambda: _is_let_in(listener.smtp), what="the place to be free")


def _is_let_in(address: tuple[str, int]) -> bool:
    with Wire(address) as wire:
        return wire.greeting.startswith("220")


PEERS = [
    (("192.0.2.1", 25), "192.0.2.1", "192.0.2.1"),
    (("::ffff:192.0.2.1", 25, 0, 0), "192.0.2.1", "::ffff:192.0.2.1"),
    (("2001:db8:1:2:3:4:5:6", 25, 0, 0), "2001:db8:1:2::/64", "2001:db8:1:2:3:4:5:6"),
    (("fe80::1%eth0", 25, 0, 2), "fe80::/64", "fe80::1"),
    ("", "", ""),
    (None, "", "unknown"),  # nobody without an address passes for a program on this machine
]


@pytest.mark.parametrize(("peername", "key", "address"), PEERS, ids=[repr(peername) for peername, *_ in PEERS])
def test_a_peer_is_an_address_or_what_one_customer_gets_of_ipv6(peername: object, key: str, address: str) -> None:
    assert (peer_key(peername), peer_address(peername)) == (key, address)


class Seat:
    """A connection that only notes what was said to it."""

    def __init__(self, has_mail: bool = False) -> None:
        self.has_mail = has_mail
        self.said: list[str] = []

    def hang_up(self, reply: str) -> None:
        self.said.append(reply)


def test_connections_over_a_unix_socket_share_the_total_only() -> None:
    connections: Connections[Seat] = Connections(total=3, per_peer=1)
    seats = [Seat() for _ in range(3)]
    for seat in seats:
        assert connections.make_room("")
        connections.enter(seat, "")
    assert connections.make_room("")
    assert [len(seat.said) for seat in seats] == [1, 0, 0]
    assert list(connections) == seats[1:]


def test_leaving_twice_is_harmless_and_the_last_one_turns_off_the_light() -> None:
    connections: Connections[Seat] = Connections(total=3, per_peer=3)
    assert connections.all_gone.is_set()
    seat = Seat()
    connections.enter(seat, "192.0.2.1")
    assert not connections.all_gone.is_set()
    connections.leave(seat)
    connections.leave(seat)
    assert connections.all_gone.is_set()


def test_too_many_errors_end_the_dialogue() -> None:
    with listening(Intake(), max_errors=3) as listener, Wire(listener.smtp) as wire:
        begin_mail(wire)
        for number in range(3):
            assert wire.say(f"RCPT TO:<guess{number}@elsewhere.test>").startswith("550")
        assert [reply[:9] for reply in wire.rest()] == ["421 4.7.0"]


def test_unknown_commands_end_the_dialogue() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        wire.send(b"GET / HTTP/1.1\r\nHost: mx.help.test\r\nAccept: */*\r\nA: b\r\nC: d\r\nE: f\r\nMAIL FROM:<>\r\n")
        answers = wire.rest()
        assert {answer[:1] for answer in answers} == {"5"}
        assert len(answers) == 5


@pytest.mark.parametrize("command", ["NOOP", "RSET", "VRFY x", "EHLO c.test", "HELO c.test", "EXPN x"])
def test_commands_that_move_no_mail_are_numbered(command: str) -> None:
    with listening(Intake(), max_junk_commands=3, max_errors=99) as listener, Wire(listener.smtp) as wire:
        for _ in range(3):
            assert not wire.say(command).startswith("421")
        assert wire.say(command).startswith("421 4.7.0")
        assert wire.reply() == ""


def test_a_client_that_brings_mail_may_go_on_for_ever() -> None:
    intake = Intake()
    with listening(intake, max_junk_commands=4, max_errors=2) as listener, Wire(listener.smtp) as wire:
        for _ in range(10):
            wire.say("NOOP")
            wire.say("RSET")
            assert wire.say("EXPN x").startswith("502")
            wire.open_data("support@help.test")
            wire.send(b"x\r\n.\r\n")
            assert wire.reply().startswith("250")
    assert len(intake.mails) == 10


def test_a_flood_of_recipients_ends() -> None:
    with listening(Intake(), max_recipients=1) as listener, Wire(listener.smtp) as wire:
        begin_mail(wire)
        answers = []
        for _ in range(MAX_RECIPIENT_OVERSHOOT // 100 + 1):
            wire.send(b"RCPT TO:<support@help.test>\r\n" * 100)
            answers += wire.replies(100)
            if "" in answers:
                break
        assert next(answer for answer in answers if answer.startswith("421"))
        assert wire.reply() == ""


def test_a_command_line_without_end_is_refused_and_its_memory_freed() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        wire.send(b"NOOP " + b"x" * 300_000 + b"\r\n")
        assert wire.reply().startswith("500")
        assert wire.say(f"NOOP {'x' * 2000}").startswith("500")
        assert wire.say("NOOP").startswith("250")


def test_silence_between_commands_is_ended_with_421() -> None:
    with listening(Intake(), command_timeout=NO_TIME) as listener, Wire(listener.smtp) as wire:
        assert wire.reply().startswith("421 4.4.2")
        assert wire.reply() == ""


@pytest.mark.parametrize("timer", ["data_timeout", "data_total_timeout"])
def test_silence_inside_a_mail_is_ended_with_421(timer: str) -> None:
    intake = Intake()
    with listening(intake, **{timer: NO_TIME}, lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        wire.open_data("support@help.test", "access@help.test", hello="LHLO client.test")
        wire.send(b"Subject: half")
        assert [reply[:9] for reply in wire.rest()] == ["421 4.4.2"]
    assert intake.mails == []


def test_one_dialogue_s_longer_commands_do_not_depend_on_another_s_arrival() -> None:
    sender = "a" * 480 + "@customer.test"
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        Wire(listener.smtp).close()
        assert wire.say(f"MAIL FROM:<{sender}> SIZE=100 SMTPUTF8").startswith("250")
