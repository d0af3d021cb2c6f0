"""What a receipt says about the wait of an answer, given the moment at which the queued mail leaves."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from maild.domain.agent_mail.send_delay import wait_lines
from maild.domain.decision import AnswerWait

NOW = datetime(2026, 12, 1, 9, 30, 40, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TO_KAREN = AnswerWait(to="Karen Hill")
NAMED = AnswerWait(named=True)
RISKY = AnswerWait(reasons=("it goes to 7 people", "it seems to hold a password"))


@pytest.mark.parametrize(
    ("wait", "after", "lines"),
    [
        (TO_KAREN, "60 s", ["your text goes to Karen Hill at 10:31:40 CET; until then !undo stops it"]),
        (NAMED, "60 s", ["your answer leaves at 10:31:40 CET; until then !undo stops it"]),
        (NAMED, "1 day", ["your answer leaves on Wed 2026-12-02 10:30 CET; until then !undo stops it"]),
        (
            AnswerWait(to="Karen Hill", named=True),
            "1 day",
            ["your text goes to Karen Hill on Wed 2026-12-02 10:30 CET; until then !undo stops it"],
        ),
        (
            RISKY,
            "60 s",
            [
                "it waits until 10:31:40 CET, because it goes to 7 people",
                "it waits until 10:31:40 CET, because it seems to hold a password",
            ],
        ),
        (TO_KAREN, "0 s", ["your text goes to Karen Hill"]),
        (NAMED, "0 s", []),
        (RISKY, "0 s", []),
        (TO_KAREN, "not queued", ["your text goes to Karen Hill"]),
        (NAMED, "not queued", []),
    ],
)
def test_the_moment_is_said_only_where_something_waits(wait: AnswerWait, after: str, lines: list[str]):
    spans = {"60 s": timedelta(seconds=60), "1 day": timedelta(days=1), "0 s": timedelta(0)}
    leaves_at = NOW + spans[after] if after in spans else None
    assert list(wait_lines(wait, leaves_at, NOW, BERLIN)) == lines
