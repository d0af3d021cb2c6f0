"""What mail servers write on top of a mail they take in: each order of Received and Authentication-Results in use.

Host names are made up, or those of the provider. `{}` stands for the verdict on DMARC."""

from dataclasses import dataclass
from ipaddress import ip_network

from maild.mail.headers.border import Side, TrustedServers

FROM = "client.example"
OUTSIDE = "from mail.client.example (mail.client.example [203.0.113.25])"


@dataclass(frozen=True)
class Server:
    """A way in: its fields from the top, and the settings under which its results count."""

    head: str
    settings: TrustedServers

    def written(self, verdict: str = "pass") -> str:
        """Its fields with a verdict, with LF line ends."""
        return self.head.replace("{}", verdict).lstrip("\n")


def trusting(*authserv: str, hops: tuple[str, ...] = (), entry: tuple[str, ...] = (), below: bool = False):
    networks = tuple(ip_network(hop) for hop in hops)
    return TrustedServers(authserv, networks, entry, Side.BELOW if below else Side.ABOVE)


OURS = trusting("mx.acme.example")

POSTFIX_ABOVE = Server(  # OpenDMARC and opendkim as milters of Postfix
    f"""
Return-Path: <karen@client.example>
Delivered-To: support@acme.example
Authentication-Results: mx.acme.example; dmarc={{}} (p=none dis=none) header.from={FROM}
Authentication-Results: mx.acme.example;
\tdkim=pass (2048-bit key; unprotected) header.d=mailer.example header.i=@mailer.example header.a=rsa-sha256
Received: {OUTSIDE}
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-digest SHA256)
\t(No client certificate requested)
\tby mx.acme.example (Postfix) with ESMTPS id 4SQgkW3D
\tfor <support@acme.example>; Mon,  4 May 2026 09:00:00 +0000 (UTC)
""",
    OURS,
)
POSTFIX_BELOW = Server(  # the same milters, where they insert behind the first field
    f"""
Return-Path: <karen@client.example>
Received: {OUTSIDE}
\tby mx.acme.example (Postfix) with ESMTPS id 4SQgkW3D
\tfor <support@acme.example>; Mon,  4 May 2026 09:00:00 +0000 (UTC)
Authentication-Results: mx.acme.example; dmarc={{}} (p=none dis=none) header.from={FROM}
Authentication-Results: mx.acme.example; dkim=pass header.d=mailer.example header.i=@mailer.example
DKIM-Filter: OpenDKIM Filter v2.11.0 mx.acme.example 4SQgkW3D
""",
    trusting("mx.acme.example", below=True),
)
RSPAMD = Server(
    f"""
Return-Path: <karen@client.example>
Delivered-To: support@acme.example
Received: from mx.acme.example
\tby mx.acme.example with LMTP
\tid cJrVEZdf92mXGgAAsNZs7g
\t(envelope-from <karen@client.example>)
\tfor <support@acme.example>; Mon, 04 May 2026 09:00:01 +0000
Received: {OUTSIDE}
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby mx.acme.example (Postfix) with ESMTPS id 2F1C77
\tfor <support@acme.example>; Mon,  4 May 2026 09:00:00 +0000 (UTC)
Authentication-Results: mx.acme.example;
\tdkim=none;
\tspf=pass (mx.acme.example: domain of karen@client.example designates 203.0.113.25 as permitted sender)
\t smtp.mailfrom=karen@client.example;
\tdmarc={{}} (policy=none) header.from={FROM}
X-Spamd-Bar: -
""",
    trusting("mx.acme.example", below=True),
)
GMAIL = Server(
    f"""
Delivered-To: support@acme.example
Received: by 2002:a05:6a10:8c0f:b0:5a1:2b3c:4d5e with SMTP id h15csp1234567pxs;
        Mon, 4 May 2026 02:00:02 -0700 (PDT)
X-Received: by 2002:a17:902:d50f:b0:1b8:7e53:704 with SMTP id b15mr1234567plg.29.1780000000;
        Mon, 04 May 2026 02:00:01 -0700 (PDT)
ARC-Authentication-Results: i=1; mx.google.com;
       dmarc=pass (p=NONE sp=NONE dis=NONE) header.from={FROM}
Return-Path: <karen@client.example>
Received: from mail.client.example (mail.client.example. [203.0.113.25])
        by mx.google.com with ESMTPS id d9443c01a7336-1b99si1234567plb.300.2026.05.04.02.00.01
        for <support@acme.example>
        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
        Mon, 04 May 2026 02:00:01 -0700 (PDT)
Received-SPF: pass (google.com: domain of karen@client.example designates 203.0.113.25 as permitted sender)
Authentication-Results: mx.google.com;
       spf=pass (google.com: domain of karen@client.example designates 203.0.113.25 as permitted sender)
       smtp.mailfrom=karen@client.example;
       dmarc={{}} (p=NONE sp=NONE dis=NONE) header.from={FROM}
""",
    trusting("mx.google.com", below=True),
)
GMAIL_FROM_GMAIL = Server(  # Google hands it to itself, and the way through its own servers stands below
    f"""
Delivered-To: support@acme.example
Received: by 2002:a05:6a10:8c0f:b0:5a1:2b3c:4d5e with SMTP id h15csp1234567pxs;
        Mon, 4 May 2026 02:00:02 -0700 (PDT)
Return-Path: <karen@client.example>
Received: from mail-sor-f41.google.com (mail-sor-f41.google.com. [209.85.220.41])
        by mx.google.com with SMTPS id 5sor691105qtt.46.2026.05.04.02.00.01
        for <support@acme.example>
        (Google Transport Security);
        Mon, 04 May 2026 02:00:01 -0700 (PDT)
Authentication-Results: mx.google.com;
       dkim=pass header.i=@mailer.example header.s=google header.b="kC+fcX/d";
       dmarc={{}} (p=NONE sp=QUARANTINE dis=NONE) header.from={FROM}
X-Google-Smtp-Source: AGHT+IFq0Z
X-Received: by 2002:a05:622a:1b99:b0:417 with SMTP id x25mr1.0.1780000000; Mon, 04 May 2026 02:00:01 -0700 (PDT)
MIME-Version: 1.0
Received: from smtpclient.apple ([198.51.100.7]) by smtp.gmail.com with ESMTPSA id d75a77b69052e-4175abcdef.1
        for <support@acme.example>; Mon, 04 May 2026 02:00:00 -0700 (PDT)
""",
    trusting("mx.google.com", below=True),
)
MICROSOFT_365 = Server(
    f"""
Received: from DB9PR01MB0001.eurprd01.prod.exchangelabs.com (2603:10a6:10:2c7::20)
 by AM0PR01MB0002.eurprd01.prod.exchangelabs.com with HTTPS; Mon, 4 May 2026 09:00:04 +0000
Received: from AS9PR05CA0003.eurprd05.prod.outlook.com (2603:10a6:20b:488::11) by
 DB9PR01MB0001.eurprd01.prod.exchangelabs.com (2603:10a6:10:2c7::20) with Microsoft SMTP Server (version=TLS1_2,
 cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.8466.16; Mon, 4 May 2026 09:00:03 +0000
Received: from AM3PEPF0000A795.eurprd04.prod.outlook.com
 (2603:10a6:20b:488:cafe::ab) by AS9PR05CA0003.outlook.office365.com
 (2603:10a6:20b:488::11) with Microsoft SMTP Server (version=TLS1_3,
 cipher=TLS_AES_256_GCM_SHA384) id 15.20.8466.26 via Frontend Transport; Mon, 4 May 2026 09:00:02 +0000
Authentication-Results: spf=pass (sender IP is 203.0.113.25)
 smtp.mailfrom=client.example; dkim=none (message not signed)
 header.d=none;dmarc={{}} action=none header.from={FROM};compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of client.example designates
 203.0.113.25 as permitted sender) receiver=protection.outlook.com; client-ip=203.0.113.25
Received: from mail.client.example (203.0.113.25) by
 AM3PEPF0000A795.mail.protection.outlook.com (10.167.16.100) with Microsoft SMTP
 Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.8655.12 via Frontend Transport;
 Mon, 4 May 2026 09:00:01 +0000
X-MS-Exchange-Organization-SCL: 1
""",
    trusting("microsoft365", entry=("*.mail.protection.outlook.com",)),
)
FASTMAIL = Server(
    f"""
Return-Path: <karen@client.example>
Received: from phl-compute-05.internal (phl-compute-05.internal [10.202.2.45])
\t by sloti44n21 (Cyrus 3.13.0-alpha0-fm-20260501) with LMTPA;
\t Mon, 04 May 2026 05:00:02 -0400
X-Sieve: CMU Sieve 3.0
Received: from phl-mx-04 ([10.202.2.203])
  by phl-compute-05.internal (LMTPProxy); Mon, 04 May 2026 05:00:02 -0400
Received: from phl-mx-04.messagingengine.com (localhost [127.0.0.1])
\tby mailmx.phl.internal (Postfix) with ESMTP id A71211EA
\tfor <support@acme.example>; Mon,  4 May 2026 05:00:02 -0400 (EDT)
Received: from mailmx.phl.internal (localhost [127.0.0.1])
    by phl-mx-04.messagingengine.com (Authentication Milter) with ESMTP
    id 35022C783BF.281071EA;
    Mon, 4 May 2026 05:00:01 -0400
Authentication-Results: phl-mx-04.messagingengine.com;
    x-csa=none;
    x-me-sender=none
Authentication-Results: phl-mx-04.messagingengine.com;
    dkim=none (no signatures found);
    dmarc={{}} policy.published-domain-policy=none (p=none,has-list-id=no) header.from={FROM};
    spf=pass smtp.mailfrom=karen@client.example smtp.helo=mail.client.example
Received: {OUTSIDE}
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby phl-mx-04.messagingengine.com (Postfix) with ESMTPS id 281071EA
\tfor <support@acme.example>; Mon,  4 May 2026 05:00:01 -0400 (EDT)
""",
    trusting("*.messagingengine.com", hops=("10.202.0.0/16",)),
)
AMAVIS = Server(  # re-injects into Postfix, with a result of its own beside that of the milter in front
    f"""
Return-Path: <karen@client.example>
X-Original-To: support@acme.example
Delivered-To: support@acme.example
Received: from localhost (localhost [127.0.0.1])
\tby mx.acme.example (Postfix) with ESMTP id DE44385C88
\tfor <support@acme.example>; Mon,  4 May 2026 09:00:02 +0000 (UTC)
X-Virus-Scanned: amavis at mx.acme.example
Authentication-Results: mx.acme.example (amavis); dkim=pass (2048-bit key)
\theader.d=mailer.example
Received: from mx.acme.example ([IPv6:::ffff:127.0.0.1])
\tby localhost (mx.acme.example [::ffff:127.0.0.1]) (amavis, port 10024)
\twith LMTP id YgeMrA-2h4Au; Mon,  4 May 2026 09:00:01 +0000 (UTC)
Authentication-Results: mx.acme.example; dmarc={{}} header.from={FROM}
Received: {OUTSIDE}
\tby mx.acme.example (Postfix) with ESMTPS id 3227A82C21
\tfor <support@acme.example>; Mon,  4 May 2026 09:00:00 +0000 (UTC)
""",
    OURS,
)
DOVECOT = Server(  # LMTP on top, over TCP from another machine of ours
    f"""
Return-Path: <karen@client.example>
Delivered-To: support@acme.example
Received: from mx.acme.example ([10.31.68.214])
\tby imap.acme.example (Dovecot) with LMTPS id sLbqDQI4AVw
\tfor <support@acme.example>; Mon, 04 May 2026 09:00:01 +0000
Authentication-Results: mx.acme.example; dmarc={{}} header.from={FROM}
Received: {OUTSIDE} by mx.acme.example (Postfix) with ESMTPS id 7F2B1;
\tMon,  4 May 2026 09:00:00 +0000 (UTC)
""",
    trusting("mx.acme.example", hops=("10.31.68.214/32",)),
)
DOVECOT_HERE = Server(  # LMTP on top, over a socket on the same machine
    f"""
Delivered-To: support@acme.example
Received: from mx.acme.example
\tby mx.acme.example (Dovecot) with LMTP id hvDUEAIKL1QlOQAAL4hJug
\tfor <support@acme.example>; Mon, 04 May 2026 09:00:01 +0000
Authentication-Results: mx.acme.example; dmarc={{}} header.from={FROM}
Received: {OUTSIDE} by mx.acme.example (Postfix) with ESMTPS id 7F2B1;
\tMon,  4 May 2026 09:00:00 +0000 (UTC)
""",
    OURS,
)
CYRUS = Server(
    f"""
Received: from mx.acme.example ([unix socket])
\t by imap.acme.example (Cyrus 3.8.1) with LMTPA;
\t Mon, 04 May 2026 09:00:01 +0000
Authentication-Results: mx.acme.example; dmarc={{}} header.from={FROM}
Received: {OUTSIDE} by mx.acme.example (Postfix) with ESMTPS id 7F2B1;
\tMon,  4 May 2026 09:00:00 +0000 (UTC)
""",
    OURS,
)
EXIM = Server(
    f"""
Authentication-Results: mx.acme.example;
\tiprev=fail; spf=none smtp.helo=[203.0.113.25]; dmarc={{}} header.from={FROM}
Received: from [203.0.113.25] (port=41414 helo=[127.0.0.1])
\tby mx.acme.example with esmtps  (TLS1.3) tls TLS_AES_256_GCM_SHA384
\t(Exim 4.98)
\t(envelope-from <karen@client.example>)
\tid 1uA2bC-0000000ABcD-0aBc
\tfor support@acme.example;
\tMon, 04 May 2026 09:00:00 +0000
""",
    OURS,
)
RELAYED = Server(  # a second MX of ours hands over to the first, which adds nothing
    f"""
Received: from mx2.acme.example (mx2.acme.example [192.0.2.2]) by mx.acme.example (Postfix) with ESMTPS id 1;
\tMon, 4 May 2026 09:00:02 +0000
Authentication-Results: mx2.acme.example 1; dmarc={{}} header.from={FROM}
Received: {OUTSIDE} by mx2.acme.example (Postfix) with ESMTPS id 2; Mon, 4 May 2026 09:00:00 +0000
""",
    trusting("mx.acme.example", "mx2.acme.example", hops=("192.0.2.0/28",)),
)

SERVERS = {
    "OpenDMARC above": POSTFIX_ABOVE,
    "OpenDMARC below": POSTFIX_BELOW,
    "rspamd": RSPAMD,
    "Gmail": GMAIL,
    "Gmail from Gmail": GMAIL_FROM_GMAIL,
    "Microsoft 365": MICROSOFT_365,
    "Fastmail": FASTMAIL,
    "amavis": AMAVIS,
    "Dovecot elsewhere": DOVECOT,
    "Dovecot here": DOVECOT_HERE,
    "Cyrus": CYRUS,
    "Exim": EXIM,
    "a second MX": RELAYED,
}
ABOVE = {name: server for name, server in SERVERS.items() if server.settings.results is Side.ABOVE}
BELOW = {name: server for name, server in SERVERS.items() if server.settings.results is Side.BELOW}
