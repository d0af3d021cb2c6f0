"""Where a listener listens: ports, paths, and sockets that systemd hands over."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from maild.sources.sockets import ListenerError, open_listener
from tests.rig.misses import in_turn


def test_a_port_on_ipv4() -> None:
    with open_listener("127.0.0.1:0") as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        with socket.create_connection((host, port)):
            pass


def test_a_port_on_ipv6() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no IPv6 loopback: {error}")
    with open_listener("[::1]:0") as listener:
        assert listener.getsockname()[0] == "::1"


def test_a_port_can_be_taken_again_at_once() -> None:
    listener = open_listener("127.0.0.1:0")
    host, port = listener.getsockname()
    client = socket.create_connection((host, port))
    listener.setblocking(True)
    server, _ = listener.accept()
    server.close()  # this side closes first and stays in TIME_WAIT
    client.close()
    listener.close()
    open_listener(f"{host}:{port}").close()


NO_PLACES = ["", "2525", ":2525", "127.0.0.1", "127.0.0.1:smtp", "127.0.0.1:99999", "::1:2525", "relative/path"]


@in_turn("spec", NO_PLACES)
def test_what_is_no_place_is_refused_with_examples(spec: str) -> None:
    with pytest.raises(ListenerError, match=r"127\.0\.0\.1:2525"):
        open_listener(spec)


def test_an_address_of_another_machine_is_an_error() -> None:
    with pytest.raises(ListenerError, match=r"192\.0\.2\.1:2525"):
        open_listener("192.0.2.1:2525")


def test_a_port_in_use_is_an_error() -> None:
    with open_listener("127.0.0.1:0") as listener, pytest.raises(ListenerError, match="in use"):
        open_listener(f"127.0.0.1:{listener.getsockname()[1]}")


def test_a_path_is_writable_for_user_and_group_only(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    previous = os.umask(0)
    try:
        with open_listener(str(path)):
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
    finally:
        os.umask(previous)


def test_the_socket_of_a_dead_predecessor_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    open_listener(str(path)).close()
    assert path.exists()
    with open_listener(str(path)), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_the_socket_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with open_listener(str(path)):
        with pytest.raises(ListenerError, match="another process"):
            open_listener(str(path))
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes"
    path.write_text("precious")
    with pytest.raises(ListenerError, match="not a socket"):
        open_listener(str(path))
    assert path.read_text() == "precious"


def test_a_missing_folder_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ListenerError, match="folder must exist"):
        open_listener(str(tmp_path / "missing" / "lmtp.sock"))


CHILD = """
import os, sys
from maild.sources.sockets import ListenerError, open_listener
os.environ["LISTEN_PID"] = str(os.getpid())
try:
    first = open_listener(sys.argv[1])
    name = first.getsockname()
    first.close()
    # A reload opens it once more.
    assert open_listener(sys.argv[1]).getsockname() == name
    print(name)
except ListenerError as error:
    print(error)
"""


def ask_child(spec: str, sockets: list[socket.socket], **environment: str) -> str:
    """What a process to which systemd has given these sockets says about a place."""
    # Numbers out of the way first, so that each socket can be put where systemd would put it.
    spare = [os.dup(each.fileno()) for each in sockets]
    program = "".join(f"exec {3 + place}<&{fd}; " for place, fd in enumerate(spare)) + 'exec "$0" "$@"'
    done = subprocess.run(
        ["bash", "-c", program, sys.executable, "-c", CHILD, spec],
        pass_fds=spare,
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    for fd in spare:
        os.close(fd)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_socket_of_systemd_is_found_by_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        given = {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "smtp:lmtp"}
        assert ask_child("systemd:lmtp", [one, two], **given) == str(two.getsockname())
        assert ask_child("systemd:smtp", [one, two], **given) == str(one.getsockname())


def test_an_unknown_name_is_an_error_with_the_known_ones() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        answer = ask_child("systemd:smpt", [one, two], LISTEN_FDS="2", LISTEN_FDNAMES="smtp:lmtp")
    assert "'smpt'" in answer
    assert "(there: lmtp, smtp)" in answer
    assert "FileDescriptorName=smpt" in answer


def test_a_name_that_stands_for_two_sockets_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        assert "2 sockets" in ask_child("systemd:smtp", [one, two], LISTEN_FDS="2", LISTEN_FDNAMES="smtp:smtp")


def test_a_socket_that_takes_no_connections_is_an_error() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        assert "ListenStream=" in ask_child("systemd:smtp", [datagrams], LISTEN_FDS="1", LISTEN_FDNAMES="smtp")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "many", "LISTEN_FDNAMES": "smtp"},
    ],
    ids=["no systemd", "meant for another process", "nonsense"],
)
def test_without_sockets_for_this_process_none_is_used(environ: dict[str, str]) -> None:
    with pytest.raises(ListenerError, match=r"\(there: none\)"):
        open_listener("systemd:smtp", environ)
