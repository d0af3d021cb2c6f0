"""Why an answer to a customer waits longer than usual before it leaves: cases that people often regret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from maild.domain.decision import AnswerWait
from maild.domain.times.moments import shown_time, shown_when

RISKY_WAIT = timedelta(seconds=120)
MANY_PEOPLE = 5  # more recipients than these are looked at twice

_PASSWORD = r"\b(?:pass ?word|passwort|kennwort|mot de passe|contrase\u00f1a|pwd)\s{0,3}[:=]\s{0,3}\S{4,}"
# One row a kind of secret: what it looks like on one capped line, and its name in words.
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"), "a private key"),
    (re.compile(_PASSWORD, re.IGNORECASE), "a password"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "an access key"),
    (re.compile(r"\b(?:ghp|gho|ghs|glpat|xox[abp]|sk)[-_][0-9A-Za-z_-]{16,}"), "an access token"),
    (re.compile(r"\bBearer\s{1,3}[0-9A-Za-z._~+/-]{20,}"), "an access token"),
)
_LONGEST_LINE = 1000
_SHORT_WAIT = timedelta(minutes=10)  # seconds matter in it, and the day is plain


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAnswer:
    """An answer on its way out. `strange` are the domains that this agent has never written to."""

    text: str
    widened: bool  # its address said that it stays inside
    people: int
    strange: frozenset[str] = frozenset()


def risks(leaving: PublicAnswer) -> tuple[str, ...]:
    """Return why it should wait longer, one sentence each; () when it need not."""
    found = []
    if leaving.widened:
        found.append("it answers a notice whose answers stay inside")
    found.extend(f"it seems to hold {kind}" for kind in secrets_in(leaving.text))
    if leaving.people > MANY_PEOPLE:
        found.append(f"it goes to {leaving.people} people")
    found.extend(f"it is your first mail to {domain}" for domain in sorted(leaving.strange))
    return tuple(found)


def wait_lines(wait: AnswerWait, leaves_at: datetime | None, now: datetime, zone: tzinfo) -> tuple[str, ...]:
    """Return what a receipt says about the wait of an answer, on the reader's clock.

    `leaves_at` is when the queued mail leaves (UTC), None when none is queued. Where nothing waits, `!undo` could not
    stop it, and nothing is said about that."""
    goes = f"your text goes to {wait.to}" if wait.to else "your answer leaves" if wait.named else ""
    if leaves_at is None or leaves_at <= now:
        return (goes,) if wait.to else ()
    short = leaves_at - now < _SHORT_WAIT
    until = shown_time(leaves_at, zone) if short else shown_when(leaves_at, zone)
    told = [f"{goes} {'at' if short else 'on'} {until}; until then !undo stops it"] if goes else []
    return (*told, *(f"it waits until {until}, because {reason}" for reason in wait.reasons))


def secrets_in(text: str) -> tuple[str, ...]:
    """Return the kinds of secrets that a text seems to hold."""
    lines = [line[:_LONGEST_LINE] for line in text.split("\n")]
    return tuple(dict.fromkeys(kind for pattern, kind in _SECRETS if any(pattern.search(line) for line in lines)))
