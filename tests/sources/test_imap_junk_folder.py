"""The provider's spam folder is read: each mail in it once, and nothing in it is changed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from imapclient import IMAPClient

from maild.config import load
from maild.daemon.assembly import junk_source
from maild.sources.imap import FIRST_SIGHT, After, MailboxOptions, Start
from maild.sources.imap_acknowledge import Acknowledger
from tests.rig.dovecot import LOOPBACK, PASSWORD, Dovecot
from tests.rig.waiting import wait_until
from tests.sources.contract import LONG_ENOUGH, Intake, SetClock, running
from tests.sources.imap_setting import mail, options_for, source_for

pytestmark = pytest.mark.door

JUNK = "support/junk"
LAST_YEAR = datetime.now(UTC) - timedelta(days=365)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def user(dovecot: Dovecot) -> str:
    """Somebody whose spam folder holds one old mail that a person has flagged."""
    name = dovecot.new_user()
    dovecot.deliver(name, mail("in the inbox"))
    dovecot.deliver(name, mail("old spam"), name="Spam", at=LAST_YEAR)
    client = IMAPClient(LOOPBACK, dovecot.port, ssl=False)
    client.login(name, PASSWORD)
    client.select_folder("Spam")
    client.add_flags([1], [b"\\Flagged"])
    client.logout()
    return name


def watching(dovecot: Dovecot, user: str, **changes: object) -> MailboxOptions:
    settings = {"name": JUNK, "folder": "Spam", "start": Start.NOW, "after": After.LEAVE}
    return options_for(dovecot, user, **(settings | changes))


def files(dovecot: Dovecot, user: str, name: str = "Spam") -> list[str]:
    """The folder as it lies on the disk: a mail's file tells its flags, its place whether anybody has opened the
    folder for writing since it came."""
    folder = dovecot.folder(user, name)
    return sorted(str(path.relative_to(folder)) for part in ("new", "cur") for path in (folder / part).iterdir())


def read_up_to(intake: Intake, uid: int) -> bool:
    state = intake.ledger.states.get(JUNK)
    return state is not None and state.last_uid == uid


def first_sight_ended(intake: Intake) -> bool:
    state = intake.ledger.states.get(JUNK)
    return state is not None and state.last_uid != FIRST_SIGHT


@pytest.mark.parametrize("idle", [True, False])
def test_mail_in_the_spam_folder_is_handed_in_and_lies_there_as_before(dovecot: Dovecot, user: str, idle: bool) -> None:
    intake = Intake()
    with running(source_for(watching(dovecot, user, idle=idle), intake.ledger), intake):
        wait_until(lambda: first_sight_ended(intake), LONG_ENOUGH, "the first sight")
        for number in (1, 2):
            dovecot.deliver(user, mail(f"spam {number}"), name="Spam", at=TOMORROW)
        before = files(dovecot, user)
        intake.wait_for(2)
        wait_until(lambda: read_up_to(intake, 3), LONG_ENOUGH, "both mails")
    assert intake.raws == [mail("spam 1"), mail("spam 2")]
    assert {taken.mailbox for taken in intake.mails} == {JUNK}
    assert files(dovecot, user) == before
    assert sorted(dovecot.flags(user, "Spam")) == ["", "", "F"]
    assert len(dovecot.contents(user, "Spam")) == 3
    assert dovecot.contents(user) == [mail("in the inbox")]
    assert not dovecot.folder(user, "Processed").exists()


def test_what_lay_there_before_is_left_to_its_owner(dovecot: Dovecot, user: str) -> None:
    intake = Intake()
    with running(source_for(watching(dovecot, user), intake.ledger), intake):
        wait_until(lambda: first_sight_ended(intake), LONG_ENOUGH, "the first sight")
    assert intake.mails == []
    assert list(intake.ledger.ignored) == [(JUNK, intake.ledger.states[JUNK].uidvalidity, 1)]


def test_a_restart_brings_nothing_twice(dovecot: Dovecot, user: str) -> None:
    intake = Intake()
    with running(source_for(watching(dovecot, user), intake.ledger), intake):
        wait_until(lambda: first_sight_ended(intake), LONG_ENOUGH, "the first sight")
        dovecot.deliver(user, mail("spam"), name="Spam", at=TOMORROW)
        wait_until(lambda: read_up_to(intake, 2), LONG_ENOUGH, "the mail")
    source = source_for(watching(dovecot, user), intake.ledger)
    with running(source, intake):
        wait_until(lambda: source.status.last_success_at is not None, LONG_ENOUGH, "the first look")
        dovecot.deliver(user, mail("more spam"), name="Spam", at=TOMORROW)
        wait_until(lambda: read_up_to(intake, 3), LONG_ENOUGH, "the next mail")
    assert intake.raws == [mail("spam"), mail("more spam")]


def test_even_a_mail_over_the_limit_gets_no_flag(dovecot: Dovecot, user: str) -> None:
    intake = Intake()
    large = mail("large", ("y" * 70 + "\r\n") * 30_000)
    with running(source_for(watching(dovecot, user, max_message=2_000_000), intake.ledger), intake):
        wait_until(lambda: first_sight_ended(intake), LONG_ENOUGH, "the first sight")
        dovecot.deliver(user, large, name="Spam", at=TOMORROW)
        before = files(dovecot, user)
        wait_until(lambda: read_up_to(intake, 2), LONG_ENOUGH, "the mail")
    assert [(taken.truncated, taken.raw) for taken in intake.mails] == [(True, large[: 1024 * 1024])]
    assert files(dovecot, user) == before


def test_no_command_that_could_change_it_is_even_sent() -> None:
    """Dovecot takes such commands in a folder opened for reading and ignores them; other servers may do otherwise."""

    class Untouchable:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} was called")

    able = frozenset({b"MOVE", b"UIDPLUS"})
    session = SimpleNamespace(client=Untouchable(), takes_keywords=True, capabilities=able)
    options = MailboxOptions(name=JUNK, host=LOOPBACK, user="someone", password=lambda: PASSWORD, after=After.LEAVE)
    acknowledger = Acknowledger(session, options, set())
    acknowledger.acknowledge([1, 2])
    acknowledger.flag([3])
    assert acknowledger.problem == ""


CONFIG = """
[helpdesk]
name = "Acme Support"
address = "support@acme.example"
[[department]]
name = "support"
[[agent]]
name = "mary"
addresses = ["mary@acme.example"]
departments = ["support"]
role = "admin"
[[relay]]
maildir = "sent"
[[mailbox]]
name = "support"
host = "127.0.0.1"
port = {port}
tls = "none"
user = "{user}"
password = {{ file = "{secret}" }}
start = "all"
after = "delete"
poll = "1s"
"""


def test_a_configured_spam_folder_is_watched_whatever_happens_to_the_mailbox(
    dovecot: Dovecot, user: str, tmp_path: Path
) -> None:
    """start = "all" and after = "delete" are the mailbox's own."""
    (tmp_path / "secret").write_text(PASSWORD)
    (tmp_path / "secret").chmod(0o600)
    written = CONFIG.format(port=dovecot.port, user=user, secret=tmp_path / "secret")
    intake, path = Intake(), tmp_path / "maild.toml"
    path.write_text(written + 'junk = "Spam"\n')
    settings = load(path, environ={})
    source = junk_source(settings.mailboxes[0], settings, intake.ledger, SetClock())
    assert source is not None
    with running(source, intake):
        wait_until(lambda: first_sight_ended(intake), LONG_ENOUGH, "the first sight")
        dovecot.deliver(user, mail("spam"), name="Spam", at=TOMORROW)
        wait_until(lambda: read_up_to(intake, 2), LONG_ENOUGH, "the mail")
    assert [(taken.mailbox, taken.raw) for taken in intake.mails] == [(JUNK, mail("spam"))]
    assert dovecot.contents(user, "Spam") == [mail("old spam"), mail("spam")]
    path.write_text(written)
    settings = load(path, environ={})
    assert junk_source(settings.mailboxes[0], settings, intake.ledger, SetClock()) is None
