"""A pool of worker processes that read mails and can be killed: a poisonous mail costs one worker, never the daemon.

Workers are fresh interpreters on two pipes, not forks (the parent has threads) and not multiprocessing's children
(those import the parent's __main__ again). They end when their pipe closes: when the parent is done or dies."""

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
from maild.mail.worker.frames import LENGTH, MAX_FRAME, WorkerReply, answer_of, body_of
from maild.ports import TemporaryFailure

_START_SECONDS = 60.0  # for a worker to be ready on a busy machine
_END_SECONDS = 5.0  # for a worker to end after its pipe was closed
_CHUNK = 2**20

# The worker's sys.path is the interpreter's own, without the current folder (-P), and then the place that we are from.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from maild.mail.worker.process import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)

_Result = TypeVar("_Result")


class ReadingFailed(Exception):
    """A mail could not be read: it is at fault, not the machine. `reason` says how the worker ended."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the mail could not be read: {reason}")
        self.reason = reason


class _WorkerEnded(Exception):
    """A worker is gone or does not answer; the text says why."""


class WorkerPool:
    """Up to `workers` processes, started when they are needed. Safe to use from several threads.

    Each mail may take `cpu_seconds` of processor time, `memory_bytes` beyond what a worker needs by itself, and
    `wall_seconds` in all. `limits` are those of `maild.mail.reading.limits`."""

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
        """`maild.mail.reading.parse.read` in a worker. ReadingFailed when the mail breaks it or takes too long.

        TemporaryFailure when no worker can be started: that is the machine's fault, and no mark against the mail."""
        hints = {"known_texts": tuple(known_texts), "signature": signature}
        return self._done(InboundMessage, "read", {"raw": raw, "limits": self._limits, **hints})

    def extract(self, raw: bytes, part: str) -> bytes:
        """Run `maild.mail.reading.parse.extract` in a worker.

        Raises what `read` raises. A part that does not exist raises ReadingFailed.
        """
        return self._done(bytes, "extract", {"raw": raw, "part": part, "limits": self._limits})

    def rewritten(self, raw: bytes, parts: Sequence[str]) -> bytes:
        """`maild.mail.reading.parse.rewritten` in a worker. Fails as `extract` does."""
        return self._done(bytes, "rewritten", {"raw": raw, "wanted": tuple(parts), "limits": self._limits})

    def close(self) -> None:
        """Ends the idle workers now and busy ones when they have answered. Reading after that is a TemporaryFailure."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()

    def _done(self, wanted: type[_Result], kind: str, arguments: dict[str, object]) -> _Result:
        """One job done by some worker, which stays in the pool only if it behaved."""
        with self._free:
            worker = self._worker()
            try:
                answer = worker.ask(body_of((kind, arguments)), self._wall_seconds)
            except _WorkerEnded as problem:
                raise ReadingFailed(str(problem)) from problem
            except BaseException:
                worker.kill()
                raise
            if not (answer.failure or isinstance(answer.result, wanted)):
                worker.kill()
                raise ReadingFailed(f"a worker answered with {type(answer.result).__name__}")
            self._keep(worker, retires=answer.retires)
        if answer.failure or not isinstance(answer.result, wanted):
            raise ReadingFailed(answer.failure)
        return answer.result

    def _worker(self) -> _Worker:
        """A worker that is ready: an idle one, or a new one."""
        while True:
            with self._lock:
                if self._closed:
                    raise TemporaryFailure("the worker pool is closed: the daemon is ending")
                worker = self._idle.pop() if self._idle else None
            if worker is None:
                return _Worker(self._cpu_seconds, self._memory_bytes)
            if worker.alive():
                return worker

    def _keep(self, worker: _Worker, *, retires: bool) -> None:
        with self._lock:
            keep = not (self._closed or retires)
            if keep:
                self._idle.append(worker)
        if not keep:
            worker.end()


class _Worker:
    """One process and its two pipes."""

    def __init__(self, cpu_seconds: int, memory_bytes: int) -> None:
        """Starts the process and waits until it is ready; TemporaryFailure when it never is."""
        self._process = _started(cpu_seconds, memory_bytes)
        if self._process.stdin is None or self._process.stdout is None:
            raise TemporaryFailure("a reading worker has no pipes")
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        try:
            self._receive(time.monotonic() + _START_SECONDS)
        except _WorkerEnded as problem:
            raise TemporaryFailure(f"a reading worker does not start: {problem}; see standard error") from problem
        except BaseException:
            self.kill()
            raise

    def alive(self) -> bool:
        """Whether the process still runs; what is left of an ended one is cleared away."""
        if self._process.poll() is None:
            return True
        self.kill()
        return False

    def ask(self, job: bytes, seconds: float) -> WorkerReply:
        """Sends a job and waits for its answer; _WorkerEnded, and the worker killed, when none comes in time."""
        deadline = time.monotonic() + seconds
        self._send(memoryview(len(job).to_bytes(LENGTH, "big")), deadline)  # apart: a large mail is not copied for it
        self._send(memoryview(job), deadline)
        return self._receive(deadline)

    def _send(self, job: memoryview, deadline: float) -> None:
        while job:
            self._wait(self._stdin.fileno(), select.POLLOUT, deadline)
            try:
                job = job[os.write(self._stdin.fileno(), job[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                raise self._ended() from None

    def _receive(self, deadline: float) -> WorkerReply:
        size = int.from_bytes(self._received(LENGTH, deadline), "big")
        if size > MAX_FRAME:
            self.kill()
            raise _WorkerEnded(f"a worker announced an answer of {size:,} bytes")
        try:
            return answer_of(self._received(size, deadline))
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
            raise _WorkerEnded(f"a worker's answer makes no sense: {problem}") from problem

    def _received(self, size: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            self._wait(self._stdout.fileno(), select.POLLIN, deadline)
            try:
                chunk = os.read(self._stdout.fileno(), min(_CHUNK, size - len(found)))
            except BlockingIOError:
                continue
            if not chunk:
                raise self._ended()
            found += chunk
        return bytes(found)

    def _wait(self, pipe: int, event: int, deadline: float) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            self.kill()
            raise _WorkerEnded("it took longer than it may")

    def _ended(self) -> _WorkerEnded:
        """Why the process is gone, in words."""
        try:
            code = self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return _WorkerEnded("the worker closed its pipe and stayed")
        self.kill()
        return _WorkerEnded(_ENDINGS.get(code) or f"the worker ended with {_code_in_words(code)}")

    def end(self) -> None:
        """Closes the pipe, so that the process ends by itself; kills it when it does not."""
        self._stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):  # then it is killed
            self._process.wait(_END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Ends the process at once and waits for it. Harmless on one that has ended."""
        self._process.kill()
        self._process.wait()
        self._stdin.close()
        self._stdout.close()


_ENDINGS = {
    -signal.SIGXCPU: "it needs more processor time than a mail may have",
    -signal.SIGKILL: "the worker was killed, perhaps because the machine had no memory left",
}


def _code_in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _started(cpu_seconds: int, memory_bytes: int) -> subprocess.Popen[bytes]:
    """A new process. Signals that are for the parent stay blocked in it until it ignores them."""
    root = str(Path(maild.__file__).resolve().parent.parent)
    command = [sys.executable, "-P", "-c", _PROGRAM, root, str(cpu_seconds), str(memory_bytes)]
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        return subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=_environment()
        )
    except OSError as problem:
        raise TemporaryFailure(f"a reading worker cannot be started: {problem}") from problem
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _environment() -> dict[str, str]:
    """What a worker needs of the environment. Secrets that the daemon was given there are none of it."""
    return {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}


_PASSED_ON = ("PATH", "LANG", "LC_", "LD_", "PYTHON", "VIRTUAL_ENV", "TZ", "TMPDIR", "COV")
