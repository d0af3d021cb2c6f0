"""Canned answers, which agents add with !tpl: templates/canned/NAME.txt.j2, the admin's folder first. Text only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, FileSystemLoader

from maild.mail.templates.filters import FILTERS
from maild.mail.templates.render import shipped_templates
from maild.mail.templates.sandbox import MAX_STEPS, Sandbox, step_budget

_FOLDER = "canned"
_SUFFIX = ".txt.j2"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
_LONGEST = 100_000  # characters of one canned answer


class CannedTexts:
    """The canned answers of a template folder, and the shipped ones. Several threads may share it."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folders = [path / _FOLDER for path in (folder, shipped_templates()) if path is not None]
        self._sandbox = Sandbox(ChoiceLoader([FileSystemLoader(str(path)) for path in self._folders]), FILTERS)
        self._sandbox.undefined = ChainableUndefined  # a variable without a value is empty, so `what or "…"` works

    def names(self) -> tuple[str, ...]:
        """Return the names of all canned answers, in alphabetical order."""
        files = (file.name for folder in self._folders if folder.is_dir() for file in folder.iterdir())
        names = {name.removesuffix(_SUFFIX) for name in files if name.endswith(_SUFFIX)}
        return tuple(sorted(name for name in names if _NAME.fullmatch(name)))

    def render(self, name: str, variables: Mapping[str, Any]) -> str | None:
        """Render a canned answer; None if there is none of this name.

        Case, spaces and underscores in the name do not matter. Raises ValueError, with the reason, if the template
        fails."""
        wanted = name.strip().casefold().replace("_", "-").replace(" ", "-")
        if wanted not in self.names():
            return None
        try:
            with step_budget(MAX_STEPS):
                made = self._sandbox.get_template(wanted + _SUFFIX).render(dict(variables))
        except Exception as failure:
            # A template is the admin's program: any exception is its failure, and the agent is told.
            raise ValueError(f'the canned text "{wanted}" cannot be made: {failure}') from failure
        return made.strip()[:_LONGEST]
