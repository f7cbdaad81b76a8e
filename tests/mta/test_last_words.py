"""The last words of the receiver arrive, whatever a client still says (RFC 5321 §3.8).

A socket that is closed with something unread resets the connection, and a reset may overtake what
was written before it.
"""

import asyncio
import socket
import time

import pytest

from app.mta import session
from tests.mta.servers import PATIENCE, Desk, receiving, settings, until


@pytest.fixture(autouse=True)
def lingers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read on until the client has done, however busy the machine is."""
    monkeypatch.setattr(session, "LINGER_SECONDS", PATIENCE)


BEGIN = b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"
WORDS = {
    "errors": (b"FOO\r\n" * 20 + b"NOOP\r\n" * 50_000, b"421 4.7.0 too many errors"),
    "line": (b"x" * 1_500_000, b"500 5.5.2 line too long"),
    "quit": (b"QUIT\r\n" + b"NOOP\r\n" * 50_000, b"221 2.0.0 bye"),
    "done": (BEGIN + b".\r\nQUIT\r\n" + b"NOOP\r\n" * 50_000, b"221 2.0.0 bye"),
}


async def heard(port: int, said: bytes, more: bytes = b"", seconds: float = 1) -> bytes:
    """Return what a client hears that says all it has before it reads; fails at a reset."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, said)
        until = loop.time() + seconds
        while more and loop.time() < until:
            await asyncio.sleep(0.02)
            await loop.sock_sendall(client, more)
        await asyncio.sleep(0.1)
        octets = b""
        while came := await asyncio.wait_for(loop.sock_recv(client, 1 << 16), PATIENCE):
            octets += came
        return octets


@pytest.mark.parametrize(("said", "words"), WORDS.values(), ids=WORDS)
def test_last_words_are_not_lost_to_a_reset(said: bytes, words: bytes) -> None:
    async def run() -> None:
        async with receiving(Desk()) as (port, receiver):
            assert (await heard(port, said)).endswith(words + b"\r\n")
            await until(lambda: not receiver._fronts[0]._sessions)

    asyncio.run(run())


@pytest.mark.parametrize("said", [b"EHLO x\r\nMA", BEGIN])
def test_client_that_was_too_slow_hears_so_while_it_still_speaks(said: bytes) -> None:
    # T28
    async def run() -> None:
        async with receiving(Desk(), "smtp", settings(command_seconds=0.1)) as (port, _):
            words = await heard(port, said, b"x", 0.6)
            assert words.endswith(b"421 4.4.2 timeout\r\n")

    asyncio.run(run())


def test_idle_client_hears_why_it_is_left_though_it_speaks_just_then() -> None:
    # T18
    async def run() -> None:
        async with receiving(Desk()) as (port, receiver):
            speaking = asyncio.ensure_future(heard(port, b"EHLO x\r\n", b"NOOP\r\n", 0.3))
            await asyncio.sleep(0.1)
            await receiver.drain(PATIENCE)
            assert (await speaking).endswith(b"421 4.3.2 shutting down, try again later\r\n")

    asyncio.run(run())


def test_nobody_is_listened_to_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    # T28, T29
    monkeypatch.setattr(session, "LINGER_SECONDS", 2)

    async def run() -> None:
        async with receiving(Desk()) as (port, receiver):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(b"FOO\r\n" * 20)
                await asyncio.sleep(0.15)
                assert receiver._fronts[0]._sessions
                client.sendall(b"x")
                await until(lambda: not receiver._fronts[0]._sessions)

    asyncio.run(run())


def test_nobody_is_listened_to_without_measure() -> None:
    # T30
    async def run() -> None:
        async with receiving(Desk()) as (port, receiver):
            loop = asyncio.get_running_loop()
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.setblocking(False)
                began = time.monotonic()
                with pytest.raises(ConnectionError):
                    await loop.sock_sendall(client, b"FOO\r\n" * 20 + b"x" * 50_000_000)
                assert time.monotonic() - began < PATIENCE / 2
                await until(lambda: not receiver._fronts[0]._sessions)

    asyncio.run(run())
