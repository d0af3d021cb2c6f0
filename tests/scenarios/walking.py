"""Random people do random things with the mails that they have. A walk is a list of steps that fit any situation.

Every text that somebody writes is made of words that nobody else ever writes, so that wherever a word turns up it is
known whose it is, and in which mail it came in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, takewhile
from random import Random

from hypothesis import strategies as st

from maild.domain.commands.apply import parse
from maild.domain.commands.table import VERBS
from maild.domain.people.directory import Address
from maild.domain.tickets.held_replies import HeldReply
from maild.services.intake.process import Processed
from tests.scenarios.invariants import Watch
from tests.scenarios.mail_client import Mail, MailProgram, Writing
from tests.scenarios.stage import PEOPLE, Stage, number_of

CUSTOMERS = ("karen", "ken", "eve", "paul")
WORKERS = ("john", "jane", "joe", "mary")
STRANGERS = ("mallory", "robot")
EVERYBODY = (*CUSTOMERS, *WORKERS, *STRANGERS)
SPANS = (timedelta(seconds=61), timedelta(minutes=3), timedelta(minutes=16), timedelta(hours=3), timedelta(days=2))
# Refusals after which nothing waits, for the writer was told all there is to tell.
_ANSWERED = (
    "nothing done: ",  # text in an answer to a list, which concerns no ticket
)
BEGUN = 6  # texts that were written before a walk begins
_WORDS_A_TEXT = 14  # more than the run of words that the leak guard looks for

# What agents write; {text} is their own words, {paste} those of the mail that they answer.
COMMANDS: tuple[str, ...] = (
    *(f"!{verb.name} {example}".strip() for verb in VERBS for example in (verb.examples or ("",))),
    "!dept sysadmins",
    "!dept support",
    "!assign joe",
    "!team banking",
    "!merge 1",
    "!link 2",
)
SHAPES: tuple[str, ...] = (
    "{text}",
    "{command}",
    "{text}\n{command}",
    "{command}\n\n{text}",
    "!note\n{text}",
    "!reply\n{text}",
    "!reply\n{text}\n{command}",
    "{text}\n!clsoe",
    "{paste}\n{text}",
    "!reply\n{paste}\n{text}",
    "!assign nobody we know\n{text}",
    "{command}\n{command2}",
    "",
)
# The same in fresh mails; {whom} is a customer.
FRESH: tuple[str, ...] = (
    "{text}",
    "{text}",
    "!to {whom}\n{text}",
    "!for {whom}\n{text}",
    "!to {whom}\n{command}\n{text}",
    "!to {whom}\n{command}\n{text}",
    "!for {whom}\n{command}\n{text}",
    "{command}\n\n{text}\n!to {whom}\n{command2}",
)
SAYINGS: tuple[str, ...] = ("{text}", "STATUS", "CLOSE", "Thanks!", "!close\n{text}", "{paste}\n\n{text}")


_WORDS = re.compile(r"\bw[0-9]+x[a-z]\b")
_NUMBERS = re.compile(r"\bw([0-9]+)x[a-z]\b")


@dataclass(frozen=True)
class Step:
    """One thing that somebody does. Numbers choose among what is there, round and round."""

    does: str  # write, answer, press, paste, forward, forge, replay, wait
    who: str = ""
    mail: int = 0
    shape: int = 0
    command: int = 0
    command2: int = 0
    quoting: int = 0
    cc: str = ""


def steps() -> st.SearchStrategy[list[Step]]:
    """Walks of a few steps. One seed makes a whole walk, which wanders further than what is chosen step by step."""
    return st.integers(0, 2**64 - 1).map(walk_of)


def walk_of(number: int) -> list[Step]:
    """The walk of a seed: more often with newer mails, and by agents, who can do the most."""
    dice = Random(number)
    return [
        Step(
            does=dice.choice(_FREQUENT),
            who=dice.choice((*EVERYBODY, *WORKERS, *WORKERS)),
            mail=min(int(dice.expovariate(0.5)), 40),
            shape=dice.randrange(1000),
            command=dice.randrange(len(COMMANDS)),
            command2=dice.randrange(len(COMMANDS)),
            quoting=dice.randrange(4),
            cc=dice.choice(("", "", "", "", "eve", "mallory", "jane")),
        )
        for _ in range(dice.randint(2, 8))
    ]


_FREQUENT = ("write", *["answer"] * 9, *["press"] * 4, "paste", "forward", "forge", "replay", *["wait"] * 2)


def begin(stage: Stage) -> None:
    """What every walk finds: a ticket of jane's with a note of john's, and one that john watched and moved out of his
    sight, to where somebody is away and has him for a substitute."""
    walk = Walk(stage)
    away = Writing(subject="question", to="support+me@acme.example")
    stage.send(stage.programs["samo"].write(stage.office.clock.now(), "ooo 30d to john", away))
    for step in (
        Step("write", "karen", cc="eve"),
        Step("write", "ken"),
        Step("answer", "jane", mail=1, shape=SHAPES.index("{command}"), command=COMMANDS.index("!take")),
        Step("answer", "john", mail=1, shape=SHAPES.index("!note\n{text}")),
        Step("answer", "john", shape=SHAPES.index("{command}"), command=COMMANDS.index("!watch")),
        Step("answer", "john", shape=SHAPES.index("{command}"), command=COMMANDS.index("!dept sysadmins")),
        Step("wait", mail=2),
    ):
        assert not (faults := walk.go(step)), faults


@dataclass
class Said:
    """A text that somebody wrote: whose it is, and what became of the mail it came in."""

    who: str
    number: int
    done: Processed | None = None
    own: bool = True  # their own words
    forged: bool = False  # under somebody else's name
    text: str = ""  # of the mail, with its commands

    @property
    def words(self) -> str:
        return " ".join(f"w{self.number}x{chr(ord('a') + place)}" for place in range(_WORDS_A_TEXT))


class Walk:
    """Walks over a stage, and looks after each step at what must hold."""

    def __init__(self, stage: Stage, first: int = 0) -> None:
        """`first` texts were written before."""
        self._stage = stage
        self._watch = Watch(stage)
        self._first = first
        self._said: list[Said] = []
        self._raws: list[bytes] = []
        self._forwarded: dict[str, list[Mail]] = {}
        self._doing: Mapping[str, Callable[[Step], None]] = {
            "write": self._write,
            "answer": self._answer,
            "press": self._press,
            "paste": self._paste,
            "forward": self._forward,
            "forge": self._forge,
            "replay": self._replay,
            "wait": self._wait,
        }

    def go(self, step: Step) -> list[str]:
        """Take one step -> everything that went wrong with it."""
        facts = self._watch.facts
        self._doing[step.does](step)
        faults = [*self._watch.faults(), *self._powers(), *self._narrowed(), *self._audience(), *self._dead_ends()]
        if self._stage.last.known and (self._stage.last.queued or self._watch.facts != facts):
            faults.append("a mail that came once more acted once more")
        return faults

    # -- what people do -----------------------------------------------------------------------------------------

    def _write(self, step: Step) -> None:
        said = self._says(step.who)
        writing = replace(self._writing(step), subject=f"Case {len(self._said)}", quoting="none")
        text = self._text(step, said, None, FRESH if step.who in WORKERS else SAYINGS)
        self._send(self._program(step.who).write(self._now, text, writing), said)

    def _answer(self, step: Step) -> None:
        who = self._with_mail(step.who)
        mail = self._chosen(who, step.mail)
        said = self._says(who)
        step = replace(step, who=who)
        text = self._text(step, said, mail)
        return self._send(self._program(who).answer(self._now, mail, text, self._writing(step)), said)

    def _press(self, step: Step) -> None:
        who = self._with_mail(step.who)
        mails = [mail for mail in self._box(who) if mail.buttons]
        if not mails:
            return self._answer(step)
        mail = mails[-1 - step.mail % len(mails)]
        label = sorted(mail.buttons)[step.shape % len(mail.buttons)]
        said = self._says(who)
        body = (None, "", said.words)[step.quoting % 3]
        return self._send(self._program(who).press(self._now, mail, label, Writing(), body), said)

    def _paste(self, step: Step) -> None:
        """An agent sends the customer what somebody noted."""
        notes = [(who, mail) for who in WORKERS for mail in self._box(who) if mail.template in {"note", "assigned"}]
        if not notes:
            return self._answer(step)
        who, mail = notes[step.mail % len(notes)]
        said = self._says(who)
        text = self._text(replace(step, who=who, shape=SHAPES.index("!reply\n{paste}\n{text}")), said, mail)
        return self._send(self._program(who).answer(self._now, mail, text, Writing()), said)

    def _forward(self, step: Step) -> None:
        """Somebody gets a mail that was for an agent, and may do with it what they like."""
        victim = self._with_mail(WORKERS[step.shape % len(WORKERS)], WORKERS)
        if step.who != victim:
            mail = self._chosen(victim, step.mail)
            self._forwarded.setdefault(step.who, []).append(mail)
        self._stage.let_pass(timedelta(0))

    def _forge(self, step: Step) -> None:
        """Mallory writes in an agent's name; the provider sees it."""
        victim = self._with_mail(WORKERS[step.shape % len(WORKERS)], WORKERS)
        mail = self._chosen(victim, step.mail)
        said = self._says("mallory")
        said.forged = True
        writing = Writing(sender=PEOPLE[victim][1], proof="fail", quoting="none")
        text = self._text(replace(step, who=victim), said, mail)
        return self._send(self._program("mallory").answer(self._now, mail, text, writing), said)

    def _replay(self, step: Step) -> None:
        if not self._raws:
            return self._write(replace(step, does="write"))
        self._stage.send(self._raws[step.mail % len(self._raws)], 1 + step.shape % 3)
        return None

    def _wait(self, step: Step) -> None:
        self._stage.let_pass(SPANS[step.mail % len(SPANS)])

    # -- how they do it -----------------------------------------------------------------------------------------

    @property
    def _now(self) -> datetime:
        return self._stage.office.clock.now()

    def _program(self, who: str) -> MailProgram:
        return self._stage.programs[who]

    def _box(self, who: str) -> list[Mail]:
        return [*self._stage.mailbox(who), *self._forwarded.get(who, ())]

    def _with_mail(self, who: str, people: tuple[str, ...] = EVERYBODY) -> str:
        """This one, or the next one who ever got a mail."""
        at = people.index(who)
        return next(name for name in (*people[at:], *people[:at]) if self._box(name))

    def _chosen(self, who: str, number: int) -> Mail:
        """One of somebody's mails, counted from the newest."""
        box = self._box(who)
        return box[-1 - number % len(box)]

    def _says(self, who: str) -> Said:
        self._said.append(Said(who, self._first + len(self._said) + 1))
        return self._said[-1]

    def _writing(self, step: Step) -> Writing:
        return Writing(
            proof=("pass", "pass", "none")[step.command2 % 3] if step.who in WORKERS else "pass",
            quoting=("below", "none", "outlook", "above")[step.quoting % 4],
            cc=PEOPLE[step.cc][1] if step.cc else "",
            fields={"Auto-Submitted": "auto-replied"} if step.who == "robot" else {},
        )

    def _text(self, step: Step, said: Said, mail: Mail | None, shapes: tuple[str, ...] = ()) -> str:
        shapes = shapes or (SHAPES if step.who in WORKERS else SAYINGS)
        places = {
            "{whom}": PEOPLE[CUSTOMERS[step.mail % len(CUSTOMERS)]][1],
            "{text}": said.words,
            "{command}": COMMANDS[step.command],
            "{command2}": COMMANDS[step.command2],
            "{paste}": f"I was told {' '.join(_WORDS.findall(mail.text))} and so on." if mail else "",
        }
        text = shapes[step.shape % len(shapes)]
        for place, words in places.items():
            text = text.replace(place, words)
        said.text = text
        return text

    def _send(self, raw: bytes, said: Said) -> None:
        said.done = self._stage.send(raw).done[-1]
        self._raws.append(raw)
        if said.words not in raw.decode():
            said.own = False  # nothing of it was written

    # -- what must hold -----------------------------------------------------------------------------------------

    def _powers(self) -> Iterator[str]:
        """Only an agent acts as one: under their own name, and on tickets that are theirs, or that they open so."""
        said = self._said[-1] if self._said and self._said[-1].done in self._stage.last.done else None
        begun = self._begun()
        for ticket, fact in self._watch.acted():
            if self._stage.last.done and (said is None or said.forged or fact.by.name != said.who):
                yield f"{fact.by.name} did {fact.kind} to ticket {ticket.number}, and wrote no such mail"
            elif (fact.by.name, ticket.number) not in begun and not self._watch.concerns(ticket, fact.by.name):
                yield f"{fact.by.name} did {fact.kind} to ticket {ticket.number}, which is not theirs"

    def _narrowed(self) -> Iterator[str]:
        """What a mail keeps inside, or only tries, is no answer when it comes."""
        said = self._said[-1] if self._said and self._said[-1].done in self._stage.last.done else None
        if said is None or said.done is None or said.who not in WORKERS:
            return
        verbs = {command.verb for command in parse(said.text).commands}
        for entry in self._watch.all_entries() if verbs & {"note", "draft", "check"} else ():
            if entry.kind == "reply" and entry.inbound == said.done.inbound:
                yield f"a mail with {sorted(verbs)} is an answer on ticket {entry.ticket}: {said.words}"

    def _begun(self) -> set[tuple[str, int]]:
        """Which agent opened which ticket in the last step, be it for a department that they do not work in."""
        return {(fact.by.name, ticket.number) for ticket, fact in self._watch.acted() if fact.kind == "opened"}

    def _audience(self) -> Iterator[str]:
        """Words reach nobody outside but who wrote them and whom an answer was sent to."""
        directory, begun = self._stage.office.helpdesk.policy.directory, self._begun()
        for row in self._stage.last.queued:
            agent = directory.agent_at(row.to.address)
            if agent is None or row.ticket is None:
                continue
            receipt = row.template == "feedback" and (agent.name, row.ticket) in begun  # of what they opened
            if not receipt and not self._watch.may_hear(agent, row.ticket):
                yield f"{row.template} tells {agent.name} of ticket {row.ticket}, which is not theirs"
        for mail in self._stage.last.arrived:
            outside = [to for to in mail.recipients if directory.agent_at(Address.of(to)) is None]
            for said in self._in(mail) if outside else ():
                if PEOPLE[said.who][1] not in outside and not self._is_answer(said, mail):
                    yield f"words of {said.who} reach {outside} with {mail.template}: {said.words}"

    def _in(self, mail: Mail) -> list[Said]:
        numbers = {int(found) for found in _NUMBERS.findall(f"{mail.text} {mail.html}")}
        return [said for said in self._said if said.number in numbers]

    def _is_answer(self, said: Said, mail: Mail) -> bool:
        """Do the words stand in an answer to the customer, on the very ticket that the mail is about?"""
        return any(
            entry.kind == "reply" and f"w{said.number}x" in entry.text
            for entry in self._watch.entries(number_of(mail.subject))
        )

    def _dead_ends(self) -> Iterator[str]:
        """What an agent wrote left, stayed as a note, waits with a reminder, or was settled by somebody's word."""
        with self._stage.office.store(reading=True) as unit:
            waiting = unit.held_replies.waiting()
            drafts = {draft.inbound for draft in _every(unit.held_replies.get)}
        yield from (f"held reply {draft.id} is never reminded of" for draft in waiting if draft.remind_at is None)
        for said in self._said:
            if said.who not in WORKERS or not said.own or said.done is None or said.done.inbound in drafts:
                continue
            if any(reason in said.done.reason for reason in _ANSWERED) or self._came_back(said):
                continue
            if said.done.outcome in {"held", "rejected", "ignored"} and not self._kept(said):
                yield f"a text of {said.who} ended in silence: {said.done.outcome}, {said.done.reason}"

    def _came_back(self, said: Said) -> bool:
        """It belongs to no ticket, and its writer has it again with the reason: an answer to a colleague's list."""
        back = (mail for mail in self._stage.mailbox(said.who) if mail.template == "feedback")
        apart = said.done is not None and said.done.ticket is None
        return apart and any(f"w{said.number}x" in mail.text for mail in back)

    def _kept(self, said: Said) -> bool:
        """It stands in a thread, or those in charge of the ticket heard that it is held."""
        told = said.done is not None and said.done.inbound in self._watch.held_mails()
        return told or any(f"w{said.number}x" in entry.text for entry in self._watch.all_entries())


def _every(get: Callable[[int], HeldReply | None]) -> Iterator[HeldReply]:
    """All held replies: they are counted from one."""
    return takewhile(bool, map(get, count(1)))  # type: ignore[arg-type]
