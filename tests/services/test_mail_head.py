"""The head of an outgoing mail lies in the outbox as JSON: what was stored is read again, by later versions, too."""

from datetime import UTC, datetime
from typing import Any

import pytest

from maild.domain.notices.pacing import Kind
from maild.domain.people.directory import Address, Person
from maild.domain.people.preferences import Interest
from maild.services.notices.mail_head import KEY, ForwardedFile, MailHead, head_of
from tests.rig.office import Office

WHEN = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)
VOICE = Person(Address.of("support@acme.example"), "Jane Doe (Acme Support)")

# Rows as they were stored before the record existed: of a notice, of a mail about no ticket, of a monthly report.
NOTICE: dict[str, Any] = {
    "from": {"name": "Jane Doe (Acme Support)", "address": "support@acme.example"},
    "reply_to": "support+a1rsR2n3.0123456789abcdef@acme.example",
    "in_reply_to": "<a1.root.0123456789abcdef@acme.example>",
    "references": ["<a1.root.0123456789abcdef@acme.example>"],
    "automatic": "auto-generated",
    "precedence": "list",
    "thread_key": "000102030405060708090a0b0c0d0e0f",
    "thread_started": "2026-05-04T07:00:00+00:00",
    "thread_topic": "The printer burns",
    "list_id": "it.acme.example",
    "reason": "new-ticket",
    "attach": [
        {
            "entry": 7,
            "part": "2.1",
            "name": "fire.png",
            "content_type": "image/png",
            "size": 1200,
            "inline": True,
            "content_id": "fire@client.example",
        }
    ],
    "kind": "new",
    "claim": "circle",
    "list_unsubscribe": "",
}
ABOUT_NO_TICKET: dict[str, Any] = {
    "from": {"name": "Acme Support", "address": "support@acme.example"},
    "reply_to": "support+a7dR2n0.0123456789abcdef@acme.example",
    "in_reply_to": "<question@acme.example>",
    "references": ["<older@acme.example>", "<question@acme.example>"],
    "automatic": "auto-replied",
    "precedence": "list",
    "thread_key": "",
    "thread_started": "2026-05-04T07:00:00+00:00",
    "thread_topic": "",
    "list_id": "",
    "reason": "list",
    "attach": [],
    "files": [{"name": "ticket-7.txt", "text": "It burns.\n"}],
}
MONTHLY_REPORT = {**ABOUT_NO_TICKET, "in_reply_to": "", "references": [], "reason": "monthly-report"}
del MONTHLY_REPORT["files"]


def test_a_notice_of_an_older_version_is_read():
    assert MailHead.from_row(NOTICE) == MailHead(
        from_=VOICE,
        reply_to="support+a1rsR2n3.0123456789abcdef@acme.example",
        in_reply_to="<a1.root.0123456789abcdef@acme.example>",
        references=("<a1.root.0123456789abcdef@acme.example>",),
        automatic="auto-generated",
        precedence="list",
        thread_key=bytes(range(16)),
        thread_started=WHEN,
        thread_topic="The printer burns",
        list_id="it.acme.example",
        reason="new-ticket",
        attach=(
            ForwardedFile(
                entry=7,
                part="2.1",
                name="fire.png",
                content_type="image/png",
                size=1200,
                inline=True,
                content_id="fire@client.example",
            ),
        ),
        kind=Kind.NEW,
        claim=Interest.CIRCLE,
    )


def test_a_mail_about_no_ticket_of_an_older_version_is_read():
    head = MailHead.from_row(ABOUT_NO_TICKET)
    assert head.references == ("<older@acme.example>", "<question@acme.example>")
    assert head.files == (("ticket-7.txt", "It burns.\n"),)
    assert (head.kind, head.claim, head.thread_key, head.list_unsubscribe) == (None, None, b"", "")


def test_a_report_of_an_older_version_is_read():
    head = MailHead.from_row(MONTHLY_REPORT)
    assert (head.reason, head.files, head.attach, head.references) == ("monthly-report", (), (), ())


@pytest.mark.parametrize("stored", [NOTICE, ABOUT_NO_TICKET, MONTHLY_REPORT], ids=lambda row: row["reason"])
def test_what_is_stored_says_all_that_was_stored_before(stored: dict[str, Any]):
    head = MailHead.from_row(stored)
    assert head.to_row() | stored == head.to_row()
    assert MailHead.from_row(head.to_row()) == head


def test_a_head_without_an_address_is_refused():
    with pytest.raises(ValueError, match="address"):
        MailHead.from_row({**NOTICE, "from": {"name": "", "address": "no address at all"}})


def test_each_queued_mail_has_a_head_with_the_same_keys(office: Office):
    office.open_ticket()
    rows = office.outbox()
    assert {row.template for row in rows} == {"acknowledgement", "new-ticket"}
    for row in rows:
        assert set(row.context[KEY]) == {*NOTICE, "files"}
        assert head_of(row).to_row() == row.context[KEY]
        assert head_of(row).reason == row.template
