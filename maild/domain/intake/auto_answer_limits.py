"""How many automatic answers there were lately, and how many are too many (RFC 3834 2; RFC 5230 4.2).

Headers are judged elsewhere. These limits need no headers, because the other end of a loop may remove them all.
They count a program's answers to people outside: acknowledgements and statuses. What an agent does never counts:
somebody who closes forty tickets at once is no loop."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

UNPROVEN_PER_DAY = 1  # answers to a sender whom nothing proves: a forged From is somebody else's mailbox
PROVEN_PER_DAY = 10  # answers to one sender who is proven: a person opens several tickets, a robot hundreds
STATES_PER_HOUR = 1  # states of one ticket to one person
ALIKE = 3  # mails of one sender with one subject, this one counted, that are no more answered
ALIKE_WITHIN = timedelta(minutes=10)
STOPPED_FOR = timedelta(hours=1)  # after too many in a minute nothing is answered so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What there was before the mail that is judged. Answers are a program's answers to people outside."""

    to_sender: int = 0  # answers to its sender within a day
    to_domain: int = 0  # answers to the sender's domain within an hour
    to_all: int = 0  # answers to anybody within a minute
    states: int = 0  # states of its ticket to its sender within an hour
    alike: int = 0  # other mails of its sender with its subject within ten minutes
    spam: bool = False  # an agent said of another ticket of this sender that it is spam
    stopped: bool = False  # too many answers within a minute, less than an hour ago

    def too_much(self, *, a_minute: int, a_domain: int) -> str:
        """Why no program may answer whoever wrote; "" when one may."""
        checks = (
            (self.spam, "the sender is known for spam"),
            (self.stopped, "automatic answers are stopped: there were too many within a minute"),
            (self.to_all >= a_minute, f"there were {self.to_all} automatic answers within a minute: they are stopped"),
            (self.to_domain >= a_domain, f"the sender's domain got {self.to_domain} answers within an hour"),
            (self.to_sender >= PROVEN_PER_DAY, f"the sender got {self.to_sender} automatic answers within a day"),
            (self.alike + 1 >= ALIKE, f"the sender wrote {self.alike + 1} mails with this subject within ten minutes"),
        )
        return next((why for holds, why in checks if holds), "")


NO_TRAFFIC = Traffic()
