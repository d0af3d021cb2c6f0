"""The readers of mail by family, each with seeds from the corpus and what holds for whatever bytes it is given.

Who fuzzes them, by chance or by coverage, finds here what to call and what must be true afterwards."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import turbohtml

from maild.domain.messages.message import DeliveryStatus, InboundMessage
from maild.mail.headers import fields as headers
from maild.mail.headers.addresses import people, sender
from maild.mail.quoting.cut import cut
from maild.mail.quoting.html import cut_html
from maild.mail.reading import dsn, html, invitations, limits, parse, parts, winmail
from maild.mail.reading import dsn_wording as dsn_texts
from maild.mail.reading.attachments import safe_name
from maild.mail.text import charsets
from maild.mail.text.cleaning import body_text
from tests.mail.mutations import CORPUS
from tests.mail.test_winmail import TWO, WITH_TEXT

OURS = "We replaced the fuser on floor seven today.\nPlease print a page now and tell us whether it is dark enough."
_FORWARD = b"From: jane@acme.example\r\nSubject: Fwd: Printer\r\nContent-Type: text/%s; charset=utf-8\r\n\r\n"
_ROBOT = {"from": ["MAILER-DAEMON@client.example"]}
_ACTIVE = {"script", "style", "iframe", "object", "embed", "form", "svg", "math", "link", "meta", "base"}
_SCHEMES = {"href": ("http:", "https:", "mailto:"), "src": ("cid:",)}
_SMALL = 20_000  # octets of a seed: chance works better on short ones


@dataclass(frozen=True)
class Family:
    """Readers of one kind. `read` raises nothing but AssertionError, for any octets; `words` are worth trying."""

    read: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    words: tuple[bytes, ...]


def check_clean(message: InboundMessage) -> None:
    """No text of a mail holds what a database, a terminal or a header would choke on."""
    lines = [message.subject, message.message_id, message.from_header, message.reaction]
    lines += [value for values in message.headers.values() for value in values]
    lines += [attachment.name for attachment in message.attachments]
    for line in lines:
        _check_line(line)
    for text in (message.text, message.new_text, message.html):
        _check_text(text)


def _check_text(text: str) -> None:
    text.encode("utf-8")
    assert not set(text) & {"\0", "\r", "\x1b", "\x9b"}, text


def _check_line(line: str) -> None:
    _check_text(line)
    assert len(line.splitlines()) <= 1, line


def _whole_mail(octets: bytes) -> None:
    message = parse.read(octets)
    check_clean(message)
    assert message.size == len(octets)
    names = [attachment.part for attachment in message.attachments]
    files = parse.extract_all(octets, names)
    assert [len(file) for file in files] == [attachment.size for attachment in message.attachments]
    flat = parse.rewritten(octets, names)
    assert [leaf.part.octets() for leaf in parts.leaves(parts.tree(flat))][: len(files)] == files


def _header(octets: bytes) -> None:
    raw = octets.decode("ascii", "surrogateescape")
    _check_line(headers.decode(raw))
    found = headers.parameters(raw)
    for text in (found.value, *found.texts.values(), *headers.message_ids(raw)):
        _check_line(text)
    headers.content_type(raw)
    headers.date(raw)
    for person in (*people([raw]), sender([raw])):
        if person is not None:
            _check_line(person.name)
            _check_line(str(person.address))
            assert "@" in str(person.address)
    assert len(safe_name(raw).encode()) <= 150


def _html(octets: bytes) -> None:
    page = body_text(octets.decode("utf-8", "replace"))
    harmless = html.sanitise(page)
    for element in turbohtml.parse(harmless).select("*"):
        assert element.tag not in _ACTIVE, harmless
        for name, value in element.attrs.items():
            assert not name.startswith("on"), harmless
            assert name not in {"href", "src"} or str(value).strip().lower().startswith(_SCHEMES[name]), harmless
    _check_text(html.to_text(page))
    _check_text(html.to_text(cut_html(page)))
    html.to_text(cut_html(page, forwarded=True))


def _quoting(octets: bytes) -> None:
    text = body_text(octets.decode("utf-8", "replace"))
    for known in ((), (OURS,), (text,)):
        for forwarded in (False, True):
            found = cut(text, known_texts=known, signature="Jane Doe\nAcme", forwarded=forwarded)
            lines = iter(text.split("\n"))
            assert found.kept_everything or all(line in lines for line in found.new_text.split("\n"))
            assert found.new_text.strip() or not text.strip()
            assert 0 <= found.forwarded_lines <= found.new_text.count("\n") + 1


def _report(octets: bytes) -> None:
    leaves = parts.leaves(parts.tree(limits.survey(octets).readable))
    text = body_text(charsets.decode(octets)[0])
    found = dsn.read(leaves, _ROBOT, text)
    statuses: list[DeliveryStatus] = [*found.statuses] if found else []
    statuses += dsn_texts.statuses({**_ROBOT, "x-failed-recipients": [text[:200]]}, text)
    for status in statuses:
        for line in (status.recipient, status.status, status.diagnostic):
            _check_line(line)
    _check_line(found.original_message_id if found else "")


def _forward(octets: bytes) -> None:
    for kind in (b"plain", b"html"):
        message = parse.read(_FORWARD % kind + octets)
        check_clean(message)
        found = message.forwarded
        if found is not None:
            assert not found.certain or found.sender is not None
            for line in (found.subject, found.date):
                _check_line(line)
            _check_text(found.text)
            _check_text(found.comment)


def _container(octets: bytes) -> None:
    opened = winmail.open_container(octets)
    assert not (opened.failure and opened.files)
    _check_text(opened.text)
    for number, file in enumerate(opened.files, 1):
        assert winmail.file_in(opened, str(number)) == file.octets
        _check_line(safe_name(file.name))


def _calendar(octets: bytes) -> None:
    text = body_text(octets.decode("utf-8", "replace"))
    for method in ("", "request", text[:50]):
        found = invitations.read(text, method)
        _check_line(found.line)
        _check_line(found.method)


# -- seeds ----------------------------------------------------------------------------------------------------------


def _mails() -> Iterator[bytes]:
    yield from (raw for raw in CORPUS if len(raw) <= _SMALL)


def _fields() -> Iterator[bytes]:
    for raw in _mails():
        for _, value in parts.header_of(raw).raw_items():
            yield value.encode("utf-8", "surrogateescape")


def _parts_of(*types: str) -> Iterator[bytes]:
    for raw in _mails():
        for leaf in parts.leaves(parts.tree(raw)):
            if leaf.part.type.value in types:
                yield leaf.part.octets()


def _texts() -> Iterator[bytes]:
    yield from (text.encode() for raw in _mails() if (text := parse.read(raw).text))
    yield OURS.encode()


def _reports() -> Iterator[bytes]:
    for raw in _mails():
        message = parse.read(raw)
        if message.delivery_report is not None:
            yield raw
            yield message.text.encode()


def _forwards() -> Iterator[bytes]:
    for raw in _mails():
        if (message := parse.read(raw)).forwarded is not None:
            yield message.text.encode()
            yield message.html.encode()


def _containers() -> Iterator[bytes]:
    yield from (TWO, WITH_TEXT)
    yield from _parts_of(*winmail.TYPES)


FAMILIES = {
    "mail": Family(
        _whole_mail,
        _mails,
        (
            *(b"From: ", b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--", b"message/rfc822"),
            *(b"Content-Transfer-Encoding: base64\r\n", b"quoted-printable", b"text/html", b"format=flowed; delsp=yes"),
            *(b"charset=iso-2022-jp", b"charset=utf-16", b"multipart/digest", b"message/partial", b"multipart/report"),
        ),
    ),
    "headers": Family(
        _header,
        _fields,
        (
            *(b"=?utf-8?q?", b"=?iso-2022-jp?b?", b"?=", b"*0*=utf-8''", b"*1=", b"%C3", b'"', b"\\", b"(", b")", b"<"),
            *(b">", b"@", b",", b";", b":", b"xn--", b"\xe2\x84\xaa", b"\x1b$B", b"Mon, 17 Nov 2025 10:20:30 +0100"),
        ),
    ),
    "html": Family(
        _html,
        lambda: _parts_of("text/html"),
        (
            *(b"<blockquote type=cite>", b'<div class="gmail_quote">', b"<div id=divRplyFwdMsg>", b"<td>", b"<pre>"),
            *(b"<a href=javascript:x>", b"<math><mtext>", b"<svg>", b"<table>", b"<!--", b"]]>", b"style=display:none"),
            *(b"<meta http-equiv=content-type content=charset>", b"<ol>", b"<li>", b"&#0;", b"&nbsp;", b"<template>"),
        ),
    ),
    "quoting": Family(
        _quoting,
        _texts,
        (
            *(b"\n", b"> ", b"-- \n", b"On 2025-11-17 10:12, Ana <a@b.c> wrote:\n", b"-----Original Message-----\n"),
            *(
                b"From: Ana\nSent: Monday\nTo: x\nSubject: y\n",
                b"Sent from my iPhone\n",
                b"Jane Doe\nAcme\n",
                b"____\n",
            ),
            *(b"---------- Forwarded message ---------\n", b">>> ", b":\n", b"\xef\xbc\x9a\n", OURS.encode()),
        ),
    ),
    "dsn": Family(
        _report,
        _reports,
        (
            *(b"Action: failed\n", b"Final-Recipient: rfc822; a@b\n", b"Original-Recipient: utf-8; ", b"\\x{", b"+40"),
            *(
                b"Status: 5.1.1\n",
                b"Diagnostic-Code: smtp; 550 ",
                b"Content-Type: message/delivery-status\n\n",
                b"\n\n",
            ),
            *(b"following address(es) failed:\n", b"your message to", b"has been delayed", b"<gone@client.example>:\n"),
        ),
    ),
    "forward": Family(
        _forward,
        _forwards,
        (
            *(
                b"---------- Forwarded message ---------\n",
                b"Begin forwarded message:\n\n",
                b"> From: ",
                b"[mailto:a@b]",
            ),
            *(
                b"From: A <a@b.c>\n",
                b"Von: ",
                b"Date: ",
                b"To: ",
                b"Cc: ",
                b"Subject: ",
                b"*From:*",
                b"<hr>",
                b"________",
            ),
        ),
    ),
    "winmail": Family(
        _container, _containers, (b"\x78\x9f\x3e\x22", b"\x0f\x80", b"\x02\x90", b"\x03\x90", b"\x07\x90", b"\x0c\x80")
    ),
    "ics": Family(
        _calendar,
        lambda: _parts_of("text/calendar", "application/ics"),
        (
            *(b"BEGIN:VCALENDAR\r\n", b"BEGIN:VEVENT\r\n", b"END:VEVENT\r\n", b"METHOD:REPLY\r\n", b"\r\n ", b"RRULE:"),
            *(b"DTSTART;VALUE=DATE:20261124\r\n", b"DTEND;TZID=Europe/Berlin:20261124T100000\r\n", b"SUMMARY:", b"\\n"),
            *(
                b'ATTENDEE;CN="a";PARTSTAT=ACCEPTED:mailto:x@y\r\n',
                b"ORGANIZER:",
                b"STATUS:CANCELLED\r\n",
                b"LOCATION:",
            ),
        ),
    ),
}
