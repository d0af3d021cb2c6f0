"""How mail servers write that they took a mail: the client they saw, themselves, and whether the client signed in."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maild.mail.headers.received import read, read_address

TLS = "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)) (No client certificate requested)"
EXCHANGE = "with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20 via Frontend Transport"
# What stands in the field -> the clients, the server, the protocol.
FORMS = {
    "Postfix": (
        f"from h (rdns.example [192.0.2.7]) {TLS} by mx.acme.example (Postfix) with ESMTPS id A1 for <a@b>; Mon",
        ["192.0.2.7"],
        "mx.acme.example",
        "ESMTPS",
    ),
    "Postfix, IPv6": (
        "from helo.example (unknown [IPv6:2001:db8::7]) by MX.Acme.Example (Postfix) with ESMTP id A1; Mon",
        ["2001:db8::7"],
        "mx.acme.example",
        "ESMTP",
    ),
    "Postfix, HELO is an address": (
        "from [127.0.0.1] (unknown [192.0.2.7]) by mx.acme.example (Postfix) with ESMTP id A1; Mon",
        ["192.0.2.7"],
        "mx.acme.example",
        "ESMTP",
    ),
    "Sendmail": (
        "from h.example (rdns.example [192.0.2.7] (may be forged)) by mx.acme.example (8.17.1/8.17.1) with ESMTPS; Mon",
        ["192.0.2.7"],
        "mx.acme.example",
        "ESMTPS",
    ),
    "Exim": (
        "from rdns.example ([192.0.2.7]:5432 helo=[127.0.0.1]) by mx.acme.example with esmtps (TLS1.3) (Exim 4.98)",
        ["192.0.2.7"],
        "mx.acme.example",
        "esmtps",
    ),
    "Exim without a name": (
        "from [192.0.2.7] (port=41414 helo=mail.example) by mx.acme.example with esmtp (Exim 4.98); Mon",
        ["192.0.2.7"],
        "mx.acme.example",
        "esmtp",
    ),
    "Exim, HELO is an address": (
        "from [192.0.2.7] (helo=[127.0.0.1]) by mx.acme.example with esmtp (Exim 4.98); Mon",
        ["192.0.2.7", "127.0.0.1"],  # both: only a mail from inside has all of them inside
        "mx.acme.example",
        "esmtp",
    ),
    "Exchange": (
        f"from A.prod.outlook.com (2603:10a6:20b::11) by B.mail.protection.outlook.com (10.167.16.100) {EXCHANGE}; Mon",
        ["2603:10a6:20b::11"],
        "b.mail.protection.outlook.com",
        "Microsoft",
    ),
    "qmail": ("from unknown (HELO helo.example) (192.0.2.7) by 0 with SMTP; 4 May 2026", ["192.0.2.7"], "0", "SMTP"),
    "qmail with ident": ("from unknown (x@192.0.2.7) by mx with SMTP; 4 May", ["192.0.2.7"], "mx", "SMTP"),
    "IronPort": (
        "from unknown (HELO [127.0.0.1]) ([192.0.2.7]) by esa5.example with ESMTP/TLS/AES256-SHA256; 09 Jun",
        ["127.0.0.1", "192.0.2.7"],
        "esa5.example",
        "ESMTP",
    ),
    "zmailer": (
        'from m.example ([192.0.2.7]:10345 "EHLO [127.0.0.1]" rhost-flags-OK) by v.example with ESMTP id S1; Mon',
        ["192.0.2.7"],
        "v.example",
        "ESMTP",
    ),
    "Mimecast": (
        "from h.example (192.0.2.7 [192.0.2.7]) by r.example with ESMTP id x",
        ["192.0.2.7"],
        "r.example",
        "ESMTP",
    ),
    "without a HELO": (
        "from ([192.0.2.7]) by mx.acme.example with ESMTP; Mon",
        ["192.0.2.7"],
        "mx.acme.example",
        "ESMTP",
    ),
    "the HELO is by": ("from by (h.example [192.0.2.7]) by mx with ESMTP; Mon", ["192.0.2.7"], "mx", "ESMTP"),
    "mapped": (
        "from h ([IPv6:::ffff:127.0.0.1]) by localhost (h) (amavis) with LMTP id",
        ["127.0.0.1"],
        "localhost",
        "LMTP",
    ),
    "an address with a zone": ("from h ([fe80::1%eth0]) by mx with ESMTP", ["fe80::1"], "mx", "ESMTP"),
    "no protocol": (
        "from mx4 ([10.202.2.203]) by c.internal (LMTPProxy); Fri, 10 Apr",
        ["10.202.2.203"],
        "c.internal",
        "",
    ),
    "the HELO alone": ("from [127.0.0.1] by mx.acme.example with ESMTP; Mon", [], "mx.acme.example", "ESMTP"),
    "a name that looks like a HELO": (
        "from [127.0.0.1] (helo [192.0.2.7] (may be forged)) by mx with ESMTP",
        ["192.0.2.7"],
        "mx",
        "ESMTP",
    ),
    "a comment without an end": ("from ( (h.example [192.0.2.7]) by mx with ESMTP", ["192.0.2.7"], "", ""),
    "a recipient with spaces": (
        'from h ([192.0.2.7]) by mx with ESMTP for <"a with ESMTPA by x"@acme.example>; Mon',
        ["192.0.2.7"],
        "mx",
        "ESMTP",
    ),
    "no from": ("by 2002:a05:6a10 with SMTP id h15csp; Mon", [], "2002:a05:6a10", "SMTP"),
    "qmail, invoked": ("(qmail 12345 invoked by uid 89); 4 May 2026 09:00:00 -0000", [], "", ""),
    "nothing": ("", [], "", ""),
}


@pytest.mark.parametrize(("value", "clients", "by", "protocol"), FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("folded", [False, True])
def test_every_servers_form_is_read(value: str, clients: list[str], by: str, protocol: str, folded: bool) -> None:
    found = read(value.replace(" ", "\r\n\t") if folded else value)
    assert ([str(client) for client in found.clients], found.by, found.protocol) == (clients, by, protocol)


INSIDE = {
    "a step without from": "by mx.acme.example (Postfix, from userid 1000) id 43BB1; Fri",
    "LMTP over a socket": "from mx.acme.example by mx.acme.example (Dovecot) with LMTP id h; Fri",
    "LMTP with TLS over a socket": "from mx.acme.example by mx.acme.example with LMTPS id h; Fri",
    "Cyrus": "from mx.acme.example ([unix socket]) by imap.acme.example (Cyrus 3) with LMTPA; Fri",
    "loopback": "from evil.example (localhost [127.0.0.1]) by mx with ESMTP; Fri",
    "loopback, IPv6": "from evil.example (localhost [IPv6:::1]) by mx with ESMTP; Fri",
    "all of 127": "from mx ([127.0.1.9]) by mx with ESMTP; Fri",
    "a hop": "from mx2 (mx2 [10.1.2.3]) by mx with ESMTP; Fri",
    "a hop by LMTP": "from mx2 ([10.1.2.3]) by imap with LMTPS id h; Fri",
    "a hop as Exim sees it": "from [10.1.2.3] (helo=mx2) by mx with esmtp; Fri",
}
OUTSIDE = {
    "a stranger": "from mx.acme.example (mx.acme.example [192.0.2.7]) by mx with ESMTP; Fri",
    "whose HELO is loopback": "from [127.0.0.1] (unknown [192.0.2.7]) by mx with ESMTP; Fri",
    "whose HELO is localhost": "from localhost (unknown [192.0.2.7]) by mx with ESMTP; Fri",
    "whose HELO is a hop": "from [10.1.2.3] (helo=[10.1.2.3]) (x [192.0.2.7]) by mx with ESMTP; Fri",
    "whose HELO is loopback, at Exim": "from [192.0.2.7] (helo=[127.0.0.1]) by mx with esmtp; Fri",
    "whose name looks like a HELO": "from [127.0.0.1] (HELO [192.0.2.7]) by mx with ESMTP; Fri",
    "who is not told": "from localhost by mx with ESMTP; Fri",
    "who is a program here": "from www-data by mx.acme.example with local (Exim 4.98); Fri",
    "by LMTP": "from mx.acme.example ([192.0.2.7]) by imap with LMTP id h; Fri",
    "who signed in": "from laptop (x [192.0.2.7]) (Authenticated sender: joe) by mx with ESMTPSA; Fri",
    "who signed in at loopback": "from webmail (localhost [127.0.0.1]) by mx with ESMTPA; Fri",
    "who signed in at a hop": "from gate (gate [10.1.2.3]) by mx with ESMTPSA; Fri",
    "who signed in with UTF-8": "from webmail (localhost [127.0.0.1]) by mx with UTF8SMTPSA; Fri",
    "who signed in at an old server": "from webmail (localhost [127.0.0.1]) by mx with asmtp; Fri",
    "who signed in, as Postfix says it": "from w (localhost [::1]) (Authenticated sender: joe) by mx with ESMTP; Fri",
    "who signed in, as Sendmail says it": "from w (localhost [127.0.0.1]) (authenticated bits=0) by mx with ESMTP; Fri",
    "who signed in, as Courier says it": "from w (w [127.0.0.1]) (AUTH: PLAIN joe) by mx with esmtp; Fri",
    "nobody readable": "from ( by mx with LMTP; Fri",
}
HOPS = (ip_network("10.1.2.0/24"), ip_network("2001:db8:1::/64"))


def test_a_mail_is_inside_as_long_as_our_servers_hand_it_on() -> None:
    assert {name: read(value).inside(HOPS) for name, value in INSIDE.items()} == dict.fromkeys(INSIDE, True)


def test_a_mail_comes_from_outside_by_everybody_else() -> None:
    assert {name: read(value).inside(HOPS) for name, value in OUTSIDE.items()} == dict.fromkeys(OUTSIDE, False)


def test_without_hops_only_this_machine_is_inside() -> None:
    hops = {name for name, value in INSIDE.items() if not read(value).inside(())}
    assert hops == {"a hop", "a hop by LMTP", "a hop as Exim sees it"}


@given(st.text(max_size=300))
def test_any_text_is_read(value: str) -> None:
    found = read(f"from {value}")
    assert found.has_from or not found.clients


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_an_address_is_read_as_it_was_written(address) -> None:
    assert read_address(str(address)) == (getattr(address, "ipv4_mapped", None) or address)
