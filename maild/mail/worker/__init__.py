"""Processes that read mails for us and may be killed.

No other wing of this room may import it.
"""
