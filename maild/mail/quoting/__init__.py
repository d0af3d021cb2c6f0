"""The new words of a reply: what is quoted, what is ours, what is a signature.

Only reading may import it; it imports no other wing.
"""
