"""Problems and warnings of a configuration: what is wrong, where, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

_NEAR = 0.6  # difflib's ratio; below it a name is too different to suggest


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file. Line and column count from 1; line 0 means the whole file."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake, shown on one line: `file:line:col: message; remedy`."""

    place: Place
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" + (f"; {self.remedy}" if self.remedy else "")


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds all mistakes, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Diagnostics:
    """Collects problems, which forbid a start, and warnings, which do not."""

    def __init__(self, top: Place) -> None:
        """`top` is the place of mistakes without a position, such as a missing table."""
        self.top = top
        self._problems: dict[Problem, None] = {}
        self._warnings: dict[Problem, None] = {}

    def problem(self, place: Place, message: str, remedy: str = "") -> None:
        """Add a problem. A repeated one counts once."""
        self._problems[Problem(place, message, remedy)] = None

    def warning(self, place: Place, message: str, remedy: str = "") -> None:
        """Add a warning. A repeated one counts once."""
        self._warnings[Problem(place, message, remedy)] = None

    def problems(self, files: Iterable[str]) -> tuple[Problem, ...]:
        """Return all problems, sorted by file (in the order they were read), line and column."""
        return _ordered(self._problems, files)

    def warnings(self, files: Iterable[str]) -> tuple[Problem, ...]:
        """Return all warnings in the same order."""
        return _ordered(self._warnings, files)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that is most similar; None when none is similar enough."""
    by_case = {name.casefold(): name for name in known}
    found = get_close_matches(word.casefold(), by_case, n=1, cutoff=_NEAR)
    return by_case[found[0]] if found else None


def suggestion(word: str, known: Iterable[str], *, kind: str = "known") -> str:
    """Return a remedy: `did you mean 'x'?`, or else the list of known words."""
    names = list(known)
    near = nearest(word, names)
    if near is not None:
        return f"did you mean {near!r}?"
    return f"{kind}: {', '.join(sorted(names))}" if names else ""


def _ordered(problems: Iterable[Problem], files: Iterable[str]) -> tuple[Problem, ...]:
    rank = {file: number for number, file in enumerate(files)}
    return tuple(sorted(problems, key=lambda p: (rank.get(p.place.file, -1), p.place.line, p.place.column)))
