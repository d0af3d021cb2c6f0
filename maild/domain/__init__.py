"""The ground floor: words, facts, verdicts. The standard library alone; no I/O, clock, chance or logging."""
