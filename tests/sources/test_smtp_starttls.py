"""STARTTLS (RFC 3207): offered with a certificate, and nothing said before it counts afterwards (CVE-2024-34083)."""

import shutil
import smtplib
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from maild.sources.smtp import ListenerError, ListenerOptions, SmtpSource
from tests.sources.smtp_listening import LOOPBACK, Intake, Listening, StoppedClock, Wire, is_ours, listening


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A self-signed certificate of this run's own, as listener options."""
    if shutil.which("openssl") is None:
        pytest.skip("no certificate can be made: the openssl program is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "certificate.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    subject = ["-subj", "/CN=mx.help.test", "-days", "2", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(["openssl", "req", "-x509", *curve, *subject], check=True, capture_output=True)
    return {"tls_certificate": str(chain), "tls_key": str(key)}


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def wrap(wire: Wire) -> None:
    wire.socket = trusting().wrap_socket(wire.socket)


def test_a_mail_arrives_over_tls(certificate: dict[str, str]) -> None:
    intake = Intake()
    mail = b"Subject: x\r\n\r\n" + b"a line of text\r\n" * 50_000
    with listening(intake, **certificate) as listener, smtplib.SMTP(*listener.smtp) as client:
        client.starttls(context=trusting())
        client.ehlo()
        assert not client.has_extn("starttls")
        assert not client.has_extn("auth")
        client.sendmail("karen@customer.test", ["support@help.test"], mail)
    assert intake.raws == [mail]


def test_what_came_in_the_same_packet_is_forgotten(certificate: dict[str, str]) -> None:
    intake = Intake()
    with listening(intake, **certificate) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.send(b"STARTTLS\r\nEHLO evil.test\r\nMAIL FROM:<evil@e.test>\r\nRCPT TO:<support@help.test>\r\n")
        assert wire.reply().startswith("220")
        wrap(wire)
        assert wire.say("MAIL FROM:<karen@customer.test>").startswith("503")
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        assert wire.reply().startswith("250")
    assert [mail.envelope.sender for mail in intake.mails] == ["karen@customer.test"]


def test_what_was_said_before_tls_is_forgotten(certificate: dict[str, str]) -> None:
    with listening(Intake(), **certificate) as listener, Wire(listener.smtp) as wire:
        for command in ("EHLO client.test", "MAIL FROM:<evil@e.test>", "RCPT TO:<support@help.test>"):
            assert wire.say(command).startswith("250")
        assert wire.say("STARTTLS").startswith("220")
        wrap(wire)
        assert wire.say("DATA").startswith("503")
        assert wire.say("EHLO client.test").startswith("250")
        assert wire.say("DATA").startswith("503")


def test_a_smuggled_end_is_refused_over_tls_too(certificate: dict[str, str]) -> None:
    intake = Intake()
    with listening(intake, **certificate) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.say("STARTTLS")
        wrap(wire)
        wire.open_data("support@help.test")
        wire.send(b"x\n.\r\nMAIL FROM:<evil@e.test>\r\n.\r\n")
        assert wire.reply().startswith("554 5.5.2")
    assert intake.mails == []


def test_the_idle_are_told_over_tls_too(certificate: dict[str, str]) -> None:
    with listening(Intake(), **certificate) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        wire.say("STARTTLS")
        wrap(wire)
        assert wire.say("NOOP").startswith("250")
        listener.tell_to_stop()
        assert wire.reply().startswith("421 4.3.2")
        assert listener.has_ended()


@pytest.mark.parametrize("noise", [b"", b"MAIL FROM:<evil@e.test>\r\n" * 9, b"\x16\x03\x01\x00\x05hello" * 9])
def test_a_failed_handshake_harms_nobody_else(
    noise: bytes, certificate: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with listening(Intake(), **certificate) as listener:
        with Wire(listener.smtp) as wire:
            wire.say("EHLO client.test")
            wire.say("STARTTLS")
            wire.send(noise)
            if noise:
                assert _is_cut_off(wire)
        assert _takes_mail(listener)
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]


def test_silence_in_a_handshake_is_cut_off(certificate: dict[str, str]) -> None:
    with listening(Intake(), **certificate, command_timeout=0.5) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        assert wire.say("STARTTLS").startswith("220")
        assert _is_cut_off(wire)


def test_silence_in_a_handshake_does_not_keep_the_listener_from_stopping(certificate: dict[str, str]) -> None:
    # Were it waited for, this would take longer than the test waits for the end.
    with listening(Intake(), **certificate, drain_seconds=600) as listener, Wire(listener.smtp) as wire:
        wire.say("EHLO client.test")
        assert wire.say("STARTTLS").startswith("220")
        listener.tell_to_stop()
        assert listener.has_ended()


def _is_cut_off(wire: Wire) -> bool:
    try:
        while wire.socket.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def _takes_mail(listener: Listening) -> bool:
    with Wire(listener.smtp) as wire:
        wire.open_data("support@help.test")
        wire.send(b"x\r\n.\r\n")
        return wire.reply().startswith("250")


def test_without_a_certificate_tls_is_not_offered() -> None:
    with listening(Intake()) as listener, Wire(listener.smtp) as wire:
        assert "STARTTLS" not in wire.say("EHLO client.test")
        assert wire.say("STARTTLS").startswith("454 4.7.0")


def test_lmtp_offers_it_on_a_port_but_not_on_a_unix_socket(certificate: dict[str, str], tmp_path: Path) -> None:
    with listening(Intake(), **certificate, lmtp=f"{LOOPBACK}:0") as listener, Wire(listener.lmtp) as wire:
        assert "STARTTLS" in wire.say("LHLO client.test")
    path = tmp_path / "lmtp.sock"
    with listening(Intake(), **certificate, lmtp=str(path)), Wire(path) as wire:
        assert "STARTTLS" not in wire.say("LHLO client.test")


def test_a_certificate_without_its_key_is_an_error_that_says_so(certificate: dict[str, str], tmp_path: Path) -> None:
    def open_with(key: str) -> None:
        tls = replace(options, tls_key=key)
        SmtpSource(tls, StoppedClock()).open()

    options = ListenerOptions(
        accepts=is_ours, smtp=f"{LOOPBACK}:0", tls_certificate=certificate["tls_certificate"], tls_key=""
    )
    with pytest.raises(ListenerError, match="go together"):
        open_with("")
    with pytest.raises(ListenerError, match=r"nowhere\.pem cannot be used"):
        open_with(str(tmp_path / "nowhere.pem"))
    with pytest.raises(ListenerError, match=r"certificate\.pem cannot be used"):
        open_with(certificate["tls_certificate"])
