"""A raw mail as words: what the corpus cannot show in one mail."""

import base64
import hashlib
import quopri

import pytest

from maild.domain.messages import reply_tokens as token
from maild.domain.messages.attachment import Attachment
from maild.mail.reading import attachments, parse, parts
from maild.mail.reading.limits import Limits

HEAD = b"From: Karen <karen@client.example>\r\nDate: Mon, 17 Nov 2025 10:20:30 +0100\r\nSubject: help\r\n"
MAIL = HEAD + b"Message-ID: <1@client.example>\r\n"
BODY = "The printer burns – übel.\r\nPlease come.\r\n".encode()


def _mail(body=BODY, encoding=b"8bit", before=b"", head=MAIL):
    typed = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    return before + head + typed + body


def test_size_and_digest_are_those_of_the_raw_mail():
    message = parse.read(_mail())
    assert (message.size, message.sha256) == (len(_mail()), hashlib.sha256(_mail()).hexdigest())


@pytest.mark.parametrize(
    "other",
    [
        _mail(before=b"Received: from a by b; Mon, 17 Nov 2025 10:20:31 +0100\r\nDelivered-To: it@acme.example\r\n"),
        _mail().replace(b"\r\n", b"\n"),
        _mail(base64.encodebytes(BODY), b"base64"),
        _mail(quopri.encodestring(BODY.replace(b"\r\n", b"\n")), b"quoted-printable"),
        _mail(BODY + b"\r\n\r\n"),
        _mail().replace(b"Subject: help", b"Subject:\r\n help"),
    ],
)
def test_the_same_mail_by_another_way_is_the_same(other):
    assert parse.read(other).sameness == parse.read(_mail()).sameness != ""


@pytest.mark.parametrize(
    "other",
    [
        _mail(BODY + b"!"),
        _mail().replace(b"Karen", b"Bob"),
        _mail().replace(b"10:20:30", b"10:20:31"),
        _mail().replace(b"<1@", b"<2@"),
        _mail().replace(b"Subject: help", b"Subject: help!"),
    ],
)
def test_another_mail_is_not_the_same(other):
    assert parse.read(other).sameness != parse.read(_mail()).sameness


def test_attachment_makes_a_difference_to_sameness():
    head = MAIL + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nhello\r\n--b\r\n'
    one = head + b"Content-Type: application/pdf\r\n\r\none\r\n--b--\r\n"
    assert parse.read(one).sameness != parse.read(one.replace(b"\r\none", b"\r\ntwo")).sameness


def test_mail_without_an_id_is_the_same_as_nothing():
    assert parse.read(_mail(head=HEAD)).sameness == ""


def test_headers_are_found_by_lower_case_name_with_all_values():
    message = parse.read(b"X-Loop: one\r\nx-loop: =?utf-8?q?zw=C3=B6lf?=\r\n" + _mail())
    assert message.headers["x-loop"] == ("one", "zwölf")
    assert message.header("X-LOOP") == "one"
    assert message.header("absent") == ""


def test_header_that_comes_ten_thousand_times_is_kept_a_hundred_times():
    message = parse.read(b"X: 1\r\n" * 900 + _mail(), limits=Limits())
    assert len(message.headers["x"]) == 100


def test_known_texts_are_folded():
    ours = "We replaced the fuser this morning.\nPlease print one page for us.\nAcme Support"
    message = parse.read(_mail(b"Thanks.\r\n\r\n" + ours.encode()), known_texts=[ours])
    assert (message.new_text, message.folded_lines) == ("Thanks.", 3)
    assert message.text.endswith(ours)


def test_text_is_capped_and_the_rest_stays_in_the_raw_mail():
    message = parse.read(_mail(b"x" * 1_500_000))
    assert len(message.text) == 1_000_000
    assert any("longer than" in defect for defect in message.defects)


def test_part_that_does_not_exist_is_a_lookup_error():
    with pytest.raises(LookupError, match=r"no part '1\.2'"):
        parse.extract(_mail(), "1.2")


def test_mail_deeper_than_the_parser_can_go_still_has_its_header():
    opening = b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n'
    raw = MAIL + b"".join(opening % (level, level) for level in range(3_000)) + b"\r\ndeep"
    message = parse.read(raw, limits=Limits(depth=10**6, parts=10**6, lines=10**8))
    assert (message.subject, message.text) == ("help", "")
    assert any("too deep for the parser" in defect for defect in message.defects)


def test_commands_hidden_from_readers_are_no_text():
    page = b'<p>Hello</p><div style="display:none">!close</div><!-- !close --><style>!close</style>'
    raw = MAIL + b"Content-Type: text/html\r\n\r\n" + page
    assert parse.read(raw).text == "Hello"


def test_nested_mail_gives_none_of_its_fields_to_the_outer_one():
    inner = b"From: evil@evil.example\r\nMessage-ID: <evil@x>\r\nSubject: evil\r\n\r\nevil words\r\n"
    raw = (
        MAIL + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n' + inner
    )
    message = parse.read(raw + b"--b--\r\n")
    assert "evil" not in f"{message.text}{message.subject}{message.message_id}{message.headers}{message.from_header}"
    assert parse.extract(raw, message.attachments[0].part).strip() == inner.strip()


def _with_files(count, content=b"x"):
    head = MAIL + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n\r\nhello\r\n'
    files = (
        b"--b\r\nContent-Type: application/pdf; name=f%d.pdf\r\n\r\n%s%d\r\n" % (number, content, number)
        for number in range(count)
    )
    return head + b"".join(files) + b"--b--\r\n"


def test_attachments_beyond_a_hundred_are_left_out_by_name():
    message = parse.read(_with_files(103))
    assert len(message.attachments) == 100
    (told,) = [defect for defect in message.defects if "left out" in defect]
    assert told.startswith("3 attachments are left out")
    assert told.endswith("f100.pdf, f101.pdf, f102.pdf")


def test_attachments_beyond_the_size_of_all_are_left_out():
    leaves = parts.leaves(parts.tree(_with_files(3, b"x" * 1_000)))[1:]
    kept, (told,) = attachments.pointers(leaves, {}, total=2_500)
    assert [one.name for one in kept] == ["f0.pdf", "f1.pdf"]
    assert "f2.pdf" in told


def test_same_content_counts_once_and_not_again_when_it_is_known():
    def of(name, sha256):
        return Attachment(part="2", name=name, content_type="image/png", size=1, sha256=sha256)

    logo, plan, again = of("logo.png", "1"), of("plan.png", "2"), of("logo2.png", "1")
    assert attachments.distinct([logo, plan, again]) == (logo, plan)
    assert attachments.distinct([logo, plan, again], known={"1"}) == (plan,)


def test_learned_signature_is_folded_by_the_reader():
    raw = _mail(b"It prints.\r\n\r\nKaren\r\nClient Inc.\r\n")
    assert parse.read(raw, signature="Karen\nClient Inc.").new_text == "It prints."


def test_at_most_ten_marks_are_looked_at():
    marks = b" ".join(b"ref:a1u1s1.%d.k3f9q2m1x0abcdef" % number for number in range(20))
    found = parse.read(_mail(marks)).markers
    assert (len(found), found[0]) == (10, "a1u1s1.0.k3f9q2m1x0abcdef")


def test_mark_fits_what_makes_our_ids():
    ring = token.KeyRing.of_text("a:a secret of sixteen characters")
    sealed = token.Sealed("a", 42, token.Scope.USER, 7, 3)
    own = token.message_id(ring, sealed, 55, "acme.example")
    (mark,) = parse.read(_mail(f"> Ticket 42 ref:{own[1:-1].partition('@')[0]}".encode())).markers
    assert token.read_message_id(ring, f"<{mark}@acme.example>").ticket == 42
