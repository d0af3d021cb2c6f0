"""Chooses the parts of a mail that are its text (RFC 2046 5.1): plain text before HTML, unless it says nothing."""

from __future__ import annotations

import html as html_entities
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from maild.mail.quoting.cut import Cut, cut
from maild.mail.quoting.html import cut_html
from maild.mail.reading import enriched, flowed, html, invitations, markers, reactions, winmail
from maild.mail.reading.attachments import declared_name
from maild.mail.reading.parts import Leaf
from maild.mail.text import charsets
from maild.mail.text.cleaning import body_text

MAX_TEXT = 1_000_000  # characters of text that are kept; the raw mail has the rest
_STUB_LENGTH = 400  # characters; a longer plain part is a text of its own

# The types that are shown as text, and how they are read. Other types are attachments.
_PLAIN, _HTML, _ENRICHED, _RICH = "plain", "html", "enriched", "richtext"
_TEXT_TYPES = {
    "text/plain": _PLAIN,
    "text/html": _HTML,
    "application/xhtml+xml": _HTML,
    "text/enriched": _ENRICHED,
    "text/richtext": _RICH,
    "text/markdown": _PLAIN,
    "text/x-markdown": _PLAIN,
}
# Parts that are neither text nor attachment: signatures of the mail (RFC 1847 2.1), and a second HTML for the programs
# of one vendor.
_SILENT = frozenset(
    (
        *("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"),
        *("text/x-amp-html", "text/watch-html"),
    )
)
# text/x-… is for people to read (RFC 2046 4.1.4), except these, which are for programs.
_FILES = frozenset(("text/x-vcard", "text/x-vcalendar", "text/x-vnote", "text/x-ms-contact"))
_CALENDARS = frozenset(("text/calendar", "application/ics", "text/x-vcalendar"))
# What senders write into the plain part when the real text is in the HTML part.
_STUBS = (
    *("html version", "html-version", "html format", "html-format", "html e-mail", "html email", "html mail"),
    *("does not support html", "doesn't support html", "kein html", "html-fähig", "html-fähiges", "unterstützt kein"),
    *("view this email in your browser", "view this message in", "view it in your browser", "view in browser"),
    *("im browser ansehen", "im browser anzeigen", "ne supporte pas", "format html", "versión html", "versione html"),
    *("formato html", "versão html", "html-versie", "wersja html", "html-versionen", "no soporta html"),
    *("view in html", "html-enabled", "html enabled", "html capable", "html-capable", "html compatible", "html-only"),
    *("this is an html", "requires html", "view it as html", "als html", "en html", "in formato html", "em html"),
    *("view the message, please use an html", "text version is not available", "no plain text version"),
    *("prohlížeč html", "в формате html", "html 形式", "html形式", "html格式", "html 格式"),
)
_COMMAND_MARKS = "!\uff01"  # a part without any of these has no command
_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known before the text is read. It helps to find the new words."""

    known_texts: Sequence[str] = ()  # texts that we sent and that the mail may quote
    signature: str = ""  # the block that the sender puts below every mail
    forwarded: bool = False  # the subject says that the mail is a forward


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a mail, its new words, and the parts that it comes from."""

    text: str
    cut: Cut  # the new words, without quotes and signature
    html: str  # sanitised; "" for a plain mail
    attached: tuple[Leaf, ...]  # parts that are attachments
    shown: tuple[Leaf, ...]  # parts that are text
    notes: tuple[str, ...]  # what was wrong, and how it was read anyway
    reaction: str = ""  # an emoji
    calendar_method: str = ""
    markers: tuple[str, ...] = ()
    html_words: str = ""  # the new words of the HTML, if the plain text is read and one of both may have a command
    opened: Mapping[str, winmail.Opened] = field(default_factory=dict)  # by the path of the part


@dataclass(slots=True)
class _Block:
    """Parts with the same text in several forms: those of a multipart/alternative (RFC 2046 5.1.4), or one part."""

    plain: list[Leaf] = field(default_factory=list)
    html: list[Leaf] = field(default_factory=list)


@dataclass(slots=True)
class _Collected:
    """What the blocks of a mail say, in their order."""

    texts: list[str] = field(default_factory=list)
    unquoted: list[str] = field(default_factory=list)  # the texts without what mail programs mark as a quote
    pages: list[str] = field(default_factory=list)  # sanitised HTML
    marked: list[str] = field(default_factory=list)  # further texts in which a mark of ours may be
    others: list[str] = field(default_factory=list)  # the text of HTML that is not read, because the plain text is
    notes: dict[str, None] = field(default_factory=dict)


def read(leaves: Sequence[Leaf], hints: Hints | None = None) -> Body:
    """Read the body of a mail from its parts. `hints` help to find the new words."""
    hints = hints or Hints()
    blocks, attached, shown = _sort_parts(leaves)
    collected = _Collected()
    for block in blocks:
        _read_block(block, collected, hints)
    text = _joined(collected.texts, collected.notes)
    harmless = "\n".join(collected.pages) if any(block.html for block in blocks) else ""
    opened = _opened(attached, collected.notes)
    reaction = reactions.read(leaves)
    if not text:
        text = next((found.text for found in opened.values() if found.text), "") or reaction
        collected.texts, collected.unquoted = [text], [text]
    new = _new_words(text, collected.unquoted, collected.texts, hints)
    invitation = _invitation(attached)
    lines = [line for line in (invitation.line, *_pieces(attached)) if line]
    return Body(
        text="\n\n".join(filter(None, (text, *lines))),
        cut=_with_lines_below(new, lines, alone=not text.strip()),
        html=harmless,
        attached=tuple(attached),
        shown=tuple(shown),
        notes=tuple(collected.notes),
        reaction=reaction,
        calendar_method=invitation.method,
        markers=markers.find((*collected.texts, *collected.marked)),
        html_words=_cut("\n\n".join(collected.others)[:MAX_TEXT], hints).new_text if collected.others else "",
        opened=opened,
    )


def _new_words(text: str, unquoted: list[str], texts: list[str], hints: Hints) -> Cut:
    """Find the new words in the text without marked quotes; in the whole text if nothing else is left."""
    if unquoted == texts:
        return _cut(text, hints)
    new = _cut("\n\n".join(unquoted)[:MAX_TEXT].strip("\n"), hints)
    if new.kept_everything:  # the mail is only a quote: then all of it counts
        return _cut(text, hints)
    return Cut(new.new_text, max(0, _count_lines(text) - _count_lines(new.new_text)), False, new.forwarded_lines)


def _cut(text: str, hints: Hints) -> Cut:
    """Cut a text with these hints."""
    return cut(text, known_texts=hints.known_texts, signature=hints.signature, forwarded=hints.forwarded)


def _with_lines_below(new: Cut, lines: list[str], *, alone: bool) -> Cut:
    """Put the lines for a calendar or for a piece of a mail below the new words. `alone`: there is no other text."""
    if not lines:
        return new
    below = "\n\n".join(lines)
    if alone:
        return Cut(below, 0)
    forwarded = new.forwarded_lines + below.count("\n") + 2 if new.forwarded_lines else 0
    return replace(new, new_text=f"{new.new_text}\n\n{below}", forwarded_lines=forwarded)


def _opened(attached: Sequence[Leaf], notes: dict[str, None]) -> dict[str, winmail.Opened]:
    """Open Outlook's containers among the attachments, by their path. A note says which cannot be opened."""
    found: dict[str, winmail.Opened] = {}
    for leaf in attached:
        if winmail.is_container(leaf):
            opened = winmail.open_container(leaf.part.octets())
            if opened.failure:
                notes.setdefault(opened.failure)
            else:
                found[leaf.path] = opened
    return found


def _invitation(attached: Sequence[Leaf]) -> invitations.Invitation:
    """Return the first calendar among the parts that has an event."""
    found = invitations.Invitation()
    for leaf in attached:
        if leaf.part.type.value in _CALENDARS:
            text, _ = charsets.decode(leaf.part.octets()[:MAX_TEXT], leaf.part.type.get("charset"))
            found = invitations.read(text, leaf.part.type.get("method"))
            if found.line:
                break
    return found


def _pieces(attached: Sequence[Leaf]) -> list[str]:
    """Return a line for each piece of a mail that was sent in pieces (RFC 2046 5.2.2). maild does not join them."""
    found = []
    for leaf in attached:
        if leaf.part.type.value == "message/partial":
            number, total = leaf.part.type.get("number")[:10] or "?", leaf.part.type.get("total")[:10]
            of = f" of {total}" if total else ""
            found.append(f"[Piece {number}{of} of a mail that was sent in pieces; they are not joined]")
    return found


def _count_lines(text: str) -> int:
    """Count the lines that are not blank."""
    return sum(1 for line in text.split("\n") if line and not line.isspace())


def _sort_parts(leaves: Sequence[Leaf]) -> tuple[list[_Block], list[Leaf], list[Leaf]]:
    """Sort the parts into (blocks of text, attachments, parts shown as text), each in the order of the mail."""
    blocks: dict[str, _Block] = {}
    attached: list[Leaf] = []
    shown: list[Leaf] = []
    named: list[Leaf] = []  # text with a file name: an attachment, unless there is no other text
    for leaf in leaves:
        kind = _kind(leaf)
        if leaf.part.type.value in _SILENT or reactions.is_reaction(leaf):
            continue
        if not kind or leaf.part.disposition.value == "attachment":
            attached.append(leaf)
        elif leaf.container != "alternative" and declared_name(leaf):
            named.append(leaf)
            attached.append(leaf)
        else:
            _place(blocks, leaf, kind)
            shown.append(leaf)
    if not blocks and named:
        _place(blocks, named[0], _kind(named[0]))
        attached.remove(named[0])
        shown.append(named[0])
    return list(blocks.values()), attached, shown


def _kind(leaf: Leaf) -> str:
    """Return how a part is read as text; "" for a part that is an attachment."""
    content_type = leaf.part.type.value
    if content_type.startswith("multipart/"):  # its boundary was not found: its content is read as text
        return _PLAIN
    if content_type.startswith("text/x-") and content_type not in _FILES:
        return _PLAIN
    return _TEXT_TYPES.get(content_type, "")


def _place(blocks: dict[str, _Block], leaf: Leaf, kind: str) -> None:
    """Put a part into the block of the multipart/alternative around it, or into a block of its own."""
    choices = [path for path, subtype in leaf.around if subtype == "alternative"]
    block = blocks.setdefault(f"alternative {choices[-1]}" if choices else leaf.path, _Block())
    (block.html if kind == _HTML else block.plain).append(leaf)


def _read_block(block: _Block, collected: _Collected, hints: Hints) -> None:
    """Add what one block says: its text, the text without marked quotes, its sanitised HTML."""
    plain = "\n\n".join(_plain(leaf, collected.notes) for leaf in block.plain).strip("\n")
    if not block.html:
        collected.texts.append(plain)
        collected.unquoted.append(plain)
        collected.pages.append(_as_html(plain))
        return
    page = "\n".join(_decoded(leaf, collected.notes) for leaf in block.html)
    collected.marked.append(page)
    harmless = html.sanitise(page)
    if not harmless and len(page) > html.MAX_HTML // 16:
        collected.notes.setdefault("the HTML is too large or nested too deep to be shown; its text is shown instead")
    text = unquoted = plain
    if not plain.strip() or _is_stub(plain):
        text, unquoted = _text_of_page(page, collected.notes, hints)
        if not text.strip():
            text = unquoted = plain
    elif any(mark in words for mark in _COMMAND_MARKS for words in (plain, page)):
        collected.others.append(_text_of_page(page, {}, hints)[1])
    collected.texts.append(text)
    collected.unquoted.append(unquoted)
    collected.pages.append(harmless or _as_html(text))


def _text_of_page(page: str, notes: dict[str, None], hints: Hints) -> tuple[str, str]:
    """Return (the text of an HTML page, the same without what mail programs mark as a quote)."""
    if len(page) > html.MAX_TEXT_SOURCE:
        notes.setdefault(f"the HTML is longer than {html.MAX_TEXT_SOURCE:,} characters: it is read up to there")
        page = page[: html.MAX_TEXT_SOURCE]
    return html.to_text(page), html.to_text(cut_html(page, forwarded=hints.forwarded))


def _is_stub(plain: str) -> bool:
    """Whether a plain part only says that the text is in the HTML part."""
    if len(plain) > _STUB_LENGTH:
        return False
    words = " ".join(plain.split()).casefold()
    return any(stub in words for stub in _STUBS)


def _plain(leaf: Leaf, notes: dict[str, None]) -> str:
    """Return the text of a part that is not HTML, with flowed lines joined (RFC 3676 4) and commands removed."""
    text = _decoded(leaf, notes)
    if leaf.part.type.get("format").lower() == "flowed":
        text = flowed.decode(text, delsp=leaf.part.type.get("delsp").lower() == "yes")
    kind = _kind(leaf)
    if kind in {_ENRICHED, _RICH}:
        text = enriched.to_text(text, rich=kind == _RICH)
    return text.rstrip("\n")


def _decoded(leaf: Leaf, notes: dict[str, None]) -> str:
    """Decode a part by its charset, or by the one that an HTML page names in itself."""
    octets = leaf.part.octets()
    label = leaf.part.type.get("charset")
    if not label and leaf.part.type.value == "text/html":
        declared = _META_CHARSET.search(octets[:2048])
        label = declared[1].decode("ascii") if declared else ""
    text, note = charsets.decode(octets[: 4 * MAX_TEXT], label)
    if note:
        notes.setdefault(note)
    return body_text(text)


def _joined(texts: Sequence[str], notes: dict[str, None]) -> str:
    """Join the texts of all blocks, up to MAX_TEXT characters."""
    text = "\n\n".join(part for part in texts if part).strip("\n")
    if len(text) > MAX_TEXT:
        notes.setdefault(
            f"the text is longer than {MAX_TEXT:,} characters: kept up to there; the raw mail has all of it"
        )
    return text[:MAX_TEXT]


def _as_html(text: str) -> str:
    """Return plain text as HTML. Plain parts may be between HTML parts, such as a mailing list's footer."""
    return f"<p>{html_entities.escape(text).replace(chr(10), '<br>')}</p>" if text.strip() else ""
