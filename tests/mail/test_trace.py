"""The trace of a mail, by mail-parser, on demand."""

from datetime import UTC, datetime

from maild.mail.headers.trace import trace

RAW = b"""Received: from mx.client.example (mx.client.example [1.2.3.4]) by mx.acme.example with ESMTPS
 id abc; Mon, 17 Nov 2025 09:20:35 +0000
Received: from desk.client.example (desk [10.0.0.7]) by mx.client.example with ESMTPA id def;
 Mon, 17 Nov 2025 10:20:30 +0100
From: karen@client.example
Subject: x

hello
"""


def test_hops_come_oldest_first_with_their_delays():
    found = trace(RAW, trusted_server="mx.acme.example")
    assert [hop.taken_by for hop in found.hops] == ["mx.client.example", "mx.acme.example"]
    assert [hop.delay for hop in found.hops] == [0.0, 5.0]
    assert found.hops[0].at == datetime(2025, 11, 17, 9, 20, 30, tzinfo=UTC)
    assert (found.first_outside, found.failure) == ("1.2.3.4", "")


def test_mail_without_hops_has_an_empty_trace():
    found = trace(b"From: karen@client.example\r\n\r\nx")
    assert (found.hops, found.first_outside, found.failure) == ((), "", "")


def test_mail_that_breaks_mail_parser_has_a_failure_in_words():
    unending = b'Content-Type: multipart/mixed; boundary="b"\r\nFrom: a@b.c\r\n\r\n--b\r\n'
    found = trace(unending + b'Content-Type: multipart/mixed; boundary="never"\r\n\r\nno boundary here\r\n')
    assert found.hops == ()
    assert "mail-parser" in found.failure
