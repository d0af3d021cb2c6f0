"""Finds the new words of a reply: folds quotes, texts that we sent, and signatures. In doubt a line stays.

The work is linear in the text: each line is read a limited number of times, and only its first characters."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from maild.domain.commands.parsing import is_command
from maild.mail.quoting import wording as marks
from maild.mail.quoting.own_texts import KnownTexts, Run

_MAX_LINES = 100_000  # a longer text is no reply and is left as it is
_LOOK = 400  # characters of a line that are read
_ATTRIBUTION_LINES = 3  # lines that an attribution may take
_HEADER_LINES = 16  # lines of Outlook's header block, with recipients over several lines
_SIGNATURE_LINES = 20  # a longer text below "-- " is no signature
_SENT_FROM = 120  # characters; a longer line was written by a person

_DATE = re.compile(r"(?:19|20)\d\d|\d{1,2}[:.h]\d\d|\d{1,2}[./-]\d{1,2}[./-]\d\d")
_SENT_FROM_BEGINS = tuple(marks.SENT_FROM)
_DASHES = "-–—=_*~ \t\xa0"


@dataclass(frozen=True, slots=True)
class Cut:
    """A text without its quotes."""

    new_text: str
    folded_lines: int  # without blank ones
    kept_everything: bool = False  # nothing would have been left, so nothing was folded
    forwarded_lines: int = 0  # lines at the end of new_text that are a forwarded mail: not the sender's own words


def cut(
    text: str,
    *,
    known_texts: Sequence[str] = (),
    copied: Sequence[str] = (),
    signature: str = "",
    forwarded: bool = False,
) -> Cut:
    """Return what the sender wrote now. Each line of the result is a line of `text`, in order.

    `known_texts` are texts that we sent. Their lines are a quote below an attribution, and at the end of the mail.
    Anywhere else the sender typed such a line. `copied` are texts within those that people copy: their lines alone at
    the end are no quote. `signature` is the block that this sender puts below every mail: it is folded if it is there
    exactly. `forwarded`: the subject says that the mail is a forward, so a header block begins the forwarded mail and
    no quote."""
    lines = text.split("\n")
    if len(lines) > _MAX_LINES:
        return Cut(text.strip("\n"), 0)
    sheet = _Sheet(lines, KnownTexts(known_texts, copied).runs_in(lines))
    forward = _fold_quotes(sheet, forwarded)
    _fold_signatures(sheet, forward, _signature_lines(signature))
    kept = _kept(sheet)
    if not kept:
        return Cut(text.strip("\n"), 0, kept_everything=True)
    count = sum(1 for number, folded in enumerate(sheet.folded) if folded and not sheet.blank[number])
    return Cut("\n".join(lines[number] for number in kept), count, False, len(kept) - bisect_left(kept, forward))


def _signature_lines(signature: str) -> list[str]:
    """Return the lines of a sender's block, with single spaces; [] if it is no signature.

    A block with a command is none, because a command must be read. One line alone is none either: people end a sentence
    with their name."""
    lines = [" ".join(line.split()) for line in signature.split("\n") if line.strip()]
    return [] if len(lines) < 2 or any(map(is_command, lines)) else lines


def _kept(sheet: _Sheet) -> list[int]:
    """Return the lines that stay, without blank lines at both ends, and with one blank line in place of a fold."""
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
    """The lines of a text, with what is known of each."""

    def __init__(self, lines: list[str], runs: Sequence[Run]) -> None:
        self.lines = lines
        self.blank = [not line or line.isspace() for line in lines]
        self.folded = bytearray(len(lines))
        self.quoted = [">" in line and line[:_LOOK].lstrip(" \xa0").startswith(">") for line in lines]
        self.announces = [line[-_LOOK:].rstrip().endswith((":", "：")) for line in lines]
        # A console session of Python is no quote. In a mail a third level of ">" never comes without the first two.
        if all(line.lstrip().startswith(">>> ") for line, quoted in zip(lines, self.quoted, strict=True) if quoted):
            self.quoted = [False] * len(lines)
        self.begins = {run.lines[0]: run for run in runs}
        self._next = [len(lines)] * (len(lines) + 1)  # the first line from here on that is not blank
        for number in range(len(lines) - 1, -1, -1):
            self._next[number] = self._next[number + 1] if self.blank[number] else number
        for number in (*self._at_the_end(runs), *(number for run in runs for number in run.rests)):
            self.quoted[number] = True

    def _at_the_end(self, runs: Sequence[Run]) -> list[int]:
        """Return our lines that end the mail, and those of whole mails of ours right above them."""
        found: list[int] = []
        for run in reversed(runs):
            belongs = run.begins if found else self._is_end(run.lines[-1] + 1)
            if not (run.whole and belongs):
                break
            found += run.lines
            if not run.follows:
                break
        return found

    def _is_end(self, number: int) -> bool:
        """Whether only commands, and lines that programs add below a mail, follow from this line on."""
        while (number := self.next_written(number)) < len(self.lines):
            line = self.look(number)
            if not (_is_sent_from(line) or is_command(line)):
                return False
            number += 1
        return True

    def next_written(self, number: int) -> int:
        """Return the first line from `number` on that is not blank; the number of lines if there is none."""
        return self._next[min(number, len(self.lines))]

    def last_written(self, start: int, stop: int) -> int:
        """Return the end of a stretch of lines without the blank lines at its end."""
        while stop > start and self.blank[stop - 1]:
            stop -= 1
        return stop

    def look(self, number: int) -> str:
        """Return the beginning of a line, without white space around it."""
        return self.lines[number][:_LOOK].strip()

    def fold(self, start: int, end: int) -> None:
        """Fold the lines from `start` to before `end`."""
        self.folded[start:end] = b"\1" * (end - start)


def _fold_quotes(sheet: _Sheet, forwarded: bool) -> int:
    """Fold quotes from top to bottom -> the line at which a forwarded mail begins (the end if there is none)."""
    number, end = 0, len(sheet.lines)
    written = False  # there are words of the sender above
    while number < end:
        if sheet.blank[number]:
            number += 1
        elif sheet.quoted[number]:
            sheet.fold(number, number + 1)
            number += 1
        elif is_forward(sheet.look(number)):
            return number
        elif length := _attribution(sheet, number):
            following = sheet.next_written(number + length)
            if following == end or sheet.quoted[following]:
                sheet.fold(number, number + length)
            elif following in sheet.begins:
                sheet.fold(number, following)
                for each in sheet.begins[following].lines:
                    sheet.quoted[each] = True
            elif written and _surely_attribution(sheet, number, length):
                sheet.fold(number, end)
                return end
            else:
                written = True
            number += length
        elif (written or forwarded) and _opens_quote(sheet, number):
            if forwarded:
                return number
            sheet.fold(number, end)
            return end
        else:
            written = True
            number += 1
    return end


def _attribution(sheet: _Sheet, number: int) -> int:
    """Return the number of lines of the attribution ("On … Jane wrote:") that begins here; 0 if none begins."""
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
    if address and dated and body.endswith(">"):  # in Japanese and Russian Gmail writes no verb
        return True
    # In German, Dutch and the northern languages the verb comes before the name. In others the date may come last.
    verb_within = dated and any(f" {verb} " in body for verb in marks.WROTE)
    return verb_within and (address or line.startswith(marks.OPENERS))


def _surely_attribution(sheet: _Sheet, number: int, length: int) -> bool:
    """Whether unmarked text below the attribution may be folded too: it has a full date and a person."""
    line = " ".join(sheet.look(at) for at in range(number, number + length))
    return len(_DATE.findall(line)) > 1 or ("@" in line and bool(_DATE.search(line)))


def is_forward(line: str) -> bool:
    """Whether a forwarded mail begins below this line: known words between dashes, or before a colon."""
    if line[:2] not in {"--", "==", "__"} and line[-1:] not in {":", "："}:
        return False
    core = line.strip(_DASHES + ":：<>").casefold()
    return core in marks.FORWARDS or core.startswith("forwarded by ")


def _opens_quote(sheet: _Sheet, number: int) -> bool:
    """Whether a quote without marks begins here and goes on to the end: a rule with words, or a header block."""
    line = sheet.look(number)
    if line[:1] not in _DASHES and ":" not in line[:40] and "：" not in line[:40]:
        return False
    if line.startswith("--") and line.strip(_DASHES).casefold() in marks.ORIGINALS:
        return True
    if line[:1] in _DASHES and len(line) >= 8 and not line.strip(_DASHES):  # a rule counts only above a header block
        number = sheet.next_written(number + 1)
    return number < len(sheet.lines) and _is_header_block(sheet, number)


def _is_header_block(sheet: _Sheet, number: int) -> bool:
    """Whether a header block begins here, as Outlook puts it above a quote: from, and two of date, to and subject."""
    if label(sheet.look(number)) != "from":
        return False
    found = set()
    for at in range(number + 1, min(number + _HEADER_LINES, len(sheet.lines))):
        found.add(label(sheet.look(at)))
    return len(found & {"date", "to", "subject"}) >= 2 and bool(found & {"date", "subject"})


def label(line: str) -> str:
    """Return what the label of a line means: from, date, to, cc or subject; "" if it has no known label."""
    head, colon, _ = line[:40].replace("：", ":").partition(":")
    return marks.LABELS.get(head.strip("* \t\xa0").casefold(), "") if colon else ""


def _fold_signatures(sheet: _Sheet, end: int, learned: Sequence[str]) -> None:
    """Fold the signature at the end of each stretch of kept lines.

    It is the text below "-- " (RFC 3676 4.3), a line that phones add, or the block that the sender is known for."""
    at = 0
    while at < end:
        if sheet.folded[at]:
            at += 1
            continue
        stop = at
        while stop < end and not sheet.folded[stop]:
            stop += 1
        _fold_signature(sheet, at, stop, learned)
        at = stop


def _fold_signature(sheet: _Sheet, start: int, stop: int, learned: Sequence[str]) -> None:
    """Fold the signature at the end of one stretch."""
    stop = _fold_learned(sheet, start, stop, learned)
    written = 0
    number = stop
    while number > start and written <= _SIGNATURE_LINES:
        number -= 1
        if sheet.lines[number][:4].rstrip() == "--" and len(sheet.lines[number]) <= 4:
            sheet.fold(number, stop)
            stop = number
            break
        written += not sheet.blank[number]
    stop = sheet.last_written(start, stop)
    while stop > start and _is_sent_from(sheet.look(stop - 1)):
        sheet.fold(stop - 1, stop)
        stop = sheet.last_written(start, stop - 1)
    _fold_learned(sheet, start, stop, learned)


def _fold_learned(sheet: _Sheet, start: int, stop: int, learned: Sequence[str]) -> int:
    """Fold the sender's own block if it ends the stretch, all of it and by itself -> where the stretch ends then.

    Only commands may be below it."""
    end = sheet.last_written(start, stop)
    while learned and end > start and is_command(sheet.look(end - 1)):
        end = sheet.last_written(start, end - 1)
    at = end
    for line in reversed(learned):
        at = sheet.last_written(start, at) - 1
        if at < start or " ".join(sheet.lines[at].split()) != line:
            return stop
    if not learned or not _begins_block(sheet, start, at):
        return stop
    sheet.fold(at, end)
    return at


def _begins_block(sheet: _Sheet, start: int, at: int) -> bool:
    """Whether a block begins at this line: below a blank line, a rule, a command or a quote, and not in a sentence.

    A block below a line with a colon at its end is a part of the text."""
    above = sheet.last_written(start, at) - 1
    if above >= start and sheet.announces[above]:
        return False
    if at == start or sheet.blank[at - 1]:
        return True
    line = sheet.look(at - 1)
    return not line.strip(_DASHES) or is_command(line)


def _is_sent_from(line: str) -> bool:
    """Whether a phone or a program wrote this line. A rule of dashes counts too."""
    if not line.strip(_DASHES):
        return len(line) > 2
    words = line[:_SENT_FROM].casefold().strip("-–— *_<[(")
    return (
        len(line) <= _SENT_FROM
        and words.startswith(_SENT_FROM_BEGINS)
        and any(
            words.startswith(beginning) and any(name in words for name in names)
            for beginning, names in marks.SENT_FROM.items()
        )
    )
