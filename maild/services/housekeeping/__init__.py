"""What time does beside escalation: timers of a status, and reminders of held replies.

tick may import it.
"""
