"""What strace(1) saw, read so that one can ask: was the disk told before the peer was?"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rig.waiting import wait_until

CALLS = ("write", "writev", "sendto", "sendmsg", "pwrite64", "fsync", "fdatasync")
SENDS = frozenset({"write", "writev", "sendto", "sendmsg"})
SYNCS = frozenset({"fsync", "fdatasync"})
SHOWN_BYTES = 4200  # a page of the write-ahead log and more, so that a mail's own words are seen

# 1234 10:00:00.123456 pwrite64(9</a/maild.db-wal>, "...", 4096, 32) = 4096
_LINE = re.compile(r"(?P<thread>\d+) +\S+ (?P<rest>.*)")
_CALL = re.compile(r"(?P<name>\w+)\((?P<fd>\d+)<(?P<place>.*?)>[,) ]")
_RESUMED = re.compile(r"<\.\.\. (?P<name>\w+) resumed>")


@dataclass
class Call:
    """One system call. `began` and `ended` are places in the order of all that strace saw; `ended` is None while it
    has not returned, and `worked` says whether it did so without an error."""

    thread: str
    name: str
    place: str
    text: str
    began: int
    ended: int | None = None
    worked: bool = False

    @property
    def syncs_the_log(self) -> bool:
        return self.name in SYNCS and self.place.endswith("-wal") and self.worked

    @property
    def writes_the_log(self) -> bool:
        return self.name == "pwrite64" and self.place.endswith("-wal")

    @property
    def sends(self) -> bool:
        return self.name in SENDS and self.place.startswith(("TCP", "socket", "UNIX"))


def calls_in(trace: Sequence[str]) -> list[Call]:
    """The calls in the lines of a trace (strace -f -y -tt), interrupted ones put together again."""
    calls: list[Call] = []
    open_calls: dict[str, Call] = {}
    for number, line in enumerate(trace):
        found = _LINE.match(line)
        if found is None:
            continue
        thread, rest = found["thread"], found["rest"]
        if _RESUMED.match(rest):
            _end(open_calls.pop(thread, None), rest, number)
        elif call := _CALL.match(rest):
            made = Call(thread, call["name"], call["place"], rest, number)
            calls.append(made)
            if rest.endswith("<unfinished ...>"):
                open_calls[thread] = made
            else:
                _end(made, rest, number)
    return calls


def _end(call: Call | None, rest: str, number: int) -> None:
    if call is not None:
        call.ended = number
        call.worked = re.search(r"\) += +\d+", rest) is not None


def told_too_early(calls: Sequence[Call], mark: str, reply: Call) -> str:
    """Why this reply came before the mail with this mark was on the disk; "" when it came after.

    The thread that wrote the mail's own bytes into the log must have synced the log between its last such write and
    the reply."""
    writes = [call for call in calls if call.writes_the_log and mark in call.text and call.began < reply.began]
    if not writes:
        return "the mail's bytes were not written before the reply"
    last = writes[-1]
    assert last.ended is not None
    for call in calls:
        if call.syncs_the_log and call.thread == last.thread and call.began > last.ended:
            assert call.ended is not None
            return "" if call.ended < reply.began else "the log was synced after the reply had been sent"
    return "the log was never synced after the mail's bytes were written"


@contextmanager
def traced(process: int, into: Path) -> Iterator[None]:
    """Watch all threads of a process in this block. Skips the test where that cannot be done."""
    options = ["-y", "-tt", "-s", str(SHOWN_BYTES), "-e", f"trace={','.join(CALLS)}", "-o", str(into)]
    with _strace(process, options, into.with_suffix(".words")):
        yield


@contextmanager
def killed_at(process: int, call: str, when: int, words: Path) -> Iterator[None]:
    """In this block the process is killed as soon as one of its threads begins this call for the `when`-th time."""
    options = ["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={when}"]
    with _strace(process, options, words):
        yield


@contextmanager
def _strace(process: int, options: Sequence[str], words: Path) -> Iterator[None]:
    """strace on all threads of a process, from when it is there until the end of the block; `words` is what it says."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not installed (remedy: apt-get install strace)")
    with words.open("wb") as output:
        watcher = subprocess.Popen([strace, "-f", *options, "-p", str(process)], stdout=output, stderr=output)
    try:
        wait_until(lambda: _attached(watcher, words), 30, "strace to be attached")
        yield
    finally:
        if watcher.poll() is None:
            watcher.send_signal(signal.SIGINT)  # it lets go of the process and writes the rest
        watcher.wait(30)


def _attached(watcher: subprocess.Popen[bytes], words: Path) -> bool:
    said = words.read_text()
    if "Operation not permitted" in said:
        pytest.skip("this machine lets nobody trace a process (remedy: run with the capability SYS_PTRACE)")
    if "attached" in said:
        return True
    assert watcher.poll() is None, f"strace ended at once: {said}"
    return False
