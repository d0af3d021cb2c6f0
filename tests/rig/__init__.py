"""The real servers that the tests talk to, and how the tests wait for them.

Every module in this folder is a pytest plugin: its fixtures are known to all tests without an import.
"""
