"""What an admin can set about the SMTP and LMTP listener."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerOptions:
    """Settings of a listener: sizes in octets, times in seconds, numbers as those of well-kept mail servers."""

    accepts: Callable[[str], bool]  # is this recipient address ours? postmaster is always taken
    refuses_sender: Callable[[str], bool] = lambda _: (
        False
    )  # is this envelope sender one that a ban refuses at the door?
    smtp: str = ""  # where to listen, as maild.sources.sockets reads it; "" is off
    lmtp: str = ""
    hostname: str = field(default_factory=socket.gethostname)
    tls_certificate: str = ""  # PEM files; STARTTLS is offered over TCP when both are given
    tls_key: str = ""
    max_message: int = 25 * MEBIBYTE
    max_recipients: int = 100  # RFC 5321 4.5.3.1.8 asks for no less
    max_hops: int = 50
    max_connections: int = 200
    max_connections_per_peer: int = 50  # of one IPv4 address or IPv6 /64; a UNIX socket is guarded by its mode
    max_errors: int = 20  # replies of 5xx without a mail taken in between
    max_junk_commands: int = 100  # NOOP, RSET and the like without a mail taken in between
    max_unfinished: int = 256 * MEBIBYTE  # of all mails that are being received at one time
    command_timeout: float = 300  # silence between commands (RFC 5321 4.5.3.2.7)
    data_timeout: float = 180  # for each 64 KiB of a mail
    data_total_timeout: float = 900  # for a whole mail
    receipt_timeout: float = 300  # until a mail is durable; afterwards 451, and the retry is recognised
    drain_seconds: float = 10  # a mail that is being received may take so long after the stop
