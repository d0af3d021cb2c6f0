"""What pyproject.toml asks people to install is used: a library that nothing imports is a risk without a return."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FRAME = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
FOR_DEVELOPERS = {"test", "soak"}

# What is declared although no module imports it, and why.
NOT_IMPORTED = {
    "markdown-it-py": "turns what an agent wrote into HTML; mail/ is going to import it for formatted answers",
    "psycopg": "SQLAlchemy imports it for URLs that begin with postgresql+psycopg://",
    "tzdata": "zoneinfo reads it on machines without time zones of their own",
}


def declared() -> set[str]:
    """The names of the libraries that maild and its extras ask for."""
    extras = FRAME["project"]["optional-dependencies"]
    asked = FRAME["project"]["dependencies"] + [
        line for name, lines in extras.items() if name not in FOR_DEVELOPERS for line in lines
    ]
    return {re.split(r"[\[<>=!~; ]", line)[0].lower() for line in asked}


def imported() -> set[str]:
    """The libraries that some module of maild imports, by statement or by name at run time."""
    libraries: dict[str, set[str]] = {}
    for module, names in packages_distributions().items():
        libraries[module] = {name.lower() for name in names}
    modules = {module for path in (CHECKOUT / "maild").rglob("*.py") for module in _modules_of(path)}
    return {name for module in modules for name in libraries.get(module, ())}


def _modules_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"import_module", "importlib.import_module"}:
            yield from (arg.value.partition(".")[0] for arg in node.args[:1] if isinstance(arg, ast.Constant))


def test_every_declared_library_is_imported_or_has_its_reason() -> None:
    assert declared() - imported() == set(NOT_IMPORTED)


def test_every_imported_library_is_declared() -> None:
    """What comes only because another library asks for it may be gone with that library's next version."""
    assert imported() - {"maild"} <= declared()
