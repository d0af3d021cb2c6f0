"""What was looked up before somebody judges: everything, or what a test names."""

from collections.abc import Mapping
from typing import Any, TypeVar

from maild.domain.lookups import Batch, CannedText, FileContent, Leaving, Lookups, MadeText, TicketRecord, Written
from maild.domain.people.directory import name_key
from maild.domain.tickets.ticket import fold

K = TypeVar("K")
V = TypeVar("V")


class Else(dict[K, V]):
    """A mapping that answers every other key alike."""

    def __init__(self, answer: V, named: Mapping[K, V] | None = None) -> None:
        super().__init__(named or {})
        self._answer = answer

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, key: K) -> V:
        return self._answer


def record(number: int, *acts: Batch) -> TicketRecord:
    """A ticket folded from its acts."""
    return TicketRecord(fold(number, tuple(event for _, events in acts for event in events)), acts)


class Canned(dict[CannedText, MadeText]):
    """Canned texts by name, with {places} for their values."""

    def __init__(self, texts: Mapping[str, str], **values: str) -> None:
        super().__init__()
        self._texts, self._values = texts, values

    def __contains__(self, key: object) -> bool:
        return True

    def __missing__(self, wanted: CannedText) -> MadeText:
        text = next((text for name, text in self._texts.items() if name_key(name) == name_key(wanted.name)), None)
        made = text and text.format_map(self._values | dict(wanted.values))
        return MadeText(text=made, names=tuple(self._texts))


def lookups(**named: Any) -> Lookups:
    """Everything was looked up, and nothing beside what is named was found: no other ticket, no words, no stranger."""
    answers: dict[str, Any] = {
        "records": Else(None),
        "threads": Else(Written()),
        "mails": Else(Leaving()),
        "derivations": Else(()),
        "texts": Canned({}),
        "contacted": Else(True),
        "contents": Else(FileContent(name="file")),
    }
    return Lookups(**(answers | named))


NOTHING_FOUND = lookups()
