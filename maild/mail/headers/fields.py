"""Reads header fields in linear time: unfolding (RFC 5322 2.2.3), encoded words (RFC 2047), parameters (RFC 2231).

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

MAX_FIELD = 16_384  # characters of one field that are read
MAX_PARAMETERS = 100
MAX_IDS = 100  # of a References field: the first half and the last half
MAX_ID = 998  # no line is longer (RFC 5322 2.1.1)

_LINE_END = re.compile(r"\r\n|\r|\n")
# An encoded word (RFC 2047 2). Its text may have question marks that should have been encoded, but neither "?=", which
# ends it, nor "=?", which begins another one.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,75})\?([BbQq])\?((?:[^?=]|\?(?!=)|=(?!\?(?!=)))*)\?=")
_BETWEEN_WORDS = re.compile(r"[ \t]*")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_PARAMETER = re.compile(r'[;\s]*([^\s=;"]{1,75})\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_SECTION = re.compile(r"^(.+?)\*(?:(\d{1,4}))?(\*?)$")
_TYPE = re.compile(r"^[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}$")
_BRACKETED = re.compile(r"<[^<>]*>")


def unfold(raw: str, cap: int = MAX_FIELD) -> str:
    """Return the field's value on one line (RFC 5322 2.2.3). Of more than `cap` characters both ends are kept."""
    if len(raw) > cap:
        raw = raw[: cap // 2] + " " + raw[-cap // 2 :]
    if "\n" in raw or "\r" in raw:
        raw = _LINE_END.sub("", raw)
    return raw.strip(" \t")


def octets_of(raw: str) -> bytes:
    """Return the bytes of a raw value as they are in the mail."""
    return raw.encode("utf-8", "surrogateescape")


def decode(raw: str) -> str:
    """Return a raw value as clean text: unfolded, 8-bit bytes and encoded words decoded, controls removed."""
    if raw.isascii() and raw.isprintable() and "=?" not in raw and len(raw) <= MAX_FIELD:  # nearly all fields
        return raw.strip(" ")
    return one_line(decode_words(unfold(raw)))


def decode_words(text: str) -> str:
    """Decode encoded words (RFC 2047 2) and raw 8-bit bytes. Never raises: what cannot be decoded stays as it is.

    White space between two encoded words is dropped (RFC 2047 6.2). A character that the sender cut in two, against
    RFC 2047 5, is put together again."""
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
    """A run of adjacent encoded words with one charset: their bytes are decoded together."""

    charset: str = ""
    octets: bytes = b""

    def add(self, charset: str, octets: bytes) -> str:
        """Add a word -> the text of the run before it, if the charset changes."""
        done = "" if charset.lower() == self.charset.lower() else self.flush()
        self.charset = charset
        self.octets += octets
        return done

    def flush(self) -> str:
        """End the run -> its text."""
        octets, self.octets = self.octets, b""
        return charsets.decode(octets, self.charset)[0] if octets else ""


def _word_octets(encoding: str, text: str) -> bytes | None:
    """Return the bytes of one encoded word (RFC 2047 4.1, 4.2); None if they cannot be decoded."""
    written = octets_of(text)
    if encoding in "Qq":
        return binascii.a2b_qp(written, header=True)
    try:
        return binascii.a2b_base64(written + b"=" * (-len(written) % 4))
    except binascii.Error:
        return None


def _raw_text(text: str) -> str:
    """Decode the 8-bit bytes of a text: as UTF-8 (RFC 6532 3.1), or by a guess for old programs."""
    if text.isascii() and "\x1b" not in text:
        return text
    return charsets.decode(octets_of(text))[0]


@dataclass(frozen=True, slots=True)
class Parameters:
    """A field `value; name=text; …` (RFC 2045 5.1): value and names in lower case, texts decoded."""

    value: str
    texts: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return the text of a parameter, "" if it is absent."""
        return self.texts.get(name, "")


def parameters(raw: str) -> Parameters:
    """Read a structured field such as Content-Type. The first parameter of a name wins; at most 100 are read."""
    line = unfold(raw)
    value, _, rest = line.partition(";")
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    at = 0
    for _ in range(MAX_PARAMETERS):
        match = _PARAMETER.match(rest, at)
        if match is None:
            following = rest.find(";", at)  # words without "=": the next parameter may be correct
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
    """Undo the quotes of a parameter's text (RFC 5322 3.2.4)."""
    if text.startswith('"'):
        text = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
        return _QUOTED_PAIR.sub(r"\1", text)
    return text.rstrip()


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """Join the sections of a parameter in the order of their numbers (RFC 2231 3).

    Percent escapes are undone; the first section names the charset (RFC 2231 4, 4.1)."""
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
    """Read a Content-Type field; `default` if it is absent, text/plain if it is no type (RFC 2045 5.2)."""
    if raw is None:
        return Parameters(default)
    found = parameters(raw)
    if _TYPE.match(found.value):
        return found
    return Parameters("text/plain", found.texts)


def message_ids(raw: str) -> tuple[str, ...]:
    """Return the ids in Message-ID, In-Reply-To or References (RFC 5322 3.6.4), with brackets, without white space.

    In a field without brackets every word with an @ is an id. Of many ids the first 50 and the last 50 stay."""
    text = unfold(raw)
    if "=?" in text:  # some libraries write long ids as encoded words, against RFC 2047 5
        text = decode_words(text)
    text = one_line(_raw_text(text))
    found = _BRACKETED.findall(text) or [word for word in re.split(r"[\s,;]+", text) if "@" in word]
    ids = [compact for word in found if len(compact := "".join(word.split())) > 2][: MAX_FIELD // 3]
    ids = [one_id[:MAX_ID] for one_id in ids]
    if len(ids) > MAX_IDS:
        ids = ids[: MAX_IDS // 2] + ids[-MAX_IDS // 2 :]
    return tuple(dict.fromkeys(ids))


def date(raw: str) -> datetime | None:
    """Read a Date field as UTC (RFC 5322 3.3, 4.3); None if it cannot be read, or is before 1990 or after 2100."""
    text = decode(raw)[:200]
    try:
        parsed = parsedate_tz(text)
        if parsed is None:
            return None
        year, month, day, hour, minute, second = parsed[:6]
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp() - (parsed[9] or 0)
        found = datetime.fromtimestamp(moment, UTC)
    except (ValueError, TypeError, IndexError, KeyError, OverflowError, OSError):
        return None  # maild.mail.reading.parse reports it as a defect
    return found if 1990 <= found.year <= 2100 else None


def by_name(fields: Iterable[tuple[str, str]], *, values: int = 100) -> dict[str, list[str]]:
    """Group raw values by field name in lower case, in order; at most `values` for each name."""
    found: dict[str, list[str]] = {}
    for name, raw in fields:
        known = found.setdefault(name.lower(), [])
        if len(known) < values:
            known.append(raw)
    return found
