"""Reports to systemd by sd_notify(3), over an AF_UNIX datagram socket. Abstract addresses begin with @."""

from __future__ import annotations

import os
import socket


def notify(*lines: str) -> bool:
    """Send lines such as READY=1 to the service manager. Returns False when there is none."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        try:
            channel.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, target)
        except BlockingIOError:
            return False  # the manager is busy, and the daemon must not wait for it
    return True


def watchdog_interval() -> float | None:
    """Return the seconds between two WATCHDOG=1 messages: a third of what systemd allows; None without a watchdog."""
    allowed = os.environ.get("WATCHDOG_USEC", "")
    mine = os.environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    return int(allowed) / 3_000_000 if allowed.isdigit() and mine else None
