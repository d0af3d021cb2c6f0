"""Fourteen bombs among a hundred good mails by `maild inject`: a hundred right tickets, fourteen dispositions."""

import json
import re
import subprocess
import sys

import pytest

from maild.cli.stage import write_config
from tests.mail.test_bombs import BOMBS, HEAD

GOOD = 100
MEMORY = 300 * 2**20  # of the process that takes the mails in, in octets
CHOSEN = (
    *("multiparts nested 300 deep", "multiparts nested 480 deep", "multiparts nested 1,000 deep", "100,000 parts"),
    *("16,000 recipients", "subject of 16,000 encoded words", "100,000 references", "100,000 header fields"),
    *("8,000 parameters", "charset undefined", "Content-Type stuffed with semicolons", "zip bomb"),
    "24 MB in one line of base64",
)
# Says at its end how much memory it ever had; ru_maxrss would count that of the test, from which it was forked.
PROGRAM = """
import atexit, pathlib, sys
peak = lambda: next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:"))
place = pathlib.Path(sys.argv[1]).absolute()
sys.argv = ["maild", *sys.argv[2:]]
atexit.register(lambda: place.write_text(peak()))
from maild.cli import main
main()
"""


def _good(number):
    return (
        f"From: Person {number} <person{number}@client.example>\r\nTo: support@acme.example\r\n"
        f"Subject: Case {number}\r\nDate: Mon, 17 Nov 2025 10:20:30 +0100\r\nMessage-ID: <good{number}@client.example>"
        f"\r\n\r\nThe printer on floor {number} burns.\r\n"
    ).encode()


def _bombs():
    yield from (BOMBS[name] for name in CHOSEN)
    yield HEAD.replace(b"Karen <karen@client.example>", b"(" * 1_000) + b"\r\nhello\r\n"


def _written(folder):
    """The files in the order in which they come: a bomb after each seventh good mail."""
    names = []
    bombs = _bombs()
    for number in range(GOOD):
        names.append((f"good-{number}", _good(number)))
        if number % 7 == 3 and (bomb := next(bombs, None)) is not None:
            own = b"<bomb%d@client.example>" % number
            names.append((f"bomb-{number}", re.sub(rb"<1@client\.example>", own, bomb, count=1)))
    for name, raw in names:
        (folder / name).write_bytes(raw)
    return [name for name, _ in names]


@pytest.mark.timeout(240)
def test_bombs_hurt_no_good_mail_and_each_has_its_disposition(tmp_path):
    config = write_config(tmp_path)
    names = _written(tmp_path)
    assert sum(name.startswith("bomb") for name in names) == 14
    command = [sys.executable, "-c", PROGRAM, "peak", "-c", str(config)]
    subprocess.run([*command, "check"], cwd=tmp_path, capture_output=True)
    done = subprocess.run([*command, "inject", "--json", *names], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = dict(zip(names, map(json.loads, done.stdout.splitlines()), strict=True))
    good = [line for name, line in lines.items() if name.startswith("good")]
    assert {line["outcome"] for line in good} == {"opened"}
    assert len({line["ticket"] for line in good}) == GOOD
    bombs = {name: line["outcome"] for name, line in lines.items() if name.startswith("bomb")}
    assert set(bombs.values()) <= {"opened", "ignored", "held", "quarantined", "rejected"}, bombs
    assert "Traceback" not in done.stderr
    assert int((tmp_path / "peak").read_text()) * 1024 < MEMORY
    _tickets_are_right(command, tmp_path, {name: line["ticket"] for name, line in lines.items()})


def _tickets_are_right(command, folder, tickets):
    for number in (0, 4, GOOD - 1):
        shown = subprocess.run(
            [*command, "ticket", "show", "--json", str(tickets[f"good-{number}"])],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        ticket = json.loads(shown.stdout)
        assert ticket["subject"] == f"Case {number}"
        assert ticket["requester"]["address"] == f"person{number}@client.example"
        assert ticket["entries"][0]["text"] == f"The printer on floor {number} burns."
