"""Short words for tickets under an SLA plan: what happened, when, and what was promised."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from maild.domain.people.directory import Address, Person, Role
from maild.domain.sla.standing import EscalationStep, Plan, Target
from maild.domain.tickets import events
from maild.domain.times.calendars import Calendar, Span

FIRST, NEXT, RESOLUTION = Target.FIRST_RESPONSE, Target.NEXT_RESPONSE, Target.RESOLUTION
KAREN = Person(Address.of("karen@bank.example"), "Karen")
BY_JANE = events.Actor(Role.AGENT, "jane", "jane@support.example")
OFFICE = Calendar("office", "UTC", ((Span(480, 1020),),) * 5 + ((), ()))  # Monday to Friday 08:00-17:00
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)


def when(text: str) -> datetime:
    """ "mon 10:30" in the week of Monday 4 May 2026 (or "mon+1 10:30" a week later), in UTC."""
    day, _, clock = text.partition(" ")
    name, _, weeks = day.partition("+")
    offset = ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(name) + 7 * int(weeks or 0)
    hours, minutes, *seconds = (float(part) for part in clock.split(":"))
    return MONDAY + timedelta(days=offset, hours=hours, minutes=minutes, seconds=sum(seconds))


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def plan(first: float = 0, following: float = 0, resolution: float = 0, steps: Iterable[EscalationStep] = ()) -> Plan:
    """Goals in hours; 0 is no promise."""
    goals = ((FIRST, first), (NEXT, following), (RESOLUTION, resolution))
    return Plan("tested", goals=tuple((target, hours(goal)) for target, goal in goals if goal), steps=tuple(steps))


def event(at: datetime, word: str) -> events.Event:
    """One event by a word: "opened", "message", "reply 7", "bounce 7", "soft-bounce 7", "note", or a status."""
    verb, _, argument = word.partition(" ")
    entry = int(argument) if argument else None
    match verb:
        case "opened" | "opened-automatically":
            automatic = verb == "opened-automatically"
            return events.Opened(at=at, requester=KAREN, subject="No money", department="support", automatic=automatic)
        case "message" | "automatic":
            return events.MessageReceived(at=at, automatic=verb == "automatic")
        case "reply":
            return events.Replied(at=at, by=BY_JANE, entry=entry)
        case "bounce" | "soft-bounce":
            permanent = verb == "bounce"
            return events.Bounced(at=at, recipient="karen@bank.example", permanent=permanent, reply=entry)
        case "note":
            return events.Noted(at=at, by=BY_JANE)
        case "plan":
            return events.PlanChanged(at=at, sla_plan="tested", previous="other", source="command")
    return events.StatusChanged(at=at, by=BY_JANE, status=verb, previous="open")


def story(*lines: str) -> tuple[events.Event, ...]:
    """Events from lines such as "mon 10:30 reply 7", in the order in which they were recorded."""
    split = [line.split(" ", 2) for line in lines]
    return tuple(event(when(f"{day} {clock}"), word) for day, clock, word in split)
