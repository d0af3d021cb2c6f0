"""Finds faults in rendered mails that readers or mail programs would suffer from, and says them in words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

CLIPPED = 95_000  # bytes: Gmail cuts off an HTML part at about 102 KB, and the foot is lost
HEAVY = 60_000  # bytes from which on there is a warning
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
ALLOWED_LINKS = ("mailto:", "https://")
# Elements without an end tag; `col` and the like are not used in mail.
_VOID = frozenset("area br col embed hr img input link meta source track wbr".split())
# Elements that mail programs drop, or that load something from outside of the mail.
_FORBIDDEN = frozenset("applet audio base button embed form iframe input link object script svg video".split())
_COLOUR = re.compile(r"(?:^|;)\s*(background-color|color)\s*:\s*(#[0-9a-fA-F]{3,6})\b")


def faults_of_text(text: str) -> list[str]:
    """Return what is wrong with a text part; nothing if all is well."""
    return [] if text.strip() else ["the text part is empty: some people read only this part"]


def faults_of_html(html: str) -> list[str]:
    """Return what is wrong with an HTML part; nothing if all is well."""
    checker = _HtmlChecker()
    checker.feed(html)
    checker.close()
    faults = list(dict.fromkeys(checker.faults))
    faults += [f"<{what}> is missing" for what in ("html", "title") if what not in checker.seen]
    if "title" in checker.seen and not checker.title.strip():
        faults.append("<title> is empty: screen readers announce it")
    if not {"color-scheme", "supported-color-schemes"} <= checker.metas:
        faults.append('<meta name="color-scheme"> or "supported-color-schemes" is missing: dark mode would guess')
    if "article" not in checker.roles:
        faults.append('no element has role="article"')
    octets = len(html.encode())
    if octets > CLIPPED:
        faults.append(f"{octets:,} bytes of HTML: Gmail clips the end; keep it under {CLIPPED:,}")
    elif octets > HEAVY:
        faults.append(f"{octets:,} bytes of HTML are near the size at which Gmail clips; keep it under {HEAVY:,}")
    return faults


@dataclass(frozen=True, slots=True)
class _Open:
    """An element that is open."""

    tag: str
    ink: str  # the colour of its text
    paper: str  # the colour behind its text
    data: bool = False  # a table of data, not one for layout
    within: set[str] = field(default_factory=set)  # the elements of such a table that screen readers need


class _HtmlChecker(HTMLParser):
    """Walks through the elements, keeps the colours that hold for each, and collects faults."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.seen: set[str] = set()
        self.roles: set[str] = set()
        self.metas: set[str] = set()
        self.title = ""
        self._open = [_Open("", "#000000", "#ffffff")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Check an element that begins; the parser calls this."""
        given = {name: value or "" for name, value in attrs}
        self.seen.add(tag)
        self.roles.add(given.get("role", ""))
        if tag == "meta":
            self.metas.add(given.get("name", ""))
        self.faults += _faults_of_element(tag, given)
        if tag not in _VOID:
            above = self._open[-1]
            colours = dict(_COLOUR.findall(given.get("style", "")[:2000]))
            paper = colours.get("background-color", given.get("bgcolor", above.paper))
            data = tag == "table" and given.get("role") != "presentation"
            self._open.append(_Open(tag, colours.get("color", above.ink), paper, data))
        if tag == "caption" or (tag == "th" and given.get("scope")):
            table = next((each for each in reversed(self._open) if each.tag == "table"), self._open[0])
            table.within.add(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the element and everything left open in it; the parser calls this."""
        for place in range(len(self._open) - 1, 0, -1):
            if self._open[place].tag == tag:
                self.faults += _faults_of_table(self._open[place])
                del self._open[place:]
                return
        self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        """Check the contrast of a text; the parser calls this."""
        here = self._open[-1]
        if here.tag == "title":
            self.title += data
        elif data.strip() and here.tag != "style":
            found = contrast(here.ink, here.paper)
            if found < LEAST_CONTRAST:
                self.faults.append(
                    f"{here.ink} on {here.paper} has a contrast of {found:.1f}; it needs {LEAST_CONTRAST}"
                )


def _faults_of_table(table: _Open) -> list[str]:
    """Return what a screen reader lacks in a table: caption and headers for data, a role for a mere layout."""
    if not table.data or table.within == {"caption", "th"}:
        return []
    if not table.within:
        return ['a table for layout has no role="presentation"']
    return ["a table of data needs a <caption> and <th scope> for its rows or columns"]


def _faults_of_element(tag: str, given: dict[str, str]) -> list[str]:
    """Return what is wrong with an element and its attributes."""
    faults = []
    if tag in _FORBIDDEN:
        faults.append(f"<{tag}> does not work in mail, or loads something from outside")
    if tag == "html":
        faults += [f"<html> has no {name}" for name in ("lang", "dir") if not given.get(name)]
    if tag == "img":
        if "alt" not in given:
            faults.append("<img> has no alt")
        if not given.get("src", "").startswith("cid:"):
            faults.append("<img> is not in the mail itself: programs block remote images, which track their readers")
    if tag == "a" and not given.get("href", "").startswith(ALLOWED_LINKS):
        faults.append(f"a link goes to {given.get('href', '')[:40]!r}: only mailto: and https: work everywhere")
    faults += [f"{name} is active content" for name in given if name.startswith("on")]
    return faults


def contrast(ink: str, paper: str) -> float:
    """Return the contrast ratio of two #rrggbb colours, from 1 to 21 (WCAG 2.2, contrast ratio)."""
    bright, dark = sorted((_luminance(ink), _luminance(paper)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour, from 0 to 1 (WCAG 2.2, relative luminance)."""
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    shares = [int(digits[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
