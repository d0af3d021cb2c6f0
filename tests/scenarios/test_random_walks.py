"""Whatever people do with the mails that they have: nobody hears what is not for them, and no word is lost in silence.

A failure prints its walk; once mended it stays in KEPT for good."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.scenarios.conftest import Beginning, OfficeAgain
from tests.scenarios.stage import Stage
from tests.scenarios.walking import BEGUN, COMMANDS, FRESH, SHAPES, Step, Walk, begin, steps

SHORT = 25  # walks of each of the parts that `make test` takes
PARTS = 2
LONG = int(os.environ.get("MAILD_WALKS", "100000"))  # of the soak: a third of a second each
A_SEED = 1000  # walks that one seed makes; its number names the test, and makes the same walks again
# Walks that once went wrong, each with what was wrong.
KEPT: list[tuple[str, list[Step]]] = [
    (
        "a text beside a word about no held reply was lost",
        [Step("answer", "jane", shape=SHAPES.index("{text}\n{command}"), command=COMMANDS.index("!send nothing"))],
    ),
    (
        "what a note kept inside left with the mail that opened its ticket",
        [Step("write", "john", shape=FRESH.index("!to {whom}\n{command}\n{text}"), command=COMMANDS.index("!note"))],
    ),
]
_AS_THEY_ARE = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


# The customers are strangers to each other; or those of one domain belong together, and others follow their tickets.
FOLLOWED = """
[[organisation]]
name = "Acme Client"
domains = "client.example"
sla_plan = "sev-b"
contacts = ["paul@other.example", "joe"]
[[organisation]]
name = "Others"
domains = "other.example"
contacts = ["eve@client.example"]
"""


@pytest.fixture(scope="session")
def laid_over(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", ""))


@pytest.fixture(scope="session")
def beginning(office_again: OfficeAgain, tmp_path_factory: pytest.TempPathFactory, laid_over: str) -> Beginning:
    begin(Stage(office_again.anew(laid_over)))
    return office_again.beginning(tmp_path_factory.mktemp("walks") / "begun.db")


@pytest.fixture
def walks(office_again: OfficeAgain, beginning: Beginning, laid_over: str) -> Callable[[list[Step]], str]:
    """Walks on -> the transcript up to the first step that broke something; "" when none did."""

    def went_wrong(walk: list[Step]) -> str:
        stage = Stage(office_again.anew(laid_over, beginning))
        walking = Walk(stage, first=BEGUN)
        for at, step in enumerate(walk, 1):
            stage.narrate(f"\n{step}")
            if faults := walking.go(step):
                return "\n".join((*faults, "", f"the walk: {walk[:at]}", stage.story))
        return ""

    return went_wrong


def walk_about(went_wrong: Callable[[list[Step]], str], number: int, many: int) -> None:
    @seed(number)
    @settings(max_examples=many, **_AS_THEY_ARE)
    @given(walk=steps())
    def about(walk: list[Step]) -> None:
        wrong = went_wrong(walk)
        assert not wrong, wrong

    about()


@pytest.mark.parametrize("walk", [walk for _, walk in KEPT], ids=[why for why, _ in KEPT])
def test_a_walk_that_once_went_wrong(walk: list[Step], walks: Callable[[list[Step]], str]) -> None:
    assert not (wrong := walks(walk)), wrong


@pytest.mark.parametrize("laid_over", ["", FOLLOWED], ids=["strangers", "followed"], indirect=True, scope="session")
@pytest.mark.parametrize("number", range(PARTS))
def test_nobody_hears_what_is_not_for_them(number: int, walks: Callable[[list[Step]], str]) -> None:
    walk_about(walks, number, SHORT)


@pytest.mark.soak
@pytest.mark.parametrize("number", range(PARTS, PARTS + LONG // A_SEED))
def test_nobody_does_for_a_long_time_either(number: int, walks: Callable[[list[Step]], str]) -> None:
    walk_about(walks, number, A_SEED)
