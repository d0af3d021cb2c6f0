"""The password goes to the right relay only, encrypted, and stands nowhere else."""

import base64
import logging

import pytest

from maild.domain.messages.outbox import ChannelFault, DeliveryResult
from maild.transports import RelayOptions
from tests.rig.sink_smtp import Certificates
from tests.transports.test_smtp_relay import BOB, Sink, answers, mail, relay

SECRET = "s3cret-pässword"
PLAIN = base64.b64encode(f"\0desk\0{SECRET}".encode()).decode()


def secret() -> str:
    return SECRET


def test_login_by_plain_in_utf8(sink: Sink) -> None:
    there = sink()
    assert answers(relay(there, user="desk", password=secret).send(mail())) == {BOB: DeliveryResult.SENT}
    assert f"AUTH PLAIN {PLAIN}" in there.commands


def test_login_by_login_where_plain_is_not_offered(sink: Sink) -> None:
    there = sink(features=("AUTH LOGIN CRAM-MD5",))
    assert answers(relay(there, user="desk", password=secret).send(mail())) == {BOB: DeliveryResult.SENT}
    at = there.commands.index("AUTH LOGIN")
    sent = [base64.b64decode(line).decode() for line in there.commands[at + 1 : at + 3]]
    assert sent == ["desk", SECRET]


@pytest.mark.parametrize("features", [(), ("AUTH CRAM-MD5 XOAUTH2",)])
def test_a_relay_without_a_login_that_we_know_is_a_fault(sink: Sink, features: tuple[str, ...]) -> None:
    there = sink(features=features)
    given = relay(there, user="desk", password=secret).send(mail())
    assert isinstance(given, ChannelFault)
    assert "it offers neither PLAIN nor LOGIN" in given.text
    assert there.count("MAIL") == 0


class VaultClosed(Exception):
    pass


@pytest.mark.parametrize("failure", [FileNotFoundError, VaultClosed])
def test_a_password_that_cannot_be_read_is_a_fault_with_its_cause(sink: Sink, failure: type[Exception]) -> None:
    def missing() -> str:
        raise failure("no such file: /run/credentials/smtp-password")

    given = relay(sink(), user="desk", password=missing).send(mail())
    assert isinstance(given, ChannelFault)
    assert "/run/credentials/smtp-password" in given.text


def test_a_user_without_a_password_is_a_fault(sink: Sink) -> None:
    given = relay(sink(), user="desk").send(mail())
    assert isinstance(given, ChannelFault)
    assert "no password" in given.text


def test_the_password_stands_in_no_answer_and_no_log(sink: Sink, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    there = sink(script={"AUTH": "535 5.7.8 wrong"})
    transport = relay(there, user="desk", password=secret)
    given = transport.send(mail())
    shown = f"{given} {transport!r} {transport._options!r} {caplog.text}"
    assert SECRET not in shown
    assert PLAIN not in shown


def test_the_password_is_asked_again_at_each_login(sink: Sink) -> None:
    there = sink(script={"AUTH": ["535 5.7.8 wrong"]})
    asked: list[int] = []

    def current() -> str:
        asked.append(1)
        return SECRET

    transport = relay(there, user="desk", password=current)
    assert isinstance(transport.send(mail()), ChannelFault)
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert len(asked) == 2


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_good_certificate_is_trusted(sink: Sink, certificates: Certificates, tls: str) -> None:
    there = sink(tls=tls, context=certificates.context("good"))
    transport = relay(there, tls=tls, ca_file=certificates.authority, user="desk", password=secret)
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert PLAIN.encode() not in there.inbytes
    assert b"MAIL" not in there.inbytes


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
@pytest.mark.parametrize("name", ["self-signed", "wrong-name", "expired"])
def test_no_other_certificate_is(sink: Sink, certificates: Certificates, tls: str, name: str) -> None:
    there = sink(tls=tls, context=certificates.context(name))
    given = relay(there, tls=tls, ca_file=certificates.authority, user="desk", password=secret).send(mail())
    assert isinstance(given, ChannelFault)
    assert "its certificate is not trusted" in given.text
    assert not any(command.startswith(("AUTH", "MAIL")) for command in there.commands)


def test_the_system_does_not_know_our_authority(sink: Sink, certificates: Certificates) -> None:
    there = sink(tls="implicit", context=certificates.context("good"))
    assert isinstance(relay(there, tls="implicit").send(mail()), ChannelFault)


@pytest.mark.parametrize(
    "there",
    [
        {},  # STARTTLS is not offered
        {"tls": "starttls", "script": {"STARTTLS": "454 4.7.0 not now"}},
        {"tls": "starttls", "script": {"STARTTLS": "220 go on"}},  # and then goes on in the clear
    ],
)
def test_without_encryption_nothing_is_said(sink: Sink, there: dict[str, object]) -> None:
    refusing = sink(**there)
    given = relay(refusing, tls="starttls", user="desk", password=secret, connect_seconds=1.0).send(mail())
    assert isinstance(given, ChannelFault)
    assert not any(command.startswith(("AUTH", "MAIL")) for command in refusing.commands)
    assert PLAIN.encode() not in refusing.inbytes


def test_what_is_said_before_encryption_is_forgotten(sink: Sink, certificates: Certificates) -> None:
    injected = "220 go on\r\n250-evil.example\r\n250 AUTH CRAM-MD5"
    there = sink(tls="starttls", context=certificates.context("good"), script={"STARTTLS": injected})
    transport = relay(there, tls="starttls", ca_file=certificates.authority, user="desk", password=secret)
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert [command.split()[:2] for command in there.commands if command.startswith("AUTH")] == [["AUTH", "PLAIN"]]
    assert PLAIN.encode() not in there.inbytes


def test_what_is_said_in_the_clear_during_the_handshake_ends_it(sink: Sink, certificates: Certificates) -> None:
    injected = b"250-evil.example\r\n250 AUTH CRAM-MD5\r\n"
    there = sink(tls="starttls", context=certificates.context("good"), injected_after_starttls=injected)
    transport = relay(there, tls="starttls", ca_file=certificates.authority, user="desk", password=secret)
    assert isinstance(transport.send(mail()), ChannelFault)
    assert not any(command.startswith(("AUTH", "MAIL")) for command in there.commands)
    assert PLAIN.encode() not in there.inbytes


def test_a_port_for_another_kind_of_tls_is_explained(sink: Sink, certificates: Certificates) -> None:
    given = relay(sink(), tls="implicit", ca_file=certificates.authority, connect_seconds=1.0).send(mail())
    assert isinstance(given, ChannelFault)
    assert "TLS" in given.text


@pytest.mark.parametrize("host", ["smtp.acme.example", "192.0.2.1", "127.0.0.1.example"])
def test_mail_in_the_clear_stays_on_this_machine(host: str) -> None:
    with pytest.raises(ValueError, match="for this machine only"):
        RelayOptions(name="main", host=host, port=25, tls="none", helo="desk.acme.example")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_may_be_spoken_to_in_the_clear(host: str) -> None:
    assert RelayOptions(name="main", host=host, port=25, tls="none", helo="desk.acme.example").host == host
