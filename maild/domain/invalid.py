"""What is wrong with words that should have had a meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Invalid:
    """Why an argument cannot be used. `instead` is what was probably meant; None when nobody can tell."""

    message: str
    instead: str | None = None
