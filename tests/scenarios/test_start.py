"""Starting a gateway: what is missing is said in one line, and stopping loses nothing."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tools.internet import post
from tools.organisation import BIN, Organisation, free_port

pytestmark = pytest.mark.slow

MAIL = b"From: x@elsewhere.example\r\nTo: alice@nord.example\r\nSubject: Hi\r\n\r\nHello\r\n"


@pytest.fixture
def house(tmp_path: Path) -> Organisation:
    return Organisation(tmp_path / "house")


def start_fails(house: Organisation) -> str:
    """Start the gateway, which must end at once, and return what it says."""
    ended = subprocess.run(
        [BIN / "salmon", "start", "--no-daemon", "--pid", house.folder / "smtp.pid"],
        env=house.environment,
        cwd=house.folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    said = ended.stderr.decode()
    assert "Traceback" not in said
    return said


def test_start_without_a_database_says_what_to_do(house: Organisation) -> None:
    assert "sealmon init" in start_fails(house)


def test_start_without_the_master_key_says_what_to_do(house: Organisation) -> None:
    house.sealmon("init")
    key = house.folder / "keys" / "master.key"
    key.rename(key.with_suffix(".away"))
    assert "master key" in start_fails(house)


def test_start_with_the_master_key_of_another_says_so(house: Organisation) -> None:
    house.sealmon("init")
    other = Organisation(house.folder / "other")
    other.sealmon("init")
    (other.folder / "keys" / "master.key").replace(house.folder / "keys" / "master.key")
    assert "master key" in start_fails(house)


def test_start_with_a_bad_setting_names_it(house: Organisation) -> None:
    house.environment["SEALMON_NEXT_HOP"] = "carrier-pigeon://roof"
    assert "next_hop" in start_fails(house)


def test_start_on_a_port_that_is_taken_says_so(house: Organisation) -> None:
    house.sealmon("init")
    with socket.socket() as other:
        other.bind(("127.0.0.1", house.lmtp_port))
        other.listen()
        assert "cannot listen" in start_fails(house)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_gateway_takes_mail_and_stops_in_order(house: Organisation, sign: signal.Signals) -> None:
    house.sealmon("init")
    house.sealmon("domain", "add", "nord.example")
    with house:
        answer = post(house.smtp_port, "x@elsewhere.example", "alice@nord.example", MAIL)
        assert answer.startswith("250")
        assert house.stop(sign) == 0
    (got,) = house.mailbox()
    assert got.endswith(MAIL)
    assert b"Delivered-To: alice@nord.example\r\n" in got
    trace = house.ask("trace", "--address", "alice@nord.example")
    assert trace[0]["reply"].startswith("250")


def test_nobody_is_managed_yet_is_451(house: Organisation) -> None:
    house.sealmon("init")
    with house:
        answer = post(house.smtp_port, "x@elsewhere.example", "alice@nord.example", MAIL)
    assert answer.startswith("451 4.3.5")


def test_domain_added_while_running_is_served_within_seconds(house: Organisation) -> None:  # B6
    house.sealmon("init")
    house.sealmon("domain", "add", "first.example")
    with house:
        assert post(house.smtp_port, "x@e.example", "a@nord.example", MAIL).startswith("550")
        house.sealmon("domain", "add", "nord.example")
        answer = ""
        for _ in range(600):
            answer = post(house.smtp_port, "x@e.example", "a@nord.example", MAIL)
            if answer.startswith("250"):
                break
            signal.sigtimedwait([], 0.1)
        assert answer.startswith("250")


def test_unix_socket_takes_lmtp(house: Organisation) -> None:
    path = house.folder / "lmtp"
    house.environment["SEALMON_LISTEN_LMTP"] = str(path)
    house.environment["SEALMON_LISTEN_SMTP"] = f"127.0.0.1:{(port := free_port())}"
    house.lmtp_port = house.smtp_port = port
    house.sealmon("init")
    house.sealmon("domain", "add", "nord.example")
    with house, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert client.recv(100).startswith(b"220")
