"""The options of the SMTP and LMTP listener."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """The options of a listener. Sizes are in octets, times in seconds."""

    accepts: Callable[[str], bool]  # is this recipient address ours? postmaster is always taken (RFC 5321 4.5.1)
    refuses_sender: Callable[[str], bool] = lambda _: False  # does a ban refuse this envelope sender in the dialogue?
    smtp: str = ""  # where to listen, as maild.sources.sockets reads it; "" is off
    lmtp: str = ""  # the same for LMTP
    hostname: str = field(default_factory=socket.gethostname)
    tls_certificate: str = ""  # a PEM file; with both files STARTTLS is offered over TCP (RFC 3207)
    tls_key: str = ""
    max_message: int = 25 * MEBIBYTE
    max_recipients: int = 100  # RFC 5321 4.5.3.1.8 asks for at least 100
    max_hops: int = 50  # Received fields (RFC 5321 6.3)
    max_connections: int = 200
    max_connections_per_peer: int = 50  # of one IPv4 address or IPv6 /64; a UNIX socket is protected by its file mode
    max_errors: int = 20  # 5xx replies without an accepted mail in between
    max_junk_commands: int = 100  # NOOP, RSET and the like without an accepted mail in between
    max_unfinished: int = 256 * MEBIBYTE  # all mails together that are being received at one time
    command_timeout: float = 300  # silence between two commands (RFC 5321 4.5.3.2.7)
    data_timeout: float = 180  # for each 64 KiB of a mail (RFC 5321 4.5.3.2.5)
    data_total_timeout: float = 900  # for a whole mail
    receipt_timeout: float = 300  # until a mail is durable; then the reply is 451, and the retry is recognised
    drain_seconds: float = 10  # how long a mail may still take after the stop
