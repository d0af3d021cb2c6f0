"""Shows mails with attachments to the scanner, and says what follows. No transaction is open here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Protocol

from maild import maillog
from maild.domain.decision import TraceStep
from maild.domain.messages.message import InboundMessage
from maild.ports import Finding, Scanner, ScanVerdict


class Rewriter(Protocol):
    """Removes files from a hostile mail where that can do no harm. Raises ReadingFailed."""

    def rewritten(self, raw: bytes, parts: Sequence[str]) -> bytes:
        """Return the mail without the content of these parts."""
        ...


Look = Callable[[bytes, InboundMessage], Finding | None]

_STOP = "limits"  # the stop of the way in that the scanner stands at
_VERDICTS = {
    ScanVerdict.CLEAN: "scanned",
    ScanVerdict.INFECTED: "infected",
    ScanVerdict.UNAVAILABLE: "not scanned",
}


class Scanning:
    """Asks a scanner about the mails of each round, and logs when it goes away and comes back."""

    def __init__(self, scanner: Scanner, rewriter: Rewriter) -> None:
        self._scanner = scanner
        self._rewriter = rewriter
        self._away = False
        self._lock = Lock()

    def round(self) -> Look:
        """Look at the mails of one round.

        A scanner that went away is not asked again in the round: each question may take a minute, and mails
        without attachments are in the round too."""
        away: list[Finding] = []

        def look(raw: bytes, message: InboundMessage) -> Finding | None:
            """The finding about a mail; None when it has nothing to scan."""
            if not message.attachments:
                return None
            if away:
                return away[0]
            finding = self._found(raw, message)
            if finding.verdict is ScanVerdict.UNAVAILABLE and not finding.answered:
                away.append(finding)
                self._went_away(finding)
            else:
                self._came_back()
            return finding

        return look

    def _found(self, raw: bytes, message: InboundMessage) -> Finding:
        """The mail as it came, then its files as we read them: a scanner may see other parts in a hostile mail, or none
        below some depth, and what we pass on is what we see."""
        finding = self._scanner.scan(raw)
        if finding.verdict is not ScanVerdict.CLEAN:
            return finding
        files = self._scanner.scan(self._rewriter.rewritten(raw, [one.part for one in message.attachments]))
        return finding if files.verdict is ScanVerdict.CLEAN else files

    def _went_away(self, finding: Finding) -> None:
        with self._lock:
            known, self._away = self._away, True
        if not known:
            maillog.scanner_away(reason=finding.reason)

    def _came_back(self) -> None:
        with self._lock:
            known, self._away = self._away, False
        if known:
            maillog.scanner_back()


def scan_step(finding: Finding) -> TraceStep:
    """Return the finding as it is recorded with the mail."""
    return TraceStep(_STOP, _VERDICTS[finding.verdict], finding.reason)
