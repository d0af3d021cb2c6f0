"""The options behind a step, in brackets: how a mail is written and sent."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.scenarios.mail_client import Writing
from tests.scenarios.stage import PEOPLE

_OTHER_PART = re.compile(r"^--(html|attached)--\n?", re.MULTILINE)
_QUOTING = {"unquoted": "none", "quoting above": "above", "as outlook": "outlook"}
_FLAGS = {"upper", "bodyless", "signed", "html"}


def flags_of(options: str | None) -> set[str]:
    return {word.strip() for word in (options or "").split(", ")} & _FLAGS


def writing_of(options: str | None, block: str) -> tuple[Writing, str]:
    """What the options and the block ask for: the way of writing, and the text. ValueError for an unknown option."""
    text, html, attached = _parts(block)
    writing = Writing(html=html)
    for option in filter(None, map(str.strip, (options or "").split(", "))):
        name, is_set, value = option.partition("=")
        if option in _QUOTING:
            writing = replace(writing, quoting=_QUOTING[option])
        elif option in _FLAGS:
            continue
        elif is_set and name in {"from", "to", "cc", "subject", "proof"}:
            writing = replace(writing, **{"sender" if name == "from" else name: _addressed(name, value)})
        elif is_set and name == "attach":
            writing = replace(writing, attached=(value, attached))
        elif is_set and name == "header":
            field, _, words = value.partition(": ")
            writing = replace(writing, fields={**writing.fields, field: words})
        else:
            raise ValueError(f"no such option: {option}")
    if "html" in flags_of(options):
        writing, text = replace(writing, html=text), ""
    return writing, text


def _addressed(name: str, value: str) -> str:
    """Addresses of people may be written as their names."""
    if name not in {"from", "to", "cc"}:
        return value
    return ", ".join(PEOPLE[word][1] if word in PEOPLE else word for word in value.split("+and+"))


def _parts(block: str) -> tuple[str, str, str]:
    """(text, html, attached) of a block whose parts are marked by lines --html-- and --attached--."""
    first, *others = _OTHER_PART.split(block)
    named = dict(zip(others[::2], others[1::2], strict=True))
    return first.rstrip("\n"), named.get("html", "").rstrip("\n"), named.get("attached", "").rstrip("\n")
