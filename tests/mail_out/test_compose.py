"""The bytes of an outgoing mail, read back the way mail clients do."""

import base64
import email
import email.policy
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage, MIMEPart

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maild.domain.people.directory import Address, Person
from maild.mail.compose import (
    OutgoingAttachment,
    OutgoingMail,
    capped_references,
    compose,
    reply_subject,
    sent_type,
    thread_index,
)
from maild.mail.templates.render import Renderer, fixtures
from tests.rig.misses import in_turn

OUTLOOK_ID = "<AM0PR04MB1234ABCD5678EF90@AM0PR04MB1234.eurprd04.prod.outlook.com.protection.abcde>"
ROOT = "<a1042.root.0123456789abcdef@acme.example>"
DRAFT = OutgoingMail(
    from_=Person(Address("support", "acme.example"), "Ana (Acme Support)"),
    to=Person(Address("bob", "client.example"), "Bob Miller"),
    reply_to="support+a1042u7s4.0123456789abcdef@acme.example",
    subject="Re: Printer on fire [#1042-7k2m]",
    message_id="<a1042u7s4.17.0123456789abcdef@acme.example>",
    date=datetime(2025, 11, 21, 10, 42, tzinfo=timezone(timedelta(hours=1))),
    text="Hello Bob,\n\nit prints again.\n\n-- \nAna\n",
    html="<!doctype html>\n<p>Hello Bob</p>\n",
    in_reply_to=OUTLOOK_ID,
    references=(ROOT, OUTLOOK_ID),
    thread_key=bytes(range(16)),
    thread_started=datetime(2025, 11, 21, 9, 42, tzinfo=UTC),
    thread_topic="Printer on fire",
    reason="requester",
    trace="01J9ZK6M3Q",
    loop_mark="0123456789abcdef",
    language="en",
)


def read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def fields(raw: bytes) -> dict[str, str]:
    """The header block unfolded, by a reader of the test's own: name -> value; a name that stands twice fails."""
    block = raw.partition(b"\r\n\r\n")[0].decode("utf-8").replace("\r\n ", " ").replace("\r\n\t", " ")
    found: dict[str, str] = {}
    for line in block.split("\r\n"):
        name, colon, value = line.partition(": ")
        assert colon, line
        assert name not in found, name
        found[name] = value
    return found


def content(part: MIMEPart) -> str:
    return str(part.get_content()).replace("\r\n", "\n")


def wire_rules(raw: bytes) -> None:
    assert raw.isascii()
    assert b"\0" not in raw
    assert raw.replace(b"\r\n", b"").count(b"\r") == 0
    assert raw.replace(b"\r\n", b"").count(b"\n") == 0
    assert max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_reply_of_a_person() -> None:
    raw = compose(DRAFT)
    wire_rules(raw)
    got = fields(raw)
    assert got == got | {
        "From": '"Ana (Acme Support)" <support@acme.example>',
        "Reply-To": "support+a1042u7s4.0123456789abcdef@acme.example",
        "To": "Bob Miller <bob@client.example>",
        "Subject": "Re: Printer on fire [#1042-7k2m]",
        "Date": "Fri, 21 Nov 2025 10:42:00 +0100",
        "Message-ID": DRAFT.message_id,
        "In-Reply-To": OUTLOOK_ID,
        "References": f"{ROOT} {OUTLOOK_ID}",
        "Thread-Topic": "Printer on fire",
        "Content-Language": "en",
        "X-Maild-Reason": "requester",
        "X-Maild-Trace": "01J9ZK6M3Q",
        "X-Maild-Loop": "0123456789abcdef",
        "MIME-Version": "1.0",
    }
    # A person wrote it: nothing says that a machine did, or the other side's helpdesk would ignore it.
    assert not {"Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "List-Id", "List-Unsubscribe", "Cc"} & set(
        got
    )


def test_machine_mail_says_so_and_never_silences_bounces() -> None:
    automatic = replace(
        DRAFT,
        automatic="auto-generated",
        precedence="list",
        list_id="<helpdesk.acme.example>",
        list_unsubscribe="<mailto:support+leave@acme.example>",
    )
    got = fields(compose(automatic))
    assert got["Auto-Submitted"] == "auto-generated"
    assert got["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"
    assert (got["Precedence"], got["List-Id"]) == ("list", "<helpdesk.acme.example>")
    assert got["List-Unsubscribe"] == "<mailto:support+leave@acme.example>"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("support.acme.example", "<support.acme.example>"),
        ("<support.acme.example>", "<support.acme.example>"),
        ("Online Banking.acme.example", "<Online-Banking.acme.example>"),
        ("für alle\r\nBcc: x", "<f-r-alle-Bcc--x>"),
    ],
)
def test_a_list_id_is_a_dotted_name_in_brackets(name: str, written: str) -> None:
    assert fields(compose(replace(DRAFT, list_id=name)))["List-Id"] == written


def test_both_parts_are_there_and_text_comes_first() -> None:
    mail = read(compose(DRAFT))
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    text, html = map(content, mail.iter_parts())
    assert (text, html) == (DRAFT.text, DRAFT.html)


def test_the_same_draft_gives_the_same_bytes_and_another_does_not() -> None:
    with_file = replace(DRAFT, attachments=(OutgoingAttachment("a.txt", "text/plain", b"abc"),))
    assert compose(with_file) == compose(replace(with_file))
    boundary = read(compose(with_file)).get_boundary()
    other = replace(with_file, message_id="<a1042u7s4.18.0123456789abcdef@acme.example>")
    assert read(compose(other)).get_boundary() != boundary


@in_turn(
    ("text", "encoding"),
    [
        ("short\n", "7bit"),
        ("grüße\n", "quoted-printable"),
        ("x" * 5000 + "\n", "quoted-printable"),
        ("From me\n", "quoted-printable"),
        (".\n..\n", "7bit"),
        ("a\rb\r\nc", "7bit"),
        ("", "7bit"),
        ("a\n\n\n", "7bit"),
    ],
)
def test_text_arrives_as_it_was_written(text: str, encoding: str) -> None:
    raw = compose(replace(DRAFT, text=text, html=""))
    wire_rules(raw)
    mail = read(raw)
    assert mail.get_content_type() == "text/plain"
    wanted = text.replace("\r\n", "\n").replace("\r", "\n")
    assert content(mail) == (wanted if wanted.endswith("\n") else wanted + "\n")
    assert mail["Content-Transfer-Encoding"] == encoding
    assert b"\r\nFrom " not in raw  # mbox readers would put a > before it


def test_controls_and_half_characters_do_not_go_out() -> None:
    raw = compose(replace(DRAFT, text="a\0b\x07c\ud800d\u2028e\n", html=""))
    wire_rules(raw)
    assert content(read(raw)) == "a\ufffdbc\ufffdd\ne\n"


def test_a_nul_in_a_text_of_ascii_goes_out_as_the_sign_for_it() -> None:
    mail = read(compose(replace(DRAFT, text="a\0b\n", html="<p>c\0d</p>\n")))
    assert [content(part) for part in mail.iter_parts()] == ["a\ufffdb\n", "<p>c\ufffdd</p>\n"]


# -- ids -----------------------------------------------------------------------------------------------------


def test_an_id_of_84_characters_is_written_as_it_is() -> None:
    assert len(OUTLOOK_ID) == 84
    raw = compose(DRAFT)
    assert f"In-Reply-To: {OUTLOOK_ID}\r\n".encode() in raw
    assert f"References: {ROOT}\r\n {OUTLOOK_ID}\r\n".encode() in raw


@in_turn(
    "foreign",
    [
        "<a\0b@client.example>",
        "<grüße@client.example>",
        "<" + "x" * 249 + "@client.example>",
        "<a b@client.example>",
        "<a@client.example>\r\nBcc: evil@x.example",
        "a@client.example",
        "<a@b><c@d>",
        "<>",
        "=?utf-8?q?=3Ca=40b=3E?=",
        "<\ud800@x>",
        "<" * 100_000,
    ],
)
def test_a_foreign_id_that_is_none_is_left_out(foreign: str) -> None:
    raw = compose(replace(DRAFT, in_reply_to=foreign, references=(ROOT, foreign)))
    wire_rules(raw)
    got = fields(raw)
    assert "In-Reply-To" not in got
    assert got["References"] == ROOT
    assert "Bcc" not in got


def test_references_keep_the_root_and_the_last_twenty() -> None:
    many = [f"<{number}@x>" for number in range(60)]
    kept = capped_references([ROOT, *many])
    assert kept == (ROOT, *many[-20:])


def test_references_stay_under_1500_characters_with_the_parent_last() -> None:
    long = [f"<{number:03d}{'x' * 120}@client.example>" for number in range(30)]
    kept = capped_references([ROOT, *long], "<parent@client.example>")
    assert (kept[0], kept[-1]) == (ROOT, "<parent@client.example>")
    assert len(" ".join(kept)) <= 1500
    assert kept[1:-1] == tuple(long[-(len(kept) - 2) :])


def test_each_reference_stands_once() -> None:
    assert capped_references([ROOT, "<a@x>", ROOT, "<a@x>"], "<a@x>") == (ROOT, "<a@x>")


def test_our_own_id_must_be_one() -> None:
    with pytest.raises(ValueError, match="is no Message-ID"):
        compose(replace(DRAFT, message_id="no-id"))


def test_a_date_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        compose(replace(DRAFT, date=datetime(2025, 11, 21, 10, 42)))  # noqa: DTZ001


# -- hostile words -------------------------------------------------------------------------------------------

HOSTILE = [
    "x\r\nBcc: evil@x.example",
    "x\nBcc: evil@x.example",
    "x\rBcc: evil@x.example",
    "x\x0bBcc: evil@x.example",
    "x\x0cBcc: evil@x.example",
    "x\x85Bcc: evil@x.example",
    "x\u2028Bcc: evil@x.example",
    "x\u2029Bcc: evil@x.example",
    "x\0\r\n\r\n<b>body</b>",
    "=?utf-8?q?=0D=0ABcc:_evil@x.example?=",
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC5leGFtcGxl?=",
    "grün =?utf-8?q?=0D=0ABcc:_evil@x.example?=",
    '"quoted" \\ back, comma; <evil@x.example>',
    'Bob" <evil@x.example>, "',
    "\u202eexe.gnp\u2066",
    "\ud800\udfff half",
    "x" * 5000,
    "ü" * 5000,
    "word " * 2000,
    "",
    " \t ",
]


@in_turn("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    evil = Person(Address("bob", "client.example"), words)
    draft = replace(
        DRAFT,
        subject=words,
        thread_topic=words,
        to=evil,
        cc=(evil,),
        from_=replace(DRAFT.from_, name=words),
        reason=words,
        trace=words,
        list_id=words,
        precedence=words,
        loop_mark=words,
        language=words,
        attachments=(OutgoingAttachment(words, words, b"x", inline=True, content_id=words),),
    )
    raw = compose(draft)
    wire_rules(raw)
    got = fields(raw)
    assert not {"Bcc", "bcc"} & set(got)
    for mail in (read(raw), email.message_from_bytes(raw, policy=email.policy.compat32)):
        assert mail["Bcc"] is None
        assert len(mail.get_all("To") or []) == 1
    parsed = read(raw)
    assert [str(each.addr_spec) for each in parsed["To"].addresses] == ["bob@client.example"]
    assert [str(each.addr_spec) for each in parsed["From"].addresses] == ["support@acme.example"]
    decoded = str(make_header(decode_header(got.get("Subject", ""))))
    assert "\n" not in decoded
    assert "\r" not in decoded


@settings(max_examples=150, deadline=None)
@given(words=st.text(max_size=120), local=st.text(max_size=20), domain=st.text(max_size=20))
def test_no_words_and_no_address_raise_or_break_out(words: str, local: str, domain: str) -> None:
    person = Person(Address(local, domain), words)
    raw = compose(replace(DRAFT, subject=words, to=person, cc=(person,), thread_topic=words, text=words, html=""))
    names = set(fields(raw))
    assert names <= set(fields(compose(DRAFT))) | {"Cc", "Content-Transfer-Encoding"}
    assert raw.count(b"\r\n\r\n") >= 1


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Bob Miller", "Bob Miller <bob@client.example>"),
        ("Miller, Bob", '"Miller, Bob" <bob@client.example>'),
        ('Bob "the fox"', r'"Bob \"the fox\"" <bob@client.example>'),
        ("", "bob@client.example"),
    ],
)
def test_names_are_quoted_where_they_must_be(name: str, written: str) -> None:
    assert fields(compose(replace(DRAFT, to=Person(DRAFT.to.address, name))))["To"] == written


@pytest.mark.parametrize("name", ["Zoë Ångström", "山田太郎", "ليلى حداد", "Ж" * 60, "a" * 60 + " Ü " + "b" * 50])
def test_names_beyond_ascii_arrive(name: str) -> None:
    to = fields(compose(replace(DRAFT, to=Person(DRAFT.to.address, name))))["To"]
    words, _, address = to.rpartition(" ")
    assert address == "<bob@client.example>"
    assert str(make_header(decode_header(words))) == name
    assert all(len(word) <= 75 for word in words.split())


@pytest.mark.parametrize(
    "subject", ["Re: Störung im Keller [#1042-7k2m]", "Re: " + "Ж" * 190 + " [#1042-7k2m]", "Re: " + "wort " * 40]
)
def test_subjects_arrive_in_words_of_at_most_75_characters(subject: str) -> None:
    raw = compose(replace(DRAFT, subject=subject))
    assert read(raw)["Subject"] == " ".join(subject.split())
    block = raw.partition(b"\r\n\r\n")[0].decode()
    lines = block[block.index("Subject:") : block.index("Date:")].split("\r\n")
    assert all(len(line) <= 78 for line in lines)


def test_domains_go_out_as_a_labels() -> None:
    mail = fields(compose(replace(DRAFT, to=Person(Address("bob", "bücher.example")))))
    assert mail["To"] == "bob@xn--bcher-kva.example"


def test_a_local_part_beyond_ascii_makes_a_mail_in_utf8() -> None:
    raw = compose(replace(DRAFT, to=Person(Address("jürgen", "client.example"), "Jürgen")))
    assert "<jürgen@client.example>".encode() in raw
    assert raw.partition(b"\r\n\r\n")[2].isascii()


def test_somebody_in_copy_who_needs_utf8_is_left_out_of_an_ascii_mail() -> None:
    others = (Person(Address("jürgen", "client.example")), Person(Address("eve", "client.example")))
    raw = compose(replace(DRAFT, cc=others))
    wire_rules(raw)
    assert fields(raw)["Cc"] == "eve@client.example"


def test_a_helpdesk_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(ValueError, match="must be ASCII"):
        compose(replace(DRAFT, from_=Person(Address("hilfe-für-alle", "acme.example"))))


# -- files ---------------------------------------------------------------------------------------------------

PNG = OutgoingAttachment("photo.png", "image/png", b"\x89PNG\r\n" * 400, inline=True, content_id="photo1@acme")
LOG = OutgoingAttachment("printer.log", "text/plain", b"From x\r\n.\r\n" + b"y" * 2000)


def test_an_image_in_the_text_and_a_file_beside_it() -> None:
    raw = compose(replace(DRAFT, html='<p><img alt="" src="cid:photo1@acme"></p>\n', attachments=(PNG, LOG)))
    wire_rules(raw)
    mail = read(raw)
    shape = [part.get_content_type() for part in mail.walk()]
    assert shape == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/plain",
    ]
    image, log = [part for part in mail.walk() if part.get_filename()]
    assert (image["Content-ID"], image.get_content_disposition()) == ("<photo1@acme>", "inline")
    assert (log.get_filename(), log.get_content_disposition()) == ("printer.log", "attachment")
    assert image.get_content() == PNG.content
    assert log.get_payload(decode=True) == LOG.content
    assert len(set(raw.split(b'boundary="')[1:])) == 3


def test_an_image_that_no_text_shows_is_a_file() -> None:
    mail = read(compose(replace(DRAFT, attachments=(PNG,))))
    assert [part.get_content_disposition() for part in mail.iter_attachments()] == ["attachment"]


@in_turn(
    "content_type",
    [
        "text/html",
        "image/svg+xml",
        "application/pdf",
        "application/xhtml+xml",
        "text/xml",
        "application/x-msdownload",
        "message/rfc822",
        "multipart/mixed",
        "text/calendar",
        "IMAGE/SVG+XML ",
        "text/plain; charset=utf-7",
        "image/png\r\nBcc: evil@x.example",
        "nonsense",
        "",
    ],
)
def test_what_can_act_goes_as_a_file_without_a_type(content_type: str) -> None:
    assert sent_type(content_type) == "application/octet-stream"
    active = OutgoingAttachment("a.html", content_type, b"<script>", inline=True, content_id="a@b")
    mail = read(compose(replace(DRAFT, html='<img src="cid:a@b">', attachments=(active,))))
    [part] = mail.iter_attachments()
    assert (part.get_content_type(), part.get_content_disposition()) == ("application/octet-stream", "attachment")
    assert part.get_payload(decode=True) == b"<script>"


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/jpeg", "IMAGE/PNG", "audio/mpeg", "video/mp4", "text/plain"]
)
def test_what_cannot_act_keeps_its_type(content_type: str) -> None:
    assert sent_type(content_type) == content_type.lower()


@pytest.mark.parametrize(
    ("name", "arrives"),
    [
        ("Störung 山.txt", "Störung 山.txt"),
        ('a"b\\c/d.txt', "a'b_c_d.txt"),
        ("x" * 300 + ".txt", "x" * 100 + ".txt"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("\r\nBcc: evil@x.example", "Bcc: evil@x.example"),
        ("", "file"),
    ],
)
def test_file_names_arrive_tamed(name: str, arrives: str) -> None:
    mail = read(compose(replace(DRAFT, attachments=(OutgoingAttachment(name, "text/plain", b"x"),))))
    assert [part.get_filename() for part in mail.iter_attachments()] == [arrives]


# -- threads and subjects ------------------------------------------------------------------------------------


def test_the_thread_index_holds_the_time_and_the_conversation() -> None:
    key = hashlib.sha256(b"1042").digest()[:16]
    started = datetime(2025, 7, 16, 21, 28, 15, tzinfo=UTC)
    octets = base64.b64decode(thread_index(key, started))
    assert (len(octets), octets[:1], octets[6:]) == (22, b"\x01", key)
    ticks = int.from_bytes(octets[1:6] + b"\0\0\0", "big")  # FILETIME: 100 ns since 1601
    read_back = datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=ticks // 10)
    assert timedelta(0) <= started - read_back < timedelta(seconds=2)
    assert fields(compose(replace(DRAFT, thread_key=key, thread_started=started)))["Thread-Index"] == thread_index(
        key, started
    )


def test_a_conversation_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        thread_index(b"short", DRAFT.date)


@in_turn(
    ("theirs", "ours"),
    [
        ("Printer on fire", "Re: Printer on fire [#1042-7k2m]"),
        ("Re: Printer on fire", "Re: Printer on fire [#1042-7k2m]"),
        ("AW: RE: Fwd:  Printer on fire", "Re: Printer on fire [#1042-7k2m]"),
        ("Re[2]: Antw : 回复：Printer", "Re: Printer [#1042-7k2m]"),
        ("Re: Printer on fire [#1042-7k2m]", "Re: Printer on fire [#1042-7k2m]"),
        ("[#17-ABCD] Re: Printer", "Re: Printer [#1042-7k2m]"),
        ("Regarding: printers", "Re: Regarding: printers [#1042-7k2m]"),
        ("Resolution: none", "Re: Resolution: none [#1042-7k2m]"),
        ("", "Re: (no subject) [#1042-7k2m]"),
        (" Re:  ", "Re: (no subject) [#1042-7k2m]"),
        ("a\r\nBcc: evil@x.example", "Re: a Bcc: evil@x.example [#1042-7k2m]"),
        ("x" * 500, "Re: " + "x" * 199 + "… [#1042-7k2m]"),
        ("Re: " * 9 + "x", "Re: x [#1042-7k2m]"),
    ],
)
def test_one_subject_for_the_whole_thread(theirs: str, ours: str) -> None:
    assert reply_subject(theirs, "1042-7k2m", first=False, show_token=True) == ours
    assert reply_subject(theirs, "1042-7k2m", first=True, show_token=False) == ours[4:].removesuffix(" [#1042-7k2m]")


# -- rendered notices on the wire ----------------------------------------------------------------------------

SHIPPED = Renderer()
NOTICES = [(template, case) for template, cases in fixtures().items() for case in cases]


@in_turn(("template", "case"), NOTICES)
def test_every_notice_fits_the_wire_and_arrives_unchanged(template: str, case: str) -> None:
    context = fixtures()[template][case]
    rendered = SHIPPED.render(template, context)
    subject = context["ticket"]["subject"] if context["ticket"] else context["title"]
    raw = compose(replace(DRAFT, text=rendered.text, html=rendered.html, subject=subject))
    wire_rules(raw)
    message = read(raw)
    arrived = [content(part) for part in message.iter_parts()] if message.is_multipart() else [content(message), ""]
    assert arrived == [rendered.text, rendered.html]
