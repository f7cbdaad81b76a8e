"""The relay and the receiver with Postfix's own test programs (F2–F6)."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.mta.cargo import Cargo
from app.mta.client import Timeouts
from app.mta.nexthop import NextHop
from app.mta.relay import Relay
from app.mta.reply import Reply
from tests.mta.servers import Through, clear, receiving, settings, wait_for
from tools.organisation import free_port

SINK, SOURCE = Path("/usr/sbin/smtp-sink"), Path("/usr/sbin/smtp-source")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        not SINK.exists(), reason="smtp-sink is not installed: apt-get install postfix"
    ),
]

MESSAGE = b"Subject: a\r\n\r\n.text\r\n"
COMMANDS = ("connect", "ehlo", "mail", "rcpt", "data", ".")

Sink = Callable[..., int]


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """Start smtp-sink with some options on a free port, and return the port."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> int:
        port = free_port()
        command = [str(SINK), "-u", "nobody", *options, f"127.0.0.1:{port}", "128"]
        running.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        wait_for(lambda: is_listening(port))
        return port

    yield start
    for process in running:
        process.kill()
        process.wait()


def relay(
    port: int, protocol: str = "smtp", octets: bytes = MESSAGE, answers_within: float = 60
) -> Reply:
    async def run() -> Reply:
        sender = Relay(
            "gw.example",
            Timeouts(
                greeting_seconds=answers_within,
                command_seconds=answers_within,
                content_seconds=answers_within,
            ),
        )
        (answer,) = await sender.send(
            NextHop(protocol, "127.0.0.1", port),
            "a@nord.example",
            ["b@sued.example"],
            Cargo(octets, clear("b@sued.example")),
        )
        await sender.close()
        return answer

    return asyncio.run(run())


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
class TestSink:
    def options(self, protocol: str) -> list[str]:
        return ["-L"] if protocol == "lmtp" else []

    def verb(self, protocol: str, command: str) -> str:
        return "lhlo" if (protocol, command) == ("lmtp", "ehlo") else command

    @pytest.mark.parametrize("option", ["-r", "-Q", "-q"])
    @pytest.mark.parametrize("command", COMMANDS)
    def test_soft_refusal_421_or_loss_is_temporary(
        self, sink: Sink, protocol: str, option: str, command: str
    ) -> None:
        port = sink(*self.options(protocol), option, self.verb(protocol, command))
        assert relay(port, protocol).temporary

    @pytest.mark.parametrize("command", COMMANDS[2:])
    def test_hard_refusal_is_permanent(self, sink: Sink, protocol: str, command: str) -> None:
        assert relay(sink(*self.options(protocol), "-f", command), protocol).permanent

    def test_hard_refusal_of_the_connection_is_temporary(self, sink: Sink, protocol: str) -> None:
        assert relay(sink(*self.options(protocol), "-f", "connect"), protocol).temporary

    def test_slow_server_is_waited_for_only_so_long(self, sink: Sink, protocol: str) -> None:
        # F6
        port = sink(*self.options(protocol), "-W", ".:30")
        answer = relay(port, protocol, answers_within=2)
        assert str(answer) == "451 4.4.2 the next hop answers too slowly"

    def test_message_is_relayed(self, sink: Sink, protocol: str) -> None:
        assert relay(sink(*self.options(protocol)), protocol).relayed

    def test_server_without_8bitmime_is_given_no_8_bit(self, sink: Sink, protocol: str) -> None:
        # F8
        port = sink(*self.options(protocol), "-8")
        assert str(relay(port, protocol, b"\r\n\xc3\xa4\r\n")).startswith("554 5.6.3")
        assert relay(port, protocol).relayed


def test_server_without_esmtp_or_pipelining_is_served(sink: Sink) -> None:
    assert relay(sink("-e")).relayed
    assert relay(sink("-p")).relayed


@pytest.fixture
def dump() -> Iterator[Path]:
    """A folder that smtp-sink may write to; pytest's own are closed to its user."""
    with tempfile.TemporaryDirectory(prefix="sealmon") as name:
        if os.geteuid() == 0:
            shutil.chown(name, "nobody")
        yield Path(name)


@pytest.mark.parametrize("upstream", ["smtp", "lmtp"])
@pytest.mark.parametrize("reuse", [True, False])
def test_smtp_source_hands_over_all_its_messages(
    sink: Sink, upstream: str, reuse: bool, dump: Path
) -> None:
    port = sink("-d", f"{dump}/%M.")

    async def run() -> None:
        through = Through(NextHop("smtp", "127.0.0.1", port))
        terms = settings(connections_per_client=100)
        async with receiving(through, upstream, terms) as (entry, _):
            options = [*(["-L"] if upstream == "lmtp" else []), *(["-d"] if reuse else [])]
            source = await asyncio.create_subprocess_exec(
                str(SOURCE), *options, "-s", "10", "-m", "200", "-l", "5000", f"127.0.0.1:{entry}"
            )
            assert await source.wait() == 0
            await through.relay.close()

    asyncio.run(run())
    assert sum(path.read_bytes().count(b"X-Mail-Args") for path in dump.iterdir()) == 200
