"""Secrets are found where the configuration says, and nothing ever shows one."""

import json
import pickle
from pathlib import Path

import pytest

from maild.config import Secret, SecretError, describe
from tests.config.writing import LEAST, loaded, problems

CANARY = "canary-4711"
MAILBOX = '\n[[mailbox]]\nname = "support"\nhost = "imap.acme.example"\nuser = "support"\npassword = '


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "imap-password"
    path.write_text(CANARY + "\n")
    path.chmod(0o600)
    return path


def password(folder: Path, form: str, environ: dict[str, str] | None = None) -> Secret:
    found = loaded(folder, MAILBOX + form, environ=environ).mailboxes[0].password
    assert found is not None
    return found


def test_a_credential_is_read_from_the_directory_of_systemd(tmp_path: Path, secret_file: Path):
    secret = password(tmp_path, '{ credential = "imap-password" }', {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert secret.reveal() == CANARY


def test_a_file_is_read_relative_to_the_configuration(tmp_path: Path, secret_file: Path):
    assert password(tmp_path, '{ file = "imap-password" }').reveal() == CANARY


def test_a_renewed_file_counts_without_a_restart(tmp_path: Path, secret_file: Path):
    secret = password(tmp_path, '{ file = "imap-password" }')
    secret_file.write_text("renewed\r\n")
    assert secret.reveal() == "renewed"


def test_the_environment_is_read(tmp_path: Path):
    assert password(tmp_path, '{ env = "IMAP" }', {"IMAP": CANARY}).reveal() == CANARY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, secret_file: Path, mode: int):
    secret_file.chmod(mode)
    (problem,) = problems(tmp_path, MAILBOX + '{ file = "imap-password" }')
    assert f"group or others can access {secret_file}; chmod 600 {secret_file}" in problem


def test_an_empty_file_is_refused(tmp_path: Path, secret_file: Path):
    secret_file.write_text("\n")
    (problem,) = problems(tmp_path, MAILBOX + '{ file = "imap-password" }')
    assert "is empty" in problem


def test_a_missing_credential_names_the_line_for_the_unit(tmp_path: Path):
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    (problem,) = problems(tmp_path, MAILBOX + '{ credential = "nope" }', environ=environ)
    assert f"credential 'nope' is not in {tmp_path}; add LoadCredential=nope:PATH to the unit" in problem


@pytest.mark.parametrize("name", ["../imap-password", "/etc/passwd", ".", "..", "a/b", "a\\nb"])
def test_a_credential_cannot_leave_its_directory(tmp_path: Path, secret_file: Path, name: str):
    inner = tmp_path / "inner"
    inner.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(inner)}
    assert problems(tmp_path, MAILBOX + f'{{ credential = "{name}" }}', environ=environ)


def test_a_secret_that_vanished_since_is_told_with_its_place(tmp_path: Path, secret_file: Path):
    secret = password(tmp_path, '{ file = "imap-password" }')
    secret_file.unlink()
    with pytest.raises(SecretError, match=r"cannot read .*: No such file"):
        secret.reveal()


def test_a_plain_password_works_with_a_warning(tmp_path: Path):
    settings = loaded(tmp_path, MAILBOX + f'"{CANARY}"')
    (warning,) = (each for each in settings.warnings if "plain text" in each.message)
    assert warning.place.line == LEAST.count("\n") + 6
    assert "credential" in warning.remedy
    assert settings.mailboxes[0].password == Secret.literal(CANARY)


def test_the_warning_says_when_everybody_may_read_the_file(tmp_path: Path):
    loaded(tmp_path, MAILBOX + f'"{CANARY}"')
    for mode, told in ((0o644, True), (0o640, False)):
        (tmp_path / "maild.toml").chmod(mode)
        warnings = loaded(tmp_path, MAILBOX + f'"{CANARY}"').warnings
        assert any("every user of this machine can read" in each.message for each in warnings) is told


SHOWN_FORMS = [
    (f'"{CANARY}"', "(hidden)"),
    ('{ file = "imap-password" }', {"file": "imap-password"}),
    ('{ credential = "imap-password" }', {"credential": "imap-password"}),
    ('{ env = "IMAP" }', {"env": "IMAP"}),
]


@pytest.mark.parametrize(("form", "shown"), SHOWN_FORMS)
def test_nothing_shows_a_secret(tmp_path: Path, secret_file: Path, form: str, shown: object):
    text = f'{MAILBOX}{form}\n[store]\nurl = "postgresql://maild:{CANARY}@db.acme.example/maild"\n'
    text = text + f'[[relay]]\nname = "second"\nhost = "smtp.acme.example"\nuser = "a"\npassword = {form}\n'
    least = LEAST.replace("[relay]", 'token_key = { env = "KEY" }\n[[relay]]')
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "IMAP": CANARY, "KEY": CANARY * 3}
    settings = loaded(tmp_path, text, environ=environ, least=least)
    described = describe(settings)
    everything = f"{settings!r} {settings!s} {settings.warnings} {settings.mailboxes[0].password} {settings.store}"
    everything += f"{settings.helpdesk.token_key!r:>5} {json.dumps(described)} {describe(settings, changed_only=True)}"
    assert CANARY not in everything
    assert described["mailbox"][0]["password"] == shown
    assert CANARY in settings.store_url
    assert pickle.loads(pickle.dumps(settings.mailboxes[0].password)).reveal() == CANARY


def test_a_problem_beside_a_secret_does_not_show_it(tmp_path: Path):
    for text in (f'["{CANARY}"]', f'{{ secret = "{CANARY}" }}', f'{{ file = "x", env = "{CANARY}" }}', "47112342"):
        (problem,) = problems(tmp_path, MAILBOX + text)
        assert CANARY not in problem
        assert "47112342" not in problem
