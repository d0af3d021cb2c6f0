"""The acceptance story by people who only read what they get, answer it, and press its buttons: what does it cost them?

Nobody touches the command line, and nobody writes to an address that no mail of ours gave them, but for the customers'
first mails. Counted are the agents' mails, the words of their commands, and the notices that they had to read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from maild.cli.stage import CONFIG
from tests.rig.databases import Stores
from tests.rig.office import Office
from tests.scenarios.invariants import Watch, tickets_of
from tests.scenarios.mail_client import Writing
from tests.scenarios.stage import OUTSIDE, Stage

MOST_MAILS, MOST_WORDS = 7, 12  # of agents, for the first ticket
NOTICES_PER_MESSAGE = 1.3
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
BANK = "Entire mobile/online banking system is down"


@dataclass
class Effort:
    """What agents did, and what they were told."""

    mails: int = 0
    words: int = 0
    messages: int = 0  # of customers
    taps: int = 0


@dataclass
class Players:
    """Everybody with a mail program, and nothing else."""

    stage: Stage
    effort: Effort = field(default_factory=Effort)

    def __post_init__(self) -> None:
        self._watch = Watch(self.stage)

    def writes(self, who: str, subject: str, text: str) -> None:
        self._sent(who, self.stage.programs[who].write(self._now, text, Writing(subject=subject)), text)

    def answers(self, who: str, template: str, text: str) -> None:
        mail = self.stage.newest(who, template)
        self._sent(who, self.stage.programs[who].answer(self._now, mail, text, Writing()), text)

    def presses(self, who: str, label: str, template: str) -> None:
        mail = self.stage.newest(who, template)
        self.effort.taps += 1
        self._sent(who, self.stage.programs[who].press(self._now, mail, label, Writing()), "")

    def wait(self, span: timedelta) -> None:
        self.stage.let_pass(span)
        self._check()

    @property
    def _now(self) -> datetime:
        return self.stage.office.clock.now()

    def _sent(self, who: str, raw: bytes, text: str) -> None:
        if who in OUTSIDE:
            self.effort.messages += 1
        else:
            self.effort.mails += 1
            commands = [line for line in text.splitlines() if line.startswith("!")]
            self.effort.words += sum(len(line.split()) for line in commands)
        self.stage.send(raw)
        self._check()

    def _check(self) -> None:
        assert not (faults := self._watch.faults()), "\n".join((*faults, self.stage.story))


def the_bank_is_down(play: Players) -> None:
    play.writes("karen", BANK, "Nobody can log in, neither in the app nor on the web. Please hurry!\n\nKaren")
    play.wait(2 * MINUTE)
    play.answers("john", "new-ticket", "!priority emergency\n!sla sev-a\n!team online banking")
    play.wait(2 * MINUTE)
    play.answers("jane", "assigned", "!take\nI am working on this with the system administrators.")
    play.wait(3 * MINUTE)
    play.answers("karen", "acknowledgement", "Any news? Our branch managers keep calling.")
    play.answers("jane", "message", "!note\nA bad update of the login servers at 08:40. We are rolling it back.")
    play.wait(5 * MINUTE)
    play.answers(
        "jane", "message", "Dear Karen,\n\nan update went wrong; it is rolled back, and banking works again.\n\n!close"
    )
    play.wait(3 * MINUTE)


def excel_does_not_start(play: Players) -> None:
    play.writes("ken", "Excel does not start", "Since this morning, for the whole accounting department.")
    play.wait(5 * MINUTE)
    play.answers("john", "new-ticket", "!sla sev-b\nHello Ken, please reboot one of the machines and try again.")
    play.wait(20 * MINUTE)
    play.answers("ken", "reply", "That was it: after a reboot it starts everywhere.")
    play.wait(5 * MINUTE)
    play.presses("john", "Resolve", "message")
    play.wait(3 * MINUTE)


def the_laptop_is_dead(play: Players) -> None:
    play.writes("karen", "CFO's laptop does not power on", "No light, nothing. She has a board meeting at noon.")
    play.wait(4 * MINUTE)
    play.answers("john", "new-ticket", "!sla sev-b\nI am on my way with a spare charger.")
    play.wait(30 * MINUTE)
    play.answers("john", "new-ticket", "!note charger broken (cable), replaced from stock, battery is fine")
    play.answers("john", "new-ticket", "The charger was broken and has been replaced; the laptop runs.\n!close")
    play.wait(3 * MINUTE)


def when_do_the_computers_come(play: Players) -> None:
    play.writes("karen", "When do the new computers come?", "You said this quarter. Is there a date?")
    play.wait(15 * MINUTE)
    play.answers("john", "new-ticket", "They come on 14 December; we shall tell you the day before.\n!close")
    play.wait(3 * MINUTE)


def nobody_answers_paul(play: Players) -> None:
    play.writes("paul", "The printer on the third floor is jammed", "It has been blinking since Friday.")
    for span in (*[HOUR] * 6, *[DAY] * 2, *[HOUR] * 3, *[DAY] * 8):
        play.wait(span)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, stores: Stores):
    """The story, played once: (players, effort for the first ticket)."""
    folder = tmp_path_factory.mktemp("story")
    (folder / "token-key").touch(mode=0o600)
    (folder / "token-key").write_text(f"a:{'0123456789abcdef' * 4}\n")
    office = Office(folder, CONFIG.format(port=0).replace("[listener]", LISTENER), stores)
    play = Players(Stage(office))
    the_bank_is_down(play)
    first = Effort(play.effort.mails, play.effort.words, play.effort.messages, play.effort.taps)
    for scene in (excel_does_not_start, the_laptop_is_dead, when_do_the_computers_come, nobody_answers_paul):
        scene(play)
    yield play, first
    office.close()


LISTENER = '[listener]\ntrusted_authserv = ["mx.acme.example"]'


def test_the_first_ticket_takes_few_mails_and_few_words(played):
    _, first = played
    print(f"the first ticket: {first.mails} mails of agents, {first.words} words of commands")
    assert first.mails <= MOST_MAILS
    assert first.words <= MOST_WORDS


def test_agents_are_told_little_more_than_what_customers_write(played):
    """Reminders by the clock are not counted: the story leaves one ticket alone so that they go out."""
    play, _ = played
    told = [mail for mail in play.stage.mails if all(to.endswith("@acme.example") for to in mail.recipients)]
    by_clock = [mail for mail in told if mail.template.startswith("sla-")]
    caused = len(told) - len(by_clock)
    print(f"{caused} notices for {play.effort.messages} messages of customers, and {len(by_clock)} by the clock")
    assert by_clock
    assert caused / play.effort.messages <= NOTICES_PER_MESSAGE


def test_the_story_ends_as_it_should(played):
    play, _ = played
    office = play.stage.office
    tickets = [office.ticket(number) for number in tickets_of(play.stage)]
    assert [ticket["status"] for ticket in tickets] == ["closed"] * 4 + ["open"]
    bank, excel, laptop, _, printer = tickets
    assert (bank["priority"], bank["sla_plan"], bank["assignee"]) == ("emergency", "sev-a", "jane")
    assert (excel["sla_plan"], excel["assignee"]) == ("sev-b", "john")
    assert [entry["kind"] for entry in laptop["entries"]] == ["message", "reply", "note", "reply"]
    assert [e["detail"]["breach"] for e in printer["events"] if e["kind"] == "escalated"].count(True) >= 1
    assert printer["overdue"]
