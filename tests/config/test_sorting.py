"""Topics, rules, bans, lists, spam marks, robots and attachments, as the file says them."""

from pathlib import Path

import pytest

from maild.config import Endpoint, describe
from maild.config.expressions import Pattern
from maild.config.filters import build_spam_marks
from maild.config.settings import AttachmentSettings
from maild.config.tables import SpamTable
from maild.domain.intake.rules import Ban, Match, Rule, Topic, name_fits
from maild.domain.intake.spam_and_robots import HeaderMark, MailingList, Robots, SpamMarks
from tests.config.writing import loaded, problems
from tests.rig.misses import in_turn

CONDITIONS = """
[[rule]]
[rule.when]
from = "*@BÜCHER.example"
to = "web+*@*"
address = "Web@acme.example"
header = { X-Form = "contact", "X-Two" = "2" }
body = "b"
attachment = "*.ics"
class = "automatic"
[rule.then]
requester = "reply-to"
join = 'order (\\d+)'
resolve_on = "done"
mute = true
tag = "one"
tags = ["two", "one"]
[[rule]]
when = { class = ["list", "person"] }
then = { requester = "sender", reject = true }
"""


def test_a_rule_with_everything(tmp_path: Path):
    first, second = loaded(tmp_path, CONDITIONS).rules
    assert first == Rule(
        Match(
            from_="*@xn--bcher-kva.example",
            to="web+*@*",
            address="web@acme.example",
            header=(("X-Form", "contact"), ("X-Two", "2")),
            body="b",
            attachment="*.ics",
            class_=("automatic",),
        ),
        requester="reply-to",
        join=r"order (\d+)",
        resolve_on="done",
        mute=True,
        tags=("one", "two"),
    )
    assert second == Rule(Match(class_=("list", "person")), reject=True)


def test_a_topic_may_join_and_speak_for_visitors(tmp_path: Path):
    text = """
[[topic]]
name = "t"
match = { body = "x" }
join = "a"
resolve_on = "b"
mute = true
requester = "reply-to"
"""
    assert loaded(tmp_path, text).topics == (
        Topic("t", Match(body="x"), join="a", resolve_on="b", mute=True, requester="reply-to"),
    )


def test_described_rules_are_in_the_words_of_the_file(tmp_path: Path):
    described = describe(loaded(tmp_path, CONDITIONS), changed_only=True)["rule"]
    assert described[0]["when"]["header"] == {"X-Form": "contact", "X-Two": "2"}
    assert described[0]["when"]["class"] == ["automatic"]
    assert described[1] == {"when": {"class": ["list", "person"]}, "then": {"reject": True}}


def test_one_ban_may_name_many(tmp_path: Path):
    text = """
[[ban]]
domain = ["Spam.example", "*.more.example", "@bücher.example"]
reason = "adverts"
reject = true
[[ban]]
address = "Pest@client.example"
[[ban]]
pattern = "casino-*@*"
"""
    settings = loaded(tmp_path, text)
    assert settings.bans == (
        Ban(domain="spam.example", reason="adverts", reject=True),
        Ban(domain="more.example", reason="adverts", reject=True),
        Ban(domain="xn--bcher-kva.example", reason="adverts", reject=True),
        Ban(address="pest@client.example"),
        Ban(pattern="casino-*@*"),
    )
    assert describe(settings)["ban"][3] == {"address": "pest@client.example"}


def test_what_is_not_said_is_as_shipped(tmp_path: Path):
    settings = loaded(tmp_path)
    assert settings.bans == settings.lists == ()
    assert settings.importance.respect is False
    assert settings.spam == build_spam_marks(SpamTable())
    assert settings.robots == Robots()
    assert settings.attachments == AttachmentSettings()
    assert settings.attachments.when_unavailable == "hold"
    assert settings.attachments.clamd is None


def test_lists_marks_and_robots(tmp_path: Path):
    text = """
[importance]
respect = true
[[list]]
id = "Support <Support.groups.example>"
[[list]]
address = "support@acme.example"
[spam]
headers = [{ name = "X-Our-Filter", match = "bad" }]
[robots]
from = ["*@monitor.example"]
"""
    settings = loaded(tmp_path, text)
    assert settings.importance.respect
    assert settings.lists == (MailingList(id="support.groups.example"), MailingList(address="support@acme.example"))
    assert settings.spam == SpamMarks((HeaderMark("X-Our-Filter", Pattern("bad")),))
    assert settings.robots == Robots(("*@monitor.example",))
    described = describe(settings, changed_only=True)
    assert described["spam"] == {"headers": [{"name": "X-Our-Filter", "match": "bad"}]}
    assert described["robots"] == {"from": ["*@monitor.example"]}
    assert described["list"] == [{"id": "support.groups.example"}, {"address": "support@acme.example"}]


@pytest.mark.parametrize(
    "name", ["setup.EXE", "invoice.pdf.js", "run.ps1", "shortcut.lnk", "disk.iso", "x.settingcontent-ms"]
)
def test_files_that_start_programs_are_blocked(name: str):
    assert name_fits(AttachmentSettings().blocked, name)


@in_turn("name", ["report.pdf", "photo.jpg", "table.xlsx", "letter.docx", "all.zip", "log.txt", "invite.ics", ""])
def test_files_that_people_send_are_not(name: str):
    assert not name_fits(AttachmentSettings().blocked, name)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("unix:/run/clamav/clamd.ctl", Endpoint(path=Path("/run/clamav/clamd.ctl"))),
        ("/run/clamav/clamd.ctl", Endpoint(path=Path("/run/clamav/clamd.ctl"))),
        ("127.0.0.1:3310", Endpoint(host="127.0.0.1", port=3310)),
        ("[::1]:3310", Endpoint(host="::1", port=3310)),
    ],
)
def test_places_of_clamd(tmp_path: Path, written: str, place: Endpoint):
    assert loaded(tmp_path, f'[attachments]\nclamd = "{written}"\n').attachments.clamd == place


@pytest.mark.parametrize(
    "written", ["unix:clamd.ctl", "clamd", "127.0.0.1", ":3310", "*:3310", "h:0", "h:99999", "systemd:x"]
)
def test_what_is_no_place_of_clamd(tmp_path: Path, written: str):
    assert "is not an address of clamd" in problems(tmp_path, f'[attachments]\nclamd = "{written}"\n')[0]


def test_files_that_leave_the_machine_to_be_scanned_are_a_warning(tmp_path: Path):
    settings = loaded(tmp_path, '[attachments]\nclamd = "192.0.2.1:3310"\n')
    assert "every file is sent to 192.0.2.1 unencrypted" in "\n".join(map(str, settings.warnings))


def test_a_mailbox_may_name_the_spam_folder(tmp_path: Path):
    text = '[[mailbox]]\nname = "m"\nhost = "h.example"\nuser = "u"\npassword = "p"\njunk = "[Gmail]/Spam"\n'
    assert loaded(tmp_path, text).mailboxes[0].junk == "[Gmail]/Spam"
    assert loaded(tmp_path, text.replace("junk", "#junk")).mailboxes[0].junk == ""
