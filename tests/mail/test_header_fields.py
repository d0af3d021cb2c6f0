"""Header fields: unfolding, encoded words, parameters, ids, dates."""

from datetime import UTC, datetime

import pytest

from maild.mail.headers import fields as headers
from tests.rig.misses import in_turn


def _raw(octets):
    return octets.decode("ascii", "surrogateescape")


@in_turn(
    ("written", "read"),
    [
        (b"plain words", "plain words"),
        (b"folded\r\n and\n\tfolded", "folded and folded"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ?=", "Grüße"),  # no padding
        (b"=?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "Grüße"),  # cut within a letter
        (b"a =?utf-8?q?b?= c", "a b c"),
        (b"=?utf-8?q?a?=\r\n =?iso-8859-1?q?=E4?=", "aä"),
        (b"=?utf-8*de?q?=C3=A4?=", "ä"),  # RFC 2231 5
        (b"(=?utf-8?q?a?=)", "(a)"),
        (b"=?utf-8?q?two words?=", "two words"),  # a space within, against the rules
        (b"=?utf-7?q?+ADw-?=", "+ADw-"),
        (b"=?idna?q?a?= =?undefined?q?b?=", "ab"),
        (b"=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        (b"=?utf-8?q?abc", "=?utf-8?q?abc"),
        (b"=?utf-8?b?!?=", ""),
        (b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        (b"Gr\xfc\xdfe aus K\xf6ln", "Grüße aus Köln"),
        (b"=?utf-8?q?a=0D=0ABcc:_b=00c=07?=", "a  Bcc: bc"),
        (b"tab\there", "tab here"),
        (b"\x1b$B%W%j%s%?\x1b(B", "プリンタ"),
    ],
)
def test_header_is_decoded_to_one_clean_line(written, read):
    assert headers.decode(_raw(written)) == read


def test_over_long_field_keeps_its_beginning_and_its_end():
    line = headers.unfold("begin" + "x" * 1_000_000 + "end")
    assert len(line) <= headers.MAX_FIELD + 1
    assert (line[:5], line[-3:]) == ("begin", "end")


@in_turn(
    ("written", "value", "texts"),
    [
        ("text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ('Text/Plain; Charset="utf-8"; format=flowed', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ('a; name="x\\"y;z"', "a", {"name": 'x"y;z'}),
        ("a; name=one; name=two", "a", {"name": "one"}),
        ("a;;; nonsense; name=x ;", "a", {"name": "x"}),
        ('a; name="unclosed; b=c', "a", {"name": "unclosed", "b": "c"}),
        ("a; name*=utf-8''Gr%C3%BC%C3%9Fe.pdf", "a", {"name": "Grüße.pdf"}),
        ("a; name*0=one; name*1=two", "a", {"name": "onetwo"}),
        ("a; name*1=two; name*0=one", "a", {"name": "onetwo"}),
        ("a; name*0*=iso-8859-1''%E4; name*1*=%F6; name*2=\"%20\"", "a", {"name": "äö%20"}),
        ("a; name==?utf-8?q?=C3=A4?=", "a", {"name": "ä"}),
        ("a; name = x", "a", {"name": "x"}),
        ("", "", {}),
    ],
)
def test_parameters_are_read_as_programs_write_them(written, value, texts):
    found = headers.parameters(written)
    assert (found.value, found.texts) == (value, texts)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "written",
    [";" * 200_000, 'a;b="' * 40_000, "a; " + "x=1;" * 40_000, "a" + " ; " * 60_000, 'a; n="' + "\\" * 100_000],
)
def test_stuffed_parameters_are_read_in_linear_time(written):
    assert len(headers.parameters(written).texts) <= headers.MAX_PARAMETERS


@in_turn(
    ("written", "ids"),
    [
        ("<a@x>", ("<a@x>",)),
        ("<a@x> <b@x>\r\n <c@x>", ("<a@x>", "<b@x>", "<c@x>")),
        ("<a@x><b@x>", ("<a@x>", "<b@x>")),
        ("<a@x> <a@x>", ("<a@x>",)),
        ('Your message of "Mon" <a@x> (comment)', ("<a@x>",)),
        ("<a\r\n b@x>", ("<ab@x>",)),
        ("a@x, b@x", ("a@x", "b@x")),
        ("no id here", ()),
        ("<>", ()),
        ("", ()),
        ("<a\0\x07b@x>", ("<ab@x>",)),
        ("=?us-ascii?q?=3Ca=40x=3E?=", ("<a@x>",)),
        ("<" + "a" * 2000 + "@x>", ("<" + "a" * 997,)),
    ],
)
def test_message_ids_stay_as_written_but_clean(written, ids):
    assert headers.message_ids(written) == ids


def test_of_endless_references_the_first_and_the_last_stay():
    found = headers.message_ids(" ".join(f"<{n}@x>" for n in range(100_000)))
    assert len(found) == headers.MAX_IDS
    assert (found[0], found[-1]) == ("<0@x>", "<99999@x>")


@in_turn(
    ("written", "read"),
    [
        ("Mon, 17 Nov 2025 10:20:30 +0100", datetime(2025, 11, 17, 9, 20, 30, tzinfo=UTC)),
        ("17 Nov 25 10:20 EST", datetime(2025, 11, 17, 15, 20, tzinfo=UTC)),
        ("Mon, 17 Nov 2025 10:20:60 GMT (leap)", datetime(2025, 11, 17, 10, 20, 59, tzinfo=UTC)),
        ("Mon, 17 Nov 2025 10:20:30", datetime(2025, 11, 17, 10, 20, 30, tzinfo=UTC)),
        ("1 Jan 1980 00:00:00 +0000", None),
        ("1 Jan 2101 00:00:00 +0000", None),
        ("31 Feb 2025 00:00:00 +0000", None),
        ("Mon, 17 Nov 2025 10:20:30 +99999999999999", None),
        ("Mon, ² Nov 2025 10:20:30 +0000", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_date_is_utc_or_nothing(written, read):
    assert headers.date(written) == read
