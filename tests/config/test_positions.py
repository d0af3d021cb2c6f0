"""The scanner finds the place of everything that tomllib finds the value of."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from maild.config.toml_positions import Path, positions
from tests.config.toml_texts import documents
from tests.rig.misses import in_turn

EXAMPLE = '''\
title = "a # no comment" # a comment

[owner.name]
'first name' = """
[not.a.table]
x = 1 ""\\""""
"last \\u006eame" = 'Doe'
site.address . street = "Long Road"

  [[mailbox]]
  hosts = ["one", # first
    'two', ]
  login = { user = "a", secret = { file = "}" } }
[[mailbox]]
since = 1979-05-27 07:32:00Z
[[mailbox.rule]]
at = 1
'''


@in_turn(
    ("path", "position"),
    [
        (("title",), (1, 1)),
        (("owner",), (3, 1)),
        (("owner", "name"), (3, 1)),
        (("owner", "name", "first name"), (4, 1)),
        (("owner", "name", "last name"), (7, 1)),
        (("owner", "name", "site"), (8, 1)),
        (("owner", "name", "site", "address"), (8, 6)),
        (("owner", "name", "site", "address", "street"), (8, 16)),
        (("mailbox",), (10, 3)),
        (("mailbox", 0), (10, 3)),
        (("mailbox", 0, "hosts"), (11, 3)),
        (("mailbox", 0, "hosts", 0), (11, 12)),
        (("mailbox", 0, "hosts", 1), (12, 5)),
        (("mailbox", 0, "login", "user"), (13, 13)),
        (("mailbox", 0, "login", "secret", "file"), (13, 36)),
        (("mailbox", 1), (14, 1)),
        (("mailbox", 1, "since"), (15, 1)),
        (("mailbox", 1, "rule", 0), (16, 1)),
        (("mailbox", 1, "rule", 0, "at"), (17, 1)),
    ],
)
def test_finds_keys_tables_and_elements(path: Path, position: tuple[int, int]):
    assert positions(EXAMPLE)[path] == position


def test_a_table_has_the_place_of_its_own_header_rather_than_of_one_inside_it():
    assert positions("[a.b]\n[a]\nc = 1\n")[("a",)] == (2, 1)


def test_line_ends_of_windows_count_as_one():
    assert positions("a = 1\r\nb = 2\r\n")[("b",)] == (2, 1)


def test_what_it_does_not_understand_ends_the_map_and_keeps_what_was_found():
    assert positions("a = 1\n= what\nb = 2\n") == {(): (1, 1), ("a",): (1, 1)}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(documents())
def test_knows_every_place_that_tomllib_knows_a_value_of(text: str):
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        assume(False)
    found = positions(text)
    lines = text.replace("\r\n", "\n").split("\n")
    paths = dict(_paths(parsed, ()))
    assert set(found) == set(paths)
    for path in paths:
        line, column = found[path]
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        if path and isinstance(path[-1], str):
            assert _stands_at(path[-1], rest), (path, rest)
        elif path and not isinstance(paths[path], dict):
            assert _value_at(rest, paths[path]), (path, rest)


def _paths(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _paths(each, (*path, key))


def _stands_at(key: str, rest: str) -> bool:
    """Does the text begin with the key, or with a header that has it?"""
    head = re.match(r"""\[{0,2}[ \t]*(?:(?:"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+)[ \t]*\.?[ \t]*)+""", rest)
    assert head is not None, rest
    names = tomllib.loads(head.group().strip("[ \t.") + " = 0")
    if not rest.startswith("["):
        return next(iter(names)) == key
    while isinstance(names, dict):
        if key in names:
            return True
        names = next(iter(names.values()))
    return False


def _value_at(rest: str, value: Any) -> bool:
    """Does a value that equals `value` begin here?"""
    for end in range(1, len(rest) + 1):
        try:
            if repr(tomllib.loads("x = " + rest[:end])["x"]) == repr(value):
                return True
        except tomllib.TOMLDecodeError:
            continue
    return False
