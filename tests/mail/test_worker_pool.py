"""The pool of killable readers: what a bad mail costs, what a dying worker costs, and who outlives whom."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest

from maild.mail.reading import parse
from maild.mail.reading.limits import Limits
from maild.mail.worker import process as worker_process
from maild.mail.worker.frames import WorkerReply, frame, reply_frame, reply_of
from maild.mail.worker.pool import ReadingFailed, WorkerPool, _Worker
from maild.ports import TemporaryFailure

GOOD = b"From: Karen <karen@client.example>\r\nSubject: help\r\nMessage-ID: <1@client.example>\r\n\r\nIt burns.\r\n"
PDF = GOOD.replace(b"\r\n\r\n", b'\r\nContent-Type: application/pdf; name="a.pdf"\r\n\r\n')
ROOT = Path(__file__).parent.parent.parent


def _pids(pool):
    return [worker._process.pid for worker in pool._idle]


def _running(pid):
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def _wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


@pytest.fixture
def pool():
    with WorkerPool(1) as made:
        yield made


def test_worker_reads_as_the_parser_does(pool):
    quoted = GOOD + b"\r\nWe have replaced the fuser today.\r\nPlease try again, and tell us.\r\nAcme Support\r\n"
    known = ("We have replaced the fuser today.\nPlease try again, and tell us.\nAcme Support",)
    assert pool.read(quoted, known) == parse.read(quoted, known_texts=known)
    assert pool.read(quoted, known).new_text == "It burns."


def test_worker_extracts_a_part(pool):
    (attachment,) = pool.read(PDF).attachments
    assert pool.extract(PDF, attachment.part) == b"It burns.\r\n"


def test_part_that_does_not_exist_is_told(pool):
    with pytest.raises(ReadingFailed, match="no part '7'"):
        pool.extract(PDF, "7")


def test_worker_is_used_again(pool):
    pool.read(GOOD)
    (first,) = _pids(pool)
    pool.read(GOOD)
    assert _pids(pool) == [first]


def test_limits_are_handed_on():
    with WorkerPool(1, limits=Limits(max_bytes=90)) as pool:
        assert any("too large" in defect for defect in pool.read(GOOD).defects)


def test_many_threads_share_few_workers():
    mails = [GOOD.replace(b"help", b"help %d" % number) for number in range(60)]
    with WorkerPool(2) as pool, ThreadPoolExecutor(8) as threads:
        subjects = [message.subject for message in threads.map(pool.read, mails)]
        assert subjects == [f"help {number}" for number in range(60)]
        assert len(_pids(pool)) <= 2


def test_worker_that_hangs_is_killed_and_replaced():
    with WorkerPool(1, wall_seconds=0.5) as pool:
        pool.read(GOOD)
        (hung,) = _pids(pool)
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(ReadingFailed, match="longer than a mail may take"):
            pool.read(GOOD)
        assert not _running(hung)
        assert pool.read(GOOD).subject == "help"


def test_worker_that_hangs_before_it_takes_a_large_mail_is_killed():
    with WorkerPool(1, wall_seconds=0.5) as pool:
        pool.read(GOOD)
        (hung,) = _pids(pool)
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(ReadingFailed, match="longer than a mail may take"):
            pool.read(GOOD + b"x" * 5_000_000)
        assert not _running(hung)


def test_worker_that_dies_over_a_mail_is_replaced(pool, monkeypatch):
    pool.read(GOOD)
    asked = threading.Event()
    ask = _Worker.ask

    def told(worker, *arguments):
        asked.set()
        return ask(worker, *arguments)

    monkeypatch.setattr(_Worker, "ask", told)
    (victim,) = _pids(pool)
    os.kill(victim, signal.SIGSTOP)
    failed = []

    def read():
        try:
            pool.read(GOOD)
        except ReadingFailed as problem:
            failed.append(problem.reason)

    reader = threading.Thread(target=read)
    reader.start()
    assert asked.wait(30)
    os.kill(victim, signal.SIGKILL)
    reader.join(30)
    assert failed == ["the worker was killed, perhaps because the machine had no memory left"]
    assert pool.read(GOOD).subject == "help"


def test_worker_that_died_while_idle_costs_no_mail(pool):
    pool.read(GOOD)
    (victim,) = _pids(pool)
    os.kill(victim, signal.SIGKILL)
    _wait_until(lambda: not _running(victim))
    assert pool.read(GOOD).subject == "help"


def test_mail_that_wants_too_much_processor_time_ends_its_worker_alone():
    opening = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    slow = b"".join(opening % (level, level) for level in range(40)) + b"\n" + b"x\n" * 3_000_000
    with WorkerPool(1, cpu_seconds=1, wall_seconds=120, limits=Limits(lines=2**28)) as pool:
        with pytest.raises(ReadingFailed, match="processor time"):
            pool.read(slow)
        assert pool.read(GOOD).subject == "help"


def test_mail_that_wants_too_much_memory_is_refused_and_the_next_one_gets_a_fresh_worker():
    with WorkerPool(1, memory_bytes=32 * 2**20) as pool:
        pool.read(GOOD)
        first = _pids(pool)
        with pytest.raises(ReadingFailed, match="more memory"):
            pool.read(GOOD + b"x " * 12_000_000)
        assert pool.read(GOOD).subject == "help"
        assert _pids(pool) != first


def _served(job, largest):
    """(what _serve returns, the answer it writes)"""
    said = BytesIO()
    body = frame(job)[8:]
    retires = worker_process._serve(len(body), BytesIO(body), said, largest)
    return retires, reply_of(said.getvalue()[8:])


def test_worker_that_has_grown_too_large_says_that_it_retires():
    retires, answer = _served(("read", {"raw": GOOD}), largest=1)
    assert (retires, answer.retires, answer.failure) == (True, True, "")
    assert answer.result == parse.read(GOOD)


def test_worker_that_has_not_grown_stays():
    retires, answer = _served(("read", {"raw": GOOD}), largest=2**60)
    assert (retires, answer.retires) == (False, False)


def test_worker_without_memory_for_a_mail_retires(monkeypatch):
    def exhausted(**_):
        raise MemoryError

    monkeypatch.setitem(worker_process.JOBS, "read", exhausted)
    retires, answer = _served(("read", {"raw": GOOD}), largest=2**60)
    assert (retires, answer.retires) == (True, True)
    assert "memory" in answer.failure


def test_reader_that_raises_is_told_with_its_reason(monkeypatch):
    def broken(**_):
        raise AttributeError("no such\nthing")

    monkeypatch.setitem(worker_process.JOBS, "read", broken)
    assert _served(("read", {"raw": GOOD}), largest=0)[1].failure == "AttributeError: no such thing"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_to_the_whole_group_leave_workers_to_their_parent(pool, number):
    pool.read(GOOD)
    (pid,) = _pids(pool)
    os.kill(pid, number)
    assert pool.read(GOOD).subject == "help"
    assert _pids(pool) == [pid]


def test_close_ends_idle_workers_and_refuses_new_mail(pool):
    pool.read(GOOD)
    (pid,) = _pids(pool)
    pool.close()
    assert not _running(pid)
    with pytest.raises(TemporaryFailure, match="closed"):
        pool.read(GOOD)
    pool.close()


def test_close_lets_a_busy_worker_answer_first(pool):
    pool.read(GOOD)
    (pid,) = _pids(pool)
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(pool.read, GOOD)
        _wait_until(lambda: not pool._idle)
        pool.close()
        os.kill(pid, signal.SIGCONT)
        assert busy.result(30).subject == "help"
    assert not _running(pid)


def test_worker_that_cannot_start_is_the_machines_fault(pool, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(TemporaryFailure, match="cannot be started"):
        pool.read(GOOD)


def test_worker_that_breaks_while_starting_is_the_machines_fault(pool, monkeypatch):
    monkeypatch.setattr("maild.mail.worker.pool._PROGRAM", "raise SystemExit(3)")
    with pytest.raises(TemporaryFailure, match="exit code 3"):
        pool.read(GOOD)


def test_pool_without_workers_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        WorkerPool(0)


def test_secrets_of_the_daemon_do_not_reach_workers(pool, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_DAEMON", "canary-7")
    pool.read(GOOD)
    (pid,) = _pids(pool)
    assert b"canary-7" not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_when_the_parent_dies(end):
    script = """
        import sys, time
        from maild.mail.worker.pool import WorkerPool
        pool = WorkerPool(2)
        pool.read(b"Subject: x\\r\\n\\r\\ny")
        print(pool._idle[0]._process.pid, flush=True)
        time.sleep(120)
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        pid = int(parent.stdout.readline())
        assert _running(pid)
        parent.send_signal(end)
        parent.wait(30)
    _wait_until(lambda: not _running(pid))


def test_pool_works_from_a_folder_that_is_not_ours(tmp_path):
    (tmp_path / "email.py").write_text("raise SystemExit('the current folder is not to be imported from')")
    mail = 'b"Subject: x\\r\\n\\r\\ny"'
    script = f"from maild.mail.worker.pool import WorkerPool; print(WorkerPool(1).read({mail}).subject)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout == "x\n", done.stderr


def test_worker_imports_only_what_reading_needs():
    script = "import sys, maild.mail.worker.process; print(*sys.modules)"
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured, capture_output=True, text=True, timeout=60, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    heavy = {"sqlalchemy", "alembic", "jinja2", "imapclient", "aiosmtpd", "apscheduler", "mailparser", "rich", "click"}
    assert not loaded & {*heavy, "asyncio", "multiprocessing", "msgspec", "holidays"}


def test_answer_with_a_foreign_type_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="is no part of a reply"):
        reply_of(reply_frame(WorkerReply(subprocess.Popen))[8:])
    with pytest.raises(pickle.UnpicklingError):
        reply_of(frame((os.system, "", False))[8:])


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("(2**40).to_bytes(8, 'big')", "announced a reply"),
        ("(9).to_bytes(8, 'big') + b'not pickle'", "cannot be read"),
        ("(40).to_bytes(8, 'big') + b'cut off'", "exit code 0"),
        ("reply_frame(WorkerReply(7))", "answered with int"),
    ],
)
def test_worker_gone_mad_costs_its_mail_and_no_more(pool, monkeypatch, answer, reason):
    mad = f"""
import sys
sys.path.append(sys.argv[1])
from maild.mail.worker.frames import *
out = sys.stdout.buffer
out.write(reply_frame(WorkerReply("ready")))
out.flush()
while header := sys.stdin.buffer.read(8):
    sys.stdin.buffer.read(int.from_bytes(header, "big"))
    answer = {answer}
    out.write(answer)
    out.flush()
    if answer.endswith(b"cut off"):
        break
"""
    with monkeypatch.context() as patched:
        patched.setattr("maild.mail.worker.pool._PROGRAM", mad)
        with pytest.raises(ReadingFailed, match=reason):
            pool.read(GOOD)
        with pytest.raises(ReadingFailed, match=reason):
            pool.extract(GOOD, "1")
    assert pool.read(GOOD).subject == "help"


def test_answer_survives_the_pipe():
    message = parse.read((ROOT / "tests/corpus/dsn-failed.eml").read_bytes())
    assert reply_of(reply_frame(WorkerReply(message, "", True))[8:]) == WorkerReply(message, "", True)
