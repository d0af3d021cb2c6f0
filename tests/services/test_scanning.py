"""Mails with attachments and the scanner: infected ones are set aside, and one that is away is waited for, or not."""

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from maild.mail.worker.pool import ReadingFailed
from maild.ports import Finding, InboundState, KeptMail, ScanVerdict
from maild.services.intake.process import ATTEMPTS, SCAN_PAUSE, Processing
from tests.rig.office import CONFIG, Office

CLEAN = Finding(ScanVerdict.CLEAN, "nothing was found")
INFECTED = Finding(ScanVerdict.INFECTED, "clamd found Test.Marker-1", name="Test.Marker-1")
AWAY = Finding(ScanVerdict.UNAVAILABLE, "cannot connect to clamd at 127.0.0.1:3310: Connection refused")
TOO_LARGE = Finding(ScanVerdict.UNAVAILABLE, "clamd does not accept a mail of 9 bytes", answered=True)
KAREN = "Karen Hill <karen@client.example>"


class Scripted:
    """A scanner that says what it is told to, and remembers what it saw."""

    def __init__(self) -> None:
        self.finding = CLEAN
        self.findings: dict[bytes, Finding] = {}  # by a text in the mail
        self.seen: list[bytes] = []

    def scan(self, raw: bytes) -> Finding:
        self.seen.append(raw)
        return next((finding for text, finding in self.findings.items() if text in raw), self.finding)


@pytest.fixture
def scanner() -> Scripted:
    return Scripted()


def guarded(office: Office, scanner: Scripted) -> Office:
    """The office, its mails scanned."""
    office.processing.close()
    office.processing = Processing(
        office.store,
        office,
        lambda: office.helpdesk,
        office.clock,
        lambda: None,
        readers=1,
        pause=timedelta(0),
        scanner=scanner,
    )
    return office


def configured(when_unavailable: str) -> str:
    return f'{CONFIG}\n[attachments]\nclamd = "127.0.0.1:3310"\nwhen_unavailable = "{when_unavailable}"\n'


@pytest.fixture
def holding(open_office: Callable[[str], Office], scanner: Scripted) -> Office:
    return guarded(open_office(configured("hold")), scanner)


@pytest.fixture
def accepting(open_office: Callable[[str], Office], scanner: Scripted) -> Office:
    return guarded(open_office(configured("accept")), scanner)


def with_file(office: Office, text: str = "See the file.") -> bytes:
    body = (
        f"--b\nContent-Type: text/plain\n\n{text}\n--b\nContent-Type: application/pdf\n"
        'Content-Disposition: attachment; filename="scan.pdf"\n\n%PDF-1.4\n--b--\n'
    )
    return office.mail(KAREN, body, headers={"Content-Type": 'multipart/mixed; boundary="b"', "MIME-Version": "1.0"})


def kept(office: Office, inbound: int) -> KeptMail:
    with office.store(reading=True) as unit:
        found = unit.inbound.get(inbound)
    assert found is not None
    return found


def limits(office: Office, inbound: int) -> list[tuple[str, str]]:
    return [(step.verdict, step.reason) for step in kept(office, inbound).steps if step.stop == "limits"]


def test_a_clean_mail_goes_on_and_it_was_scanned_whole_and_by_its_files(holding: Office, scanner: Scripted) -> None:
    raw = with_file(holding)
    done = holding.receive(raw)
    assert done.outcome == "opened"
    whole, files = scanner.seen
    assert whole == raw
    assert b64encode(b"%PDF-1.4") in files
    assert limits(holding, done.inbound) == [("scanned", CLEAN.reason)]


def test_what_is_found_in_the_files_alone_counts(holding: Office, scanner: Scripted) -> None:
    """Of a hostile mail a scanner may see other parts than we do."""
    scanner.findings[b64encode(b"%PDF-1.4")] = INFECTED
    done = holding.receive(with_file(holding))
    assert (done.outcome, limits(holding, done.inbound)) == ("quarantined", [("infected", INFECTED.reason)])


def test_a_mail_whose_files_cannot_be_taken_out_goes_on_as_one_that_cannot_be_read(
    holding: Office, scanner: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(raw: bytes, parts: object) -> bytes:
        raise ReadingFailed("it needs more memory than a mail may have")

    monkeypatch.setattr(holding.reader, "rewritten", fails)
    holding.keep(with_file(holding))
    outcomes = [done.outcome for _ in range(ATTEMPTS) for done in holding.processing.round()]
    assert outcomes == ["", "", "quarantined"]


def test_a_mail_without_attachments_is_not_scanned(holding: Office, scanner: Scripted) -> None:
    scanner.finding = AWAY
    done = holding.receive(holding.mail(KAREN, "It burns."))
    assert (done.outcome, scanner.seen, limits(holding, done.inbound)) == ("opened", [], [])


def test_no_transaction_is_open_while_a_mail_is_scanned(holding: Office, scanner: Scripted) -> None:
    """Another mail can be kept meanwhile; it could not while a transaction writes."""
    meanwhile: list[int] = []
    scan = scanner.scan

    def slowly(raw: bytes) -> Finding:
        meanwhile.append(holding.keep(holding.mail(KAREN, "Another one.")).inbound)
        return scan(raw)

    scanner.scan = slowly  # type: ignore[method-assign]
    assert holding.receive(with_file(holding)).outcome == "opened"
    assert len(meanwhile) == 2  # while the mail is scanned, and while its files are


def test_an_infected_mail_is_set_aside_and_the_others_go_on(holding: Office, scanner: Scripted) -> None:
    scanner.findings[b"evil"] = INFECTED
    evil = with_file(holding, "evil")
    infected, other = holding.keep(evil).inbound, holding.keep(with_file(holding)).inbound
    done = {processed.inbound: processed for processed in holding.processing.round()}
    assert (done[infected].outcome, done[infected].ticket) == ("quarantined", None)
    assert done[other].outcome == "opened"
    mail = kept(holding, infected)
    assert (mail.state, mail.reason, mail.mail.raw) == (InboundState.QUARANTINED, INFECTED.reason, evil)
    assert limits(holding, infected) == [("infected", INFECTED.reason)]
    with holding.store(reading=True) as unit:
        assert {row.ticket for row in holding.outbox()} == {done[other].ticket}, "somebody was told of the infected one"
        assert unit.inbound.count_kept() == 0


def test_an_infected_mail_is_scanned_again_when_it_is_replayed(holding: Office, scanner: Scripted) -> None:
    scanner.finding = INFECTED
    inbound = holding.receive(with_file(holding)).inbound
    for finding, outcome in ((INFECTED, "quarantined"), (CLEAN, "opened")):
        scanner.finding = finding
        with holding.store() as unit:
            assert unit.inbound.replay(inbound)
            unit.commit()
        assert [done.outcome for done in holding.processing.round([inbound])] == [outcome]
    assert len(scanner.seen) == 2 + 2


def test_a_mail_waits_for_the_scanner_without_an_attempt_and_others_go_on(holding: Office, scanner: Scripted) -> None:
    scanner.finding = AWAY
    waiting = holding.keep(with_file(holding)).inbound
    for _ in range(ATTEMPTS + 2):
        other = holding.keep(holding.mail(KAREN, "It burns.")).inbound
        done = {processed.inbound: processed for processed in holding.processing.round()}
        assert (done[waiting].outcome, done[waiting].waits) == ("", True)
        assert done[other].outcome == "opened"
        holding.clock.advance(SCAN_PAUSE)
    mail = kept(holding, waiting)
    assert (mail.state, mail.attempts, mail.reason) == (InboundState.KEPT, 0, AWAY.reason)
    scanner.finding = CLEAN
    assert [processed.outcome for processed in holding.processing.round()] == ["opened"]


def test_a_mail_that_waits_is_not_shown_at_once_again(holding: Office, scanner: Scripted) -> None:
    scanner.finding = AWAY
    holding.keep(with_file(holding))
    assert len(holding.processing.round()) == 1
    assert holding.processing.round() == []
    assert len(scanner.seen) == 1


def test_a_scanner_that_went_away_is_asked_once_a_round(holding: Office, scanner: Scripted) -> None:
    scanner.finding = AWAY
    for _ in range(4):
        holding.keep(with_file(holding))
    assert [done.waits for done in holding.processing.round()] == [True] * 4
    assert len(scanner.seen) == 1


def test_a_mail_too_large_for_the_scanner_keeps_no_other_from_it(holding: Office, scanner: Scripted) -> None:
    scanner.findings[b"huge"] = TOO_LARGE
    holding.keep(with_file(holding, "huge"))
    holding.keep(with_file(holding))
    assert [(done.outcome, done.waits) for done in holding.processing.round()] == [("", True), ("opened", False)]


def test_a_mail_goes_on_unscanned_when_that_is_configured(accepting: Office, scanner: Scripted) -> None:
    scanner.finding = AWAY
    done = accepting.receive(with_file(accepting))
    assert done.outcome == "opened"
    assert limits(accepting, done.inbound) == [("not scanned", AWAY.reason)]


def test_what_is_infected_is_set_aside_in_either_case(accepting: Office, scanner: Scripted) -> None:
    scanner.finding = INFECTED
    assert accepting.receive(with_file(accepting)).outcome == "quarantined"


def test_the_log_tells_each_change_once(holding: Office, scanner: Scripted) -> None:
    scanner.finding = AWAY
    holding.keep(with_file(holding))
    with capture_logs() as lines:
        for _ in range(3):
            holding.processing.round()
            holding.clock.advance(SCAN_PAUSE)
        scanner.finding = CLEAN
        holding.processing.round()
    ours = [line["event"] for line in lines if line["event"] in {"scanner-away", "scanner-back", "waiting"}]
    assert ours == ["scanner-away", "waiting", "scanner-back"]
