"""One worker of the pool: reads mails for its parent until the pipe closes. It may be killed at any moment.

It imports what reading needs and nothing else, and it limits itself: a mail that wants more than its share of processor
time or memory ends the worker, not the daemon."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from maild.mail.reading import parse
from maild.mail.text.cleaning import one_line
from maild.mail.worker.frames import LENGTH, WorkerReply, answer_frame

READY = "ready"
_PAGES = Path("/proc/self/statm")

JOBS: dict[str, Callable[..., object]] = {
    "read": parse.read,
    "extract": parse.extract,
    "rewritten": parse.rewritten,
}


def main(cpu_seconds: int, memory_bytes: int) -> None:
    """Serves the pipe on standard input and output. Ends when the parent closes it or dies."""
    _leave_signals_to_the_parent()
    jobs, answers = _pipes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a killed worker shall not leave a stranger's mail on disk
    start = _address_space()
    if start:
        resource.setrlimit(resource.RLIMIT_AS, (start + memory_bytes, resource.RLIM_INFINITY))
    largest = start + memory_bytes // 2 if start else 0
    with contextlib.suppress(BrokenPipeError):  # the parent is gone: so are we
        _say(answers, answer_frame(WorkerReply(READY)))
        while header := jobs.read(LENGTH):
            _allow_processor_time(cpu_seconds)
            if _serve(int.from_bytes(header, "big"), jobs, answers, largest):
                return


def _serve(size: int, jobs: BinaryIO, answers: BinaryIO, largest: int) -> bool:
    """One job, answered. True when the worker retires: it ran out of memory, or has grown beyond `largest` bytes.

    The next mail shall have its whole share; the parent is told, and starts another worker for it."""
    try:
        answer = _answered(jobs.read(size))
        retires = 0 < largest < _address_space()
        _say(answers, answer_frame(WorkerReply(answer.result, answer.failure, retires)))
    except MemoryError:
        _say(answers, answer_frame(WorkerReply(failure="it needs more memory than a mail may have", retires=True)))
        return True
    return retires


def _answered(body: bytes) -> WorkerReply:
    """One job done."""
    try:
        kind, arguments = pickle.loads(body)  # noqa: S301 - from the parent that started us
        return WorkerReply(JOBS[kind](**arguments))
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001 - the parent is told, and sets the mail aside
        return WorkerReply(failure=f"{type(problem).__name__}: {one_line(str(problem))[:300]}")


def _say(answers: BinaryIO, words: bytes) -> None:
    rest = memoryview(words)
    while rest:
        rest = rest[answers.write(rest) :]


def _leave_signals_to_the_parent() -> None:
    """Ctrl-C and systemd's SIGTERM reach the whole group: the parent drains first and then closes the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """(jobs, answers). Standard output is turned to standard error, so that no stray print breaks an answer."""
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    return jobs, answers


def _address_space() -> int:
    """Bytes of address space in use; 0 where the system does not say (then memory is not limited)."""
    try:
        return int(_PAGES.read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _allow_processor_time(seconds: int) -> None:
    """The kernel ends this process `seconds` of processor time from now (SIGXCPU)."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used) + seconds, resource.RLIM_INFINITY))
