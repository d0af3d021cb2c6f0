"""Thinking stops where something was not looked up yet, and says in data what: all of it at once, and nothing twice."""

from dataclasses import replace

import pytest

from maild.domain.agent_mail.judge import AgentMail, act_of_agent
from maild.domain.commands.apply import judge, parse
from maild.domain.decision import ActOnOtherTicket, Outcome
from maild.domain.intake.decide import decide
from maild.domain.intake.decide.case import entry_of
from maild.domain.lookups import CannedText, Lookups, Missing, Needs, TicketRecord, all_of
from maild.domain.messages.reply_tokens import Scope
from maild.domain.queries.row_commands import Rows
from maild.domain.tickets import events
from tests.domain.command_scene import BY_JOHN, LOOKUPS, NOW, OPENED, RECORDS, SURROUNDINGS
from tests.domain.known import NOTHING_FOUND, record
from tests.domain.mail_scene import JOHN, POLICY, case, led, mail, ticket

OWN = Lookups(records={42: RECORDS[42]})


def needs_of(text, lookups=OWN):
    with pytest.raises(Missing) as stopped:
        judge(parse(text), replace(SURROUNDINGS, lookups=lookups))
    return stopped.value.needs


def test_a_command_names_the_ticket_that_it_reaches():
    assert needs_of("!link 17") == Needs(tickets=frozenset({17}))
    assert needs_of("!merge #17") == Needs(tickets=frozenset({17}))


def test_all_commands_of_a_mail_name_their_keys_at_once():
    needs = needs_of("!link 17\n!link 18\n!split\n!why due\n!tpl thanks a=1")
    assert (needs.tickets, needs.written, needs.deadlines) == ({17, 18}, {42}, {42})
    assert needs.canned == {CannedText.of("thanks", {"a": "1"})}


def test_an_undo_names_its_own_mails_and_the_tickets_that_its_act_reached():
    answered = needs_of("!undo")
    assert answered == Needs(leaving=frozenset({42}))
    merged = events.Merged(at=NOW, by=BY_JOHN, into=17)
    linked = events.Linked(at=NOW, by=BY_JOHN, ticket=18)
    acts = record(42, (1, (OPENED,)), (2, (merged, linked)))
    reached = frozenset({17, 18})
    assert needs_of("!undo", Lookups(records={42: acts})) == Needs(tickets=reached, leaving=reached | {42})


def test_what_was_looked_up_is_asked_no_more():
    known = OWN | Lookups(records={17: RECORDS[17], 18: None})
    found = judge(parse("!link 17"), replace(SURROUNDINGS, lookups=known))
    assert found.problems == ()
    assert known.lacks(Needs(tickets=frozenset({17, 18, 19}), traffic=True)) == Needs(tickets=frozenset({19}))


def test_a_merged_ticket_is_not_known_before_its_survivor_is():
    gone = replace(RECORDS[17].ticket, merged_into=18)
    known = Lookups(records={17: TicketRecord(gone, ())})
    with pytest.raises(Missing) as stopped:
        known.ticket(17)
    assert stopped.value.needs == Needs(tickets=frozenset({18}))
    assert (known | Lookups(records={18: RECORDS[42]})).ticket(17) == RECORDS[42].ticket
    assert (known | Lookups(records={18: None})).ticket(17) is None


def act(text, lookups):
    here = case(mail(JOHN, text))
    given = AgentMail(
        agent=JOHN, text=text, scope=Scope.REPLY, ticket=ticket(), at=here.at, draft=entry_of(here), lookups=lookups
    )
    return act_of_agent(given, POLICY)


def test_a_text_for_the_customer_and_the_commands_beside_it_ask_together():
    with pytest.raises(Missing) as stopped:
        act("Use water.\n!link 17", OWN)
    domains = frozenset({"client.example"})
    assert stopped.value.needs == Needs(tickets=frozenset({17}), written=frozenset({42}), domains=domains)
    assert act("Use water.\n!link 17", replace(NOTHING_FOUND, records=RECORDS)).outcome is Outcome.REPLIED


@pytest.mark.parametrize("text", ["!note\nUse water.", "!priority high", "!take"])
def test_what_stays_inside_asks_for_nothing(text):
    assert act(text, OWN).outcome in {Outcome.NOTED, Outcome.COMMANDED}


def test_a_list_names_the_tickets_of_all_its_rows_and_then_what_their_commands_reach():
    rows = Rows((42, 43, 44), NOW)
    route = replace(led(Scope.DIGEST), ticket=None, snapshot=5)

    def judged(lookups):
        text = "1 link 17\n3 link 18"
        return decide(case(mail(JOHN, text), route, ticket=None, rows=rows, lookups=lookups))

    with pytest.raises(Missing) as stopped:
        judged(Lookups())
    assert stopped.value.needs == Needs(tickets=frozenset({42, 44}))
    known = Lookups(records={42: record(42, (1, (OPENED,))), 44: record(44, (1, (OPENED,)))})
    with pytest.raises(Missing) as stopped:
        judged(known)
    assert stopped.value.needs == Needs(tickets=frozenset({17, 18}))
    decision = judged(known | Lookups(records={17: record(17, (1, (OPENED,))), 18: record(18, (1, (OPENED,)))}))
    assert [other.ticket for other in decision.effects_of(ActOnOtherTicket)] == [42, 44]


def test_needs_add_up():
    first, second = Needs(tickets=frozenset({1}), traffic=True), Needs(tickets=frozenset({2}))
    assert first | second == Needs(tickets=frozenset({1, 2}), traffic=True)
    assert (bool(Needs()), bool(Needs(traffic=True)), bool(second)) == (False, True, True)

    def thought(number):
        if number > 1:
            raise Missing(Needs(tickets=frozenset({number})))
        return number

    assert all_of([lambda: thought(1)]) == [1]
    with pytest.raises(Missing) as stopped:
        all_of([lambda: thought(1), lambda: thought(2), lambda: thought(3)])
    assert stopped.value.needs == Needs(tickets=frozenset({2, 3}))
    assert LOOKUPS.ticket(42) == RECORDS[42].ticket
