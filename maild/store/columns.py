"""Column types for values that a database would refuse or change: naive times, NUL, lone surrogates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect


def clean(text: str) -> str:
    """Return `text` in a form that every database accepts.

    NUL, which PostgreSQL refuses, and lone surrogates become U+FFFD."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = "".join("\ufffd" if "\ud800" <= letter <= "\udfff" else letter for letter in text)
    return text


def is_clean(*texts: str) -> bool:
    """Say whether `clean` would leave all of these texts as they are."""
    return all(clean(text) is text for text in texts)


def clean_json(value: Any) -> Any:
    """Return a JSON value with all strings cleaned, keys included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): clean_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean_json(item) for item in value]
    return value


def clean_dump(value: Any) -> str:
    """Return a JSON document as text, with all its strings cleaned.

    NUL and surrogates are written as escapes. Only where such an escape stands is the document walked through."""
    text = json.dumps(value)
    return json.dumps(clean_json(value)) if "\\u0000" in text or "\\ud" in text else text


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Stores an aware datetime as UTC. A naive datetime raises ValueError.

    SQLite drops the time zone, so UTC is added again when a value is read."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert an aware datetime to UTC. Raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("cannot store a time without a time zone; convert it to UTC first")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the stored instant as an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CleanText(sa.types.TypeDecorator[str]):
    """Text of any origin, cleaned before it is stored."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Clean a text before it is stored."""
        return None if value is None else clean(value)


class CleanJson(sa.types.TypeDecorator[Any]):
    """A JSON document whose strings are cleaned when it is stored: engine.py passes `clean_dump` to every engine."""

    impl = sa.JSON
    cache_ok = True
