"""Reads a mail that somebody forwarded: who wrote it, and what. It knows Gmail, Outlook, Apple Mail and Thunderbird.

This is only reading. The domain decides whether the ticket belongs to the writer of the forwarded mail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from maild.domain.messages.message import ForwardedMail
from maild.domain.people.directory import Person
from maild.mail.headers import addresses
from maild.mail.headers import fields as headers
from maild.mail.quoting import wording as marks
from maild.mail.quoting.cut import is_forward, label
from maild.mail.reading import body, limits, parts
from maild.mail.reading.parts import Leaf, MimePart
from maild.mail.text.cleaning import one_line

_MESSAGES = frozenset(("message/rfc822", "message/global"))
_HEAD_LINES = 30  # lines of a forwarded mail in which its header is looked for
_MAX_VALUE = 1_000
_WRAPPED = frozenset(("from", "to", "cc", "other"))  # values that programs may write over several lines
_MAX_COMMENT = 100_000

_PREFIX = re.compile(
    r"^\s*(?:\[[^\]]{0,40}\]\s*)?([^\s:：\[\]][^:：\[\]]{0,20}?)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]"
)
_MAILTO = re.compile(r"[<\[(]\s*mailto:([^<>\[\]()\s]{3,320})\s*[>\])]", re.IGNORECASE)
_TWICE = re.compile(r"<?([^<>\s]{3,320})>?\s*<\1>")
_ADDRESS_ONLY = re.compile(r"\(\s*<?([^<>()\s]{3,320}@[^<>()\s]{1,255})>?\s*\)\s*$")
_SQUARE = re.compile(r"\[\s*([^\[\]<>\s]{1,128}@[^\[\]<>\s]{1,255})\s*\]\s*$")


def is_announced(subject: str) -> bool:
    """Whether a subject begins like that of a forward (Fwd:, WG:, TR:, 转发：)."""
    match = _PREFIX.match(subject[:100])
    return match is not None and match[1].strip().casefold() in marks.FORWARD_PREFIXES


def read(
    subject: str, fields: Mapping[str, Sequence[str]], leaves: Sequence[Leaf], content: body.Body
) -> ForwardedMail | None:
    """Read the forwarded mail within a mail; None if there is none. The first one counts.

    `fields` are the raw header values of the mail, by name in lower case."""
    inline = _inline(content)
    if inline is not None:
        return inline
    nested = [leaf for leaf in leaves if leaf.part.type.value in _MESSAGES and _is_attached(leaf)]
    if not nested:
        return None
    alone = len(nested) == 1 and (is_announced(subject) or not ("in-reply-to" in fields or "references" in fields))
    return _attached(nested[0], content.cut.new_text if content.text.strip() else "", certain=alone)


def _is_attached(leaf: Leaf) -> bool:
    """Whether somebody attached this mail: parts of a report or of a digest (RFC 2046 5.1.5) do not count."""
    return not any(subtype in {"report", "digest"} for _, subtype in leaf.around)


def _attached(leaf: Leaf, comment: str, *, certain: bool) -> ForwardedMail:
    """Read a mail that is attached whole (RFC 2046 5.2.1). `certain`: only this mail can be meant."""
    found = limits.survey(leaf.part.octets())
    try:
        root = parts.tree(found.readable)
        text = body.read(parts.leaves(root)).text
    except RecursionError:
        root, text = parts.header_of(found.readable), ""
    sender = addresses.sender([value for name, value in root.raw_items() if name.lower() == "from"])
    return ForwardedMail(
        sender=sender,
        subject=_decoded(root, "subject"),
        text=text,
        comment=comment[:_MAX_COMMENT],
        date=_decoded(root, "date"),
        certain=certain and sender is not None and not found.breaches,
    )


def _decoded(root: MimePart, name: str) -> str:
    """Return the clean text of a field, "" if it is absent."""
    return headers.decode(root.raw(name) or "")


@dataclass(slots=True)
class _Head:
    """The header block of a mail that is forwarded within the text."""

    values: dict[str, str] = field(default_factory=dict)  # by what the label means: from, to, cc, date, subject
    twice: bool = False  # there are two senders
    ends: int = 0  # the first line of the forwarded text


def _inline(content: body.Body) -> ForwardedMail | None:
    """Read a mail within the text: below a line that the mail program wrote, or with its header block."""
    if not content.cut.forwarded_lines:
        return None
    lines = content.cut.new_text.split("\n")
    comment = "\n".join(lines[: -content.cut.forwarded_lines]).strip("\n")
    block = lines[-content.cut.forwarded_lines :]
    marked = is_forward(block[0].strip()[:_MAX_VALUE])
    block = _unquoted(block[1:] if marked else block)
    head = _head(block)
    if not head.values:
        return None
    sender = _sender(head.values.get("from", ""))
    said = len(head.values.keys() & {"date", "to", "subject"})
    return ForwardedMail(
        sender=sender,
        subject=head.values.get("subject", ""),
        text="\n".join(block[head.ends :]).strip("\n"),
        comment=comment[:_MAX_COMMENT],
        date=head.values.get("date", ""),
        certain=sender is not None and said >= 2 and not head.twice,
    )


def _unquoted(lines: list[str]) -> list[str]:
    """Remove one level of quote marks: Apple Mail quotes what it forwards."""
    written = [line for line in lines if line.strip()]
    if not written or not all(line.startswith(">") for line in written[:3]):
        return lines
    return [line[1:].removeprefix(" ") if line.startswith(">") else line for line in lines]


def _head(lines: list[str]) -> _Head:
    """Read the lines with labels at the top. A line without a label continues the line above it.

    Blank lines are skipped, because Outlook may put one between any two lines."""
    head = _Head()
    current = ""
    for number, raw in enumerate(lines[:_HEAD_LINES]):
        line = raw[:_MAX_VALUE].strip("* \t\xa0")
        if not line or not line.strip("-–—=_"):
            current = ""
            continue
        name, value = _labelled(line)
        if not name and current not in _WRAPPED:
            break  # here the text begins
        head.ends = number + 1
        if not name:
            if current != "other":
                head.values[current] = f"{head.values[current]} {line}"[:_MAX_VALUE]
            continue
        current = name
        if name != "other":
            head.twice |= name in head.values and name == "from"
            head.values.setdefault(name, value)
        if name == "from" and not value:
            head.values.pop(name)
            current = "other"
    return head


def _labelled(line: str) -> tuple[str, str]:
    """Return (what the label means, its value); ("", "") for a line without a known label."""
    name = label(line)
    before, _, after = line.replace("：", ":", 1).partition(":")
    if name:
        return name, one_line(after).strip("* \t\xa0")
    return ("other", "") if before.strip("* \t\xa0").casefold() in marks.OTHER_LABELS else ("", "")


def _sender(value: str) -> Person | None:
    """Return the one person in a From line as mail programs show it, by the strict reader of addresses."""
    value = _MAILTO.sub(r"<\1>", one_line(value))
    value = _TWICE.sub(r"<\1>", value)
    value = _SQUARE.sub(r"<\1>", value)
    if "<" not in value:
        value = _ADDRESS_ONLY.sub(r"<\1>", value)
    return addresses.sender([value.strip()]) if value.strip() else None
