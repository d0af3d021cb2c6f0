"""A database that is locked, away or cut off: 451 or a wait at the door, IMAP untouched, nothing lost or doubled."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.faults.mails import TAKEN, TRY_LATER, SentMail, make_mail, make_mails, send
from tests.faults.oracle import (
    assert_each_became_one_ticket,
    deliver_the_rest,
    wait_until_drained,
)
from tests.rig.daemon import MaildRig
from tests.rig.dovecot import PASSWORD, Dovecot, free_port
from tests.rig.postgres import PostgresRig
from tests.rig.waiting import wait_until

MOST_CUTS = 40  # a machine on which nothing is done between two cuts gets there in the end
MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)\r$", re.MULTILINE)


# -- SQLite -------------------------------------------------------------------------------------------------------


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Another process writes into the database and does not end."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
        connection.execute("begin exclusive")
        yield
        connection.execute("rollback")


@pytest.mark.door
def test_a_locked_database_costs_no_mail(maild: MaildRig, dovecot: Dovecot, tmp_path: Path) -> None:
    port, user = free_port(), dovecot.new_user()
    maild.configure(maild.mailbox(dovecot.port, user, PASSWORD), listener=f'smtp = "127.0.0.1:{port}"')
    maild.start()
    first, second, by_imap, injected = make_mails(4)
    assert send(port, first) == TAKEN
    wait_until(lambda: len(maild.sent()) == 2, 60, "the first mail to be done with")
    (tmp_path / "mail.eml").write_bytes(injected.raw)
    inject = [sys.executable, "-m", "maild", "-c", str(maild.config), "inject", str(tmp_path / "mail.eml")]
    with locked(maild.database):
        dovecot.deliver(user, by_imap.raw)
        # All of them wait as long as SQLite is told to, side by side.
        with subprocess.Popen(inject, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as pipe:
            assert send(port, second) == TRY_LATER
            assert pipe.wait(60) == 75  # EX_TEMPFAIL: the MTA keeps the mail
        maild.wait_for_log("mailbox support: ")
        assert dovecot.contents(user) == [by_imap.raw]
    assert send(port, second) == TAKEN
    wait_until(lambda: dovecot.contents(user, "Processed") == [by_imap.raw], 60, "the mail to be moved")
    wait_until_drained(maild)
    assert maild.end() == 0
    assert_each_became_one_ticket(maild, [first, second, by_imap])


def test_a_short_lock_is_waited_for(maild: MaildRig) -> None:
    port = free_port()
    maild.configure(listener=f'smtp = "127.0.0.1:{port}"')
    maild.start()
    mail = make_mail(1)
    codes: list[int] = []
    sender = threading.Thread(target=lambda: codes.append(send(port, mail)), daemon=True)
    with locked(maild.database):
        sender.start()
        time.sleep(0.5)  # long enough to be met, and much shorter than what SQLite waits for
        assert codes == []
    sender.join(60)
    assert codes == [TAKEN]
    wait_until_drained(maild)
    assert maild.end() == 0
    assert_each_became_one_ticket(maild, [mail])


# -- PostgreSQL ---------------------------------------------------------------------------------------------------


@contextmanager
def closed_to_all(postgres: PostgresRig, url: str) -> Iterator[None]:
    """The server lets nobody into this database any more, as one that is stopped."""
    allow(url, connections=False)
    postgres.cut_connections(url)
    yield
    allow(url, connections=True)


def allow(url: str, *, connections: bool) -> None:
    parsed = sa.make_url(url)
    engine = sa.create_engine(parsed.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f'alter database "{parsed.database}" allow_connections {connections}'))
    engine.dispose()


@pytest.fixture
def on_postgres(maild: MaildRig, postgres_url: str) -> int:
    """The SMTP port of a daemon that runs on PostgreSQL."""
    port = free_port()
    maild.configure(listener=f'smtp = "127.0.0.1:{port}"', store=postgres_url)
    maild.start()
    return port


def subjects(maild: MaildRig) -> Counter[str]:
    return Counter(ticket["subject"] for ticket in maild.json("ticket", "list", "--status", "all"))


@pytest.mark.door
def test_postgresql_away_means_451_and_then_it_goes_on(
    maild: MaildRig, on_postgres: int, postgres: PostgresRig, postgres_url: str
) -> None:
    first, second = make_mails(2)
    assert send(on_postgres, first) == TAKEN
    with closed_to_all(postgres, postgres_url):
        assert send(on_postgres, second) == TRY_LATER
        maild.wait_for_log("store-away")
    assert send(on_postgres, second) == TAKEN
    wait_until(lambda: len(maild.sent()) == 4, 60, "the mails about both tickets")
    assert maild.end() == 0
    assert subjects(maild) == {first.subject: 1, second.subject: 1}


@pytest.mark.door
def test_cut_connections_to_postgresql_lose_and_double_nothing(
    maild: MaildRig, on_postgres: int, postgres: PostgresRig, postgres_url: str
) -> None:
    mails = make_mails(100)
    over = threading.Event()
    cuts = 0

    def cut() -> None:
        nonlocal cuts
        while cuts < MOST_CUTS and not over.wait(0.01):
            postgres.cut_connections(postgres_url)
            cuts += 1

    cutter = threading.Thread(target=cut, daemon=True)
    cutter.start()
    codes = Counter(code for mail in mails for code in taken_in_the_end(on_postgres, mail))
    over.set()
    cutter.join(30)
    print(f"{cuts} cuts, replies: {dict(codes)}")
    assert cuts > 0
    assert set(codes) <= {TAKEN, TRY_LATER}
    wait_until(lambda: sum(subjects(maild).values()) >= len(mails), 60, "all mails to be judged")
    assert maild.end() == 0
    assert subjects(maild) == Counter(mail.subject for mail in mails)
    deliver_the_rest(maild)
    assert len({MESSAGE_ID.search(raw)[1] for raw in maild.sent()}) == 2 * len(mails)  # type: ignore[index]


def taken_in_the_end(port: int, mail: SentMail) -> Iterator[int]:
    """Send a mail until it is taken -> the codes on the way."""
    deadline = time.monotonic() + 60
    while True:
        code = send(port, mail)
        yield code
        if code == TAKEN:
            return
        assert time.monotonic() < deadline, "the mail was never taken"
