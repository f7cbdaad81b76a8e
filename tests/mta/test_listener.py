"""Places to listen."""

import errno
import socket
from pathlib import Path

import pytest

from app.mta.listener import Listener, MalformedListener


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8824", Listener("lmtp", "127.0.0.1", 8824)),
        ("[::1]:24", Listener("lmtp", "::1", 24)),
        (":24", Listener("lmtp", "127.0.0.1", 24)),
        ("mail.example:24", Listener("lmtp", "mail.example", 24)),
        ("/run/sealmon.sock", Listener("lmtp", path="/run/sealmon.sock")),
        ("./run/s", Listener("lmtp", path="./run/s")),
    ],
)
def test_listener_is_read(text: str, expected: Listener) -> None:
    assert Listener.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:24", "lmtp://127.0.0.1:24"),
        ("[::1]:24", "lmtp://[::1]:24"),
        ("/run/s", "lmtp:/run/s"),
    ],
)
def test_listener_is_named_in_the_log(text: str, expected: str) -> None:
    assert str(Listener.parse(text)) == expected


@pytest.mark.parametrize(
    "text", ["", "8824", "host", "host:", "host:65536", "::1:24", "a b:24", "/" + "x" * 120]
)
def test_malformed_listener_is_refused(text: str) -> None:
    with pytest.raises(MalformedListener):
        Listener.parse(text)


def test_port_is_taken_again_while_old_connections_linger() -> None:
    first = Listener("smtp", "127.0.0.1", 0).bind()
    port = first.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)):
        first.close()
        Listener("smtp", "127.0.0.1", port).bind().close()


def test_socket_file_of_the_dead_is_replaced_and_of_the_living_is_not(tmp_path: Path) -> None:
    listener = Listener("lmtp", path=str(tmp_path / "s"))
    listener.bind().close()
    living = listener.bind()
    with pytest.raises(OSError, match="in use") as refusal:
        listener.bind()
    assert refusal.value.errno == errno.EADDRINUSE
    living.close()


def test_other_file_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(OSError, match="in use"):
        Listener("lmtp", path=str(tmp_path / "s")).bind()
    assert (tmp_path / "s").read_text() == "mine"
