"""The IMAP source over a real Dovecot keeps the promises of every source."""

from typing import Any

import pytest

from maild.sources.imap import After, ImapSource
from tests.rig.dovecot import Dovecot
from tests.sources.contract import Intake, SourceContract
from tests.sources.imap_setting import options_for, source_for

pytestmark = pytest.mark.door


class _OverDovecot(SourceContract):
    after = After.MOVE

    @pytest.fixture(autouse=True)
    def _server(self, dovecot: Dovecot) -> None:
        self.dovecot = dovecot
        self.user = dovecot.new_user()

    def new_source(self, intake: Intake, **changes: Any) -> ImapSource:
        return source_for(options_for(self.dovecot, self.user, after=self.after, **changes), intake.ledger)

    def feed(self, raw: bytes) -> None:
        self.dovecot.deliver(self.user, raw)


class TestMoving(_OverDovecot):
    after = After.MOVE

    def acknowledged(self) -> int:
        return len(self.dovecot.contents(self.user, "Processed"))


class TestMarkingAsSeen(_OverDovecot):
    after = After.SEEN

    def acknowledged(self) -> int:
        return sum("S" in flags for flags in self.dovecot.flags(self.user))


class TestDeleting(_OverDovecot):
    after = After.DELETE

    @pytest.fixture(autouse=True)
    def _count(self) -> None:
        self.fed = 0

    def feed(self, raw: bytes) -> None:
        self.fed += 1
        super().feed(raw)

    def acknowledged(self) -> int:
        return self.fed - len(self.dovecot.contents(self.user))
