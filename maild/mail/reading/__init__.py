"""Reads a raw mail: limits, MIME parts, text, attachments, and what is special about it."""
