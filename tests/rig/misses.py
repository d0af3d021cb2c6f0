"""Many cases of one assertion in one test: all are tried, and the failure names every case that missed.

    @in_turn("status", Status)
    @in_turn(("line", "wanted"), [("!take", ("john",)), ("!drop", ())])
    def test_commands(line, wanted, status): ...

It is written like `pytest.mark.parametrize`, and makes one test where that makes one for each case. Take it where a
case needs nothing of its own: no mark, no fixture that a case before it has changed.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pytest
from _pytest.mark import ParameterSet  # what pytest.param makes

Ids = Iterable[str] | Callable[[Any], object] | None
FAILURES = (Exception, pytest.fail.Exception)
LONGEST_MISS = 2000  # characters


class Cases:
    """The values of some arguments, case by case, each with the words that name it."""

    def __init__(self, names: str | Sequence[str], values: Iterable[Any], ids: Ids) -> None:
        self.names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
        single = isinstance(names, str) and len(self.names) == 1
        given = ids if callable(ids) or ids is None else list(ids)
        self.arguments: list[Mapping[str, Any]] = []
        self.labels: list[str] = []
        for number, value in enumerate(values):
            param = value if isinstance(value, ParameterSet) else ParameterSet.param(*((value,) if single else value))
            row, label = param.values, param.id
            assert not param.marks, f"a case of {self.names} has a mark: it needs a test of its own"
            assert len(row) == len(self.names), f"{self.names} do not fit {row!r}"
            self.arguments.append(dict(zip(self.names, row, strict=True)))
            if callable(given):
                label = "-".join(str(given(each)) for each in row)
            elif given is not None:
                label = given[number]
            self.labels.append(str(label or ", ".join(f"{name}={each!r}" for name, each in self.arguments[-1].items())))


def in_turn(names: str | Sequence[str], values: Iterable[Any], ids: Ids = None) -> Callable[..., Any]:
    """Try the test function with each of these values. More than one on a function: with every combination."""
    cases = Cases(names, values, ids)
    assert cases.labels, f"there is no case of {names}"

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        before: list[Cases] = getattr(function, "_cases", [])
        inner = getattr(function, "_inner", function)
        all_cases = [cases, *before]

        @functools.wraps(inner)
        def test(**fixtures: Any) -> None:
            misses: list[str] = []
            first: BaseException | None = None
            tried = 0
            for combination in itertools.product(*(zip(c.labels, c.arguments, strict=True) for c in all_cases)):
                tried += 1
                arguments = {name: value for _, row in combination for name, value in row.items()}
                try:
                    inner(**fixtures, **arguments)
                except FAILURES as problem:
                    first = first or problem
                    misses.append(f"[{' | '.join(label for label, _ in combination)}] {_told(problem)}")
            if first is not None:
                raise AssertionError(f"{len(misses)} of {tried} cases missed:\n" + "\n".join(misses)) from first

        taken = {name for c in all_cases for name in c.names}
        signature = inspect.signature(inner)
        assert taken <= set(signature.parameters), f"{function.__name__} does not take {taken}"
        kept = [parameter for name, parameter in signature.parameters.items() if name not in taken]
        test.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]  # what pytest reads
        test._cases, test._inner = all_cases, inner  # type: ignore[attr-defined]
        return test

    return decorate


def _told(problem: BaseException) -> str:
    """Where in the tests it failed, and with which words."""
    lines = [frame for frame in traceback.extract_tb(problem.__traceback__) if "/tests/" in frame.filename]
    words = str(problem).strip()[:LONGEST_MISS] or "no words"
    return f"line {lines[-1].lineno if lines else '?'}: {type(problem).__name__}: {words}"
