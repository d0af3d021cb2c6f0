"""From a notice and its context to text and HTML, in a closed room.

No other wing of this room may import it.
"""
