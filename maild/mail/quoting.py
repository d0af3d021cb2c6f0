"""The new words of a reply: quotes, what we sent ourselves and signatures are folded; in doubt a line stays.

Every line is looked at a bounded number of times and only its first characters, so the work is linear in the text."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import turbohtml

from maild.mail import quoting_marks as marks

_LOOK = 400  # characters of a line that are looked at
_ATTRIBUTION_LINES = 3
_HEADER_LINES = 16  # of an Outlook header block, wrapped recipients included
_SIGNATURE_LINES = 20  # a longer tail behind "-- " is no signature
_KNOWN_LINE = 8  # characters: a shorter line of ours says nothing
_KNOWN_ALONE = 40  # characters: a line of ours that may be folded without a neighbour
_SHINGLE = 4  # words
_SENT_FROM = 120  # characters: a longer line was written by a person

_DATE = re.compile(r"(?:19|20)\d\d|\d{1,2}[:.h]\d\d|\d{1,2}[./-]\d{1,2}[./-]\d\d")
_DASHES = "-–—=_*~ \t\xa0"


@dataclass(frozen=True, slots=True)
class Cut:
    """A text without its quotes. `kept_everything`: nothing would have been left, so nothing was folded."""

    new_text: str
    folded_lines: int  # that are not blank
    kept_everything: bool = False
    forwarded_lines: int = 0  # lines at the end of new_text that are a forwarded mail: not the sender's own words


def cut(text: str, *, known_texts: Sequence[str] = ()) -> Cut:
    """What the sender wrote now. `known_texts` are texts that we sent: their lines are folded wherever they stand.

    Each line of the result is a line of `text`, in order."""
    lines = text.split("\n")
    sheet = _Sheet(lines)
    forward = _fold_quotes(sheet)
    _fold_known(sheet, known_texts, forward)
    _fold_signatures(sheet, forward)
    kept = _kept(sheet)
    if not kept:
        return Cut(text.strip("\n"), 0, kept_everything=True)
    count = sum(1 for number, folded in enumerate(sheet.folded) if folded and not sheet.blank[number])
    return Cut("\n".join(lines[number] for number in kept), count, False, len(kept) - bisect_left(kept, forward))


def _kept(sheet: _Sheet) -> list[int]:
    """The lines that stay, without blank ones at both ends and without the second of two blank ones around a fold."""
    kept: list[int] = []
    for number, folded in enumerate(sheet.folded):
        if folded or (sheet.blank[number] and not kept):
            continue
        if sheet.blank[number] and sheet.blank[kept[-1]] and kept[-1] != number - 1:
            continue
        kept.append(number)
    while kept and sheet.blank[kept[-1]]:
        kept.pop()
    return kept


class _Sheet:
    """The lines of a text and what is known of each."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.blank = [not line or line.isspace() for line in lines]
        self.folded = bytearray(len(lines))
        self.quoted = [line.startswith(">") or line[:_LOOK].lstrip(" \xa0").startswith(">") for line in lines]
        self.announces = [line[-_LOOK:].rstrip().endswith((":", "：")) for line in lines]
        # A console session of Python is no quote; a mail program's third level stands among the first two.
        if all(line.lstrip().startswith(">>> ") for line, quoted in zip(lines, self.quoted, strict=True) if quoted):
            self.quoted = [False] * len(lines)
        self._next = [len(lines)] * (len(lines) + 1)  # the first line from here on that is not blank
        for number in range(len(lines) - 1, -1, -1):
            self._next[number] = self._next[number + 1] if self.blank[number] else number

    def next_written(self, number: int) -> int:
        """The first line at or after `number` that is not blank; the number of lines when there is none."""
        return self._next[min(number, len(self.lines))]

    def look(self, number: int) -> str:
        """The beginning of a line, without white space around it."""
        return self.lines[number][:_LOOK].strip()

    def fold(self, start: int, end: int) -> None:
        self.folded[start:end] = b"\1" * (end - start)


def _fold_quotes(sheet: _Sheet) -> int:
    """Folds quotes from top to bottom -> the line at which a forwarded mail begins (the end when there is none)."""
    number, end = 0, len(sheet.lines)
    written = False  # something of the sender's own stands above
    while number < end:
        if sheet.blank[number]:
            number += 1
        elif sheet.quoted[number]:
            sheet.fold(number, number + 1)
            number += 1
        elif _is_forward(sheet.look(number)):
            return number
        elif length := _attribution(sheet, number):
            following = sheet.next_written(number + length)
            if following == end or sheet.quoted[following]:
                sheet.fold(number, number + length)
            elif written and _surely_attribution(sheet, number, length):
                sheet.fold(number, end)
                return end
            else:
                written = True
            number += length
        elif written and _opens_quote(sheet, number):
            sheet.fold(number, end)
            return end
        else:
            written = True
            number += 1
    return end


def _attribution(sheet: _Sheet, number: int) -> int:
    """How many lines the attribution ("On … Jane wrote:") that begins here has; 0 when none does."""
    if not any(sheet.announces[number : number + _ATTRIBUTION_LINES]):
        return 0
    first = sheet.look(number).casefold()
    joined = ""
    for length in range(1, _ATTRIBUTION_LINES + 1):
        at = number + length - 1
        if at >= len(sheet.lines) or sheet.blank[at] or sheet.quoted[at]:
            return 0
        joined = f"{joined} {sheet.look(at)}".strip()
        if len(joined) > _LOOK:
            return 0
        if joined[-1] in ":：" and (length == 1 or first.startswith(marks.OPENERS) or _DATE.search(first)):
            return length if _says_attribution(joined.casefold()) else 0
    return 0


def _says_attribution(line: str) -> bool:
    """Whether a casefolded line that ends with a colon announces a quote."""
    body = line.rstrip(":： \xa0")
    address, dated = "@" in body, bool(_DATE.search(body))
    if not (address or dated) or any(words in line for words in marks.FIRST_PERSON):
        return False
    if body.endswith(marks.WROTE):
        return dated or body.count("@") == 1
    if address and dated and body.endswith(">"):  # Gmail in Japanese or Russian needs no verb
        return True
    # In German, Dutch and the north the verb stands before the name; elsewhere the date may stand at the end.
    verb_within = dated and any(f" {verb} " in body for verb in marks.WROTE)
    return verb_within and (address or line.startswith(marks.OPENERS))


def _surely_attribution(sheet: _Sheet, number: int, length: int) -> bool:
    """Whether unmarked text behind the attribution may be folded too: it names a full date and a person."""
    line = " ".join(sheet.look(at) for at in range(number, number + length))
    return len(_DATE.findall(line)) > 1 or ("@" in line and bool(_DATE.search(line)))


def _is_forward(line: str) -> bool:
    """Whether a forwarded mail begins below this line: known words between dashes, or before a colon."""
    if line[:2] not in {"--", "==", "__"} and line[-1:] not in {":", "："}:
        return False
    core = line.strip(_DASHES + ":：<>").casefold()
    return core in marks.FORWARDS or core.startswith("forwarded by ")


def _opens_quote(sheet: _Sheet, number: int) -> bool:
    """Whether a quote without marks begins here and lasts to the end: a rule with words, or a header block."""
    line = sheet.look(number)
    if line[:1] not in _DASHES and ":" not in line[:40] and "：" not in line[:40]:
        return False
    if line.startswith("--") and line.strip(_DASHES).casefold() in marks.ORIGINALS:
        return True
    if line[:1] in _DASHES and len(line) >= 8 and not line.strip(_DASHES):  # a rule: only above a header block
        number = sheet.next_written(number + 1)
    return number < len(sheet.lines) and _is_header_block(sheet, number)


def _is_header_block(sheet: _Sheet, number: int) -> bool:
    """From and at least two of date, to, subject in the lines that follow: what Outlook puts above a quote."""
    if _label(sheet.look(number)) != "from":
        return False
    found = set()
    for at in range(number + 1, min(number + _HEADER_LINES, len(sheet.lines))):
        found.add(_label(sheet.look(at)))
    return len(found & {"date", "to", "subject"}) >= 2 and bool(found & {"date", "subject"})


def _label(line: str) -> str:
    """What the label of a header-like line names; "" when it has none."""
    head, colon, _ = line[:40].replace("：", ":").partition(":")
    return marks.LABELS.get(head.strip("* \t\xa0").casefold(), "") if colon else ""


def _fold_known(sheet: _Sheet, known_texts: Sequence[str], end: int) -> None:
    """Folds runs of lines that we sent ourselves, also where the sender's program broke them anew."""
    known = _Known(known_texts)
    if not known.lines:
        return
    run: list[int] = []
    for number in (*range(end), -1):
        if number >= 0 and (sheet.blank[number] or sheet.folded[number]):
            continue
        if number >= 0 and known.has(sheet.lines[number], sheet.lines[run[-1]] if run else ""):
            run.append(number)
            continue
        if len(run) > 1 or (run and len(sheet.look(run[0])) >= _KNOWN_ALONE):
            for ours in run:
                sheet.folded[ours] = 1
        run = []


class _Known:
    """Lines that we sent, and their words in fours, which survive another width of line."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.lines: set[str] = set()
        self._shingles: set[tuple[str, ...]] = set()
        for text in texts:
            words = text.split()
            self.lines.update(" ".join(line.split()) for line in text.split("\n"))
            self._shingles.update(tuple(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1))
        self.lines = {line for line in self.lines if len(line) >= _KNOWN_LINE}

    def has(self, line: str, before: str) -> bool:
        """Whether `line` is ours. `before` is the line of ours above it: a short rest of a sentence continues that."""
        words = line[: 10 * _LOOK].split()
        if " ".join(words) in self.lines:
            return True
        words = before[-_LOOK:].split()[1 - _SHINGLE :] + words
        runs = range(len(words) - _SHINGLE + 1)
        return len(words) >= _SHINGLE and all(tuple(words[at : at + _SHINGLE]) in self._shingles for at in runs)


def _fold_signatures(sheet: _Sheet, end: int) -> None:
    """Folds the signature at the end of each stretch of kept lines: "-- " (RFC 3676 4.3), and what phones add."""
    at = 0
    while at < end:
        if sheet.folded[at]:
            at += 1
            continue
        stop = at
        while stop < end and not sheet.folded[stop]:
            stop += 1
        _fold_signature(sheet, at, stop)
        at = stop


def _fold_signature(sheet: _Sheet, start: int, stop: int) -> None:
    written = 0
    number = stop
    while number > start and written <= _SIGNATURE_LINES:
        number -= 1
        if sheet.lines[number][:4].rstrip() == "--" and len(sheet.lines[number]) <= 4:
            sheet.fold(number, stop)
            stop = number
            break
        written += not sheet.blank[number]
    while stop > start and sheet.blank[stop - 1]:
        stop -= 1
    while stop > start and _is_sent_from(sheet.look(stop - 1)):
        stop -= 1
        sheet.fold(stop, stop + 1)
        while stop > start and sheet.blank[stop - 1]:
            stop -= 1


def _is_sent_from(line: str) -> bool:
    """Whether a phone or program wrote this line; a rule above a quote goes with it."""
    if not line.strip(_DASHES):
        return len(line) > 2
    words = line[:_SENT_FROM].casefold().strip("-–— *_<[(")
    return len(line) <= _SENT_FROM and any(
        words.startswith(beginning) and any(name in words for name in names)
        for beginning, names in marks.SENT_FROM.items()
    )


# What mail programs wrap a quote in. Each is replaced by an empty quote, so that the line above it is still known for
# an attribution.
_CONTAINERS = (
    "blockquote[type=cite]",  # Apple Mail, Thunderbird
    "blockquote.gmail_quote",  # Gmail; its outer div may hold answers between quotes
    ".moz-cite-prefix",  # Thunderbird's attribution line
    ".gmail_attr",  # Gmail's attribution line
    ".yahoo_quoted",  # Yahoo
    ".protonmail_quote",  # Proton
    "#OLK_SRC_BODY_SECTION",  # Outlook for Mac
)
# What stands above a quote that lasts to the end of the mail, without a container of its own.
_REST_IS_QUOTE = (
    "#appendonsend",  # Outlook on the web
    "#divRplyFwdMsg",  # Outlook
    "#mail-editor-reference-message-container",  # Outlook, new
    "#zwchr",  # Zimbra
)


def cut_html(html: str) -> str:
    """`html` without what mail programs mark as a quote; forwarded mails stay. Turn it into text and `cut` that."""
    root = turbohtml.parse(html, positions=False)
    for mark in root.select(", ".join(_REST_IS_QUOTE)):
        if mark.parent is not None:
            _drop_behind(mark)
            _mark_quote(mark)
            break
    for container in root.select(", ".join(_CONTAINERS)):
        if not _holds_forward(container):
            _mark_quote(container)
    return root.serialize()


def _drop_behind(mark: turbohtml.Element) -> None:
    """Drops everything behind an element in the order of the document."""
    node: turbohtml.Node | None = mark
    while isinstance(node, turbohtml.Element):
        for sibling in list(node.next_siblings):
            sibling.extract()
        node = node.parent


def _mark_quote(element: turbohtml.Element) -> None:
    element.replace_with(turbohtml.Element("blockquote", None, [turbohtml.Text("…")]))


def _holds_forward(element: turbohtml.Element) -> bool:
    """Whether a quote begins with the words of a forward: then it is what the sender wants us to read."""
    for number, words in enumerate(element.stripped_strings):
        if number >= 3:
            break
        if _is_forward(words[:_LOOK]):
            return True
    return False
