"""Mails with a file, and one text in the shape of many kinds of files: how people pass a mail on."""

import base64
import gzip
import io
import quopri
import struct
import zipfile
from collections.abc import Callable

Shape = tuple[str, str, bytes]  # (file name, media type, content)


def with_file(mail: bytes, file: Shape) -> bytes:
    """The same mail of one text part, with a file. A message/rfc822 part stands as it is; all else is base64."""
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = head.split(b"\r\n")
    text_type = next(field for field in fields if field.lower().startswith(b"content-type:"))
    others = [field for field in fields if field is not text_type]
    name, media_type, content = file
    plain = media_type == "message/rfc822"
    coded = content if plain else base64.encodebytes(content).replace(b"\n", b"\r\n")
    part = (
        f"Content-Type: {media_type}; name={name}\r\nContent-Disposition: attachment; filename={name}\r\n"
        f"Content-Transfer-Encoding: {'8bit' if plain else 'base64'}\r\n\r\n"
    ).encode()
    whole = [
        *others,
        b"MIME-Version: 1.0",
        b"Content-Type: multipart/mixed; boundary=outer-boundary",
        b"",
        b"--outer-boundary",
    ]
    return b"\r\n".join([*whole, text_type, b"", body, b"--outer-boundary", part + coded, b"--outer-boundary--", b""])


# -- a whole mail as a file -------------------------------------------------------------------------------------------


def attached(mail: bytes) -> Shape:
    return "notice.eml", "message/rfc822", mail


def as_octets(mail: bytes) -> Shape:
    return "notice.eml", "application/octet-stream", mail


def within_another(mail: bytes) -> Shape:
    """Forwarded as a file of a mail that was forwarded as a file, in base64 each time."""
    outer = (
        b"From: john@acme.example\r\nTo: john@home.example\r\nSubject: Fwd: look\r\nMessage-ID: <1@home.example>\r\n"
    )
    outer += b"Content-Type: text/plain; charset=utf-8\r\n\r\nsee file\r\n"
    return "look.eml", "application/octet-stream", with_file(outer, as_octets(mail))


def quoted_printable(mail: bytes) -> Shape:
    coded = quopri.encodestring(mail, quotetabs=True)
    return "notice.eml", "application/octet-stream", b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + coded


def source_as_text(mail: bytes) -> Shape:
    """Somebody saved the source, in which the parts are coded, and put it below words of their own."""
    body = b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(mail)
    return "source.txt", "text/plain", b"This is what I got:\n\n" + body


def wide(mail: bytes) -> Shape:
    """As Outlook stores texts: UTF-16 in a compound file."""
    text = mail.decode("ascii", "replace").encode("utf-16-le")
    return "notice.msg", "application/vnd.ms-outlook", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(505) + text


def zipped(mail: bytes) -> Shape:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other.txt", "nothing here")
        archive.writestr("notice.eml", mail)
    return "notice.zip", "application/zip", found.getvalue()


def gzipped(mail: bytes) -> Shape:
    return "notice.eml.gz", "application/gzip", gzip.compress(mail)


def winmail(mail: bytes) -> Shape:
    """A file in Outlook's container."""
    title, begins = tnef_object(2, 0x8010, b"notice.eml\0"), tnef_object(2, 0x9002, bytes(14))
    return "winmail.dat", "application/ms-tnef", TNEF + begins + title + tnef_object(2, 0x800F, mail)


def winmail_text(mail: bytes) -> Shape:
    """The text itself in Outlook's container, as compressed RTF, in a property of the message."""
    rich = compressed_rich(b"{\\rtf1\\ansi " + mail.replace(b"\r\n", b"\\par\r\n") + b"}")
    property_of_text = struct.pack("<IHHII", 1, 0x0102, 0x1009, 1, len(rich)) + rich + bytes(-len(rich) % 4)
    return "winmail.dat", "application/ms-tnef", TNEF + tnef_object(1, 0x9003, property_of_text)


TNEF = struct.pack("<IH", 0x223E9F78, 1)


def tnef_object(level: int, name: int, content: bytes) -> bytes:
    return struct.pack("<BHHI", level, name, 6, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def compressed_rich(rtf: bytes) -> bytes:
    """LZFu ([MS-OXRTFCP]): letters as they are, but that one run of eight is told by its place, and then the end."""
    packed = b"".join(b"\0" + rtf[at : at + 8].ljust(8, b" ") for at in range(0, len(rtf), 8))
    write = (207 + -(-len(rtf) // 8) * 8) % 4096
    packed += b"\1" + struct.pack(">H", write << 4)
    return struct.pack("<II4sI", len(packed) + 12, len(rtf), b"LZFu", 0) + packed


WHOLE: tuple[Callable[[bytes], Shape], ...] = (
    *(attached, as_octets, within_another, quoted_printable, source_as_text, wide, zipped, gzipped, winmail),
    winmail_text,
)


# -- words alone as a file --------------------------------------------------------------------------------------------


def text_file(text: str) -> Shape:
    return "words.txt", "text/plain; charset=utf-8", text.encode()


def western_file(text: str) -> Shape:
    return "words.txt", "text/plain; charset=iso-8859-1", text.encode("cp1252", "replace")


def wide_file(text: str) -> Shape:
    return "words.txt", "text/plain; charset=utf-16", text.encode("utf-16")


def html_file(text: str) -> Shape:
    first, _, rest = text.partition(" ")
    page = f"<html><body><p><b>{first[:2]}</b>{first[2:]} <span class='x'>{rest}</span></p></body></html>"
    return "words.html", "text/html", page.encode()


def rich_file(text: str) -> Shape:
    coded = "".join(letter if letter.isascii() else f"\\u{ord(letter)}?" for letter in text)
    return (
        "words.rtf",
        "application/rtf",
        ("{\\rtf1\\ansi\\deff0 {\\b " + coded.replace(" ", "} ", 1) + "\\par}").encode(),
    )


def word_file(text: str) -> Shape:
    runs = "".join(f"<w:r><w:t>{text[at : at + 7]}</w:t></w:r>" for at in range(0, len(text), 7))
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f"<w:document><w:body><w:p>{runs}</w:p></w:body></w:document>")
    return "words.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", found.getvalue()


def mail_file(text: str) -> Shape:
    coded = base64.encodebytes(text.encode()).decode()
    head = "From: a@b.example\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n"
    return "words.eml", "message/rfc822", (head + coded).replace("\n", "\r\n").encode()


WORDS: tuple[Callable[[str], Shape], ...] = (
    *(text_file, western_file, wide_file, html_file, rich_file, word_file, mail_file),
)
