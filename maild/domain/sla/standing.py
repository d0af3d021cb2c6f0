"""SLA plans, and where a ticket stands against one: deadlines, breaches, escalation steps.

`standing` is a pure fold of the ticket's events (`sla.clocks`) through a business calendar. It always counts
from the original start with the plan and calendar of now. So a changed plan, department or priority recomputes
everything.

*Used* time is business time while the clock was running. *Due* is the first instant at which the used time equals the
goal. Nothing is due while the clock stands. A target is breached when its due instant comes before it was met. The
breach happens at the due instant, whenever somebody looks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from maild.domain.sla.clocks import Target, cycles, whole_second
from maild.domain.sla.meter import HandMeter, Meter, TargetStanding, metered
from maild.domain.sla.step_keys import Firing, StepKey, firings, key_of, repeat_of
from maild.domain.tickets import events
from maild.domain.times.calendars import Calendar, fingerprint

__all__ = [
    "DEFAULT_STEPS",
    "DueStep",
    "EscalationStep",
    "Plan",
    "Standing",
    "StepKey",
    "Target",
    "TargetStanding",
    "choose_plan",
    "plan_fingerprint",
    "standing",
]

_ZERO = timedelta(0)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """What happens when a share of a goal is used, or some business time after the due instant.

    Exactly one of `at_share` (0.75 is 75 % of the goal) and `offset` (after due; negative: before) is set.
    `target` limits the step to one target. `every` repeats it after that much more business time, until the
    target is met. `notify` and `page` hold assignee, team, team-lead, manager, admins, agent:NAME, on-duty,
    on-duty:ROTA, or an address. Raises ValueError for other combinations."""

    at_share: float | None = None
    offset: timedelta | None = None
    target: Target | None = None
    notify: tuple[str, ...] = ()
    page: tuple[str, ...] = ()
    raise_priority: bool = False
    reassign: str = ""
    switch_plan: str = ""
    every: timedelta | None = None

    def __post_init__(self) -> None:
        if (self.at_share is None) == (self.offset is None):
            raise ValueError("a step comes at a share of the target (75%) or at an offset after it (+30m): give one")
        if self.at_share is not None and self.at_share <= 0:
            raise ValueError("a step comes at a share above 0 %")
        if self.every is not None and self.every < timedelta(minutes=1):
            raise ValueError("a step repeats every minute at most")

    @property
    def key(self) -> str:
        """Stable text for the ledger: 75%, +30m, -1h30m."""
        if self.at_share is not None:
            return f"{round(self.at_share * 100, 6):g}%"
        offset = self.offset or _ZERO
        return f"-{shown_duration(-offset)}" if offset < _ZERO else f"+{shown_duration(offset)}"

    def threshold(self, goal: timedelta) -> timedelta:
        """Return the used time at which the step comes, in whole seconds and never below zero."""
        if self.at_share is not None:
            return timedelta(seconds=round(goal.total_seconds() * self.at_share))
        return max(_ZERO, goal + (self.offset or _ZERO))


DEFAULT_STEPS: tuple[EscalationStep, ...] = (
    EscalationStep(at_share=0.75, notify=("assignee", "team")),
    EscalationStep(at_share=1.0, notify=("assignee", "manager")),
)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is promised, and what happens when time runs out. `calendar` is a name; "" means the department's
    calendar.

    Raises ValueError for a goal of less than a second, or two goals for one target."""

    name: str
    calendar: str = ""
    goals: tuple[tuple[Target, timedelta], ...] = ()
    steps: tuple[EscalationStep, ...] = ()
    _keyed: dict[Target, tuple[tuple[str, EscalationStep], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len({target for target, _ in self.goals}) != len(self.goals):
            raise ValueError(f"plan {self.name!r} has two goals for one target: keep one")
        if any(goal < _SECOND for _, goal in self.goals):
            raise ValueError(f"plan {self.name!r} has a goal of less than a second: give it time")
        object.__setattr__(self, "_keyed", {target: tuple(_keyed(self.steps, target)) for target in Target})

    def goal(self, target: Target) -> timedelta | None:
        """Return the time allowed for a target; None when the plan does not promise it."""
        return next((goal for promised, goal in self.goals if promised is target), None)

    def steps_of(self, target: Target) -> tuple[tuple[str, EscalationStep], ...]:
        """Return the steps of one target with their keys. A second step at the same place has the key 75%/2."""
        return self._keyed[target]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueStep:
    """A step whose instant has come. `repeat` is 1 the first time. `breach` is true from the due instant on."""

    target: Target
    cycle: int
    step_key: str
    instant: datetime
    step: EscalationStep
    breach: bool
    repeat: int = 1

    @property
    def key(self) -> StepKey:
        """What the ledger holds once for each ticket."""
        return (self.target.value, self.cycle, self.step_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A ticket against its plan. `targets` holds the newest cycle of each target, `past` the earlier ones.

    `due_steps` are in the order of their instants. `next_at` is when to look again: the earliest step that is
    not in the ledger. It lies in the past when steps are due now, and is None when nothing will come."""

    targets: tuple[TargetStanding, ...] = ()
    past: tuple[TargetStanding, ...] = ()
    due_steps: tuple[DueStep, ...] = ()
    next_at: datetime | None = None

    @property
    def due_at(self) -> datetime | None:
        """The earliest due instant among the pending targets."""
        return min((t.due_at for t in self.targets if t.due_at and (t.running or t.paused)), default=None)

    @property
    def overdue(self) -> bool:
        """Tell whether a pending target is past due."""
        return any(t.breached_at and (t.running or t.paused) for t in self.targets)

    def of(self, target: Target) -> TargetStanding | None:
        """Return the newest cycle of a target; None when it has not started or the plan does not promise it."""
        return next((standing for standing in self.targets if standing.target is target), None)


def standing(
    history: Sequence[events.Event],
    plan: Plan,
    calendar: Calendar,
    now: datetime,
    already: AbstractSet[StepKey] = frozenset(),
) -> Standing:
    """Return where a ticket stands at `now`, by all given events.

    Steps in the ledger (`already`) are not due again, unless their deadline moved to later than the history says
    they were told. To ask about the past, give only the events until then. Raises ValueError when the first
    event is not Opened."""
    moment = whole_second(now)
    measured: dict[Target, TargetStanding] = {}
    past: list[TargetStanding] = []
    come: list[DueStep] = []
    coming: list[datetime] = []
    fired = firings(history) if already else {}
    for cycle in cycles(history):
        meter = metered(cycle, plan.goal(cycle.target), calendar, moment)
        if meter is None:
            continue
        if cycle.target in measured:
            past.append(measured.pop(cycle.target))
        measured[cycle.target] = meter.standing()
        if cycle.pending:
            for step in _schedule(meter, plan, already, fired):
                if step.instant <= moment:
                    come.append(step)
                else:
                    coming.append(step.instant)
    come.sort(key=lambda step: step.instant)
    return Standing(
        targets=tuple(measured[target] for target in Target if target in measured),
        past=tuple(past),
        due_steps=tuple(come),
        next_at=min([*coming, *(step.instant for step in come)], default=None),
    )


def _schedule(
    meter: Meter | HandMeter, plan: Plan, already: AbstractSet[StepKey], fired: Mapping[StepKey, Firing]
) -> Iterator[DueStep]:
    """Return the steps of a pending cycle that are not in the ledger: those that have come, and the next one."""
    for name, step in plan.steps_of(meter.cycle.target):
        threshold = step.threshold(meter.goal)
        key = key_of(meter, name, threshold, fired, already)
        for repeat in _repeats(meter, step, threshold, key, already):
            amount = threshold + (repeat - 1) * (step.every or _ZERO)
            instant = meter.instant_of(amount)
            if instant is not None:
                yield DueStep(
                    target=meter.cycle.target,
                    cycle=meter.cycle.number,
                    step_key=key if repeat == 1 else f"{key}#{repeat}",
                    instant=instant,
                    step=step,
                    breach=amount >= meter.goal,
                    repeat=repeat,
                )


def _repeats(
    meter: Meter | HandMeter, step: EscalationStep, threshold: timedelta, key: str, already: AbstractSet[StepKey]
) -> Iterator[int]:
    """Return which repeats of a step to look at: the first, the newest that has come, and the one after it.

    Repeats that were missed while nobody looked are skipped. None comes before one that has been."""
    target, cycle = meter.cycle.target.value, meter.cycle.number
    first_is_done = (target, cycle, key) in already
    if not first_is_done:
        yield 1
    if step.every is None or not (first_is_done or meter.consumed >= threshold):
        return
    newest = 1 + (meter.consumed - threshold) // step.every
    done = max((repeat_of(told, key) for t, c, told in already if t == target and c == cycle), default=1)
    if newest > done:
        yield newest
    yield max(newest, done) + 1


def _keyed(steps: tuple[EscalationStep, ...], target: Target) -> Iterator[tuple[str, EscalationStep]]:
    seen: dict[str, int] = {}
    for step in steps:
        if step.target in (None, target):
            count = seen[step.key] = seen.get(step.key, 0) + 1
            yield (step.key if count == 1 else f"{step.key}/{count}"), step


def choose_plan(
    command: str = "",
    rule: str = "",
    topic: str = "",
    organisation: str = "",
    priority_plan: str = "",
    department: str = "",
) -> tuple[str, str]:
    """Return the name of a ticket's plan and its source: the first of these that names one, else "default"."""
    sources = (
        (command, "command"),  # somebody decided
        (rule, "rule"),  # the admin wrote it for mails like this one
        (topic, "topic"),  # what it is about
        (organisation, "organisation"),  # what was promised to this customer
        (priority_plan, "priority"),  # how urgent it is
        (department, "department"),  # who works on it
    )
    return next(((name, source) for name, source in sources if name), ("default", "default"))


def plan_fingerprint(plan: Plan, calendar: Calendar) -> str:
    """Return 16 hex digits that change when a deadline or step of this plan with this calendar may change."""
    steps = [
        (key, target.value, step.threshold(goal).total_seconds(), step.every and step.every.total_seconds())
        for target, goal in sorted(plan.goals)
        for key, step in plan.steps_of(target)
    ]
    goals = [(target.value, goal.total_seconds()) for target, goal in sorted(plan.goals)]
    return hashlib.sha256(repr((goals, steps, fingerprint(calendar))).encode()).hexdigest()[:16]


def shown_duration(duration: timedelta) -> str:
    """Return whole seconds as people write them: 1h30m, 45s, 26h, 0m. No days: business days have no fixed length."""
    seconds = duration // _SECOND
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0m"
