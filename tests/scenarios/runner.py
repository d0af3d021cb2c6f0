"""The one function that plays a scenario, step by step, and says in words where it goes another way."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from maild.services.admin_command import command_ticket
from tests.scenarios.asking import flags_of, writing_of
from tests.scenarios.comparing import Differs, contains, essence, plain, shown_field
from tests.scenarios.invariants import Watch, tickets_of
from tests.scenarios.mail_client import Mail, MailProgram, upper_cased
from tests.scenarios.script import Line, Scenario, spans
from tests.scenarios.stage import PEOPLE, Stage, name_at, number_of

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_SIGNATURE = "\r\n\r\n-- \r\nSent from my phone\r\n"
_PLACE = re.compile(
    r"\{(?P<field>[a-z-]+) of (?P<who>[a-z]+)'s (?P<template>[a-z-]+)"
    r"(?: about (?P<about>[0-9]+))?(?P<bent> as ticket [0-9]+| flipped)?\}"
)


def play(scenario: Scenario, stage: Stage) -> None:
    """Play all steps. Raises Differs with the transcript so far, so that a person sees what happened."""
    player = _Player(stage, compares=any(line.text == "nothing changed" for line in scenario.lines))
    for line in scenario.lines:
        stage.narrate(f"\n[{line.number}] {line.text}")
        try:
            player.step(line)
        except (AssertionError, LookupError, ValueError) as wrong:
            raise Differs(
                f"{scenario.name}/scenario.txt:{line.number}: {line.text}\n{wrong}\n\nwhat happened:\n{stage.story}"
            ) from None


class _Player:
    def __init__(self, stage: Stage, *, compares: bool) -> None:
        self._stage = stage
        self._compares = compares  # does a step ask whether anything changed?
        self._office = stage.office
        self._watch = Watch(stage)
        self._raw = b""
        self._before: list[dict[str, Any]] = []

    def step(self, line: Line) -> None:
        for pattern, act in _STEPS:
            found = re.fullmatch(pattern, line.text)
            if found:
                act(self, line.block, **found.groupdict())
                return
        raise ValueError(f"no such step: {line.text}")

    # -- what people do -----------------------------------------------------------------------------------------

    def writes(self, block: str, who: str, subject: str | None, options: str | None) -> None:
        writing, text = writing_of(self._filled(options or ""), block)
        chosen = subject if subject is not None else "Printer on fire"
        self._send(
            self._program(who).write(self._now, self._filled(text), replace(writing, subject=self._filled(chosen)))
        )

    def answers(self, block: str, who: str, options: str | None, **which: str | None) -> None:
        mail = self._mail(who, **which)
        writing, text = writing_of(self._filled(options or ""), block)
        if "upper" in flags_of(options):
            writing = replace(writing, to=upper_cased(mail.reply_to))
        self._send(self._program(who).answer(self._now, mail, self._filled(text), writing))

    def presses(self, block: str, who: str, label: str, options: str | None, **which: str | None) -> None:
        mail = self._mail(who, **which)
        writing, text = writing_of(self._filled(options or ""), block)
        flags = flags_of(options)
        body: str | None = text or None
        if "bodyless" in flags:
            body = ""
        raw = self._program(who).press(self._now, mail, label, writing, body)
        if "signed" in flags:
            raw += _SIGNATURE.encode()
        if "upper" in flags:
            raw = re.sub(rb"(?m)^To: ([^@\r\n]+)@", lambda found: b"To: " + found[1].upper() + b"@", raw)
        self._send(raw)

    def unsubscribes(self, block: str, who: str, options: str | None, **which: str | None) -> None:
        writing, _ = writing_of(options, block)
        self._send(self._program(who).unsubscribe(self._now, self._mail(who, **which), writing))

    def again(self, block: str, times: str | None) -> None:
        self._begin()
        self._stage.send(self._raw, int(times or 1))
        self._check()

    def injected(self, block: str) -> None:
        self._send((self._filled(block) + "\n").replace("\n", "\r\n").encode())

    def waits(self, block: str, span: str) -> None:
        self._begin()
        self._stage.let_pass(sum((timedelta(**{_UNITS[u]: n}) for n, u in spans(span)), timedelta(0)))
        self._check()

    def admin(self, block: str, number: str, words: str) -> None:
        self._begin()

        def do() -> None:
            answer = command_ticket(self._office.store, self._office.helpdesk, int(number), words.split(), self._now)
            self._stage.narrate(f"   -> {answer.reason if answer else 'no such ticket'}")

        self._stage.act(do)
        self._check()

    def configured(self, block: str) -> None:
        (self._office.folder / "maild.d").mkdir(exist_ok=True)
        (self._office.folder / "maild.d" / "90-later.toml").write_text(block)
        self._office.configure((self._office.folder / "maild.toml").read_text())

    def revoked(self, block: str, who: str) -> None:
        with self._office.store() as unit:
            if not unit.people.revoke(who, unit.outbox.next_id()):
                raise Differs(f"{who} never had a mark")
            unit.commit()

    def lost(self, block: str, who: str) -> None:
        """A provider that cannot deliver to somebody says so."""
        address = PEOPLE[who][1]
        mail = self._stage.mailbox(who)[-1]
        report = _BOUNCE.format(address=address, message_id=mail.message_id, now=self._now)
        self._send(report.replace("\n", "\r\n").encode())

    # -- what should have come of it ------------------------------------------------------------------------------

    def outcome(self, block: str, word: str, number: str | None) -> None:
        done = self._stage.last.done[-1]
        if done.outcome != word or (number and done.ticket != int(number)):
            raise Differs(f"the outcome is {done.outcome} (ticket {done.ticket}): {done.reason}")
        contains(block, f"{done.reason}", "the reason")

    def ticket_is(self, block: str, number: str, fields: str) -> None:
        ticket = self._office.ticket(int(number))
        for pair in fields.split(", "):
            name, _, wanted = pair.strip().partition(" ")
            got = shown_field(ticket, name)
            if got != wanted:
                raise Differs(f"{name} of ticket {number} is {got!r}, not {wanted!r}")

    def thread(self, block: str, number: str, kinds: str) -> None:
        entries = self._office.ticket(int(number))["entries"]
        got = ", ".join(entry["kind"] for entry in entries)
        if got != kinds:
            raise Differs(f"the thread of ticket {number} is {got}: {[e['text'] for e in entries]}")
        contains(block, "\n".join(entry["text"] for entry in entries), f"the thread of ticket {number}")

    def last_entry(self, block: str, number: str, kind: str) -> None:
        """The newest entry is the block, word for word."""
        entry = self._office.ticket(int(number))["entries"][-1]
        if (entry["kind"], entry["text"].rstrip()) != (kind, block.rstrip()):
            raise Differs(f"the last entry of ticket {number} is a {entry['kind']}: {entry['text']!r}")

    def has_event(self, block: str, number: str, negated: str | None, kind: str, pairs: str | None) -> None:
        wanted = dict(pair.split("=", 1) for pair in (pairs or "").split(", ") if pair)
        events = self._office.ticket(int(number))["events"]
        fits = [
            e
            for e in events
            if e["kind"] == kind and all(plain(e["detail"].get(k, e.get(k))) == v for k, v in wanted.items())
        ]
        if bool(fits) == bool(negated):
            raise Differs(f"the events of ticket {number} are {[(e['kind'], e['detail']) for e in events]}")

    def count_tickets(self, block: str, many: str) -> None:
        numbers = [t["number"] for t in self._all_tickets()]
        if len(numbers) != int(many):
            raise Differs(f"there are the tickets {numbers}")

    def unchanged(self, block: str) -> None:
        now = [essence(ticket) for ticket in self._all_tickets()]
        if now != self._before:
            raise Differs(f"before: {self._before}\nnow: {now}")

    def gets(self, block: str, who: str, template: str, about: str | None) -> None:
        """One such mail came with the last step, or before it since somebody acted."""
        for mails in (self._stage.last.arrived, self._stage.since_a_person_acted):
            fitting = [mail for mail in _to(who, mails) if mail.template == template]
            fitting = [mail for mail in fitting if not about or number_of(mail.subject) == int(about)]
            if fitting:
                break
        if len(fitting) != 1:
            got = [mail.template for mail in _to(who, self._stage.since_a_person_acted)]
            raise Differs(f"{who} got {got or 'nothing'}")
        contains(block, fitting[0].words, f"the {template} to {who}", fitting[0].html)

    def gets_nothing(self, block: str, who: str) -> None:
        if got := [m.template for m in _to(who, self._stage.last.arrived)]:
            raise Differs(f"{who} got {got}")

    def mails(self, block: str, wanted: str) -> None:
        """Exactly these mails, who and what, and no others."""
        got = Counter(f"{name_at(m.recipients[0])} {m.template}" for m in self._stage.last.arrived)
        if got != Counter(filter(None, wanted.split(", ")) if wanted != "none" else ()):
            raise Differs(f"the mails are: {', '.join(sorted(got.elements())) or 'none'}")

    def buttons(self, block: str, who: str, template: str, labels: str) -> None:
        """A mail's buttons in their order; what its foot offers may follow."""
        got = ", ".join(self._stage.newest(who, template).buttons)
        if got != labels and not got.startswith(f"{labels}, "):
            raise Differs(f"the buttons are: {got or 'none'}")

    def named(self, block: str, who: str, template: str) -> None:
        """Nobody but its reader stands in the header of a mail, so that a reply to all reaches nobody else."""
        mail = self._stage.newest(who, template)
        head = " ".join(mail.field(name) for name in ("To", "Cc", "Bcc", "From", "Reply-To", "Sender"))
        others = [address for name, (_, address) in PEOPLE.items() if name != who and address in head]
        if others or PEOPLE[who][1] not in mail.field("To"):
            raise Differs(f"the header names {others}: {head}")

    def way_out(self, block: str, who: str, template: str, no: str | None) -> None:
        """Does a mail tell mail programs how its reader leaves (RFC 2369 3.2)?"""
        offered = self._stage.newest(who, template).field("List-Unsubscribe")
        if bool(offered) == bool(no):
            raise Differs(f"List-Unsubscribe: {offered}")

    def drafts(self, block: str, who: str, many: str) -> None:
        with self._office.store(reading=True) as unit:
            waiting = unit.held_replies.waiting(agent=who)
        if len(waiting) != int(many) or any(draft.remind_at is None for draft in waiting):
            raise Differs(f"the texts of {who} that wait: {waiting}")

    # -- in between -----------------------------------------------------------------------------------------------

    @property
    def _now(self) -> Any:
        return self._office.clock.now()

    def _mail(self, who: str, whose: str | None, which: str | None, template: str | None, about: str | None) -> Mail:
        """The mail that a step is about: somebody's newest of a kind, unless it says which."""
        mails = self._stage.fitting(whose or who, template or "", int(about or 0))
        return mails[{"first": 0, "second": 1, "third": 2}.get(which or "", -1)]

    def _program(self, who: str) -> MailProgram:
        if who not in self._stage.programs:
            raise ValueError(f"nobody is called {who}: {', '.join(PEOPLE)}")
        return self._stage.programs[who]

    def _send(self, raw: bytes) -> None:
        self._raw = raw
        self._begin()
        self._stage.send(raw)
        self._check()

    def _begin(self) -> None:
        if self._compares:
            self._before = [essence(ticket) for ticket in self._all_tickets()]

    def _check(self) -> None:
        if faults := self._watch.faults():
            raise Differs("\n".join(faults))

    def _all_tickets(self) -> list[dict[str, Any]]:
        return [self._office.ticket(number) for number in tickets_of(self._stage)]

    def _filled(self, text: str) -> str:
        """The text with places such as {reply-to of john's new-ticket} filled from that very mail."""

        def fill(found: re.Match[str]) -> str:
            mail = self._stage.newest(found["who"], found["template"], int(found["about"] or 0))
            text = mail.reply_to if found["field"] == "reply-to" else mail.field(found["field"])
            return _bent(text, found["bent"] or "")

        return _PLACE.sub(fill, text)


def _bent(address: str, how: str) -> str:
    """A sealed address after somebody tried their luck with it."""
    if how == " flipped":
        local, _, domain = address.rpartition("@")
        return f"{local[:-1]}{'0' if local[-1] != '0' else '1'}@{domain}"
    return re.sub(r"\+([a-z])[0-9]+", rf"+\g<1>{how.rpartition(' ')[2]}", address) if how else address


def _to(who: str, mails: list[Mail]) -> list[Mail]:
    return [mail for mail in mails if PEOPLE[who][1] in mail.recipients]


_WHICH = (
    r"(?:(?P<whose>[a-z]+)'s )?(?:(?P<which>first|second|third) )?(?P<template>[a-z-]+)(?: about (?P<about>[0-9]+))?"
)
_OPTIONS = r"(?: \((?P<options>.+)\))?"
_WHO = r"(?P<who>[a-z]+)"

_STEPS: tuple[tuple[str, Callable[..., None]], ...] = (
    (rf'{_WHO} writes(?: "(?P<subject>[^"]*)")?{_OPTIONS}', _Player.writes),
    (rf"{_WHO} answers {_WHICH}{_OPTIONS}", _Player.answers),
    (rf'{_WHO} presses "(?P<label>[^"]+)" in {_WHICH}{_OPTIONS}', _Player.presses),
    (rf"{_WHO} unsubscribes in {_WHICH}{_OPTIONS}", _Player.unsubscribes),
    (r"the same mail again(?: (?P<times>[0-9]+) times)?", _Player.again),
    (r"a mail comes in", _Player.injected),
    (r"wait (?P<span>[0-9dhms ]+)", _Player.waits),
    (r"the admin does (?P<number>[0-9]+) (?P<words>.+)", _Player.admin),
    (r"the configuration changes", _Player.configured),
    (rf"all marks of {_WHO} are revoked", _Player.revoked),
    (rf"the last mail to {_WHO} bounces", _Player.lost),
    (r"outcome (?P<word>[a-z]+)(?: (?P<number>[0-9]+))?", _Player.outcome),
    (r"ticket (?P<number>[0-9]+): (?P<fields>.+)", _Player.ticket_is),
    (r"ticket (?P<number>[0-9]+) thread: (?P<kinds>.+)", _Player.thread),
    (r"ticket (?P<number>[0-9]+) ends with (?P<kind>message|reply|note)", _Player.last_entry),
    (
        r"ticket (?P<number>[0-9]+) has (?P<negated>no )?event (?P<kind>[a-z-]+)(?: with (?P<pairs>.+))?",
        _Player.has_event,
    ),
    (r"(?P<many>[0-9]+) tickets?", _Player.count_tickets),
    (r"nothing changed", _Player.unchanged),
    (rf"{_WHO} gets nothing", _Player.gets_nothing),
    (rf"{_WHO} gets (?P<template>[a-z-]+)(?: about (?P<about>[0-9]+))?", _Player.gets),
    (r"mails: (?P<wanted>.+)", _Player.mails),
    (rf"{_WHO}'s (?P<template>[a-z-]+) has the buttons (?P<labels>.+)", _Player.buttons),
    (rf"{_WHO}'s (?P<template>[a-z-]+) names nobody but [a-z]+", _Player.named),
    (rf"{_WHO}'s (?P<template>[a-z-]+) offers (?:a|(?P<no>no)) way to leave", _Player.way_out),
    (rf"(?P<many>[0-9]+) texts? of {_WHO} waits?", _Player.drafts),
)

# What a provider says that could not deliver (RFC 3464).
_BOUNCE = """\
From: Mail Delivery System <MAILER-DAEMON@mx.client.example>
To: support@acme.example
Subject: Undelivered Mail Returned to Sender
Date: {now:%a, %d %b %Y %H:%M:%S +0000}
Message-ID: <{now:%H%M%S}.bounce@mx.client.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="==report"

--==report
Content-Type: text/plain

The mail could not be delivered.

--==report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.example

Final-Recipient: rfc822; {address}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user here

--==report
Content-Type: text/rfc822-headers

Message-ID: {message_id}

--==report--
"""
