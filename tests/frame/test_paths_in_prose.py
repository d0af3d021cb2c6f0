"""Every path and every module that the docs, the comments and the messages name is there.

People find their way by these names. A move that forgets one of them fails here, with its place.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rig.misses import in_turn

CHECKOUT = Path(__file__).parents[2]

PAGE_PATTERNS = ("*.md", "docs/**/*.md", "templates/**/*.md", "tests/**/README.md")
SOURCE_PATTERNS = ("maild/**/*.py", "bench/*.py", "tests/**/*.py", "systemd/*", "config/*.toml", "Makefile")
# Paths in these files are samples: the tests write such modules themselves, to see that a rule finds their faults.
SAMPLES = {"tests/test_floors.py", "tests/frame/test_paths_in_prose.py"}
# The first is made while the wheel is built; in the others NAME stands for a name.
PATTERNS = {"maild/templates/", "templates/canned/NAME.txt.j2", "bench/_"}

TOP_FOLDERS = {entry.name for entry in CHECKOUT.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
ROOMS = {entry.name for entry in (CHECKOUT / "maild").iterdir() if entry.is_dir() and entry.name != "__pycache__"}
ROOM_MODULES = ROOMS | {entry.stem for entry in (CHECKOUT / "maild").glob("*.py")}

# A path that begins behind a slash or a dot belongs to another place: /etc/maild/maild.toml is not in the repository.
PATH = re.compile(r"(?<![\w/.~<>@{$-])(?P<path>[A-Za-z_][\w.*-]*/[\w./*-]*)(?:(?:: |`, `)(?P<name>[A-Z][A-Z_]{2,})\b)?")
BARE_FILE = re.compile(r"(?<![\w/.*-])[a-z_]\w*\.py\b")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)(?P<target>[^)#\s]+)[^)]*\)")
DOTTED = re.compile(r"(?<![\w./@-])maild(?:\.[A-Za-z_]\w*)+")


def pages() -> list[Path]:
    """Every page for people, in a fixed order."""
    return sorted({file for pattern in PAGE_PATTERNS for file in CHECKOUT.glob(pattern)})


def sources() -> list[Path]:
    """Every source whose comments and messages may name a file, in a fixed order."""
    found = {file for pattern in SOURCE_PATTERNS for file in CHECKOUT.glob(pattern) if file.is_file()}
    return sorted(file for file in found if shown(file) not in SAMPLES)


def shown(file: Path) -> str:
    return file.relative_to(CHECKOUT).as_posix()


def lost_paths(text: str, *, whole: bool = True) -> Iterator[str]:
    """What is wrong with the paths of this repository that a text names; `*` stands for any part of a name.

    `whole`: paths of modules must begin with maild/; in the sources themselves they may begin with a room."""
    for found in PATH.finditer(text):
        path = found["path"].rstrip(".")
        first, _, rest = path.partition("/")
        if first in ROOMS and rest.endswith((".py", "/")) and first not in TOP_FOLDERS:
            if whole:
                yield f"{path} begins in the middle: write maild/{path}"
            elif not any(CHECKOUT.glob(f"maild/{path.rstrip('/')}")):
                yield f"maild/{path} does not exist"
        elif first in TOP_FOLDERS and path not in PATTERNS:
            files = list(CHECKOUT.glob(path.rstrip("/")))
            if not files:
                yield f"{path} does not exist"
            elif found["name"] and not any(defines(file, found["name"]) for file in files if file.is_file()):
                yield f"{path} does not define {found['name']}"


def defines(file: Path, name: str) -> bool:
    """Whether a source has this word; good enough for names that are unlike any other."""
    return re.search(rf"\b{re.escape(name)}\b", file.read_text(encoding="utf-8")) is not None


def lost_modules(text: str) -> Iterator[str]:
    """Each dotted name below maild that neither a module has nor anything in a module."""
    for found in DOTTED.finditer(text):
        parts = found[0].split(".")
        if parts[1] not in ROOM_MODULES:  # maild.toml, maild.db
            continue
        file, inside = module_and_rest(parts)
        if inside and not inside[0].startswith("__") and not defines(file, inside[0]):
            yield f"{found[0]}: {shown(file)} has no {inside[0]}"


def module_and_rest(parts: list[str]) -> tuple[Path, list[str]]:
    """The source of the longest beginning of a dotted name that is a module, and the parts behind it."""
    for length in range(len(parts), 1, -1):
        place = CHECKOUT.joinpath(*parts[:length])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file, parts[length:]
    return CHECKOUT / "maild" / "__init__.py", parts[1:]


def told_lines(file: Path) -> Iterator[tuple[int, str]]:
    """(number, line): every line of a file; of a test only those of its strings, for there `maild` is a fixture too."""
    text = file.read_text(encoding="utf-8")
    if not shown(file).startswith("tests/") or file.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from enumerate(node.value.splitlines(), node.lineno)


@in_turn("page", pages(), ids=shown)
def test_a_page_names_only_files_that_exist(page: Path) -> None:
    lines = list(enumerate(page.read_text(encoding="utf-8").splitlines(), 1))
    lost = [f"{number}: {problem}" for number, line in lines for problem in (*lost_paths(line), *lost_modules(line))]
    lost += [
        f"{number}: {name} is not in the folder of the page: write its whole path"
        for number, line in lines
        for name in BARE_FILE.findall(line)
        if not (page.parent / name).exists()
    ]
    lost += [
        f"{number}: the link to {found['target']} leads nowhere"
        for number, line in lines
        for found in LINK.finditer(line)
        if not (page.parent / found["target"]).exists()
    ]
    assert lost == []


def test_comments_and_messages_name_only_files_and_modules_that_exist() -> None:
    lost = [
        f"{shown(file)}:{number}: {problem}"
        for file in sources()
        for number, line in told_lines(file)
        for problem in (*lost_paths(line, whole=False), *lost_modules(line))
    ]
    assert lost == []


def test_the_readme_names_every_page() -> None:
    readme = CHECKOUT / "README.md"
    named = {(readme.parent / found["target"]).resolve() for found in LINK.finditer(readme.read_text(encoding="utf-8"))}
    expected = {page for page in pages() if page != readme} | {CHECKOUT / "config" / "maild.toml"}
    assert {shown(page) for page in expected - named} == set()


@in_turn(
    ("text", "problem"),
    [
        ("see maild/mail/nowhere.py", "maild/mail/nowhere.py does not exist"),
        ("in `maild/nowhere/` it is read", "maild/nowhere/ does not exist"),
        ("in `services/deliver.py`", "services/deliver.py begins in the middle: write maild/services/deliver.py"),
        ("a row in `maild/transports/__init__.py: WAYS`", "maild/transports/__init__.py does not define WAYS"),
        ("docs/nowhere.md.", "docs/nowhere.md does not exist"),
        ("tests/corpus/nobody-*.eml", "tests/corpus/nobody-*.eml does not exist"),
        ("maild.mail.nowhere", "maild.mail.nowhere: maild/mail/__init__.py has no nowhere"),
        ("maild.ports.Nothing", "maild.ports.Nothing: maild/ports/__init__.py has no Nothing"),
    ],
)
def test_a_wrong_name_is_found(text: str, problem: str) -> None:
    assert [*lost_paths(text), *lost_modules(text)] == [problem]


@pytest.mark.parametrize(
    "text",
    [
        "/etc/maild/maild.toml and /opt/maild/bin/maild",
        "an image/png or text/plain part",
        "maild.toml, maild.db, maild/mail/*.py",
        "`maild/transports/__init__.py: TRANSPORTS` and maild.ports.MailSource",
        "https://docs.example/maild/nowhere.py",
    ],
)
def test_a_right_name_and_another_place_are_let_pass(text: str) -> None:
    assert [*lost_paths(text), *lost_modules(text)] == []
