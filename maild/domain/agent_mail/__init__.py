"""What an agent's mail does to a ticket, and the guards that hold a text back.

Only intake may import it.
"""
