"""The limits of the receiver: nobody takes more than their share of it."""

import asyncio
import contextlib
import resource
import socket
from pathlib import Path

import pytest

from app.mta import session
from app.mta.listener import Listener
from app.mta.reader import Pace
from app.mta.receiver import start_listeners
from tests.mta.servers import PATIENCE, Client, Desk, receiving, settings, until

BRIEF = 2.5
"""Seconds for a command: soon over, and enough for whoever is quick on a busy machine."""


@pytest.fixture
def lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read on until the client has done, however busy the machine is."""
    monkeypatch.setattr(session, "LINGER_SECONDS", PATIENCE)


def test_connections_are_bounded_altogether() -> None:
    # T29
    async def run() -> None:
        terms = settings(connections=3, connections_per_client=10)
        async with receiving(Desk(), "smtp", terms) as (port, receiver):
            clients = [await Client.connect(port) for _ in range(4)]
            greetings = [await client.reply() for client in clients]
            assert [line[:3] for line in greetings] == ["220", "220", "220", "421"]
            assert not await clients[3].rest()
            clients[0].close()
            await until(lambda: len(receiver._fronts[0]._sessions) == 2)
            again = await Client.connect(port)
            assert (await again.reply()).startswith("220")
            for client in (*clients, again):
                client.close()

    asyncio.run(run())


def test_connections_are_bounded_for_each_client() -> None:
    # T29
    async def run() -> None:
        async with receiving(Desk(), "smtp", settings(connections_per_client=2)) as (port, _):
            clients = [await Client.connect(port) for _ in range(3)]
            assert [(await one.reply())[:3] for one in clients] == ["220", "220", "421"]
            for client in clients:
                client.close()

    asyncio.run(run())


@pytest.mark.usefixtures("lingers")
def test_silent_client_is_sent_away() -> None:
    # T28
    async def run() -> None:
        async with receiving(Desk(), "smtp", settings(command_seconds=BRIEF)) as (port, _):

            async def say(start: bytes) -> None:
                client = await Client.connect(port)
                client.writer.write(start)
                assert (await client.rest()).endswith(b"421 4.4.2 timeout\r\n")
                client.close()

            begun = b"EHLO x\r\nMAIL FROM:<a@x>\r\nRC"
            starts = (b"", b"EHLO x\r\n", begun, begun + b"PT TO:<b@x>\r\nDATA\r\n")
            await asyncio.gather(*map(say, starts))

    asyncio.run(run())


@pytest.mark.parametrize("within", ["message", "command"])
def test_client_that_sends_drop_by_drop_is_sent_away(
    monkeypatch: pytest.MonkeyPatch, within: str
) -> None:
    # T28: a minute of grace and 500 octets a second; here two and a half seconds and 10,000.
    monkeypatch.setattr(Pace, "OCTETS_PER_SECOND", 10_000)

    async def run() -> None:
        terms = settings(command_seconds=BRIEF)
        async with receiving(desk := Desk(), "smtp", terms) as (port, _):
            client = await Client.connect(port)
            if within == "message":
                await client.begin(b"b@x.example")
            else:
                await client.greet()
            heard = asyncio.ensure_future(client.rest())
            for _ in range(2000):
                if not heard.done():
                    client.writer.write(b"x")
                    await asyncio.sleep(0.02)
            assert heard.done()
            # A drop that crosses with the farewell resets the connection.
            with contextlib.suppress(ConnectionResetError):
                assert await heard == b"421 4.4.2 timeout\r\n"
            client.close()
        assert not desk.taken

    asyncio.run(run())


def test_work_on_a_message_is_not_the_clients_delay() -> None:
    # QUIRK: aiosmtpd's timer runs while the handler works.
    async def run() -> None:
        desk = Desk(hold=asyncio.Event())
        async with receiving(desk, "smtp", settings(command_seconds=BRIEF)) as (port, _):
            client = await Client.connect(port)
            await client.begin(b"b@x.example")
            client.writer.write(b"a\r\n.\r\n")
            await until(lambda: desk.taken)
            await asyncio.sleep(1.2 * BRIEF)
            assert desk.hold is not None
            desk.hold.set()
            assert (await client.reply()).startswith("250")
            client.close()

    asyncio.run(run())


@pytest.mark.usefixtures("lingers")
def test_endless_line_is_cut_off() -> None:
    # T30
    async def run() -> None:
        async with receiving(Desk()) as (port, _):
            client = await Client.connect(port)
            await client.reply()
            with_end = b"NOOP " + b"x" * 2041 + b"\r\n"
            assert (await client.say(with_end))[0].startswith("250")
            assert (await client.say(b"x" + with_end))[0].startswith("500 5.5.2")
            client.writer.write(b"x" * 2_000_000)
            assert await client.reply() == "500 5.5.2 line too long"
            assert not await client.rest()
            client.close()

    asyncio.run(run())


def test_line_that_is_too_long_is_one_error_however_it_comes() -> None:
    # T30
    async def run() -> None:
        async with receiving(Desk()) as (port, receiver):
            client = await Client.connect(port)
            await client.reply()
            for packets in ((b"x" * 60_000 + b"\r\n",), (*[b"x" * 3000] * 20, b"\r\n")):
                assert (await client.say(*packets))[0] == "500 5.5.2 line too long"
                assert (await client.say(b"NOOP\r\n"))[0].startswith("250")
            client.writer.write(b"x" * 900_000)
            await asyncio.sleep(0.1)
            (one,) = receiver._fronts[0]._sessions
            assert one.reader.unread < 3000
            client.close()

    asyncio.run(run())


@pytest.mark.parametrize("said", [b"EHLO x\r\n" * 3900, b"EHLO x\r\n" * 300 + b"QUIT\r\n"])
def test_client_that_reads_nothing_is_left(said: bytes) -> None:
    # T28, T29: a little that nobody reads keeps no socket either
    async def run() -> None:
        terms = settings(command_seconds=BRIEF, may_xforward=lambda _: True)
        async with receiving(Desk(), "smtp", terms) as (port, receiver):
            front = receiver._fronts[0]
            with socket.socket() as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
                deaf.setblocking(False)
                loop = asyncio.get_running_loop()
                began = loop.time()
                await loop.sock_connect(deaf, ("127.0.0.1", port))
                await until(lambda: front._sessions)
                (one,) = front._sessions
                sock = one.transport.get_extra_info("socket")  # type: ignore[union-attr]
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
                await loop.sock_sendall(deaf, said)
                await asyncio.sleep(0.05)
                is_there = sock.fileno() >= 0 and one in front._sessions
                assert is_there or loop.time() - began > BRIEF
                await until(lambda: sock.fileno() < 0)
            assert not front._sessions

    asyncio.run(run())


def test_clients_of_a_unix_socket_are_not_one_client(tmp_path: Path) -> None:
    async def run() -> None:
        listener = Listener("lmtp", path=str(tmp_path / "s"))
        terms = settings(connections_per_client=1)
        receiver = await start_listeners(Desk(), [(listener, listener.bind())], terms)
        for _ in range(3):
            reader, writer = await asyncio.open_unix_connection(listener.path)
            assert (await reader.readline()).startswith(b"220 ")
            writer.write(b"QUIT\r\n")
            await reader.read()
            writer.close()
        clients = [await asyncio.open_unix_connection(listener.path) for _ in range(3)]
        for reader, writer in clients:
            assert (await reader.readline()).startswith(b"220 ")
            writer.close()
        await receiver.drain(1)

    asyncio.run(run())


@pytest.mark.usefixtures("lingers")
@pytest.mark.parametrize("command", [b"NOOP\r\n", b"HELO x\r\n"])
def test_flood_of_commands_ends(command: bytes) -> None:
    # T32
    async def run() -> None:
        async with receiving(Desk()) as (port, _):
            client = await Client.connect(port)
            client.writer.write(command * 6000)
            said = await client.rest()
            assert said.count(b"250 ") == 4001
            assert said.endswith(b"421 4.7.0 too many errors\r\n")
            client.close()

    asyncio.run(run())


def test_replies_of_the_next_hop_are_no_errors_of_the_client() -> None:
    # T32
    async def run() -> None:
        async with receiving(Desk(), "lmtp") as (port, _):
            client = await Client.connect(port)
            await client.begin(*[b"unwritable@x.example"] * 30, verb=b"LHLO")
            assert {one[:3] for one in await client.say(b".\r\n", replies=30)} == {"501"}
            assert (await client.say(b"NOOP\r\n"))[0].startswith("250")
            client.close()

    asyncio.run(run())


@pytest.mark.slow
def test_endless_message_takes_no_memory() -> None:
    # T30, F20
    async def run() -> None:
        async with receiving(Desk(), "smtp", settings(message_octets=1_000_000)) as (port, _):
            client = await Client.connect(port)
            await client.begin(b"b@x.example")
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            for _ in range(500):
                client.writer.write(b"x" * 1_000_000)
                await client.writer.drain()
            (answer,) = await client.say(b"\r\n.\r\n")
            assert answer.startswith("552 5.3.4")
            assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
            client.close()

    asyncio.run(run())


def test_thousand_recipients_are_taken_and_one_more_is_not() -> None:
    async def run() -> None:
        async with receiving(desk := Desk(), "lmtp") as (port, _):
            client = await Client.connect(port)
            await client.greet(b"LHLO")
            commands = b"".join(b"RCPT TO:<u%d@x.example>\r\n" % n for n in range(1001))
            said = await client.say(b"MAIL FROM:<a@x>\r\n" + commands, replies=1002)
            assert {line[:9] for line in said[1:1001]} == {"250 2.1.5"}
            assert said[1001].startswith("452 4.5.3")
            await client.say(b"DATA\r\n")
            answers = await client.say(b".\r\n", replies=1000)
            assert {line[:3] for line in answers} == {"250"}
            client.close()
        assert len(desk.taken[0].recipients) == 1000

    asyncio.run(run())
