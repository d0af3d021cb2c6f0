"""A real Postfix as the relay: what we compose and how we say it is to its liking."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult
from maild.mail.compose import compose
from maild.transports import RelayOptions, SmtpTransport
from tests.mail_out.test_compose import DRAFT, OUTLOOK_ID
from tests.rig.postfix import PostfixRig
from tests.rig.sink_smtp import SinkSmtp
from tests.rig.waiting import wait_until

pytestmark = pytest.mark.door


def test_a_mail_passes_unchanged_and_its_bounce_names_it(
    postfix: Callable[..., AbstractContextManager[PostfixRig]], sink: Callable[..., SinkSmtp]
) -> None:
    there = sink(features=("8BITMIME", "DSN"), script={"RCPT:gone@client.test": "550 5.1.1 nobody of that name"})
    with postfix(relayhost=f"[127.0.0.1]:{there.port}") as mta:
        hand_over_and_look(mta, there)


def hand_over_and_look(mta: PostfixRig, there: SinkSmtp) -> None:
    options = RelayOptions(name="main", host="127.0.0.1", port=mta.port, tls="none", helo="desk.acme.test")
    transport = SmtpTransport(options)
    raw = compose(DRAFT)
    people = ("bob@client.test", "gone@client.test")
    given = transport.send(OutboundMessage("bounce@acme.test", people, raw))
    assert not isinstance(given, ChannelFault)
    assert {given[person].verdict for person in people} == {DeliveryResult.SENT}
    again = transport.send(OutboundMessage("", ("eve@client.test",), raw))
    assert not isinstance(again, ChannelFault)
    transport.close()

    wait_until(lambda: len(there.mails) >= 3, what=f"two mails and a bounce:\n{mta.log}")
    taken = {mail.recipients[0]: mail for mail in there.mails}
    assert taken["bob@client.test"].raw.endswith(raw)  # below the Received line of Postfix
    assert f"In-Reply-To: {OUTLOOK_ID}\r\n".encode() in taken["bob@client.test"].raw
    assert "NOTIFY=FAILURE,DELAY" in taken["bob@client.test"].rcpt_parameters[0]
    bounce = taken["bounce@acme.test"]
    assert bounce.sender == ""
    assert b"Original-Envelope-Id: a1042u7s4.17.0123456789abcdef@acme.example" in bounce.raw
    assert b"Final-Recipient: rfc822; gone@client.test" in bounce.raw
    assert len(mta.log_lines("smtpd.*: connect from")) == 2  # the rig's own look, and one connection for both mails
