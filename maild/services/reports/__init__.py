"""Digests, monthly reports and statistics, made and queued.

Queries and every wing above may import it.
"""
