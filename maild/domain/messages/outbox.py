"""The life of an outgoing mail: what the answer to an attempt means, and when to try again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class OutboxState(StrEnum):
    """Where an outgoing mail stands."""

    QUEUED = "queued"
    SENDING = "sending"  # claimed; the lease says for how long
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    HELD = "held"
    DROPPED = "dropped"


class DeliveryResult(StrEnum):
    """What the relay said about one recipient."""

    SENT = "sent"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    AMBIGUOUS = "ambiguous"  # the final reply was not read: it may have been taken


@dataclass(frozen=True, slots=True)
class RelayAnswer:
    """A relay's answer for one recipient. `text` is the reply as given, on one line."""

    verdict: DeliveryResult
    text: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelFault:
    """The relay could not be used at all (connect, TLS, login, MAIL refused for us). No mail caused it."""

    text: str
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Attempted:
    """What becomes of an outbox row after an attempt."""

    state: OutboxState
    attempts: int
    next_at: datetime | None
    last_answer: str
    tried_since: datetime | None = None  # its first attempt: from then on the time counts after which it is given up


_MINUTE = timedelta(minutes=1)
# RFC 5321 4.5.4.1 asks for at least 30 minutes between later tries and 4-5 days in all. The first retries are
# early for greylisting (RFC 6647), which wants about five minutes.
RETRY_SCHEDULE: tuple[timedelta, ...] = (
    1 * _MINUTE,
    5 * _MINUTE,
    15 * _MINUTE,
    30 * _MINUTE,
    60 * _MINUTE,
    120 * _MINUTE,
    240 * _MINUTE,
)
GIVE_UP_AFTER = timedelta(days=5)
AMBIGUOUS_PAUSE = timedelta(minutes=15)  # a copy may lie in the next queue already: give it time to bounce or arrive
CHANNEL_PAUSE = timedelta(minutes=1)
JITTER = 0.2


def after_attempt(
    answer: RelayAnswer | ChannelFault, *, attempts: int, tried_since: datetime | None, now: datetime, jitter: float
) -> Attempted:
    """Judge one attempt.

    `attempts` counts the attempts before it, the first of them at `tried_since`. `jitter` in -1..1 spreads the
    retries by 20 %. A channel fault never fails a mail and does not count as an attempt. The time until a mail
    is given up counts from its first attempt, because it may have waited before: a delayed answer, or one that
    an admin held."""
    text = answer.text
    if isinstance(answer, ChannelFault):
        return Attempted(OutboxState.DEFERRED, attempts, now + _spread(CHANNEL_PAUSE, jitter), text, tried_since)
    made, since = attempts + 1, tried_since or now
    if answer.verdict is DeliveryResult.SENT:
        return Attempted(OutboxState.SENT, made, None, text, since)
    if answer.verdict is DeliveryResult.PERMANENT:
        return Attempted(OutboxState.FAILED, made, None, text, since)
    if now - since >= GIVE_UP_AFTER:
        return Attempted(OutboxState.FAILED, made, None, f"given up after {GIVE_UP_AFTER.days} days: {text}", since)
    pause = RETRY_SCHEDULE[min(attempts, len(RETRY_SCHEDULE) - 1)]
    if answer.verdict is DeliveryResult.AMBIGUOUS:
        pause = max(pause, AMBIGUOUS_PAUSE)
    return Attempted(OutboxState.DEFERRED, made, now + _spread(pause, jitter), text, since)


def _spread(pause: timedelta, jitter: float) -> timedelta:
    return pause * (1 + JITTER * max(-1.0, min(1.0, jitter)))
