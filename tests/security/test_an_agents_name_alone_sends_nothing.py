"""An agent's From alone, without the sealed address and without a trusted result, sends nothing to anybody else.

Whoever knows an agent's address can write it into a From. At every level such a mail is held, and the agent is asked at
the address on file: it mails no text to a stranger, shows nobody a thread, and records no answer. Without the sealed
address "trusting" asks for as much as "normal" does."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.rig.office import CONFIG, Office

JOHN, KAREN = "john@acme.example", "karen@client.example"
VICTIM, SECOND = "victim@other.example", "second@other.example"
AGENTS = {"john@acme.example", "jane@acme.example", "joe@acme.example", "mary@acme.example"}
WORDS = "Please pay our new account 4711 today."
LEVELS = ("strict", "normal", "trusting")
FROM_ALONE = ("", "none", "fail")  # no field; a field without a verdict; a refuted From
AFTER_THE_HOLD = timedelta(minutes=3)

OpenOffice = Callable[[str], Office]


@dataclass(frozen=True)
class Act:
    """A mail in an agent's name that means to reach somebody, or to speak for the helpdesk."""

    text: str = WORDS
    to: str = "support@acme.example"
    cc: str = ""
    subject: str = ""  # empty: the subject of Karen's ticket, with its mark


@dataclass(frozen=True)
class Came:
    """What came of it, after the send delay."""

    outcome: str
    reached: tuple[str, ...]  # everybody but agents who got a mail
    answers: int  # entries that count as an answer to a customer
    asked: bool  # the agent was asked at the address on file
    taking_part: tuple[str, ...]  # in all tickets


NEW = "Your invoice"
# Fresh mails, which belong to no ticket.
FRESH = {
    "to": Act(f"!to {VICTIM}\n{WORDS}", subject=NEW),
    "to, and more people": Act(f"!to {VICTIM}\n!cc {SECOND}\n{WORDS}", subject=NEW),
    "to, below the text": Act(f"{WORDS}\n!to {VICTIM}", subject=NEW),
    "for, and reply": Act(f"!for {VICTIM}\n!reply\n{WORDS}", subject=NEW),
    "for, and people": Act(f"!for {VICTIM}\n!cc {SECOND}\n{WORDS}", subject=NEW),
    "for, and close": Act(f"!for {VICTIM}\n!close\n{WORDS}", subject=NEW),
    "for, and later": Act(f"!for {VICTIM}\n!reply\n!send 2h\n{WORDS}", subject=NEW),
    "a copy of an answer": Act(to=VICTIM, cc="support@acme.example", subject=NEW),
    "a copy for more people": Act(to=f"{VICTIM}, {SECOND}", cc="support@acme.example", subject=NEW),
    "a hidden copy": Act(to=VICTIM, subject=NEW),
}
# Mails that the subject alone leads to Karen's ticket: everybody who ever got the subject knows it.
BY_SUBJECT = {
    "reply": Act(f"!reply\n{WORDS}"),
    "reply, with the words": Act(f"!reply {WORDS}"),
    "reply, with somebody in cc": Act(f"!reply {WORDS}", cc=VICTIM),
    "cc": Act(f"!cc {VICTIM}\n{WORDS}"),
    "cc, with the history": Act(f"!cc {VICTIM} +history"),
    "bcc": Act(f"!bcc {VICTIM}\n{WORDS}"),
    "requester": Act(f"!requester {VICTIM}\n{WORDS}"),
    "for": Act(f"!for {VICTIM}\n{WORDS}"),
    "to": Act(f"!to {VICTIM}\n{WORDS}"),
    "resolve": Act(f"{WORDS}\n!resolve"),
    "close": Act(f"{WORDS}\n!close"),
    "send": Act(f"{WORDS}\n!send 2h"),
    "a copy of an answer": Act(to=KAREN, cc="support@acme.example"),
}


def opened(open_office: OpenOffice, level: str) -> tuple[Office, int]:
    """An office of this level, and Karen's ticket in it."""
    office = open_office(f'{CONFIG}\n[security]\nagent_proof = "{level}"\n')
    return office, office.open_ticket()


def came_of(office: Office, number: int, act: Act, proof: str) -> Came:
    """What the mail in John's name brings about in the office of Karen's ticket `number`."""
    sent, asked = len(office.relay.sent), len(office.outbox("was-this-you", JOHN))
    subject = act.subject or office.last("new-ticket", JOHN, number).subject
    done = office.receive(office.mail(JOHN, act.text, to=act.to, cc=act.cc, subject=subject, proof=proof))
    office.deliver(after=AFTER_THE_HOLD)
    reached = {each for mail in office.relay.sent[sent:] for each in mail.recipients}
    tickets = [office.ticket(each) for each in sorted({number, done.ticket or number})]
    return Came(
        done.outcome,
        tuple(sorted(reached - AGENTS)),
        sum(entry["kind"] == "reply" for ticket in tickets for entry in ticket["entries"]),
        len(office.outbox("was-this-you", JOHN)) > asked,
        tuple(person["address"] for ticket in tickets for person in ticket["participants"]),
    )


HELD = Came("held", (), 0, True, ())
QUESTIONS = 5  # are open at most; what comes beyond them waits its turn


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("proof", FROM_ALONE)
@pytest.mark.parametrize("acts", [FRESH, BY_SUBJECT], ids=["fresh", "by subject"])
def test_on_a_from_alone_nothing_leaves_and_no_answer_is_recorded(
    level: str, proof: str, acts: dict[str, Act], open_office: OpenOffice
) -> None:
    office, number = opened(open_office, level)
    found = {name: came_of(office, number, act, proof) for name, act in acts.items()}
    asked = [replace(HELD, asked=nth < QUESTIONS) for nth in range(len(acts))]
    assert found == dict(zip(acts, asked, strict=True))


@pytest.mark.parametrize("level", LEVELS)
def test_a_subject_gives_no_commands_to_a_proven_sender_either(level: str, open_office: OpenOffice) -> None:
    office, number = opened(open_office, level)
    commands = {name: act for name, act in BY_SUBJECT.items() if act.text != WORDS}
    found = {name: replace(came_of(office, number, act, "pass"), asked=True) for name, act in commands.items()}
    assert found == dict.fromkeys(commands, HELD)
    copy = came_of(office, number, BY_SUBJECT["a copy of an answer"], "pass")
    assert (copy.outcome, copy.reached, copy.answers) == ("replied", (), 1)


@pytest.mark.parametrize("level", LEVELS)
def test_a_proven_agent_opens_tickets_for_others_at_every_level(level: str, open_office: OpenOffice) -> None:
    office, number = opened(open_office, level)
    expected = {
        "to": ("opened", (VICTIM,), 1, False),
        "to, and more people": ("opened", (SECOND, VICTIM), 1, False),
        "for, and reply": ("opened", (VICTIM,), 1, False),
        "a copy of an answer": ("opened", (), 1, False),
    }
    found = {name: came_of(office, number, FRESH[name], "pass") for name in expected}
    assert {name: (c.outcome, c.reached, c.answers, c.asked) for name, c in found.items()} == expected


# -- what stays as it is in normal -----------------------------------------------------------------------------------

FORWARDED = f"""Can somebody look at this?

---------- Forwarded message ---------
From: Vera <{VICTIM}>
Date: Mon, May 4, 2026 at 8:30 AM
Subject: My printer
To: <john@acme.example>

It burns.
"""


@pytest.mark.parametrize(("level", "outcome"), [("strict", "held"), ("normal", "opened"), ("trusting", "opened")])
def test_a_forward_opens_a_ticket_on_behalf_and_tells_nobody_outside(
    level: str, outcome: str, open_office: OpenOffice
) -> None:
    came = came_of(*opened(open_office, level), Act(FORWARDED, subject="Fwd: My printer"), "")
    assert (came.outcome, came.reached, came.answers, came.asked) == (outcome, (), 0, outcome == "held")


@pytest.mark.parametrize("level", LEVELS)
def test_a_question_is_answered_to_the_proven_agent_alone(level: str, open_office: OpenOffice) -> None:
    office, number = opened(open_office, level)
    act = Act("list open", to="support+me@acme.example", subject="Question")
    found = {proof: came_of(office, number, act, proof).outcome for proof in (*FROM_ALONE, "pass")}
    assert found == {"": "held", "none": "held", "fail": "held", "pass": "commanded"}


# -- the sealed address speaks for itself ----------------------------------------------------------------------------

MAY = {  # level -> what of the provider's words lets an answer to the sealed address act
    "strict": ("pass",),
    "normal": ("pass", "none", ""),
    "trusting": ("pass", "none", "", "fail"),
}
# The answer's text, whom it has in Cc, whom it reaches.
SEALED = [
    (WORDS, "", (KAREN,)),
    (f"!cc {VICTIM}\n{WORDS}", "", (KAREN, VICTIM)),
    (WORDS, SECOND, (KAREN, SECOND, VICTIM)),  # people in Cc of an agent's answer join, as VICTIM did before
    (f"{WORDS}\n!resolve", "", (KAREN, SECOND, VICTIM)),
]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("proof", ["pass", "none", "", "fail"])
def test_with_the_sealed_address_each_level_asks_for_what_it_says(
    level: str, proof: str, open_office: OpenOffice
) -> None:
    office, number = opened(open_office, level)
    notice = office.last("new-ticket", JOHN, number)
    found = []
    for text, cc, _ in SEALED:
        before = len(office.relay.sent)
        done = office.receive(office.answer(notice, text, cc=cc, proof=proof))
        office.deliver(after=AFTER_THE_HOLD)
        reached = {each for sent in office.relay.sent[before:] for each in sent.recipients}
        found.append((done.outcome == "held", tuple(sorted(reached - AGENTS))))
    assert found == [(False, reached) if proof in MAY[level] else (True, ()) for _, _, reached in SEALED]


@pytest.mark.parametrize(
    ("level", "outcomes"),
    [
        ("strict", ["held", "held", "replied"]),
        ("normal", ["held", "held", "replied"]),
        ("trusting", ["held", "replied", "replied"]),
    ],
)
def test_a_copy_that_answers_a_notice_is_believed_as_its_level_says(
    level: str, outcomes: list[str], open_office: OpenOffice
) -> None:
    """John writes to Karen from his own program, and keeps the internal address of a notice in Cc."""
    office, number = opened(open_office, level)
    office.receive(office.answer(office.last("new-ticket", "jane@acme.example", number), "!note @john: please answer"))
    office.deliver()
    notice = office.last("note", JOHN, number)
    sealed = notice.context["mail"]["reply_to"]
    copies = [office.answer(notice, WORDS, to=KAREN, cc=sealed, proof=proof) for proof in ("fail", "none", "pass")]
    assert [office.receive(copy).outcome for copy in copies] == outcomes
    assert not office.outbox("reply", KAREN)
