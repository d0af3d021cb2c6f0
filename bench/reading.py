"""Measures what it costs to read a mail: maild compared with the standard library's compat32 parser, on the same mails.

    python bench/reading.py [--mails 200] [--rounds 5] [--json]

maild's path covers limits, parts, header fields, text, sanitised HTML, quotes, attachments with their hashes, and
classification. "bare" is the compat32 parser, which decodes only subject, From, ids, the first text and the
attachments. Look at the ratio within one run: processor time of bare / processor time of maild, median of the rounds;
1.0 means equally fast. "trace" is what mail-parser adds; because of its cost the trace is made only when needed."""

from __future__ import annotations

import argparse
import email
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from email.header import decode_header, make_header
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import _corpus

from maild.domain.intake.classify import OwnMarks, classify
from maild.domain.messages.message import Envelope
from maild.domain.people.directory import Address
from maild.mail.headers import trace
from maild.mail.reading import limits, parse

MARKS = OwnMarks(lambda _: False, own_addresses=frozenset({Address.of(_corpus.RECIPIENT)}))


def bare(raw: bytes) -> object:
    """Read a mail with the compat32 parser: decoded headers, the first text, the attachments."""
    message = email.message_from_bytes(raw)
    heads = [_decoded(message[name]) for name in ("subject", "from", "message-id", "in-reply-to", "references")]
    text, attachments = None, []
    for part in message.walk():
        if part.is_multipart():
            continue
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        if name := part.get_filename():
            attachments.append((name, octets))
        elif text is None and part.get_content_type() == "text/plain":
            text = octets.decode(part.get_content_charset() or "utf-8", "replace")
    return heads, text, attachments


def _decoded(header: str | None) -> str | None:
    return str(make_header(decode_header(header))) if header and "=?" in header else header


def read(raw: bytes) -> object:
    """Read and classify a mail with maild."""
    return classify(parse.read(raw), Envelope(), MARKS)


WAYS: dict[str, Callable[[bytes], object]] = {
    "bare": bare,
    "maild": read,
    "limits": limits.survey,
    "trace": trace.trace,
}


def seconds(way: Callable[[bytes], object], raws: Sequence[bytes]) -> float:
    """Return the processor time of one pass, per mail."""
    start = time.process_time()
    for raw in raws:
        way(raw)
    return (time.process_time() - start) / len(raws)


def measure(count: int, rounds: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return kind -> way -> microseconds and ratio to bare. The ways take turns within each round."""
    made = _corpus.mails(count)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for kind in ("mix", *dict.fromkeys(_corpus.KINDS)):
        raws = [raw for its, raw in made if kind in ("mix", its)]
        samples = [{name: seconds(way, raws) for name, way in WAYS.items()} for _ in range(rounds)]
        found[kind] = {
            name: {
                "microseconds": round(statistics.median(sample[name] for sample in samples) * 1e6, 1),
                "ratio": round(statistics.median(sample["bare"] / sample[name] for sample in samples), 3),
            }
            for name in WAYS
        }
    return found


def main() -> None:
    """Measure and print a table or JSON."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--mails", type=int, default=200)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--json", action="store_true")
    asked = arguments.parse_args()
    found = measure(asked.mails, asked.rounds)
    if asked.json:
        print(json.dumps({"bench": "reading", "mails": asked.mails, "rounds": asked.rounds, "kinds": found}, indent=1))
        return
    print(f"{'kind':12} {'way':8} {'us/mail':>9} {'bare / way':>11}")
    for kind, ways in found.items():
        for name, row in ways.items():
            print(f"{kind:12} {name:8} {row['microseconds']:9.1f} {row['ratio']:10.2f}x")


if __name__ == "__main__":
    main()
