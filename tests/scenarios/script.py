"""Scenarios as people read them: a title, what it shows, and steps, one a line, each with an indented block below it.

    An agent's answer goes to the customer, and its command is carried out.
    shows: scope r, verb close

    karen writes "Printer on fire"
        It burns.
    john answers new-ticket
        Use water.
        !close
    ticket 1: status closed, assignee john
    wait 61s
    karen gets reply
        + Use water.
        - !close

README.md in this folder tells the steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

HERE = Path(__file__).parent
_TAG = re.compile(r"(shows|defect): *(.+)")


@dataclass(frozen=True)
class Line:
    """One step with its place in the file, and the block below it."""

    number: int
    text: str
    block: str = ""


@dataclass(frozen=True)
class Scenario:
    """A folder of this room, read."""

    folder: Path
    title: str
    lines: tuple[Line, ...]
    shows: frozenset[str] = frozenset()
    defect: str = ""  # why it fails for the time being
    config: str = ""

    @property
    def name(self) -> str:
        return self.folder.name


@dataclass
class _Reading:
    title: list[str] = field(default_factory=list)
    shows: set[str] = field(default_factory=set)
    defects: list[str] = field(default_factory=list)
    steps: list[tuple[int, str, list[str]]] = field(default_factory=list)


def scenarios() -> list[Scenario]:
    """All of them, by name."""
    return [read(path.parent) for path in sorted(HERE.glob("[0-9]*/scenario.txt"))]


def read(folder: Path) -> Scenario:
    """The scenario of a folder. ValueError for a file without a title or without steps."""
    reading = _Reading()
    for number, raw in enumerate((folder / "scenario.txt").read_text(encoding="utf-8").splitlines(), 1):
        _take(reading, number, raw)
    if not reading.title or not reading.steps:
        raise ValueError(f"{folder.name}/scenario.txt needs a title and steps")
    config = folder / "config.toml"
    return Scenario(
        folder=folder,
        title=" ".join(reading.title),
        lines=tuple(Line(number, text, _block(block)) for number, text, block in reading.steps),
        shows=frozenset(reading.shows),
        defect=" ".join(reading.defects),
        config=config.read_text(encoding="utf-8") if config.exists() else "",
    )


def _take(reading: _Reading, number: int, raw: str) -> None:
    if raw.startswith(" ") or not raw:
        if reading.steps:
            reading.steps[-1][2].append(raw)
        return
    if raw.startswith("#"):
        return
    tag = _TAG.fullmatch(raw)
    if tag and tag[1] == "shows":
        reading.shows.update(word.strip() for word in tag[2].split(", "))
    elif tag:
        reading.defects.append(tag[2])
    elif not reading.steps and not _is_step(raw):
        reading.title.append(raw)
    else:
        reading.steps.append((number, raw.rstrip(), []))


def _is_step(raw: str) -> bool:
    """Does it look like the first step? Titles are sentences, which begin with a capital letter."""
    return raw[:1].islower()


def _block(lines: list[str]) -> str:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return dedent("\n".join(lines))


def spans(text: str) -> Iterator[tuple[int, str]]:
    """The parts of a duration such as "1d 2h": (1, "d"), (2, "h"). ValueError for anything else."""
    for part in text.split():
        found = re.fullmatch(r"([0-9]+)([dhms])", part)
        if not found:
            raise ValueError(f"{text!r} is no span of time: expected such as 61s, 15m, 1d 2h")
        yield int(found[1]), found[2]
