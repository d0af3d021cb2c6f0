"""A mail that kills whatever reads it: tried three times, set aside with its bytes, and in nobody's way."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from tests.faults.mails import TAKEN, SentMail, make_mail, make_mails, send
from tests.faults.poison.sitecustomize import POISON
from tests.rig.daemon import MaildRig
from tests.rig.dovecot import free_port
from tests.rig.waiting import wait_until

POISONED = {"PYTHONPATH": f"{Path(__file__).parent / 'poison'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
ATTEMPTS = 3


def poisonous_mail() -> SentMail:
    mail = make_mail(0)
    return replace(mail, raw=mail.raw.replace(b"line 7.", POISON))


def test_a_mail_that_kills_its_reader_is_set_aside_and_can_be_replayed(maild: MaildRig) -> None:
    port = free_port()
    maild.configure(listener=f'smtp = "127.0.0.1:{port}"')
    maild.start(environment=POISONED)
    poison, healthy = poisonous_mail(), make_mails(5)
    assert {send(port, mail) for mail in (poison, *healthy)} == {TAKEN}
    wait_until(lambda: len(maild.sent()) == 2 * len(healthy), 60, "the healthy mails to be answered")
    wait_until(lambda: maild.json("quarantine", "list"), 60, "the mail to be set aside")
    late = make_mail(6)
    assert send(port, late) == TAKEN
    wait_until(lambda: len(maild.sent()) == 2 * len(healthy) + 2, 60, "a later mail to be answered")
    assert maild.end() == 0

    deaths = (maild.folder / "deaths").read_text().split()
    assert len(deaths) == len(set(deaths)) == ATTEMPTS
    (aside,) = maild.json("quarantine", "list")
    assert aside["attempts"] == ATTEMPTS
    assert "SIGSEGV" in aside["reason"]
    assert maild.command("quarantine", "show", str(aside["id"]), "--raw") == poison.raw
    assert maild.log.count(" reading-failed ") == ATTEMPTS - 1
    assert maild.log.count(" quarantined ") == 1

    # The parser is mended now: the same mail becomes the ticket that it should have been.
    replayed = json.loads(maild.command("quarantine", "replay", str(aside["id"]), "--json"))
    assert replayed["outcome"] == "opened"
    assert maild.json("quarantine", "list") == []
    subjects = sorted(ticket["subject"] for ticket in maild.json("ticket", "list", "--status", "all"))
    assert subjects == sorted(mail.subject for mail in (poison, *healthy, late))
