"""Turns TOML tables into structs, key by key, so that all mistakes are reported and not only the first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import FieldInfo, fields

from maild.config import values
from maild.config.expressions import Pattern
from maild.config.problems import Diagnostics, Place, nearest, suggestion
from maild.config.secrets import Secret, SecretError, secret_from
from maild.config.toml_document import Document, Node
from maild.config.values import (
    DigestTime,
    DomainMask,
    DomainName,
    Endpoint,
    Glob,
    HeaderName,
    HostName,
    Language,
    Lines,
    Network,
    OneOrMore,
    Port,
    QuietHours,
    ScannerEndpoint,
    ServerName,
    Size,
    ZoneName,
)
from maild.domain.people.directory import Address
from maild.domain.times.calendars import Span

AnyTable = TypeVar("AnyTable", bound=Struct)


@dataclass(frozen=True, slots=True)
class ParsedTable(Generic[AnyTable]):
    """A table as a struct, with the node that knows the place of each key."""

    table: AnyTable
    node: Node

    def at(self, *path: str | int) -> Place:
        """Return the place of a key in this table."""
        return self.node.at(*path)


# Values that are written as text: their reader, and the description of what was expected.
_FROM_TEXT: Mapping[object, tuple[Callable[[str], object], str]] = {
    timedelta: (values.read_duration, 'a duration such as "15m"'),
    Size: (values.read_size, 'a size such as "25 MiB"'),
    ZoneName: (values.read_zone, 'a time zone such as "Europe/Berlin"'),
    HostName: (values.read_host, "a host name"),
    DomainMask: (values.read_domain_mask, 'a domain such as "client.example"'),
    DomainName: (values.read_domain, 'a domain such as "acme.example"'),
    Address: (values.read_address, 'an address such as "support@acme.example"'),
    Network: (values.read_network, 'an address or network such as "10.0.0.0/8"'),
    ServerName: (values.read_server_name, 'the name of a server such as "mx.acme.example"'),
    Glob: (values.read_glob, 'a pattern for addresses such as "*@monitor.example"'),
    HeaderName: (values.read_header_name, "a header name"),
    ScannerEndpoint: (values.read_scanner, 'the address of clamd, such as "unix:/run/clamav/clamd.ctl"'),
    Language: (values.read_language, 'a language such as "en"'),
    Pattern: (values.read_pattern, "a regular expression"),
    DigestTime: (values.read_digest, 'a time such as "daily 08:00"'),
    QuietHours: (values.read_quiet, 'quiet hours such as "20:00-07:00"'),
    Span: (values.read_span, 'opening hours such as "08:00-17:00"'),
}
_CHECKED: Mapping[object, Any] = {Port: Annotated[int, Meta(ge=1, le=65_535)], Lines: str}
# What people write for a key -> the key that they mean, where the spelling is too different to guess.
_CALLED: Mapping[str, str] = {
    "sender": "from",
    "recipient": "to",
    "headers": "header",
    "text": "body",
    "file": "attachment",
    "filename": "attachment",
    "silent": "mute",
    "key": "join",
    "plan": "sla_plan",
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BAD = object()  # a value that was reported as wrong


class TableReader:
    """Reads the tables of one document and reports mistakes to `diagnostics`."""

    def __init__(
        self,
        document: Document,
        diagnostics: Diagnostics,
        environ: Mapping[str, str],
        known: Mapping[str, tuple[type[Struct], bool]],
    ) -> None:
        """`known` maps each top-level table to its struct, and to whether there may be several of it."""
        self.document = document
        self.diagnostics = diagnostics
        self._environ = environ
        self._known = known

    def unknown_tables(self) -> None:
        """Report top-level keys and tables that do not exist in maild.toml."""
        for name, node in (self.document.root.table or {}).items():
            if name in self._known:
                continue
            if node.table is None and not node.array:
                owners = self._owners(name)
                remedy = f"write it under {owners}" if owners else "every key belongs to a table"
                self.diagnostics.problem(node.place, f"unknown key {name!r} outside of any table", remedy)
            else:
                near = nearest(name, self._known)
                remedy = f"did you mean {self._shown(near)}?" if near else f"known: {', '.join(sorted(self._known))}"
                self.diagnostics.problem(node.place, f"unknown table [{name}]", remedy)

    def one(self, name: str, kind: type[AnyTable]) -> ParsedTable[AnyTable] | None:
        """Return the table `[name]`; None when it is absent, or cannot be used and was reported."""
        node = self.document.root.get(name)
        if node is None:
            return None
        if node.table is None:
            self.diagnostics.problem(
                node.place, f"{name} may be written only once", f"write one table [{name}] with single brackets"
            )
            return None
        return self._table(kind, node, f"[{name}]", "")

    def many(self, name: str, kind: type[AnyTable], *, also_single: bool = False) -> tuple[ParsedTable[AnyTable], ...]:
        """Return the tables `[[name]]` that can be used, in their order."""
        node = self.document.root.get(name)
        if node is not None and node.table is not None and not also_single:
            self.diagnostics.problem(
                node.place, f"{name} is a list of tables", f"write [[{name}]] with double brackets"
            )
        read = (self._table(kind, each, f"[[{name}]]", "") for each in self.document.root.items(name))
        return tuple(parsed for parsed in read if parsed is not None)

    # -- tables -------------------------------------------------------------------------------------------------

    def _table(self, kind: type[AnyTable], node: Node, shown: str, prefix: str) -> ParsedTable[AnyTable] | None:
        if node.table is None:
            self.diagnostics.problem(node.place, f"expected a table {shown}, found {_found(node)}")
            return None
        expected = {field.encode_name: field for field in fields(kind)}
        for key, inner in node.table.items():
            if key not in expected:
                self._unknown_key(key, inner.place, expected, shown)
        read: dict[str, Any] = {}
        complete = True
        for key, field in expected.items():
            value_node = node.table.get(key)
            if value_node is None:
                complete &= self._absent(field, node, shown)
                continue
            value = self._value(field.type, value_node, prefix + key)
            if value is not _BAD:
                read[field.name] = value
            elif field.required:
                complete = False
        return ParsedTable(kind(**read), node) if complete else None

    def _absent(self, field: FieldInfo, node: Node, shown: str) -> bool:
        """Report a required key that is missing. Returns whether the table is complete without it."""
        if field.required:
            self.diagnostics.problem(node.place, f"{shown} needs {field.encode_name!r}, {_expected(field.type)}")
        return not field.required

    def _unknown_key(self, key: str, place: Place, expected: Mapping[str, object], shown: str) -> None:
        owners = self._owners(key)
        if not expected:
            remedy = "this version has no settings in this table"
        elif (called := _CALLED.get(key, "")) in expected:
            remedy = f"did you mean {called!r}?"
        elif nearest(key, expected) is None and owners:
            remedy = f"it belongs to {owners}"
        else:
            remedy = suggestion(key, expected)
        self.diagnostics.problem(place, f"unknown key {key!r} in {shown}", remedy)

    def _owners(self, key: str) -> str:
        """Return the tables that have this key, in words."""
        owners = [name for name, (kind, _) in self._known.items() if key in {f.encode_name for f in fields(kind)}]
        return " or ".join(map(self._shown, owners))

    def _shown(self, name: str) -> str:
        return f"[[{name}]]" if self._known[name][1] else f"[{name}]"

    # -- values -------------------------------------------------------------------------------------------------

    def _value(self, kind: Any, node: Node, label: str) -> object:
        """Return the value of a key as `kind`, or _BAD after reporting it."""
        kind = _without_none(kind)
        if get_origin(kind) is Annotated and OneOrMore in get_args(kind):
            kind = get_args(kind)[0]
            node = node if node.array is not None else Node(node.place, array=(node,))
        if get_origin(kind) is dict:
            return self._entries(kind, node, label)
        if get_origin(kind) is tuple:
            return self._elements(get_args(kind)[0], node, label)
        if isinstance(kind, type) and issubclass(kind, Struct):
            inner = self._table(kind, node, label, f"{label}.")
            return _BAD if inner is None else inner.table
        try:
            return self._leaf(kind, node, label)
        except SecretError as error:
            self.diagnostics.problem(node.place, f"{label}: {error.cause}", error.remedy)
        except ValueError as error:
            self.diagnostics.problem(node.place, f"{label}: {error}")
        return _BAD

    def _entries(self, kind: Any, node: Node, label: str) -> object:
        """Return a table whose keys the admin chooses."""
        key_kind, value_kind = get_args(kind)
        if node.table is None:
            self.diagnostics.problem(node.place, f"{label}: expected a table, found {_found(node)}")
            return _BAD
        entries = [
            (self._value(key_kind, Node(inner.place, key), label), self._value(value_kind, inner, f"{label}.{key}"))
            for key, inner in node.table.items()
        ]
        return _BAD if any(_BAD in entry for entry in entries) else dict(entries)

    def _elements(self, kind: Any, node: Node, label: str) -> object:
        if node.array is None:
            self.diagnostics.problem(node.place, f"{label}: expected a list, found {_found(node)}", "put it in [ ]")
            return _BAD
        elements = [self._value(kind, element, label) for element in node.array]
        return _BAD if any(element is _BAD for element in elements) else tuple(elements)

    def _leaf(self, kind: Any, node: Node, label: str) -> object:
        if kind is Secret:
            return self._secret(node, label)
        if node.table is not None or node.array is not None:
            raise ValueError(f"expected {_expected(kind)}, found {_found(node)}")
        if kind == (str | datetime):
            return values.read_start(node.plain)
        if kind in _FROM_TEXT or kind in (Path, Endpoint):
            if not isinstance(node.plain, str) or not node.plain:
                raise ValueError(f"expected {_expected(kind)}, found {_found(node)}")
            return self._from_text(kind, _one_line(node.plain))
        if kind is date and isinstance(node.plain, str) and _DATE.fullmatch(node.plain) and not _exists(node.plain):
            raise ValueError(f"the date {node.plain} does not exist; write a date such as 2026-12-24")
        value = _converted(_CHECKED.get(kind, kind), node)
        return _one_line(value) if isinstance(value, str) and kind is not Lines else value

    def _from_text(self, kind: Any, text: str) -> object:
        if kind is Path:
            return self.document.folder / text
        if kind is Endpoint:
            return values.read_endpoint(text, self.document.folder)
        return _FROM_TEXT[kind][0](text)

    def _secret(self, node: Node, label: str) -> Secret:
        if node.table is not None:
            form: str | Mapping[str, object] = {key: inner.plain for key, inner in node.table.items()}
        elif isinstance(node.plain, str):
            form = node.plain
        else:
            raise SecretError(f"expected {_expected(Secret)}, found {_found(node, secret=True)}")
        secret = secret_from(form, self.document.folder, self._environ)
        if not secret.kind:
            readable = " in a file that every user of this machine can read"
            self.diagnostics.warning(
                node.place,
                f"{label} is written in plain text{readable if node.place.file in self.document.shared else ''}",
                f'write {label} = {{ credential = "…" }} or {{ file = "…" }}',
            )
        return secret


def _exists(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _converted(kind: Any, node: Node) -> object:
    """Convert a value with msgspec, but use our own messages. Raises ValueError."""
    try:
        return msgspec.convert(node.plain, kind)
    except msgspec.ValidationError as error:
        choices = _choices(kind)
        found = _found(node)
        if choices and isinstance(node.plain, str) and (near := nearest(node.plain, choices)):
            found += f'; did you mean "{near}"?'
        raise ValueError(f"expected {_expected(kind)}, found {found}") from error


def _without_none(kind: Any) -> Any:
    """Return `X` for `X | None`; other unions stay as they are."""
    if get_origin(kind) not in (Union, UnionType):
        return kind
    rest = [each for each in get_args(kind) if each is not NoneType]
    return rest[0] if len(rest) == 1 else kind


def _choices(kind: Any) -> tuple[str, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(str(member.value) for member in kind)
    return ()


def _expected(kind: Any) -> str:
    """Describe a type in an admin's words."""
    if get_origin(kind) is Annotated:
        bounds = next(extra for extra in get_args(kind) if isinstance(extra, Meta))
        return f"a whole number from {bounds.ge} to {bounds.le}"
    if choices := _choices(kind):
        return "one of " + ", ".join(f'"{choice}"' for choice in choices)
    if kind in _FROM_TEXT:
        return _FROM_TEXT[kind][1]
    if get_origin(kind) is tuple:
        return f"a list, each {_expected(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, Struct):
        return "a table"
    names: dict[object, str] = {
        bool: "true or false",
        str: "a text",
        date: "a date such as 2026-12-24",
        Path: "the path of a file or folder",
        Endpoint: 'an address to listen at, such as "127.0.0.1:2525"',
        Secret: '{ credential = "…" }, { file = "…" } or { env = "…" }',
    }
    return names.get(kind, 'a date, "now" or "all"')


def _found(node: Node, *, secret: bool = False) -> str:
    """A value as the admin wrote it, cut; of a secret only its kind."""
    if node.table is not None:
        return "a table"
    if node.array is not None:
        return "a list"
    if isinstance(node.plain, bool):
        return "true" if node.plain else "false"
    if isinstance(node.plain, str):
        return f'"{node.plain[:60]}"' if node.plain else "an empty text"
    kind = "the number" if isinstance(node.plain, int | float) else "the date"
    return kind if secret else f"{kind} {node.plain}"


def _one_line(text: str) -> str:
    """Return the text. Raises ValueError for control characters, which could inject a header or a command."""
    if any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in text):
        raise ValueError(f"{text[:60]!r} contains a control character or a line break; remove it")
    return text
