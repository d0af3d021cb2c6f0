"""Use cases: one function or class, one transaction each. They know ports and mail, never a database or a socket."""
