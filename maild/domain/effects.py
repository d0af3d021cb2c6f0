"""What a decision does beside the thread of its ticket: a closed list of small records. Data that the services carry
out (services/apply/effects.py) and that `explain` may show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from maild.domain.people.absence import Absence
from maild.domain.people.directory import Address


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do. Every kind has a row in the table of services/apply/effects.py."""


# -- people -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SetAbsence(Effect):
    """An agent is away from now on."""

    absence: Absence


@dataclass(frozen=True, slots=True)
class ClearAbsence(Effect):
    """An agent (their name) is back."""

    agent: str


@dataclass(frozen=True, slots=True)
class ChangePreferences(Effect):
    """An agent wishes to hear something else from now on. `changes` as domain/people/preferences.py keeps them."""

    agent: str
    changes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordContact(Effect):
    """An agent writes to these domains now, maybe for the first time."""

    agent: str
    domains: frozenset[str]


# -- held replies and held mails --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SettleHeldReply(Effect):
    """A held reply (its number) has ended: "sent", "noted", "dropped" or "replaced"."""

    held_reply: int
    settled_as: str


@dataclass(frozen=True, slots=True)
class DropHeldMail(Effect):
    """A held mail (its number) ends unread."""

    inbound: int


class ReleasedAs(StrEnum):
    """What a person said of a held mail."""

    AS_IT_IS = ""  # it is judged as if it had come by itself
    ANYWAY = "anyway"  # it leaves, whatever its writer had not seen or should not have said
    TEXT = "text"  # its text counts, without its commands
    NOTE = "note"  # its text stays inside, without its commands
    CONFIRMED = "confirmed"  # what cannot be taken back may be done


@dataclass(frozen=True, slots=True)
class ReleaseHeldMail(Effect):
    """A held mail (its number) is judged once more.

    Two people may say two things of it: that it is no junk, which lets it in; and its own sender, at the address on
    file, that they wrote it (`proven`)."""

    inbound: int
    released_as: ReleasedAs
    no_junk: bool = False
    proven: bool = False


# -- mails that must not leave ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WithdrawAnswer(Effect):
    """The mails of a reply (its entry) must not leave."""

    entry: int


@dataclass(frozen=True, slots=True)
class WithdrawHistory(Effect):
    """The mail that shows somebody the history of a ticket must not leave."""

    ticket: int
    to: Address
