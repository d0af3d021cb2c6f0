"""A mail as values, the marks that come back in it, and the life of an outgoing mail.

Every wing from sla upward may import it, but `message` itself is for intake alone.
"""
