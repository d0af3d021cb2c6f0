"""Limits at the bytes: what is counted, what is cut, what stays readable."""

import pytest

from maild.mail.reading import limits, parse
from maild.mail.reading.limits import Limits
from tests.rig.misses import in_turn

SMALL = Limits(max_bytes=20_000, header_bytes=2_000, header_fields=20, received=5, parts=10, depth=5, lines=500)
HEAD = b"From: karen@client.example\r\nSubject: help\r\nMessage-ID: <1@client.example>\r\n"


def nested(depth):
    opening = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    levels = (opening % (level, level) for level in range(depth))
    return HEAD + b"".join(levels) + b"Content-Type: text/plain\r\n\r\ndeep\r\n"


def flat(parts):
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * parts + b"--b--\r\n"


@in_turn(
    ("raw", "name", "found"),
    [
        (HEAD + b"\r\n" + b"x" * 30_000, "max_bytes", 30_077),
        (HEAD + b"X-A: " + b"x" * 3_000 + b"\r\n\r\nbody", "header_bytes", 3_082),
        (b"X-A: 1\r\n" * 30 + HEAD + b"\r\nbody", "header_fields", 33),
        (b"Received: x\r\n" * 6 + HEAD + b"\r\nbody", "received", 6),
        (b"received: x\nRECEIVED: y\n" * 3 + HEAD + b"\r\nbody", "received", 6),
        (flat(11), "parts", 11),
        (nested(6), "depth", 6),
        (HEAD + b"\r\n" + b"\n" * 600, "lines", 604),
        (HEAD + b"\r\n" + b"\r" * 600, "lines", 604),
    ],
)
def test_breach_is_named_with_what_was_found(raw, name, found):
    breaches = limits.check(raw, SMALL)
    assert [(breach.name, breach.found) for breach in breaches] == [(name, found)]
    assert breaches[0].allowed == getattr(SMALL, name)
    assert f"{breaches[0].allowed:,}" in breaches[0].sentence


@pytest.mark.parametrize("raw", [b"", b"\r\n", HEAD, HEAD + b"\r\nhello\r\n", flat(10), nested(5)])
def test_mail_within_limits_has_no_breach_and_stays_untouched(raw):
    found = limits.survey(raw, SMALL)
    assert found.breaches == ()
    assert found.readable is raw


def test_defaults_are_those_of_the_contract():
    found = Limits()
    assert (found.max_bytes, found.header_bytes, found.header_fields) == (25 * 2**20, 128 * 2**10, 1_000)
    assert (found.received, found.parts, found.depth) == (50, 500, 40)


def test_mail_with_too_many_parts_keeps_the_first_ones():
    message = parse.read(flat(11), limits=SMALL)
    assert (message.subject, message.text) == ("help", "\n\n".join("x" * 10))
    assert any("too many parts" in defect for defect in message.defects)


def test_mail_nested_too_deep_keeps_its_header():
    message = parse.read(nested(1_000), limits=SMALL)
    assert (message.subject, str(message.sender.address)) == ("help", "karen@client.example")
    assert any("nested too deep" in defect for defect in message.defects)


def test_sender_and_subject_are_found_behind_too_many_fields():
    message = parse.read(b"X-A: 1\r\n" * 5_000 + HEAD + b"\r\nbody\r\n")
    assert (message.subject, str(message.sender.address), message.text) == ("help", "karen@client.example", "body")
    assert len(message.headers["x-a"]) <= 100


def test_second_from_behind_too_many_fields_still_makes_the_sender_doubtful():
    message = parse.read(HEAD + b"X-A: 1\r\n" * 5_000 + b"From: evil@evil.example\r\n\r\nbody\r\n")
    assert message.sender is None


def test_too_large_mail_keeps_its_beginning():
    message = parse.read(HEAD + b"\r\nbegin " + b"x" * 30_000, limits=SMALL)
    assert message.text.startswith("begin x")
    assert message.size > SMALL.max_bytes
    assert any("too large" in defect for defect in message.defects)


def test_many_received_fields_are_a_breach_and_nothing_is_cut():
    raw = b"Received: x\r\n" * 6 + HEAD + b"\r\nbody\r\n"
    message = parse.read(raw, limits=SMALL)
    assert (message.hops, message.text) == (6, "body")


def test_attachment_of_a_cut_mail_is_extracted_from_the_same_beginning():
    pdf = b"--b\r\nContent-Type: application/pdf\r\n\r\nPDF\r\n"
    raw = HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + pdf * 50
    message = parse.read(raw, limits=SMALL)
    assert len(message.attachments) == SMALL.parts
    assert parse.extract(raw, message.attachments[-1].part, limits=SMALL) == b"PDF"


def test_deep_mail_with_bare_carriage_returns_is_seen_as_well():
    raw = nested(6).replace(b"\r\n", b"\r")
    assert [breach.name for breach in limits.check(raw, SMALL)] == ["depth"]


def test_many_lines_are_too_many_far_below_the_top():
    """The parser compares each line with the boundaries of all levels around it."""
    limit = Limits(lines=1_000)
    few, many = b"x\r\n" * 190, b"x\r\n" * 800
    assert [limits.check(nested(depth) + many, limit) for depth in (1, 8)] == [(), ()]
    (breach,) = limits.check(nested(32) + many, limit)
    assert (breach.name, breach.allowed) == ("lines", 250)
    assert limits.survey(nested(32) + many, limit).readable.count(b"\n") == 250
    assert limits.check(nested(10) + few, limit) == ()
    assert parse.read(nested(32) + many, limits=limit).text.startswith("deep\nx")
