"""Questions to the helpdesk, and answers to the rows of a list.

Only intake may import it.
"""
