"""Opens the sockets on which a listener accepts connections: TCP, UNIX, or passed by systemd."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

BACKLOG = 256  # connections that may wait to be accepted, enough for a busy second
SOCKET_MODE = 0o660  # the mail server's group may write
FIRST_SYSTEMD_FD = 3  # sd_listen_fds(3)
SYSTEMD_PREFIX = "systemd:"


class ListenerError(Exception):
    """A socket cannot be opened. The text has the cause and the remedy."""


def open_listener(spec: str, environ: Mapping[str, str] = os.environ) -> socket.socket:
    """Open a listening stream socket, non-blocking.

    `spec` is "127.0.0.1:2525", "[::1]:2525", "/path/lmtp.sock" or "systemd:NAME". The caller closes the socket. Raises
    ListenerError."""
    if spec.startswith(SYSTEMD_PREFIX):
        listener = _from_systemd(spec.removeprefix(SYSTEMD_PREFIX), environ)
    elif spec.startswith("/"):
        listener = _open_unix(Path(spec))
    else:
        listener = _open_tcp(spec)
    listener.setblocking(False)
    return listener


def _open_tcp(spec: str) -> socket.socket:
    """Listen on host:port."""
    host, _, port = spec.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not host or not port.isdecimal() or int(port) > 65_535 or (":" in host and not spec.startswith("[")):
        raise ListenerError(f"cannot listen on {spec!r}: write 127.0.0.1:2525, [::1]:2525, /a/path or systemd:NAME")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ListenerError(f"cannot listen on {spec}: {host} is no address of this machine ({error})") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # Otherwise a restart fails until the system has forgotten the last connections of the old process.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenerError(
            f"cannot listen on {spec}: {error.strerror}. Check that no other server is there, that the address belongs "
            "to this machine, and that this user may bind ports below 1024"
        ) from error
    return listener


def _open_unix(path: Path) -> socket.socket:
    """Listen on a UNIX socket at this path."""
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)  # before listen(), until which nobody can connect: the umask does not matter
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenerError(
            f"cannot listen on {path}: {error.strerror or error}. The folder must exist, this user must be able to "
            "write there, and the path must be shorter than 108 octets"
        ) from error
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of an old process that has ended. Raises ListenerError for anything else at this path."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ListenerError(f"cannot listen on {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise ListenerError(f"cannot listen on {path}: there is a file that is not a socket. Move it away")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as error:
            raise ListenerError(f"cannot listen on {path}: {error.strerror or error}") from error
    raise ListenerError(f"cannot listen on {path}: another process is listening there. Stop it first")


def _from_systemd(name: str, environ: Mapping[str, str]) -> socket.socket:
    """Return a copy of a socket that systemd holds open: closing the copy refuses no connection (sd_listen_fds(3))."""
    numbers = _systemd_sockets(environ).get(name, [])
    if not numbers:
        known = ", ".join(sorted(_systemd_sockets(environ))) or "none"
        raise ListenerError(
            f"systemd passed no socket named {name!r} (there: {known}). "
            f"Set FileDescriptorName={name} in the .socket unit and start the service by that unit"
        )
    if len(numbers) > 1:
        raise ListenerError(
            f"systemd passed {len(numbers)} sockets named {name!r}: give each its own unit and its own name"
        )
    os.set_inheritable(numbers[0], False)
    try:
        listener = socket.socket(fileno=os.dup(numbers[0]))
    except OSError as error:
        raise ListenerError(f"the socket {name!r} of systemd cannot be used: {error.strerror}") from error
    if listener.type != socket.SOCK_STREAM or not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        listener.close()
        raise ListenerError(f"the socket {name!r} of systemd takes no connections: use ListenStream= and Accept=no")
    return listener


def _systemd_sockets(environ: Mapping[str, str]) -> dict[str, list[int]]:
    """Return the sockets that systemd passed to this process: their file descriptors by name."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = environ.get("LISTEN_FDS", "")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    sockets: dict[str, list[int]] = {}
    for offset in range(int(count) if count.isdecimal() else 0):
        name = names[offset] if offset < len(names) and names[offset] else "unknown"
        sockets.setdefault(name, []).append(FIRST_SYSTEMD_FD + offset)
    return sockets
