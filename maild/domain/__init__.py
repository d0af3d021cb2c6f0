"""The ground floor: words, events, verdicts. The standard library alone; no I/O, clock, chance or logging."""
