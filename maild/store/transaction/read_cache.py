"""Remembers within a writing transaction what was read, by key. Whoever writes keeps it true, or forgets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

from maild.store.transaction.session import Session

K = TypeVar("K")
V = TypeVar("V")


class ReadCache(Generic[K, V]):
    """Answers of one question. A reading transaction remembers nothing, because others may write meanwhile."""

    def __init__(self, session: Session, *, reading: bool = False) -> None:
        self._known: dict[K, V] = {}
        self._reading = reading
        session.at_forget(self._known.clear)

    def get_many(self, keys: Iterable[K], read: Callable[[list[K]], Mapping[K, V]], missing: V) -> dict[K, V]:
        """Return the answer for each key. Unknown ones are read together; `missing` is for those that `read` lacks."""
        asked = list(dict.fromkeys(keys))
        unknown = [key for key in asked if key not in self._known]
        if unknown:
            found = read(unknown)
            answers = {key: found.get(key, missing) for key in unknown}
            if self._reading:
                return answers
            self._known.update(answers)
        return {key: self._known[key] for key in asked}

    def get(self, key: K, read: Callable[[], V]) -> V:
        """Return the answer for one key."""
        if key not in self._known:
            answer = read()
            if self._reading:
                return answer
            self._known[key] = answer
        return self._known[key]

    def remembered(self) -> list[K]:
        """Return the keys whose answers are remembered."""
        return list(self._known)

    def known(self, key: K) -> bool:
        """Say whether the answer for this key is remembered."""
        return key in self._known

    def peek(self, key: K) -> V | None:
        """Return the answer that is remembered for this key; None when there is none."""
        return self._known.get(key)

    def put(self, key: K, answer: V) -> None:
        """Remember an answer that a write made true."""
        if not self._reading:
            self._known[key] = answer

    def change(self, key: K, change: Callable[[V], V]) -> None:
        """Change an answer that is remembered; one that is not is read when it is asked for."""
        if key in self._known:
            self._known[key] = change(self._known[key])

    def drop(self, key: K) -> None:
        """Forget one answer: it is read again when it is asked for."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Forget all answers."""
        self._known.clear()
