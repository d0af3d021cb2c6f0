"""What every transport keeps to: each recipient has exactly one answer, nothing raises, and it can be used again."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult
from maild.ports import MailTransport
from maild.transports import TRANSPORTS, MaildirTransport
from tests.rig.sink_smtp import SinkSmtp
from tests.transports.test_smtp_relay import relay

RAW = b"Subject: x\r\n\r\nx\r\n"


@pytest.fixture(params=sorted(TRANSPORTS))
def transport(request: pytest.FixtureRequest, sink: Callable[..., SinkSmtp], tmp_path: Path) -> Iterator[MailTransport]:
    made: MailTransport = relay(sink()) if request.param == "smtp" else MaildirTransport(tmp_path / "sent")
    yield made
    made.close()


def test_each_recipient_has_one_answer(transport: MailTransport) -> None:
    people = ("bob@client.example", "no address", "eve@client.example", "bob@client.example")
    got = transport.send(OutboundMessage("b@acme.example", people, RAW))
    assert isinstance(got, Mapping)
    assert {person: answer.verdict for person, answer in got.items()} == {
        "bob@client.example": DeliveryResult.SENT,
        "no address": DeliveryResult.PERMANENT,
        "eve@client.example": DeliveryResult.SENT,
    }
    assert all(answer.text and "\n" not in answer.text for answer in got.values())


def test_no_recipients_no_answers(transport: MailTransport) -> None:
    assert transport.send(OutboundMessage("", (), RAW)) == {}


def test_it_can_be_closed_twice_and_used_again(transport: MailTransport) -> None:
    transport.close()
    transport.close()
    assert not isinstance(transport.send(OutboundMessage("", ("bob@client.example",), RAW)), ChannelFault)


HOSTILE = st.one_of(
    st.emails(), st.text(max_size=40), st.builds("{}@{}".format, st.text(max_size=20), st.text(max_size=20))
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(HOSTILE, max_size=4), sender=HOSTILE, raw=st.binary(max_size=200))
def test_whatever_the_addresses_and_the_bytes(
    transport: MailTransport, people: list[str], sender: str, raw: bytes
) -> None:
    got = transport.send(OutboundMessage(sender, tuple(people), raw))
    assert isinstance(got, Mapping)
    assert set(got) == set(people)
