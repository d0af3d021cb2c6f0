"""From a notice to a row of the outbox: who is due one, when it leaves, and what its template may say.

It may be imported by reports and every wing above; of the services it imports helpdesk alone.
"""
