"""Nothing that the helpdesk promises by mail goes without a scenario: verbs, scopes, pitfalls, checks, bad input."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from maild.domain.commands.table import VERBS, lookup
from maild.domain.messages.reply_tokens import Scope
from tests.rig.misses import in_turn
from tests.scenarios.script import Scenario, scenarios

ALL = scenarios()
LEAST = 120

# What other helpdesks get wrong when agents work by mail. A scenario that removes one says so in its head.
PITFALLS = (
    "note/public confusion",
    "widening needs a verb",
    "quoted internal text leaks",
    "signature",
    "reply vs forward",
    "forwarded notice answered by an outsider",
    "wrong From alias",
    "spoofed agent",
    "reply-all pulls the customer in",
    "agent answers the customer directly",
    "collision",
    "two agents take it",
    "vacation answer of an agent",
    "HTML-only phone mail",
    "mail lost on parser error",
    "undo",
)
CHECKS = (
    "quoted notice in an answer",
    "token answered from another address",
    "token of one ticket on another",
    "snapshot of another digest",
    "expired token",
    "upper-cased local part",
    "stale sequence",
    "German Outlook forward",
    "broken forward is asked about",
)
BAD_INPUT = (
    "unknown verb",
    "unknown agent",
    "two agents matching",
    "commands in quotes",
    "commands in signatures",
    "commands in attachments",
    "commands in hidden HTML",
    "plain and HTML disagree",
    "digest answered twice",
    "token of one ticket on another",
    "note token with !reply",
    "expired token",
    "foreign token",
    "bare mark",
    "200 commands",
    "an agent to another agent's token",
)
KINDS = {"verb": None, "scope": None, "pitfall": PITFALLS, "acceptance": CHECKS, "bad input": BAD_INPUT}


def showing(tag: str) -> list[Scenario]:
    return [scenario for scenario in ALL if tag in scenario.shows]


def test_there_are_enough_of_them():
    assert len(ALL) >= LEAST


@in_turn("verb", [verb.name for verb in VERBS])
def test_every_verb_has_a_scenario_in_which_somebody_uses_it(verb: str):
    assert any(verb in _used(scenario) for scenario in showing(f"verb {verb}")), f"no scenario shows the verb {verb}"


def _used(scenario: Scenario) -> set[str]:
    """The verbs that stand in a scenario's mails, by the names of the table."""
    lines = [line for step in scenario.lines for line in step.block.splitlines()]
    words = (found[1] for line in lines if (found := re.match(r"[!！](\w+)", line)))
    return {verb.name for word in words if (verb := lookup(word))}


@pytest.mark.parametrize("scope", [scope.value for scope in Scope])
def test_every_scope_has_a_scenario(scope: str):
    assert showing(f"scope {scope}")


@in_turn("pitfall", PITFALLS)
def test_every_pitfall_has_a_scenario(pitfall: str):
    assert showing(f"pitfall {pitfall}")


@in_turn("check", CHECKS)
def test_every_acceptance_check_has_a_scenario(check: str):
    assert showing(f"acceptance {check}")


@in_turn("input_", BAD_INPUT)
def test_every_bad_input_has_a_scenario(input_: str):
    assert showing(f"bad input {input_}")


@in_turn("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_heads_name_what_there_is(scenario: Scenario):
    """A misspelt tag would show nothing."""
    for tag in scenario.shows:
        kind = next((kind for kind in KINDS if tag.startswith(f"{kind} ")), "")
        named = KINDS.get(kind)
        assert kind, tag
        assert named is None or tag.removeprefix(f"{kind} ") in named, tag


def test_numbers_of_folders_are_used_once():
    numbers = Counter(scenario.name.partition("-")[0] for scenario in ALL)
    assert [number for number, times in numbers.items() if times > 1] == []
