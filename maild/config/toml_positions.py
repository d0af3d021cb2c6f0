"""Finds the position of every key and table in a TOML text, because `tomllib` returns values only (TOML 1.0)."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress

Path = tuple[str | int, ...]
Position = tuple[int, int]  # line and column, both counted from 1, in characters, as tomllib counts them

_BLANK = re.compile(r"[ \t]*")
_BLANK_LINES = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}")
_PLAIN = re.compile(r"[^,\]}#\n]+")  # numbers, booleans and dates contain none of these characters


class _LostError(Exception):
    """The scanner met something unknown. The positions found before stay valid."""


def positions(text: str) -> dict[Path, Position]:
    """Return path -> (line, column) for each key, table and array element of a valid TOML text.

    An element of an array has its index in the path; so has a table in an array of tables. Each part of a dotted key
    has a place. A header `[a.b]` gives a place to `a` as well, unless `a` has its own. When the scanner meets something
    unknown it stops; callers then use the nearest parent's place."""
    scanner = _Scanner(text.replace("\r\n", "\n"))
    with suppress(_LostError):  # positions only improve messages; tomllib decides what is valid
        scanner.scan()
    return scanner.found


class _Scanner:
    """Scans the text once from left to right. `_at` is the offset of the next character."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, Position] = {(): (1, 1)}
        self._text = text
        self._at = 0
        self._line_starts = [0] + [match.end() for match in re.finditer("\n", text)]
        self._last_index: dict[Path, int] = {}  # array of tables -> index of its last element

    def scan(self) -> None:
        table: Path = ()
        while True:
            self._skip(_BLANK_LINES)
            if self._at >= len(self._text):
                return
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)

    # -- headers and keys ---------------------------------------------------------------------------------------

    def _header(self) -> Path:
        start = self._position(self._at)
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        keys = [key for key, _ in self._dotted_key()]
        self._expect("]" * brackets)
        path: Path = ()
        for key in keys[:-1]:
            path = (*path, key)
            self.found.setdefault(path, start)
            if path in self._last_index:
                path = (*path, self._last_index[path])
        path = (*path, keys[-1])
        if brackets == 2:
            self.found.setdefault(path, start)
            self._last_index[path] = self._last_index.get(path, -1) + 1
            path = (*path, self._last_index[path])
        self.found[path] = start  # a table's own header is a better place than that of an inner table
        return path

    def _pair(self, table: Path) -> None:
        path = table
        for key, position in self._dotted_key():
            path = (*path, key)
            self.found.setdefault(path, position)
        self._expect("=")
        self._skip(_BLANK)
        self._value(path)

    def _dotted_key(self) -> list[tuple[str, Position]]:
        keys = [self._key()]
        while self._text.startswith(".", self._at):
            self._at += 1
            keys.append(self._key())
        return keys

    def _key(self) -> tuple[str, Position]:
        self._skip(_BLANK)
        position = self._position(self._at)
        quoted = {'"': _BASIC, "'": _LITERAL}.get(self._text[self._at : self._at + 1])
        raw = self._take(quoted or _BARE_KEY)
        self._skip(_BLANK)
        return (_unquoted(raw) if quoted else raw), position

    # -- values -------------------------------------------------------------------------------------------------

    def _value(self, path: Path) -> None:
        rest = self._text[self._at : self._at + 3]
        if rest == '"""':
            self._take(_LONG_BASIC)
        elif rest == "'''":
            self._take(_LONG_LITERAL)
        elif rest[:1] == '"':
            self._take(_BASIC)
        elif rest[:1] == "'":
            self._take(_LITERAL)
        elif rest[:1] == "[":
            self._array(path)
        elif rest[:1] == "{":
            self._inline_table(path)
        else:
            self._take(_PLAIN)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while not self._closed("]"):
            self.found[(*path, index)] = self._position(self._at)
            self._value((*path, index))
            index += 1
            self._comma("]")

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while not self._closed("}"):
            self._pair(path)
            self._comma("}")

    def _closed(self, bracket: str) -> bool:
        self._skip(_BLANK_LINES)
        if not self._text.startswith(bracket, self._at):
            return False
        self._at += 1
        return True

    def _comma(self, bracket: str) -> None:
        self._skip(_BLANK_LINES)
        if self._text.startswith(",", self._at):
            self._at += 1
        elif not self._text.startswith(bracket, self._at):
            raise _LostError

    # -- characters ---------------------------------------------------------------------------------------------

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise _LostError
        self._at = match.end()
        return match.group()

    def _expect(self, characters: str) -> None:
        if not self._text.startswith(characters, self._at):
            raise _LostError
        self._at += len(characters)

    def _position(self, offset: int) -> Position:
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1


def _unquoted(key: str) -> str:
    """Return the name that a quoted key stands for. tomllib resolves the escapes."""
    return str(tomllib.loads(f"key = {key}")["key"])
