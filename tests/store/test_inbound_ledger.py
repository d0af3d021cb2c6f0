"""A delivery is kept exactly once, judged by one node, and never forgotten."""

import sqlite3
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
import sqlalchemy as sa

from maild.domain.decision import TraceStep
from maild.domain.intake.keys import EarlierMail
from maild.domain.messages.message import Envelope
from maild.ports import ClaimLost, IgnoredMail, InboundState, IncomingMail, Judgement, MailboxState, TemporaryFailure
from maild.store.inbound import CLAIM
from maild.store.migrate import is_current
from maild.store.unit_of_work import Store
from tests.store.conftest import MINUTE, NOW

MAIL = IncomingMail(
    raw=b"Subject: one\r\n\r\nbytes \xff\x00\r\n",
    source="smtp",
    arrived_at=NOW,
    envelope=Envelope("bob@client.example", ("support@acme.example",)),
    peer="2001:db8::25",
)
FETCHED = IncomingMail(raw=b"Subject: two\r\n\r\n", source="imap", arrived_at=NOW, mailbox="box", uidvalidity=7, uid=1)
DONE = Judgement(
    state=InboundState.DONE,
    outcome="opened",
    reason="a new mail",
    steps=(TraceStep("decide", "new-ticket", "why"),),
    ticket=1,
    sameness="s" * 64,
    sender="bob@client.example",
    subject="nul \0 and lone \ud800",
)


def keep(store: Store, *mails: IncomingMail) -> list[tuple[int, bool]]:
    with store() as unit:
        receipts = unit.inbound.keep(mails, NOW)
        unit.commit()
    return [(receipt.inbound, receipt.known) for receipt in receipts]


def test_the_bytes_and_the_envelope_come_back_as_they_were(store):
    ((number, known),) = keep(store, MAIL)
    with store(reading=True) as unit:
        kept = unit.inbound.get(number)
    assert not known
    assert kept.mail == MAIL
    assert kept.state is InboundState.KEPT


def test_a_retry_from_another_address_is_the_same_delivery(store):
    ((first, _),) = keep(store, MAIL)
    assert keep(store, replace(MAIL, peer="192.0.2.25")) == [(first, True)]


def test_the_beginnings_of_the_newest_mails_of_a_mailbox_are_read(store):
    mails = [replace(FETCHED, raw=b"Subject: %d\r\n\r\nlong" % number, uid=number) for number in range(5)]
    keep(store, *mails, MAIL, replace(FETCHED, mailbox="other"))
    store.mailboxes().ignore("box", 7, [IgnoredMail(99, NOW)], "older")
    with store(reading=True) as unit:
        assert unit.inbound.newest_heads("box", 3, 10) == [
            (b"Subject: 4", ""),
            (b"Subject: 3", ""),
            (b"Subject: 2", ""),
        ]
        assert unit.inbound.newest_heads("", 3, 10) == [(b"Subject: o", "2001:db8::25")]
        assert unit.inbound.newest_heads("nobody", 3, 10) == []


def test_a_database_is_current_when_its_tables_are_of_this_version(store, tmp_path):
    assert is_current(store.url)
    assert not is_current(f"sqlite:///{tmp_path / 'none' / 'maild.db'}")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("mail", [MAIL, FETCHED], ids=["smtp", "imap"])
def test_the_same_delivery_again_is_known(store, mail):
    ((first, _),) = keep(store, mail)
    assert keep(store, mail, mail) == [(first, True), (first, True)]


def test_other_recipients_or_another_uid_are_another_delivery_of_the_same_bytes(store):
    other = replace(MAIL, envelope=Envelope("bob@client.example", ("help@acme.example",)))
    moved = replace(FETCHED, uid=2)
    numbers = {number for number, known in keep(store, MAIL, other, FETCHED, moved) if not known}
    assert len(numbers) == 4


def test_a_folder_made_anew_brings_no_mail_twice(store):
    """UIDVALIDITY changed: the same bytes in the same folder are recorded, and are not judged again."""
    ((first, _),) = keep(store, FETCHED)
    ((second, known),) = keep(store, replace(FETCHED, uidvalidity=8))
    assert known
    assert second != first
    with store(reading=True) as unit:
        assert unit.inbound.get(second).outcome == "duplicate"


def test_what_was_not_committed_is_not_kept(store):
    with store() as unit:
        unit.inbound.keep([MAIL], NOW)
    assert keep(store, MAIL)[0][1] is False


def test_the_attempt_is_counted_before_the_reading(store):
    ((number, _),) = keep(store, MAIL)
    for expected in (1, 2, 3):
        with store() as unit:
            (begun,) = unit.inbound.begin(10, NOW)
            unit.commit()
        assert (begun.id, begun.attempts, begun.mail.raw) == (number, expected, MAIL.raw)


def test_a_mail_that_was_begun_again_and_again_is_taken_last_and_alone(store):
    """It may be what ends the program: the others must not wait behind it for ever."""
    ((first, _), (second, _)) = keep(store, MAIL, FETCHED)
    for _ in range(3):
        with store() as unit:
            unit.inbound.begin(1, NOW)
            unit.commit()
    with store() as unit:
        assert [kept.id for kept in unit.inbound.begin(10, NOW)] == [second]
        unit.inbound.judge(second, DONE, NOW)
        assert [(kept.id, kept.attempts) for kept in unit.inbound.begin(10, NOW)] == [(first, 4)]


def test_mails_are_begun_in_the_order_of_their_arrival(store):
    keep(store, *[replace(FETCHED, uid=uid, raw=b"%d" % uid) for uid in range(1, 6)])
    with store() as unit:
        assert [kept.mail.uid for kept in unit.inbound.begin(3, NOW)] == [1, 2, 3]


def test_a_claimed_mail_is_left_alone_by_another_node_until_the_claim_runs_out(store, url):
    keep(store, MAIL)
    other = Store(url, "node-b")
    with store() as unit:
        assert len(unit.inbound.begin(10, NOW)) == 1
        unit.commit()
    with other() as unit:
        assert unit.inbound.begin(10, NOW + MINUTE) == []
        assert len(unit.inbound.begin(10, NOW + CLAIM + MINUTE)) == 1
    other.close()


def test_who_lost_its_claim_cannot_record_a_judgement(store, url):
    ((number, _),) = keep(store, MAIL)
    other = Store(url, "node-b")
    with store() as unit:
        unit.inbound.begin(10, NOW)
        unit.commit()
    with other() as unit:
        unit.inbound.begin(10, NOW + CLAIM + MINUTE)
        unit.inbound.judge(number, DONE, NOW)
        unit.commit()
    with store() as unit:
        unit.inbound.judge(number, DONE, NOW)
        with pytest.raises(ClaimLost):
            unit.commit()
    other.close()


def test_who_lost_its_claim_takes_nothing_from_the_node_that_has_the_mail_now(store, url):
    ((number, _),) = keep(store, MAIL)
    other = Store(url, "node-b")
    with store() as unit:
        unit.inbound.begin(10, NOW)
        unit.commit()
    late = NOW + CLAIM + MINUTE
    with other() as unit:
        assert [kept.attempts for kept in unit.inbound.begin(10, late)] == [2]
        unit.commit()
    with store() as unit:
        unit.inbound.give_back([number])
        unit.inbound.postpone(number, NOW, "the reader broke")
        unit.commit()
        kept = unit.inbound.get(number)
    assert (kept.attempts, kept.reason) == (2, "")
    with other() as unit:
        unit.inbound.judge(number, DONE, late)  # still its own
    other.close()


def test_a_mail_that_waits_for_the_scanner_has_lost_no_attempt(store):
    ((number, _),) = keep(store, MAIL)
    for hour in range(3):
        at = NOW + 60 * hour * MINUTE
        with store() as unit:
            (begun,) = unit.inbound.begin(10, at)
            unit.inbound.postpone(number, at + MINUTE, "no scanner", counts=False)
            unit.commit()
        assert begun.attempts == 1


def test_a_judgement_is_recorded_with_its_steps_and_clean_text(store):
    ((number, _),) = keep(store, MAIL)
    with store() as unit:
        unit.inbound.begin(10, NOW)
        unit.inbound.judge(number, DONE, NOW)
        unit.commit()
    with store(reading=True) as unit:
        kept = unit.inbound.get(number)
        assert unit.inbound.count_kept() == 0
        assert unit.inbound.find_same(["s" * 64, "t" * 64]) == {"s" * 64: (EarlierMail(number, 1, "", waits=False),)}
        assert unit.inbound.find_same([""]) == {}
    assert (kept.outcome, kept.ticket, kept.steps) == ("opened", 1, DONE.steps)
    assert kept.subject == "nul \ufffd and lone \ufffd"


def test_a_mail_given_back_has_lost_no_attempt(store):
    ((number, _),) = keep(store, MAIL)
    for _ in range(3):
        with store() as unit:
            (begun,) = unit.inbound.begin(10, NOW)
            unit.inbound.give_back([number])
            unit.commit()
        assert begun.attempts == 1


def test_a_postponed_mail_waits_for_its_moment(store):
    ((number, _),) = keep(store, MAIL)
    with store() as unit:
        unit.inbound.begin(10, NOW)
        unit.inbound.postpone(number, NOW + MINUTE, "the reader broke")
        assert unit.inbound.begin(10, NOW) == []
        assert len(unit.inbound.begin(10, NOW + MINUTE)) == 1


def test_a_quarantined_mail_can_be_replayed_and_a_judged_one_cannot(store):
    ((bad, _), (good, _)) = keep(store, MAIL, FETCHED)
    with store() as unit:
        unit.inbound.begin(10, NOW)
        unit.inbound.judge(bad, replace(DONE, state=InboundState.QUARANTINED, outcome="quarantined"), NOW)
        unit.inbound.judge(good, replace(DONE, sameness=""), NOW)
        assert [kept.id for kept in unit.inbound.listed(InboundState.QUARANTINED)] == [bad]
        assert unit.inbound.find_same(["s" * 64]) == {}  # what was set aside is no earlier copy
        assert unit.inbound.replay(bad)
        assert not unit.inbound.replay(good)
        assert [(kept.id, kept.attempts) for kept in unit.inbound.begin(10, NOW)] == [(bad, 1)]


def test_a_savepoint_undoes_one_mail_alone(store):
    ((one, _), (two, _)) = keep(store, MAIL, FETCHED)

    def judge_and_break(unit):
        with unit.savepoint():
            unit.inbound.judge(two, DONE, NOW)
            raise ZeroDivisionError

    with store() as unit:
        unit.inbound.begin(10, NOW)
        with unit.savepoint():
            unit.inbound.judge(one, DONE, NOW)
        with pytest.raises(ZeroDivisionError):
            judge_and_break(unit)
        unit.commit()
    with store(reading=True) as unit:
        assert [unit.inbound.get(number).state for number in (one, two)] == [InboundState.DONE, InboundState.KEPT]


def test_trouble_of_the_database_within_a_savepoint_is_no_fault_of_the_mail(store):
    """A statement that is wrong fails for ever and is told as it is; a deadlock or a full disk passes."""
    passing = sqlite3.OperationalError("database or disk is full")
    passing.sqlite_errorcode = sqlite3.SQLITE_FULL
    if "sqlite" not in store.url:
        passing = psycopg.errors.DeadlockDetected("deadlock detected")
    with store() as unit:
        with pytest.raises(sa.exc.DBAPIError), unit.savepoint():
            unit._connection.execute(sa.text("SELECT nothing FROM nowhere"))
        with pytest.raises(TemporaryFailure), unit.savepoint():
            raise sa.exc.OperationalError("UPDATE ticket", {}, passing)


def test_a_mailbox_is_remembered_and_ignored_mail_is_known(store):
    ledger = store.mailboxes()
    assert ledger.recall("box") is None
    for state in (MailboxState(7, 0, NOW), MailboxState(7, 12, NOW), MailboxState(8, 1, None)):
        ledger.remember("box", state)
        assert ledger.recall("box") == state
    for _ in range(2):
        ledger.ignore("box", 7, [IgnoredMail(uid, NOW - timedelta(days=uid)) for uid in range(1, 700)], "older")
    keep(store, replace(FETCHED, uid=900))
    assert ledger.known("box", 7, list(range(1, 1000))) == frozenset(range(1, 700)) | {900}
    assert ledger.known("box", 8, [1, 2]) == frozenset()
    assert ledger.known("other", 7, [1]) == frozenset()
    with store() as unit:
        assert [kept.mail.uid for kept in unit.inbound.begin(1000, NOW)] == [900]


def test_of_many_that_wait_the_newest_are_listed_and_those_of_a_mailbox_alone(store):
    mails = [replace(FETCHED, raw=b"%d" % n, uid=n, mailbox="junk" if n % 2 else "box") for n in range(1, 7)]
    numbers = [number for number, _ in keep(store, *mails)]
    with store() as unit:
        unit.inbound.begin(10, NOW)
        for number in numbers:
            unit.inbound.judge(number, replace(DONE, state=InboundState.HELD, outcome="held", sameness=""), NOW)
        assert [kept.id for kept in unit.inbound.listed(InboundState.HELD)] == numbers
        assert [kept.id for kept in unit.inbound.listed(InboundState.HELD, 2)] == numbers[-2:]
        assert [kept.id for kept in unit.inbound.listed(InboundState.HELD, 2, ["junk"])] == [numbers[2], numbers[4]]
        assert unit.inbound.listed(InboundState.HELD, 2, []) == []
        assert unit.inbound.listed(InboundState.QUARANTINED, 2) == []


def test_that_it_is_no_junk_and_who_wrote_it_are_two_words_and_both_count_on(store):
    ((number, _),) = keep(store, MAIL)
    said = []
    for words in ({}, {"released": True}, {"released": True, "proven": True}, {"released_as": "anyway"}):
        with store() as unit:
            unit.inbound.begin(1, NOW, [number])
            unit.inbound.judge(number, replace(DONE, state=InboundState.HELD, outcome="held"), NOW)
            assert unit.inbound.replay(number, **words)
            unit.commit()
        with store(reading=True) as unit:
            found = unit.inbound.get(number)
        said.append((found.released, found.proven))
    assert said == [(False, False), (True, False), (True, True), (True, True)]
