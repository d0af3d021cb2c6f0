"""The verbs of agents and customers: one table, their arguments, what they do, and how that is undone.

agent_mail, queries and intake may import it.
"""
