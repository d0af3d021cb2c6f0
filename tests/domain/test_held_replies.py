"""Held texts in an agent's name: so many questions are open at once, and the rest waits its turn."""

from maild.domain.tickets.held_replies import MOST_QUESTIONS, HeldReply, HeldReplyKind, asked_about
from tests.domain.mail_scene import NOW


def held(number, kind=HeldReplyKind.UNPROVEN, settled_as=""):
    return HeldReply(
        id=number,
        inbound=number,
        ticket=None,
        agent="john",
        kind=kind,
        reason="",
        created_at=NOW,
        settled_as=settled_as,
    )


def test_the_oldest_are_asked_about_and_the_others_come_later():
    others = (held(90, HeldReplyKind.STALE), held(91, settled_as="dropped"))
    waiting = [held(number) for number in range(MOST_QUESTIONS + 2, 0, -1)]
    asked, later = asked_about((*others, *waiting))
    assert [d.id for d in asked] == list(range(1, MOST_QUESTIONS + 1))
    assert [d.id for d in later] == [MOST_QUESTIONS + 1, MOST_QUESTIONS + 2]
