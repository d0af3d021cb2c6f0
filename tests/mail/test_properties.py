"""What holds for any bytes: reading never raises, gives clean text, and cuts only what stood there."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maild.mail.headers import fields as headers
from maild.mail.headers.addresses import people, sender
from maild.mail.quoting.cut import cut
from maild.mail.quoting.html import cut_html
from maild.mail.reading import dsn_wording as dsn_texts
from maild.mail.reading import enriched, html, invitations, limits, markers, parse, winmail
from maild.mail.reading.attachments import safe_name
from maild.mail.reading.flowed import decode as unflow
from maild.mail.reading.forward import is_announced
from maild.mail.text.charsets import decode
from maild.mail.text.cleaning import body_text
from tests.mail.mutations import mutated
from tests.mail.readers import check_clean

TRIED = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Pieces of mails in any order: more often a mail than random bytes are, and less often a good one.
PIECES = st.sampled_from(
    [
        *(
            b"From: ",
            b"Subject: ",
            b"Date: ",
            b"Message-ID: ",
            b"References: ",
            b"To: ",
            b"Content-Type: ",
            b"Received: ",
        ),
        *(
            b"Content-Transfer-Encoding: ",
            b"Content-Disposition: attachment; filename",
            b"\r\n",
            b"\n",
            b"\r",
            b"\r\n\r\n",
        ),
        *(
            b"multipart/mixed; boundary=b",
            b"multipart/alternative; boundary=c",
            b"multipart/digest; boundary=b",
            b"--b",
        ),
        *(
            b"--c",
            b"--b--",
            b"--",
            b"text/html",
            b"text/plain; charset=",
            b"message/rfc822",
            b"message/delivery-status",
        ),
        *(
            b"multipart/report; report-type=delivery-status; boundary=b",
            b"Action: failed",
            b"Final-Recipient: rfc822;a@b",
        ),
        *(
            b"=?utf-8?q?=C3?=",
            b"=?x?b?\xff?=",
            b"=?",
            b"?=",
            b"<a@b.c>",
            b"karen@client.example",
            b'"',
            b"(",
            b"<",
            b">",
        ),
        *(
            b"utf-8",
            b"utf-7",
            b"utf-16",
            b"iso-2022-jp",
            b"idna",
            b"base64",
            b"quoted-printable",
            b"format=flowed",
            b";",
        ),
        *(b"*0*=", b"''%", b"\0", b"\xff", b"\xc3\xa4", b"\x1b$B", b" ", b"\t", b"\xe2\x80\xae", b"AAAA", b"=", b"=3D"),
        *(b"<blockquote type=cite>", b"<div id=appendonsend>", b"<p>", b"<td>", b"<pre>", b"On 2025 10:10 a@b wrote:"),
        *(b"> ", b"-- ", b"Mon, 17 Nov 2025 10:20:30 +0100", b"99999999999999999999", b"-----Original Message-----"),
    ]
)
MAILS = st.one_of(st.binary(max_size=2000), st.lists(PIECES, max_size=80).map(b"".join))
TEXTS = st.lists(
    st.sampled_from(
        [
            *("", " ", "new words", "> quoted", ">> deeper", "On 2025-11-17 10:12, Ana <a@b.c> wrote:", "-- ", "--"),
            *(
                "From: Ana",
                "Sent: Monday",
                "To: Karen",
                "Subject: x",
                "-----Original Message-----",
                "Sent from my iPhone",
            ),
            *(
                "________________________________",
                "---------- Forwarded message ---------",
                "On 17 Nov 2025",
                ">>> x",
                ":",
            ),
            *(
                "Am 17.11.25 schrieb Ana:",
                "we replaced the fuser on floor seven today",
                "please print a page now",
                "\0\r",
            ),
        ]
    ),
    max_size=40,
).map("\n".join)
KNOWN = st.sampled_from([(), ("we replaced the fuser on floor seven today\nplease print a page now",)])


@TRIED
@given(MAILS)
def test_reading_never_raises_and_gives_clean_text(raw):
    message = parse.read(raw)
    check_clean(message)
    assert message.size == len(raw)


@TRIED
@given(MAILS)
def test_every_pointer_can_be_followed(raw):
    for attachment in parse.read(raw).attachments:
        assert len(parse.extract(raw, attachment.part)) == attachment.size


@pytest.mark.parametrize("seed", range(4))
def test_mutated_mails_are_read(seed):
    for raw in mutated(seed, 400):
        message = parse.read(raw)
        check_clean(message)
        for attachment in message.attachments:
            assert len(parse.extract(raw, attachment.part)) == attachment.size


@TRIED
@given(MAILS)
def test_what_the_limits_leave_is_within_the_limits(raw):
    small = limits.Limits(max_bytes=1500, header_bytes=1200, header_fields=10, parts=3, depth=2, lines=60)
    left = limits.survey(raw, small).readable
    assert len(left) <= small.max_bytes + small.header_bytes
    assert {breach.name for breach in limits.check(left, small)} <= {"header_bytes", "header_fields"}
    parse.read(raw, limits=small)


@TRIED
@given(TEXTS, KNOWN)
def test_cut_keeps_lines_of_the_text_in_their_order(text, known):
    found = cut(text, known_texts=known)
    lines = iter(text.split("\n"))
    assert all(line in lines for line in found.new_text.split("\n")) or found.kept_everything
    assert found.new_text.strip() or not text.strip()
    assert 0 <= found.forwarded_lines <= len(found.new_text.split("\n"))
    assert found.folded_lines <= len(text.split("\n"))


@TRIED
@given(TEXTS, KNOWN)
def test_cut_of_a_cut_text_adds_nothing(text, known):
    once = cut(text, known_texts=known).new_text
    twice = cut(once, known_texts=known).new_text
    lines = iter(once.split("\n"))
    assert all(line in lines for line in twice.split("\n"))


@TRIED
@given(st.text(max_size=3000))
def test_any_text_is_cut_unflowed_and_read_as_html(text):
    cut(text, known_texts=[text])
    unflow(text)
    html.to_text(text).encode("utf-8", "surrogatepass")
    html.to_text(cut_html(text))
    html.sanitise(text)
    safe_name(text)


@TRIED
@given(st.binary(max_size=500), st.text(max_size=30))
def test_any_bytes_decode_by_any_label(octets, label):
    decode(octets, label)[0].encode("utf-8")


@TRIED
@given(st.binary(max_size=500))
def test_any_field_is_read(octets):
    raw = octets.decode("ascii", "surrogateescape")
    headers.decode(raw).encode("utf-8")
    headers.parameters(raw)
    headers.message_ids(raw)
    headers.date(raw)
    people([raw])
    found = sender([raw])
    assert found is None or "@" in str(found.address)


@TRIED
@given(st.lists(st.sampled_from(list('<>@,;:"\\() ab.')), max_size=40).map("".join))
def test_identity_is_one_address_that_stands_in_the_field(raw):
    found = sender([raw])
    if found is not None:
        assert f"{found.address.local}@{found.address.domain}" in raw
        assert raw.count("<") <= 1 or '"' in raw or "(" in raw or "\\" in raw


# Pieces of what the small readers read.
WORDS = st.lists(
    st.sampled_from(
        [
            *("BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "METHOD:REPLY", "SUMMARY:x", "DTSTART:20261124T100000Z"),
            *("DTSTART;VALUE=DATE:20260230", "DTEND:00000000", 'ATTENDEE;CN="a;PARTSTAT=ACCEPTED:mailto:x', " y", ";:"),
            *("<bold>", "</param>", "<param>", "<nofill>", "<<", "<", "<nl>", "\n", "\n\n", "\r\n", "\0", "\ud800"),
            *("ref:a1u1s1.1.k3f9q2m1x0abcdef", "REF: ", "the following address(es) failed:", "<gone@client.example>:"),
            *("550 5.1.1 no", "Message-ID:", "<a@b>", "From: a@b", "To: b", "your message to", "has been delayed", "@"),
        ]
    ),
    max_size=60,
).map(" ".join)


def _read_all(text):
    """Every small reader; each gives clean text or nothing. What they read was cleaned before."""
    text = body_text(text)
    found = invitations.read(text)
    found.line.encode()
    assert len(found.line.splitlines()) <= 1
    enriched.to_text(text)
    enriched.to_text(text, rich=True)
    assert len(markers.find([text, text])) <= markers.MAX_MARKERS
    is_announced(text)
    fields = {"from": ["mailer-daemon@client.example"], "x-failed-recipients": [text[:200]]}
    for status in (*dsn_texts.statuses({"from": fields["from"]}, text), *dsn_texts.statuses(fields, text)):
        assert "@" in status.recipient
        assert len(status.diagnostic.splitlines()) <= 1
    dsn_texts.original_message_id(text)
    opened = winmail.open_container(b"\x78\x9f\x3e\x22\0\0" + text.encode("utf-8", "replace"))
    assert opened.failure or isinstance(opened.files, tuple)


@TRIED
@given(st.one_of(WORDS, st.text(max_size=500)))
def test_small_readers_never_raise(text):
    _read_all(text)


@pytest.mark.soak
@settings(max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(WORDS, st.text(max_size=2_000)))
def test_small_readers_never_raise_over_a_long_time(text):
    _read_all(text)


@pytest.mark.soak
@settings(max_examples=50_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(MAILS)
def test_reading_never_raises_over_a_long_time(raw):
    check_clean(parse.read(raw))


@pytest.mark.soak
def test_hundred_thousand_mutated_mails_are_read():
    for raw in mutated(99, 100_000):
        check_clean(parse.read(raw))
