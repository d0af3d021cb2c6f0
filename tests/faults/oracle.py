"""Whether all that was sent came through exactly once: the tests' own list against what maild has made of it."""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.faults.mails import SUBJECT, SentMail
from tests.rig.daemon import AGENT, MaildRig
from tests.rig.waiting import wait_until

LONGER_THAN_A_LEASE = timedelta(minutes=16)
DRAIN_SECONDS = 120.0
HEADER = re.compile(rb"^Subject: (.*)\r$", re.MULTILINE)


def wait_until_drained(maild: MaildRig, seconds: float = DRAIN_SECONDS) -> None:
    """Return when the running daemon has judged every kept mail and claimed every queued one."""
    wait_until(maild.drained, seconds, f"maild to have nothing left to do:\n{maild.log[-3000:]}")


def assert_each_became_one_ticket(maild: MaildRig, mails: Sequence[SentMail]) -> None:
    """Nothing lost, nothing twice: tickets, ledger, raw mail, quarantine, and the database itself."""
    sent = Counter(mail.subject for mail in mails)
    tickets = Counter(subject for (subject,) in maild.rows("select subject from ticket"))
    assert not sent - tickets, f"lost: {sorted((sent - tickets).elements())}"
    assert not tickets - sent, f"more than once: {sorted((tickets - sent).elements())}"
    outcomes = dict(maild.rows("select outcome, count(*) from inbound group by outcome"))
    assert outcomes == {"opened": len(mails)}
    raw = Counter(HEADER.search(content)[1].decode() for (content,) in maild.rows("select content from raw_mail"))  # type: ignore[index]
    assert raw == sent
    assert maild.json("quarantine", "list") == []
    assert maild.value("pragma integrity_check") == "ok"
    assert "Traceback" not in maild.log


def deliver_the_rest(maild: MaildRig) -> None:
    """Let go what a killed daemon had claimed: its lease ends by itself, here the clock is moved instead."""
    later = datetime.now(UTC) + LONGER_THAN_A_LEASE
    maild.command("outbox", "flush", "--at", later.isoformat())


@dataclass(frozen=True)
class Copies:
    """How often the relay was given the mails."""

    mails: int
    extra: int


def assert_everybody_was_told(maild: MaildRig, mails: Sequence[SentMail]) -> Copies:
    """Each customer has one acknowledgement and the agent one notice of each ticket; copies are the very same bytes."""
    by_id: dict[str, list[bytes]] = defaultdict(list)
    told: Counter[tuple[str, str, str]] = Counter()
    for raw in maild.sent():
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        message_id = mail["Message-ID"]
        if message_id not in by_id:
            original = SUBJECT.search(mail["Subject"])
            assert original is not None, mail["Subject"]
            told[mail["X-Maild-Reason"], mail["Delivered-To"], original[0]] += 1
        by_id[message_id].append(raw)
    wanted = Counter(
        {("acknowledgement", mail.sender, mail.subject): 1 for mail in mails}
        | {("new-ticket", AGENT, mail.subject): 1 for mail in mails}
    )
    assert not wanted - told, f"not told: {sorted((wanted - told).elements())[:10]}"
    assert not told - wanted, f"told by another mail too: {sorted((told - wanted).elements())[:10]}"
    for message_id, copies in by_id.items():
        assert len(set(copies)) == 1, f"copies of {message_id} differ"
    assert maild.rows("select id, state from outbox where state <> 'sent'") == []
    return Copies(len(by_id), sum(map(len, by_id.values())) - len(by_id))
