"""Turns bytes into words and back: reads raw mails and writes outgoing ones.

Reading is pure: no I/O and no clock. `reading.parse` is its entry; `headers`, `text` and `quoting` help it. `worker`
does all reading in processes that can be killed. `templates` renders a notice, and `compose` makes its bytes."""
