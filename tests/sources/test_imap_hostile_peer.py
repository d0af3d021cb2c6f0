"""Servers that break off, answer nonsense or nothing: the source says so, tries again, and neither spins nor hangs."""

from collections.abc import Callable

import pytest

from maild.ports import TemporaryFailure
from tests.rig.hostile_imap import (
    USUAL,
    Answer,
    Dialogue,
    HostileImap,
    fetch,
    first_time,
    hang_up,
    say_nothing,
    search,
)
from tests.rig.misses import in_turn
from tests.rig.waiting import wait_until
from tests.sources.contract import LONG_ENOUGH, Intake, running
from tests.sources.imap_setting import MAILBOX, mail, options_for, source_for

MAILS = [mail("1"), mail("2")]


def close_in_idle(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("+ idling")
    dialogue.hang_up()


def test_a_server_that_closes_during_idle_does_not_make_us_spin() -> None:
    intake = Intake()
    with HostileImap(answers={"IDLE": close_in_idle}) as peer:
        pauses = []
        source = source_for(options_for(peer, poll=3600.0, first_retry=0.2, longest_retry=1.0), intake.ledger)
        source._reconnects.pause = recorded(source._reconnects.pause, pauses)
        with running(source, intake):
            wait_until(lambda: peer.connections >= 3, LONG_ENOUGH, "the third connection")
        # One round, one IDLE and one pause for each connection, however fast the server closes.
        assert peer.count("IDLE") <= peer.connections
        assert peer.count("SEARCH") <= peer.connections
        assert len(pauses) >= peer.connections - 1
        assert all(pause >= 0.1 for pause in pauses)


def recorded(pause: Callable[[], float], pauses: list[float]) -> Callable[[], float]:
    def record() -> float:
        pauses.append(pause())
        return pauses[-1]

    return record


def bye_in_idle(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("+ idling", "* BYE shutting down")


def bye_in_the_middle(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* BYE going down")
    dialogue.hang_up()


def half_a_literal(dialogue: Dialogue, tag: str, arguments: str) -> None:
    if "BODY" not in arguments:
        return fetch(dialogue, tag, arguments)
    dialogue.send_raw(b"* 1 FETCH (UID 1 BODY[] {5000}\r\n" + mail("1"))
    return dialogue.hang_up()


def garbage(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send_raw(b"\x00\xff\x16\x03\x01 not IMAP at all\r\n")


def crooked_fetch(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* 1 FETCH (UID one RFC822.SIZE many INTERNALDATE)")
    dialogue.ok(tag)


def endless_nesting(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* 1 FETCH (UID 1 X " + "(" * 100_000 + ")" * 100_000 + ")")
    dialogue.ok(tag)


def giant_literal(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send_raw(b"* 1 FETCH (UID 1 BODY[] {99999999999999}\r\n")


def crooked_select(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* x EXISTS", "* OK [UIDVALIDITY none] here")
    dialogue.ok(tag)


def refuse_folder(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send(f"{tag} NO no such folder")


def read_only(dialogue: Dialogue, tag: str, arguments: str) -> None:
    dialogue.send("* 2 EXISTS", "* OK [UIDVALIDITY 7] here")
    dialogue.ok(tag, "[READ-ONLY] look, but do not touch")


@in_turn(
    ("command", "misbehaviour", "said"),
    [
        ("FETCH", bye_in_the_middle, "going down"),
        ("FETCH", half_a_literal, "ended the session"),
        ("FETCH", garbage, "ended the session"),
        ("FETCH", crooked_fetch, "does not answer in IMAP"),
        ("FETCH", endless_nesting, ""),
        ("FETCH", giant_literal, "literal of 99999999999999 bytes"),
        ("SEARCH", hang_up, "ended the session"),
        ("SEARCH", say_nothing, "does not answer"),
        ("GREETING", say_nothing, "does not answer"),
        ("GREETING", garbage, "ended the session"),
        ("LOGIN", hang_up, "ended the session"),
        ("SELECT", crooked_select, ""),
        ("SELECT", refuse_folder, "no such folder"),
        ("SELECT", read_only, "may only read the folder"),
        ("NOOP", garbage, "ended the session"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_server_that_breaks_off_once_loses_nothing(command: str, misbehaviour: Answer, said: str) -> None:
    intake = Intake()
    answers = {command: first_time(misbehaviour, USUAL[command])}
    with HostileImap(mails=MAILS, answers=answers) as peer:
        options = options_for(peer, connect_timeout=0.5, read_timeout=0.5)
        source = source_for(options, intake.ledger)
        problems: set[str] = set()
        report = source._report
        source._report = lambda error, quietly: (report(error, quietly), problems.add(source.status.problem))
        with running(source, intake):
            wait_until(lambda: peer.connections >= 2, LONG_ENOUGH, "the second try")
            intake.wait_for(2)
            wait_until(lambda: peer.count("MOVE"), LONG_ENOUGH, "the acknowledgement")
    assert any(said in problem for problem in problems), problems
    assert intake.raws == MAILS


def test_bye_during_idle_brings_a_new_connection() -> None:
    intake = Intake()
    with HostileImap(answers={"IDLE": bye_in_idle}) as peer:
        source = source_for(options_for(peer, poll=3600.0), intake.ledger)
        with running(source, intake):
            wait_until(lambda: peer.connections >= 2, LONG_ENOUGH, "a new connection")


@pytest.mark.parametrize("order", ["before the plus", "in one packet with the plus"])
def test_news_at_the_very_start_of_idle_is_heard(order: str) -> None:
    """A mail that arrives between the look and IDLE is announced at once; it must not wait for the poll."""
    intake = Intake()

    def announce(dialogue: Dialogue, tag: str, arguments: str) -> None:
        if not dialogue.peer.mails:
            dialogue.peer.mails.append(mail("1"))
            both = ["* 1 EXISTS", "+ idling"]
            dialogue.send(*(both if order == "before the plus" else both[::-1]))
        else:
            dialogue.send("+ idling")
        assert dialogue.read_line() == "DONE"
        dialogue.ok(tag)

    with HostileImap(answers={"IDLE": announce}) as peer:
        source = source_for(options_for(peer, poll=3600.0), intake.ledger)
        with running(source, intake):
            intake.wait_for(1)
        assert peer.connections == 1


def test_news_in_the_answer_to_another_command_is_heard() -> None:
    """A server announces a mail once: if it did while we moved others, IDLE will not say it again."""
    intake = Intake()

    def announce(dialogue: Dialogue, tag: str, arguments: str) -> None:
        if len(dialogue.peer.mails) == 1:
            dialogue.peer.mails.append(mail("2"))
            dialogue.send("* 2 EXISTS")
        dialogue.ok(tag)

    with (
        HostileImap(mails=[mail("1")], answers={"MOVE": announce}) as peer,
        running(source_for(options_for(peer, poll=3600.0), intake.ledger), intake),
    ):
        intake.wait_for(2)
    assert intake.raws == MAILS


def test_a_server_that_announces_mail_it_has_not_does_not_make_us_spin() -> None:
    intake = Intake()

    def announce(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send("* 5 EXISTS")
        search(dialogue, tag, arguments)

    with HostileImap(answers={"SEARCH": announce}) as peer:
        with running(source_for(options_for(peer, poll=3600.0), intake.ledger), intake):
            wait_until(lambda: peer.count("IDLE"), LONG_ENOUGH, "IDLE")
        assert peer.count("SEARCH") <= 3


def test_a_server_without_idle_is_polled() -> None:
    intake = Intake()
    with HostileImap(capabilities="IMAP4rev1") as peer:
        with running(source_for(options_for(peer), intake.ledger), intake):
            wait_until(lambda: peer.count("SEARCH") >= 3, LONG_ENOUGH, "three looks")
        assert peer.count("IDLE") == 0


def test_a_refused_idle_is_an_error_that_is_told() -> None:
    def refuse(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send(f"{tag} NO not today")

    intake = Intake()
    with HostileImap(answers={"IDLE": refuse}) as peer:
        source = source_for(options_for(peer), intake.ledger)
        with running(source, intake):
            wait_until(lambda: "IDLE refused" in source.status.problem, LONG_ENOUGH, "the refusal")


def test_a_mail_that_the_server_lists_but_cannot_read_holds_up_nobody() -> None:
    intake = Intake()

    def cannot_read_the_first(dialogue: Dialogue, tag: str, arguments: str) -> None:
        uids, _, what = arguments.partition(" ")
        if "BODY" in what and "1" in uids.split(","):
            dialogue.send(f"{tag} NO [SERVERBUG] the index is broken")
        else:
            fetch(dialogue, tag, arguments)

    with HostileImap(mails=list(MAILS), answers={"FETCH": cannot_read_the_first}) as peer:
        source = source_for(options_for(peer), intake.ledger)
        with running(source, intake):
            intake.wait_for(1)
            wait_until(lambda: "does not deliver it" in source.status.problem, LONG_ENOUGH, "a word about it")
            assert source.status.connected
    assert intake.raws == [mail("2")]
    assert intake.ledger.states[MAILBOX].last_uid < 1


def test_a_wrong_size_is_found_out_by_the_bytes() -> None:
    large = mail("large", "z" * 5000)
    intake = Intake()

    def belittle(dialogue: Dialogue, tag: str, arguments: str) -> None:
        if "BODY" not in arguments:
            dialogue.send('* 1 FETCH (UID 1 RFC822.SIZE 10 INTERNALDATE "21-Nov-2026 10:00:00 +0100")')
            return dialogue.ok(tag)
        if "<0." in arguments:
            dialogue.send_raw(b"* 1 FETCH (UID 1 BODY[]<0> {100}\r\n" + large[:100] + b")\r\n")
            return dialogue.ok(tag)
        return fetch(dialogue, tag, arguments)

    with HostileImap(mails=[large], answers={"FETCH": belittle}) as peer:
        with running(source_for(options_for(peer, max_message=1000), intake.ledger), intake):
            wait_until(lambda: peer.count("STORE"), LONG_ENOUGH, "the flag")
        assert peer.count("MOVE") == 0
    assert [(taken.truncated, taken.raw) for taken in intake.mails] == [(True, large[:100])]


def test_a_no_to_every_acknowledgement_is_told_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def refuse(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send(f"{tag} NO you may not")

    intake = Intake()
    answers = dict.fromkeys(("MOVE", "STORE", "CREATE", "LIST"), refuse)
    with HostileImap(mails=list(MAILS), answers=answers) as peer:
        source = source_for(options_for(peer, batch=1), intake.ledger)
        with running(source, intake):
            wait_until(
                lambda: (state := intake.ledger.states.get(MAILBOX)) is not None and state.last_uid == 2,
                LONG_ENOUGH,
                "both mails",
            )
    assert intake.raws == MAILS
    assert len([record for record in caplog.records if "cannot even be marked" in record.getMessage()]) == 1


def test_stopping_does_not_wait_for_a_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its goodbye is awaited for moments only: neither the read timeout nor the last cut must count."""
    monkeypatch.setattr("maild.sources.imap.CUT_AFTER", 600.0)
    intake = Intake()

    def ignore_done(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send("+ idling")
        assert dialogue.read_line() == "DONE"

    with HostileImap(answers={"IDLE": ignore_done, "LOGOUT": say_nothing}) as peer:
        source = source_for(options_for(peer, poll=3600.0, read_timeout=600.0), intake.ledger)
        with running(source, intake):
            wait_until(lambda: peer.count("IDLE"), LONG_ENOUGH, "IDLE")


def test_a_command_that_is_never_answered_is_cut_when_we_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maild.sources.imap.CUT_AFTER", 0.2)
    intake = Intake()
    with HostileImap(answers={"SEARCH": say_nothing}) as peer:
        source = source_for(options_for(peer, read_timeout=600.0), intake.ledger)
        with running(source, intake):
            wait_until(lambda: peer.count("SEARCH"), LONG_ENOUGH, "the command")


def test_a_source_outlives_an_error_of_our_own(caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake()
    intake.ledger.fail = KeyError("a bug")
    with HostileImap(mails=MAILS) as peer:
        source = source_for(options_for(peer), intake.ledger)
        with running(source, intake):
            wait_until(lambda: "unexpected KeyError" in source.status.problem, LONG_ENOUGH, "the report")
            intake.ledger.fail = TemporaryFailure("now the database")
            wait_until(lambda: "now the database" in source.status.problem, LONG_ENOUGH, "the next report")
            intake.ledger.fail = None
            intake.wait_for(2)
    assert any(record.exc_info for record in caplog.records)


def test_two_sources_do_not_share_their_stop() -> None:
    """Stopping one mailbox leaves the other one running."""
    one, other = Intake(), Intake()
    with HostileImap() as peer, running(source_for(options_for(peer), other.ledger), other):
        with running(source_for(options_for(peer), one.ledger), one):
            wait_until(lambda: peer.connections >= 2, LONG_ENOUGH, "both connections")
        peer.mails.append(mail("1"))
        other.wait_for(1)
