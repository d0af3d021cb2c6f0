"""`maild stats`: bars for people, JSON and one long table for programs."""

import csv
import io
import subprocess
import sys

import pytest

MONDAY = "2026-11-23T11:30:00Z"


@pytest.fixture
def busy(shell):
    """Two tickets of a Monday; one was answered after an hour and closed."""
    shell.opened("Printer on fire", "Excel does not start")
    shell.maild("ticket", "do", "--at", "2026-11-23T08:30:00Z", 1, "assign", "john")
    shell.maild("ticket", "do", "--at", "2026-11-23T09:00:00Z", 1, "reply", "It", "is", "out.")
    shell.maild("ticket", "do", "--at", "2026-11-23T10:00:00Z", 1, "close")
    return shell


def columns_of(shell, monkeypatch, width, *words):
    monkeypatch.setenv("COLUMNS", str(width))
    return shell.maild("stats", "--at", MONDAY, *words).out


def test_figures_for_people(busy, monkeypatch):
    shown = columns_of(busy, monkeypatch, 80, "--days", 7)
    lines = [line.rstrip() for line in shown.splitlines()]
    assert lines[0] == "Tue 17 Nov to Mon 23 Nov 2026"
    assert "New tickets        ▁▁▁▁▁▁█  2, most 2 on Mon 23 Nov" in lines
    assert [line.split() for line in lines if line.startswith("  First response  ")] == [
        ["First", "response", "1", "h", "1", "h", "1"],
        ["First", "response", "█" * 40, "1", "of", "1"],
    ]
    assert any(line.startswith("  default: first response") and line.endswith("1 of 1") for line in lines)
    assert "What is left, by age: 1 open, 0 waiting for the customer" in lines


@pytest.mark.parametrize("width", [50, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(busy, monkeypatch, width):
    for line in columns_of(busy, monkeypatch, width).splitlines():
        assert len(line) <= width


def test_a_terminal_without_block_elements_gets_plain_signs(busy):
    program = [sys.executable, "-m", "maild", "-c", str(busy.config), "stats", "--at", MONDAY]
    environment = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run(program, capture_output=True, timeout=60, env=environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()
    assert b"####" in done.stdout


def test_an_empty_period_is_told_in_words(shell):
    shown = shell.maild("stats", "--at", MONDAY).out
    assert "Nothing came in, went out or was decided in this time." in shown
    assert "#" not in shown
    assert shell.maild("stats", "--at", MONDAY, "--json").json["times"]["resolution"] == {
        "count": 0,
        "median_seconds": None,
        "p90_seconds": None,
    }


def test_json_has_all_figures(busy):
    made = busy.maild("stats", "--at", MONDAY, "--days", 7, "--json").json
    assert made["volumes"] == {"opened": 2, "messages": 2, "replies": 1, "resolved": 1, "reopened": 0}
    assert made["times"]["first-response"] == {"count": 1, "median_seconds": 3600, "p90_seconds": 3600}
    assert made["times"]["resolution"] == {"count": 1, "median_seconds": 7200, "p90_seconds": 7200}
    assert made["promises"]["plan"]["default"]["first-response"] == {"met": 1, "breached": 0}
    assert made["promises"]["agent"]["john"]["resolution"] == {"met": 1, "breached": 0}
    assert made["backlog"]["statuses"] == {"open": 1, "waiting": 0}
    assert made["days"][-1] == {
        "day": "2026-11-23",
        "opened": 2,
        "messages": 2,
        "replies": 1,
        "resolved": 1,
        "reopened": 0,
        "backlog": 1,
    }
    assert (made["at"], made["not_counted"]) == (MONDAY, {"merged": 0, "spam": 0})


def test_csv_is_one_long_table_that_says_the_same(busy):
    table = list(csv.DictReader(io.StringIO(busy.maild("stats", "--at", MONDAY, "--days", 7, "--csv").out)))
    made = busy.maild("stats", "--at", MONDAY, "--days", 7, "--json").json
    assert list(table[0]) == ["section", "group", "key", "value", "unit"]
    told = {(row["section"], row["group"], row["key"]): row["value"] for row in table}
    assert len(told) == len(table)  # tidy: a figure stands once
    for key, count in made["volumes"].items():
        assert told["volume", "", key] == str(count)
    assert told["time", "first-response", "median"] == "3600"
    assert ("time", "next-response", "median") not in told  # there is none
    assert told["promise by plan", "default", "first-response met"] == "1"
    assert told["day", "2026-11-23", "backlog"] == "1"
    assert told["backlog", "age", "under 1 day"] == "1"


def test_a_past_period_by_its_days(busy):
    days = ("--from", "2026-11-22", "--to", "2026-11-23", "--json")
    made = busy.maild("stats", "--at", "2026-12-24T00:00:00Z", *days).json
    assert [day["day"] for day in made["days"]] == ["2026-11-22", "2026-11-23"]
    assert (made["since"], made["until"]) == ("2026-11-21T23:00:00Z", "2026-11-23T23:00:00Z")  # Berlin's days
    assert made["volumes"]["opened"] == 2
    assert made["backlog"]["total"] == 1


def test_one_department_and_one_agent(busy):
    assert (
        busy.maild("stats", "--at", MONDAY, "--department", "Online Banking", "--json").json["volumes"]["opened"] == 0
    )
    support = busy.maild("stats", "--at", MONDAY, "--department", "support")
    assert support.out.startswith("Sun 25 Oct to Mon 23 Nov 2026, department support\n")
    john = busy.maild("stats", "--at", MONDAY, "--agent", "john", "--json").json
    assert (john["volumes"]["opened"], john["volumes"]["resolved"]) == (1, 1)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "2026-11-23"), "--to needs --from"),
        (("--days", "3", "--from", "2026-11-23"), "use either --days, or --from with --to"),
        (("--from", "2026-11-24", "--to", "2026-11-23"), "--from 2026-11-24 comes after the last day, 2026-11-23"),
        (("--department", "nowhere"), "there is no department 'nowhere'; choose from: support,"),
        (("--json", "--csv"), "use either --json or --csv"),
        (("--days", "0"), "0 is not in the range"),
        (("--from", "yesterday"), "'yesterday' does not match the format"),
    ],
)
def test_what_cannot_be_asked_is_told_with_its_remedy(shell, words, told):
    done = shell.maild("stats", *words)
    assert done.code == 2
    assert told in done.err
