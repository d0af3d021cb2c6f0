"""One family of readers under atheris, which follows the branches that a mail takes through our code.

    python -m tests.mail.fuzzing FAMILY [libFuzzer's options and folders]

It ends with another code than 0 when a reader raises, or takes more than CPU_SECONDS for one input; libFuzzer leaves
that input at its artifact_prefix. Give the file's name as the last argument to try it again."""

import sys
import time

import atheris

CPU_SECONDS = 2.0  # of this process for one input, although watching the branches makes readers slower

with atheris.instrument_imports(include=["maild.mail"]):
    from tests.mail.readers import FAMILIES


class TooSlowError(Exception):
    """A reader took longer than any mail may."""


def main() -> None:
    read = FAMILIES[sys.argv[1]].read

    def once(octets: bytes) -> None:
        start = time.process_time()
        read(octets)
        if (took := time.process_time() - start) > CPU_SECONDS:
            raise TooSlowError(f"{took:.1f} s for {len(octets)} octets")

    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
