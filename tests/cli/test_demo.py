"""What a newcomer does first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.rig.waiting import wait_until

MAILD = [sys.executable, "-m", "maild"]
UNBUFFERED = os.environ | {"PYTHONUNBUFFERED": "1"}


def test_the_demo_plays_the_story_and_ends_well():
    done = subprocess.run([*MAILD, "demo"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "$ maild ticket list --status closed" in done.stdout
    assert "Your answer goes to Karen Hill <karen@client.example>." in done.stdout


def test_the_daemon_that_stays_up_takes_the_mail_that_it_tells_how_to_send(tmp_path):
    output = tmp_path / "out"
    with output.open("w") as file:
        daemon = subprocess.Popen([*MAILD, "demo", "--stay"], stdout=file, stderr=subprocess.STDOUT, env=UNBUFFERED)
    try:
        wait_until(lambda: "Stop it with Ctrl-C" in output.read_text(), 60, "the daemon to say how it is used")
        lines = output.read_text().splitlines()
        (sending,) = [line for line in lines if "smtplib" in line]
        assert subprocess.run(sending.strip(), shell=True, timeout=60).returncode == 0
        (listing,) = [line.partition("then: ")[2] for line in lines if "then: " in line]
        words = listing.replace(".venv/bin/maild", "").split()
        config = Path(words[1])

        def tickets():
            done = subprocess.run([*MAILD, *words, "--json"], capture_output=True, timeout=60)
            return [ticket["subject"] for ticket in json.loads(done.stdout or "[]")]

        wait_until(lambda: tickets() == ["Hello"], 60, "the ticket")
        wait_until(lambda: list((config.parent / "sent" / "new").glob("*")), 60, "mails of the daemon")
    finally:
        daemon.send_signal(signal.SIGINT)
    assert daemon.wait(60) == 0
