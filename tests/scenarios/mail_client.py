"""A person with a mail program: reads the raw mails of the relay, answers them, presses their buttons.

It knows nothing of maild: it reads with the standard library, and all that it does follows from the mail at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from functools import cached_property
from html.parser import HTMLParser
from itertools import count
from urllib.parse import parse_qs, unquote, urlsplit

PROVIDER = "mx.acme.example"  # whose word about senders counts
TAKEN_IN = f"from mail.sender.example (mail.sender.example [192.0.2.25]) by {PROVIDER} with ESMTPS id 4c1f"


@dataclass(frozen=True)
class Mail:
    """A mail as it lies in a mailbox."""

    raw: bytes
    recipients: tuple[str, ...] = ()
    template: str = ""  # what kind of mail it is

    @cached_property
    def _parsed(self) -> Message:
        # The old interface: it is several times as quick, and these mails are read by the thousand.
        return message_from_bytes(self.raw, policy=policy.compat32)

    def field(self, name: str) -> str:
        """A header field in words, unfolded; "" when it is not there."""
        found = str(self._parsed[name] or "").replace("\r\n", "").replace("\n", "")
        return str(make_header(decode_header(found))) if "=?" in found else found

    def _part(self, content_type: str) -> str:
        for part in self._parsed.walk():
            if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
                content = part.get_payload(decode=True)
                assert isinstance(content, bytes)
                return content.decode(part.get_content_charset() or "utf-8").replace("\r\n", "\n")
        return ""

    @cached_property
    def subject(self) -> str:
        return self.field("Subject")

    @property
    def message_id(self) -> str:
        return self.field("Message-ID")

    @property
    def reply_to(self) -> str:
        return parseaddr(self.field("Reply-To") or self.field("From"))[1]

    @property
    def automatic(self) -> bool:
        """No person wrote it (RFC 3834)."""
        return self.field("Auto-Submitted") not in ("", "no")

    @cached_property
    def text(self) -> str:
        return self._part("text/plain")

    @cached_property
    def html(self) -> str:
        return self._part("text/html")

    @cached_property
    def words(self) -> str:
        """Subject and text with single blanks: mail programs fold lines where they like."""
        return " ".join(f"{self.subject}\n{self.text}".split())

    @cached_property
    def buttons(self) -> Mapping[str, str]:
        """Label -> link of all that opens a mail."""
        links = _Links()
        links.feed(self.html)
        return links.found


class _Links(HTMLParser):
    """Collects <a href="mailto:…">label</a>."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: dict[str, str] = {}
        self._href = ""
        self._label: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._href, self._label = dict(attrs).get("href") or "", []

    def handle_data(self, data: str) -> None:
        self._label.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href.startswith("mailto:"):
            self.found.setdefault(" ".join("".join(self._label).split()), self._href)
            self._href = ""


@dataclass(frozen=True)
class Writing:
    """How a mail is written and sent, beside its words."""

    sender: str = ""  # another address than the person's own
    to: str = ""
    cc: str = ""
    subject: str = ""
    proof: str = "pass"  # what the provider says of the sender; "none" is nothing
    fields: Mapping[str, str] = field(default_factory=dict)
    html: str = ""  # instead of the text, or beside it
    attached: tuple[str, str] = ("", "")  # name, content
    quoting: str = "below"  # "below", "above", "none", "outlook"


@dataclass
class MailProgram:
    """Writes mails as one person's program does. `name` is the display name."""

    name: str
    address: str

    _numbers = count(1)  # of all mails that anybody writes

    def write(self, now: datetime, text: str, writing: Writing, parent: Mail | None = None) -> bytes:
        """A mail; `parent` is the one that it answers."""
        number = next(self._numbers)
        sender = writing.sender or self.address
        domain = sender.rpartition("@")[2]
        own: dict[str, str] = {}
        if writing.proof != "none":
            own["Authentication-Results"] = f"{PROVIDER}; dmarc={writing.proof} header.from={domain}"
        own["Received"] = f"{TAKEN_IN}; {now:%a, %d %b %Y %H:%M:%S +0000}"
        own["From"] = f"{self.name} <{sender}>"
        own["To"] = writing.to or "support@acme.example"
        own["Cc"] = writing.cc
        own["Subject"] = writing.subject
        own["Date"] = f"{now:%a, %d %b %Y %H:%M:%S +0000}"
        own["Message-ID"] = f"<{number}.{now:%H%M%S}@{domain}>"
        if parent is not None:
            own["In-Reply-To"] = parent.message_id
            own["References"] = " ".join((*parent.field("References").split(), parent.message_id))
        own["MIME-Version"] = "1.0"
        return _assembled({**own, **dict(writing.fields)}, text, writing)

    def answer(self, now: datetime, mail: Mail, text: str, writing: Writing) -> bytes:
        """Reply to a mail: to its Reply-To, quoting it."""
        subject = writing.subject or (mail.subject if mail.subject.lower().startswith("re:") else f"Re: {mail.subject}")
        more = {"to": writing.to or mail.reply_to, "subject": subject}
        return self.write(now, _quoting(mail, text, writing.quoting), replace(writing, **more), mail)

    def press(self, now: datetime, mail: Mail, label: str, writing: Writing, body: str | None = None) -> bytes:
        """Press a button and send what opens, with another body where one is given (RFC 6068).

        LookupError when the mail has no such button."""
        link = next((href for shown, href in mail.buttons.items() if shown.lower() == label.lower()), "")
        if not link:
            raise LookupError(f"no button {label!r}, only {sorted(mail.buttons)}")
        return self._opened(now, link, writing, body)

    def unsubscribe(self, now: datetime, mail: Mail, writing: Writing) -> bytes:
        """What a mail program sends for its own button (RFC 2369 3.2). LookupError when the mail offers none."""
        found = re.search(r"<(mailto:[^>]+)>", mail.field("List-Unsubscribe"))
        if not found:
            raise LookupError("the mail has no List-Unsubscribe")
        return self._opened(now, found[1], writing, None)

    def _opened(self, now: datetime, link: str, writing: Writing, body: str | None) -> bytes:
        parts = urlsplit(link)
        asked = parse_qs(parts.query, keep_blank_values=True)
        opened = asked.get("body", [""])[0].replace("\r\n", "\n")
        more = {"to": writing.to or unquote(parts.path), "subject": asked.get("subject", [""])[0]}
        return self.write(now, opened if body is None else body, replace(writing, **more))


def _quoting(mail: Mail, text: str, how: str) -> str:
    if how == "none":
        return text
    sent = mail.text.rstrip("\n")
    if how == "outlook":
        head = f"From: {mail.field('From')}\nSent: Monday, May 4, 2026 9:00 AM\nTo: {mail.field('To')}"
        return f"{text}\n\n________________________________\n{head}\nSubject: {mail.subject}\n\n{sent}\n"
    wrote = f"On Mon, 4 May 2026 at 09:00, {mail.field('From')} wrote:"
    quoted = "\n".join(f"> {line}".rstrip() for line in sent.splitlines())
    return f"{wrote}\n{quoted}\n\n{text}" if how == "above" else f"{text}\n\n{wrote}\n{quoted}\n"


def _assembled(fields: Mapping[str, str], text: str, writing: Writing) -> bytes:
    content, body = _body(text, writing)
    head = [f"{name}: {value}" for name, value in {**fields, **content}.items() if value]
    return "\r\n".join([*head, "", *body, ""]).encode("utf-8", "surrogateescape")


def _body(text: str, writing: Writing) -> tuple[dict[str, str], Sequence[str]]:
    plain = ("text/plain; charset=utf-8", text.split("\n"))
    parts = [plain] if text or not writing.html else []
    if writing.html:
        parts.append(("text/html; charset=utf-8", writing.html.split("\n")))
    whole = parts[0] if len(parts) == 1 else _together("multipart/alternative", parts, "alternatives")
    name, content = writing.attached
    if name:
        kind = "text/plain" if name.endswith(".txt") else "application/octet-stream"
        file = (f'{kind}\r\nContent-Disposition: attachment; filename="{name}"', content.split("\n"))
        whole = _together("multipart/mixed", [whole, file], "files")
    return {"Content-Type": whole[0]}, whole[1]


def _together(kind: str, parts: Sequence[tuple[str, Sequence[str]]], mark: str) -> tuple[str, list[str]]:
    lines: list[str] = []
    for content_type, body in parts:
        lines += [f"--=={mark}", f"Content-Type: {content_type}", "", *body]
    return f'{kind}; boundary="=={mark}"', [*lines, f"--=={mark}--"]


def upper_cased(address: str) -> str:
    """The address with its local part in capitals, as some servers write it."""
    local, _, domain = address.rpartition("@")
    return f"{local.upper()}@{domain}"


_MARK = re.compile(
    r"\b[a-z][0-9]{1,12}([rncdqu])[0-9]{1,12}s[0-9]{1,9}(?:\.[a-z0-9-]{1,21})?\.[0-9a-z]{16}\b", re.IGNORECASE
)


def scopes_in(text: str) -> set[str]:
    """The scopes of all marks that stand in a text: sealed reply addresses and our own Message-IDs."""
    return {found.lower() for found in _MARK.findall(text)}
