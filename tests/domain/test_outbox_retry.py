"""When a mail is tried again, and when it is given up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.messages.outbox import (
    GIVE_UP_AFTER,
    RETRY_SCHEDULE,
    ChannelFault,
    DeliveryResult,
    OutboxState,
    RelayAnswer,
    after_attempt,
)
from tests.rig.misses import in_turn

QUEUED = datetime(2025, 11, 21, 9, 42, tzinfo=UTC)
TEMPORARY = RelayAnswer(DeliveryResult.TEMPORARY, "450 4.2.0 greylisted", 450)
AMBIGUOUS = RelayAnswer(DeliveryResult.AMBIGUOUS, "the mail was sent, its reply was not read")
MINUTES = (1, 5, 15, 30, 60, 120, 240, 240, 240)


def minutes(amount: float) -> timedelta:
    return timedelta(minutes=amount)


@in_turn(("attempts", "pause"), list(enumerate(MINUTES)))
def test_the_pauses_grow(attempts: int, pause: int) -> None:
    after = after_attempt(TEMPORARY, attempts=attempts, tried_since=QUEUED, now=QUEUED, jitter=0)
    assert (after.state, after.attempts) == (OutboxState.DEFERRED, attempts + 1)
    assert after.next_at == QUEUED + minutes(pause)
    assert after.last_answer == TEMPORARY.text


@pytest.mark.parametrize(("jitter", "pause"), [(-1, 4), (-0.5, 4.5), (0, 5), (1, 6), (7, 6), (-7, 4)])
def test_jitter_spreads_by_a_fifth_and_no_more(jitter: float, pause: float) -> None:
    after = after_attempt(TEMPORARY, attempts=1, tried_since=QUEUED, now=QUEUED, jitter=jitter)
    assert after.next_at == QUEUED + minutes(pause)


@pytest.mark.parametrize(("attempts", "pause"), [(0, 15), (1, 15), (2, 15), (3, 30), (6, 240)])
def test_after_a_lost_reply_a_copy_gets_time_to_arrive(attempts: int, pause: int) -> None:
    after = after_attempt(AMBIGUOUS, attempts=attempts, tried_since=QUEUED, now=QUEUED, jitter=0)
    assert (after.state, after.next_at) == (OutboxState.DEFERRED, QUEUED + minutes(pause))


@pytest.mark.parametrize(
    ("verdict", "state"), [(DeliveryResult.SENT, OutboxState.SENT), (DeliveryResult.PERMANENT, OutboxState.FAILED)]
)
def test_an_end_is_an_end(verdict: DeliveryResult, state: OutboxState) -> None:
    after = after_attempt(RelayAnswer(verdict, "words"), attempts=4, tried_since=QUEUED, now=QUEUED, jitter=0)
    assert (after.state, after.attempts, after.next_at, after.last_answer) == (state, 5, None, "words")


@pytest.mark.parametrize("answer", [TEMPORARY, AMBIGUOUS])
def test_after_five_days_a_mail_is_given_up(answer: RelayAnswer) -> None:
    late = QUEUED + GIVE_UP_AFTER
    given_up = after_attempt(answer, attempts=30, tried_since=QUEUED, now=late, jitter=0)
    assert (given_up.state, given_up.next_at) == (OutboxState.FAILED, None)
    assert given_up.last_answer == f"given up after 5 days: {answer.text}"
    before = after_attempt(answer, attempts=30, tried_since=QUEUED, now=late - minutes(1), jitter=0)
    assert before.state is OutboxState.DEFERRED


def test_the_first_retries_are_early_enough_for_greylisting_and_the_later_ones_calm() -> None:
    assert RETRY_SCHEDULE[0] <= minutes(5)
    assert RETRY_SCHEDULE[1] >= minutes(5)
    assert all(pause >= minutes(30) for pause in RETRY_SCHEDULE[3:])
    assert list(RETRY_SCHEDULE) == sorted(RETRY_SCHEDULE)


@given(
    attempts=st.integers(0, 10_000),
    age=st.timedeltas(timedelta(0), timedelta(days=4000)),
    jitter=st.floats(-1, 1),
    code=st.one_of(st.none(), st.integers(200, 599)),
)
def test_a_fault_of_the_channel_never_fails_a_mail(
    attempts: int, age: timedelta, jitter: float, code: int | None
) -> None:
    now = QUEUED + age
    after = after_attempt(
        ChannelFault("535 5.7.8 wrong password", code), attempts=attempts, tried_since=QUEUED, now=now, jitter=jitter
    )
    assert (after.state, after.attempts) == (OutboxState.DEFERRED, attempts)
    assert after.next_at is not None
    assert minutes(0.8) <= after.next_at - now <= minutes(1.2)


@given(
    attempts=st.integers(0, 10_000),
    age=st.timedeltas(timedelta(0), timedelta(days=30)),
    jitter=st.floats(allow_nan=False, allow_infinity=True),
    verdict=st.sampled_from(DeliveryResult),
)
def test_a_mail_waits_or_has_ended(attempts: int, age: timedelta, jitter: float, verdict: DeliveryResult) -> None:
    now = QUEUED + age
    after = after_attempt(RelayAnswer(verdict, "x"), attempts=attempts, tried_since=QUEUED, now=now, jitter=jitter)
    waits = after.state is OutboxState.DEFERRED
    assert waits == (after.next_at is not None)
    assert after.attempts == attempts + 1
    if after.next_at is not None:
        assert after.next_at > now
        assert after.next_at - now <= 1.2 * RETRY_SCHEDULE[-1]


def test_a_mail_that_waited_long_before_its_first_attempt_is_not_given_up_at_once() -> None:
    first = after_attempt(TEMPORARY, attempts=0, tried_since=None, now=QUEUED, jitter=0)
    assert (first.state, first.tried_since) == (OutboxState.DEFERRED, QUEUED)
    fault = after_attempt(ChannelFault("no route"), attempts=0, tried_since=None, now=QUEUED, jitter=0)
    assert fault.tried_since is None
