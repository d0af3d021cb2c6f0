"""The dialogue with a relay over real sockets: what is said, how often one connects, what each answer becomes."""

from collections.abc import Callable, Mapping

import pytest

from maild.domain.messages.message import OutboundMessage
from maild.domain.messages.outbox import ChannelFault, DeliveryResult, RelayAnswer
from maild.transports import RelayOptions, SmtpTransport
from tests.rig.misses import in_turn
from tests.rig.sink_smtp import CUT, SILENCE, SinkSmtp

Sink = Callable[..., SinkSmtp]
BOB, EVE = "bob@client.example", "eve@client.example"
RAW = b"Message-ID: <a1r2s3.4.5@acme.example>\r\nSubject: Printer\r\n\r\nIt prints.\r\n"


def mail(*recipients: str, raw: bytes = RAW, sender: str = "b@acme.example") -> OutboundMessage:
    return OutboundMessage(sender, recipients or (BOB,), raw)


def relay(sink: SinkSmtp, **given: object) -> SmtpTransport:
    settings: dict[str, object] = {
        "name": "main",
        "host": "127.0.0.1",
        "port": sink.port,
        "tls": "none",
        "helo": "desk.acme.example",
        "connect_seconds": 5.0,
        "command_seconds": 5.0,
        "data_seconds": 5.0,
    }
    clock = given.pop("clock", None)
    options = RelayOptions(**(settings | given))  # type: ignore[arg-type]
    return SmtpTransport(options, clock) if clock else SmtpTransport(options)  # type: ignore[arg-type]


def answers(given: Mapping[str, RelayAnswer] | ChannelFault) -> dict[str, DeliveryResult]:
    assert not isinstance(given, ChannelFault), given
    return {recipient: answer.verdict for recipient, answer in given.items()}


def test_a_mail_is_handed_over_as_it_is(sink: Sink) -> None:
    there = sink()
    given = relay(there).send(mail(BOB, EVE))
    assert answers(given) == {BOB: DeliveryResult.SENT, EVE: DeliveryResult.SENT}
    assert isinstance(given, Mapping)
    assert given[BOB] == RelayAnswer(DeliveryResult.SENT, "250 2.0.0 queued as 1", 250)
    [taken] = there.mails
    assert (taken.sender, taken.recipients, taken.raw) == ("b@acme.example", [BOB, EVE], RAW)
    assert there.commands[0] == "ehlo desk.acme.example"


def test_delivery_reports_are_asked_for(sink: Sink) -> None:
    there = sink()
    relay(there).send(mail())
    assert there.mails[0].mail_parameters == f"SIZE={len(RAW)} RET=HDRS ENVID=a1r2s3.4.5@acme.example"
    assert there.mails[0].rcpt_parameters == ["NOTIFY=FAILURE,DELAY"]


def test_the_null_sender_asks_for_no_report(sink: Sink) -> None:
    there = sink()
    relay(there).send(mail(sender=""))
    assert (there.mails[0].sender, there.mails[0].rcpt_parameters) == ("", [""])
    assert "ENVID" not in there.mails[0].mail_parameters


def test_a_plain_relay_gets_no_parameters(sink: Sink) -> None:
    there = sink(features=())
    assert answers(relay(there).send(mail())) == {BOB: DeliveryResult.SENT}
    assert (there.mails[0].mail_parameters, there.mails[0].rcpt_parameters) == ("", [""])


@pytest.mark.parametrize(
    ("message_id", "envelope_id"),
    [
        (b"Message-ID: <a+b=c@x.example>", "a+2Bb+3Dc@x.example"),
        (b"Subject: none", None),
        (b"Message-ID: <" + b"x" * 120 + b"@x>", None),
    ],
)
def test_the_envelope_id_is_the_message_id_in_xtext(sink: Sink, message_id: bytes, envelope_id: str | None) -> None:
    there = sink()
    for _ in range(2):
        relay(there).send(mail(raw=message_id + b"\r\n\r\nx\r\n"))
    stated = [taken.mail_parameters.partition("ENVID=")[2] for taken in there.mails]
    assert stated[0] == stated[1]
    assert len(stated[0]) == 40 if envelope_id is None else stated[0] == envelope_id


def test_dots_and_line_ends_survive(sink: Sink) -> None:
    there = sink()
    relay(there).send(mail(raw=b".\r\n..\nA bare\rone\n.\n.\r\nMAIL FROM:<evil@x>\r\n.\r\n"))
    assert there.mails[0].raw == b".\r\n..\r\nA bare\r\none\r\n.\r\n.\r\nMAIL FROM:<evil@x>\r\n.\r\n"
    assert (len(there.mails), there.count("MAIL")) == (1, 1)


# -- one connection for many mails ------------------------------------------------------------------------------


def test_one_connection_serves_many_mails(sink: Sink) -> None:
    there = sink()
    transport = relay(there)
    for _ in range(5):
        assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert (there.sessions, len(there.mails), there.count("NOOP")) == (1, 5, 0)


def test_a_connection_is_closed_after_its_share_of_mails(sink: Sink) -> None:
    there = sink()
    transport = relay(there, mails_per_connection=2)
    for _ in range(5):
        transport.send(mail())
    assert (there.sessions, there.count("QUIT"), len(there.mails)) == (3, 2, 5)


def test_an_idle_connection_is_asked_whether_it_lives(sink: Sink) -> None:
    there = sink()
    moments = iter([0.0, 6.0, 6.0])
    transport = relay(there, clock=lambda: next(moments))
    transport.send(mail())
    transport.send(mail())
    assert (there.sessions, there.count("NOOP")) == (1, 1)


def test_a_connection_idle_too_long_is_left(sink: Sink) -> None:
    there = sink()
    moments = iter([0.0, 61.0, 61.0])
    transport = relay(there, clock=lambda: next(moments))
    transport.send(mail())
    transport.send(mail())
    assert (there.sessions, there.count("QUIT")) == (2, 1)


@pytest.mark.parametrize("idle", [0.0, 10.0])
def test_a_connection_that_the_relay_has_left_is_made_anew(sink: Sink, idle: float) -> None:
    there = sink()
    moments = iter([0.0, idle, idle])
    transport = relay(there, clock=lambda: next(moments))
    transport.send(mail())
    there.cut_all()
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert (there.sessions, len(there.mails)) == (2, 2)


def test_421_on_a_kept_connection_means_a_new_one(sink: Sink) -> None:
    there = sink(script={"MAIL": ["250 ok", "421 4.4.2 idle too long"]})
    transport = relay(there)
    transport.send(mail())
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert (there.sessions, len(there.mails)) == (2, 2)


def test_a_relay_that_hangs_up_at_once_is_tried_once(sink: Sink) -> None:
    there = sink(script={"MAIL": CUT})
    assert isinstance(relay(there).send(mail()), ChannelFault)
    assert there.sessions == 1


def test_a_refused_mail_leaves_the_connection_fit_for_the_next(sink: Sink) -> None:
    there = sink(script={"FINAL": ["550 5.7.1 spam"], f"RCPT:{EVE}": "550 5.1.1 nobody"})
    transport = relay(there)
    assert answers(transport.send(mail(BOB))) == {BOB: DeliveryResult.PERMANENT}
    assert answers(transport.send(mail(EVE))) == {EVE: DeliveryResult.PERMANENT}
    assert answers(transport.send(mail(BOB, EVE))) == {BOB: DeliveryResult.SENT, EVE: DeliveryResult.PERMANENT}
    assert (there.sessions, there.mails[0].recipients, there.count("RSET")) == (1, [BOB], 3)


def test_closing_says_goodbye_and_sending_connects_again(sink: Sink) -> None:
    there = sink()
    transport = relay(there)
    transport.close()
    transport.send(mail())
    transport.close()
    transport.close()
    transport.send(mail())
    assert (there.count("QUIT"), there.sessions) == (1, 2)


def test_a_relay_that_is_gone_is_left_without_a_word(sink: Sink) -> None:
    there = sink()
    transport = relay(there)
    transport.send(mail())
    there.cut_all()
    transport.close()
    transport.send(mail())
    assert (there.sessions, len(there.mails)) == (2, 2)


@pytest.mark.parametrize("planned", [CUT, "554 5.5.1 no"])
def test_a_connection_that_cannot_begin_afresh_is_left(sink: Sink, planned: str) -> None:
    there = sink(script={"FINAL": ["550 5.7.1 spam"], "RSET": planned})
    transport = relay(there)
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.PERMANENT}
    assert answers(transport.send(mail())) == {BOB: DeliveryResult.SENT}
    assert there.sessions == 2


# -- what only the relay knows ------------------------------------------------------------------------------------


def test_each_recipient_has_its_own_answer(sink: Sink) -> None:
    there = sink(script={f"RCPT:{BOB}": "450 4.2.0 greylisted", f"RCPT:{EVE}": "550 5.1.1 nobody"})
    given = relay(there).send(mail(BOB, EVE, "ann@client.example"))
    assert isinstance(given, Mapping)
    assert [(given[each].verdict, given[each].text) for each in (BOB, EVE)] == [
        (DeliveryResult.TEMPORARY, "450 4.2.0 greylisted"),
        (DeliveryResult.PERMANENT, "550 5.1.1 nobody"),
    ]
    assert given["ann@client.example"].verdict is DeliveryResult.SENT


def test_a_swallowed_final_reply_is_ambiguous(sink: Sink) -> None:
    for planned in (CUT, SILENCE):
        there = sink(script={"FINAL": planned})
        given = relay(there, data_seconds=0.3).send(mail(BOB, EVE))
        assert answers(given) == {BOB: DeliveryResult.AMBIGUOUS, EVE: DeliveryResult.AMBIGUOUS}
        assert len(there.mails) == 1


def test_a_line_cut_before_the_mail_was_sent_is_no_doubt(sink: Sink) -> None:
    there = sink(script={"DATA": CUT})
    assert answers(relay(there).send(mail(BOB))) == {BOB: DeliveryResult.TEMPORARY}
    assert there.mails == []


def test_a_line_cut_while_the_mail_is_sent_is_temporary(sink: Sink) -> None:
    there = sink(script={"DATA": ["354 go ahead"]}, features=())
    big = RAW + b"x" * 70 + b"\r\n"
    original = there.reply_for

    def cut_in_the_middle(stage: str, address: str, usual: str) -> str:
        reply = original(stage, address, usual)
        if stage == "DATA":
            there._open[-1].sendall(b"354 go ahead\r\n")
            return CUT
        return reply

    there.reply_for = cut_in_the_middle  # type: ignore[method-assign]
    given = relay(there).send(mail(BOB, raw=big + (b"y" * 76 + b"\r\n") * 200_000))
    assert answers(given) == {BOB: DeliveryResult.TEMPORARY}


def test_421_among_the_recipients_leaves_none_without_an_answer(sink: Sink) -> None:
    there = sink(script={f"RCPT:{EVE}": "421 4.3.2 shutting down", "RCPT:no@client.example": "550 5.1.1 nobody"})
    given = relay(there).send(mail("no@client.example", BOB, EVE, "ann@client.example"))
    assert answers(given) == {
        "no@client.example": DeliveryResult.PERMANENT,
        BOB: DeliveryResult.TEMPORARY,
        EVE: DeliveryResult.TEMPORARY,
        "ann@client.example": DeliveryResult.TEMPORARY,
    }
    assert there.mails == []


def test_a_mail_larger_than_the_relay_takes_is_not_tried(sink: Sink) -> None:
    there = sink(features=("SIZE 100",))
    given = relay(there).send(mail(raw=RAW + b"x" * 100))
    assert answers(given) == {BOB: DeliveryResult.PERMANENT}
    assert there.count("MAIL") == 0


def test_replies_are_kept_on_one_clean_line(sink: Sink) -> None:
    there = sink(script={"RCPT": "550-5.1.1 no\t\x1b[31msuch\r\n550 5.1.1 user " + "x" * 900})
    given = relay(there).send(mail())
    assert isinstance(given, Mapping)
    text = given[BOB].text
    assert text.startswith("550 5.1.1 no [31msuch 5.1.1 user x")
    assert text.isprintable()
    assert len(text) <= 510


# -- envelope addresses ---------------------------------------------------------------------------------------------


@in_turn(
    "address",
    [
        "a@b\r\nRCPT TO:<evil@x.example>",
        "a\n@client.example",
        "a b@client.example",
        "<a@client.example>",
        "a@client.example>",
        "a@client.example> NOTIFY=NEVER",
        "a\0@client.example",
        '"a b"@client.example',
        "a,b@client.example",
        "a@",
        "@client.example",
        "a",
        "",
        "a@client..example",
        "a@-\u2028.example",
        "\u202ea@client.example",
        "a" * 65 + "@client.example",
        "a@" + "b" * 250 + ".example",
    ],
)
def test_an_address_that_is_none_never_enters_a_command(sink: Sink, address: str) -> None:
    there = sink()
    given = relay(there).send(mail(address, BOB))
    assert answers(given) == {address: DeliveryResult.PERMANENT, BOB: DeliveryResult.SENT}
    assert isinstance(given, Mapping)
    assert given[address].text.startswith("501 5.1.3 ")
    assert [taken.recipients for taken in there.mails] == [[BOB]]
    assert there.count("RCPT") == 1


def test_without_a_good_recipient_nothing_is_connected(sink: Sink) -> None:
    there = sink()
    assert answers(relay(there).send(mail("a b@x"))) == {"a b@x": DeliveryResult.PERMANENT}
    assert there.sessions == 0


def test_a_sender_that_is_no_address_is_refused(sink: Sink) -> None:
    there = sink()
    assert answers(relay(there).send(mail(sender="b@acme.example>\r\nRCPT TO:<evil@x"))) == {
        BOB: DeliveryResult.PERMANENT
    }
    assert there.sessions == 0


@pytest.mark.parametrize(
    "address", ["o'neill+tag@client.example", "a..b@client.example", "x@[192.0.2.1]", "root@localhost"]
)
def test_unusual_addresses_pass(sink: Sink, address: str) -> None:
    there = sink()
    assert answers(relay(there).send(mail(address))) == {address: DeliveryResult.SENT}
    assert there.mails[0].recipients == [address]


def test_a_domain_beyond_ascii_is_sent_as_its_a_label(sink: Sink) -> None:
    there = sink(features=())
    assert answers(relay(there).send(mail("jürgen@x.example", "bob@bücher.example"))) == {
        "jürgen@x.example": DeliveryResult.PERMANENT,
        "bob@bücher.example": DeliveryResult.SENT,
    }
    assert there.mails[0].recipients == ["bob@xn--bcher-kva.example"]


def test_a_local_part_beyond_ascii_needs_smtputf8(sink: Sink) -> None:
    poor, rich = sink(features=("8BITMIME",)), sink()
    refused = relay(poor).send(mail("jürgen@x.example"))
    assert isinstance(refused, Mapping)
    assert "5.6.7" in refused["jürgen@x.example"].text
    assert poor.count("MAIL") == 0
    assert answers(relay(rich).send(mail("jürgen@x.example"))) == {"jürgen@x.example": DeliveryResult.SENT}
    assert rich.mails[0].recipients == ["jürgen@x.example"]
    assert "SMTPUTF8" in rich.mails[0].mail_parameters
