"""When something is due: clocks, goals, steps of escalation, and how a deadline came about.

The policy, reports and every wing above them may import it.
"""
