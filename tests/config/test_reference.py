"""The commented reference and the code say the same."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import NODEFAULT, Struct, to_builtins
from msgspec.structs import fields

from maild.config import describe, example, load
from maild.config.tables import TABLES, StepTable
from maild.config.values import read_duration, read_size
from tests.rig.misses import in_turn

CHECKOUT = Path(__file__).parent.parent.parent
# A header, a key, or the elements of a list over several lines with its closing bracket.
SWITCHED_OFF = re.compile(r"#(\[\[?[a-z_.]+\]\]?|[a-z_]+ = .*|  [\"{].*|\])$")
KEY = re.compile(r"([a-z_]+) = ")


@pytest.fixture
def credentials(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "credentials"
    folder.mkdir()
    for name in ("imap-password", "smtp-password", "token-key", "database-password"):
        (folder / name).write_text("correct horse battery staple, twice over\n")
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def switched_on(text: str) -> str:
    """The reference with every setting in it; a switched-off one takes the place of an example of the same key."""
    lines: list[str] = []
    keys: dict[str, int] = {}
    for line in text.splitlines():
        off = SWITCHED_OFF.match(line)
        line = off.group(1) if off else line
        if line.startswith("["):
            keys = {}
        elif (key := KEY.match(line)) and key.group(1) in keys and off:
            lines[keys[key.group(1)]] = ""
        if key := KEY.match(line):
            keys[key.group(1)] = len(lines)
        lines.append(line)
    return "\n".join(lines)


def test_the_file_in_config_is_the_packaged_reference():
    assert (CHECKOUT / "config" / "maild.toml").read_text(encoding="utf-8") == example()


def test_the_reference_loads_without_problems_or_warnings(tmp_path: Path, credentials: dict[str, str]):
    path = tmp_path / "maild.toml"
    path.write_text(example(), encoding="utf-8")
    settings = load(path, environ=credentials)
    assert settings.warnings == ()
    assert [agent.name for agent in settings.directory.agents] == ["jane", "ana"]


def test_it_loads_with_every_switched_off_setting_switched_on(tmp_path: Path, credentials: dict[str, str]):
    etc = tmp_path / "etc"
    (etc / "templates").mkdir(parents=True)
    (etc / "tls").mkdir()
    for name in ("certificate.pem", "key.pem"):
        (etc / "tls" / name).touch()
    path = tmp_path / "maild.toml"
    path.write_text(switched_on(example()).replace("/etc/maild", str(etc)), encoding="utf-8")
    settings = load(path, environ=credentials)
    assert settings.warnings == ()
    assert settings.relays[1].maildir == tmp_path / "var/sent"


RESERVED = {("mailbox", "oauth")}  # known, so that using it is refused in plain words


def keys_of(kind: type[Struct]) -> dict[str, Any]:
    """Every key that a table may have, with those of the tables in it."""
    keys: dict[str, Any] = {}
    for field in fields(kind):
        inner = [each for each in (field.type, *get_args(field.type)) if isinstance(each, type)]
        tables = [each for each in inner if issubclass(each, Struct)]
        keys[field.encode_name] = keys_of(tables[0]) if tables else {}
    return keys


def written_keys(tables: Any) -> dict[str, Any]:
    """The keys of a table, or of all tables of an array together."""
    keys: dict[str, Any] = {}
    for table in tables if isinstance(tables, list) else [tables]:
        for key, value in table.items() if isinstance(table, dict) else ():
            inner = written_keys(value) if isinstance(value, dict | list) else {}
            keys[key] = {**keys.get(key, {}), **inner}
    return keys


@in_turn("name", TABLES)
def test_every_key_that_the_code_knows_stands_in_the_reference(name: str):
    reference = tomllib.loads(switched_on(example()))
    missing = _missing(keys_of(TABLES[name][0]), written_keys(reference.get(name, {})))
    missing = [key for key in missing if (name, key) not in RESERVED]
    assert name in reference
    assert missing == []


def _missing(known: dict[str, Any], written: dict[str, Any]) -> list[str]:
    missing = []
    for key, inner in known.items():
        if key not in written:
            missing.append(key)
        elif inner:
            missing += [f"{key}.{each}" for each in _missing(inner, written[key])]
    return missing


def test_a_missing_key_would_be_noticed():
    assert _missing(keys_of(StepTable), {"at": {}, "notify": {}})


def test_what_is_switched_off_shows_the_default():
    """Where a key has a default of its own, the reference must not claim another."""
    compared = 0
    for name, shown in switched_off_tables(example()).items():
        for field in fields(TABLES[name][0]) if name in TABLES else ():
            if (
                field.encode_name in shown
                and field.name not in ("name", "match")
                and field.default not in (NODEFAULT, None, "", ())
            ):
                assert _same(shown[field.encode_name], field.default), f"[{name}] {field.encode_name}"
                compared += 1
    assert compared > 30


def test_lists_over_several_lines_are_compared_as_well():
    shown = switched_off_tables(example())
    assert len(shown["attachments"]["blocked"]) > 20
    assert shown["spam"]["headers"][0] == {"name": "X-Spam-Flag", "match": "^yes"}


def switched_off_tables(text: str) -> dict[str, dict[str, Any]]:
    """Only what is switched off, by the name of its top-level table."""
    tables: dict[str, dict[str, Any]] = {}
    current = ""
    written = ""
    for line in text.splitlines():
        header = re.match(r"#?\[\[?([a-z_.]+)\]\]?$", line)
        if header:
            current = header.group(1)
        elif (off := SWITCHED_OFF.match(line)) and off.group(1)[0] != "[":
            written += off.group(1)
            if not written.endswith("= [") and off.group(1)[0] != " ":
                tables.setdefault(current, {}).update(tomllib.loads(written))
                written = ""
    return tables


def _same(written: Any, default: Any) -> bool:
    if isinstance(default, timedelta):
        return read_duration(written) == default
    if isinstance(default, int) and isinstance(written, str):
        return read_size(written) == default
    if isinstance(default, tuple):
        plain = [to_builtins(each, enc_hook=str) for each in default]
        return bool(plain == written)
    return bool(str(default) == str(written))


def test_the_described_settings_know_the_tables_of_the_reference(tmp_path: Path, credentials: dict[str, str]):
    path = tmp_path / "maild.toml"
    path.write_text(example(), encoding="utf-8")
    assert set(describe(load(path, environ=credentials))) == set(TABLES)
