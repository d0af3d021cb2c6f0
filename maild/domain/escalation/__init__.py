"""What follows when a deadline comes due or an alarm does not arrive, and who is told then.

Commands, agent_mail, queries and intake may import it.
"""
