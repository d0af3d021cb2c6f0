"""Ratings counted: the last word on each resolution, for whose work it was."""

from maild.domain.people.directory import Role
from maild.domain.tickets import events
from maild.domain.tickets.events import Actor
from maild.domain.tickets.ratings import Rating, counted, rated
from tests.domain.facts import BY_JANE, KAREN, at

OPENED = events.Opened(at=at(0), requester=KAREN, subject="Printer on fire", department="support")
BY_JOHN = Actor(Role.AGENT, "john")


def became(minute: int, status: str, previous: str, by: Actor = BY_JANE) -> events.StatusChanged:
    return events.StatusChanged(at=at(minute), by=by, status=status, previous=previous)


def said(minute: int, rating: str) -> events.Rated:
    return events.Rated(at=at(minute), rating=rating)


def short(*history) -> list[tuple[str, str, str]]:
    return [(word.rating.value, word.agent, word.department) for word in rated((OPENED, *history))]


def test_the_last_word_on_a_resolution_counts():
    assert short(became(1, "resolved", "open"), said(2, "bad"), said(3, "good")) == [("good", "jane", "support")]


def test_closing_what_is_resolved_is_no_resolution_of_its_own():
    history = (became(1, "resolved", "open"), said(2, "fair"), became(3, "closed", "resolved"), said(4, "good"))
    assert short(*history) == [("good", "jane", "support")]


def test_each_resolution_counts_for_itself():
    history = (
        became(1, "resolved", "open"),
        said(2, "bad"),
        became(3, "open", "resolved"),
        events.Assigned(at=at(4), assignee="john", team=""),
        events.Transferred(at=at(5), department="sysadmins", previous="support"),
        became(6, "closed", "open"),
        said(7, "good"),
    )
    assert short(*history) == [("bad", "jane", "support"), ("good", "john", "sysadmins")]


def test_a_word_that_comes_late_is_about_the_resolution_before_it():
    history = (became(1, "resolved", "open", BY_JOHN), became(2, "open", "resolved"), said(3, "bad"))
    assert short(*history) == [("bad", "john", "support")]


def test_the_assignee_did_the_work_whoever_pressed_the_button():
    given = events.Assigned(at=at(1), assignee="jane", team="")
    assert short(given, became(2, "closed", "open", BY_JOHN), said(3, "good")) == [("good", "jane", "support")]
    assert short(became(2, "resolved", "open", Actor(Role.SYSTEM, "timer")), said(3, "good")) == [
        ("good", "", "support")
    ]


def test_a_word_before_any_resolution_counts_for_whoever_has_the_ticket():
    assert short(events.Assigned(at=at(1), assignee="jane", team=""), said(2, "good")) == [("good", "jane", "support")]


def test_words_of_many_tickets_are_counted_by_agent_and_department():
    one = rated((OPENED, became(1, "resolved", "open"), said(2, "good")))
    other = rated((OPENED, became(1, "resolved", "open", BY_JOHN), said(2, "bad")))
    counts = counted((*one, *one, *other))
    assert counts.by_agent == {"jane": {Rating.GOOD: 2}, "john": {Rating.BAD: 1}}
    assert counts.by_department == {"support": {Rating.GOOD: 2, Rating.BAD: 1}}
