"""Notices that wait in a summary: small rows, in their order, gone when the summary is made."""

from dataclasses import replace

from tests.store.conftest import NOW
from tests.store.test_outbox_and_steps import row


def test_notices_wait_in_their_order_and_go_when_the_summary_is_made(store):
    for texts in (("a", "nul \0"), ("c",)):
        with store() as unit:
            if texts[0] == "a":
                for number in (1, 2):
                    unit.outbox.add(row(number, template="gathered", ticket=None, agent="john", leaves_at=NOW))
            for text in texts:
                unit.summaries.fold(1, {"text": text})
                unit.summaries.fold(2, {"text": text.upper()})
            unit.commit()
    with store() as unit:
        told = {"a": 1, "b": 2}
        assert [each["text"] for each in unit.summaries.folded([1, 9])[1]] == ["a", "nul \ufffd", "c"]
        assert unit.summaries.folded([9]) == {9: ()}
        assert unit.summaries.folded([]) == {}
        unit.summaries.settle([replace(unit.outbox.get(1), subject="3 more", context=told)])
        unit.commit()
    with store(reading=True) as unit:
        assert (unit.outbox.get(1).subject, unit.outbox.get(1).context) == ("3 more", told)
        assert unit.summaries.folded([1, 2]) == {1: (), 2: ({"text": "A"}, {"text": "NUL \ufffd"}, {"text": "C"})}
    with store() as unit:  # numbers of rows that are gone are not given again
        unit.summaries.settle([unit.outbox.get(2)])
        unit.commit()
    with store() as unit:
        unit.summaries.fold(2, {"text": "d"})
        unit.commit()
    with store(reading=True) as unit:
        assert unit.summaries.folded([2]) == {2: ({"text": "d"},)}


def test_what_is_rolled_back_waits_nowhere(store):
    with store() as unit:
        unit.outbox.add(row(1, template="gathered", ticket=None))
        unit.commit()
    with store() as unit:
        unit.summaries.fold(1, {"text": "a"})
    with store() as unit:
        unit.summaries.fold(1, {"text": "b"})
        unit.commit()
    with store(reading=True) as unit:
        assert unit.summaries.folded([1]) == {1: ({"text": "b"},)}
