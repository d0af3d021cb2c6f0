"""Use cases: one function or class with one transaction each. They use ports and mail, never a database or a
socket."""
