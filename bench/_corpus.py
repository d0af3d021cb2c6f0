"""Makes mails for measurements; the same seed gives the same bytes.

Half are plain text of 1.2 KB, 35 % are multipart/alternative of 11.6 KB, and 15 % have a PDF of 204 KB. They come from
500 senders, and each has its own Message-ID."""

from __future__ import annotations

import random
from email import policy
from email.message import EmailMessage

KINDS = ("text",) * 10 + ("alternative",) * 7 + ("attachment",) * 3
SENDERS = 500
RECIPIENT = "support@help.test"
_WORDS = (
    "monitor keyboard cable invoice contract crème brûlée straße naïve window update since morning cannot open file "
    "shared folder login error message again customer waiting delivery number please check thanks colleague office"
).split()


def prose(chance: random.Random, size: int) -> str:
    """Return about `size` characters of words, ten on each line."""
    lines: list[str] = []
    while sum(map(len, lines)) + len(lines) < size:
        lines.append(" ".join(chance.choice(_WORDS) for _ in range(10)))
    return "\n".join(lines) + "\n"


def mail(number: int, kind: str, chance: random.Random) -> bytes:
    """Return a mail of a kind, with CRLF line ends."""
    made = EmailMessage(policy=policy.SMTP)
    sender = chance.randrange(SENDERS)
    name = f"Jörg {sender}" if sender % 7 == 0 else f"Person {sender}"
    made["From"] = f"{name} <person{sender}@example.test>"
    made["To"] = RECIPIENT
    made["Subject"] = f"Case {number}: {' '.join(chance.choice(_WORDS) for _ in range(5))}"
    made["Date"] = f"Mon, 02 Jun 2025 10:{number // 60 % 60:02d}:{number % 60:02d} +0000"
    made["Message-ID"] = f"<m{number}.{chance.getrandbits(40):x}@example.test>"
    made["Received"] = (
        "from mx.example.test (mx.example.test [192.0.2.1]) by help.test with ESMTPS "
        f"id {number:x}; Mon, 02 Jun 2025 10:00:00 +0000"
    )
    made["X-Mailer"] = "Bench 1.0"
    if kind == "text":
        made.set_content(prose(chance, 700))
    else:
        text, page = (3_000, 5_200) if kind == "alternative" else (2_000, 2_000)
        made.set_content(prose(chance, text))
        paragraphs = "".join(f'<p style="margin:0">{line}</p>' for line in prose(chance, page).split("\n"))
        made.add_alternative(f"<html><body>{paragraphs}</body></html>", subtype="html")
    if kind == "attachment":
        pdf = chance.randbytes(145_000)
        made.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"scan-{number}.pdf")
    for part in made.walk():
        if part.is_multipart():  # the library would take it from the global random generator
            part.set_boundary(f"=={chance.getrandbits(64):016x}==")
    return made.as_bytes()


def mails(count: int, seed: int = 1) -> list[tuple[str, bytes]]:
    """Return `count` mails of the mix with their kinds, shuffled."""
    chance = random.Random(seed)
    kinds = list((KINDS * (count // len(KINDS) + 1))[:count])
    chance.shuffle(kinds)
    return [(kind, mail(number, kind, chance)) for number, kind in enumerate(kinds)]
