"""Bytes become clean text: charsets, control characters, line ends."""
