"""Makes strangers' HTML harmless (nh3), or turns it into text (turbohtml). It never fetches anything."""

from __future__ import annotations

import re
from collections.abc import Callable

import nh3
import turbohtml

from maild.mail.text.cleaning import body_text

MAX_HTML = 524_288  # characters that are sanitised; nh3 takes quadratic time for deep nesting and many attributes
MAX_TEXT_SOURCE = 1_048_576  # characters that are turned into text
_MAX_NESTING = 2_000
_MAX_ATTRIBUTES = 200
_SMALL = 32_768  # a page below this size is never slow

_TAGS = frozenset(
    (
        *("a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup"),
        *("dd", "del", "dfn", "div", "dl", "dt", "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike"),
        *("strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"),
    )
)
_ATTRIBUTES = {
    "*": {"dir", "lang"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "table": {"border"},
}
_SCHEMES = {"http", "https", "mailto", "cid"}
_HIDDEN_CONTENT = {"script", "style", "title", "template", "noembed", "noframes", "xmp", "textarea", "svg", "math"}
_LINK = re.compile(r"^(?:https?|mailto):", re.IGNORECASE)
# Tags that add no depth: the next tag of the same kind closes them, or they have no content.
_FLAT = frozenset(
    (*("br", "col", "dd", "dt", "hr", "img", "input", "li", "link", "meta", "option", "p", "td", "th", "tr", "wbr"),)
)


def sanitise(html: str) -> str:
    """Return the harmless part of `html`; "" if the page is too large or nested too deep.

    It keeps text, structure, links to http, https and mailto, and images by cid (RFC 2392). No style, class, id, form,
    script, remote image or event handler is left."""
    html = body_text(html)
    if len(html) > MAX_HTML or not _shallow(html):
        return ""
    try:
        return nh3.clean(
            html,
            tags=set(_TAGS),
            clean_content_tags=set(_HIDDEN_CONTENT),
            attributes=_ATTRIBUTES,
            attribute_filter=_attribute,
            url_schemes=_SCHEMES,
            url_relative="deny",
            link_rel="noopener noreferrer nofollow",
        ).strip()
    except BaseException as problem:
        if type(problem).__name__ != "PanicException":  # a panic in Rust is no Exception in Python
            raise
        return ""


def _attribute(tag: str, name: str, value: str) -> str | None:
    """Return the value for an attribute, None to drop it. Images must come from inside the mail."""
    if name == "src":
        return value if value[:4].lower() == "cid:" else None
    if name == "href":
        return value if _LINK.match(value.strip()[:10]) else None
    return value


def _shallow(html: str) -> bool:
    """Whether the page has so little nesting and so few attributes that sanitising it is fast."""
    if len(html) <= _SMALL:
        return True
    depth = 0
    for token in turbohtml.tokenize(html, resolve_references=False):
        if token.type == turbohtml.TokenType.START_TAG:
            depth += token.tag not in _FLAT
            if depth > _MAX_NESTING or len(token.attrs or ()) > _MAX_ATTRIBUTES:
                return False
        elif token.type == turbohtml.TokenType.END_TAG and token.tag not in _FLAT:
            depth = max(0, depth - 1)
    return True


def to_text(html: str) -> str:
    """Return the text that people see: lines for block elements and <br>, ">" for quotes, links with targets."""
    writer = _Writer()
    root = turbohtml.parse(html[:MAX_TEXT_SOURCE], positions=False)
    waiting: list[turbohtml.Node | Callable[[], None]] = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, turbohtml.Text):
            writer.text(node.data)
        elif isinstance(node, turbohtml.Element):
            closing = writer.open(node)
            if closing is not None:
                waiting.append(closing)
                waiting.extend(reversed(node.children))
        elif isinstance(node, turbohtml.Document):
            waiting.extend(reversed(node.children))
        elif callable(node):
            node()
    return body_text(writer.finished())


_SKIPPED = frozenset(("head", "script", "style", "template", "title", "noembed", "noframes", "svg", "math", "object"))
_BLOCKS = frozenset(
    (
        *("address", "article", "aside", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset"),
        *("figcaption", "figure", "footer", "form", "header", "hr", "li", "main", "nav", "ol", "option", "section"),
        *("summary", "table", "tbody", "tfoot", "thead", "tr", "ul"),
    )
)
_SPACED = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "blockquote"))
_NO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s*:\s*0")
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_MAX_STYLE = 2_000
_MAX_LINK = 2_000
_MAX_INDENT = 10
_MAX_QUOTES = 9


class _Writer:
    """Collects the lines of a text.

    A line end is only remembered until text comes, so that two blocks next to each other share one line end."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []  # the pieces of the present line
        self._break = False  # a line end must come before the next text
        self._gap = False  # an empty line must come before the next text
        self._space = False  # white space must come before the next text
        self._fresh = False  # just after a bullet or the gap between two cells: a block begins on the same line
        self._quotes = 0  # open quotes
        self._quote_start = 0  # the line at which the last quote began: no empty line there
        self._pre = 0  # open <pre> elements
        self._lists: list[int] = []  # next number of each open list, -1 for bullets
        self._row_start = 0  # the line at which the present table row began
        self._cells = 0  # cells of that row so far

    def finished(self) -> str:
        """Return the whole text."""
        self._end_line()
        return "\n".join(self._lines).strip("\n")

    def text(self, data: str) -> None:
        """Add the text of a node."""
        if self._pre:
            self._preformatted(data.replace("\xa0", " "))
            return
        if data[:1] in " \t\n\r\f":
            self._space = True
        words = _BLANKS.sub(" ", data).strip(" ")
        if words:
            self._write(words.replace("\xa0", " "))
            self._space = data[-1] in " \t\n\r\f"

    def _preformatted(self, data: str) -> None:
        """Add text in <pre>, line by line."""
        for number, line in enumerate(data.replace("\r\n", "\n").split("\n")):
            if number:
                self._settle()
                self._end_line(always=True)
            if line:
                self._write(line)

    def _write(self, words: str) -> None:
        """Add words to the present line."""
        self._settle()
        if self._space and self._line:
            self._line.append(" ")
        self._space = self._fresh = False
        self._line.append(words)

    def _settle(self) -> None:
        """Write the line ends that are remembered."""
        if self._break:
            self._end_line()
        if self._gap and len(self._lines) > self._quote_start and self._lines[-1].strip("> "):
            self._line = []
            self._end_line(always=True)
        self._break = self._gap = False

    def _end_line(self, *, always: bool = False) -> None:
        """End the present line, with its quote marks. An empty line is written only if `always`."""
        written = bool(self._line)  # a line with only a no-break space is an empty line on purpose
        line = "".join(self._line).rstrip()
        self._line = []
        self._space = self._fresh = False
        if written or always:
            marks = ">" * min(self._quotes, _MAX_QUOTES)
            self._lines.append(f"{marks} {line}".rstrip() if marks else line)

    def open(self, element: turbohtml.Element) -> Callable[[], None] | None:
        """Begin an element -> a function that ends it; None if its content is not shown."""
        tag = element.tag
        if tag in _SKIPPED or _unseen(element):
            return None
        if tag == "br":
            self._settle()
            self._end_line(always=True)
            return _nothing
        opener = _OPENERS.get(tag)
        if opener is not None:
            return opener(self, element)
        if tag in _SPACED:
            return self._spaced(element)
        if tag in _BLOCKS:
            self._break = not self._fresh
            return self._end_block
        return _nothing

    def _end_block(self) -> None:
        """Remember a line end."""
        self._break = True

    def _spaced(self, element: turbohtml.Element) -> Callable[[], None]:
        """Begin a paragraph: an empty line is around it, unless it has no margin (Outlook's paragraphs have none)."""
        style = (element.attr("style") or "")[:_MAX_STYLE]
        self._break = not self._fresh
        if (element.attr("class") or "").startswith("Mso") or _NO_MARGIN.search(style):
            return self._end_block
        self._gap = not self._fresh
        return self._end_paragraph

    def _end_paragraph(self) -> None:
        """Remember an empty line."""
        self._break = self._gap = True

    def _open_pre(self, _: turbohtml.Element) -> Callable[[], None]:
        """Begin preformatted text."""
        self._end_paragraph()
        self._pre += 1
        return self._close_pre

    def _close_pre(self) -> None:
        """End preformatted text."""
        self._pre -= 1
        self._end_paragraph()

    def _open_quote(self, _: turbohtml.Element) -> Callable[[], None]:
        """Begin a quote: its lines get one more ">"."""
        self._break = True
        self._settle()
        self._quotes += 1
        self._quote_start = len(self._lines)
        return self._close_quote

    def _close_quote(self) -> None:
        """End a quote."""
        self._break = True
        self._gap = False
        self._settle()
        self._quotes -= 1

    def _open_list(self, element: turbohtml.Element) -> Callable[[], None]:
        """Begin a list with numbers or bullets."""
        self._break = True
        self._lists.append(1 if element.tag == "ol" else -1)
        return self._close_list

    def _close_list(self) -> None:
        """End a list."""
        self._break = True
        self._lists.pop()

    def _open_item(self, _: turbohtml.Element) -> Callable[[], None]:
        """Begin an item of a list with its number or bullet."""
        self._break = True
        number = self._lists[-1] if self._lists else -1
        if number > 0:
            self._lists[-1] += 1
        indent = "  " * (min(len(self._lists), _MAX_INDENT) - 1)
        self._write(f"{indent}{number}." if number > 0 else f"{indent}*")
        self._space = self._fresh = True
        return self._end_block

    def _open_row(self, _: turbohtml.Element) -> Callable[[], None]:
        """Begin a row of a table."""
        self._break = True
        self._settle()
        self._row_start, self._cells = len(self._lines), 0
        return self._end_block

    def _open_cell(self, _: turbohtml.Element) -> Callable[[], None]:
        """Begin a cell. Cells of one line are on the same line; a cell of several lines has its own lines."""
        self._cells += 1
        if self._cells > 1 and len(self._lines) == self._row_start and self._line:
            self._break = self._gap = False
            self._line.append("  ")
            self._space, self._fresh = False, True
            return _nothing
        self._break = True
        return _nothing

    def _open_link(self, element: turbohtml.Element) -> Callable[[], None]:
        """Begin a link. Its target comes behind its words, unless the words show it already."""
        target = (element.attr("href") or "").strip()[:_MAX_LINK]
        lines, pieces = len(self._lines), len(self._line)

        def close() -> None:
            shown = "".join(self._line[pieces:] if len(self._lines) == lines else self._line).strip()
            if shown and _LINK.match(target) and not _same_link(shown, target):
                self._line.append(f" <{''.join(target.split())}>")

        return close

    def _open_image(self, element: turbohtml.Element) -> Callable[[], None]:
        """Write the alternative text of an image."""
        words = " ".join((element.attr("alt") or "").split())[:200]
        if words:
            self._write(f"[{words}]")
        return _nothing

    def _open_rule(self, _: turbohtml.Element) -> Callable[[], None]:
        """Write a line for <hr>."""
        self._break = True
        self._write("-" * 20)
        return self._end_block


def _nothing() -> None:
    """Do nothing at the end of an element."""


def _unseen(element: turbohtml.Element) -> bool:
    """Whether an element is hidden, such as a preheader. Its text must not have any effect."""
    return "hidden" in element.attrs or bool(_UNSEEN.search((element.attr("style") or "")[:_MAX_STYLE]))


def _same_link(shown: str, target: str) -> bool:
    """Whether the words of a link already say where it goes."""
    plain = _LINK.sub("", target).strip("/").casefold()
    return plain == _LINK.sub("", shown).strip("/").casefold()


_OPENERS: dict[str, Callable[[_Writer, turbohtml.Element], Callable[[], None]]] = {
    "a": _Writer._open_link,
    "blockquote": _Writer._open_quote,
    "hr": _Writer._open_rule,
    "img": _Writer._open_image,
    "li": _Writer._open_item,
    "ol": _Writer._open_list,
    "ul": _Writer._open_list,
    "pre": _Writer._open_pre,
    "td": _Writer._open_cell,
    "th": _Writer._open_cell,
    "tr": _Writer._open_row,
}
