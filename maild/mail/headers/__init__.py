"""Header fields, read and written: addresses, authentication results, the way that a mail took.

reading and compose may import it.
"""
