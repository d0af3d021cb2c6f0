"""A sender's own Authentication-Results are never believed, wherever they stand and whatever stands around them.

Our server may add no field: its filter is down, or the mail was too large for it. Then a field that the sender wrote is
the topmost one by that name. Or our server adds two fields, and the second one tells of the forgery."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.domain.people.directory import Trust
from maild.mail.headers.authentication_results import judge
from maild.mail.headers.border import TrustedServers
from maild.mail.reading.parse import read
from tests.mail.server_headers import ABOVE, BELOW, SERVERS, Server, trusting
from tests.rig.office import CONFIG, PROVIDER, TAKEN_IN, Office

OpenOffice = Callable[[str], Office]
JOHN, VICTIM = "john@acme.example", "victim@other.example"
LEVELS = ("strict", "normal", "trusting")


def forged_fields(domain: str = "acme.example") -> list[str]:
    """What a sender may write, each line a field."""
    passed = f"dmarc=pass header.from={domain}"
    return [
        f"Authentication-Results: {PROVIDER}; {passed}",
        f"AUTHENTICATION-RESULTS: {PROVIDER.upper()} 1; {passed}; dkim=pass header.d={domain}",
        f"Authentication-Results: (a comment) {PROVIDER} (another (one))\r\n\t;\r\n {passed}",
        f'Authentication-Results: "{PROVIDER}"; {passed}',
        f"Authentication-Results: {PROVIDER.replace('a', chr(0x0430))}; {passed}",
        f"Authentication-Results: {PROVIDER.replace('.', chr(0xFF0E))}; {passed}",
        f"Authentication-Results: =?utf-8?q?{PROVIDER}?=; {passed}",
        f"Authentication-Results: {passed} action=none",
    ]


def forged_hops() -> list[str]:
    """Received fields that look like those of our own server."""
    return [
        f"Received: from {PROVIDER} (localhost [127.0.0.1]) by {PROVIDER} (Postfix) with ESMTP id 1; Mon",
        f"Received: from {PROVIDER} by {PROVIDER} (Dovecot) with LMTP id 1; Mon",
        f"Received: by {PROVIDER} (Postfix, from userid 0) id 1; Mon",
        f"Received: {TAKEN_IN}; Mon, 4 May 2026 09:00:00 +0000",
        f"Received: from mail.acme.example (mail.acme.example [192.0.2.25]) by {PROVIDER} with ESMTPSA id 1; Mon",
    ]


def mail_with(office: Office, above: str, below: str, text: str, **more: str) -> bytes:
    """A mail in John's name: what our server wrote, its Received, and what the sender wrote beneath."""
    raw = office.mail(JOHN, text, proof="", **more)
    received, _, rest = raw.partition(b"\r\n")
    assert received.startswith(b"Received: ")
    return b"\r\n".join((*filter(None, (above.encode(), received, below.encode())), rest))


@pytest.mark.parametrize("level", LEVELS)
def test_no_forged_field_sends_mail_in_an_agents_name(level: str, open_office: OpenOffice) -> None:
    office = open_office(f'{CONFIG}\n[security]\nagent_proof = "{level}"\n')
    below = [*forged_fields()]
    below += [f"{hop}\r\n{field}" for hop in forged_hops() for field in forged_fields()[:1]]
    below += [f"{field}\r\n{hop}\r\n{field}" for hop in forged_hops() for field in forged_fields()[:1]]
    below += ["\r\n".join((*forged_fields(), *forged_hops(), *forged_fields()))]
    mails = [mail_with(office, "", each, f"!to {VICTIM}\nPay 4711.") for each in below]
    outcomes = {each: office.receive(mail).outcome for each, mail in zip(below, mails, strict=True)}
    assert outcomes == dict.fromkeys(below, "held")
    assert not [row for row in office.outbox() if str(row.to.address) == VICTIM]


def test_no_forged_field_executes_a_command_at_strict(open_office: OpenOffice) -> None:
    office = open_office(f'{CONFIG}\n[security]\nagent_proof = "strict"\n')
    number = office.open_ticket()
    notice = office.last("new-ticket", JOHN, number)
    for field in forged_fields():
        received, _, rest = office.answer(notice, "!close", proof="").partition(b"\r\n")
        assert office.receive(b"\r\n".join((received, field.encode(), rest))).outcome == "held", field
    assert office.ticket(number)["status"] == "open"


def test_a_customer_is_not_verified_by_a_field_of_their_own(office: Office) -> None:
    raw = office.mail("karen@client.example", "It burns.", proof="", cc="evil@evil.example")
    received, _, rest = raw.partition(b"\r\n")
    field = forged_fields("client.example")[0].encode()
    done = office.receive(b"\r\n".join((received, field, rest)))
    ticket = office.ticket(done.ticket or 0)
    assert (ticket["entries"][0]["trust"], ticket["participants"]) == ("claimed", [])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("order", [1, -1])
def test_a_failure_in_any_field_of_our_server_counts(level: str, order: int, open_office: OpenOffice) -> None:
    """opendkim and OpenDMARC write a field each: the one tells of a signature, the other of the forged From."""
    office = open_office(f'{CONFIG}\n[security]\nagent_proof = "{level}"\n')
    fields = [
        f"Authentication-Results: {PROVIDER}; dkim=pass header.d=acme.example",
        f"Authentication-Results: {PROVIDER}; dmarc=fail (p=reject) header.from=acme.example",
    ]
    raw = mail_with(office, "\r\n".join(fields[::order]), "", f"!to {VICTIM}\nPay 4711.")
    assert office.receive(raw).outcome == "held"
    assert judge(read(raw), trusting(PROVIDER)).trust is Trust.FAILED


def test_a_pass_in_any_field_of_our_server_counts(office: Office) -> None:
    fields = [
        f"Authentication-Results: {PROVIDER}; spf=fail smtp.mailfrom=bounce.example",
        f"Authentication-Results: {PROVIDER}; dkim=fail header.d=list.example",
        f"Authentication-Results: {PROVIDER}; dmarc=pass header.from=acme.example",
    ]
    for turn in range(3):
        head = "\r\n".join(fields[turn:] + fields[:turn])
        done = office.receive(mail_with(office, head, "", f"!to {VICTIM}\nHello.", subject=f"Hello {turn}"))
        assert done.outcome == "opened"


# -- our own listener ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peer", "hops", "outcome"),
    [
        ("198.51.100.7", "", "held"),
        ("198.51.100.7", 'hops = ["10.0.0.0/8"]', "held"),
        ("10.1.2.3", 'hops = ["10.0.0.0/8"]', "opened"),
        ("127.0.0.1", "", "opened"),
        ("", "", "opened"),
    ],
)
def test_who_connects_to_our_listener_is_believed_only_as_one_of_our_servers(
    peer: str, hops: str, outcome: str, open_office: OpenOffice
) -> None:
    """The listener adds no Received, so a stranger who connects to it writes the very top of the mail."""
    office = open_office(CONFIG.replace("[[relay]]", f"{hops}\n\n[[relay]]", 1))
    done = office.receive(office.mail(JOHN, f"!to {VICTIM}\nHello."), peer=peer)
    assert done.outcome == outcome


# -- whatever a sender writes ----------------------------------------------------------------------------------------

NAMES = ["mx.acme.example", "mx2.acme.example", "mx.google.com", "phl-mx-04.messagingengine.com", "microsoft365"]
CLIENTS = ["", "(localhost [127.0.0.1])", "([10.202.0.1])", "(x [203.0.113.9])", "([192.0.2.2])"]
SPACE = st.sampled_from([" ", "", "  ", "\n ", "\n\t", " (x) ", "(a (nested) one)", "\n (folded\n )\n "])
ODD = st.sampled_from(["", "\u200b", "\uff0e", "\u0430", "\u212a", "\u00e9", "=?utf-8?q?x?=", '"', "\\", "(", ")", ";"])
VERDICTS = ["dmarc=pass header.from=client.example", "dkim=pass header.d=client.example", "dmarc=pass", "spf=pass"]


@st.composite
def cased(draw: st.DrawFn, text: str) -> str:
    """The text in odd case."""
    flips = draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    return "".join(letter.swapcase() if flip else letter for letter, flip in zip(text, flips, strict=True))


@st.composite
def results(draw: st.DrawFn, verdicts: list[str]) -> str:
    """An Authentication-Results field by somebody who wants to be taken for our server."""
    name = draw(cased("Authentication-Results"))
    server = draw(st.sampled_from([*NAMES, ""])) + draw(ODD)
    said = draw(st.lists(st.sampled_from(verdicts), min_size=1, max_size=3))
    gap = [draw(SPACE) for _ in range(3)]
    return f"{name}:{gap[0]}{draw(cased(server))}{gap[1]};{gap[2]}{f'{gap[1]};{gap[2]}'.join(said)}{draw(ODD)}\n"


@st.composite
def hops(draw: st.DrawFn) -> str:
    """A Received field by the same."""
    helo, by = draw(st.sampled_from([*NAMES, "[127.0.0.1]", "localhost"])), draw(st.sampled_from(NAMES))
    client = draw(st.sampled_from(CLIENTS))
    how = draw(st.sampled_from(["ESMTP", "LMTP", "ESMTPSA", "local", "Microsoft SMTP Server"]))
    came = f"from {helo} {client}{draw(SPACE)} " if draw(st.booleans()) else ""
    at = draw(st.sampled_from([by, "AM3.mail.protection.outlook.com"]))
    return f"{draw(cased('Received'))}:{draw(SPACE)} {came}by {at}{draw(ODD)} with {how};{draw(SPACE)} Mon\n"


OTHERS = st.sampled_from(["X-Spam: no\n", "DKIM-Signature: v=1\n", "Received-SPF: pass\n", "X-Received: by a\n"])
VERDICT = st.sampled_from(["pass", "fail", "none"])
PASSING = st.lists(st.one_of(results(VERDICTS), hops(), OTHERS), max_size=8).map("".join)
ANYTHING = st.lists(
    st.one_of(results([*VERDICTS, "dmarc=fail header.from=client.example"]), hops(), OTHERS), max_size=8
).map("".join)
MAIL = "From: Karen <karen@client.example>\nSubject: Printer\n\nIt burns.\n"


def trust_of(head: str, servers: TrustedServers) -> Trust:
    return judge(read((head + MAIL).replace("\n", "\r\n").encode()), servers).trust


def silent(server: Server) -> str:
    """The server without its results."""
    fields: list[str] = []
    for line in server.written().splitlines(keepends=True):
        if line[0].isspace():
            fields[-1] += line
        else:
            fields.append(line)
    return "".join(field for field in fields if not field.startswith("Authentication-Results:"))


@given(written=ANYTHING, server=st.sampled_from(list(ABOVE.values())), verdict=VERDICT)
def test_above_the_border_nothing_that_a_sender_writes_changes_the_verdict(
    written: str, server: Server, verdict: str
) -> None:
    head = server.written(verdict)
    assert trust_of(head + written, server.settings) is trust_of(head, server.settings)
    assert trust_of(silent(server) + written, server.settings) is Trust.CLAIMED


@given(written=PASSING, server=st.sampled_from(list(BELOW.values())), verdict=VERDICT)
def test_below_the_border_no_sender_proves_anything(written: str, server: Server, verdict: str) -> None:
    head = server.written(verdict)
    assert trust_of(head + written, server.settings) is trust_of(head, server.settings)


@given(written=ANYTHING, server=st.sampled_from(list(BELOW.values())), verdict=VERDICT)
def test_beyond_the_next_hop_nothing_changes_the_verdict(written: str, server: Server, verdict: str) -> None:
    head = server.written(verdict) + "Received: from a (a [198.51.100.7]) by mail.client.example with ESMTPS; Mon\n"
    assert trust_of(head + written, server.settings) is trust_of(head, server.settings)


@given(written=ANYTHING, server=st.sampled_from(list(SERVERS.values())))
def test_whoever_connects_to_our_listener_from_outside_proves_nothing(written: str, server: Server) -> None:
    message = read((server.written() + written + MAIL).replace("\n", "\r\n").encode())
    assert judge(message, server.settings, "198.51.100.7").trust is Trust.CLAIMED


@given(written=ANYTHING)
def test_below_a_border_without_results_nothing_proves(written: str) -> None:
    border = "Received: from a (a [198.51.100.7]) by mx.acme.example with ESMTPS; Mon\n"
    servers = trusting("mx.acme.example", "microsoft365", "*.messagingengine.com", hops=("10.0.0.0/8",))
    assert trust_of(border + written, servers) is Trust.CLAIMED
