"""Every folder beside this file is a scenario: its own configuration, mails and waits, expected tickets and mails."""

from collections.abc import Callable

import pytest

from tests.rig.office import Office
from tests.scenarios.comparing import Differs
from tests.scenarios.runner import play
from tests.scenarios.script import Scenario, scenarios
from tests.scenarios.stage import Stage


def _case(scenario: Scenario) -> object:
    marks = [pytest.mark.xfail(reason=scenario.defect, strict=True)] if scenario.defect else []
    return pytest.param(scenario, id=scenario.name, marks=marks)


@pytest.mark.parametrize("scenario", [_case(scenario) for scenario in scenarios()])
def test_it_goes_as_it_is_told(scenario: Scenario, office_with: Callable[[str], Office]) -> None:
    stage = Stage(office_with(scenario.config))
    wrong = ""
    try:
        play(scenario, stage)
    except Differs as differs:
        wrong = str(differs)
    if wrong:
        pytest.fail(wrong, pytrace=False)  # the transcript tells more than the stack of the runner
