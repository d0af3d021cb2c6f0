"""The acceptance story: osTicket's lifecycle, played by people who only read and answer their mail.

The story does not know the server: a Stage carries the mails and moves the clock. Each answer is built from the notice
that its writer received, with its Reply-To, Message-ID and subject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from maild.domain.messages.message import InboundMessage
from maild.domain.people.directory import Address, Person
from maild.mail.compose import OutgoingMail, compose
from maild.mail.reading.parse import read

HELPDESK = "support@acme.example"


class Stage(Protocol):
    """What the story is played on."""

    def now(self) -> datetime:
        """Return the time on the stage."""
        ...

    def post(self, sender: Address, recipients: Sequence[Address], raw: bytes) -> None:
        """Hand a person's mail to the mail system."""
        ...

    def mails_to(self, address: Address) -> list[InboundMessage]:
        """Return the mails in a person's mailbox, oldest first."""
        ...

    def settle(self) -> None:
        """Wait until all mail is judged and all due mail is delivered."""
        ...

    def pass_time(self, span: timedelta) -> None:
        """Move the clock forward, do what is due, and settle."""
        ...

    def tickets(self, status: str) -> list[dict[str, Any]]:
        """Return the list that `maild ticket list --status` prints."""
        ...

    def ticket(self, number: int) -> dict[str, Any]:
        """Return what `maild ticket show` prints."""
        ...

    def narrate(self, text: str) -> None:
        """Print a line of narration."""
        ...


@dataclass
class Writer:
    """A person with a mail program. `written` counts their mails, so that each Message-ID is unique."""

    name: str
    address: Address
    stage: Stage
    written: int = field(default=0)

    def write(self, subject: str, text: str) -> None:
        """Send a new mail to the helpdesk."""
        self._send(Address.of(HELPDESK), subject, text)

    def answer(self, template: str, text: str, about: str = "") -> None:
        """Answer the newest notice of a template, optionally about a subject, and quote it as mail programs do."""
        notice = self.newest(template, about)
        quoted = "\n".join(f"> {line}" for line in notice.text.splitlines())
        wrote = f"On {self.stage.now():%a, %d %b %Y at %H:%M}, {notice.from_header} wrote:"
        subject = notice.subject if notice.subject.lower().startswith("re:") else f"Re: {notice.subject}"
        to = notice.reply_to[0].address if notice.reply_to else Address.of(HELPDESK)
        references = (*notice.references, notice.message_id)
        self._send(to, subject, f"{text}\n\n{wrote}\n{quoted}\n", notice.message_id, references)

    def newest(self, template: str, about: str = "") -> InboundMessage:
        """Return the newest mail of a template in this person's mailbox. Raises LookupError when there is none."""
        mails = [m for m in self.stage.mails_to(self.address) if m.header("x-maild-reason") == template]
        mails = [m for m in mails if about in m.subject]
        if not mails:
            raise LookupError(f"{self.name} has no mail of the template {template!r} about {about or 'anything'!r}")
        return mails[-1]

    def _send(self, to: Address, subject: str, text: str, parent: str = "", references: tuple[str, ...] = ()) -> None:
        self.written += 1
        mail = OutgoingMail(
            from_=Person(self.address, self.name),
            to=Person(to),
            subject=subject,
            message_id=f"<{self.written}.{int(self.stage.now().timestamp())}.{self.address.local}@{self.address.domain}>",
            date=self.stage.now(),
            text=text,
            in_reply_to=parent,
            references=references,
        )
        self.stage.post(self.address, [to], compose(mail))
        self.stage.settle()


@dataclass
class Cast:
    """All people of the story."""

    stage: Stage
    karen: Writer = field(init=False)
    ken: Writer = field(init=False)
    paul: Writer = field(init=False)
    john: Writer = field(init=False)
    jane: Writer = field(init=False)

    def __post_init__(self) -> None:
        for name, full, address in (
            ("karen", "Karen Hill", "karen@client.example"),
            ("ken", "Ken Ito", "ken@client.example"),
            ("paul", "Paul Weber", "paul@client.example"),
            ("john", "John Smith", "john@acme.example"),
            ("jane", "Jane Doe", "jane@acme.example"),
        ):
            setattr(self, name, Writer(full, Address.of(address), self.stage))


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def play(stage: Stage) -> list[str]:
    """Play all scenes. Returns what is wrong with the end state; empty when all is well."""
    cast = Cast(stage)
    for scene in SCENES:
        stage.narrate((scene.__doc__ or "").strip())
        scene(cast, stage)
    return faults(stage)


def the_bank_is_down(cast: Cast, stage: Stage) -> None:
    """Karen reports that online banking is down. John raises the priority; Jane fixes it and closes."""
    subject = "Entire mobile/online banking system is down"
    cast.karen.write(subject, "Nobody can log in, neither in the app nor on the web. Please hurry!\n\nKaren")
    stage.pass_time(2 * MINUTE)
    cast.john.answer("new-ticket", "!priority emergency\n!sla sev-a\n!team online banking", subject)
    stage.pass_time(2 * MINUTE)
    cast.jane.answer("assigned", "!take\nI am working on this with the system administrators.", subject)
    stage.pass_time(3 * MINUTE)
    cast.karen.answer("acknowledgement", "Any news? Our branch managers keep calling.", subject)
    cast.jane.answer("message", "!note\nA bad update of the login servers at 08:40. We are rolling it back.", subject)
    stage.pass_time(5 * MINUTE)
    text = "Dear Karen,\n\nan update went wrong; it has been rolled back and banking works again.\n\nSorry!\n\n!close"
    cast.jane.answer("message", text, subject)
    stage.pass_time(2 * MINUTE)


def excel_does_not_start(cast: Cast, stage: Stage) -> None:
    """Ken's accounting department cannot start Excel. A reboot helps, and the ticket is resolved."""
    subject = "Excel does not start"
    cast.ken.write(subject, "Since this morning Excel does not start for the whole accounting department.")
    stage.pass_time(5 * MINUTE)
    cast.john.answer(
        "new-ticket", "!take\n!sla sev-b\nHello Ken, please reboot one of the machines and try again.", subject
    )
    stage.pass_time(20 * MINUTE)
    cast.ken.answer("reply", "That was it: after a reboot it starts everywhere. Thank you!", subject)
    stage.pass_time(5 * MINUTE)
    cast.john.answer("message", "Good to hear. I shall look for the cause in tonight's updates.\n!resolve", subject)
    stage.pass_time(2 * MINUTE)


def the_laptop_is_dead(cast: Cast, stage: Stage) -> None:
    """The CFO's laptop does not power on: a broken charger."""
    subject = "CFO's laptop does not power on"
    cast.karen.write(subject, "No light, nothing. She has a board meeting at noon.")
    stage.pass_time(4 * MINUTE)
    cast.john.answer("new-ticket", "!take\n!sla sev-b\nI am on my way with a spare charger.", subject)
    stage.pass_time(30 * MINUTE)
    cast.john.answer("new-ticket", "!note\nCharger broken (cable), replaced from stock. Battery is fine.", subject)
    cast.john.answer("new-ticket", "The charger was broken and has been replaced; the laptop runs.\n!close", subject)
    stage.pass_time(2 * MINUTE)


def when_do_the_computers_come(cast: Cast, stage: Stage) -> None:
    """Karen asks a plain question and gets a plain answer."""
    subject = "When do the new computers come?"
    cast.karen.write(subject, "You said this quarter. Is there a date?")
    stage.pass_time(15 * MINUTE)
    cast.john.answer(
        "new-ticket", "They are announced for 14 December; we shall tell you the day before.\n!close", subject
    )
    stage.pass_time(2 * MINUTE)


def nobody_answers_paul(cast: Cast, stage: Stage) -> None:
    """Nobody answers Paul, on purpose: first a warning goes out, then the breach is escalated."""
    cast.paul.write("The printer on the third floor is jammed", "It has been blinking since Friday.")
    for span in (*[HOUR] * 6, *[DAY] * 2, *[HOUR] * 3, *[DAY] * 8):
        stage.pass_time(span)


SCENES: tuple[Callable[[Cast, Stage], None], ...] = (
    the_bank_is_down,
    excel_does_not_start,
    the_laptop_is_dead,
    when_do_the_computers_come,
    nobody_answers_paul,
)


def faults(stage: Stage) -> list[str]:
    """Compare the end state with what it should be, and return the differences."""
    found: list[str] = []

    def expect(what: str, wanted: object, got: object) -> None:
        if wanted != got:
            found.append(f"{what}: expected {wanted!r}, found {got!r}")

    opened, closed = stage.tickets("open"), stage.tickets("closed")
    expect("open tickets", ["The printer on the third floor is jammed"], [t["subject"] for t in opened])
    expect("overdue", [True], [t["overdue"] for t in opened])
    wanted = ["Entire mobile/online banking system is down", "Excel does not start"]
    wanted += ["CFO's laptop does not power on", "When do the new computers come?"]
    expect("closed tickets", wanted, [t["subject"] for t in closed])
    if found:
        return found
    bank, excel, laptop, question = (stage.ticket(t["number"]) for t in closed)
    expect("the bank's priority and plan", ("emergency", "sev-a"), (bank["priority"], bank["sla_plan"]))
    expect("the bank's assignee and team", ("jane", "online-banking"), (bank["assignee"], bank["team"]))
    kinds = ["message", "note", "message", "note", "reply"]
    expect("the bank's thread", kinds, [e["kind"] for e in bank["entries"]])
    expect("Excel's plan and assignee", ("sev-b", "john"), (excel["sla_plan"], excel["assignee"]))
    expect("the laptop's notes", 1, sum(e["kind"] == "note" for e in laptop["entries"]))
    expect("the question's plan", "default", question["sla_plan"])
    for ticket in (bank, excel, laptop, question):
        replies = {e["delivery"] for e in ticket["entries"] if e["kind"] == "reply"}
        expect(f"deliveries of ticket {ticket['number']}", {"sent"}, replies)
    left = stage.ticket(opened[0]["number"])
    steps = [(e["detail"]["target"], e["detail"]["breach"]) for e in left["events"] if e["kind"] == "escalated"]
    expect("a resolution warning", True, ("resolution", False) in steps)
    expect("a resolution breach", True, ("resolution", True) in steps)
    leaked = [m for w in ("karen", "ken", "paul") for m in stage.mails_to(Address.of(f"{w}@client.example"))]
    words = ("bad update of the login servers", "Charger broken (cable)", "!close", "!note")
    expect("internal words in customers' mail", [], [w for w in words if any(w in m.text for m in leaked)])
    return found


def read_mail(raw: bytes) -> InboundMessage:
    """Return a mail as its reader sees it."""
    return read(raw)
