"""What goes wrong is told with its cause and its remedy, and tried again after pauses that grow."""

import socket
import ssl

from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError, ProtocolError

from maild.ports import TemporaryFailure
from maild.sources.imap import Backoff, MailboxOptions, Tls
from maild.sources.imap_problems import ConnectionLostError, RefusalError, explain
from maild.sources.imap_session import Session
from tests.rig.hostile_imap import Dialogue, HostileImap
from tests.rig.misses import in_turn
from tests.sources.imap_setting import options_for

OPTIONS = MailboxOptions(name="support", host="imap.example.com", port=143, user="kim", password=str)


@in_turn(
    ("error", "cause", "remedy"),
    [
        (RefusalError("no STARTTLS there"), "no STARTTLS there", "[[mailbox]] support"),
        (TemporaryFailure("locked"), "cannot be kept now: locked", "nothing is lost"),
        (LoginError("NO"), "imap.example.com:143 refuses the login of kim", "password"),
        (ssl.SSLCertVerificationError("expired"), "is not trusted", "authority's certificate"),
        (ssl.SSLError("wrong version number"), "no TLS with imap.example.com:143", "usually 993"),
        (socket.gaierror(-2, "Name or service not known"), "cannot be resolved", "DNS"),
        (ConnectionRefusedError(111, "refused"), "nothing listens at", "check host, port and tls"),
        (TimeoutError("timed out"), "does not answer", "firewall"),
        (ConnectionLostError("closed while we waited"), "closed while we waited", "server's log"),
        (IMAPClientAbortError("EOF"), "ended the session: EOF", "server's log"),
        (ProtocolError("what?"), "does not answer in IMAP: what?", "check host and port"),
        (IMAPClientError("NO\r\n  such   thing"), "answers: NO such thing", "server's log"),
        (ConnectionResetError(104, "reset by peer"), "reset by peer", "check the network"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_trouble_has_a_cause_and_a_remedy(error: Exception, cause: str, remedy: str) -> None:
    told = explain(error, OPTIONS)
    assert told is not None
    before, _, after = told.partition("(remedy: ")
    assert cause in before
    assert remedy in after


def test_an_error_of_our_own_is_not_blamed_on_the_server() -> None:
    assert explain(KeyError("x"), OPTIONS) is None


def test_a_talkative_server_is_cut_short() -> None:
    told = explain(IMAPClientError("x" * 100_000), OPTIONS)
    assert told is not None
    assert len(told) < 500


def test_the_usual_port_is_not_suggested_to_one_who_has_it() -> None:
    right = MailboxOptions(name="m", host="h.example", port=993, tls=Tls.IMPLICIT, user="u", password=str)
    assert "usually" not in str(explain(ConnectionRefusedError(), right))


def test_pauses_double_up_to_the_longest_and_differ() -> None:
    backoff = Backoff(first=1.0, longest=300.0)
    pauses = [backoff.pause() for _ in range(40)]
    expected = [min(2.0**number, 300.0) for number in range(40)]
    assert all(full / 2 <= pause <= full for pause, full in zip(pauses, expected, strict=True))
    assert len(set(pauses[10:])) > 1


def test_a_connection_that_works_for_moments_only_is_not_forgiven_at_once() -> None:
    backoff = Backoff(first=1.0, longest=300.0)
    for _ in range(20):
        backoff.pause()
    backoff.ease()
    assert 4.0 <= backoff.pause() <= 8.0
    backoff.reset()
    assert backoff.pause() <= 1.0


def test_a_folder_with_very_many_mails_can_be_searched() -> None:
    """The answer is one line of 1.4 MB here; the standard library would give up at 1 MB."""
    uids = range(1, 200_001)

    def all_of_them(dialogue: Dialogue, tag: str, arguments: str) -> None:
        dialogue.send("* SEARCH " + " ".join(map(str, uids)))
        dialogue.ok(tag)

    with HostileImap(answers={"SEARCH": all_of_them}) as peer:
        session = Session(options_for(peer))
        session.open()
        assert session.search_above(10) == list(uids[10:])
        session.log_out()
