"""Who may act as an agent: every combination of the five things that speak for one, and the ladders of proof.

In strict only the mail acts for which all five hold: From on file, a passed authentication, the sealed address that
this agent was given, the right to the ticket as it is now, and a person behind it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from tests.rig.misses import in_turn
from tests.rig.office import Office
from tests.scenarios.invariants import Watch
from tests.scenarios.mail_client import Mail, Writing
from tests.scenarios.stage import CONFIG, PEOPLE, Stage

JOHN, JANE, KAREN, MALLORY = (PEOPLE[who][1] for who in ("john", "jane", "karen", "mallory"))
OWN_DEPARTMENT = 'addresses = ["john@acme.example", "john@home.example"]\ndepartments = ["support"]'
assert OWN_DEPARTMENT in CONFIG
MOVED_AWAY = CONFIG.replace(OWN_DEPARTMENT, OWN_DEPARTMENT.replace("support", "sysadmins"))

WORDS = "Use water, it is nothing but a toner fire."
PROOF = '[security]\nagent_proof = "{}"\n'
AFTER_THE_HOLD = timedelta(minutes=3)


@dataclass(frozen=True)
class Cell:
    """What speaks for the writer of a mail."""

    sender: str = JOHN
    proof: str = "pass"
    to: str = "own"  # whose sealed address: "own", "jane", "bent" (one letter is wrong), "" for none
    right: bool = True
    automatic: bool = False


@dataclass(frozen=True)
class Came:
    """What came of a mail with a text and a command."""

    acted: bool
    left: bool  # the text reached the customer
    noted: bool
    asked: bool  # the agent was asked at the address on file
    outcome: str


# How each of the five can be missing. The first way stands in the matrix.
MISSING: dict[str, tuple[dict[str, Any], ...]] = {
    "from": ({"sender": MALLORY}, {"sender": JANE}, {"sender": KAREN}),
    "authentication": ({"proof": "fail"}, {"proof": "none"}),
    "token": ({"to": ""}, {"to": "jane"}, {"to": "bent"}),
    "right": ({"right": False},),
    "person": ({"automatic": True},),
}


def _cells() -> Iterator[Any]:
    for held in product((True, False), repeat=len(MISSING)):
        lacks = [name for name, holds in zip(MISSING, held, strict=True) if not holds]
        cell = Cell()
        for name in lacks:
            cell = replace(cell, **MISSING[name][0])
        yield pytest.param(cell, not lacks, id="all five" if not lacks else f"no {', no '.join(lacks)}")


def _other_ways() -> Iterator[Any]:
    for name, ways in MISSING.items():
        for way in ways[1:]:
            yield pytest.param(replace(Cell(), **way), id=f"{name}: {next(iter(way.values()))}")


def came_of(office: Office, cell: Cell, text: str = f"{WORDS}\n!resolve") -> Came:
    """Karen's ticket, then a mail of this cell."""
    stage = Stage(office)
    stage.send(stage.programs["karen"].write(office.clock.now(), "It burns.", Writing(subject="Printer on fire")))
    notice = stage.newest("john", "new-ticket")
    if not cell.right:
        office.configure(MOVED_AWAY)
    watch = Watch(stage)
    done = stage.send(_mail(stage, notice, cell, text)).done[-1]
    faults = watch.faults()
    ticket = office.ticket(1)
    stage.let_pass(AFTER_THE_HOLD)
    assert not [*faults, *watch.faults()], stage.story
    return Came(
        acted=ticket["status"] != "open" or ticket["requester"]["address"] != KAREN,
        left=any(WORDS in mail.words for mail in stage.mailbox("karen")),
        noted=any(entry["kind"] == "note" and WORDS in entry["text"] for entry in ticket["entries"]),
        asked=any(mail.template == "was-this-you" for mail in stage.mailbox("john")),
        outcome=done.outcome,
    )


def _mail(stage: Stage, notice: Mail, cell: Cell, text: str) -> bytes:
    writing = Writing(
        sender=cell.sender,
        proof=cell.proof,
        to=_address(stage, notice, cell.to),
        fields={"Auto-Submitted": "auto-generated"} if cell.automatic else {},
    )
    if cell.to == "own":
        return stage.programs["john"].answer(stage.office.clock.now(), notice, text, writing)
    # Without the sealed address only the subject leads to the ticket: references would be marks of their own.
    return stage.programs["john"].write(stage.office.clock.now(), text, replace(writing, subject=notice.subject))


def _address(stage: Stage, notice: Mail, whose: str) -> str:
    if whose == "jane":
        return stage.newest("jane", "new-ticket").reply_to
    if whose == "bent":
        return re.sub(r"(.)@", lambda found: f"{'0' if found[1] != '0' else '1'}@", notice.reply_to)
    return notice.reply_to if whose else "support@acme.example"


@in_turn(("cell", "acts"), list(_cells()))
def test_in_strict_only_all_five_together_act(cell: Cell, acts: bool, office_with: Callable[[str], Office]) -> None:
    came = came_of(office_with(PROOF.format("strict")), cell)
    assert (came.acted, came.left) == (acts, acts), came


@in_turn("cell", list(_other_ways()))
def test_in_strict_no_other_way_of_missing_one_acts(cell: Cell, office_with: Callable[[str], Office]) -> None:
    came = came_of(office_with(PROOF.format("strict")), cell)
    assert (came.acted, came.left) == (False, False), came


# -- the ladders of the two milder levels --------------------------------------------------------------------------

SEALED, BARE = Cell(), Cell(to="")
# (evidence, acts?, reaches the customer?, stays as a note?, is asked about?)
NORMAL = [
    ("sealed, verified", SEALED, (True, True, False, False)),
    ("sealed, no result", replace(SEALED, proof="none"), (True, True, False, False)),
    ("sealed, failed", replace(SEALED, proof="fail"), (False, False, False, True)),
    ("subject alone, verified", BARE, (False, False, False, True)),
    ("subject alone, no result", replace(BARE, proof="none"), (False, False, False, True)),
    ("subject alone, failed", replace(BARE, proof="fail"), (False, False, False, True)),
    ("sealed, but another sender", replace(SEALED, sender=MALLORY), (False, False, False, False)),
    ("sealed, but automatic", replace(SEALED, automatic=True), (False, False, False, False)),
]
TRUSTING = [
    ("sealed, verified", SEALED, (True, True, False, False)),
    ("sealed, no result", replace(SEALED, proof="none"), (True, True, False, False)),
    ("sealed, failed", replace(SEALED, proof="fail"), (True, True, False, False)),
    ("subject alone, verified", BARE, (False, False, False, True)),
    ("subject alone, no result", replace(BARE, proof="none"), (False, False, False, True)),
    ("subject alone, failed", replace(BARE, proof="fail"), (False, False, False, True)),
    ("sealed, but another sender", replace(SEALED, sender=MALLORY), (False, False, False, False)),
    ("sealed, but automatic", replace(SEALED, automatic=True), (False, False, False, False)),
]


def _ladder() -> Iterator[Any]:
    for level, rows in (("normal", NORMAL), ("trusting", TRUSTING)):
        yield from (pytest.param(level, cell, expected, id=f"{level}: {name}") for name, cell, expected in rows)


@in_turn(("level", "cell", "expected"), list(_ladder()))
def test_each_rung_allows_what_it_should(
    level: str, cell: Cell, expected: tuple[bool, ...], office_with: Callable[[str], Office]
) -> None:
    came = came_of(office_with(PROOF.format(level)), cell)
    assert (came.acted, came.left, came.noted, came.asked) == expected, came


@pytest.mark.parametrize("level", ["normal", "trusting"])
def test_a_verified_agent_without_the_sealed_address_notes_and_does_not_answer(
    level: str, office_with: Callable[[str], Office]
) -> None:
    came = came_of(office_with(PROOF.format(level)), BARE, WORDS)
    assert (came.left, came.noted, came.outcome) == (False, True, "noted"), came


@pytest.mark.parametrize("level", ["strict", "normal", "trusting"])
def test_a_question_to_the_agent_is_never_asked_of_the_sender(level: str, office_with: Callable[[str], Office]) -> None:
    office = office_with(PROOF.format(level))
    came = came_of(office, Cell(proof="fail", to=""))
    assert came.asked
    assert not office.sent_to(MALLORY)
