"""The drawing in maild/__init__.py is true: every import of maild/ is read and held against the floors."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
from pathlib import Path

from tests.rig.misses import in_turn

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

# The wings of a room, from its lowest floor up: each folder and each module at the room's root. A wing imports wings
# of lower floors alone. The words behind each name say why the wing lies so low; a breach repeats them.
WINGS: dict[str, list[dict[str, str]]] = {
    "domain": [
        {
            "invalid": "an error message says what is wrong with words, whatever they are about",
            "times": "hours and calendars belong to nobody",
        },
        {"people": "people are there before their mails and tickets"},
        {
            "messages": "a mail and its marks are read before anybody knows the ticket",
            "tickets": "a ticket knows neither its deadlines, nor who hears of it, nor that it came by mail",
        },
        {
            "query": "a question is a list of conditions, whoever asks it and however",
            "sla": "deadlines follow from a ticket's events and a plan, and mail nobody",
        },
        {
            "policy": "the policy is what the configuration says, not what becomes of a mail",
            "reports": "statistics count what happened and change nothing",
        },
        {
            "notices": "who hears of an event depends on the event, not on who decided it",
            "plan_change": "a plan changes with its ticket, whoever changed the ticket",
        },
        {"effects": "an effect is data, whatever decision asks for it"},
        {"decision": "a decision is data, whoever makes it"},
        {
            "escalation": "a deadline passes without any mail or command",
            "lookups": "what a command may ask is the same for all verbs",
        },
        {"commands": "a verb means the same in a mail, in an answer to a list and on the command line"},
        {
            "agent_mail": "an agent's words act alike, by whatever way the mail found its ticket",
            "queries": "a question is understood before anybody knows what becomes of its mail",
        },
        {"intake": "it judges whole mails and lies above everything that judging needs"},
    ],
    "services": [
        {"helpdesk": "the settings are read before any use case begins"},
        {"work": "the transaction, the moment and a failing ticket are the same for every use case"},
        {
            "listing": "rows of a list are the same for mails and for the command line",
            "notices": "a notice is queued by whoever causes it, and causes nothing itself",
            "sla_index": "the columns of a ticket's deadlines are computed for whoever changes a ticket",
        },
        {"reports": "a report reads and is queued; it changes no ticket"},
        {
            "apply": "every decision is applied in the same way, whoever made it",
            "queries": "a question reads and changes no ticket, whatever decision asks it",
        },
        {
            "agents": "an admin changes an agent without any mail",
            "escalation": "a deadline passes without any mail",
            "housekeeping": "a timer rings without any mail",
        },
        {
            "deliver": "mail leaves without regard to mail that comes in",
            "intake": "it takes whole mails in; of the services only the command line's verbs stand above",
            "tick": "time passes without any mail",
        },
        {"admin_command": "it lies above everything that a verb may do"},
    ],
    "mail": [
        {
            "quoting": "quotes are found in text, whatever mail it came in",
            "text": "text is decoded and cleaned, wherever it came from",
        },
        {
            "headers": "a header field is read alone, without the body",
            "templates": "a template makes words, not mails",
        },
        {
            "compose": "a mail is written without reading another one",
            "reading": "a mail is read alike in any process",
        },
        {"worker": "it lies above all that its process runs"},
    ],
}
MOST_FILES_AT_THE_ROOT = {"domain": 9, "services": 9}
MOST_FILES_IN_A_FOLDER = 22

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
    "re2": "config",
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
MESSAGE = "maild.domain.messages.message"
READERS_OF_MESSAGE = {"intake", "messages"}

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
        return _room(self.name)

    @property
    def wing(self) -> str:
        """The second name below maild: a folder or a module at the root of a room; "" for the room itself."""
        return _wing(self.name)

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]

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
    found: list[str] = list(_about_folders(modules))
    for module in modules:
        found += _about_shape(module)
        found += _about_wing(module)
        found += [
            f"{module.path} imports {target}: {reason}"
            for target in imports[module.name]
            if (reason := _objection(module, target))
        ]
        if module.room == "domain":
            found += _about_ground(module)
    found += [f"circle of imports: {' -> '.join(circle)}" for circle in circles(imports)]
    return found + [f"circle of wings: {' -> '.join(circle)}" for circle in circles(_between_wings(imports))]


def _room(name: str) -> str:
    return name.partition(".")[2].partition(".")[0]


def _wing(name: str) -> str:
    return name.partition(".")[2].partition(".")[2].partition(".")[0]


def _between_wings(imports: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Which wings each wing imports, within the rooms that have wings."""
    wings: dict[str, set[str]] = {}
    for name, targets in imports.items():
        if (room := _room(name)) in WINGS and _wing(name):
            neighbours = {f"{room}.{_wing(target)}" for target in targets if _room(target) == room and _wing(target)}
            wings.setdefault(f"{room}.{_wing(name)}", set()).update(neighbours)
    return {wing: sorted(neighbours) for wing, neighbours in wings.items()}


def _objection(module: Module, target: str) -> str | None:
    top = target.partition(".")[0]
    if top != "maild":
        return _objection_to_library(module, top)
    room = _room(target)
    if room == "":
        return None
    if module.room == room:
        return _objection_to_message(module, target) or _objection_to_wing(module, target)
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


def _objection_to_message(module: Module, target: str) -> str | None:
    if module.room != "domain" or target != MESSAGE or module.wing in READERS_OF_MESSAGE:
        return None
    return "on the ground only intake may: a ticket does not know that it came by mail"


def _floor_of(room: str, wing: str) -> int | None:
    return next((number for number, floor in enumerate(WINGS.get(room, [])) if wing in floor), None)


def _objection_to_wing(module: Module, target: str) -> str | None:
    room, wing = module.room, _wing(target)
    if room not in WINGS or not wing or wing == module.wing:
        return None
    here, there = _floor_of(room, module.wing), _floor_of(room, wing)
    if not module.wing:
        return f"the root of {room} imports no wing, or each wing would import all"
    if here is None or there is None or there < here:
        return None
    why = WINGS[room][here][module.wing]
    if there == here:
        return f"the wings {module.wing} and {wing} of {room} lie on one floor and have no doors: {why}"
    return f"in {room} the wing {module.wing} lies below {wing}: {why}"


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


def _about_wing(module: Module) -> Iterator[str]:
    if module.room not in WINGS or not module.wing:
        return
    if _floor_of(module.room, module.wing) is None:
        yield f"{module.path}: the wing {module.wing} of {module.room} has no floor (see WINGS in tests/test_floors.py)"
    if module.path.endswith("/__init__.py") and not ast.get_docstring(ast.parse(module.source)):
        yield f"{module.path} does not say what lies in this wing and who may import it"


def _about_folders(modules: list[Module]) -> Iterator[str]:
    files = Counter(module.folder for module in modules)
    for folder, number in sorted(files.items()):
        if number > MOST_FILES_IN_A_FOLDER:
            yield f"{folder} holds {number} files: more than {MOST_FILES_IN_A_FOLDER} is asking for a wing"
    for room, most in MOST_FILES_AT_THE_ROOT.items():
        if (number := files[f"maild/{room}"]) > most:
            yield f"maild/{room} holds {number} files at its root: more than {most} belong into wings"


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


@in_turn("module", [m for m in HOUSE if FLOORS.get(m.room, 9) < FLOORS["cli"]], ids=lambda m: m.path)
def test_a_forbidden_import_in_this_very_module_would_be_found(module: Module) -> None:
    spoilt = Module(module.name, module.path, module.source + "\nimport maild.cli.tickets\n")
    expected = f"{module.path} imports maild.cli.tickets: {module.room} may not import cli: imports go downward only"
    assert expected in complaints([spoilt])


def test_every_wing_of_the_table_is_there() -> None:
    there = {(module.room, module.wing) for module in HOUSE}
    drawn = {(room, wing) for room, floors in WINGS.items() for floor in floors for wing in floor}
    assert drawn - there == set()


def test_the_drawing_of_the_wings_is_this_table() -> None:
    drawing = " ".join((ast.get_docstring(ast.parse(HOUSE[0].source)) or "").split())
    for room, floors in WINGS.items():
        assert f"{room} {' < '.join(', '.join(sorted(floor)) for floor in floors)} " in drawing


def test_no_wing_of_this_house_could_reach_up_unseen() -> None:
    for room, floors in WINGS.items():
        for below, above in pairwise(floors):
            for low, high in product(below, above):
                spoilt = made_up({f"{room}.{low}": f"from maild.{room} import {high}", f"{room}.{high}": ""})
                sentence = f"in {room} the wing {low} lies below {high}: {below[low]}"
                assert complaints(spoilt) == [f"maild/{room}/{low}.py imports maild.{room}.{high}: {sentence}"]


BREACHES = {
    "neighbours have no doors": (
        {"store.rows": "from maild.services import receive"},
        "maild/store/rows.py imports maild.services: store may not import services: rooms have no doors",
    ),
    "neighbours on floor 1 neither": (
        {"mail.reading.parse": "from maild.config import Settings"},
        "maild/mail/reading/parse.py imports maild.config: mail may not import config: rooms have no doors",
    ),
    "nothing looks up": (
        {"services.deliver": "import maild.daemon"},
        "maild/services/deliver.py imports maild.daemon: services may not import daemon: imports go downward only",
    ),
    "a relative import is an import": (
        {"domain.sla.clocks": "from ...store import schema", "store.schema": ""},
        "maild/domain/sla/clocks.py imports maild.store.schema: domain may not import store: imports go downward only",
    ),
    "an import inside a function is one": (
        {"mail.templates.render": "def f():\n    from maild import store"},
        "maild/mail/templates/render.py imports maild.store: mail may not import store: imports go downward only",
    ),
    "an import for type checkers is one": (
        {"ports": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import maild.mail.reading.parse"},
        "maild/ports.py imports maild.mail.reading.parse: ports may not import mail: rooms have no doors",
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
        {"domain.times.calendars": "import holidays"},
        "maild/domain/times/calendars.py imports holidays: domain may not: it needs the standard library only",
    ),
    "the ground has no randomness": (
        {"domain.messages.reply_tokens": "from secrets import token_hex"},
        (
            "maild/domain/messages/reply_tokens.py imports secrets: domain may not: the ground has no I/O, clock, "
            "randomness or logging"
        ),
    ),
    "the ground has no clock": (
        {"domain.sla.clocks": "def f(datetime):\n    return datetime.now()"},
        "maild/domain/sla/clocks.py:2 calls now(): the ground has no clock, pass the time in",
    ),
    "the ground has no I/O": (
        {"domain.sla.clocks": "print(1)"},
        "maild/domain/sla/clocks.py:1 calls print(): the ground has no I/O",
    ),
    "a ticket does not know of mail": (
        {"domain.tickets.ticket": "from maild.domain.messages.message import Envelope", "domain.messages.message": ""},
        (
            "maild/domain/tickets/ticket.py imports maild.domain.messages.message: on the ground only intake may: "
            "a ticket does not know that it came by mail"
        ),
    ),
    "an agent's mail is judged without the message": (
        {"domain.agent_mail.judge": "from maild.domain.messages import message", "domain.messages.message": ""},
        (
            "maild/domain/agent_mail/judge.py imports maild.domain.messages.message: on the ground only intake may: "
            "a ticket does not know that it came by mail"
        ),
    ),
    "no wing reaches up": (
        {"domain.tickets.ticket": "from maild.domain.sla.clocks import clocks_of", "domain.sla.clocks": ""},
        (
            "maild/domain/tickets/ticket.py imports maild.domain.sla.clocks: in domain the wing tickets lies below "
            "sla: a ticket knows neither its deadlines, nor who hears of it, nor that it came by mail"
        ),
    ),
    "no module at the root reaches up": (
        {"services.helpdesk": "from maild.services.intake import process", "services.intake.process": ""},
        (
            "maild/services/helpdesk.py imports maild.services.intake.process: in services the wing helpdesk lies "
            "below intake: the settings are read before any use case begins"
        ),
    ),
    "wings on one floor have no doors": (
        {"domain.messages.subject": "def f():\n    import maild.domain.tickets.ticket", "domain.tickets.ticket": ""},
        (
            "maild/domain/messages/subject.py imports maild.domain.tickets.ticket: the wings messages and tickets of "
            "domain lie on one floor and have no doors: a mail and its marks are read before anybody knows the ticket"
        ),
    ),
    "the root of a room imports no wing": (
        {"mail": "from maild.mail.text import cleaning", "mail.text.cleaning": ""},
        (
            "maild/mail.py imports maild.mail.text.cleaning: the root of mail imports no wing, or each wing would "
            "import all"
        ),
    ),
    "every wing has a floor": (
        {"services.billing.invoices": ""},
        (
            "maild/services/billing/invoices.py: the wing billing of services has no floor (see WINGS in "
            "tests/test_floors.py)"
        ),
    ),
    "no folder overflows": (
        {f"store.table_{number}": "" for number in range(23)},
        "maild/store holds 23 files: more than 22 is asking for a wing",
    ),
    "ports needs the ground alone": (
        {"ports": "import msgspec"},
        "maild/ports.py imports msgspec: ports may not: it needs the standard library only",
    ),
    "sqlalchemy stays in the store": (
        {"services.intake.process": "from sqlalchemy.orm import Session"},
        "maild/services/intake/process.py imports sqlalchemy: only store may import sqlalchemy",
    ),
    "email stays in mail": (
        {"transports.smtp": "import email.text.utils"},
        "maild/transports/smtp.py imports email.text.utils: only mail may import email",
    ),
    "an unknown library is asked about": (
        {"mail.reading.parse": "import requests"},
        (
            "maild/mail/reading/parse.py imports requests: requests is no library of the house "
            "(see OWNERS and ABOVE_GROUND here)"
        ),
    ),
    "no room outside the drawing": (
        {"webui.server": ""},
        "maild/webui/server.py: webui is no room of the house (see the drawing in maild/__init__.py)",
    ),
    "no circles": (
        {"store.a": "from maild.store import b", "store.b": "from .c import x", "store.c": "import maild.store.a"},
        "circle of imports: maild.store.a -> maild.store.b -> maild.store.c -> maild.store.a",
    ),
    "no endless modules": (
        {"mail.reading.parse": "x = 1\n" * 421},
        "maild/mail/reading/parse.py has 421 lines: more than 420 is asking to be two modules",
    ),
    "no module names that say nothing": (
        {"mail.text.utils": ""},
        "maild/mail/text/utils.py: the name utils says nothing about what is inside",
    ),
    "no class names that say nothing": (
        {"mail.reading.parse": "class PartManager: ..."},
        "maild/mail/reading/parse.py:1: the class name PartManager says nothing about what it is",
    ),
}


def test_a_circle_of_wings_is_found_though_no_module_imports_itself() -> None:
    house = made_up(
        {
            "mail.text.a": "from maild.mail.headers import b",
            "mail.headers.b": "",
            "mail.headers.c": "from maild.mail.reading.d import x",
            "mail.reading.d": "from maild.mail.text import e",
            "mail.text.e": "",
        }
    )
    found = complaints(house)
    assert found[-1] == "circle of wings: mail.headers -> mail.reading -> mail.text -> mail.headers"
    assert not any(line.startswith("circle of imports") for line in found)


def test_too_many_files_at_the_root_are_counted() -> None:
    for room, most in MOST_FILES_AT_THE_ROOT.items():
        wings = [wing for floor in WINGS[room] for wing in floor][: most + 1]
        told = complaints(made_up({f"{room}.{wing}": "" for wing in wings}))
        assert told == [f"maild/{room} holds {most + 1} files at its root: more than {most} belong into wings"]


def test_a_wing_without_words_is_asked_for_them() -> None:
    silent = Module("maild.mail.text", "maild/mail/text/__init__.py", "")
    assert complaints([silent]) == [
        "maild/mail/text/__init__.py does not say what lies in this wing and who may import it"
    ]


@in_turn("breach", BREACHES)
def test_a_breach_is_told_in_one_sentence(breach: str) -> None:
    sources, sentence = BREACHES[breach]
    told = complaints(made_up(sources))
    assert [line.replace("imports sqlalchemy.orm:", "imports sqlalchemy:") for line in told] == [sentence]


def test_what_the_drawing_allows_is_allowed() -> None:
    house = made_up(
        {
            "domain.messages.message": "from dataclasses import dataclass\nfrom . import reply_tokens",
            "domain.intake.route": "from maild.domain.messages.message import InboundMessage\nfrom . import classify",
            "domain.intake.classify": "from ..tickets import ticket",
            "domain.messages.reply_tokens": "import hmac, hashlib",
            "domain.tickets.ticket": "from maild.domain import people",
            "domain.people": "",
            "ports": "from typing import Protocol\nfrom maild.domain.messages.message import InboundMessage",
            "mail.reading.parse": (
                "import email\nfrom maild.ports import Resolver\nfrom maild.domain.messages import message"
            ),
            "config.read": "import msgspec, holidays, pathlib",
            "store.rows": "import sqlalchemy\nfrom maild.config import Settings\nfrom maild import ports",
            "services.intake.process": "from maild.mail.reading.parse import parse\nfrom maild import __version__",
            "daemon.compose": "import maild.store.rows, maild.services.intake.process, apscheduler.schedulers",
            "cli.run": "import click\nfrom maild import daemon\nfrom maild.domain.tickets import ticket",
            "__main__": "from maild.cli import main",
        }
    )
    assert complaints(house) == []
