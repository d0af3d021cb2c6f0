"""The docs name commands, options and settings that exist, and a test holds each claim of the README."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from maild.cli import cli
from tests.rig.misses import in_turn

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([CHECKOUT / "README.md", *CHECKOUT.glob("docs/*.md"), CHECKOUT / "templates" / "README.md"])
REFERENCE = (CHECKOUT / "config" / "maild.toml").read_text(encoding="utf-8")
UNIT = (CHECKOUT / "systemd" / "maild.service").read_text(encoding="utf-8")

# The first words of each claim -> the tests that hold it: files of tests, or folders of scenarios.
CLAIMS: dict[str, tuple[str, ...]] = {
    "The address decides who reads an answer": (
        "tests/mail_out/test_render.py",
        "tests/domain/test_token.py",
        "tests/scenarios/201-an-answer-to-a-new-ticket-goes-to-the-customer",
        "tests/scenarios/202-an-answer-to-a-note-stays-inside",
    ),
    "A mistyped command changes nothing": ("tests/scenarios/301-unknown-verb-stops-the-whole-mail",),
    "Risky answers wait": (
        "tests/scenarios/230-an-answer-over-a-colleagues-head",
        "tests/scenarios/250-words-of-a-note-do-not-leave",
        "tests/scenarios/167-undo-stops-an-answer",
    ),
    "Buttons need no web page": (
        "tests/scenarios/210-a-button-acts-by-its-address",
        "tests/scenarios/211-a-button-survives-mail-programs",
    ),
    "Accepted means durable": ("tests/faults/test_reply_after_sync.py", "tests/faults/test_poisonous_mail.py"),
    "Deadlines can be explained": (
        "tests/domain/test_sla_explain.py",
        "tests/faults/test_clock_jumps.py",
        "tests/faults/test_two_nodes_tick.py",
    ),
    "No alarm is lost": ("tests/scenarios/818-a-lost-alarm-goes-on", "tests/domain/test_alarm_chain.py"),
    "Every mail can be explained": ("tests/cli/test_json_keeps_the_contract.py",),
}
# The two commands and the databases.
HELD_BY = ("tests/cli/test_demo.py", "tests/store/conftest.py", "tests/frame/test_wheel.py")

COMMAND_IN_TEXT = re.compile(r"`(maild [^`]+)`")
COMMAND_LINE = re.compile(r"^ {4}(maild .+)$")
SETTING = re.compile(r"`(?:\[\[?(?P<in_table>[a-z_.]+)\]\]? )?(?P<path>[a-z_]+(?:\.[a-z_]+)*)(?: = [^`]*)?`")
TABLE = re.compile(r"`\[\[?([a-z_.]+)\]\]?")


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}


def wrong_with(words: Sequence[str]) -> str:
    """What a command line asks for that maild has not; "" when all is there."""
    command: click.Command = cli
    rest = [word for word in words if word]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.commands.get(rest[0])
        if found is None:
            return f"{command.name} has no command {rest[0]}"
        command, rest = found, rest[1:]
    known = options_of(command) | {"--help", "--version"}
    unknown = [word for word in rest if word.startswith("--") and word not in known]
    return f"{command.name} has no {unknown[0]}" if unknown else ""


def commands_in(page: Path) -> Iterator[list[str]]:
    for line in page.read_text(encoding="utf-8").splitlines():
        for told in [*COMMAND_IN_TEXT.findall(line), *COMMAND_LINE.findall(line)]:
            yield re.sub(r"[\[\]|]", " ", told.partition("#")[0]).split()[1:]


def settings() -> dict[str, set[str]]:
    """The keys of each table in the commented reference, whether they are switched on or off there."""
    found: dict[str, set[str]] = {}
    table = ""
    for line in REFERENCE.splitlines():
        bare = line.removeprefix("#")
        if head := re.fullmatch(r"\[\[?([a-z_.]+)\]\]?", bare):
            table = head[1]
            found.setdefault(table, set())
        elif key := re.match(r"([a-z_]+) = ", bare):
            found[table].add(key[1])
    return found


@in_turn("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_a_page_names_commands_and_options_that_exist(page: Path) -> None:
    wrong = {" ".join(words): problem for words in commands_in(page) if (problem := wrong_with(words))}
    assert wrong == {}


@in_turn("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_a_page_names_settings_that_exist(page: Path) -> None:
    known = settings()
    text = page.read_text(encoding="utf-8")
    wrong = {table for table in TABLE.findall(text) if table not in known}
    for found in SETTING.finditer(text):
        table, _, key = found["path"].rpartition(".")
        table = found["in_table"] or table
        if table in known and key not in known[table]:
            wrong.add(f"{table}.{key}")
    assert wrong == set()


def test_a_command_or_setting_that_is_not_there_is_found() -> None:
    assert wrong_with(["ticket", "paint"]) == "ticket has no command paint"
    assert wrong_with(["ticket", "list", "--colour"]) == "list has no --colour"
    assert "paint" not in settings()["closing"]
    assert {"waiting_reminder", "resolved_to_closed"} <= settings()["closing"]


def test_every_claim_of_the_readme_is_held_by_tests() -> None:
    claimed = re.findall(r"^\* \*\*(.+?)\.?\*\*", README, re.MULTILINE)
    assert claimed == list(CLAIMS)
    for place in (*HELD_BY, *(place for places in CLAIMS.values() for place in places)):
        assert (CHECKOUT / place).exists(), place


def test_the_readme_names_the_oldest_python_that_works() -> None:
    frame = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert frame["requires-python"] == ">=3.11"
    assert "It needs Python 3.11 or newer." in README
    assert f"Licence: {frame['license']}." in README
    assert "Apache License" in (CHECKOUT / "LICENSE").read_text(encoding="utf-8")


def test_the_make_targets_of_the_readme_exist() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z]+)", README))
    assert targets == {"demo", "test", "run"}
    assert {target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_the_lines_for_production_name_what_the_unit_and_the_reference_name() -> None:
    lines = README.partition("## Production in ten lines")[2].partition("## Where")[0]
    assert len([line for line in lines.splitlines() if line.startswith("    ")]) == 10
    for source in ("requirements/runtime.txt", "config/maild.toml", "systemd/maild.service"):
        assert source in lines
        assert (CHECKOUT / source).is_file()
    assert "ExecStart=/usr/bin/maild run" in UNIT
    assert "User=_maild" in UNIT
    for credential in re.findall(r"/etc/maild/credentials/(\S+)", lines):
        assert f"#LoadCredential={credential}:/etc/maild/credentials/{credential}" in UNIT
        assert f'{{ credential = "{credential}" }}' in REFERENCE


def test_commands_that_read_print_json_too() -> None:
    """The last line of the README."""
    readers = {"list", "show", "search", "explain", "stats"}
    without: list[str] = []

    def look(group: click.Group, above: str) -> None:
        for name, command in group.commands.items():
            if isinstance(command, click.Group):
                look(command, f"{above} {name}")
            elif name in readers and "--json" not in options_of(command):
                without.append(f"{above} {name}")

    look(cli, "maild")
    assert without == []
