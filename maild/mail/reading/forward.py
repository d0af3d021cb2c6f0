"""A mail that somebody forwarded: who wrote it, and what (Gmail, Outlook, Apple, Thunderbird, or attached).

Only reading: whether a ticket is opened for the one who wrote it is decided elsewhere."""

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
_WRAPPED = frozenset(("from", "to", "cc", "other"))  # values that programs break over lines
_MAX_COMMENT = 100_000

_PREFIX = re.compile(
    r"^\s*(?:\[[^\]]{0,40}\]\s*)?([^\s:：\[\]][^:：\[\]]{0,20}?)\s*(?:\[\d{1,3}\]|\(\d{1,3}\))?\s*[:：]"
)
_MAILTO = re.compile(r"[<\[(]\s*mailto:([^<>\[\]()\s]{3,320})\s*[>\])]", re.IGNORECASE)
_TWICE = re.compile(r"<?([^<>\s]{3,320})>?\s*<\1>")
_ADDRESS_ONLY = re.compile(r"\(\s*<?([^<>()\s]{3,320}@[^<>()\s]{1,255})>?\s*\)\s*$")
_SQUARE = re.compile(r"\[\s*([^\[\]<>\s]{1,128}@[^\[\]<>\s]{1,255})\s*\]\s*$")


def is_announced(subject: str) -> bool:
    """Whether a subject begins as that of a forward does (Fwd:, WG:, TR:, 转发：)."""
    match = _PREFIX.match(subject[:100])
    return match is not None and match[1].strip().casefold() in marks.FORWARD_PREFIXES


def read(
    subject: str, fields: Mapping[str, Sequence[str]], leaves: Sequence[Leaf], content: body.Body
) -> ForwardedMail | None:
    """The forwarded mail within a mail; None when there is none. The first one counts where there are several."""
    inline = _inline(content)
    if inline is not None:
        return inline
    nested = [leaf for leaf in leaves if leaf.part.type.value in _MESSAGES and _is_attached(leaf)]
    if not nested:
        return None
    alone = len(nested) == 1 and (is_announced(subject) or not ("in-reply-to" in fields or "references" in fields))
    return _attached(nested[0], content.cut.new_text if content.text.strip() else "", certain=alone)


def _is_attached(leaf: Leaf) -> bool:
    """Parts of a report or of a digest were not forwarded by anybody."""
    return not any(subtype in {"report", "digest"} for _, subtype in leaf.around)


def _attached(leaf: Leaf, comment: str, *, certain: bool) -> ForwardedMail:
    """A mail that came whole."""
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
    return headers.decode(root.raw(name) or "")


@dataclass(slots=True)
class _Head:
    """The header block of a mail that is forwarded within the text: values by what their labels name."""

    values: dict[str, str] = field(default_factory=dict)
    twice: bool = False
    ends: int = 0  # the first line of the original's text


def _inline(content: body.Body) -> ForwardedMail | None:
    """A mail within the text, below a line of the mail program or as a header block."""
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
    """Apple Mail quotes what it forwards: then one level of marks goes."""
    written = [line for line in lines if line.strip()]
    if not written or not all(line.startswith(">") for line in written[:3]):
        return lines
    return [line[1:].removeprefix(" ") if line.startswith(">") else line for line in lines]


def _head(lines: list[str]) -> _Head:
    """The labelled lines at the top; a line without a label continues the one above it. They end at an empty line,
    except that Outlook may put one between any two of them."""
    head = _Head()
    current = ""
    for number, raw in enumerate(lines[:_HEAD_LINES]):
        line = raw[:_MAX_VALUE].strip("* \t\xa0")
        if not line or not line.strip("-–—=_"):
            current = ""
            continue
        name, value = _labelled(line)
        if not name and current not in _WRAPPED:
            break  # text
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
    """(what a label names, its value); ("", "") for a line without a known label."""
    name = label(line)
    before, _, after = line.replace("：", ":", 1).partition(":")
    if name:
        return name, one_line(after).strip("* \t\xa0")
    return ("other", "") if before.strip("* \t\xa0").casefold() in marks.OTHER_LABELS else ("", "")


def _sender(value: str) -> Person | None:
    """The one person of a From line as mail programs show it, by the strict reader."""
    value = _MAILTO.sub(r"<\1>", one_line(value))
    value = _TWICE.sub(r"<\1>", value)
    value = _SQUARE.sub(r"<\1>", value)
    if "<" not in value:
        value = _ADDRESS_ONLY.sub(r"<\1>", value)
    return addresses.sender([value.strip()]) if value.strip() else None
