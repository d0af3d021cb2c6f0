"""Servers that are not there when the daemon starts: it stays up, says what and retries, and works once they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from aiosmtpd.controller import Controller

from tests.faults.mails import TAKEN, make_mail, send
from tests.faults.oracle import wait_until_drained
from tests.rig.daemon import MaildRig
from tests.rig.dovecot import PASSWORD, free_port, running_dovecot
from tests.rig.waiting import wait_until


@pytest.mark.door
def test_imap_away_at_the_start(maild: MaildRig) -> None:
    with running_dovecot() as dovecot:
        user = dovecot.new_user()
        dovecot.stop()
        maild.configure(maild.mailbox(dovecot.port, user, PASSWORD))
        maild.start()
        maild.wait_for_log("mailbox support: ")
        assert f"127.0.0.1:{dovecot.port}" in maild.log
        assert "trying again" in maild.log
        mail = make_mail(1)
        dovecot.deliver(user, mail.raw)
        dovecot.start()
        wait_until(lambda: dovecot.contents(user, "Processed") == [mail.raw], 60, "the mail to be taken in")
        maild.wait_for_log("mail is taken in again")
        wait_until(lambda: len(maild.sent()) == 2, 60, "the acknowledgement and the notice")
        assert maild.end() == 0


class Relay:
    """Keeps what an SMTP server is given."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content  # type: ignore[attr-defined]
        self.mails.append(content)
        return "250 2.0.0 taken"


@contextmanager
def relay_at(port: int) -> Iterator[Relay]:
    taken = Relay()
    controller = Controller(taken, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield taken
    finally:
        controller.stop()


def test_relay_away_at_the_start(maild: MaildRig) -> None:
    port, relay = free_port(), free_port()
    table = f'[[relay]]\nname = "main"\nhost = "127.0.0.1"\nport = {relay}\ntls = "none"\n'
    maild.configure(listener=f'smtp = "127.0.0.1:{port}"', relay=table)
    maild.start()
    assert send(port, make_mail(1)) == TAKEN
    maild.wait_for_log("relay-fault")
    wait_until_drained(maild)
    wait_until(lambda: maild.value("select count(*) from outbox where state = 'deferred'") == 2, 30, "both put off")
    waiting = maild.json("outbox", "list")
    assert {row["template"] for row in waiting} == {"acknowledgement", "new-ticket"}
    for row in waiting:
        assert f"127.0.0.1:{relay}" in row["last_answer"]
        assert row["attempts"] == 0  # the channel's fault is not the mail's
        assert row["next_at"] is not None
    with relay_at(relay) as taken:
        maild.command("outbox", "retry", "--all")
        wait_until(lambda: len(taken.mails) == 2, 60, "the mails at the relay")
        assert maild.end() == 0
    assert maild.rows("select distinct state from outbox") == [("sent",)]
    assert len(taken.mails) == 2
