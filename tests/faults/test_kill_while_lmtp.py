"""kill -9 of the daemon while Postfix feeds it over LMTP: each mail becomes one ticket, and everybody hears of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.faults.killing import KILLS, MAILS_PER_KILL, Feeder, kill_while_feeding
from tests.faults.mails import make_mails
from tests.faults.oracle import (
    assert_each_became_one_ticket,
    assert_everybody_was_told,
    deliver_the_rest,
    wait_until_drained,
)
from tests.rig.daemon import HELPDESK, MaildRig
from tests.rig.postfix import PostfixRig
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.door
BACKLOG = 256


@pytest.mark.parametrize("kills", KILLS)
def test_no_mail_is_lost_or_doubled_by_kills_during_lmtp(
    kills: int, maild: MaildRig, postfix: Callable[..., AbstractContextManager[PostfixRig]]
) -> None:
    maild.configure(listener='lmtp = "systemd:lmtp"')
    mails = make_mails(kills * MAILS_PER_KILL)
    # The socket is the test's, as it is systemd's: between two daemons connections wait, and none is refused.
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as door:
        place = f"lmtp:inet:127.0.0.1:{door.getsockname()[1]}"
        with postfix(default_transport=place) as mta:
            with Feeder(mails, lambda mail: assert_taken(mta.submit(mail.sender, [HELPDESK], mail.raw))) as feeder:
                blows = kill_while_feeding(maild, feeder, kills, sockets={"lmtp": door})
                feeder.finish()
            maild.start(sockets={"lmtp": door})
            wait_until(mta.delivers_all, 120, "Postfix to have an empty queue")
            wait_until_drained(maild)
            assert maild.end() == 0
            lost_replies = len(mta.log_lines(r"message may be sent more than once"))
            refused = mta.log_lines(r"Connection refused")
            bounced = mta.log_lines(r"status=bounced")

    assert refused == bounced == []
    assert_each_became_one_ticket(maild, mails)
    again = len(re.findall(r" received .*known=True", maild.log))
    deliver_the_rest(maild)
    told = assert_everybody_was_told(maild, mails)
    print(f"\n{blows}; Postfix missed {lost_replies} replies, {again} mails came again; {told}")
    assert blows.caught["mails kept and not judged"] > 0, f"no kill fell into the work: {blows}"


def assert_taken(refused: dict[str, tuple[int, bytes]]) -> None:
    assert refused == {}
