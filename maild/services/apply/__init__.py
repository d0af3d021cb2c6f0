"""Carries out a decision in one transaction.

escalation, housekeeping, intake, deliver and the commands of the admin may import it.
"""
