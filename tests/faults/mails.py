"""The mails that the tests send, each like no other, and how they are sent by SMTP."""

from __future__ import annotations

import email.policy
import re
import smtplib
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from tests.rig.daemon import HELPDESK

TAKEN, TRY_LATER = 250, 451
SUBJECT = re.compile(r"Printer \d+ does not print")


@dataclass(frozen=True)
class SentMail:
    """A customer's first mail; its subject is like no other's."""

    sender: str
    subject: str
    raw: bytes


def make_mails(count: int) -> list[SentMail]:
    """So many mails by as many customers."""
    return [make_mail(number) for number in range(1, count + 1)]


def make_mail(number: int) -> SentMail:
    """The mail of this customer."""
    sender = f"customer-{number}@client.example"
    subject = f"Printer {number:05d} does not print"
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = f"Customer {number} <{sender}>"
    mail["To"] = f"Help Desk <{HELPDESK}>"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<printer.{number}@client.example>"
    mail.set_content("".join(f"It blinks and does nothing else, {mark(number)}, line {n}.\n" for n in range(20)))
    return SentMail(sender, subject, mail.as_bytes())


def mark(number: int) -> str:
    """A word that stands in every line of this mail and nowhere else."""
    return f"serial number Q{number:05d}X"


def send(port: int, mail: SentMail) -> int:
    """Send a mail by SMTP -> the code of the reply to its end. SMTPException when it does not come so far."""
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as wire:
        begin(wire, mail)
        return wire.data(mail.raw)[0]


def begin(wire: smtplib.SMTP, mail: SentMail) -> None:
    """Say everything that comes before DATA. SMTPResponseException when it is not taken."""
    for code, words in (wire.ehlo(), wire.mail(mail.sender), wire.rcpt(HELPDESK)):
        if code != TAKEN:
            raise smtplib.SMTPResponseException(code, words)
