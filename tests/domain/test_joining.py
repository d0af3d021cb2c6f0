"""Notices that leave as one mail, and the ways out that every notice names."""

from maild.domain.messages.reply_tokens import Scope
from maild.domain.notices.merging import Waited, news_for, together
from maild.domain.notices.notice import Notice
from maild.domain.notices.opt_outs import stops_of
from maild.domain.notices.pacing import Kind
from maild.domain.people.directory import Role
from maild.domain.people.preferences import Interest
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from tests.domain.mail_scene import JANE, NOW
from tests.rig.misses import in_turn

N, R = Scope.NOTE, Scope.REPLY
TEMPLATES = {Kind.ASSIGNED: "assigned", Kind.NEW: "new-ticket", Kind.MOVED: "transferred", Kind.MESSAGE: "message"}
TEMPLATES |= {Kind.ANSWERED: "message", Kind.WATCHED: "message"}
OUTSIDE = {Kind.NEW, Kind.MESSAGE, Kind.ANSWERED, Kind.WATCHED}


def notice(kind, claim=Interest.OWNER):
    return Notice(
        template=TEMPLATES.get(kind, "note"),
        to=JANE.person,
        scope=R if kind in OUTSIDE else N,
        reason=kind.value,
        agent="jane",
        kind=kind,
        claim=claim,
    )


def waited(kind, claim=Interest.OWNER):
    one = notice(kind, claim)
    return Waited(kind=kind, template=one.template, scope=one.scope, reason=one.reason, claim=claim)


@in_turn(
    ("new", "before", "entries", "template", "scope", "reason"),
    [
        (Kind.NEWS, [Kind.NEWS], ["note", "note"], "note", N, "news"),
        (Kind.NEWS, [Kind.NEWS], [], "note", N, "news"),  # two changes without text
        (Kind.WATCHED, [Kind.WATCHED], ["message", "reply"], "message", R, "watched"),
        (Kind.MESSAGE, [Kind.NEWS], ["message"], "message", R, "message"),  # a change of state, then the customer
        (Kind.MESSAGE, [Kind.NEWS], ["note", "message"], "message", N, "message"),  # the more private wins
        (Kind.NEWS, [Kind.MESSAGE], ["message", "note"], "note", N, "message"),
        (Kind.NEWS, [Kind.MESSAGE], ["message"], "message", R, "message"),
        (Kind.MESSAGE, [Kind.NEW], ["message", "message"], "new-ticket", R, "new"),
        (Kind.NEWS, [Kind.ASSIGNED], ["note"], "assigned", N, "assigned"),
        (Kind.ASSIGNED, [Kind.MESSAGE], ["message"], "assigned", N, "assigned"),
        (Kind.WATCHED, [Kind.MENTION], ["note", "reply"], "message", N, "mention"),
        (Kind.NEWS, [Kind.MESSAGE, Kind.NEW], ["message", "note"], "new-ticket", N, "new"),
    ],
)
def test_the_strongest_gives_the_reason_and_a_note_keeps_the_answer_inside(
    new, before, entries, template, scope, reason
):
    one = together(notice(new), [waited(kind) for kind in before], entries)
    assert (one.template, one.scope, one.reason, one.agent) == (template, scope, reason, "jane")


BY_JANE, BY_JOHN = Actor(Role.AGENT, "jane"), Actor(Role.AGENT, "john")


def test_a_reader_is_not_told_what_they_did_or_what_was_taken_back():
    facts = (
        events.Noted(at=NOW, by=BY_JOHN, entry=1),
        events.Noted(at=NOW, by=BY_JANE, entry=2),
        events.MessageReceived(at=NOW, entry=3, automatic=True),
        events.Replied(at=NOW, by=BY_JOHN, entry=4),
        events.ReplyWithdrawn(at=NOW, by=BY_JOHN, reply=4),
        events.MessageReceived(at=NOW, entry=5),
    )
    assert [fact.entry for fact in news_for("jane", facts)] == [1, None, 5]
    assert [fact.entry for fact in news_for("john", facts)] == [2, 5]


@in_turn(
    ("kind", "claim", "ways"),
    [
        (Kind.NEW, Interest.CIRCLE, ["mute", "notify new off"]),
        (Kind.NEW, Interest.OWNER, ["drop"]),
        (Kind.MESSAGE, Interest.CIRCLE, ["mute"]),
        (Kind.MESSAGE, Interest.OWNER, ["drop"]),
        (Kind.NEWS, Interest.OWNER, ["mute"]),
        (Kind.ANSWERED, Interest.OWNER, ["mute"]),
        (Kind.WATCHED, Interest.WATCHER, ["mute"]),
        (Kind.ASSIGNED, Interest.NAMED, ["drop"]),
        (Kind.ASSIGNED, Interest.CIRCLE, ["mute"]),
        (Kind.MENTION, Interest.NAMED, ["notify none"]),
        (Kind.MOVED, Interest.CIRCLE, ["mute", "notify new off"]),
        (Kind.TROUBLE, Interest.CIRCLE, ["mute"]),
        (Kind.BREACH, None, ["ack", ""]),
        (Kind.DIRECT, None, []),
    ],
)
def test_every_notice_says_how_it_ends(kind, claim, ways):
    found = stops_of(notice(kind, claim))
    assert [way.verb or way.asks for way in found] == ways
    assert all(way.label for way in found)


@in_turn("claim", Interest)
@in_turn("kind", [kind for kind in Kind if kind is not Kind.DIRECT])
def test_no_notice_is_without_an_end(kind, claim):
    assert stops_of(notice(kind, claim))
