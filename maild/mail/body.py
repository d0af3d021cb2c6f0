"""Which parts of a mail are its text (RFC 2046 5.1): plain before HTML, unless the plain one says nothing."""

from __future__ import annotations

import html as html_entities
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from maild.mail import charsets, flowed, html
from maild.mail.attachments import declared_name
from maild.mail.cleaning import body_text
from maild.mail.parts import Leaf
from maild.mail.quoting import Cut, cut, cut_html

MAX_TEXT = 1_000_000  # characters of text that a mail may have; the rest stays in the raw mail
_STUB_LENGTH = 400

# The subtypes of text that are shown, and how. Others are attachments.
_PLAIN, _HTML, _ENRICHED = "plain", "html", "enriched"
_TEXT_TYPES = {
    "text/plain": _PLAIN,
    "text/html": _HTML,
    "application/xhtml+xml": _HTML,
    "text/enriched": _ENRICHED,
    "text/richtext": _ENRICHED,
    "text/markdown": _PLAIN,
    "text/x-markdown": _PLAIN,
}
# Parts that are neither text nor attachment: signatures over the mail, and a second HTML for one vendor's programs.
_SILENT = frozenset(
    (
        *("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"),
        "text/x-amp-html",
    )
)
# What senders write into the plain part when the mail is in the other one.
_STUBS = (
    *("html version", "html-version", "html format", "html-format", "html e-mail", "html email", "html mail"),
    *("does not support html", "doesn't support html", "kein html", "html-fähig", "html-fähiges", "unterstützt kein"),
    *("view this email in your browser", "view this message in", "view it in your browser", "view in browser"),
    *("im browser ansehen", "im browser anzeigen", "ne supporte pas", "format html", "versión html", "versione html"),
    *("formato html", "versão html", "html-versie", "wersja html", "html-versionen", "no soporta html"),
)
_ENRICHED_COMMAND = re.compile(r"<(?:param>.{0,200}?</param|/?[A-Za-z][A-Za-z0-9-]{0,60})>", re.IGNORECASE | re.DOTALL)
_META_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a mail, its new words, its harmless HTML ("" for a plain mail), and which parts are what."""

    text: str
    cut: Cut
    html: str
    attached: tuple[Leaf, ...]
    shown: tuple[Leaf, ...]
    notes: tuple[str, ...]


@dataclass(slots=True)
class _Block:
    """Parts that say the same thing in several forms: the children of a multipart/alternative, or one part alone."""

    plain: list[Leaf] = field(default_factory=list)
    html: list[Leaf] = field(default_factory=list)


def read(leaves: Sequence[Leaf], *, known_texts: Sequence[str] = ()) -> Body:
    """The body of a mail from its parts. `known_texts` are texts that we sent and that may be quoted."""
    blocks, attached, shown = _sorted_out(leaves)
    notes: dict[str, None] = {}
    texts: list[str] = []
    sources: list[str] = []  # the same with what mail programs mark as a quote taken out
    pages: list[str] = []
    for block in blocks:
        text, source, page = _block_text(block, notes)
        texts.append(text)
        sources.append(source)
        pages.append(page or _as_html(text))
    text = _joined(texts, notes)
    harmless = "\n".join(pages) if any(block.html for block in blocks) else ""
    new = _new_words(text, sources, texts, known_texts)
    return Body(text, new, harmless, tuple(attached), tuple(shown), tuple(notes))


def _new_words(text: str, sources: list[str], texts: list[str], known_texts: Sequence[str]) -> Cut:
    if sources == texts:
        return cut(text, known_texts=known_texts)
    new = cut("\n\n".join(sources)[:MAX_TEXT].strip("\n"), known_texts=known_texts)
    if new.kept_everything:  # nothing but a quote: then the mail itself, with all that it says
        return cut(text, known_texts=known_texts)
    return Cut(new.new_text, max(0, _written(text) - _written(new.new_text)), False, new.forwarded_lines)


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
        if leaf.part.type.value in _SILENT:
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
    return _TEXT_TYPES.get(content_type, "")


def _place(blocks: dict[str, _Block], leaf: Leaf, kind: str) -> None:
    choices = [path for path, subtype in leaf.around if subtype == "alternative"]
    block = blocks.setdefault(f"alternative {choices[-1]}" if choices else leaf.path, _Block())
    (block.html if kind == _HTML else block.plain).append(leaf)


def _block_text(block: _Block, notes: dict[str, None]) -> tuple[str, str, str]:
    """(text, text without what programs mark as quote, harmless HTML) of one block."""
    plain = "\n\n".join(_plain(leaf, notes) for leaf in block.plain).strip("\n")
    if not block.html:
        return plain, plain, ""
    page = "\n".join(_decoded(leaf, notes) for leaf in block.html)
    harmless = html.sanitise(page)
    if not harmless and len(page) > html.MAX_HTML // 16:
        notes.setdefault("the HTML is too large or nested too deep to be shown: its text is")
    if plain.strip() and not _is_stub(plain):
        return plain, plain, harmless
    if len(page) > html.MAX_TEXT_SOURCE:
        notes.setdefault(f"the HTML is longer than {html.MAX_TEXT_SOURCE:,} characters: read up to there")
    page = page[: html.MAX_TEXT_SOURCE]
    text = html.to_text(page)
    if not text.strip():
        return plain, plain, harmless
    return text, html.to_text(cut_html(page)), harmless


def _is_stub(plain: str) -> bool:
    if len(plain) > _STUB_LENGTH:
        return False
    words = " ".join(plain.split()).casefold()
    return any(stub in words for stub in _STUBS)


def _plain(leaf: Leaf, notes: dict[str, None]) -> str:
    text = _decoded(leaf, notes)
    if leaf.part.type.get("format").lower() == "flowed":
        text = flowed.decode(text, delsp=leaf.part.type.get("delsp").lower() == "yes")
    if _kind(leaf) == _ENRICHED:
        text = _ENRICHED_COMMAND.sub("", text.replace("<<", "\0")).replace("\0", "<")
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
