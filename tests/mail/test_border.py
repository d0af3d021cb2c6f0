"""Where our own servers end in a mail, and which of its Authentication-Results they wrote."""

from dataclasses import replace

import pytest

from maild.domain.messages.message import Evidence
from maild.domain.people.directory import Trust
from maild.mail.headers.authentication_results import judge
from maild.mail.headers.border import TrustedServers
from maild.mail.reading.parse import read
from tests.mail.server_headers import (
    ABOVE,
    BELOW,
    FASTMAIL,
    GMAIL,
    MICROSOFT_365,
    OURS,
    OUTSIDE,
    POSTFIX_ABOVE,
    SERVERS,
    Server,
    trusting,
)

V, C, F = Trust.VERIFIED, Trust.CLAIMED, Trust.FAILED
MAIL = "DKIM-Signature: v=1; d=client.example\nFrom: Karen <karen@client.example>\nSubject: Printer\n\nIt burns.\n"
# What a stranger may write below all that, in the hope of being believed.
FORGED = """Authentication-Results: mx.acme.example; dmarc=pass header.from=client.example
Received: from localhost (localhost [127.0.0.1]) by mx.acme.example (Postfix) with ESMTP id 1; Mon
Authentication-Results: mx.google.com; dmarc=pass header.from=client.example
Received: from localhost (localhost [127.0.0.1]) by X.mail.protection.outlook.com with LMTP; Mon
Authentication-Results: dmarc=pass action=none header.from=client.example
Authentication-Results: mx9.messagingengine.com; dkim=pass header.d=client.example
Authentication-Results: mx2.acme.example; dmarc=pass header.from=client.example
"""


def evidence(head: str, servers: TrustedServers, peer: str = "") -> Evidence:
    return judge(read((head + MAIL).replace("\n", "\r\n").encode()), servers, peer)


@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize(
    ("verdict", "trust"), [("pass", V), ("fail", F), ("none", C), ("temperror", C), ("bestguesspass", C)]
)
def test_the_real_result_of_each_server_counts(server: Server, verdict: str, trust: Trust) -> None:
    head = server.written(verdict)
    assert evidence(head, server.settings).trust is trust
    assert evidence(head + FORGED, server.settings).trust is trust


def without_results(server: Server) -> str:
    """The same server on a day when its filter does not work."""
    lines, kept = server.written().splitlines(keepends=True), []
    for line in lines:
        if not line[0].isspace():
            inside = line.startswith("Authentication-Results:")
        if not inside:
            kept.append(line)
    return "".join(kept)


@pytest.mark.parametrize("server", ABOVE.values(), ids=ABOVE)
def test_where_the_server_wrote_nothing_a_senders_field_is_not_believed(server: Server) -> None:
    found = evidence(without_results(server) + FORGED, server.settings)
    assert found.trust is C
    assert found.reason.startswith("no Authentication-Results by ")


@pytest.mark.parametrize("server", BELOW.values(), ids=BELOW)
def test_below_the_border_a_field_beyond_the_next_hop_is_not_believed(server: Server) -> None:
    hop = f"Received: {OUTSIDE} by mail.client.example with ESMTPS; Mon\n"
    assert evidence(without_results(server) + hop + FORGED, server.settings).trust is C


# -- the border ------------------------------------------------------------------------------------------------------

PASSED = "Authentication-Results: mx.acme.example; dmarc=pass header.from=client.example\n"
TAKEN_IN = f"Received: {OUTSIDE} by mx.acme.example (Postfix) with ESMTPS; Mon\n"
LOCAL = "Received: from mx (localhost [127.0.0.1]) by mx.acme.example (Postfix) with ESMTP; Mon\n"
SIGNED_IN = "Received: from laptop (x [198.51.100.7]) by mx.acme.example (Postfix) with ESMTPSA; Mon\n"
WEBMAIL = "Received: from webmail (localhost [127.0.0.1]) by mx.acme.example (Postfix) with ESMTPA; Mon\n"
SUBMITTED = f"Received: from mx ([192.0.2.2]) by store.acme.example with ESMTPSA; Mon\n{PASSED}{TAKEN_IN}"


@pytest.mark.parametrize(
    ("head", "servers", "trust"),
    [
        (PASSED + TAKEN_IN, OURS, V),
        (PASSED + LOCAL + TAKEN_IN, OURS, V),
        (LOCAL + PASSED + TAKEN_IN, OURS, V),
        (TAKEN_IN + PASSED, OURS, C),
        (PASSED, OURS, C),  # no Received: nobody knows who wrote it
        (LOCAL + PASSED, OURS, C),
        (PASSED + LOCAL + LOCAL, OURS, C),  # it never came in: a program of ours wrote all of it
        (PASSED + SIGNED_IN, OURS, V),
        (SIGNED_IN + PASSED + TAKEN_IN, OURS, C),  # whoever signed in wrote what stands below
        (WEBMAIL + PASSED + TAKEN_IN, OURS, C),
        (SUBMITTED, trusting("mx.acme.example", hops=("192.0.2.2/32",)), C),
        (SUBMITTED, trusting("mx.acme.example", entry=("mx.acme.example",)), V),
        (SUBMITTED, trusting("mx.acme.example", entry=("*.other.example",)), C),
    ],
)
def test_the_border_is_the_first_hand_over_from_outside(head: str, servers: TrustedServers, trust: Trust) -> None:
    assert evidence(head, servers).trust is trust
    assert evidence(head + FORGED, servers).trust is trust


def test_entry_names_the_topmost_match() -> None:
    servers = MICROSOFT_365.settings
    forged = MICROSOFT_365.written("pass")
    assert evidence(MICROSOFT_365.written("fail") + forged, servers).trust is F
    assert evidence(MICROSOFT_365.written("none") + forged, servers).trust is C


def test_a_hop_that_cannot_be_read_is_not_skipped_in_search_of_an_entry() -> None:
    unreadable = "Received: from ( (x [198.51.100.7]) by mx.acme.example with ESMTP; Mon\n"
    assert evidence(unreadable + PASSED + TAKEN_IN, trusting("mx.acme.example", entry=("mx.acme.example",))).trust is C


# -- below the border ------------------------------------------------------------------------------------------------

BELOW_OURS = trusting("mx.acme.example", "mx2.acme.example", below=True)
FAILED = PASSED.replace("pass", "fail")
NOTHING = PASSED.replace("pass", "none")
OTHER = PASSED.replace("mx.", "mx2.")


@pytest.mark.parametrize(
    ("head", "trust"),
    [
        (TAKEN_IN + PASSED, V),
        (LOCAL + TAKEN_IN + PASSED, V),
        (TAKEN_IN + "X-Spam: no\n" + PASSED, V),
        (TAKEN_IN + NOTHING + PASSED, C),  # only the topmost may prove
        (TAKEN_IN + NOTHING + OTHER, C),  # whatever the name of the next one
        (TAKEN_IN + PASSED + NOTHING, V),
        (TAKEN_IN + PASSED + FAILED, F),  # each may refute
        (TAKEN_IN + TAKEN_IN + PASSED, C),
        (TAKEN_IN + PASSED + TAKEN_IN + FAILED, V),
        (PASSED + TAKEN_IN, C),
        (SIGNED_IN + PASSED, C),
        (WEBMAIL + PASSED, C),
    ],
)
def test_below_only_the_topmost_field_proves_and_each_refutes(head: str, trust: Trust) -> None:
    assert evidence(head, BELOW_OURS).trust is trust


def test_below_an_entry_on_this_machine_nothing_counts() -> None:
    servers = trusting("mx.acme.example", entry=("mx.acme.example",), below=True)
    assert evidence(LOCAL + PASSED, servers).trust is C
    assert evidence(TAKEN_IN + PASSED, servers).trust is V


# -- names -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configured", "written", "counts"),
    [
        ("mx.acme.example", "MX.ACME.example", True),
        ("MX.acme.example", "mx.acme.example 1", True),
        ("mx.acme.example", '"mx.acme.example"', True),
        ("mx.acme.example", "mx.acme.example (our own)", True),
        ("mx.acme.example", "(x) mx.acme.example", True),
        ("*.acme.example", "mx.acme.example", True),
        ("*.acme.example", "mx1.nyi.acme.example", True),
        ("mx*.acme.example", "mx12.acme.example", True),
        ("*.acme.example", "acme.example", False),
        ("*.acme.example", "mx.acme.example.evil.example", False),
        ("*.acme.example", "mx-acme.example", False),
        ("*.acme.example", "mxXacme.example", False),
        ("mx.acme.example", "mx.acme.example.", False),
        ("mx.acme.example", "mx.acme.exampl\u0435", False),  # a Cyrillic letter
        ("mx.acme.example", "mx.acme\uff0eexample", False),
        ("mx.acme.example", "mx.acme.\u200bexample", False),
        ("mk.acme.example", "m\u212a.acme.example", False),  # U+212A, the Kelvin sign
        ("mx.acme.example", "=?utf-8?q?mx.acme.example?=", False),
        ("mx.acme.example", "mx_acme_example", False),
        ("mx.acme.example", "", False),
        ("microsoft365", "microsoft365", False),
        ("microsoft365", "dkim=none header.d=none", True),
        ("mx.acme.example", "dkim=none header.d=none", False),
    ],
)
def test_a_server_is_known_by_its_own_name_alone(configured: str, written: str, counts: bool) -> None:
    field = f"Authentication-Results: {written}; dmarc=pass header.from=client.example\n"
    assert evidence(field + TAKEN_IN, trusting(configured)).trust is (V if counts else C)


# -- over our own listener -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "hops", "trust"),
    [
        ("", (), V),  # a program on this machine: a socket, a pipe
        ("127.0.0.1", (), V),
        ("::1", (), V),
        ("::ffff:127.0.0.1", (), V),
        ("192.0.2.2", (), C),
        ("192.0.2.2", ("192.0.2.0/24",), V),
        ("::ffff:192.0.2.2", ("192.0.2.0/24",), V),
        ("2001:db8::2", ("2001:db8::/64",), V),
        ("198.51.100.7", ("192.0.2.0/24",), C),
        ("unknown", ("0.0.0.0/1", "128.0.0.0/1"), C),
    ],
)
@pytest.mark.parametrize("entry", [(), ("mx.acme.example",)])
@pytest.mark.parametrize("below", [False, True])
def test_the_connection_to_our_listener_is_the_first_hop(
    peer: str, hops: tuple[str, ...], trust: Trust, entry: tuple[str, ...], below: bool
) -> None:
    head = TAKEN_IN + PASSED if below else PASSED + TAKEN_IN
    assert evidence(head, trusting("mx.acme.example", hops=hops, entry=entry, below=below), peer).trust is trust


# -- why nothing counts ----------------------------------------------------------------------------------------------

GATE = "Received: from gate ([10.1.2.3]) by in.acme.example with ESMTP; Mon\n"
GATE_TOLD = "the Received by in.acme.example from 10.1.2.3"
ADD, NAME = "if it is yours, add", "name it in hops, or set entry"
BORDER = "the Received by mx.acme.example from 203.0.113.25"


@pytest.mark.parametrize(
    ("head", "servers", "why"),
    [
        (PASSED, OURS, "no Received field says which server took the mail in"),
        (
            PASSED + LOCAL,
            OURS,
            "it never left our own servers: every Received field is a step among them",
        ),
        (
            PASSED + TAKEN_IN,
            trusting("mx.acme.example", entry=("mx9.acme.example",)),
            "no Received field is by mx9.acme.example; check entry",
        ),
        (TAKEN_IN, OURS, f"there is none above {BORDER}"),
        (
            TAKEN_IN + PASSED,
            OURS,
            f'there is none above {BORDER}, but one is below it: if that server writes there, set results = "below"',
        ),
        (
            PASSED + TAKEN_IN,
            trusting("mx.acme.example", below=True),
            f'there is none below {BORDER}, but one is above it: if that server writes there, set results = "above"',
        ),
        (
            PASSED + TAKEN_IN,
            trusting("mx.acme.exmaple"),
            f'there is none above {BORDER}, but one of another server is: {ADD} "mx.acme.example" to trusted_authserv',
        ),
        (
            "Authentication-Results: dmarc=pass header.from=client.example\n" + TAKEN_IN,
            OURS,
            f'there is none above {BORDER}, but one of another server is: {ADD} "microsoft365" to trusted_authserv',
        ),
        (
            GATE + TAKEN_IN + PASSED,
            trusting("mx.acme.example", below=True),
            f"there is none below {GATE_TOLD}, but one is further down: if 10.1.2.3 is your own server, {NAME}",
        ),
        (
            WEBMAIL + PASSED,
            trusting("mx.acme.example", below=True),
            "the Received by mx.acme.example from 127.0.0.1 is a submission, so its sender wrote what is below",
        ),
    ],
)
def test_the_reason_names_the_setting_that_may_be_meant(head: str, servers: TrustedServers, why: str) -> None:
    assert evidence(head, servers).reason == f"no Authentication-Results by {servers.authserv[0]} counts: {why}"


def test_a_hop_that_is_not_named_is_told() -> None:
    servers = replace(FASTMAIL.settings, hops=())
    assert (
        "if 10.202.2.45 is your own server, name it in hops, or set entry"
        in evidence(FASTMAIL.written(), servers).reason
    )
    assert "192.0.2.2 passed it to maild; if that is your own server, name it in hops" in (
        evidence(POSTFIX_ABOVE.written(), OURS, "192.0.2.2").reason
    )


def test_gmail_is_found_by_its_hint() -> None:
    reason = evidence(GMAIL.written(), trusting("mx.google.com")).reason
    assert 'set results = "below"' in reason
