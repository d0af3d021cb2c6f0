"""From a notice to a row of the outbox: who is due one, when it leaves, and what its template may say.

Every wing from reports upward may import it; of the services it imports helpdesk and work alone.
"""
