"""The drawing in maild/__init__.py is true: every import of maild/ is read and held against the floors."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent

FLOORS = {
    "domain": 0,
    "mail": 1,
    "ports": 1,
    "config": 1,
    "maillog": 1,
    "services": 2,
    "store": 2,
    "sources": 2,
    "scanners": 2,
    "transports": 2,
    "daemon": 3,
    "cli": 4,
    "__main__": 5,
}

# A library or a module of the standard library that one room alone may import.
OWNERS = {
    "aiosmtpd": "sources",
    "alembic": "store",
    "apscheduler": "daemon",
    "cchardet": "mail",
    "click": "cli",
    "email": "mail",
    "imapclient": "sources",
    "imaplib": "sources",
    "jinja2": "mail",
    "linkify_it": "mail",
    "mailparser": "mail",
    "markdown_it": "mail",
    "nh3": "mail",
    "psycopg": "store",
    "rich": "cli",
    "smtplib": "transports",
    "sqlalchemy": "store",
    "sqlite3": "store",
    "tnefparse": "mail",
    "turbohtml": "mail",
}
# Libraries that any room above the ground may import, except ports.
ABOVE_GROUND = {"holidays", "idna", "msgspec", "structlog", "tzdata"}

# The ground judges; it neither looks at the world nor is it surprised by it.
WORLD = {
    "asyncio",
    "ctypes",
    "glob",
    "http",
    "io",
    "logging",
    "mailbox",
    "multiprocessing",
    "os",
    "pathlib",
    "random",
    "secrets",
    "select",
    "shutil",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "uuid",
}
WORLDLY_CALLS = {"open", "print", "input"}
CLOCK_READINGS = {"now", "utcnow", "today"}
# A ticket does not know that it came by mail.
READERS_OF_MESSAGE = ("maild.domain.classify", "maild.domain.route", "maild.domain.rules", "maild.domain.decide")

LONGEST_MODULE_LINES = 420
EMPTY_MODULE_NAMES = {"manager", "managers", "helper", "helpers", "util", "utils", "base", "info", "data", "payload"}
EMPTY_CLASS_NAME = re.compile(r"(?:\w*(?:Manager|Helper|Util)s?|Base|Info|Data|Payload|Service)\Z")


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: dotted name, path as shown to people, and text."""

    name: str
    path: str
    source: str

    @property
    def room(self) -> str:
        """The first name below maild; "" for maild itself."""
        return self.name.partition(".")[2].partition(".")[0]

    @property
    def package(self) -> str:
        return self.name if self.path.endswith("/__init__.py") else self.name.rpartition(".")[0]


def read_house(checkout: Path) -> list[Module]:
    """All modules under maild/."""
    modules = []
    for file in sorted((checkout / "maild").rglob("*.py")):
        path = file.relative_to(checkout)
        parts = path.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        modules.append(Module(name, path.as_posix(), file.read_text(encoding="utf-8")))
    return modules


def made_up(sources: Mapping[str, str]) -> list[Module]:
    """Modules from text; "store.rows" becomes maild.store.rows in maild/store/rows.py, "" the package itself."""
    modules = []
    for name, source in sources.items():
        path = f"maild/{name.replace('.', '/') or '__init__'}.py"
        modules.append(Module(f"maild.{name}".rstrip("."), path, source))
    return modules


def imports_of(module: Module, known: set[str]) -> Iterator[str]:
    """Dotted names of all that a module imports, wherever in the file; `from a import b` gives a.b if that is a module.

    Imports for type checkers and inside functions count too: they are knowledge of another room all the same.
    """
    for node in ast.walk(ast.parse(module.source, module.path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            for alias in node.names:
                below = f"{origin}.{alias.name}"
                is_module = below in known or (origin == "maild" and not alias.name.startswith("__"))
                yield below if is_module else origin
        elif isinstance(node, ast.Call) and _called(node.func) in {"import_module", "__import__"}:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = module.package.split(".")
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def complaints(modules: list[Module]) -> list[str]:
    """Every breach of the drawing, one sentence each."""
    known = {module.name for module in modules}
    imports = {module.name: sorted(set(imports_of(module, known))) for module in modules}
    found: list[str] = []
    for module in modules:
        found += _about_shape(module)
        found += [
            f"{module.path} imports {target}: {reason}"
            for target in imports[module.name]
            if (reason := _objection(module, target))
        ]
        if module.room == "domain":
            found += _about_ground(module)
    return found + [f"circle of imports: {' -> '.join(circle)}" for circle in circles(imports)]


def _objection(module: Module, target: str) -> str | None:
    top = target.partition(".")[0]
    if top != "maild":
        return _objection_to_library(module, top)
    room = target.partition(".")[2].partition(".")[0]
    if room == "" or module.room == room:
        return _objection_to_message(module, target)
    if module.room == "":
        return "the package itself imports no room, or each would import all"
    if module.room not in FLOORS or room not in FLOORS:
        return None if room in FLOORS else f"{room} is no room of the house"
    here, there = FLOORS[module.room], FLOORS[room]
    if there > here:
        return f"{module.room} may not import {room}: imports go downward only"
    if there == here and room != "ports":
        return f"{module.room} may not import {room}: rooms have no doors"
    return None


def _reads_mail(name: str) -> bool:
    """One of the four judges, or a file of one that is a folder."""
    return name.startswith(tuple(f"{reader}." for reader in READERS_OF_MESSAGE)) or name in READERS_OF_MESSAGE


def _objection_to_message(module: Module, target: str) -> str | None:
    if module.room != "domain" or target != "maild.domain.message" or _reads_mail(module.name):
        return None
    return "on the ground only classify, route, rules and decide may: a ticket does not know that it came by mail"


def _objection_to_library(module: Module, top: str) -> str | None:
    owner = OWNERS.get(top)
    if owner:
        return None if module.room == owner else f"only {owner} may import {top}"
    if module.room == "domain" and top in WORLD:
        return "domain may not: the ground has no I/O, clock, randomness or logging"
    if top in sys.stdlib_module_names:
        return None
    if module.room in {"domain", "ports", ""}:
        return f"{module.room or 'maild'} may not: it needs the standard library only"
    return None if top in ABOVE_GROUND else f"{top} is no library of the house (see OWNERS and ABOVE_GROUND here)"


def _about_shape(module: Module) -> Iterator[str]:
    lines = module.source.count("\n")
    if lines > LONGEST_MODULE_LINES:
        yield f"{module.path} has {lines} lines: more than {LONGEST_MODULE_LINES} is asking to be two modules"
    for part in module.name.split("."):
        if part in EMPTY_MODULE_NAMES:
            yield f"{module.path}: the name {part} says nothing about what is inside"
    if module.room and module.room not in FLOORS:
        yield f"{module.path}: {module.room} is no room of the house (see the drawing in maild/__init__.py)"
    for node in ast.walk(ast.parse(module.source, module.path)):
        if isinstance(node, ast.ClassDef) and EMPTY_CLASS_NAME.match(node.name):
            yield f"{module.path}:{node.lineno}: the class name {node.name} says nothing about what it is"


def _about_ground(module: Module) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.source, module.path)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in WORLDLY_CALLS:
            yield f"{module.path}:{node.lineno} calls {node.func.id}(): the ground has no I/O"
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_READINGS:
            yield f"{module.path}:{node.lineno} calls {node.func.attr}(): the ground has no clock, pass the time in"


def circles(imports: Mapping[str, list[str]]) -> list[list[str]]:
    """Each circle of imports once, beginning at its first name in alphabetical order."""
    found: list[list[str]] = []
    finished: set[str] = set()

    def walk(name: str, path: list[str]) -> None:
        if name in path:
            ring = path[path.index(name) :]
            start = ring.index(min(ring))
            circle = [*ring[start:], *ring[:start], ring[start]]
            if circle not in found:
                found.append(circle)
            return
        if name in finished:
            return
        for target in imports.get(name, []):
            # `from . import sibling` in a package names the package too; that alone is no circle.
            if target in imports and target != name:
                walk(target, [*path, name])
        finished.add(name)

    for name in sorted(imports):
        walk(name, [])
    return found


HOUSE = read_house(CHECKOUT)


def test_the_house_is_as_drawn() -> None:
    assert complaints(HOUSE) == []


def test_every_source_file_is_read() -> None:
    paths = {module.path for module in HOUSE}
    assert {"maild/__init__.py", "maild/domain/__init__.py"} <= paths
    assert len(paths) == sum(1 for _ in (CHECKOUT / "maild").glob("**/*.py"))


@pytest.mark.parametrize("module", [m for m in HOUSE if FLOORS.get(m.room, 9) < FLOORS["cli"]], ids=lambda m: m.path)
def test_a_forbidden_import_in_this_very_module_would_be_found(module: Module) -> None:
    spoilt = Module(module.name, module.path, module.source + "\nimport maild.cli.tickets\n")
    expected = f"{module.path} imports maild.cli.tickets: {module.room} may not import cli: imports go downward only"
    assert expected in complaints([spoilt])


BREACHES = {
    "neighbours have no doors": (
        {"store.rows": "from maild.services import receive"},
        "maild/store/rows.py imports maild.services: store may not import services: rooms have no doors",
    ),
    "neighbours on floor 1 neither": (
        {"mail.parse": "from maild.config import Settings"},
        "maild/mail/parse.py imports maild.config: mail may not import config: rooms have no doors",
    ),
    "nothing looks up": (
        {"services.deliver": "import maild.daemon"},
        "maild/services/deliver.py imports maild.daemon: services may not import daemon: imports go downward only",
    ),
    "a relative import is an import": (
        {"domain.sla": "from ..store import schema", "store.schema": ""},
        "maild/domain/sla.py imports maild.store.schema: domain may not import store: imports go downward only",
    ),
    "an import inside a function is one": (
        {"mail.render": "def f():\n    from maild import store"},
        "maild/mail/render.py imports maild.store: mail may not import store: imports go downward only",
    ),
    "an import for type checkers is one": (
        {"ports": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import maild.mail.parse"},
        "maild/ports.py imports maild.mail.parse: ports may not import mail: rooms have no doors",
    ),
    "an import by name is one": (
        {"config.read": "import importlib\nimportlib.import_module('maild.store')"},
        "maild/config/read.py imports maild.store: config may not import store: imports go downward only",
    ),
    "the package imports no room": (
        {"": "from maild.domain import ticket"},
        "maild/__init__.py imports maild.domain: the package itself imports no room, or each would import all",
    ),
    "the ground needs nothing": (
        {"domain.calendars": "import holidays"},
        "maild/domain/calendars.py imports holidays: domain may not: it needs the standard library only",
    ),
    "the ground has no randomness": (
        {"domain.token": "from secrets import token_hex"},
        "maild/domain/token.py imports secrets: domain may not: the ground has no I/O, clock, randomness or logging",
    ),
    "the ground has no clock": (
        {"domain.sla": "def f(datetime):\n    return datetime.now()"},
        "maild/domain/sla.py:2 calls now(): the ground has no clock, pass the time in",
    ),
    "the ground has no I/O": (
        {"domain.sla": "print(1)"},
        "maild/domain/sla.py:1 calls print(): the ground has no I/O",
    ),
    "a ticket does not know of mail": (
        {"domain.ticket": "from maild.domain.message import Envelope"},
        (
            "maild/domain/ticket.py imports maild.domain.message: on the ground only classify, route, rules and decide "
            "may: a ticket does not know that it came by mail"
        ),
    ),
    "ports needs the ground alone": (
        {"ports": "import msgspec"},
        "maild/ports.py imports msgspec: ports may not: it needs the standard library only",
    ),
    "sqlalchemy stays in the store": (
        {"services.process": "from sqlalchemy.orm import Session"},
        "maild/services/process.py imports sqlalchemy: only store may import sqlalchemy",
    ),
    "email stays in mail": (
        {"transports.smtp": "import email.utils"},
        "maild/transports/smtp.py imports email.utils: only mail may import email",
    ),
    "an unknown library is asked about": (
        {"mail.parse": "import requests"},
        "maild/mail/parse.py imports requests: requests is no library of the house (see OWNERS and ABOVE_GROUND here)",
    ),
    "no room outside the drawing": (
        {"webui.server": ""},
        "maild/webui/server.py: webui is no room of the house (see the drawing in maild/__init__.py)",
    ),
    "no circles": (
        {"mail.a": "from maild.mail import b", "mail.b": "from .c import x", "mail.c": "import maild.mail.a"},
        "circle of imports: maild.mail.a -> maild.mail.b -> maild.mail.c -> maild.mail.a",
    ),
    "no endless modules": (
        {"mail.parse": "x = 1\n" * 421},
        "maild/mail/parse.py has 421 lines: more than 420 is asking to be two modules",
    ),
    "no module names that say nothing": (
        {"mail.utils": ""},
        "maild/mail/utils.py: the name utils says nothing about what is inside",
    ),
    "no class names that say nothing": (
        {"mail.parse": "class PartManager: ..."},
        "maild/mail/parse.py:1: the class name PartManager says nothing about what it is",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_told_in_one_sentence(breach: str) -> None:
    sources, sentence = BREACHES[breach]
    told = complaints(made_up(sources))
    assert [line.replace("imports sqlalchemy.orm:", "imports sqlalchemy:") for line in told] == [sentence]


def test_what_the_drawing_allows_is_allowed() -> None:
    house = made_up(
        {
            "domain.message": "from dataclasses import dataclass",
            "domain.route": "from maild.domain.message import InboundMessage\nfrom . import token",
            "domain.token": "import hmac, hashlib",
            "ports": "from typing import Protocol\nfrom maild.domain.message import InboundMessage",
            "mail.parse": "import email.parser\nfrom maild.ports import Resolver\nfrom maild.domain import message",
            "config.read": "import msgspec, holidays, pathlib",
            "store.rows": "import sqlalchemy\nfrom maild.config import Settings\nfrom maild import ports",
            "services.process": "from maild.mail.parse import parse\nfrom maild import __version__",
            "daemon.compose": "import maild.store.rows, maild.services.process, apscheduler.schedulers.background",
            "cli.run": "import click\nfrom maild import daemon\nfrom maild.domain import ticket",
            "__main__": "from maild.cli import main",
        }
    )
    assert complaints(house) == []
