"""The command as the shell starts it: pipes that close, terminals, signals, and a whole gateway."""

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.cli.conftest import PASSWORD, Command
from tests.testpki import TestCA
from tools.organisation import free_port

SEALMON = (sys.executable, "-m", "app.cli")
HERE = Path(__file__).parents[2]


def start(words: Sequence[object], **settings: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [*SEALMON, *map(str, words)], cwd=HERE, stdout=-1, stderr=-1, **settings
    )


def test_the_command_runs_as_a_process(command: Command) -> None:
    process = start(["domain", "list", "--json"])
    out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, b"")
    assert b"nord.example" in out


def test_a_closed_pipe_is_one_line(command: Command) -> None:
    process = start(["mark", "list", "--json"])
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(timeout=60) == 1
    assert error == b"sealmon: nobody reads the output any more; it was not printed whole\n"
    process.stderr.close()


def at_terminal(words: Sequence[object], typed: Sequence[bytes]) -> tuple[int, bytes]:
    """Run a command on a terminal, answering each of its questions; return status and dialogue."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        # Whoever runs the tests in the background has children that ignore ^C.
        ["env", "--default-signal=INT", *SEALMON, *map(str, words)],
        cwd=HERE,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    answers = list(typed)
    is_interrupted = False
    while True:
        # A ^C in the moment before the process begins to read is noticed with the next one.
        if is_interrupted and not select.select([ours], [], [], 10)[0]:
            process.send_signal(signal.SIGINT)
            continue
        try:
            octets = os.read(ours, 4096)
        except OSError:
            break
        if not octets:
            break
        said += octets
        if answers and said.rstrip().endswith(b":"):
            answer = answers.pop(0)
            is_interrupted = answer == b"\x03"
            if is_interrupted:
                process.send_signal(signal.SIGINT)
            else:
                os.write(ours, answer + b"\n")
            said += b"|"
    os.close(ours)
    return process.wait(timeout=60), said


def test_a_terminal_is_asked_for_the_password_and_does_not_show_it(
    command: Command, root: TestCA
) -> None:
    alice = root.issue("alice@nord.example")
    octets = pkcs12.serialize_key_and_certificates(
        None,
        alice.key,
        alice.x509,
        None,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    file = command.file("alice.p12", octets)
    status, said = at_terminal(["key", "import", file], [PASSWORD.encode()])
    assert status == 0, said
    assert b"The password of the key file" in said
    assert PASSWORD.encode() not in said
    assert len(command.ask("key", "list")) == 1


def test_a_new_password_is_asked_twice(command: Command) -> None:
    password = b"a good password"
    status, said = at_terminal(["account", "add", "alice"], [password, password])
    assert status == 0, said
    assert [row["login"] for row in command.ask("account", "list")] == ["alice"]


def test_an_interrupt_is_one_line_and_stores_nothing(command: Command) -> None:
    status, said = at_terminal(["account", "add", "alice"], [b"\x03"])
    assert status == 1
    assert b"sealmon: interrupted" in said
    assert b"Traceback" not in said
    assert command.ask("account", "list") == []


@pytest.fixture(name="ports")
def make_ports(bare: Command, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    ports = free_port(), free_port()
    monkeypatch.setenv("SEALMON_LISTEN_LMTP", f"127.0.0.1:{ports[0]}")
    monkeypatch.setenv("SEALMON_LISTEN_SMTP", f"127.0.0.1:{ports[1]}")
    monkeypatch.setenv("SEALMON_NEXT_HOP", f"maildir:{bare.folder}/delivered")
    monkeypatch.setenv("SEALMON_WORKERS", "1")
    return ports


def greeting(port: int) -> bytes:
    """Return what a listener says first; waits until there is one."""
    until = time.monotonic() + 60
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                return connection.recv(512)
        except ConnectionRefusedError:
            assert time.monotonic() < until, "nobody listens"
            time.sleep(0.05)


@pytest.mark.slow
def test_run_makes_what_is_missing_and_serves(bare: Command, ports: tuple[int, int]) -> None:
    process = start(["run"])
    try:
        assert greeting(ports[0]).startswith(b"220 ")
        assert greeting(ports[1]).startswith(b"220 ")
    finally:
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert b"Made a new database, sealed to " in out
    assert b"sealmon domain add YOUR.DOMAIN" in out
    assert b"Traceback" not in error
    assert bare.ask("domain", "list") == []


@pytest.mark.slow
def test_run_goes_on_with_what_is_there(command: Command, ports: tuple[int, int]) -> None:
    process = start(["run"])
    try:
        assert greeting(ports[1]).startswith(b"220 ")
    finally:
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
    assert b"Made a new" not in out
    assert b"YOUR.DOMAIN" not in out


@pytest.mark.slow
def test_run_says_when_a_port_is_taken(command: Command, ports: tuple[int, int]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports[0]))
        taken.listen()
        process = start(["run"])
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"cannot listen: " in error
    assert b"127.0.0.1:%d: " % ports[0] in error
    assert b"Traceback" not in error
