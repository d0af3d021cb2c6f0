"""What a mail does that finds a bug in a parser written in C: the process that reads it is gone, without a word.

Python imports this by itself in every process whose PYTHONPATH names this folder. Only the readers are touched, and
each death is noted in the file `deaths` of their working folder.
"""

import os
import runpy
import signal
import sys
from pathlib import Path

POISON = b"arsenic"


def _poisonable() -> None:
    from maild.mail.reading import parse

    read = parse.read

    def poisonable_read(raw: bytes, **arguments: object) -> object:
        if POISON in raw:
            with Path("deaths").open("a") as deaths:
                deaths.write(f"{os.getpid()}\n")
            os.kill(os.getpid(), signal.SIGSEGV)
        return read(raw, **arguments)  # type: ignore[arg-type]

    parse.read = poisonable_read  # type: ignore[assignment]


def _the_next_one() -> None:
    """Python imports one sitecustomize alone: run the one that this one hides."""
    for folder in map(Path, os.environ.get("PYTHONPATH", "").split(os.pathsep)):
        hidden = folder / "sitecustomize.py"
        if hidden.exists() and not hidden.samefile(__file__):
            runpy.run_path(str(hidden))
            return


_the_next_one()
if any("maild.mail.worker.process" in argument for argument in sys.orig_argv):
    _poisonable()
