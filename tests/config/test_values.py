"""Durations, sizes, hours, zones, addresses and places to listen, read from text."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.config import Endpoint, values
from maild.domain.people.directory import Address
from maild.domain.times.calendars import Span
from tests.rig.misses import in_turn


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0s", timedelta()),
        ("60s", timedelta(minutes=1)),
        ("15m", timedelta(minutes=15)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("30d", timedelta(days=30)),
        ("2w1d", timedelta(days=15)),
    ],
)
def test_durations(text: str, length: timedelta):
    assert values.read_duration(text) == length


@given(st.integers(0, 10**9))
def test_a_duration_is_shown_as_it_can_be_read(seconds: int):
    length = timedelta(seconds=seconds)
    assert values.read_duration(values.show_duration(length)) == length


@in_turn("text", ["", "60", "s", "1.5h", "30m1h", "1h1h", "1h 30m", "-1h", "1y", "one hour", "٣m"])
def test_what_is_no_duration(text: str):
    with pytest.raises(ValueError, match=r"duration|negative"):
        values.read_duration(text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [("25 MiB", 25 * 2**20), ("128KiB", 2**17), ("1 GB", 10**9), ("512", 512), ("1.5 MiB", 3 * 2**19), ("0 B", 0)],
)
def test_sizes(text: str, octets: int):
    assert values.read_size(text) == octets


@given(st.integers(0, 2**45))
def test_a_size_is_shown_as_it_can_be_read(octets: int):
    assert values.read_size(values.show_size(octets)) == octets


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("08:00-17:00", Span(480, 1020)),
        ("8:00 - 17:00", Span(480, 1020)),
        ("22:00-06:00", Span(1320, 1800)),
        ("24h", Span(0, 1440)),
        ("00:00-24:00", Span(0, 1440)),
        ("17:00-00:00", Span(1020, 1440)),
    ],
)
def test_opening_hours(text: str, span: Span):
    assert values.read_span(text) == span


@pytest.mark.parametrize("text", ["", "8-17", "08:00", "08:60-09:00", "25:00-26:00", "24:00-06:00", "09:00-09:00"])
def test_what_are_no_opening_hours(text: str):
    with pytest.raises(ValueError):
        values.read_span(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [("Berlin", "Europe/Berlin"), ("New York", "America/New_York"), ("Europe/Londn", "Europe/London")],
)
def test_an_unknown_time_zone_is_told_with_the_nearest(text: str, hint: str):
    with pytest.raises(ValueError, match=f"did you mean '{hint}'"):
        values.read_zone(text)


def test_an_internationalised_domain_becomes_its_a_label():
    address = values.read_address("Hilfe@Bücher.example")
    assert address == Address("Hilfe", "xn--bcher-kva.example")
    assert str(address) == "Hilfe@xn--bcher-kva.example"


@in_turn(
    "text",
    ["", "a", "@b.example", "a@", "a@b@c.example", "a b@c.example", "<a@b.example>", ".a@b.example", "a@-b.example"],
)
def test_what_is_no_address(text: str):
    with pytest.raises(ValueError, match="not an address"):
        values.read_address(text)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("127.0.0.1:2525", Endpoint(host="127.0.0.1", port=2525)),
        ("[::1]:2525", Endpoint(host="::1", port=2525)),
        ("localhost:0", Endpoint(host="localhost", port=0)),
        ("systemd:smtp", Endpoint(name="smtp")),
        ("/run/maild/lmtp.sock", Endpoint(path=Path("/run/maild/lmtp.sock"))),
    ],
)
def test_places_to_listen_are_shown_as_they_are_written(text: str, endpoint: Endpoint):
    assert values.read_endpoint(text, Path("/etc/maild")) == endpoint
    assert str(endpoint) == text
    assert endpoint.local


def test_a_star_listens_everywhere():
    endpoint = values.read_endpoint("*:25", Path("/etc"))
    assert str(endpoint) == "0.0.0.0:25"
    assert not endpoint.local


def test_the_path_of_a_socket_starts_at_the_folder_and_must_not_be_too_long():
    assert values.read_endpoint("run/lmtp.sock", Path("/srv")).path == Path("/srv/run/lmtp.sock")
    with pytest.raises(ValueError, match="at most 107 bytes"):
        values.read_endpoint("/" + "x" * 107, Path("/"))


@pytest.mark.parametrize(
    ("host", "is_here"), [("localhost", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False)]
)
def test_loopback(host: str, is_here: bool):
    assert values.is_loopback(host) is is_here


def test_a_star_alone_is_a_pattern_for_anything():
    assert values.read_pattern("*") == ".*"


@pytest.mark.parametrize(
    ("value", "start"),
    [
        ("now", "now"),
        ("all", "all"),
        ("2026-01-31", datetime.fromisoformat("2026-01-31")),
        (date(2026, 1, 31), datetime.fromisoformat("2026-01-31")),
        ("2026-01-31T12:00+01:00", datetime.fromisoformat("2026-01-31T12:00+01:00")),
    ],
)
def test_where_a_mailbox_starts(value: object, start: object):
    assert values.read_start(value) == start


@pytest.mark.parametrize(
    "read",
    [
        values.read_duration,
        values.read_size,
        values.read_span,
        values.read_zone,
        values.read_host,
        values.read_address,
        values.read_language,
        values.read_pattern,
        values.read_start,
    ],
)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_as_a_value(read: Callable[[str], object], text: str):
    with suppress(ValueError):
        read(text)
