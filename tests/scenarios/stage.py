"""The people of the scenarios around one office: their mails go in as raw bytes, and come from the relay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from maild.domain.messages.outbox import OutboxState
from maild.ports import OutboxRow
from maild.services.intake.process import Processed
from tests.rig.office import Office
from tests.scenarios.mail_client import Mail, MailProgram

CONFIG = (Path(__file__).parent / "office.toml").read_text(encoding="utf-8")

OUTSIDE: Mapping[str, tuple[str, str]] = {
    "karen": ("Karen Hill", "karen@client.example"),
    "ken": ("Ken Ito", "ken@client.example"),
    "eve": ("Eve Adams", "eve@client.example"),
    "paul": ("Paul Weber", "paul@other.example"),
    "mallory": ("Mallory", "mallory@evil.example"),
    "robot": ("Nightly Robot", "robot@monitor.example"),
}
AGENTS: Mapping[str, tuple[str, str]] = {
    "john": ("John Smith", "john@acme.example"),
    "jane": ("Jane Doe", "jane@acme.example"),
    "joe": ("Joe Blake", "joe@acme.example"),
    "samo": ("Sam Oduya", "samo@acme.example"),
    "samw": ("Sam Weiss", "samw@acme.example"),
    "mary": ("Mary Poole", "mary@acme.example"),
    "hugo": ("Hugo Frank", "hugo@acme.example"),  # only where a config.toml has him
}
# Pockets in which something beeps: only where a config.toml names them.
PAGERS: Mapping[str, tuple[str, str]] = {
    "hugospager": ("Hugo's pager", "+49151000@sms.example"),
    "nightpager": ("The pager of the night", "+49151999@sms.example"),
}
PEOPLE: Mapping[str, tuple[str, str]] = {**OUTSIDE, **AGENTS, **PAGERS}
_TOKEN = re.compile(r"\[#([0-9]+)-[0-9a-z]{4}\]")
_SHOWN_LINES = 12  # of a mail, in a transcript


@dataclass
class Act:
    """What one step brought about."""

    known: bool = False  # the very mail had come before
    done: list[Processed] = field(default_factory=list)
    queued: list[OutboxRow] = field(default_factory=list)
    arrived: list[Mail] = field(default_factory=list)


class Stage:
    """An office and everybody's mail programs."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.programs = {who: MailProgram(*PEOPLE[who]) for who in PEOPLE}
        self._story: list[str | bytes | Mail] = []
        self.last = Act()
        self.since_a_person_acted: list[Mail] = []
        self._mails: list[Mail] = []
        self._sent: set[bytes] = set()
        self._marked = 0

    # -- mailboxes ----------------------------------------------------------------------------------------------

    @property
    def mails(self) -> list[Mail]:
        """All that the relay ever took, oldest first."""
        new = self.office.relay.sent[len(self._mails) :]
        templates = {row.message_id: row.template for row in self._rows()} if new else {}
        for message in new:
            mail = Mail(message.raw, tuple(message.recipients))
            self._mails.append(replace(mail, template=templates[mail.message_id]))
        return self._mails

    def mailbox(self, who: str) -> list[Mail]:
        address = PEOPLE[who][1]
        return [mail for mail in self.mails if address in mail.recipients]

    def newest(self, who: str, template: str, ticket: int = 0) -> Mail:
        """The newest mail of a kind that somebody has (about a ticket). LookupError when there is none."""
        return self.fitting(who, template, ticket)[-1]

    def fitting(self, who: str, template: str, ticket: int = 0) -> list[Mail]:
        """All of these, at least one, oldest first. LookupError when there is none."""
        fitting = [
            mail
            for mail in self.mailbox(who)
            if mail.template == template and ticket in (0, number_of(mail.subject) if ticket else 0)
        ]
        if not fitting:
            got = [f"{mail.template} (ticket {number_of(mail.subject)})" for mail in self.mailbox(who)]
            raise LookupError(f"{who} has no {template}, only {got or 'nothing'}")
        return fitting

    # -- acts ---------------------------------------------------------------------------------------------------

    def send(self, raw: bytes, times: int = 1) -> Act:
        """Hand mail in, judge it and all that waits with it, deliver what is due."""
        self._begin()
        self.last.known = raw in self._sent
        self._sent.add(raw)
        for _ in range(times):
            self.last.done.append(self.office.receive(raw))
        self._settle()
        outcomes = (f"   -> {done.outcome} (ticket {done.ticket}): {done.reason}" for done in self.last.done)
        self._story += [raw, *outcomes]
        return self._end()

    def act(self, do: Callable[[], None]) -> Act:
        """Something that comes by no mail, such as a command of the admin's."""
        self._begin()
        do()
        self._settle()
        return self._end()

    def let_pass(self, span: timedelta) -> Act:
        """Move the clock, do what became due, deliver."""
        self._begin(person=False)
        self.office.tick(span)
        self._settle()
        self.narrate(f"== {span} later: {self.office.clock.now():%a %d %b %H:%M:%S}")
        return self._end()

    def _begin(self, *, person: bool = True) -> None:
        self._marked = max((row.id for row in self._rows()), default=0)
        self.last = Act()
        if person:
            self.since_a_person_acted = []

    def _settle(self) -> None:
        while self.office.processing.round():
            pass
        self.office.deliver()

    def _end(self) -> Act:
        before = len(self._mails)
        self.last.arrived = self.mails[before:]
        self.since_a_person_acted += self.last.arrived
        self.last.queued = self._queued_since(self._marked)
        late = {OutboxState.QUEUED, OutboxState.DEFERRED}
        waits = [f"   .. {row.template} to {row.to.address} waits" for row in self.last.queued if row.state in late]
        self._story += [*self.last.arrived, *waits]
        return self.last

    def _rows(self) -> list[OutboxRow]:
        """What was ever queued, without the words."""
        with self.office.store(reading=True) as unit:
            return unit.outbox.listed(tuple(OutboxState))

    def _queued_since(self, mark: int) -> list[OutboxRow]:
        numbers = [row.id for row in self._rows() if row.id > mark]
        with self.office.store(reading=True) as unit:
            return [row for number in numbers if (row := unit.outbox.get(number)) is not None]

    # -- what happened ------------------------------------------------------------------------------------------

    def narrate(self, text: str) -> None:
        self._story.append(text)

    @property
    def story(self) -> str:
        """All that happened, for a person to read."""
        return "\n".join(
            line if isinstance(line, str) else _told_mail(line) if isinstance(line, Mail) else _told_raw(line)
            for line in self._story
        )


def number_of(subject: str) -> int:
    """The ticket of a subject's token, 0 without one."""
    found = _TOKEN.search(subject)
    return int(found[1]) if found else 0


def name_at(address: str) -> str:
    """Who has this address, in one word."""
    return next((who for who, (_, at) in PEOPLE.items() if at == address), address)


def _told_raw(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").replace("\r\n", "\n")
    head, _, body = text.partition("\n\n")
    shown = [line for line in head.splitlines() if line.split(":")[0] in {"From", "To", "Cc", "Subject"}]
    lines = [line for line in body.splitlines() if not line.startswith(">")]
    return "\n".join([">> in", *(f"   {line}" for line in (*shown, *lines[:_SHOWN_LINES]))])


def _told_mail(mail: Mail) -> str:
    to = ", ".join(map(name_at, mail.recipients))
    lines = mail.text.splitlines()[:_SHOWN_LINES]
    return "\n".join([f"<< {mail.template} to {to}: {mail.subject}", *(f"   | {line}" for line in lines)])
