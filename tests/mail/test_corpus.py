"""The mails of tests/corpus, each with one sentence on what is nasty in it, read as INDEX.toml says."""

import tomllib
from pathlib import Path

from maild.domain.intake.classify import OwnMarks, classify
from maild.domain.messages.message import Envelope, InboundMessage
from maild.domain.people.directory import Address
from maild.mail.reading import parse
from tests.rig.misses import in_turn

CORPUS = Path(__file__).parent.parent / "corpus"
INDEX = tomllib.loads((CORPUS / "INDEX.toml").read_text(encoding="utf-8"))


def _attachment(attachment):
    words = [attachment.name, attachment.content_type, str(attachment.size)]
    words += ["inline"] if attachment.inline else []
    words += [f"cid:{attachment.content_id}"] if attachment.content_id else []
    return " ".join(words)


def _statuses(message):
    report = message.delivery_report
    found = report.statuses if report else ()
    return [" ".join(filter(None, (s.recipient, s.action.value, s.status, s.diagnostic))) for s in found]


def _class(message):
    ours = frozenset((Address("support", "acme.example"), Address("it", "acme.example")))
    return classify(message, Envelope(), OwnMarks(lambda _: False, own_addresses=ours)).mail_class.value


def _of_forwarded(name):
    return lambda m: getattr(m.forwarded, name) if m.forwarded else None


# Keys of the index that are no field of InboundMessage, or that are written in another way there.
READERS = {
    "sender": lambda m: str(m.sender.address) if m.sender else "",
    "sender_name": lambda m: m.sender.name if m.sender else "",
    "sent_at": lambda m: m.sent_at.isoformat() if m.sent_at else "",
    "cc": lambda m: [str(person.address) for person in m.cc],
    "reply_to": lambda m: [str(person.address) for person in m.reply_to],
    "to": lambda m: [str(person.address) for person in m.to],
    "delivered_to": lambda m: [str(address) for address in m.delivered_to],
    "references": lambda m: list(m.references),
    "references_count": lambda m: len(m.references),
    "first_reference": lambda m: m.references[0],
    "last_reference": lambda m: m.references[-1],
    "in_reply_to": lambda m: list(m.in_reply_to),
    "attachments": lambda m: [_attachment(a) for a in m.attachments],
    "report": _statuses,
    "class": _class,
    "markers": lambda m: list(m.markers),
    "forwarded_from": lambda m: str(m.forwarded.sender.address) if m.forwarded and m.forwarded.sender else "",
    "forwarded_subject": _of_forwarded("subject"),
    "forwarded_text": _of_forwarded("text"),
    "forwarded_comment": _of_forwarded("comment"),
    "forwarded_certain": _of_forwarded("certain"),
    "original": lambda m: m.delivery_report.original_message_id if m.delivery_report else "",
}


def _read(name):
    return parse.read((CORPUS / f"{name}.eml").read_bytes())


@in_turn("name", INDEX)
def test_corpus_mail_is_read_as_the_index_says(name):
    message = _read(name)
    expected = dict(INDEX[name])
    expected.pop("nasty")
    for part in expected.pop("defects", []):
        assert any(part in defect for defect in message.defects), message.defects
    for part in expected.pop("html_has", []):
        assert part in message.html
    for part in expected.pop("html_lacks", []):
        assert part not in message.html
    found = {key: READERS.get(key, lambda m, k=key: getattr(m, k))(message) for key in expected}
    assert found == expected


def test_every_corpus_mail_is_in_the_index_and_says_what_is_nasty(capsys):
    assert {path.stem for path in CORPUS.glob("*.eml")} == set(INDEX)
    assert all(entry["nasty"].endswith(".") for entry in INDEX.values())
    with capsys.disabled():
        print(f" {len(INDEX)} corpus mails", end="")


@in_turn("name", INDEX)
def test_attachment_pointers_lead_to_the_bytes_they_describe(name):
    raw = (CORPUS / f"{name}.eml").read_bytes()
    for attachment in parse.read(raw).attachments:
        octets = parse.extract(raw, attachment.part)
        assert len(octets) == attachment.size


@in_turn("name", INDEX)
def test_what_is_read_is_clean_text(name):
    message = _read(name)
    assert isinstance(message, InboundMessage)
    values = [value for values in message.headers.values() for value in values]
    names = [attachment.name for attachment in message.attachments]
    for text in (message.text, message.new_text, message.html, message.subject, *values, *names):
        text.encode("utf-8")
        assert "\0" not in text
        assert "\r" not in text
    for line in (message.subject, message.message_id, message.from_header, *names, *values):
        assert len(line.splitlines()) <= 1


@in_turn("name", INDEX)
def test_new_text_holds_only_lines_of_the_text(name):
    message = _read(name)
    lines = iter([line.lstrip("> ") for line in message.text.split("\n")])
    assert all(line.lstrip("> ") in lines for line in message.new_text.split("\n") if line.strip())
