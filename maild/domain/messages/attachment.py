"""A file that came with a mail, as a pointer into the raw mail that is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """A pointer into the raw mail: the part's path ("2.1"), never the bytes."""

    part: str
    name: str
    content_type: str
    size: int  # bytes, decoded
    sha256: str
    inline: bool = False
    content_id: str = ""
