"""The names of tables, and references to them from other tables."""

from __future__ import annotations

from collections.abc import Iterable

from maild.config.problems import Diagnostics, Place, suggestion
from maild.config.toml_document import Node
from maild.domain.people.directory import name_key


class Names:
    """The names of one kind of table. They are compared by `name_key`, which ignores case, spaces and hyphens."""

    def __init__(self, kind: str, diagnostics: Diagnostics, built_in: Iterable[str] = ()) -> None:
        self._kind = kind
        self._findings = diagnostics
        self._names = {name_key(name): name for name in built_in}

    @classmethod
    def of_tables(
        cls,
        kind: str,
        tables: Iterable[Node],
        diagnostics: Diagnostics,
        built_in: Iterable[str] = (),
        default: str = "",
    ) -> Names:
        """Return the names of these tables and report duplicates.

        Tables with other mistakes are included, so that references to them still resolve. `default` is the name of a
        table that has none. A built-in name keeps its spelling."""
        names = cls(kind, diagnostics, built_in)
        first: dict[str, Place] = {}
        for node in tables:
            value_node = node.get("name")
            name = value_node.plain if value_node is not None else default
            if not isinstance(name, str) or (not name and value_node is None):
                continue
            key, place = name_key(name), node.at("name")
            if not key:
                diagnostics.problem(place, f"the {kind} has an empty name", "give it a name")
            elif key in first:
                diagnostics.problem(place, f"{kind} {name!r} exists already at {first[key]}", "choose another name")
            else:
                first[key] = place
                names._names.setdefault(key, name)
        return names

    def __contains__(self, name: str) -> bool:
        return name_key(name) in self._names

    def __len__(self) -> int:
        return len(self._names)

    def resolve(self, word: str, place: Place, label: str) -> str:
        """Return the name as its table writes it; "" for an empty word, and after reporting an unknown one."""
        if not word:
            return ""
        found = self._names.get(name_key(word))
        if found is None:
            remedy = (
                suggestion(word, self._names.values(), kind="choose from") or f"add a [[{self._kind}]] of that name"
            )
            self._findings.problem(place, f"{label}: there is no {self._kind} {word!r}", remedy)
        return found or ""
