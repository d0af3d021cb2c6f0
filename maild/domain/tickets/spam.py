"""Who said that a ticket is spam: a provider's filter, which may be wrong, or a person."""

from __future__ import annotations

from collections.abc import Iterable

from maild.domain.people.directory import Role
from maild.domain.tickets import events
from maild.domain.tickets.ticket import Status


def marked_by_filter_alone(history: Iterable[events.Event]) -> bool:
    """Tell whether a ticket with these events is spam because of a filter, and no person said so too."""
    marked = False
    for event in history:
        if isinstance(event, events.StatusChanged):
            marked = event.status == Status.SPAM and event.by.role is Role.SYSTEM
    return marked


def told_as_new(event: events.Event) -> bool:
    """Tell whether this event brings back a ticket that nobody was told of, because it was taken for spam."""
    return (
        isinstance(event, events.StatusChanged)
        and (event.previous, event.status) == (Status.SPAM, Status.OPEN)
        and event.by.role is Role.SYSTEM
    )
