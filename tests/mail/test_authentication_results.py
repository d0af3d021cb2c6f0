"""How far a From is proven: by the word of our own provider, and by nobody else's."""

from dataclasses import replace

import pytest

from maild.domain.people.directory import Trust
from maild.mail.headers.authentication_results import judge
from maild.mail.headers.border import TrustedServers
from maild.mail.reading.parse import read
from tests.domain.mail_scene import KAREN, mail
from tests.rig.misses import in_turn

TRUSTED = ("mx.acme.example", "mx2.acme.example")
TAKEN_IN = ("received", "from mail.client.example (mail.client.example [203.0.113.25]) by mx.acme.example with ESMTPS")
V, C, F = Trust.VERIFIED, Trust.CLAIMED, Trust.FAILED


def with_fields(*fields: str, sender=KAREN):
    """A mail with these fields above the Received of the server that took it in."""
    return replace(mail(sender), server_fields=(*(("authentication-results", each) for each in fields), TAKEN_IN))


def trust(*fields: str, trusted=TRUSTED, sender=KAREN) -> Trust:
    return judge(with_fields(*fields, sender=sender), TrustedServers(trusted)).trust


@in_turn(
    ("value", "expected"),
    [
        ("mx.acme.example; dmarc=pass header.from=client.example", V),
        ("mx.acme.example; dmarc=pass (p=reject dis=none) header.from=client.example", V),
        ("MX.Acme.Example 1; DMARC=Pass header.from=Client.Example", V),
        ("mx2.acme.example;\tspf=fail smtp.mailfrom=x@y.example;\tdmarc=pass header.from=client.example", V),
        ("mx.acme.example; dmarc=pass", V),
        ("mx.acme.example; dmarc/1 = pass header.from=client.example", V),
        ('"mx.acme.example"; dmarc=pass header.from=client.example', V),
        ("mx.acme.example; dmarc=fail header.from=client.example", F),
        ("mx.acme.example; dmarc=fail (p=none) header.from=client.example; dkim=pass header.d=client.example", F),
        ("mx.acme.example; dmarc=pass header.from=client.example; dmarc=fail header.from=client.example", F),
        ("mx.acme.example; dmarc=none header.from=client.example", C),
        ("mx.acme.example; dmarc=bestguesspass header.from=client.example", C),
        ("mx.acme.example; dmarc=temperror header.from=client.example", C),
        ("mx.acme.example; dmarc=pass header.from=evil.example", C),
        ("mx.acme.example; dmarc=fail header.from=evil.example", C),
        ("mx.acme.example; dkim=pass header.d=client.example", V),
        ("mx.acme.example; dkim=pass header.i=@client.example header.s=k1", V),
        ("mx.acme.example; dkim=pass header.i=karen@client.example", V),
        ('mx.acme.example; dkim=pass header.d="client.example"', V),
        ("mx.acme.example; dkim=pass header.d=evil.example", C),
        ("mx.acme.example; dkim=pass header.d=mail.client.example", C),
        ("mx.acme.example; dkim=pass header.d=example", C),
        ("mx.acme.example; dkim=pass header.d=notclient.example", C),
        ("mx.acme.example; dkim=fail header.d=client.example", C),
        ("mx.acme.example; dkim=pass", C),
        ("mx.acme.example; spf=pass smtp.mailfrom=karen@client.example", C),  # the envelope is not the From
        ("mx.acme.example; arc=pass header.d=client.example", C),
        ("mx.acme.example; none", C),
        ("mx.acme.example", C),
        ("", C),
        (";;;==;", C),
    ],
)
def test_only_what_is_aligned_with_the_from_proves_it(value, expected):
    assert trust(value) is expected


@pytest.mark.parametrize(
    "value",
    [
        "mx.evil.example; dmarc=pass header.from=client.example",
        "mx.acme.example.evil.example; dmarc=pass header.from=client.example",
        "(mx.acme.example) mx.evil.example; dmarc=pass header.from=client.example",
        "dmarc=pass header.from=client.example",
        "; dmarc=pass header.from=client.example",
    ],
)
def test_nobody_elses_word_counts(value):
    assert trust(value) is C


def test_every_field_of_our_servers_at_the_border_counts():
    nothing = "mx.acme.example; dmarc=none header.from=client.example"
    passed = "mx2.acme.example; dmarc=pass header.from=client.example"
    failed = "mx.acme.example; dmarc=fail header.from=client.example"
    assert trust(nothing, passed) is V
    assert trust(passed, nothing) is V
    assert trust("mx.acme.example; spf=pass", "mx.acme.example; dkim=pass header.d=client.example") is V
    assert trust("mx.evil.example; dmarc=pass", passed) is V
    assert trust(failed, passed) is F
    assert trust(passed, failed) is F
    assert trust("mx.acme.example; dkim=pass header.d=client.example", nothing, failed) is F
    assert trust(passed, "mx.acme.example; dmarc=fail header.from=other.example") is V
    assert trust(passed, "mx.acme.example; dkim=fail header.d=client.example; spf=fail") is V
    assert trust(passed, "mx.evil.example; dmarc=fail header.from=client.example") is V


@in_turn(
    "value",
    [
        'mx.acme.example; spf=fail smtp.mailfrom="x; dmarc=pass header.from=client.example"@evil.example',
        'mx.acme.example; spf=fail smtp.mailfrom="\\"; dmarc=pass header.from=client.example"@evil.example',
        "mx.acme.example; dkim=none (because (it had) ; dmarc=pass header.from=client.example )",
        "mx.acme.example; dkim=none (\\) ; dmarc=pass header.from=client.example )",
        'mx.acme.example; dkim=pass header.d=evil.example header.i="a header.d=client.example "@evil.example',
        'mx.acme.example; dkim=pass header.d=evil.example header.i="a@client.example"',
        "mx.acme.example; dkim=none (; dmarc=pass header.from=client.example",
        'mx.acme.example; spf=fail smtp.mailfrom="; dmarc=pass header.from=client.example',
        "mx.acme.example; dkim=none reason=dmarc=pass header.from=client.example",
    ],
)
def test_what_a_sender_can_put_into_quotes_or_comments_is_no_result(value):
    assert trust(value) is not V


def test_a_field_of_any_length_is_read_as_far_as_it_makes_sense():
    assert trust("mx.acme.example; " + "(" * 100_000) is C
    assert trust("mx.acme.example; " + "x=y " * 100_000 + "; dmarc=pass") is C


def test_without_anybody_trusted_nothing_is_proven_and_nothing_refuted():
    assert trust("mx.acme.example; dmarc=pass header.from=client.example", trusted=()) is C
    assert trust("mx.acme.example; dmarc=fail header.from=client.example", trusted=()) is C
    assert trust() is C


def test_a_mail_without_one_sender_is_proven_by_nothing():
    value = "mx.acme.example; dmarc=pass header.from=client.example"
    assert trust(value, sender=None) is F
    assert trust(value, sender=None, trusted=()) is C


def test_the_reason_says_what_was_found():
    assert judge(with_fields("mx.acme.example; dmarc=pass"), TrustedServers(TRUSTED)).reason == (
        "dmarc=pass for client.example"
    )
    assert judge(with_fields(), TrustedServers(TRUSTED)).reason == (
        "no Authentication-Results by mx.acme.example, mx2.acme.example counts: there is none above the Received by "
        "mx.acme.example from 203.0.113.25"
    )


def test_a_folded_field_of_a_real_mail_is_read():
    raw = (
        b"Authentication-Results: mx.acme.example;\r\n\tdkim=pass (2048-bit key)\r\n"
        b" header.d=client.example header.i=@client.example;\r\n\tdmarc=pass (policy=reject)\r\n"
        b" header.from=client.example\r\nReceived: from mail.client.example (mail.client.example [203.0.113.25])\r\n"
        b"\tby mx.acme.example with ESMTPS; Mon, 4 May 2026 09:00:00 +0000\r\n"
        b"From: Karen <karen@client.example>\r\n\r\nHello\r\n"
    )
    assert judge(read(raw), TrustedServers(TRUSTED)).trust is V
