"""Who hears of an event, by which template, when, and by which buttons an answer comes back.

Decisions, escalation, commands and everything above may import it.
"""
