"""T117: a running gateway has the doors that its settings name, and behind them nothing else."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.organisation import Organisation

pytestmark = pytest.mark.slow

_LISTEN = "0A"
# What debugging, testing or other servers would answer to.
UNKNOWN = (
    "DEBUG", "WIZ", "SHELL", "TEST", "STATUS", "ADMIN", "GET / HTTP/1.1", "POST / HTTP/1.1",
    "CONNECT 127.0.0.1:25 HTTP/1.1", "EVAL 1", "KILL", "TURN", "ETRN nord.example",
    "XCLIENT ADDR=::1", "AUTH PLAIN AGEAYg==", "STARTTLS", "BDAT 0 LAST", "EXPN alice",
    "SEND FROM:<a@b.example>", "SAML FROM:<a@b.example>", "XADR", "X-SEALMON",
)  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Organisation]:
    made = Organisation(tmp_path / "house", workers=2)
    made.sealmon("init")
    made.sealmon("domain", "add", "nord.example")
    with made:
        yield made


def family(pid: int) -> list[int]:
    """Return a process and all that it has started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def sockets_of(pid: int) -> set[str]:
    links = (str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir())
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def doors(house: Organisation) -> set[tuple[str, int]]:
    """Return whatever the processes of the gateway listen on or take datagrams from."""
    inodes = {inode for pid in family(house.pid) for inode in sockets_of(pid)}
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            address, port = words[1].split(":")
            is_open = words[3] == _LISTEN if kind.startswith("tcp") else True
            if words[9] in inodes and is_open:
                found.add((address, int(port, 16)))
    return found


def test_nothing_listens_but_what_the_settings_name(house: Organisation) -> None:
    loopback = "0100007F"
    assert doors(house) == {(loopback, house.lmtp_port), (loopback, house.smtp_port)}
    assert len(family(house.pid)) >= 3, "the workers are among them"


def test_no_command_is_known_but_those_of_the_protocol(house: Organisation) -> None:
    for port in (house.smtp_port, house.lmtp_port):
        for command in UNKNOWN:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as session:
                lines = session.makefile("rwb", buffering=0)
                assert lines.readline().startswith(b"220")
                lines.write(f"{command}\r\n".encode())
                answer = lines.readline()
                assert answer[:1] == b"5", (command, answer)
                lines.write(b"QUIT\r\n")
