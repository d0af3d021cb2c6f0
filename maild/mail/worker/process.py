"""The program of one worker: it reads mails for its parent until the pipe closes. It may be killed at any moment.

It imports only what reading needs. It sets limits for itself, so a mail that needs too much processor time or memory
ends the worker and not the daemon."""

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
from maild.mail.worker.frames import LENGTH, WorkerReply, reply_frame

READY = "ready"
_PAGES = Path("/proc/self/statm")

JOBS: dict[str, Callable[..., object]] = {
    "read": parse.read,
    "extract": parse.extract,
    "rewritten": parse.rewritten,
}


def main(cpu_seconds: int, memory_bytes: int) -> None:
    """Do the jobs that come by standard input, and send the replies to standard output.

    Returns when the parent closes the pipe or dies. Each job may take `cpu_seconds` of processor time; the process may
    need `memory_bytes` more than at its start."""
    _leave_signals_to_the_parent()
    jobs, replies = _pipes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would leave a stranger's mail on disk
    start = _address_space()
    if start:
        resource.setrlimit(resource.RLIMIT_AS, (start + memory_bytes, resource.RLIM_INFINITY))
    largest = start + memory_bytes // 2 if start else 0
    with contextlib.suppress(BrokenPipeError):  # the parent is gone, so this process ends too
        _write(replies, reply_frame(WorkerReply(READY)))
        while header := jobs.read(LENGTH):
            _allow_processor_time(cpu_seconds)
            if _serve(int.from_bytes(header, "big"), jobs, replies, largest):
                return


def _serve(size: int, jobs: BinaryIO, replies: BinaryIO, largest: int) -> bool:
    """Do one job and send its reply -> whether the worker retires.

    It retires when it ran out of memory or has grown beyond `largest` bytes. The next mail then has its whole share in
    a new worker."""
    try:
        reply = _run_job(jobs.read(size))
        retires = 0 < largest < _address_space()
        _write(replies, reply_frame(WorkerReply(reply.result, reply.failure, retires)))
    except MemoryError:
        _write(replies, reply_frame(WorkerReply(failure="it needs more memory than a mail may have", retires=True)))
        return True
    return retires


def _run_job(body: bytes) -> WorkerReply:
    """Do the job in the body of a frame. Raises MemoryError only."""
    try:
        kind, arguments = pickle.loads(body)  # noqa: S301 - from the parent that started us
        return WorkerReply(JOBS[kind](**arguments))
    except MemoryError:
        raise
    except Exception as problem:  # noqa: BLE001 - the reply tells the parent, which quarantines the mail
        return WorkerReply(failure=f"{type(problem).__name__}: {one_line(str(problem))[:300]}")


def _write(pipe: BinaryIO, octets: bytes) -> None:
    """Write all octets into a pipe that takes a part at a time."""
    rest = memoryview(octets)
    while rest:
        rest = rest[pipe.write(rest) :]


def _leave_signals_to_the_parent() -> None:
    """Ignore signals to the whole group (Ctrl-C, systemd's SIGTERM): the parent drains, then closes the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return (jobs, replies). Standard output then leads to standard error, so that no print breaks a reply."""
    jobs = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    return jobs, replies


def _address_space() -> int:
    """Return the address space in use, in bytes; 0 if the system does not say, and memory is not limited then."""
    try:
        return int(_PAGES.read_text().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def _allow_processor_time(seconds: int) -> None:
    """Let the kernel end this process (SIGXCPU) after so many more seconds of processor time."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = usage.ru_utime + usage.ru_stime
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used) + seconds, resource.RLIM_INFINITY))
