"""kill -9 of the daemon while mails arrive in an IMAP folder: each becomes one ticket, and everybody hears of it."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.killing import KILLS, MAILS_PER_KILL, Feeder, kill_while_feeding
from tests.faults.mails import make_mails
from tests.faults.oracle import (
    assert_each_became_one_ticket,
    assert_everybody_was_told,
    deliver_the_rest,
    wait_until_drained,
)
from tests.rig.daemon import MaildRig
from tests.rig.dovecot import PASSWORD, Dovecot
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.door


@pytest.mark.parametrize("kills", KILLS)
def test_no_mail_is_lost_or_doubled_by_kills_during_imap(kills: int, maild: MaildRig, dovecot: Dovecot) -> None:
    user = dovecot.new_user()
    maild.configure(maild.mailbox(dovecot.port, user, PASSWORD))
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
