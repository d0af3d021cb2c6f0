"""What a reply becomes, at each stage of the dialogue: the state table, played by a relay over real sockets."""

import itertools

from maild.domain.messages.outbox import ChannelFault, DeliveryResult, RelayAnswer
from maild.transports import RelayOptions, SmtpTransport
from maild.transports.smtp_replies import TABLE, RelayFault, Reply, Stage, judge_reply
from tests.rig.misses import in_turn
from tests.rig.sink_smtp import CUT, SILENCE, STAGES
from tests.transports.test_smtp_relay import BOB, Sink, mail, relay

TEMPORARY, PERMANENT, AMBIGUOUS, SENT = (
    DeliveryResult.TEMPORARY,
    DeliveryResult.PERMANENT,
    DeliveryResult.AMBIGUOUS,
    DeliveryResult.SENT,
)
FAULT = "fault"

CODES = (
    "421 4.3.2 shutting down",
    "430 4.7.0 odd",
    "432 4.7.12 password transition",
    "450 4.2.1 busy",
    "451 4.3.0 local error",
    "452 4.3.1 no space",
    "454 4.7.0 TLS not available",
    "455 4.5.4 parameters",
    "458 4.4.0 queue",
    "459 4.4.0 node",
    "471 4.7.1 filtered",
    "499 4.0.0 odd",
    "500 5.5.2 what",
    "501 5.5.4 syntax",
    "502 5.5.1 not done",
    "503 5.5.1 order",
    "504 5.5.4 parameter",
    "510 5.1.1 bad",
    "511 5.1.1 no address",
    "512 5.1.2 no host",
    "515 5.1.3 bad",
    "517 5.1.7 proof",
    "521 5.3.2 no mail here",
    "523 5.3.4 large",
    "541 5.4.1 rejected",
    "550 5.1.1 nobody",
    "550 5.7.1 policy",
    "551 5.1.6 moved",
    "552 5.2.2 mailbox full",
    "552 5.3.4 too large",
    "552 no enhanced code",
    "553 5.1.3 name",
    "554 5.7.1 refused",
    "555 5.5.4 parameters",
    "556 5.1.10 null MX",
    "571 5.7.1 blocked",
    "599 5.0.0 odd",
)
LOGIN_CODES = ("530 5.7.0 log in first", "534 5.7.9 too weak", "535 5.7.8 wrong", "538 5.7.11 encrypt first")


def expected(stage: str, code: str) -> str:
    """The rule of the design in words of the test: what is not listed as an exception follows from the digit."""
    if stage in ("CONNECT", "EHLO", "AUTH") or code in LOGIN_CODES:
        return FAULT
    if stage == "MAIL":
        return PERMANENT if code == "552 5.3.4 too large" else FAULT
    if stage == "RCPT" and code == "552 5.2.2 mailbox full":
        return TEMPORARY
    return TEMPORARY if code[0] == "4" else PERMANENT


CASES = [(stage, code) for stage in STAGES if stage != "STARTTLS" for code in (*CODES, *LOGIN_CODES)]


@in_turn(("stage", "code"), CASES)
def test_a_reply_means_the_same_wherever_it_is_read(sink: Sink, stage: str, code: str) -> None:
    there = sink(script={stage: code})
    given = relay(there, user="desk", password=lambda: "secret").send(mail())
    if expected(stage, code) == FAULT:
        assert isinstance(given, ChannelFault)
        assert (given.code, code in given.text) == (int(code[:3]), True)
        assert "main" in given.text
    else:
        assert given == {BOB: RelayAnswer(DeliveryResult(expected(stage, code)), code, int(code[:3]))}
    assert there.mails == []
    there.close()


@in_turn(
    ("stage", "planned", "becomes"),
    [
        ("CONNECT", CUT, FAULT),
        ("CONNECT", "hello there", FAULT),
        ("CONNECT", SILENCE, FAULT),
        ("EHLO", CUT, FAULT),
        ("EHLO", SILENCE, FAULT),
        ("AUTH", CUT, FAULT),
        ("MAIL", CUT, FAULT),
        ("MAIL", SILENCE, FAULT),
        ("MAIL", "354 odd", FAULT),
        ("RCPT", CUT, TEMPORARY),
        ("RCPT", SILENCE, TEMPORARY),
        ("RCPT", "354 odd", TEMPORARY),
        ("RCPT", "251 2.1.5 will forward", SENT),
        ("DATA", CUT, TEMPORARY),
        ("DATA", "250 odd", TEMPORARY),
        ("DATA", "no code at all", TEMPORARY),
        ("FINAL", CUT, AMBIGUOUS),
        ("FINAL", SILENCE, AMBIGUOUS),
        ("FINAL", "no code at all", AMBIGUOUS),
        ("FINAL", "354 more", AMBIGUOUS),
        ("FINAL", "252 2.0.0 fine", SENT),
    ],
)
def test_what_is_no_reply_is_never_a_refusal(sink: Sink, stage: str, planned: str, becomes: str) -> None:
    there = sink(script={stage: planned})
    patience = {"connect_seconds": 0.3, "command_seconds": 0.3, "data_seconds": 0.3} if planned == SILENCE else {}
    given = relay(there, user="desk", password=lambda: "secret", **patience).send(mail())
    if becomes == FAULT:
        assert isinstance(given, ChannelFault)
    else:
        assert not isinstance(given, ChannelFault)
        assert given[BOB].verdict == becomes


@in_turn("stage", list(Stage))
def test_no_reply_is_without_a_row(stage: Stage) -> None:
    for code, text in itertools.product([None, *range(200, 600)], ["", "4.2.2 x", "5.2.2 x", "5.3.4 x"]):
        verdict = judge_reply(stage, Reply(code, text))
        assert isinstance(verdict, RelayFault) or verdict.verdict in DeliveryResult
        if isinstance(verdict, RelayAnswer) and verdict.verdict is PERMANENT:
            assert code is not None
            assert code >= 500
        if isinstance(verdict, RelayAnswer) and verdict.verdict is SENT:
            assert stage is Stage.FINAL


def test_every_row_has_its_reason() -> None:
    assert all(row.why for row in TABLE)


def test_nobody_listens(sink: Sink) -> None:
    there = sink()
    transport = relay(there)
    there.close()
    given = transport.send(mail())
    assert given == ChannelFault(f"relay main (127.0.0.1:{there.port}): Connection refused")


def test_a_host_that_no_name_server_can_hold() -> None:
    options = RelayOptions(name="far", host="x" * 64 + ".invalid", port=465, tls="implicit", helo="desk.acme.example")
    given = SmtpTransport(options).send(mail())
    assert isinstance(given, ChannelFault)
    assert given.text.startswith("relay far (")
