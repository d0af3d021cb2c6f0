"""The ticket, its events, and what follows from both alone.

Every wing from sla upward may import it.
"""
