"""kill -9 of the daemon while mails arrive in an IMAP folder: each becomes one ticket, and everybody hears of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.faults.killing import MAILS_PER_KILL, Feeder, kill_while_feeding
from tests.faults.oracle import (
    assert_each_became_one_ticket,
    assert_everybody_was_told,
    deliver_the_rest,
    make_mails,
    wait_until_drained,
)
from tests.rig.daemon import MaildRig, mailbox_table
from tests.rig.dovecot import PASSWORD, Dovecot
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.door


def watch(maild: MaildRig, dovecot: Dovecot, tmp_path: Path) -> str:
    """A new user's INBOX, watched by this maild -> the user."""
    user = dovecot.new_user()
    password = tmp_path / f"password-{user}"
    password.touch(mode=0o600)
    password.write_text(PASSWORD)
    maild.configure(mailbox_table(dovecot.port, user, password))
    return user


@pytest.mark.timeout(280)
@pytest.mark.parametrize("kills", [50, pytest.param(1000, marks=[pytest.mark.soak, pytest.mark.timeout(0)])])
def test_no_mail_is_lost_or_doubled_by_kills_during_imap(
    kills: int, maild: MaildRig, dovecot: Dovecot, tmp_path: Path
) -> None:
    user = watch(maild, dovecot, tmp_path)
    mails = make_mails(kills * MAILS_PER_KILL)

    def kept_and_not_moved() -> bool:
        kept = {content for (content,) in maild.rows("select content from raw_mail order by id desc limit 100")}
        return not kept.isdisjoint(dovecot.contents(user))

    with Feeder(mails, lambda mail: dovecot.deliver(user, mail.raw)) as feeder:
        blows = kill_while_feeding(maild, feeder, kills, at_the_door=kept_and_not_moved)
        feeder.finish()
    maild.start()
    wait_until(lambda: dovecot.contents(user) == [], 120, "INBOX to be empty")
    wait_until_drained(maild)
    assert maild.end() == 0

    assert_each_became_one_ticket(maild, mails)
    sent = Counter(mail.raw for mail in mails)
    assert Counter(content for (content,) in maild.rows("select content from raw_mail")) == sent
    assert Counter(dovecot.contents(user, "Processed")) == sent
    deliver_the_rest(maild)
    print(f"\n{blows}; {assert_everybody_was_told(maild, mails)}")
    assert blows.caught["mails kept and not judged"] > 0, f"no kill fell into the work: {blows}"
