"""Replies shaped as Gmail, Outlook and Apple Mail write them find their ticket, each by another carrier."""

from datetime import timedelta

import pytest

from maild.cli.story import Cast
from maild.domain.people.directory import Address
from tests.rig.postfix import why_no_postfix
from tests.story.door import door_stage

pytestmark = pytest.mark.door

GMAIL = """\
From: Karen Hill <karen@client.example>
To: Acme Support <{reply_to}>
Subject: {subject}
Date: Mon, 23 Nov 2026 09:10:00 +0100
Message-ID: <CAH7kq2w-gmail-shaped@mail.client.example>
In-Reply-To: {message_id}
References: {message_id}
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="0000000000004a1b"

--0000000000004a1b
Content-Type: text/plain; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

The lamp blinks red now =E2=80=93 three times, then a pause.

On Mon, Nov 23, 2026 at 9:00=E2=80=AFAM Acme Support <support@acme.example>
wrote:

> {first_line}
> Please reply to this mail.
>

--0000000000004a1b
Content-Type: text/html; charset="UTF-8"
Content-Transfer-Encoding: quoted-printable

<div dir=3D"ltr">The lamp blinks red now =E2=80=93 three times, then a pause.=
</div><br><div class=3D"gmail_quote"><div dir=3D"ltr" class=3D"gmail_attr">On=
 Mon, Nov 23, 2026 at 9:00=E2=80=AFAM Acme Support wrote:<br></div><blockquot=
e class=3D"gmail_quote">{first_line}</blockquote></div>
--0000000000004a1b--
"""

# Written to the bare address, as from an address book: In-Reply-To is the carrier.
OUTLOOK = """\
From: Karen Hill <karen@client.example>
To: Acme Support <support@acme.example>
Subject: RE: {subject}
Thread-Topic: The scanner hums
Thread-Index: AQHccF3oSxkq0000000000000000000000==
Date: Mon, 23 Nov 2026 08:20:00 +0000
Message-ID: <AM0PR05MB4242C0FFEE0123456789ABCDEF0@AM0PR05MB4242.eurprd05.prod.outlook.com>
References: {message_id}
In-Reply-To: {message_id}
Content-Language: en-US
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="_000_AM0PR05MB4242_"

--_000_AM0PR05MB4242_
Content-Type: text/plain; charset="us-ascii"

I pulled the plug and put it back in.

Karen

________________________________
From: Acme Support <support@acme.example>
Sent: Monday, November 23, 2026 9:00 AM
To: Karen Hill <karen@client.example>
Subject: {subject}

{first_line}

--_000_AM0PR05MB4242_
Content-Type: text/html; charset="us-ascii"

<html><body><div>I pulled the plug and put it back in.</div><div><br></div><div>Karen</div>
<div id="divRplyFwdMsg"><b>From:</b> Acme Support<br><b>Sent:</b> Monday<br></div><div>{first_line}</div></body></html>
--_000_AM0PR05MB4242_--
"""

# From a telephone, to the bare address and without references: the token in the subject is the carrier.
APPLE = """\
From: Karen Hill <karen@client.example>
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit
Mime-Version: 1.0 (1.0)
Subject: Re: {subject}
Message-Id: <5E0C2F4A-0000-4B3A-9D57-5F3C7C0FFEE0@client.example>
Date: Mon, 23 Nov 2026 09:30:00 +0100
To: Acme Support <support@acme.example>
X-Mailer: iPhone Mail (23A341)

It is quiet again, thank you!

Sent from my iPhone

> On 23 Nov 2026, at 09:00, Acme Support <support@acme.example> wrote:
>
> {first_line}
"""


def test_each_finds_its_ticket_and_brings_only_its_new_words(tmp_path):
    if obstacle := why_no_postfix():
        pytest.skip(obstacle)
    with door_stage(tmp_path, "imap") as stage:
        karen = Cast(stage).karen
        karen.write("The scanner hums", "It has been humming since Friday.")
        notice = karen.newest("acknowledgement")
        places = {
            "reply_to": str(notice.reply_to[0].address),
            "subject": notice.subject,
            "message_id": notice.message_id,
            "first_line": notice.text.splitlines()[0],
        }
        for shape in (GMAIL, OUTLOOK, APPLE):
            raw = shape.format(**places).replace("\n", "\r\n").encode()
            stage.clock.advance(timedelta(minutes=1))
            stage.post(karen.address, [Address.of("support@acme.example")], raw)
            stage.settle()
        thread = [(entry["kind"], entry["text"]) for entry in stage.ticket(1)["entries"]]
        tickets = stage.tickets("all")
    assert [ticket["number"] for ticket in tickets] == [1]
    assert thread == [
        ("message", "It has been humming since Friday."),
        ("message", "The lamp blinks red now – three times, then a pause."),
        ("message", "I pulled the plug and put it back in.\n\nKaren"),
        ("message", "It is quiet again, thank you!"),
    ]
