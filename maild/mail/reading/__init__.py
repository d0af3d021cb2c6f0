"""From raw bytes to an InboundMessage, pure. It never raises, whatever the bytes are.

Only worker may import it.
"""
