"""Header fields: unfolded, capped, decoded (RFC 5322 2.2.3, RFC 2047, RFC 2045 5.1, RFC 2231), in linear time.

A raw field value is a str in which every 8-bit byte is a surrogate (the standard library's "surrogateescape")."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_tz
from urllib.parse import unquote_to_bytes

from maild.mail.text import charsets
from maild.mail.text.cleaning import one_line, replace_surrogates

MAX_FIELD = 16_384  # characters of one field that are looked at
MAX_PARAMETERS = 100
MAX_IDS = 100  # of a References field: the first and the last half
MAX_ID = 998  # RFC 5322 2.1.1: no line is longer

_LINE_END = re.compile(r"\r\n|\r|\n")
# The text may hold question marks that should have been encoded, but neither the end of a word nor another beginning.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,75})\?([BbQq])\?((?:[^?=]|\?(?!=)|=(?!\?(?!=)))*)\?=")
_BETWEEN_WORDS = re.compile(r"[ \t]*")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_PARAMETER = re.compile(r'[;\s]*([^\s=;"]{1,75})\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_SECTION = re.compile(r"^(.+?)\*(?:(\d{1,4}))?(\*?)$")
_TYPE = re.compile(r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$")
_BRACKETED = re.compile(r"<[^<>]*>")


def unfold(raw: str, cap: int = MAX_FIELD) -> str:
    """The field's value on one line (RFC 5322 2.2.3), at most `cap` long: of more, the beginning and the end."""
    if len(raw) > cap:
        raw = raw[: cap // 2] + " " + raw[-cap // 2 :]
    if "\n" in raw or "\r" in raw:
        raw = _LINE_END.sub("", raw)
    return raw.strip(" \t")


def octets_of(raw: str) -> bytes:
    """The bytes of a raw value, as they stood in the mail."""
    return raw.encode("utf-8", "surrogateescape")


def decode(raw: str) -> str:
    """A raw value as clean words: unfolded, 8-bit bytes and encoded words decoded, controls gone."""
    if raw.isascii() and raw.isprintable() and "=?" not in raw and len(raw) <= MAX_FIELD:  # nearly all
        return raw.strip(" ")
    return one_line(decode_words(unfold(raw)))


def decode_words(text: str) -> str:
    """Encoded words (RFC 2047) and raw 8-bit bytes as text. Never raises: what cannot be decoded stays as written.

    White space between two encoded words goes (6.2); a character cut in two by the sender is put together again."""
    if "=?" not in text:
        return _raw_text(text)
    out: list[str] = []
    at = 0
    run = _Run()
    for match in _ENCODED_WORD.finditer(text):
        between = text[at : match.start()]
        octets = _word_octets(match[2], match[3])
        if octets is None:
            continue
        if not (run.octets and _BETWEEN_WORDS.fullmatch(between)):
            out.append(run.flush())
            out.append(_raw_text(between))
        out.append(run.add(match[1].partition("*")[0], octets))
        at = match.end()
    out.append(run.flush())
    out.append(_raw_text(text[at:]))
    return "".join(out)


@dataclass(slots=True)
class _Run:
    """Adjacent encoded words of one charset: their bytes are decoded together."""

    charset: str = ""
    octets: bytes = b""

    def add(self, charset: str, octets: bytes) -> str:
        done = "" if charset.lower() == self.charset.lower() else self.flush()
        self.charset = charset
        self.octets += octets
        return done

    def flush(self) -> str:
        octets, self.octets = self.octets, b""
        return charsets.decode(octets, self.charset)[0] if octets else ""


def _word_octets(encoding: str, text: str) -> bytes | None:
    """The bytes of one encoded word; None when it is none."""
    written = octets_of(text)
    if encoding in "Qq":
        return binascii.a2b_qp(written, header=True)
    try:
        return binascii.a2b_base64(written + b"=" * (-len(written) % 4))
    except binascii.Error:
        return None


def _raw_text(text: str) -> str:
    """`text` with its 8-bit bytes decoded: UTF-8 (RFC 6532), or a guess, for old programs send what they have."""
    if text.isascii() and "\x1b" not in text:
        return text
    return charsets.decode(octets_of(text))[0]


@dataclass(frozen=True, slots=True)
class Parameters:
    """`value; name=text; …` (RFC 2045 5.1): the value in lower case, parameter names in lower case, texts decoded."""

    value: str
    texts: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """The parameter's text, "" when absent."""
        return self.texts.get(name, "")


def parameters(raw: str) -> Parameters:
    """A structured field such as Content-Type. The first parameter of a name wins, at most 100 are read."""
    line = unfold(raw)
    value, _, rest = line.partition(";")
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    at = 0
    for _ in range(MAX_PARAMETERS):
        match = _PARAMETER.match(rest, at)
        if match is None:
            following = rest.find(";", at)  # words without "=": the next parameter may be fine
            if following < 0:
                break
            at = following + 1
            continue
        at = match.end()
        name, text = match[1].lower(), _parameter_text(match[2])
        section = _SECTION.match(name)
        if section is None:
            plain.setdefault(name, text)
        else:
            number = int(section[2] or 0)
            sections.setdefault(section[1], {}).setdefault(number, (text, bool(section[3]) or section[2] is None))
    texts = {name: decode(text) for name, text in plain.items()}
    texts |= {name: _joined(parts) for name, parts in sections.items()}
    return Parameters(one_line(replace_surrogates(value)).strip().lower(), texts)


def _parameter_text(text: str) -> str:
    if text.startswith('"'):
        text = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
        return _QUOTED_PAIR.sub(r"\1", text)
    return text.rstrip()


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """RFC 2231: continuations in the order of their numbers, percent escapes undone, the charset named by the first."""
    charset = ""
    octets = b""
    for number in sorted(parts):
        text, extended = parts[number]
        if extended and number == min(parts) and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets += unquote_to_bytes(octets_of(text)) if extended else octets_of(text)
    text, _ = charsets.decode(octets, charset)
    return one_line(decode_words(text) if "=?" in text else text)


def content_type(raw: str | None, default: str = "text/plain") -> Parameters:
    """A Content-Type field; `default` where it is absent, text/plain where it is no type at all (RFC 2045 5.2)."""
    if raw is None:
        return Parameters(default)
    found = parameters(raw)
    if _TYPE.match(found.value):
        return found
    return Parameters("text/plain", found.texts)


def message_ids(raw: str) -> tuple[str, ...]:
    """The ids of Message-ID, In-Reply-To or References (RFC 5322 3.6.4) with brackets, without white space.

    Without any bracket the words that hold an @ are taken as they stand. Of many ids the first and last 50 stay."""
    text = unfold(raw)
    if "=?" in text:  # some libraries encode long ids as words, against RFC 2047 section 5
        text = decode_words(text)
    text = one_line(_raw_text(text))
    found = _BRACKETED.findall(text) or [word for word in re.split(r"[\s,;]+", text) if "@" in word]
    ids = [compact for word in found if len(compact := "".join(word.split())) > 2][: MAX_FIELD // 3]
    ids = [one_id[:MAX_ID] for one_id in ids]
    if len(ids) > MAX_IDS:
        ids = ids[: MAX_IDS // 2] + ids[-MAX_IDS // 2 :]
    return tuple(dict.fromkeys(ids))


def date(raw: str) -> datetime | None:
    """A Date field as UTC (RFC 5322 3.3); None when it cannot be read or is before 1990 or after 2100."""
    text = decode(raw)[:200]
    try:
        parsed = parsedate_tz(text)
        if parsed is None:
            return None
        year, month, day, hour, minute, second = parsed[:6]
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp() - (parsed[9] or 0)
        found = datetime.fromtimestamp(moment, UTC)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, OSError):
        return None  # a Date that is none is told as a defect by parse
    return found if 1990 <= found.year <= 2100 else None


def by_name(fields: Iterable[tuple[str, str]], *, values: int = 100) -> dict[str, list[str]]:
    """Raw values by lower-case field name, in order; at most `values` of a name."""
    found: dict[str, list[str]] = {}
    for name, raw in fields:
        known = found.setdefault(name.lower(), [])
        if len(known) < values:
            known.append(raw)
    return found
