"""Reads TOML files as one tree in which every node knows its place, and merges `maild.d/*.toml` into the main file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from maild.config import toml_positions as positions
from maild.config.problems import ConfigError, Place, Problem

# The beginning of tomllib's message -> the usual remedy.
_USUAL_CAUSES = (
    ("Illegal character", "is a closing quote missing?"),
    ("Invalid value", 'put text in quotes: "…"'),
    ("Cannot declare", "write the table only once, or use double brackets for a list of tables"),
    ("Cannot overwrite", "write a key once"),
    ("Duplicate inline table key", "write a key once"),
    ("Invalid date or datetime", "does this date exist?"),
    ("Expected '='", 'write key = "value"'),
)
_AT_LINE = re.compile(r"^(.{0,400}) \(at (?:line (\d{1,9}), column (\d{1,9})|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place. `plain` is the value of a leaf from tomllib; tables and arrays hold nodes instead."""

    place: Place
    plain: object = None
    table: Mapping[str, Node] | None = None
    array: tuple[Node, ...] | None = None

    def get(self, key: str) -> Node | None:
        """Return the node of a key; None when this is not a table or has no such key."""
        return (self.table or {}).get(key)

    def has_value(self, key: str) -> bool:
        """Say whether anything is written under a key. An unusable value counts; an empty list does not."""
        found = self.get(key)
        return found is not None and found.array != ()

    def items(self, key: str) -> tuple[Node, ...]:
        """Return the elements of the array under a key. A single table counts as an array of one."""
        found = self.get(key)
        if found is None:
            return ()
        return found.array if found.array is not None else (found,)

    def at(self, *path: str | int) -> Place:
        """Return the place of the value under `path`, or of the nearest parent that is written."""
        node = self
        for step in path:
            inner = node.get(step) if isinstance(step, str) else dict(enumerate(node.array or ())).get(step)
            if inner is None:
                break
            node = inner
        return node.place


@dataclass(frozen=True, slots=True)
class Document:
    """The merged configuration, its files, and the folder where relative paths start."""

    root: Node
    files: tuple[str, ...]
    folder: Path
    shared: frozenset[str] = field(default=frozenset())  # files that every user of this machine can read


def read_document(path: Path) -> Document:
    """Read `path` and then `maild.d/*.toml` beside it, sorted by name.

    A later file adds keys and tables, appends to arrays of tables, and overrides single values. Raises ConfigError for
    all files that cannot be read or are not TOML."""
    problems: list[Problem] = []
    nodes: list[Node] = []
    paths = [path, *_additions(path)]
    for file in paths:
        try:
            nodes.append(_read(file))
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    root = nodes[0]
    for node in nodes[1:]:
        root = _merged(root, node)
    shared = frozenset(str(file) for file in paths if file.stat().st_mode & 0o004)
    return Document(root, tuple(map(str, paths)), path.absolute().parent, shared)


def _additions(path: Path) -> Iterator[Path]:
    folder = path.parent / "maild.d"
    if folder.is_dir():
        yield from sorted((file for file in folder.glob("*.toml") if file.is_file()), key=lambda file: file.name)


def _read(file: Path) -> Node:
    """Read one file. Raises ConfigError when it is missing, not UTF-8 or not TOML."""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem(Place(str(file), 0), f"cannot read this file: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        found = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        raise ConfigError([Problem(Place(str(file), line, column), found, "save the file as UTF-8")]) from error
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(str(file), text, str(error))]) from error
    except RecursionError as error:
        raise ConfigError(
            [Problem(Place(str(file)), "arrays or tables are nested too deeply", "use fewer levels")]
        ) from error
    found_at = {path: Place(str(file), *spot) for path, spot in positions.positions(text).items()}
    return _node(values, (), found_at, Place(str(file)))


def _syntax_problem(file: str, text: str, error: str) -> Problem:
    """Return the problem for an error of tomllib, which gives the place only in words at the end of its message."""
    remedy = next((cause for beginning, cause in _USUAL_CAUSES if error.startswith(beginning)), "")
    match = _AT_LINE.match(error)
    if match is None:
        return Problem(Place(file), f"not TOML: {error}", remedy)
    message, line, column = match.groups()
    if line is None:
        lines = text.splitlines() or [""]
        end = Place(file, len(lines), len(lines[-1]) + 1)
        return Problem(end, f"not TOML: {message} at the end of the file", "is a bracket or quote left open?")
    return Problem(Place(file, int(line), int(column)), f"not TOML: {message}", remedy)


def _node(value: object, path: positions.Path, found_at: Mapping[positions.Path, Place], above: Place) -> Node:
    place = found_at.get(path, above)
    if isinstance(value, dict):
        return Node(place, table={key: _node(inner, (*path, key), found_at, place) for key, inner in value.items()})
    if isinstance(value, list):
        return Node(place, array=tuple(_node(v, (*path, i), found_at, place) for i, v in enumerate(value)))
    return Node(place, value)


def _merged(base: Node, extra: Node) -> Node:
    if base.table is not None and extra.table is not None:
        table = dict(base.table)
        for key, node in extra.table.items():
            table[key] = _merged(table[key], node) if key in table else node
        return Node(base.place, table=table)
    both = (*_tables(base), *_tables(extra))
    return Node(base.place, array=both) if _tables(base) and _tables(extra) else extra


def _tables(node: Node) -> tuple[Node, ...]:
    """Return the elements of an array of tables, a single table as one; empty for any other value."""
    elements = (node,) if node.table is not None else node.array or ()
    return elements if all(element.table is not None for element in elements) else ()
