"""From bytes to clean text: charsets, and signs that readers or databases choke on.

Every wing but quoting may import it.
"""
