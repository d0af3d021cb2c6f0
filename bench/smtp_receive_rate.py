"""Measures how fast mail is received by SMTP when nothing else is done: maild's listener compared with plain aiosmtpd.

    python bench/smtp_receive_rate.py [--rounds 3] [--connections 10] [--json]

Both servers run in their own processes on loopback. Postfix's smtp-source sends to them in turns; look at the ratio.
Unit: mails/s, median of the rounds. Needs Debian's package postfix (only its test program, no daemon)."""

import argparse
import asyncio
import json
import multiprocessing
import shutil
import statistics
import subprocess
import threading
import time
from concurrent.futures import Future
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

LOOPBACK = "127.0.0.1"
RECIPIENT = "support@help.test"
SIZES = {35_000: 600, 200_000: 200}  # octets of a mail: mails in a round
DATA_LIMIT = 50_000_000


class MachineClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)


def run_maild(report: Connection) -> None:
    """Run maild's listener with a hand-in that answers at once, and report its port."""
    from maild.ports import IncomingMail, Receipt
    from maild.sources.smtp import ListenerOptions, SmtpSource

    def hand_in(mail: IncomingMail) -> Future[Receipt]:
        receipt: Future[Receipt] = Future()
        receipt.set_result(Receipt(len(mail.raw), known=False))
        return receipt

    options = ListenerOptions(accepts=lambda address: address == RECIPIENT, smtp=f"{LOOPBACK}:0", hostname="bench.test")
    source = SmtpSource(options, MachineClock())
    source.open()
    report.send(source.addresses["smtp"][1])
    source.run(hand_in, threading.Event())


def run_stock(report: Connection) -> None:
    """Run aiosmtpd with a handler that answers at once, and report its port."""
    from aiosmtpd.smtp import SMTP, Envelope, Session

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
            del server, session, envelope
            return "250 OK"

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: SMTP(Handler(), enable_SMTPUTF8=True, data_size_limit=DATA_LIMIT, hostname="bench.test", loop=loop),
            LOOPBACK,
            0,
        )
        report.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


SERVERS = {"maild": run_maild, "aiosmtpd": run_stock}


def mails_per_second(program: str, port: int, connections: int, mails: int, size: int) -> float:
    """Send mails of one size over connections that stay open, and return the rate."""
    load = ["-d", "-s", str(connections), "-m", str(mails), "-l", str(size), "-f", "k@customer.test", "-t", RECIPIENT]
    begin = time.perf_counter()
    subprocess.run([program, *load, f"inet:{LOOPBACK}:{port}"], check=True)
    return mails / (time.perf_counter() - begin)


def measure(program: str, rounds: int, connections: int) -> list[dict[str, object]]:
    """Return one row for each size: the rates of both servers, measured in turns, and their ratio."""
    context = multiprocessing.get_context("spawn")
    processes, ports = [], {}
    try:
        for name, run in SERVERS.items():
            here, there = context.Pipe()
            process = context.Process(target=run, args=(there,), daemon=True)
            process.start()
            processes.append(process)
            if not here.poll(30):
                raise SystemExit(f"{name} did not start within 30 s")
            ports[name] = here.recv()
        return [_row(program, ports, rounds, connections, size, mails) for size, mails in SIZES.items()]
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _row(
    program: str, ports: dict[str, int], rounds: int, connections: int, size: int, mails: int
) -> dict[str, object]:
    rates: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(rounds):
        for name, port in ports.items():
            rates[name].append(mails_per_second(program, port, connections, mails, size))
    medians = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    ratios = [ours / stock for ours, stock in zip(rates["maild"], rates["aiosmtpd"], strict=True)]
    return {"octets": size, **medians, "ratio": round(statistics.median(ratios), 2)}


def main() -> None:
    """Measure and print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    program = shutil.which("smtp-source", path="/usr/sbin:/usr/bin")
    if program is None:
        raise SystemExit("smtp-source is missing (remedy: apt-get install --no-install-recommends postfix)")
    rows = measure(program, arguments.rounds, arguments.connections)
    if arguments.json:
        print(json.dumps({"bench": Path(__file__).stem, "rows": rows}))
        return
    for row in rows:
        print(f"{row['octets']:>8} octets  maild {row['maild']:>8}/s  aiosmtpd {row['aiosmtpd']:>8}/s  {row['ratio']}x")


if __name__ == "__main__":
    main()
