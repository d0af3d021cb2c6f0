"""From bytes to text: labels that lie, labels that are traps, no label at all."""

from maild.mail.text.charsets import codec_for, decode
from tests.rig.misses import in_turn


@in_turn(
    "label",
    [
        *("utf-7", "unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "rot13", "hex", "base64"),
        *("zlib", "bz2", "uu", "mbcs", "charmap", "unknown-8bit", "x" * 5000, "a\0b", "utf-8\n", "../x", "cp037", ""),
    ],
)
def test_codecs_that_hide_or_break_things_are_never_used(label):
    assert codec_for(label) == ("utf-8" if label == "utf-8\n" else "")
    text, _ = decode(b"+ADw-b+AD4- \\u003cb caf\xc3\xa9", label)
    assert text == "+ADw-b+AD4- \\u003cb café"


@in_turn(
    ("label", "codec"),
    [
        ("US-ASCII", "utf-8"),
        ("iso-8859-1", "cp1252"),
        (' "UTF-8" ', "utf-8"),
        ("gb2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("shift_jis", "cp932"),
        ("windows-1251", "cp1251"),
        ("koi8-u", "koi8-u"),
        ("iso-8859-15", "iso8859-15"),
        ("big5", "big5"),
    ],
)
def test_label_names_the_codec_that_reads_what_is_meant(label, codec):
    assert codec_for(label) == codec


@in_turn(
    ("written", "codec", "label"),
    [
        ("Grüße aus Köln", "utf-8", "utf-8"),
        ("Grüße aus Köln", "utf-8", "iso-8859-1"),
        ("Grüße aus Köln", "utf-8", "us-ascii"),
        ("Grüße – “so”", "cp1252", "iso-8859-1"),
        ("Grüße – “so”", "cp1252", "us-ascii"),
        ("Grüße aus Köln, naïve Façade", "cp1252", "utf-8"),
        ("Здравствуйте, принтер не работает", "cp1251", "windows-1251"),
        ("Здравствуйте, принтер не работает", "koi8-r", "koi8-r"),
        ("Здравствуйте, принтер не работает, помогите", "cp1251", ""),
        ("打印机坏了，请帮忙修理一下，谢谢。", "gb18030", "gb2312"),
        ("打印机坏了，请帮忙修理一下，谢谢。", "gb18030", "nonsense"),
        ("プリンターが動きません", "iso2022_jp", "iso-2022-jp"),
        ("プリンターが動きません", "iso2022_jp", "us-ascii"),
        ("プリンターが動きません", "iso2022_jp", "utf-8"),
        ("프린터가 고장입니다", "cp949", "euc-kr"),
        ("Příliš žluťoučký kůň", "iso8859-2", "iso-8859-2"),
        ("日本語", "utf-16", "utf-16"),
    ],
)
def test_text_comes_out_as_it_was_meant(written, codec, label):
    assert decode(written.encode(codec), label)[0] == written


def test_a_few_damaged_bytes_do_not_change_the_charset():
    damaged = "Grüße aus Köln, Düsseldorf, Nürnberg, Würzburg, Tübingen".encode() + b"\xc3"
    text, note = decode(damaged, "utf-8")
    assert text == "Grüße aus Köln, Düsseldorf, Nürnberg, Würzburg, Tübingen\ufffd"
    assert "U+FFFD" in note


def test_bytes_that_fit_nothing_are_still_text():
    text, _ = decode(bytes(range(256)) * 4, "utf-8")
    text.encode("utf-8")
    assert len(text) > 500


def test_guess_is_told():
    _, note = decode("Здравствуйте, принтер не работает, помогите".encode("cp1251"), "utf-8")
    assert "utf-8" in note
    assert "cp1251" in note
