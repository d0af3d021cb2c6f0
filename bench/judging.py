"""Measures what it costs to judge mails that are kept, until their tickets and notices are committed.

    python bench/judging.py [--mails 600] [--rounds 3] [--json]

All mails open tickets. They are read in this process and judged in batches, as the daemon does it, on SQLite in a
folder of its own. "bare" is the compat32 parser of the standard library on the same mails. Look at the ratio within one
run: processor time of bare / processor time of reading and judging, median of the rounds."""

from __future__ import annotations

import argparse
import email
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import _corpus

from maild import maillog
from maild.config import load
from maild.daemon.assembly import key_ring, open_store
from maild.daemon.clocks import SystemClock
from maild.domain.messages.message import Envelope, InboundMessage
from maild.mail.reading import parse
from maild.ports import IncomingMail
from maild.services.helpdesk import Helpdesk
from maild.services.intake.process import Processing
from maild.services.intake.receive import keep

CONFIG = f"""
[helpdesk]
name = "Bench"
address = "{_corpus.RECIPIENT}"
[state]
folder = "{{folder}}"
[[relay]]
maildir = "sent"
[[department]]
name = "support"
[[agent]]
name = "john"
addresses = ["john@help.test"]
departments = ["support"]
"""


class Here:
    """Reads mails in this process."""

    def read(self, raw: bytes) -> InboundMessage:
        """Read one mail."""
        return parse.read(raw)

    def rewritten(self, raw: bytes, parts: Sequence[str]) -> bytes:
        """Rewrite one mail for a scanner."""
        return parse.rewritten(raw, parts)


def judged(mails: Sequence[bytes]) -> float:
    """Keep and judge mails in an empty database. Returns the processor seconds of reading and judging."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "maild.toml")
        config.write_text(CONFIG.format(folder=folder))
        settings, clock = load(config, environ={}), SystemClock()
        store, helpdesk = open_store(settings, "bench"), Helpdesk.of(settings, key_ring(settings))
        processing = Processing(store, Here(), lambda: helpdesk, clock, lambda: None, readers=1)
        envelope = Envelope("bob@example.test", (_corpus.RECIPIENT,))
        keep(
            [IncomingMail(raw=m, source="smtp", arrived_at=clock.now(), envelope=envelope) for m in mails], store, clock
        )
        began, count = time.process_time(), 0
        while done := processing.round():
            count += sum(each.outcome == "opened" for each in done)
        spent = time.process_time() - began
        processing.close()
        store.close()
    if count != len(mails):
        raise SystemExit(f"{count} of {len(mails)} mails opened a ticket")
    return spent


def bare(mails: Sequence[bytes]) -> float:
    """Return the processor seconds of the compat32 parser for these mails."""
    began = time.process_time()
    for raw in mails:
        email.message_from_bytes(raw)
    return time.process_time() - began


def main() -> None:
    """Measure text mails and the mix."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--mails", type=int, default=600)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    maillog.configure("error")
    mix = _corpus.mails(chosen.mails)
    kinds = {"text": [raw for kind, raw in mix if kind == "text"], "mix": [raw for _, raw in mix]}
    rows = []
    for name, mails in kinds.items():
        rounds = [(bare(mails), judged(mails)) for _ in range(chosen.rounds)]
        rows.append(
            {
                "mails": name,
                "ms_per_mail": round(1000 * statistics.median(spent for _, spent in rounds) / len(mails), 2),
                "ratio_to_bare": round(statistics.median(parsing / spent for parsing, spent in rounds), 3),
            }
        )
    if chosen.json:
        print(json.dumps(rows))
        return
    for row in rows:
        print(f"{row['mails']:5} {row['ms_per_mail']:6} ms of processor time a mail, {row['ratio_to_bare']} of bare")


if __name__ == "__main__":
    main()
