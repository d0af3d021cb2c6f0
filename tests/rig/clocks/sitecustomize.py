"""Python imports this at its start where run.sh has set the clock: `time.sleep` works there again.

From 3.11 on Python sleeps until an instant of the monotonic clock. libfaketime 0.9.10, Debian's, takes that instant for
one of the faked wall clock, and the sleep ends at once with EINVAL. `select` waits for a span, so it is not touched.
"""

import os
import select
import time


def _sleep(seconds: float, /) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    end = time.monotonic() + seconds
    left = float(seconds)
    while left >= 0:
        select.select([], [], [], left)
        left = end - time.monotonic()


if "FAKETIME_TIMESTAMP_FILE" in os.environ:
    time.sleep = _sleep
