"""Configurations for the tests: the least that loads, and ways to load a text."""

from collections.abc import Mapping
from pathlib import Path

from maild.config import ConfigError, Settings, load

LEAST = """\
[helpdesk]
name = "Acme Support"
address = "support@acme.example"
[relay]
maildir = "sent"
"""


def loaded(folder: Path, text: str = "", *, environ: Mapping[str, str] | None = None, least: str = LEAST) -> Settings:
    """The settings of the least configuration with `text` after it."""
    path = folder / "maild.toml"
    path.write_text(least + text, encoding="utf-8")
    return load(path, environ=environ or {})


def problems(folder: Path, text: str, *, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with it, without the places."""
    try:
        loaded(folder, text, environ=environ)
    except ConfigError as error:
        return [f"{problem.message}; {problem.remedy}" for problem in error.problems]
    return []
