"""How a reader can stop notices like the one they got: the second half of every notice's foot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maild.domain.notices.notice import Notice
from maild.domain.notices.pacing import Kind
from maild.domain.people.preferences import Interest


@dataclass(frozen=True, slots=True)
class Stop:
    """One way to stop. `verb` is a command on the ticket, `asks` a preference to be mailed to us; else `label` says
    it all."""

    label: str
    verb: str = ""
    asks: str = ""


MUTE = Stop("Mute this ticket", verb="mute")
DROP = Stop("Give the ticket up", verb="drop")
NO_NEW = Stop("No news of tickets that nobody has", asks="notify new off")
NOT_NAMED = Stop("Nothing that names you", asks="notify none")
ONLY_MINE = Stop("Only what is yours", asks="notify mine")
ACKNOWLEDGE = Stop("Acknowledge", verb="ack")
NO_DIGEST = Stop("No digests", asks="digest off")
NO_TEAM_DIGEST = Stop("No digest of your team", asks="digest team off")
NO_MANAGER_DIGEST = Stop("No digest of your departments", asks="digest manager off")
WHEN_DONE = Stop("it ends when the ticket is answered, handed on or closed")

# A ticket that is one's own cannot be muted away from its customer: giving it up is what ends that. What is told to
# whoever has no part in a ticket but their place can be muted.
_OWN: Mapping[Kind, tuple[Stop, ...]] = {
    Kind.ANSWERED: (MUTE,),
    Kind.NEWS: (MUTE,),
}
_BY_CLAIM: Mapping[Interest, tuple[Stop, ...]] = {
    Interest.OWNER: (DROP,),
    Interest.ALARMED: (MUTE,),
    Interest.CIRCLE: (MUTE,),
    Interest.WATCHER: (MUTE,),
}
_BY_KIND: Mapping[Kind, tuple[Stop, ...]] = {
    Kind.BREACH: (ACKNOWLEDGE, WHEN_DONE),  # deadlines are told to whom the plan names, whatever they wish
    Kind.WARNING: (ACKNOWLEDGE, WHEN_DONE),
    Kind.MENTION: (NOT_NAMED,),
}


def stops_of(notice: Notice) -> tuple[Stop, ...]:
    """Return the ways to stop notices like this one; () for answers to the reader's own mail."""
    if notice.steps and not notice.agent:
        return (WHEN_DONE,)  # an address that is no agent's: nothing that it answers counts
    if notice.kind in _BY_KIND:
        return _BY_KIND[notice.kind]
    if notice.claim is Interest.OWNER and notice.kind in _OWN:
        return _OWN[notice.kind]
    if notice.claim is Interest.NAMED:
        return (DROP,)
    ways = _BY_CLAIM[notice.claim] if notice.claim else ()
    return (*ways, NO_NEW) if notice.kind in {Kind.NEW, Kind.MOVED} and notice.claim is Interest.CIRCLE else ways
