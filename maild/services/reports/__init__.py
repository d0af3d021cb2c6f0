"""Digests, monthly reports and statistics, made and queued.

Every wing from apply and queries upward may import it.
"""
