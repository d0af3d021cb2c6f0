"""`maild check` says of which mailbox nobody's results ever count, and `explain` says why."""

import pytest

MAILBOX = """
[[mailbox]]
name = "support"
host = "imap.acme.example"
user = "support@acme.example"
password = { file = "token-key" }
"""
TRUSTED = 'trusted_authserv = ["mx.acme.example"]\n'
RESULT = "Authentication-Results: mx.acme.example; dmarc=pass header.from=client.example\n"
TAKEN_IN = (
    "Received: from mail.client.example (mail.client.example [203.0.113.25]) by mx.acme.example with ESMTPS; Mon\n"
)
SERVER = "Authentication-Results by mx.acme.example"
BELOW = (
    "there is none above the Received by mx.acme.example from 203.0.113.25, but one is below it: "
    'if that server writes there, set results = "below"'
)
MAIL = """From: Bob <bob@client.example>
To: support@acme.example
Subject: Printer {number}
Date: Mon, 23 Nov 2026 09:00:00 +0100
Message-ID: <{number}@client.example>

It burns.
"""


@pytest.fixture
def box(shell):
    """The shell with a mailbox; `shell.take` puts a mail with these fields on top into it."""
    shell.taken = 0
    shell.plain = shell.config.read_text()

    def configure(settings: str) -> None:
        shell.config.write_text(f"{shell.plain}{MAILBOX}{settings}")

    def take(head: str, mailbox: str = "support") -> None:
        shell.taken += 1
        name = f"{shell.taken}.eml"
        file = shell.write(name, (head + MAIL.format(number=shell.taken)).replace("\n", "\r\n"))
        done = shell.maild("inject", "--mailbox", mailbox, file) if mailbox else shell.maild("inject", file)
        assert done.code == 0, done.err

    shell.configure, shell.take = configure, take
    configure(TRUSTED)
    return shell


def test_a_mailbox_whose_results_never_count_is_warned_of(box):
    for _ in range(3):
        box.take(TAKEN_IN + RESULT)
    checked = box.maild("check", "--quiet")
    assert (checked.code, checked.out) == (0, "")
    assert checked.err.splitlines() == [f"mailbox support: no {SERVER} count in any of the last 3 mails; {BELOW}"]
    # The remedy shows at once: the same mails are read by the settings as they are now.
    box.configure(f'{TRUSTED}results = "below"\n')
    assert box.maild("check", "--quiet").err == ""


def test_one_mail_with_a_result_that_counts_is_enough(box):
    box.take(TAKEN_IN)
    assert "mailbox support" in box.maild("check").err
    box.take(RESULT + TAKEN_IN)
    box.take(TAKEN_IN)
    assert box.maild("check").err == ""


def test_only_the_last_50_mails_of_a_mailbox_are_looked_at(box, monkeypatch):
    monkeypatch.setattr("maild.services.intake.results_check.NEWEST", 3)
    box.take(RESULT + TAKEN_IN)
    for _ in range(2):
        box.take(TAKEN_IN)
    assert box.maild("check").err == ""
    box.take(TAKEN_IN)
    assert "any of the last 3 mails" in box.maild("check").err


def test_mails_of_other_mailboxes_say_nothing_of_this_one(box):
    other = MAILBOX.replace('"support"', '"sales"').replace("support@", "sales@")
    box.configure(TRUSTED + other)
    box.take(TAKEN_IN, "sales")
    assert box.maild("check").err == ""  # "sales" trusts nobody, "support" has no mail
    box.take(TAKEN_IN, "support")
    box.take(RESULT + TAKEN_IN, "sales")
    assert box.maild("check").err.startswith("mailbox support: ")


def test_mail_over_the_listener_is_checked_like_that_of_a_mailbox(box):
    listening = box.plain.replace("[listener]", f"[listener]\n{TRUSTED}", 1)
    assert listening != box.plain
    box.config.write_text(listening)
    box.take(TAKEN_IN, "")
    assert box.maild("check").err.startswith("the listener: no Authentication-Results by mx.acme.example count")


def test_where_there_is_no_database_none_is_made(box):
    assert box.maild("check").err == ""
    assert not list(box.folder.rglob("*.db"))


def test_a_database_that_is_away_is_told_and_is_no_mistake_of_the_configuration(box):
    away = "postgresql+psycopg://maild@127.0.0.1:1/maild"
    box.config.write_text(box.config.read_text().replace("sqlite:///maild.db", away))
    checked = box.maild("check")
    assert (checked.code, "the newest mails could not be looked at" in checked.err) == (0, True), checked


def test_explain_names_the_setting(box):
    file = box.write("one.eml", (TAKEN_IN + RESULT + MAIL.format(number=1)).replace("\n", "\r\n"))
    steps = box.maild("explain", "--mailbox", "support", "--json", file).json["steps"]
    (found,) = [step for step in steps if step["stop"] == "authentication"]
    assert (found["verdict"], 'set results = "below"' in found["reason"]) == ("claimed", True)
