"""What happens in the folder to mails that are ours, with servers that can do more or less."""

import logging

import pytest
from imapclient import IMAPClient

from maild.ports import IncomingMail
from maild.sources.imap import After
from tests.rig.dovecot import LOOPBACK, PASSWORD, Dovecot, DovecotOptions, running_dovecot
from tests.rig.waiting import wait_until
from tests.sources.contract import LONG_ENOUGH, Intake, running
from tests.sources.imap_setting import MAILBOX, mail, options_for, source_for

pytestmark = pytest.mark.door

WITHOUT_MOVE = "IMAP4rev1 LITERAL+ ID IDLE NAMESPACE UIDPLUS"
BARE = "IMAP4rev1"


def settled(intake: Intake, last_uid: int) -> bool:
    state = intake.ledger.states.get(MAILBOX)
    return state is not None and state.last_uid == last_uid


def take_two(dovecot: Dovecot, user: str, after: After, **changes) -> Intake:
    """Deliver two mails, take them in, and wait until the source is done with both."""
    intake = Intake()
    for number in (1, 2):
        dovecot.deliver(user, mail(str(number)))
    with running(source_for(options_for(dovecot, user, after=after, **changes), intake.ledger), intake):
        wait_until(lambda: settled(intake, 2), LONG_ENOUGH, "both mails")
    assert intake.raws == [mail("1"), mail("2")]
    return intake


def test_a_missing_folder_for_processed_mail_is_made(dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    take_two(dovecot, user, After.MOVE, processed="Done/2026 Größe")
    made = [path.name for path in dovecot.folder(user).iterdir() if path.name.startswith(".Done")]
    assert ".Done.2026 Gr&APYA3w-e" in made  # modified UTF-7 (RFC 3501 5.1.3), levels by the server's own separator
    assert len(dovecot.contents(user, "Done.2026 Gr&APYA3w-e")) == 2
    assert dovecot.contents(user) == []


def test_the_servers_namespace_is_respected() -> None:
    with running_dovecot(DovecotOptions(prefix="INBOX.")) as dovecot:
        user = dovecot.new_user()
        take_two(dovecot, user, After.MOVE)
        assert dovecot.contents(user, "Processed") == [mail("1"), mail("2")]


def test_without_move_mails_are_copied_and_expunged_and_others_spared() -> None:
    with running_dovecot(DovecotOptions(capabilities=WITHOUT_MOVE)) as dovecot:
        user = dovecot.new_user()
        dovecot.deliver(user, mail("0"))
        with client_of(dovecot, user) as person:
            person.delete_messages([1])
            intake = Intake()
            for number in (1, 2):
                dovecot.deliver(user, mail(str(number)))
            intake.judge = refuse_uid_1
            with running(source_for(options_for(dovecot, user), intake.ledger), intake):
                wait_until(lambda: len(dovecot.contents(user, "Processed")) == 2, LONG_ENOUGH, "the copies")
                wait_until(lambda: len(dovecot.contents(user)) == 1, LONG_ENOUGH, "the expunge")
        assert dovecot.contents(user) == [mail("0")]  # marked \Deleted by a person, not ours to expunge
        assert dovecot.contents(user, "Processed") == [mail("1"), mail("2")]


def refuse_uid_1(taken: IncomingMail) -> None:
    if taken.uid == 1:
        raise RuntimeError("not this one")


def test_an_interrupted_copy_is_not_repeated() -> None:
    """\\Deleted on a mail of ours means that its copy was made before the connection went."""
    with running_dovecot(DovecotOptions(capabilities=WITHOUT_MOVE)) as dovecot:
        user = dovecot.new_user()
        dovecot.deliver(user, mail("1"))
        with client_of(dovecot, user) as person:
            person.create_folder("Processed")
            person.copy([1], "Processed")
            person.delete_messages([1])
        intake = Intake()
        with running(source_for(options_for(dovecot, user), intake.ledger), intake):
            wait_until(lambda: settled(intake, 1), LONG_ENOUGH, "the acknowledgement")
        assert dovecot.contents(user) == []
        assert dovecot.contents(user, "Processed") == [mail("1")]


@pytest.mark.parametrize("after", [After.MOVE, After.DELETE])
def test_a_server_that_can_neither_gets_its_mails_marked_and_a_warning(
    after: After, caplog: pytest.LogCaptureFixture
) -> None:
    with running_dovecot(DovecotOptions(capabilities=BARE)) as dovecot:
        user = dovecot.new_user()
        take_two(dovecot, user, after, batch=1)
        assert dovecot.contents(user) == [mail("1"), mail("2")]
        assert all("S" in flags and "a" in flags for flags in dovecot.flags(user))  # seen, and a keyword
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len([record for record in warnings if 'after = "seen"' in record.getMessage()]) == 1


def test_a_full_quota_leaves_the_mails_marked_in_place(caplog: pytest.LogCaptureFixture) -> None:
    with running_dovecot(DovecotOptions(capabilities=WITHOUT_MOVE + " QUOTA", message_quota=2)) as dovecot:
        user = dovecot.new_user()
        intake = Intake()
        for number in (1, 2):
            dovecot.deliver(user, mail(str(number)))
        source = source_for(options_for(dovecot, user), intake.ledger)
        with running(source, intake):
            wait_until(lambda: settled(intake, 2), LONG_ENOUGH, "both mails")
            wait_until(lambda: all("S" in flags for flags in dovecot.flags(user)), LONG_ENOUGH, "the marks")
            assert source.status.connected
        assert len(intake.mails) == 2
        assert dovecot.contents(user) == [mail("1"), mail("2")]
    assert any("quota" in record.getMessage().lower() for record in caplog.records)


def test_a_mail_over_the_limit_is_cut_flagged_and_left(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    large = mail("large", "x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 40_000)
    dovecot.deliver(user, large)
    dovecot.deliver(user, mail("small"))
    options = options_for(dovecot, user, max_message=2_000_000)
    with running(source_for(options, intake.ledger), intake):
        wait_until(lambda: settled(intake, 2), LONG_ENOUGH, "both mails")
    by_subject = {taken.truncated: taken.raw for taken in intake.mails}
    assert by_subject == {True: large[: 1024 * 1024], False: mail("small")}
    assert dovecot.contents(user) == [large]
    assert dovecot.flags(user) == ["F"]


def test_what_a_person_has_read_is_taken_all_the_same(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    dovecot.deliver(user, mail("read"))
    with client_of(dovecot, user) as person:
        person.add_flags([1], [b"\\Seen", b"\\Answered"])
    with running(source_for(options_for(dovecot, user), intake.ledger), intake):
        intake.wait_for(1)


def test_taking_a_mail_in_does_not_mark_it_as_seen(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake(judge=refuse_uid_1)
    dovecot.deliver(user, mail("unread"))
    source = source_for(options_for(dovecot, user), intake.ledger)
    with running(source, intake):
        wait_until(lambda: "UID 1" in source.status.problem, LONG_ENOUGH, "the refusal")
    assert dovecot.flags(user) == [""]


def client_of(dovecot: Dovecot, user: str) -> IMAPClient:
    """A mail client that a person uses beside us."""
    client = IMAPClient(LOOPBACK, dovecot.port, ssl=False)
    client.login(user, PASSWORD)
    client.select_folder("INBOX")
    return client
