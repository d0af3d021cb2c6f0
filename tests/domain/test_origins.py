"""Lists that feed us, spam as the provider marks it, and robots."""

import pytest

from maild.config.expressions import Pattern
from maild.config.filters import build_spam_marks
from maild.config.tables import SpamTable
from maild.domain.intake.spam_and_robots import (
    HeaderMark,
    MailingList,
    Robots,
    SpamMarks,
    list_that_brought,
    read_list_id,
)
from tests.rig.misses import in_turn

GROUP = MailingList(id="support.groups.example")
POSTED = MailingList(address="support@groups.example")


@pytest.mark.parametrize(
    ("value", "identifier"),
    [
        ("Acme <support> group <Support.Groups.example>", "support.groups.example"),
        ("<support.groups.example>", "support.groups.example"),
        ("support.groups.example", "support.groups.example"),
        ("", ""),
        ("<" * 5000, "<" * 1000),
    ],
)
def test_the_identifier_of_a_list(value: str, identifier: str):
    assert read_list_id(value) == identifier


@pytest.mark.parametrize(
    ("mailing_list", "ids", "addresses", "brought"),
    [
        (GROUP, ["Acme <SUPPORT.groups.example>"], [], True),
        (GROUP, ["Acme <other.groups.example>"], ["support@groups.example"], False),
        (GROUP, ["<evil.support.groups.example>"], [], False),
        (POSTED, [], ["karen@client.example", "Support@Groups.example"], True),
        (POSTED, ["support@groups.example"], [], False),
        (MailingList("a.example", "a@b.example"), [], ["a@b.example"], True),  # either is enough
        (MailingList(), [""], [""], False),
    ],
)
def test_which_mail_a_list_brought(mailing_list: MailingList, ids: list[str], addresses: list[str], brought: bool):
    other = MailingList(id="never.example")
    assert list_that_brought((other, mailing_list), ids, addresses) == (mailing_list if brought else None)


MARKS = [
    ({"x-spam-flag": ("YES",)}, "X-Spam-Flag: YES"),
    ({"x-spam-flag": ("NO",)}, ""),
    ({"x-spam-status": ("Yes, score=12.3 required=5.0",)}, "X-Spam-Status: Yes, score=12.3 required=5.0"),
    ({"x-spam-status": ("No, score=-1.0, tests=YES",)}, ""),
    ({"x-forefront-antispam-report": ("CIP:192.0.2.1;SFV:SPM;H:x",)}, "X-Forefront-Antispam-Report: CIP:192.0.2.1;"),
    ({"x-forefront-antispam-report": ("CIP:192.0.2.1;SFV:NSPM;H:x",)}, ""),
    ({"x-ms-exchange-organization-scl": ("4",)}, ""),
    ({"x-ms-exchange-organization-scl": (" 5 ",)}, "X-MS-Exchange-Organization-SCL: 5"),
    ({"x-ms-exchange-organization-scl": ("9",)}, "X-MS-Exchange-Organization-SCL: 9"),
    ({"x-ms-exchange-organization-scl": ("-1",)}, ""),
    ({"x-ms-exchange-organization-scl": ("50",)}, ""),
    ({"x-spam-flag": ("no", "yes")}, "X-Spam-Flag: yes"),
    ({"subject": ("YES",)}, ""),
    ({}, ""),
]


@in_turn(("headers", "mark"), MARKS)
def test_marks_of_the_usual_filters(headers: dict[str, tuple[str, ...]], mark: str):
    found = build_spam_marks(SpamTable()).found(headers)
    assert found.startswith(mark) if mark else found == ""


def test_marks_of_the_admin_take_their_place():
    marks = SpamMarks((HeaderMark("X-Our-Filter", Pattern("bad")),))
    assert marks.found({"x-our-filter": ("very BAD",)}) == "X-Our-Filter: very BAD"
    assert marks.found({"x-spam-flag": ("YES",)}) == ""


def test_robots_are_known_by_their_address():
    robots = Robots(("*@monitor.example", "scanner@*.acme.example"))
    assert robots.wrote("Alert@Monitor.example") == "*@monitor.example"
    assert robots.wrote("scanner@floor2.acme.example") == "scanner@*.acme.example"
    assert robots.wrote("karen@client.example") == ""
    assert Robots().wrote("karen@client.example") == ""
