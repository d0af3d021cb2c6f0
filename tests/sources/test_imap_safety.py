"""The password goes to nobody but the server it is meant for, over TLS, and is shown nowhere."""

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from maild.sources.imap import After, ImapSource, MailboxOptions, Start, Tls
from tests.rig.dovecot import (
    CERTIFICATE_NAME,
    LOOPBACK,
    PASSWORD,
    Certificate,
    Dovecot,
    DovecotOptions,
    make_certificate,
    running_dovecot,
)
from tests.rig.hostile_imap import Answer, Dialogue, HostileImap, hang_up
from tests.rig.misses import in_turn
from tests.rig.waiting import wait_until
from tests.sources.contract import LONG_ENOUGH, Intake, running
from tests.sources.imap_setting import mail, options_for, source_for


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Made for CERTIFICATE_NAME only."""
    return make_certificate(tmp_path_factory.mktemp("certificate"), CERTIFICATE_NAME)


@pytest.fixture(scope="module")
def tls_dovecot() -> Iterator[Dovecot]:
    with running_dovecot(DovecotOptions(tls=True)) as server:
        yield server


def problem_with(peer: HostileImap, caplog: pytest.LogCaptureFixture, **changes: Any) -> str:
    """Run a source against the peer until it complains; the password must have stayed with us."""
    caplog.set_level(logging.DEBUG)
    intake = Intake()
    source = source_for(options_for(peer, connect_timeout=5.0, read_timeout=5.0, **changes), intake.ledger)
    with running(source, intake):
        wait_until(lambda: source.status.problem, LONG_ENOUGH, "a problem")
    problem = source.status.problem
    assert not intake.mails
    assert PASSWORD.encode() not in peer.received
    assert PASSWORD not in caplog.text + problem + repr(source.__dict__)
    return problem


# -- TLS -------------------------------------------------------------------------------------------------------------


@pytest.mark.door
@pytest.mark.parametrize("tls", [Tls.IMPLICIT, Tls.STARTTLS])
def test_mail_is_taken_over_verified_tls(tls_dovecot: Dovecot, tls: Tls) -> None:
    assert tls_dovecot.certificate is not None
    user, intake = tls_dovecot.new_user(), Intake()
    tls_dovecot.deliver(user, mail("secret"))
    context = tls_dovecot.certificate.trusting_context()
    port = tls_dovecot.tls_port if tls is Tls.IMPLICIT else tls_dovecot.port
    options = options_for(tls_dovecot, user, tls=tls, port=port, ssl_context=context, poll=3600.0)
    with running(source_for(options, intake.ledger), intake):
        intake.wait_for(1)
        tls_dovecot.deliver(user, mail("found by IDLE"))
        intake.wait_for(2)


def serving(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)
    return context


def test_a_certificate_of_nobodys_making_is_refused(certificate: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    with HostileImap(tls=serving(certificate)) as peer:
        problem = problem_with(peer, caplog, tls=Tls.IMPLICIT)
    assert "is not trusted: self-signed certificate" in problem


def test_a_certificate_with_another_name_is_refused(certificate: Certificate, caplog: pytest.LogCaptureFixture) -> None:
    with HostileImap(tls=serving(certificate)) as peer:
        problem = problem_with(peer, caplog, tls=Tls.IMPLICIT, ssl_context=certificate.trusting_context())
    assert "IP address mismatch" in problem


def test_tls_older_than_1_2_is_refused(certificate: Certificate) -> None:
    from maild.sources.imap_connection import _tls_context

    context = _tls_context(MailboxOptions(name="m", host="imap.example.com", user="u", password=str))
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_clear_text_on_a_tls_port_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with HostileImap() as peer:
        problem = problem_with(peer, caplog, tls=Tls.IMPLICIT)
    assert "no TLS with" in problem


# -- STARTTLS --------------------------------------------------------------------------------------------------------


def preauth(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* PREAUTH welcome, somebody")


def refuse(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send(f"{tag} NO not now")


def inject(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send(f"{tag} OK begin", "* CAPABILITY IMAP4rev1 AUTH=PLAIN", "* 1 EXISTS")


def shake_hands(certificate: Certificate) -> Answer:
    def answer(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.ok(tag, "begin")
        dialogue.start_tls(serving(certificate))

    return answer


STARTTLS = "IMAP4rev1 STARTTLS"


@pytest.mark.parametrize(
    ("capabilities", "answers", "said"),
    [
        ("IMAP4rev1", {}, "offers no STARTTLS"),
        (STARTTLS, {"STARTTLS": refuse}, "refuses STARTTLS"),
        (STARTTLS, {"STARTTLS": inject}, "in clear between STARTTLS and TLS"),
        (STARTTLS, {"GREETING": preauth}, "PREAUTH"),
        (STARTTLS, {"STARTTLS": hang_up}, "ended the session"),
    ],
    ids=["not offered", "refused", "answers before TLS", "preauth", "closed"],
)
def test_starttls_or_nothing(
    capabilities: str, answers: dict[str, Answer], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with HostileImap(capabilities=capabilities, answers=answers) as peer:
        problem = problem_with(peer, caplog, tls=Tls.STARTTLS)
        assert said in problem
        assert peer.count("LOGIN") == 0


def test_starttls_with_an_unknown_certificate_is_refused(
    certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    with HostileImap(capabilities=STARTTLS, answers={"STARTTLS": shake_hands(certificate)}) as peer:
        assert "is not trusted" in problem_with(peer, caplog, tls=Tls.STARTTLS)


# -- the credential --------------------------------------------------------------------------------------------------


def echo_refusal(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send(f"{tag} NO [AUTHENTICATIONFAILED] bad: {arguments}")


def test_a_refused_login_names_the_credential_and_never_shows_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    intake = Intake()
    with HostileImap(answers={"LOGIN": echo_refusal}) as peer:
        source = source_for(options_for(peer, user="karen"), intake.ledger)
        with running(source, intake):
            wait_until(lambda: peer.count("LOGIN") >= 3, LONG_ENOUGH, "more tries")
        assert "refuses the login of karen" in source.status.problem
        assert "password of [[mailbox]] support" in source.status.problem
    assert PASSWORD not in caplog.text + source.status.problem
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1


@pytest.mark.door
def test_a_password_that_is_mended_is_taken_up(dovecot: Dovecot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    passwords = ["wrong", "wrong"]
    user, intake = dovecot.new_user(), Intake()
    dovecot.deliver(user, mail("1"))
    options = options_for(dovecot, user, password=lambda: passwords.pop() if passwords else PASSWORD)
    with running(source_for(options, intake.ledger), intake):
        intake.wait_for(1)
    assert "refuses the login" in caplog.text
    assert PASSWORD not in caplog.text


@pytest.mark.parametrize("secret", ["", "two\r\nA1 DELETE INBOX", "nul\0"])
def test_a_secret_that_would_be_a_command_is_never_sent(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    with HostileImap() as peer:
        problem = problem_with(peer, caplog, password=lambda: secret)
        assert peer.count("LOGIN") == peer.count("DELETE") == 0
    assert "empty or has a line end" in problem


def test_a_secret_that_cannot_be_read_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def missing() -> str:
        raise FileNotFoundError("no credential imap-password")

    with HostileImap() as peer:
        assert "no credential imap-password" in problem_with(peer, caplog, password=missing)


def test_letters_beyond_ascii_go_by_authenticate_plain() -> None:
    intake = Intake()
    sent: list[str] = []

    def authenticate(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send("+ ")
        sent.extend([arguments, dialogue.read_line()])
        dialogue.ok(tag)

    with HostileImap(capabilities="IMAP4rev1 AUTH=PLAIN", answers={"AUTHENTICATE": authenticate}) as peer:
        source = source_for(options_for(peer, user="zoë", password=lambda: "schön"), intake.ledger)
        with running(source, intake):
            wait_until(lambda: source.status.connected, LONG_ENOUGH, "the login")
    assert sent[:2] == ["PLAIN", "AHpvw6sAc2Now7Zu"]


def test_letters_beyond_ascii_without_it_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with HostileImap() as peer:
        assert "takes only ASCII letters" in problem_with(peer, caplog, password=lambda: "schön")


def test_a_server_that_wants_tls_first_gets_no_password(caplog: pytest.LogCaptureFixture) -> None:
    with HostileImap(capabilities="IMAP4rev1 LOGINDISABLED") as peer:
        assert 'tls = "starttls"' in problem_with(peer, caplog)


def test_a_user_name_with_special_characters_is_quoted() -> None:
    intake = Intake()
    with HostileImap() as peer:
        source = source_for(options_for(peer, user='CORP\\kim "k" (x)'), intake.ledger)
        with running(source, intake):
            wait_until(lambda: source.status.connected, LONG_ENOUGH, "the login")
        assert rb'LOGIN "CORP\\kim \"k\" (x)" "' in peer.received


@pytest.mark.parametrize(
    ("capabilities", "mechanism", "first"),
    [
        ("IMAP4rev1 AUTH=XOAUTH2", "XOAUTH2", "dXNlcj1raW0BYXV0aD1CZWFyZXIgdG9rZW4BAQ=="),
        ("IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER", "OAUTHBEARER", "bixhPWtpbSwBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="),
    ],
)
def test_a_refused_token_is_answered_with_an_empty_line(capabilities: str, mechanism: str, first: str) -> None:
    intake = Intake()
    lines: list[str] = []

    def authenticate(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send("+ ")
        answer = dialogue.read_line()
        dialogue.send("+ eyJzdGF0dXMiOiI0MDAifQ==")
        lines.extend([arguments, answer, dialogue.read_line()])
        dialogue.send(f"{tag} NO expired")

    with HostileImap(capabilities=capabilities, answers={"AUTHENTICATE": authenticate}) as peer:
        options = options_for(peer, user="kim", password=None, access_token=lambda: "token")
        source = source_for(options, intake.ledger)
        with running(source, intake):
            wait_until(lambda: source.status.problem, LONG_ENOUGH, "the refusal")
    assert lines[:3] == [mechanism, first, ""]
    assert "the OAuth account" in source.status.problem


# -- options ---------------------------------------------------------------------------------------------------------


def options(**changes: Any) -> MailboxOptions:
    return MailboxOptions(
        **({"name": "m", "host": "imap.example.com", "user": "u", "password": lambda: PASSWORD} | changes)
    )


@in_turn(
    ("changes", "said"),
    [
        ({"folder": "INBOX\r\nA1 DELETE INBOX"}, "control character '\\n'"),
        ({"processed": "Done\t"}, "control character '\\t'"),
        ({"user": "u\r\nA1 LOGOUT"}, "control character"),
        ({"folder": ""}, "folder is empty"),
        ({"tls": Tls.NONE}, "would send the password in clear"),
        ({"folder": "inbox", "processed": "INBOX"}, "into itself"),
        ({"password": None}, "either a password or an OAuth account"),
        ({"access_token": lambda: "t"}, "either a password or an OAuth account"),
    ],
)
def test_unsafe_options_are_refused_with_the_remedy(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="mailbox 'm'") as refusal:
        options(**changes)
    assert said in str(refusal.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.3.2.1", "::1"])
def test_clear_text_is_allowed_on_loopback_only(host: str) -> None:
    assert options(host=host, tls=Tls.NONE).tls is Tls.NONE


def test_the_secret_is_not_in_the_repr() -> None:
    made = options(ssl_context=ssl.create_default_context())
    assert PASSWORD not in repr(made)
    assert "password" not in repr(made)


def test_words_of_the_configuration_become_options() -> None:
    made = options(tls=Tls("starttls"), after=After("delete"), start=Start("all"))
    assert (made.tls, made.after, made.start) == (Tls.STARTTLS, After.DELETE, Start.ALL)
    assert isinstance(ImapSource, type)


def test_the_fake_server_is_not_trusted_by_accident(tmp_path: Path) -> None:
    made = make_certificate(tmp_path, LOOPBACK)
    assert made.trusting_context().check_hostname
