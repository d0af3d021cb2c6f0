"""Finds the new words of a reply: not quoted, not ours, and no signature. Only `reading` imports this wing."""
