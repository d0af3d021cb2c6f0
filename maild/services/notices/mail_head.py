"""The head of an outgoing mail: all that composing needs beside the words. Fixed when the mail is queued.

It is stored as JSON with the outbox row. Rows of older versions lack the keys that came later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from maild.domain.notices.pacing import Kind
from maild.domain.people.directory import Address, Person
from maild.domain.people.preferences import Interest
from maild.ports import OutboxRow

KEY = "mail"  # of a template context: where the head stands


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardedFile:
    """A pointer to a file of an entry that goes along. `part` is its path in the raw mail, `size` is in bytes."""

    entry: int
    part: str
    name: str
    content_type: str
    size: int
    inline: bool = False
    content_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHead:
    """Who speaks, which mails it belongs to, what machines should know of it, and which files go along.

    `automatic` is the Auto-Submitted keyword, "" for a person's words (RFC 3834 5). `references` begins with the
    ticket's root id. `thread_key` is 16 bytes, b"" for a mail about no ticket. `files` are (name, text) of our own.
    `kind` and `claim` say why an agent is told, for a later notice that takes this one along; None elsewhere."""

    from_: Person
    reply_to: str
    automatic: str
    precedence: str  # "" | "bulk" | "list"
    thread_started: datetime
    reason: str  # the template
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    thread_key: bytes = b""
    thread_topic: str = ""
    list_id: str = ""
    list_unsubscribe: str = ""  # RFC 2369 3.2
    attach: tuple[ForwardedFile, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    kind: Kind | None = None
    claim: Interest | None = None

    def to_row(self) -> dict[str, Any]:
        """Return the JSON that is stored with the row."""
        return {
            "from": {"name": self.from_.name, "address": str(self.from_.address)},
            "reply_to": self.reply_to,
            "in_reply_to": self.in_reply_to,
            "references": list(self.references),
            "automatic": self.automatic,
            "precedence": self.precedence,
            "thread_key": self.thread_key.hex(),
            "thread_started": self.thread_started.isoformat(),
            "thread_topic": self.thread_topic,
            "list_id": self.list_id,
            "list_unsubscribe": self.list_unsubscribe,
            "reason": self.reason,
            "attach": [_file_to_row(file) for file in self.attach],
            "files": [{"name": name, "text": text} for name, text in self.files],
            "kind": self.kind.value if self.kind else "",
            "claim": self.claim.value if self.claim else "",
        }

    @classmethod
    def from_row(cls, stored: Mapping[str, Any]) -> MailHead:
        """Read what `to_row` of this or an older version stored. ValueError without an address in "from"."""
        return cls(
            from_=Person(Address.of(stored["from"]["address"]), stored["from"]["name"]),
            reply_to=stored["reply_to"],
            in_reply_to=stored["in_reply_to"],
            references=tuple(stored["references"]),
            automatic=stored["automatic"],
            precedence=stored["precedence"],
            thread_key=bytes.fromhex(stored["thread_key"]),
            thread_started=datetime.fromisoformat(stored["thread_started"]),
            thread_topic=stored["thread_topic"],
            list_id=stored["list_id"],
            list_unsubscribe=stored.get("list_unsubscribe", ""),
            reason=stored["reason"],
            attach=tuple(_file_from_row(file) for file in stored["attach"]),
            files=tuple((file["name"], file["text"]) for file in stored.get("files", ())),
            kind=Kind(stored["kind"]) if stored.get("kind") else None,
            claim=Interest(stored["claim"]) if stored.get("claim") else None,
        )


def head_of(row: OutboxRow) -> MailHead:
    """Return the head of a queued mail."""
    return MailHead.from_row(row.context[KEY])


def _file_to_row(file: ForwardedFile) -> dict[str, Any]:
    return {
        "entry": file.entry,
        "part": file.part,
        "name": file.name,
        "content_type": file.content_type,
        "size": file.size,
        "inline": file.inline,
        "content_id": file.content_id,
    }


def _file_from_row(stored: Mapping[str, Any]) -> ForwardedFile:
    return ForwardedFile(
        entry=stored["entry"],
        part=stored["part"],
        name=stored["name"],
        content_type=stored["content_type"],
        size=stored["size"],
        inline=stored.get("inline", False),
        content_id=stored.get("content_id", ""),
    )
