"""Statistics of a period, their charts as text, and when a digest is due.

The services import it; no other wing of the ground needs it.
"""
