"""How much a program answered of late: counted from the outbox and the ledger, by indexes, whatever the database."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from maild.domain.messages.message import Envelope
from maild.domain.messages.outbox import OutboxState
from maild.domain.people.directory import Address, Person
from maild.ports import AnswerCounts, AnswerWindows, InboundState, IncomingMail, Judgement
from maild.store.engine import make_engine
from tests.store.conftest import MINUTE, NOW
from tests.store.test_outbox_and_steps import row

HOUR = timedelta(hours=1)
BOB, EVE = Address.of("BOB@client.example"), Address.of("eve@other.example")


def answer(number: int, to: Address = BOB, *, ago: timedelta = MINUTE, **more):
    made = row(number, to=Person(to), queued_at=NOW - ago, counted="answer", template="acknowledgement")
    return replace(made, **more)


def windows(ago: timedelta) -> AnswerWindows:
    since = NOW - ago
    return AnswerWindows(a_day_ago=since, an_hour_ago=since, a_minute_ago=since, stopped_since=since)


def test_answers_are_counted_by_time_recipient_domain_ticket_and_template(store):
    with store() as unit:
        for made in (
            answer(1),
            answer(2, EVE),
            answer(3, ago=2 * HOUR),
            answer(4, template="status", ticket=7),
            answer(5, state=OutboxState.DROPPED),  # a person answered first
            answer(6, counted=""),  # an agent's reply
            answer(7, counted="alarm"),
        ):
            unit.outbox.add(made)
        assert unit.outbox.get(4).counted == "answer"
        asked = [Address.of("bob@CLIENT.example"), EVE, Address.of("nobody@Third.example")]
        assert unit.outbox.count_answers(asked, windows(HOUR), "status") == AnswerCounts(
            to_address={BOB.key: 2, EVE.key: 1},
            to_domain={"client.example": 2, "other.example": 1},
            states={(BOB.key, 7): 1},
            to_all=3,
            flood_reported=True,
        )
        alone = unit.outbox.count_answers([EVE], windows(3 * HOUR), "acknowledgement")
        assert (alone.to_address, alone.to_all, alone.states) == ({EVE.key: 1}, 4, {(EVE.key, 1): 1})
        assert unit.outbox.count_answers([BOB], windows(HOUR * 0), "status") == AnswerCounts()


def test_the_subjects_of_a_sender_are_those_of_judged_mails_since_then(store):
    def mail(number: int) -> IncomingMail:
        return IncomingMail(raw=b"%d" % number, source="smtp", arrived_at=NOW, envelope=Envelope())

    with store() as unit:
        receipts = unit.inbound.keep([mail(number) for number in range(5)], NOW)
        unit.inbound.begin(10, NOW)
        for place, (receipt, sender, at) in enumerate(
            zip(receipts, ["bob@x", "bob@x", "eve@x", "bob@x"], [1, 20, 1, 2], strict=False)
        ):
            judgement = Judgement(
                state=InboundState.DONE,
                outcome="opened",
                reason="",
                steps=(),
                sender=sender,
                subject=f"subject {place}",
            )
            unit.inbound.judge(receipt.inbound, judgement, NOW - at * MINUTE)
        since = NOW - 10 * MINUTE
        assert unit.inbound.subjects("bob@x", since, 0, 10) == ("subject 0", "subject 3")
        assert unit.inbound.subjects("bob@x", since, receipts[0].inbound, 10) == ("subject 3",)
        assert unit.inbound.subjects("bob@x", since, 0, 1) == ("subject 0",)


def test_sqlite_counts_by_its_indexes(tmp_path):
    from maild.store.unit_of_work import Store

    store = Store(f"sqlite:///{tmp_path}/maild.db", "node")
    store.migrate()
    plans: list[str] = []
    engine = make_engine(f"sqlite:///{tmp_path}/maild.db")
    asked: list[tuple[str, object]] = []

    def note(connection, cursor, statement, parameters, context, many):
        asked.append((statement, parameters))

    with store() as unit:
        sa.event.listen(sa.engine.Engine, "before_cursor_execute", note)
        unit.outbox.count_answers([BOB, EVE], windows(HOUR), "status")
        unit.inbound.subjects("bob@x", NOW, 0, 10)
        sa.event.remove(sa.engine.Engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        for statement, parameters in asked:
            told = connection.exec_driver_sql(f"explain query plan {statement}", parameters).all()
            plans.append(" ".join(str(line[-1]) for line in told))
    counts, subjects = plans
    assert [counts.count(f"INDEX {name} ") for name in ("ix_outbox_answered", "ix_outbox_answered_domain")] == [2, 1]
    assert counts.count("INDEX ix_outbox_counted ") == 2
    assert "SCAN outbox" not in counts
    assert "INDEX ix_inbound_sender " in subjects
    engine.dispose()
    store.close()
