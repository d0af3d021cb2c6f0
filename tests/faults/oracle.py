"""What was sent, and whether all of it came through exactly once: the tests' own list against what maild shows."""

from __future__ import annotations

import email
import email.policy
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime

from tests.rig.daemon import AGENT, HELPDESK, MaildRig
from tests.rig.waiting import wait_until

LONGER_THAN_A_LEASE = timedelta(minutes=16)
DRAIN_SECONDS = 120.0
SUBJECT = re.compile(rb"^Subject: (.*)\r$", re.MULTILINE)


@dataclass(frozen=True)
class SentMail:
    """A customer's first mail; its subject is like no other's."""

    sender: str
    subject: str
    raw: bytes


def make_mails(count: int, topic: str = "Printer") -> list[SentMail]:
    """So many mails by as many customers."""
    return [make_mail(number, topic) for number in range(1, count + 1)]


def make_mail(number: int, topic: str = "Printer") -> SentMail:
    sender = f"customer-{number}@client.example"
    subject = f"{topic} {number:05d} does not print"
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f"Customer {number} <{sender}>"
    mail["To"] = f"Help Desk <{HELPDESK}>"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{topic.lower()}.{number}@client.example>"
    mail.set_content("".join(f"It blinks and does nothing else, {mark(number)}, line {n}.\n" for n in range(20)))
    return SentMail(sender, subject, mail.as_bytes())


def mark(number: int) -> str:
    """A word that stands in every line of this mail and nowhere else."""
    return f"serial number Q{number:05d}X"


def wait_until_drained(maild: MaildRig, seconds: float = DRAIN_SECONDS) -> None:
    """Return when the running daemon has judged every kept mail and claimed every queued one."""
    wait_until(maild.drained, seconds, f"maild to have nothing left to do:\n{maild.log[-3000:]}")


def assert_each_became_one_ticket(maild: MaildRig, mails: Sequence[SentMail]) -> None:
    """Nothing lost, nothing twice: tickets, ledger, raw mail, quarantine, and the database itself."""
    sent = Counter(mail.subject for mail in mails)
    tickets = Counter(ticket["subject"] for ticket in maild.json("ticket", "list", "--status", "all"))
    assert not sent - tickets, f"lost: {sorted((sent - tickets).elements())}"
    assert not tickets - sent, f"more than once: {sorted((tickets - sent).elements())}"
    outcomes = dict(maild.rows("select outcome, count(*) from inbound group by outcome"))
    assert outcomes == {"opened": len(mails)}
    raw = Counter(SUBJECT.search(content)[1].decode() for (content,) in maild.rows("select content from raw_mail"))  # type: ignore[index]
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
            original = next(m.subject for m in mails if m.subject in mail["Subject"])
            told[mail["X-Maild-Reason"], mail["Delivered-To"], original] += 1
        by_id[message_id].append(raw)
    wanted = Counter(
        {("acknowledgement", mail.sender, mail.subject): 1 for mail in mails}
        | {("new-ticket", AGENT, mail.subject): 1 for mail in mails}
    )
    assert not wanted - told, f"not told: {sorted((wanted - told).elements())[:10]}"
    assert not told - wanted, f"told by more than one mail: {sorted((told - wanted).elements())[:10]}"
    for message_id, copies in by_id.items():
        assert len(set(copies)) == 1, f"copies of {message_id} differ"
    assert maild.rows("select id, state from outbox where state <> 'sent'") == []
    return Copies(len(by_id), sum(map(len, by_id.values())) - len(by_id))
