"""A file that came with a mail, as a pointer into the stored raw mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attachment:
    """Points into the raw mail by the part's path ("2.1"). It never holds the bytes."""

    part: str
    name: str
    content_type: str
    size: int  # bytes, decoded
    sha256: str
    inline: bool = False
    content_id: str = ""
