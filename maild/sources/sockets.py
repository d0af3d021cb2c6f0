"""Opens the sockets that a listener accepts connections on: TCP, UNIX, or handed over by systemd."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

BACKLOG = 256  # connections that wait to be accepted, through a busy second too
SOCKET_MODE = 0o660  # the mail server's group may write
FIRST_SYSTEMD_FD = 3  # sd_listen_fds(3)
SYSTEMD_PREFIX = "systemd:"


class ListenerError(Exception):
    """A socket cannot be opened. The text names the cause and the remedy."""


def open_listener(spec: str, environ: Mapping[str, str] = os.environ) -> socket.socket:
    """A listening stream socket, non-blocking, for "127.0.0.1:2525", "[::1]:2525", "/path/lmtp.sock" or "systemd:NAME".

    The caller closes it. Raises ListenerError."""
    if spec.startswith(SYSTEMD_PREFIX):
        listener = _from_systemd(spec.removeprefix(SYSTEMD_PREFIX), environ)
    elif spec.startswith("/"):
        listener = _open_unix(Path(spec))
    else:
        listener = _open_tcp(spec)
    listener.setblocking(False)
    return listener


def _open_tcp(spec: str) -> socket.socket:
    host, _, port = spec.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not host or not port.isdecimal() or int(port) > 65_535 or (":" in host and not spec.startswith("[")):
        raise ListenerError(
            f"{spec!r} is no place to listen: write 127.0.0.1:2525, [::1]:2525, /a/path or systemd:NAME"
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ListenerError(f"cannot listen on {spec}: {host} is no address of this machine ({error})") from error
    listener = socket.socket(family, kind, protocol)
    try:
        # Without it a restart would have to wait until the last connections of the predecessor are forgotten.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenerError(
            f"cannot listen on {spec}: {error.strerror}. Is another server there, is the address of this machine, "
            "may this user bind ports below 1024?"
        ) from error
    return listener


def _open_unix(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)  # before listen(): until then nobody can connect, whatever the umask was
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenerError(
            f"cannot listen on {path}: {error.strerror or error}. The folder must exist and be writable for this user, "
            "and the path be shorter than 108 octets"
        ) from error
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of a predecessor that is gone; anything else at this path stays, and is an error."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise ListenerError(f"cannot listen on {path}: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise ListenerError(f"cannot listen on {path}: there is a file that is no socket. Move it away")
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
    """A copy of a socket that systemd holds open for us: closing it refuses no connection (sd_listen_fds(3))."""
    numbers = _systemd_sockets(environ).get(name, [])
    if not numbers:
        known = ", ".join(sorted(_systemd_sockets(environ))) or "none"
        raise ListenerError(
            f"systemd handed over no socket named {name!r} (there: {known}). "
            f"Set FileDescriptorName={name} in the .socket unit and start the service by it"
        )
    if len(numbers) > 1:
        raise ListenerError(f"systemd handed over {len(numbers)} sockets named {name!r}: give each a unit and a name")
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
    """Names of the sockets handed over to this very process, and their file descriptors."""
    if environ.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = environ.get("LISTEN_FDS", "")
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    sockets: dict[str, list[int]] = {}
    for offset in range(int(count) if count.isdecimal() else 0):
        name = names[offset] if offset < len(names) and names[offset] else "unknown"
        sockets.setdefault(name, []).append(FIRST_SYSTEMD_FD + offset)
    return sockets
