"""Which parts of a mail are its text (RFC 2046 5.1): plain before HTML, unless the plain one says nothing."""

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

MAX_TEXT = 1_000_000  # characters of text that a mail may have; the rest stays in the raw mail
_STUB_LENGTH = 400

# The subtypes of text that are shown, and how. Others are attachments.
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
# Parts that are neither text nor attachment: signatures over the mail, and a second HTML for one vendor's programs.
_SILENT = frozenset(
    (
        *("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"),
        *("text/x-amp-html", "text/watch-html"),
    )
)
# text/x-… is for reading, but for these, which are for programs.
_FILES = frozenset(("text/x-vcard", "text/x-vcalendar", "text/x-vnote", "text/x-ms-contact"))
_CALENDARS = frozenset(("text/calendar", "application/ics", "text/x-vcalendar"))
# What senders write into the plain part when the mail is in the other one.
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
_COMMAND_MARKS = "!\uff01"  # where none stands, no part of the mail can hold a command
_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hints:
    """What is known before the text is read: texts of ours that may be quoted, the signature that the sender uses, and
    whether the subject says that the mail is a forward."""

    known_texts: Sequence[str] = ()
    signature: str = ""
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a mail, its new words, its harmless HTML ("" for a plain mail), and which parts are what."""

    text: str
    cut: Cut
    html: str
    attached: tuple[Leaf, ...]
    shown: tuple[Leaf, ...]
    notes: tuple[str, ...]
    reaction: str = ""
    calendar_method: str = ""
    markers: tuple[str, ...] = ()
    html_words: str = ""  # the new words of the HTML, where the plain text is what is read and a command may stand
    opened: Mapping[str, winmail.Opened] = field(default_factory=dict)  # by the path of their part


@dataclass(slots=True)
class _Block:
    """Parts that say the same thing in several forms: the children of a multipart/alternative, or one part alone."""

    plain: list[Leaf] = field(default_factory=list)
    html: list[Leaf] = field(default_factory=list)


@dataclass(slots=True)
class _Written:
    """What the blocks of text say, collected."""

    texts: list[str] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)  # the same with what mail programs mark as a quote taken out
    pages: list[str] = field(default_factory=list)  # harmless HTML
    marked: list[str] = field(default_factory=list)  # all in which a mark of ours may stand
    others: list[str] = field(default_factory=list)  # what HTML says beside the plain text that is read
    notes: dict[str, None] = field(default_factory=dict)


def read(leaves: Sequence[Leaf], hints: Hints | None = None) -> Body:
    """The body of a mail from its parts. `hints` help to tell the new words from the old."""
    hints = hints or Hints()
    blocks, attached, shown = _sorted_out(leaves)
    written = _Written()
    for block in blocks:
        _read_block(block, written, hints)
    text = _joined(written.texts, written.notes)
    harmless = "\n".join(written.pages) if any(block.html for block in blocks) else ""
    opened = _opened(attached, written.notes)
    reaction = reactions.read(leaves)
    if not text:
        text = next((found.text for found in opened.values() if found.text), "") or reaction
        written.texts, written.sources = [text], [text]
    new = _new_words(text, written.sources, written.texts, hints)
    invitation = _invitation(attached)
    lines = [line for line in (invitation.line, *_pieces(attached)) if line]
    return Body(
        text="\n\n".join(filter(None, (text, *lines))),
        cut=_followed(new, lines, alone=not text.strip()),
        html=harmless,
        attached=tuple(attached),
        shown=tuple(shown),
        notes=tuple(written.notes),
        reaction=reaction,
        calendar_method=invitation.method,
        markers=markers.find((*written.texts, *written.marked)),
        html_words=_cut("\n\n".join(written.others)[:MAX_TEXT], hints).new_text if written.others else "",
        opened=opened,
    )


def _new_words(text: str, sources: list[str], texts: list[str], hints: Hints) -> Cut:
    if sources == texts:
        return _cut(text, hints)
    new = _cut("\n\n".join(sources)[:MAX_TEXT].strip("\n"), hints)
    if new.kept_everything:  # nothing but a quote: then the mail itself, with all that it says
        return _cut(text, hints)
    return Cut(new.new_text, max(0, _written(text) - _written(new.new_text)), False, new.forwarded_lines)


def _cut(text: str, hints: Hints) -> Cut:
    return cut(text, known_texts=hints.known_texts, signature=hints.signature, forwarded=hints.forwarded)


def _followed(new: Cut, lines: list[str], *, alone: bool) -> Cut:
    """The cut text with the lines that stand for a calendar or a piece of a mail below it."""
    if not lines:
        return new
    below = "\n\n".join(lines)
    if alone:
        return Cut(below, 0)
    forwarded = new.forwarded_lines + below.count("\n") + 2 if new.forwarded_lines else 0
    return replace(new, new_text=f"{new.new_text}\n\n{below}", forwarded_lines=forwarded)


def _opened(attached: Sequence[Leaf], notes: dict[str, None]) -> dict[str, winmail.Opened]:
    """What Outlook's containers among the attachments hold, by their path; those that cannot be opened are told."""
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
    """The first calendar among the parts that says something."""
    found = invitations.Invitation()
    for leaf in attached:
        if leaf.part.type.value in _CALENDARS:
            text, _ = charsets.decode(leaf.part.octets()[:MAX_TEXT], leaf.part.type.get("charset"))
            found = invitations.read(text, leaf.part.type.get("method"))
            if found.line:
                break
    return found


def _pieces(attached: Sequence[Leaf]) -> list[str]:
    """A line for each piece of a mail that was sent in pieces (RFC 2046 5.2.2): they are not put together."""
    found = []
    for leaf in attached:
        if leaf.part.type.value == "message/partial":
            number, total = leaf.part.type.get("number")[:10] or "?", leaf.part.type.get("total")[:10]
            of = f" of {total}" if total else ""
            found.append(f"[Piece {number}{of} of a mail that was sent in pieces; they are not put together]")
    return found


def _written(text: str) -> int:
    return sum(1 for line in text.split("\n") if line and not line.isspace())


def _sorted_out(leaves: Sequence[Leaf]) -> tuple[list[_Block], list[Leaf], list[Leaf]]:
    """(blocks of text, attachments, parts shown as text), each in the order of the mail."""
    blocks: dict[str, _Block] = {}
    attached: list[Leaf] = []
    shown: list[Leaf] = []
    named: list[Leaf] = []  # text with a file name: an attachment, unless it is all there is
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
    content_type = leaf.part.type.value
    if content_type.startswith("multipart/"):  # its boundary never came: what it holds is text
        return _PLAIN
    if content_type.startswith("text/x-") and content_type not in _FILES:
        return _PLAIN
    return _TEXT_TYPES.get(content_type, "")


def _place(blocks: dict[str, _Block], leaf: Leaf, kind: str) -> None:
    choices = [path for path, subtype in leaf.around if subtype == "alternative"]
    block = blocks.setdefault(f"alternative {choices[-1]}" if choices else leaf.path, _Block())
    (block.html if kind == _HTML else block.plain).append(leaf)


def _read_block(block: _Block, written: _Written, hints: Hints) -> None:
    """Adds what one block says: its text, the text without what programs mark as quote, its harmless HTML."""
    plain = "\n\n".join(_plain(leaf, written.notes) for leaf in block.plain).strip("\n")
    if not block.html:
        written.texts.append(plain)
        written.sources.append(plain)
        written.pages.append(_as_html(plain))
        return
    page = "\n".join(_decoded(leaf, written.notes) for leaf in block.html)
    written.marked.append(page)
    harmless = html.sanitise(page)
    if not harmless and len(page) > html.MAX_HTML // 16:
        written.notes.setdefault("the HTML is too large or nested too deep to be shown: its text is")
    text = source = plain
    if not plain.strip() or _is_stub(plain):
        text, source = _text_of_page(page, written.notes, hints)
        if not text.strip():
            text = source = plain
    elif any(mark in words for mark in _COMMAND_MARKS for words in (plain, page)):
        written.others.append(_text_of_page(page, {}, hints)[1])
    written.texts.append(text)
    written.sources.append(source)
    written.pages.append(harmless or _as_html(text))


def _text_of_page(page: str, notes: dict[str, None], hints: Hints) -> tuple[str, str]:
    """(text of HTML, text without what programs mark as quote)."""
    if len(page) > html.MAX_TEXT_SOURCE:
        notes.setdefault(f"the HTML is longer than {html.MAX_TEXT_SOURCE:,} characters: read up to there")
        page = page[: html.MAX_TEXT_SOURCE]
    return html.to_text(page), html.to_text(cut_html(page, forwarded=hints.forwarded))


def _is_stub(plain: str) -> bool:
    if len(plain) > _STUB_LENGTH:
        return False
    words = " ".join(plain.split()).casefold()
    return any(stub in words for stub in _STUBS)


def _plain(leaf: Leaf, notes: dict[str, None]) -> str:
    text = _decoded(leaf, notes)
    if leaf.part.type.get("format").lower() == "flowed":
        text = flowed.decode(text, delsp=leaf.part.type.get("delsp").lower() == "yes")
    kind = _kind(leaf)
    if kind in {_ENRICHED, _RICH}:
        text = enriched.to_text(text, rich=kind == _RICH)
    return text.rstrip("\n")


def _decoded(leaf: Leaf, notes: dict[str, None]) -> str:
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
    text = "\n\n".join(part for part in texts if part).strip("\n")
    if len(text) > MAX_TEXT:
        notes.setdefault(f"the text is longer than {MAX_TEXT:,} characters: kept up to there, whole in the raw mail")
    return text[:MAX_TEXT]


def _as_html(text: str) -> str:
    """Plain words between parts of HTML, such as a mailing list's footer."""
    return f"<p>{html_entities.escape(text).replace(chr(10), '<br>')}</p>" if text.strip() else ""
