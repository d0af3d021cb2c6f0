"""Every family of readers, with its seeds in `make test`, and fuzzed along the branches of the code in `make soak`."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mail.readers import FAMILIES
from tests.rig.misses import in_turn

ROOT = Path(__file__).parent.parent.parent
FOUND = ROOT / "build" / "fuzz"  # inputs that led to new branches are kept for the next run, failures to be looked at
SECONDS = int(os.environ.get("MAILD_FUZZ_SECONDS", "60"))  # for each family
LONGEST = 20_000  # octets of an input
MEMORY = 768  # MiB of the process: 512 that a mail may have, and what Python, our code and atheris need by themselves
DONE = re.compile(r"Done (\d+) runs in (\d+) second")
COVERED = re.compile(r"cov: (\d+)")


@in_turn("family", FAMILIES)
def test_readers_keep_their_promises_for_the_corpus(family):
    tried = 0
    for seed in FAMILIES[family].seeds():
        FAMILIES[family].read(seed)
        tried += 1
    assert tried > 2
    for word in FAMILIES[family].words:
        FAMILIES[family].read(word)


def _quoted(word: bytes) -> str:
    return '"' + "".join(f"\\x{octet:02x}" for octet in word) + '"\n'


def _prepared(family, folder):
    """Folders and files for libFuzzer -> its arguments."""
    found, seeds, words = FOUND / family, folder / "seeds", folder / "words"
    for place in (found, seeds):
        place.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(FAMILIES[family].seeds()):
        (seeds / str(number)).write_bytes(seed)
    words.write_text("".join(map(_quoted, FAMILIES[family].words)))
    return [
        *(f"-dict={words}", f"-artifact_prefix={FOUND}/{family}-", f"-max_total_time={SECONDS}"),
        *(f"-max_len={LONGEST}", f"-rss_limit_mb={MEMORY}", "-timeout=60", "-verbosity=1", str(found), str(seeds)),
    ]


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris has no wheel for this machine")
@pytest.mark.parametrize("family", FAMILIES)
def test_readers_keep_their_promises_along_every_branch(family, tmp_path, capfd):
    command = [sys.executable, "-m", "tests.mail.fuzzing", family, *_prepared(family, tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace")
    assert ran.returncode == 0, f"{' '.join(command[:4])}:\n{(ran.stdout + ran.stderr)[-6_000:]}"
    done = DONE.search(ran.stderr)
    assert done is not None, ran.stderr[-2_000:]
    assert int(done[1]) > len(list(FAMILIES[family].seeds()))
    with capfd.disabled():
        print(f" {family}: {done[1]} inputs in {done[2]} s, {COVERED.findall(ran.stderr)[-1]} branches", end="")
