"""Mails of the corpus, broken by chance: the same ones for the same seed."""

import random
from collections.abc import Iterator
from pathlib import Path

CORPUS = [path.read_bytes() for path in sorted((Path(__file__).parent.parent / "corpus").glob("*.eml"))]


def mutated(seed: int, count: int) -> Iterator[bytes]:
    """`count` mails, each with one to seven changes: an octet, a hole, a repetition, a piece of another mail."""
    chance = random.Random(seed)
    for _ in range(count):
        raw = bytearray(chance.choice(CORPUS))
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(raw) + 1)
            match chance.randrange(4):
                case 0:
                    raw[at : at + 1] = bytes([chance.randrange(256)])
                case 1:
                    del raw[at : at + chance.randrange(40)]
                case 2:
                    raw[at:at] = raw[max(0, at - chance.randrange(200)) : at]
                case _:
                    other = chance.choice(CORPUS)
                    start = chance.randrange(len(other) + 1)
                    raw[at:at] = other[start : start + chance.randrange(300)]
        yield bytes(raw)
