"""Broken mails on the whole way in: each ends with an outcome, none is lost, and none trips the judging up."""

import collections
import re

import pytest

from maild.domain.decision import Outcome
from tests.mail.mutations import mutated

SEED = 20251117
KEPT_AT_ONCE = 50
# However a mail may end without an agent's doing. A report about no mail of ours is ignored or held.
ENDS = {Outcome.OPENED, Outcome.REPLIED, Outcome.IGNORED, Outcome.QUARANTINED}
ENDS |= {Outcome.HELD, Outcome.BOUNCED, Outcome.DUPLICATE}
ERROR = re.compile(r"^\w*(?:Error|Exception|Failed): ")  # the reason of a mail over which the judging stumbled


def judged(office, count):
    """inbound -> (outcome, reason) of `count` mutated mails."""
    ended = {}
    kept = []
    for raw in mutated(SEED, count):
        kept.append(office.keep(raw).inbound)
        if len(kept) % KEPT_AT_ONCE == 0:
            ended |= _rounds(office)
    return kept, ended | _rounds(office)


def _rounds(office):
    ended = {}
    while done := office.processing.round():
        ended |= {one.inbound: (one.outcome, one.reason) for one in done if one.outcome}
        for one in done:
            assert one.outcome, one.reason  # nothing is tried again: no mail trips the judging up
    return ended


def check(office, count, caplog, capfd):
    kept, ended = judged(office, count)
    # The very same bytes twice are one inbound mail.
    assert set(ended) == set(kept)
    assert len(kept) == count
    outcomes = collections.Counter(outcome for outcome, _ in ended.values())
    assert set(outcomes) <= ENDS, outcomes
    assert not [reason for _, reason in ended.values() if ERROR.match(reason)]
    assert not [record for record in caplog.records if record.exc_info]
    output = capfd.readouterr()
    assert "Traceback" not in output.out + output.err
    return outcomes


def test_two_hundred_mutated_mails_end_with_an_outcome(office, caplog, capfd):
    outcomes = check(office, 200, caplog, capfd)
    assert outcomes[Outcome.OPENED] > 40


@pytest.mark.soak
def test_ten_thousand_mutated_mails_end_with_an_outcome(office, caplog, capfd):
    outcomes = check(office, 10_000, caplog, capfd)
    with capfd.disabled():
        print(f" {sum(outcomes.values())} mails: {dict(outcomes)}", end="")
