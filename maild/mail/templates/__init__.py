"""Notices become words: Jinja2 templates in a sandbox, their filters, and checks of what they make."""
