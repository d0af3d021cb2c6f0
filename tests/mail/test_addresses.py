"""Identity: one strict reader of From, and which addresses are one person."""

import pytest

from maild.domain.people.directory import Address
from maild.mail.headers.addresses import address, people, sender
from tests.rig.misses import in_turn


def _raw(text):
    """A field as the parser hands it over: bytes beyond ASCII as surrogates."""
    return text.encode("utf-8").decode("ascii", "surrogateescape")


@in_turn(
    ("written", "identity"),
    [
        ("alice@example.org)bob@evil.com", None),
        ('"alice@example.org" <bob@evil.com>', "bob@evil.com"),
        ("alice@example.org <bob@evil.com>", "bob@evil.com"),
        ("alice@example.org,bob@evil.com", None),
        ("=?utf-8?q?x=40evil.com=3e?=@good.com", None),
        ("a@b@c.d", None),
        ("<a@b.c>, <d@e.f>", None),
        ("Support <support@x.com> <evil@e.e>", None),
    ],
)
def test_doubtful_from_is_the_bracketed_address_or_nobody(written, identity):
    found = sender([written])
    assert (str(found.address) if found else None) == identity


@in_turn(
    ("written", "identity", "name"),
    [
        ("karen@client.example", "karen@client.example", ""),
        ("Karen <karen@client.example>", "karen@client.example", "Karen"),
        ('"Miller, Karen" <Karen@Client.Example>', "Karen@client.example", "Miller, Karen"),
        ("Miller, Karen <karen@client.example>", "karen@client.example", "Miller, Karen"),
        ('"Karen \\"K\\" Miller" <karen@client.example>', "karen@client.example", 'Karen "K" Miller'),
        ("karen@client.example (Karen Miller)", "karen@client.example", "Karen Miller"),
        ("=?utf-8?q?J=C3=B6rg?= <joerg@client.example>", "joerg@client.example", "Jörg"),
        ("=?utf-8?q?evil=40x=2Ey?= <karen@client.example>", "karen@client.example", "evil@x.y"),
        (_raw("Jörg <jörg@client.example>"), "jörg@client.example", "Jörg"),
        ("<o'brien+tag@sub.client.example>", "o'brien+tag@sub.client.example", ""),
        ("'Karen' <karen@client.example>", "karen@client.example", "Karen"),
        ("root@localhost", "root@localhost", ""),
    ],
)
def test_honest_from_gives_address_and_name(written, identity, name):
    found = sender([written])
    assert (str(found.address), found.name) == (identity, name)


@in_turn(
    "written",
    [
        "",
        "Karen",
        "<>",
        '"karen miller"@client.example',
        "karen@[192.0.2.1]",
        "<@relay.example:karen@client.example>",
        "Team: karen@client.example;",
        "karen@client.example; bob@client.example",
        "karen @client.example",
        "karen..m@client.example",
        ".karen@client.example",
        "karen@client..example",
        "karen@-client.example",
        "karen@client.example.",
        '"unclosed <karen@client.example>',
        "<karen@client.example",
        "karen@client.example>",
        "<karen@client.example> trailing",
        "(comment) (two) karen@client.example",
        "karen@client.example (bob@evil.example)",
        "karen(x)@client.example <bob@evil.example> (",
        "bob@evil.example, Karen <karen@client.example>",
        "ka\x00ren@client.example",
        "<karen@client.example\u2028>",
        "k" * 129 + "@client.example",
        "karen@" + "a." * 130 + "example",
        "x" * 20_000 + " <karen@client.example>",
    ],
)
def test_unclear_from_is_nobody(written):
    assert sender([written]) is None


def test_from_that_is_absent_or_doubled_is_nobody():
    assert sender([]) is None
    assert sender(["karen@client.example", "karen@client.example"]) is None


@in_turn(
    ("one", "other"),
    [
        ("admin@client.example", "аdmin@client.example"),  # Cyrillic
        ("mike@client.example", "mıke@client.example"),  # dotless i
        ("kelvin@client.example", "\u212aelvin@client.example"),  # Kelvin sign
        ("x@client.example", "x@\u212alient.example"),
        ("x@exámple.com", "x@example.com"),
        ("x@gmail.com", "x@ｇmail.com"),  # full-width
        ("straße@client.example", "strasse@client.example"),
        ("x@straße.example", "x@strasse.example"),
        ("bob@client.example", "bob\u200b@client.example"),
    ],
)
def test_letters_that_look_alike_are_different_people(one, other):
    first, second = address(_raw(one)), address(_raw(other))
    assert first is not None
    assert first != second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("user@xn--exmple-qta.com", "user@exámple.com"),
        ("user@EXÁMPLE.com", "user@exámple.com"),
        ("jos\u00e9@client.example", "jose\u0301@client.example"),
        ("Karen@Client.Example", "karen@client.example"),
    ],
)
def test_spellings_of_one_address_are_one_person(one, other):
    first, second = address(_raw(one)), address(_raw(other))
    assert first is not None
    assert first == second


def test_bytes_that_are_no_utf8_are_no_address():
    assert address("karen\udcff@client.example") is None
    assert address("karen@client\udcff.example") is None


def test_punycode_that_decodes_to_nothing_is_no_address():
    assert address("user@xn--a.example") is None


def test_recipients_are_read_through_groups_and_broken_neighbours():
    written = 'undisclosed:;, "A, B" <ab@client.example>, broken@@x, AB@client.example, Team: t@client.example;'
    assert [str(person.address) for person in people([written])] == ["ab@client.example", "t@client.example"]


def test_name_loses_everything_invisible():
    found = sender(["=?utf-8?q?=E2=80=AEJane=00=1B=5B31m=E2=80=8B_=0D=0ADoe=F3=A0=80=A0?= <jane@client.example>"])
    assert found.name == "Jane[31m Doe"


def test_address_equality_ignores_ascii_case_alone():
    assert Address("Karen", "client.example") == Address("karen", "CLIENT.example")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "written",
    ['"' * 100_000, "(" * 100_000, '"\\' * 50_000, "<" * 100_000, "a@b.c," * 50_000, "a" * 100_000, ":" * 100_000],
)
def test_endless_address_fields_are_read_in_linear_time(written):
    assert sender([written]) is None
    assert len(people([written])) <= 1
