"""A pool of worker processes that read mails. A mail that breaks its reader costs one worker, never the daemon.

A worker is a new interpreter with two pipes. It is no fork, because the parent has threads. It is no process of
multiprocessing, because such a process imports the parent's __main__ again. A worker ends when its pipe closes: when
the parent is done or dies."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import maild
from maild.domain.messages.message import InboundMessage
from maild.mail.reading.limits import Limits
from maild.mail.worker.frames import LENGTH, MAX_FRAME, WorkerReply, body_of, reply_of
from maild.ports import TemporaryFailure

_START_SECONDS = 60.0  # until a worker is ready, on a busy machine
_END_SECONDS = 5.0  # until a worker ends after its pipe was closed
_CHUNK = 2**20  # bytes written or read at once

# The worker's sys.path is that of the interpreter without the current folder (-P), and then the folder of this package.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from maild.mail.worker.process import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)

_Result = TypeVar("_Result")


class ReadingFailed(Exception):
    """A mail could not be read. The mail is at fault, not the machine. `reason` says how the worker ended."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the mail could not be read: {reason}")
        self.reason = reason


class _WorkerEnded(Exception):
    """A worker is gone or does not answer. The text says why."""


class WorkerPool:
    """Reads mails in up to `workers` processes, which it starts when they are needed. Several threads may share it.

    Each mail may take `cpu_seconds` of processor time, `memory_bytes` more than an idle worker has, and `wall_seconds`
    in all. `limits` are those of `maild.mail.reading.limits`. Raises ValueError for less than one worker."""

    def __init__(
        self,
        workers: int,
        cpu_seconds: int = 5,
        memory_bytes: int = 512 * 2**20,
        wall_seconds: float = 20.0,
        *,
        limits: Limits | None = None,
    ) -> None:
        if workers < 1:
            raise ValueError(f"a worker pool needs at least one worker, not {workers}")
        self._cpu_seconds = cpu_seconds
        self._memory_bytes = memory_bytes
        self._wall_seconds = wall_seconds
        self._limits = limits or Limits()
        self._free = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def read(self, raw: bytes, known_texts: Sequence[str] = (), signature: str = "") -> InboundMessage:
        """Run `maild.mail.reading.parse.read` in a worker.

        Raises ReadingFailed if the mail breaks the worker or takes too long. Raises TemporaryFailure if no worker can
        be started: then the machine is at fault, not the mail."""
        hints = {"known_texts": tuple(known_texts), "signature": signature}
        return self._run_job(InboundMessage, "read", {"raw": raw, "limits": self._limits, **hints})

    def extract(self, raw: bytes, part: str) -> bytes:
        """Run `maild.mail.reading.parse.extract` in a worker.

        Raises what `read` raises. A part that does not exist raises ReadingFailed.
        """
        return self._run_job(bytes, "extract", {"raw": raw, "part": part, "limits": self._limits})

    def rewritten(self, raw: bytes, parts: Sequence[str]) -> bytes:
        """Run `maild.mail.reading.parse.rewritten` in a worker. Raises what `extract` raises."""
        return self._run_job(bytes, "rewritten", {"raw": raw, "wanted": tuple(parts), "limits": self._limits})

    def close(self) -> None:
        """End idle workers now, and busy ones when they have replied. Later jobs raise TemporaryFailure."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def _run_job(self, wanted: type[_Result], kind: str, arguments: dict[str, object]) -> _Result:
        """Let a worker do one job -> its result. A worker that broke or sent nonsense does not stay in the pool."""
        with self._free:
            worker = self._take_worker()
            try:
                reply = worker.ask(body_of((kind, arguments)), self._wall_seconds)
            except _WorkerEnded as problem:
                raise ReadingFailed(str(problem)) from problem
            except BaseException:
                worker.kill()
                raise
            if not (reply.failure or isinstance(reply.result, wanted)):
                worker.kill()
                raise ReadingFailed(f"a worker answered with {type(reply.result).__name__}")
            self._put_back(worker, retires=reply.retires)
        if reply.failure or not isinstance(reply.result, wanted):
            raise ReadingFailed(reply.failure)
        return reply.result

    def _take_worker(self) -> _Worker:
        """Return a worker that is ready: an idle one, or a new one."""
        while True:
            with self._lock:
                if self._closed:
                    raise TemporaryFailure("the worker pool is closed: the daemon is ending")
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return _Worker(self._cpu_seconds, self._memory_bytes)
            if worker.alive():
                return worker

    def _put_back(self, worker: _Worker, *, retires: bool) -> None:
        """Keep a worker for the next job, or end it if it retires or the pool is closed."""
        with self._lock:
            keep = not (self._closed or retires)
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.end()


class _Worker:
    """One process and its two pipes."""

    def __init__(self, cpu_seconds: int, memory_bytes: int) -> None:
        """Start the process and wait until it is ready. Raises TemporaryFailure if it never is."""
        self._process = _start_process(cpu_seconds, memory_bytes)
        if self._process.stdin is None or self._process.stdout is None:
            raise TemporaryFailure("a reading worker has no pipes")
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except _WorkerEnded as problem:
            raise TemporaryFailure(
                f"a reading worker does not start: {problem} (remedy: see what it wrote to standard error)"
            ) from problem
        except BaseException:
            self.kill()
            raise

    def alive(self) -> bool:
        """Whether the process still runs. The pipes of an ended one are closed."""
        if self._process.poll() is None:
            return True
        self.kill()
        return False

    def ask(self, job: bytes, seconds: float) -> WorkerReply:
        """Send a job and wait for its reply. Raises _WorkerEnded, with the worker killed, if none comes in time."""
        deadline = time.monotonic() + seconds
        self._send(memoryview(len(job).to_bytes(LENGTH, "big")), deadline)  # by itself, so that no large mail is copied
        self._send(memoryview(job), deadline)
        return self._receive(deadline)

    def _send(self, job: memoryview, deadline: float) -> None:
        """Write everything into the worker's pipe."""
        while job:
            self._wait(self._stdin.fileno(), select.POLLOUT, deadline)
            try:
                job = job[os.write(self._stdin.fileno(), job[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._how_it_ended() from None

    def _receive(self, deadline: float) -> WorkerReply:
        """Read one reply."""
        size = int.from_bytes(self._read_exactly(LENGTH, deadline), "big")
        if size > MAX_FRAME:
            self.kill()
            raise _WorkerEnded(f"a worker announced a reply of {size:,} bytes")
        try:
            return reply_of(self._read_exactly(size, deadline))
        except (
            pickle.UnpicklingError,
            ValueError,
            TypeError,
            AttributeError,
            EOFError,
            IndexError,
            KeyError,
        ) as problem:
            self.kill()
            raise _WorkerEnded(f"a worker's reply cannot be read: {problem}") from problem

    def _read_exactly(self, size: int, deadline: float) -> bytes:
        """Read so many bytes from the worker's pipe."""
        found = bytearray()
        while len(found) < size:
            self._wait(self._stdout.fileno(), select.POLLIN, deadline)
            try:
                chunk = os.read(self._stdout.fileno(), min(_CHUNK, size - len(found)))
            except BlockingIOError:
                continue
            if not chunk:
                raise self._how_it_ended()
            found += chunk
        return bytes(found)

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        """Wait until a pipe is ready. Raises _WorkerEnded, with the worker killed, after the deadline."""
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            self.kill()
            raise _WorkerEnded("it took longer than a mail may take")

    def _how_it_ended(self) -> _WorkerEnded:
        """Return an error that says why the process is gone."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return _WorkerEnded("the worker closed its pipe but did not end")
        self.kill()
        return _WorkerEnded(_ENDINGS.get(code) or f"the worker ended with {_code_in_words(code)}")

    def end(self) -> None:
        """Close the pipe, so that the process ends by itself. Kill it if it does not."""
        self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # a worker that stays is killed below
            self._process.wait(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the process at once and wait for it. It does no harm to a process that has ended."""
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()


_ENDINGS = {
    -signal.SIGXCPU: "it needs more processor time than a mail may have",
    -signal.SIGKILL: "the worker was killed, perhaps because the machine had no memory left",
}


def _code_in_words(code: int) -> str:
    """Name an exit code; a negative one is a signal."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _start_process(cpu_seconds: int, memory_bytes: int) -> subprocess.Popen[bytes]:
    """Start a process. Signals for the parent stay blocked in it until it ignores them."""
    root = str(Path(maild.__file__).resolve().parent.parent)
    command = [sys.executable, "-P", "-c", _PROGRAM, root, str(cpu_seconds), str(memory_bytes)]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=_environment()
        )
    except OSError as problem:
        raise TemporaryFailure(
            f"a reading worker cannot be started: {problem} (remedy: check memory and the limit of processes)"
        ) from problem
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _environment() -> dict[str, str]:
    """Return the part of the environment that a worker needs. Secrets of the daemon are not in it."""
    return {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}


_PASSED_ON = ("PATH", "LANG", "LC_", "LD_", "PYTHON", "VIRTUAL_ENV", "TZ", "TMPDIR", "COV")
