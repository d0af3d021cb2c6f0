"""What a folder's first sight takes in and leaves alone, and what renumbered UIDs change."""

from datetime import UTC, datetime, timedelta

import pytest

from maild.ports import IncomingMail, TemporaryFailure
from maild.sources.imap import FIRST_SIGHT, After, Start
from tests.rig.dovecot import Dovecot, running_dovecot
from tests.rig.waiting import wait_until
from tests.sources.contract import LONG_ENOUGH, Intake, SetClock, running
from tests.sources.imap_setting import MAILBOX, mail, options_for, source_for

pytestmark = pytest.mark.door

NOW = datetime.now(UTC).replace(microsecond=0)
YESTERDAY = NOW - timedelta(days=1)
LAST_YEAR = NOW - timedelta(days=365)
TOMORROW = NOW + timedelta(days=1)


def read_through(intake: Intake) -> bool:
    """Whether the first sight has ended."""
    state = intake.ledger.states.get(MAILBOX)
    return state is not None and state.last_uid != FIRST_SIGHT


def test_mail_older_than_now_is_recorded_and_left_in_place(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    for at in (LAST_YEAR, YESTERDAY, TOMORROW):
        dovecot.deliver(user, mail(f"of {at:%Y}"), at=at)
    source = source_for(options_for(dovecot, user, start=Start.NOW), intake.ledger)
    with running(source, intake):
        wait_until(lambda: read_through(intake), LONG_ENOUGH, "the first sight")
        wait_until(lambda: dovecot.contents(user, "Processed"), LONG_ENOUGH, "the move")
    assert intake.raws == [mail(f"of {TOMORROW:%Y}")]
    assert sorted(uid for _, _, uid in intake.ledger.ignored) == [1, 2]
    assert set(intake.ledger.ignored.values()) == {"older than start"}
    assert len(dovecot.contents(user)) == 2
    assert dovecot.flags(user) == ["", ""]
    assert intake.mails[0].arrived_at == TOMORROW


def test_a_mail_of_the_very_second_of_the_start_is_taken(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    dovecot.deliver(user, mail("in time"), at=NOW)
    clock = SetClock(NOW + timedelta(milliseconds=800))
    with running(source_for(options_for(dovecot, user, start=Start.NOW), intake.ledger, clock), intake):
        intake.wait_for(1)


def test_everything_is_taken_from_the_start_all(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    for at in (LAST_YEAR, YESTERDAY):
        dovecot.deliver(user, mail(f"of {at:%Y-%m-%d}"), at=at)
    with running(source_for(options_for(dovecot, user, start=Start.ALL), intake.ledger), intake):
        intake.wait_for(2)
    assert [taken.arrived_at for taken in intake.mails] == [LAST_YEAR, YESTERDAY]
    assert [(taken.source, taken.mailbox, taken.uid) for taken in intake.mails] == [
        ("imap", MAILBOX, 1),
        ("imap", MAILBOX, 2),
    ]
    assert not intake.ledger.ignored


def test_a_date_takes_what_came_since_then(dovecot: Dovecot) -> None:
    user, intake = dovecot.new_user(), Intake()
    for at in (LAST_YEAR, YESTERDAY):
        dovecot.deliver(user, mail(f"of {at:%Y-%m-%d}"), at=at)
    start = NOW - timedelta(days=7)
    with running(source_for(options_for(dovecot, user, start=start), intake.ledger), intake):
        intake.wait_for(1)
        wait_until(lambda: read_through(intake), LONG_ENOUGH, "the first sight")
    assert [taken.arrived_at for taken in intake.mails] == [YESTERDAY]
    assert intake.ledger.states[MAILBOX].start_at == start


@pytest.mark.parametrize("present", [0, 2])
def test_after_the_first_sight_even_an_old_mail_is_new(dovecot: Dovecot, present: int) -> None:
    """A person who moves an old mail into the folder wants a ticket of it."""
    user, intake = dovecot.new_user(), Intake()
    for number in range(present):
        dovecot.deliver(user, mail(f"old {number}"), at=LAST_YEAR)
    with running(source_for(options_for(dovecot, user, start=Start.NOW), intake.ledger), intake):
        wait_until(lambda: read_through(intake), LONG_ENOUGH, "the first sight")
        dovecot.deliver(user, mail("moved here"), at=LAST_YEAR)
        intake.wait_for(1)
    assert intake.raws == [mail("moved here")]


def test_the_start_is_fixed_even_if_the_first_sight_is_interrupted(dovecot: Dovecot) -> None:
    """Mail that came after the very first start is not taken for old by the second one."""
    user, intake = dovecot.new_user(), Intake()
    first_start = NOW - timedelta(hours=2)
    dovecot.deliver(user, mail("old"), at=LAST_YEAR)
    dovecot.deliver(user, mail("between the starts"), at=NOW - timedelta(hours=1))
    options = options_for(dovecot, user, start=Start.NOW)
    away = TemporaryFailure("the database is away")
    intake.judge = fail_with(away)
    source = source_for(options, intake.ledger, SetClock(first_start))
    with running(source, intake):
        wait_until(lambda: "away" in source.status.problem, LONG_ENOUGH, "the failure")
    assert not read_through(intake)
    intake.judge = lambda _: None
    with running(source_for(options, intake.ledger, SetClock(NOW)), intake):
        intake.wait_for(1)
        wait_until(lambda: read_through(intake), LONG_ENOUGH, "the first sight")
    assert intake.raws == [mail("between the starts")]
    assert dovecot.contents(user) == [mail("old")]


def fail_with(error: Exception):
    def judge(_: IncomingMail) -> None:
        raise error

    return judge


@pytest.mark.parametrize("after", [After.MOVE, After.SEEN])
def test_renumbered_uids_bring_the_mails_again_and_leave_old_ones_alone(after: After) -> None:
    intake = Intake()
    with running_dovecot() as dovecot:
        user = dovecot.new_user()
        options = options_for(dovecot, user, start=Start.NOW, after=after, longest_retry=0.2)
        dovecot.deliver(user, mail("old"), at=LAST_YEAR)
        with running(source_for(options, intake.ledger), intake):
            wait_until(lambda: read_through(intake), LONG_ENOUGH, "the first sight")
            dovecot.deliver(user, mail("first"), at=TOMORROW)
            intake.wait_for(1)
            wait_until(lambda: intake.ledger.states[MAILBOX].last_uid == 2, LONG_ENOUGH, "the acknowledgement")
            before = intake.ledger.states[MAILBOX]
            dovecot.stop()
            dovecot.forget_uids(user)
            dovecot.deliver(user, mail("second"), at=TOMORROW)
            dovecot.start()
            wait_until(lambda: mail("second") in intake.raws, LONG_ENOUGH, "the new mail")
            wait_until(lambda: read_through(intake), LONG_ENOUGH, "the end of the second reading")
        now = intake.ledger.states[MAILBOX]
        assert now.uidvalidity != before.uidvalidity
        assert now.start_at == before.start_at
        # A mail that stayed in the folder comes again: the intake knows it by its bytes.
        again = [mail("first")] if after is After.SEEN else []
        assert intake.raws == [mail("first"), *again, mail("second")]
        assert mail("old") in dovecot.contents(user)
        assert "S" not in dovecot.flags(user)[dovecot.contents(user).index(mail("old"))]
