"""Turns bytes into text by the declared charset (RFC 2046 4.1.2), or by a guess if that charset cannot be true."""

from __future__ import annotations

import codecs

import cchardet

from maild.mail.text.cleaning import replace_surrogates

_GUESS_BYTES = 65_536  # a guess looks at no more bytes

# Label -> the codec that reads what senders mean by it: a larger charset where programs name the smaller one by habit.
_ALIASES = {
    "ascii": "utf-8",  # the same for 7-bit text; with 8-bit text the label is wrong anyway (RFC 2046 4.1.2)
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "646": "utf-8",
    "iso-8859-1": "cp1252",  # programs for Windows say latin-1 and write curly quotes
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",  # also reads the half-width kana that phones send
    "unicode-1-1-utf-8": "utf-8",
    "x-mac-roman": "mac-roman",
    "macintosh": "mac-roman",
    "x-user-defined": "cp1252",
}

# The codecs that may be used. With Python's other codecs (utf-7, unicode_escape, idna, punycode, undefined, rot13, …) a
# sender could hide text from a filter, or make the reader raise.
_ALLOWED_NAMES = """
utf-8 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be ascii gb18030 gbk gb2312 hz big5 big5hkscs cp950
cp932 shift_jis shift_jis_2004 shift_jisx0213 euc_jp euc_jis_2004 euc_jisx0213 iso2022_jp iso2022_jp_1 iso2022_jp_2
iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr euc_kr cp949 johab koi8-r koi8-u koi8-t kz1048
mac-roman mac-cyrillic mac-greek mac-latin2 mac-turkish mac-iceland ptcp154 cp874
iso8859-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10
iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
cp437 cp720 cp737 cp775 cp850 cp852 cp855 cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp864 cp865 cp866 cp869
"""
_ALLOWED = frozenset(_ALLOWED_NAMES.split())
# Code pages of DOS and of old Macs: when a guess names one, the text is nearly always western text.
_NEVER_GUESSED = ("cp4", "cp7", "cp85", "cp86", "mac-")
_WESTERN = frozenset({"cp1252", "iso8859-15", "utf-8"})  # labels that programs write without looking at the text


def codec_for(label: str) -> str:
    """Return Python's codec for a charset label; "" for a label that is unknown or not allowed."""
    name = label.strip().strip("\"'").lower()[:40]
    name = _ALIASES.get(name, name)
    if not name or not name.isascii() or "\0" in name:
        return ""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError, UnicodeError):
        return ""
    return found if found in _ALLOWED else ""


def decode(octets: bytes, label: str = "") -> tuple[str, str]:
    """Decode octets -> (text, note). The note is "" or a sentence that says why the label was not followed.

    Tried in this order: UTF-8 if a western label is plainly wrong or unknown; the label; the label with a few damaged
    characters; UTF-8; a guess; windows-1252 with replacement. Never raises."""
    codec = codec_for(label)
    if (codec in _WESTERN or not codec) and not _is_iso2022(octets):
        text = _strictly(octets, "utf-8")
        if text is not None:
            return text, "" if codec or not label else f"charset {label[:40]!r} is unknown: read as utf-8"
    text = _strictly(octets, codec) if codec else None
    if text is not None and not (codec in _WESTERN and _is_iso2022(octets)):
        return text, ""
    return _guessed(octets, codec, label)


def _guessed(octets: bytes, codec: str, label: str) -> tuple[str, str]:
    """Decode octets by another charset than the label -> (text, note)."""
    named = f"charset {label[:40]!r}" if label else "no charset is named"
    damaged = _with_few_damages(octets, codec or "utf-8")
    if damaged is not None:
        return damaged, f"{named}: some bytes do not fit {codec or 'utf-8'} and are shown as U+FFFD"
    for guess in _candidates(octets):
        text = _strictly(octets, guess)
        if text is not None:
            return text, f"{named}, but the bytes are {guess}"
    return octets.decode("cp1252", "replace"), f"{named}: no charset fits, read as windows-1252"


def _candidates(octets: bytes) -> list[str]:
    """The codecs to try when the label is wrong, the most likely first."""
    sample = octets[:_GUESS_BYTES]
    if _is_iso2022(octets):
        return ["iso2022_jp_ext", "iso2022_kr", "utf-8"]
    guess = codec_for(cchardet.detect(sample)["encoding"] or "")
    return ["utf-8", guess] if guess and not guess.startswith(_NEVER_GUESSED) else ["utf-8", "cp1252"]


def _is_iso2022(octets: bytes) -> bool:
    """Whether there are escapes of ISO-2022 (RFC 1468, RFC 1557): Japanese or Korean, whatever the label says."""
    return b"\x1b$" in octets or b"\x1b(" in octets


def _strictly(octets: bytes, codec: str) -> str | None:
    """Decode the octets; None if any of them does not fit the codec."""
    try:
        return replace_surrogates(octets.decode(codec))
    except (UnicodeError, ValueError):
        return None


def _with_few_damages(octets: bytes, codec: str) -> str | None:
    """Decode octets of which few are damaged: a cut end, or one bad letter for at least four good ones; else None."""
    text = octets.decode(codec, "replace")
    bad = text.count("\ufffd")
    good = sum(1 for letter in text[:_GUESS_BYTES] if letter > "\x7f" and letter != "\ufffd")
    return replace_surrogates(text) if bad and bad * 4 <= good else None
