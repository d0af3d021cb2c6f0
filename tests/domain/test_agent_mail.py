"""An agent's mail: text goes out or stays inside by the address it was sent to, commands act, and all or nothing."""

from dataclasses import replace

import pytest

from maild.domain.agent_mail.judge import ADMIN, AgentMail, act_of_agent, act_of_line
from maild.domain.commands.table import VERBS
from maild.domain.decision import EntryDraft, Outcome
from maild.domain.intake.decide import decide
from maild.domain.messages.attachment import Attachment
from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.agent_notices import NOWHERE
from maild.domain.people.directory import Address, Person, Role
from maild.domain.tickets import events
from maild.domain.tickets.events import THIS_ENTRY
from maild.domain.tickets.ticket import EntryKind, Priority, Status
from tests.domain.known import NOTHING_FOUND
from tests.domain.mail_scene import JANE, JOHN, NOW, POLICY, case, kinds, led, mail, ticket
from tests.rig.misses import in_turn

R, N = Scope.REPLY, Scope.NOTE
FILE = Attachment("2", "plan.pdf", "application/pdf", 900, "0" * 64)
NOBODY = Person(Address("unknown", NOWHERE))


def act(text, scope=R, on=None, agent=JANE, forwarded="", attachments=()):
    author = events.Actor(Role.REQUESTER, address="jane@acme.example")
    draft = EntryDraft(
        kind=EntryKind.MESSAGE, author=author, author_name="J.", text=text, html="<b>x</b>", attachments=attachments
    )
    given = AgentMail(
        agent=agent,
        text=text,
        forwarded=forwarded,
        scope=scope,
        ticket=on or ticket(),
        at=NOW,
        draft=draft,
        lookups=NOTHING_FOUND,
    )
    return act_of_agent(given, POLICY)


# -- where the text goes ----------------------------------------------------------------------------------------------


@in_turn(
    ("scope", "text", "outcome", "said"),
    [
        (R, "Use water.", Outcome.REPLIED, "Use water."),
        (N, "Use water.", Outcome.NOTED, "Use water."),
        (Scope.COMMAND, "Use water.", Outcome.NOTED, "Use water."),
        (R, "!note\nUse water.", Outcome.NOTED, "Use water."),
        (R, "Use water.\n\n!note", Outcome.NOTED, "Use water."),
        (R, "!note the fuse blew", Outcome.NOTED, "the fuse blew"),
        (N, "!reply\nUse water.", Outcome.REPLIED, "Use water."),
        (N, "!reply use water", Outcome.REPLIED, "use water"),
        (R, "!!close is what you write", Outcome.REPLIED, "!close is what you write"),
        (R, "Use water.\n!close", Outcome.REPLIED, "Use water."),
        (R, "!take\nUse water.\n!priority high", Outcome.REPLIED, "Use water."),
    ],
)
def test_the_address_decides_where_text_goes_and_a_verb_overrides_it(scope, text, outcome, said):
    decision = act(text, scope)
    assert (decision.outcome, decision.entry.text) == (outcome, said)
    public = outcome is Outcome.REPLIED
    assert decision.entry.kind is (EntryKind.REPLY if public else EntryKind.NOTE)
    assert isinstance(decision.events[0], events.Replied if public else events.Noted)
    assert decision.events[0].entry == THIS_ENTRY


def test_an_entry_of_an_agent_is_text_alone_under_their_name():
    """The HTML of the mail would carry quotes and commands along."""
    entry = act("Use water.").entry
    assert (entry.html, entry.author_name) == ("", "Jane Doe")
    assert entry.author == events.Actor(Role.AGENT, "jane", "jane@acme.example")


def test_a_forwarded_mail_goes_along_and_commands_nothing():
    decision = act("See below.", forwarded="---- Forwarded ----\nFrom: x\n\n!close")
    assert decision.entry.text == "See below.\n\n---- Forwarded ----\nFrom: x\n\n!close"
    assert kinds(decision.events) == ["replied", "assigned"]


def test_files_alone_are_a_reply():
    decision = act("", attachments=(FILE,))
    assert (decision.outcome, decision.entry.text, decision.entry.attachments) == (Outcome.REPLIED, "", (FILE,))


# -- commands ---------------------------------------------------------------------------------------------------------


def test_commands_alone_post_nothing():
    decision = act("!priority emergency\n!team banking")
    assert (decision.outcome, decision.entry) == (Outcome.COMMANDED, None)
    assert kinds(decision.events) == ["assigned", "priority-changed", "plan-changed"]
    assert decision.mails.notices == ()


def test_text_and_commands_of_one_mail_follow_each_other():
    decision = act("!take\nUse water.\n!close")
    assert kinds(decision.events) == ["replied", "assigned", "status-changed"]
    assert all(fact.at == NOW and fact.by.name == "jane" for fact in decision.events)


def test_a_command_that_changes_nothing_is_no_fact():
    decision = act("!close", on=ticket(status=Status.CLOSED))
    assert (decision.outcome, decision.events) == (Outcome.COMMANDED, ())
    assert "nothing to change" in decision.reason


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Use water.\n!clsoe", "Use water.\n!close"),
        ("!priority emrgency\nUse water.", "!priority emergency\nUse water."),
        ("!assign nobody-we-know\nUse water.", ""),
        ("!close\nUse water.\n!reopen", ""),
        ("Use\n!close\nwater.", "Use\nwater.\n!close"),
        ("!", ""),
    ],
)
def test_one_slip_and_nothing_is_done_and_nothing_is_sent(text, suggestion):
    decision = act(text)
    assert (decision.outcome, decision.events, decision.entry) == (Outcome.REJECTED, (), None)
    (notice,) = decision.mails.notices
    assert (notice.template, notice.to, notice.scope) == ("feedback", JANE.person, R)
    assert decision.mails.transcript.problems
    assert decision.mails.transcript.original_text == text
    if suggestion:
        assert decision.mails.transcript.corrected_text == suggestion


def test_feedback_goes_to_the_address_on_file_with_the_scope_of_the_mail():
    author = replace(JANE, addresses=(Address.of("jane@acme.example"), Address.of("jane@home.example")))
    decision = act("!clsoe", N, agent=author)
    assert (str(decision.mails.notices[0].to.address), decision.mails.notices[0].scope) == ("jane@acme.example", N)


def test_several_slips_are_told_in_one_mail():
    decision = act("!clsoe\n!tkae\ntext")
    assert [line for line, _, _ in decision.mails.transcript.problems] == ["!clsoe", "!tkae"]
    assert len(decision.mails.notices) == 1


@in_turn("verb", ["", *[verb.name for verb in VERBS]])
def test_help_is_sent_back_and_nothing_else_happens(verb):
    decision = act(f"!help {verb}".strip())
    assert (decision.outcome, decision.events, decision.entry) == (Outcome.COMMANDED, (), None)
    assert [notice.template for notice in decision.mails.notices] == ["feedback"]
    assert f"!{verb or 'close'}" in decision.mails.transcript.help
    assert decision.mails.transcript.problems == ()


@pytest.mark.parametrize("text", ["", "  \n\n "])
@pytest.mark.parametrize("scope", [R, N])
def test_an_empty_mail_is_answered_and_posts_nothing(text, scope):
    decision = act(text, scope)
    assert (decision.outcome, decision.events, decision.entry) == (Outcome.IGNORED, (), None)
    assert [notice.template for notice in decision.mails.notices] == ["feedback"]
    assert "no new text" in decision.reason


def test_a_mail_that_only_quotes_is_an_empty_one():
    """People press "send" too early: the quoted notice must not go to the customer as their answer."""
    quoted = mail(JANE, "> Your answer goes to Karen.\n> !close", only_quotes=True)
    decision = decide(case(quoted, route=led(R)))
    assert (decision.outcome, decision.events) == (Outcome.IGNORED, ())
    assert [notice.template for notice in decision.mails.notices] == ["feedback"]


# -- who has the ticket -----------------------------------------------------------------------------------------------


def assigned(decision) -> list[tuple[str, str]]:
    return [(fact.assignee, fact.team) for fact in decision.events if isinstance(fact, events.Assigned)]


@in_turn(
    ("text", "scope", "on", "wanted"),
    [
        ("Use water.", R, ticket(), [("jane", "")]),
        ("Use water.", R, ticket(team="banking"), [("jane", "banking")]),
        ("Use water.", R, ticket(assignee="john"), []),
        ("Use water.", R, ticket(assignee="jane"), []),
        ("Ask Joe.", N, ticket(), []),
        ("!note\nAsk Joe.", R, ticket(), []),
        ("!assign john\nUse water.", R, ticket(), [("john", "")]),
        ("!team banking\nUse water.", R, ticket(), [("", "banking")]),
        ("!drop\nUse water.", R, ticket(), []),  # nobody's on purpose
        ("!drop\nUse water.", R, ticket(assignee="jane"), [("", "")]),
    ],
)
def test_who_answers_first_has_the_ticket_unless_the_mail_says_otherwise(text, scope, on, wanted):
    assert assigned(act(text, scope, on)) == wanted


# -- the plan follows -------------------------------------------------------------------------------------------------


def plans(decision) -> list[tuple[str, str, str]]:
    return [(f.previous, f.sla_plan, f.source) for f in decision.events if isinstance(f, events.PlanChanged)]


@in_turn(
    ("text", "on", "wanted"),
    [
        ("!priority emergency", ticket(), [("default", "sev-a", "priority")]),
        ("!priority high", ticket(), []),
        ("!dept sysadmins", ticket(), [("default", "sev-c", "department")]),
        ("!dept sysadmins\n!priority emergency", ticket(), [("default", "sev-a", "priority")]),
        (
            "!priority normal",
            ticket(priority=Priority.EMERGENCY, sla_plan="sev-a", plan_source="priority"),
            [("sev-a", "default", "default")],
        ),
        ("!priority emergency\n!sla sev-b", ticket(), [("default", "sev-b", "command")]),
        ("!priority emergency", ticket(sla_plan="sev-b", plan_source="command"), []),
        ("!priority emergency", ticket(sla_plan="sev-b", plan_source="rule"), []),
        ("!dept sysadmins", ticket(sla_plan="sev-b", plan_source="topic"), []),
        ("!sla default", ticket(), [("default", "default", "command")]),
    ],
)
def test_the_plan_follows_priority_and_department_unless_somebody_chose_it(text, on, wanted):
    assert plans(act(text, on=on)) == wanted


# -- nobody outside ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["Use water.", "!close\nUse water."])
def test_an_answer_that_would_reach_nobody_is_refused(text):
    decision = act(text, on=ticket(requester=NOBODY, participants=()))
    assert (decision.outcome, decision.events) == (Outcome.REJECTED, ())
    assert "the requester left no address" in decision.reason
    assert "!note" in decision.mails.transcript.problems[0][1]


def test_an_answer_that_reaches_a_participant_is_an_answer():
    assert act("Use water.", on=ticket(requester=NOBODY)).outcome is Outcome.REPLIED


# -- the command line -------------------------------------------------------------------------------------------------


def line(*words, on=None):
    draft = EntryDraft(kind=EntryKind.NOTE, author=ADMIN, author_name="Acme Support", text="")
    given = AgentMail(agent=None, text=" ".join(words), scope=N, ticket=on or ticket(), at=NOW, draft=draft)
    return act_of_line(replace(given, lookups=NOTHING_FOUND), words, POLICY)


def test_the_admin_says_one_command_without_its_mark():
    decision = line("assign", "jane")
    assert (decision.outcome, kinds(decision.events)) == (Outcome.COMMANDED, ["assigned"])
    assert decision.events[0].by == ADMIN


def test_the_admins_reply_goes_out_and_claims_nothing():
    decision = line("reply", "It", "works", "again.")
    assert (decision.outcome, decision.entry.text, kinds(decision.events)) == (
        Outcome.REPLIED,
        "It works again.",
        ["replied"],
    )


def test_the_admins_slip_is_told_and_mailed_to_nobody():
    decision = line("clsoe")
    assert (decision.outcome, decision.events, decision.mails.notices) == (Outcome.REJECTED, (), ())
    assert decision.mails.transcript.problems[0][2] == "close"


def test_an_agents_name_for_themselves_is_not_the_admins():
    assert line("take").outcome is Outcome.REJECTED
    assert act("!take", agent=JOHN).events[0].assignee == "john"
