"""What decisions do beside the thread: a closed list of effects, one table that carries them out, one order."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta

import pytest

from maild.domain.decision import Decision, Outcome
from maild.domain.effects import ChangePreferences, ClearAbsence, Effect, SetAbsence
from maild.domain.people.absence import Absence
from maild.services.apply.decision import apply_decision
from maild.services.apply.effects import EFFECTS
from maild.services.work import Work


def below(above: type[Effect]) -> Iterator[type[Effect]]:
    for kind in above.__subclasses__():
        if kind.__module__.startswith("maild."):
            yield kind
            yield from below(kind)


def test_every_effect_has_a_row_and_every_row_an_effect() -> None:
    # By name: a class with slots is made of one without, which may still be known as well.
    kinds = {kind.__name__ for kind in below(Effect)}
    families = {kind.__name__ for kind in below(Effect) if any(below(kind))}
    assert sorted(row.effect.__name__ for row in EFFECTS) == sorted(kinds - families)


@dataclass(frozen=True, slots=True)
class _Unheard(Effect):
    """An effect that nobody wrote a row for."""


def test_an_effect_without_a_row_fails_with_a_sentence_before_anything_is_done(office):
    back = ClearAbsence("john")
    with office.store() as unit:
        work = Work(unit, office.helpdesk, office.clock.now())
        unit.people.set_absence("john", work.now, work.now + timedelta(days=2))
        with pytest.raises(LookupError, match=r"^no row in the table of .*effects\.py carries out _Unheard$"):
            apply_decision(work, Decision(Outcome.COMMANDED, "", effects=(back, _Unheard())), None)
        assert list(unit.people.absent(work.now)) == ["john"]


def test_effects_are_carried_out_in_the_order_of_the_table(office):
    """An agent who is away and back in one decision is back."""
    with office.store() as unit:
        work = Work(unit, office.helpdesk, office.clock.now())
        away = SetAbsence(Absence("john", work.now, work.now + timedelta(days=2)))
        effects = (ChangePreferences("john", {"notify": "mine"}), ClearAbsence("john"), away)
        apply_decision(work, Decision(Outcome.COMMANDED, "", effects=effects), None)
        assert dict(unit.people.absent(work.now)) == {}
        assert unit.preferences.of("john") == {"notify": "mine"}


def test_a_decision_has_few_fields():
    """What it does beside its thread is an effect, and what its mails are like is said in one place."""
    assert len(fields(Decision)) <= 8
