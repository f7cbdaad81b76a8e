"""Kept connections: used again, replaced when dead, and never the cause of a second copy."""

import asyncio

import pytest

from app.mta import relay as module
from app.mta import reply
from app.mta.client import Timeouts
from app.mta.relay import Relay
from tests.mta.sending import at, make, once, send
from tests.mta.servers import Hop, until


async def unfit(relay: Relay) -> None:
    """Wait until no kept connection can be used any more."""
    kept = [each for pool in relay._pools.values() for each, _ in pool.idle]
    await until(lambda: not any(each.is_fit for each in kept))


def test_connection_is_used_again() -> None:
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            for _ in range(5):
                assert (await send(relay, hop))[0].relayed
            await relay.close()

    hop = Hop()
    asyncio.run(run(hop))
    assert (hop.connections, len(hop.messages)) == (1, 5)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("how", ["421", "close"])
def test_dead_connection_is_replaced_before_content(stage: str, how: str) -> None:
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            assert (await send(relay, hop))[0].relayed
            hop.script = at(stage, how, times=1)
            assert (await send(relay, hop))[0].relayed
            await relay.close()

    hop = Hop()
    asyncio.run(run(hop))
    assert (hop.connections, len(hop.messages)) == (2, 2)


@pytest.mark.parametrize("how", ["421", "close"])
def test_nothing_is_sent_twice_after_content(how: str) -> None:
    # T5: the server may have it.
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            await send(relay, hop)
            hop.script = at("dot", how, times=1)
            assert (await send(relay, hop))[0].temporary
            await relay.close()

    hop = Hop()
    asyncio.run(run(hop))
    assert len(hop.messages) == 2


def test_new_connection_that_dies_is_not_tried_again() -> None:
    hop = Hop(script=at("mail", "close"))
    assert once(hop) == [reply.LOST]
    assert hop.connections == 1


def test_server_that_closed_meanwhile_is_noticed() -> None:
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            await send(relay, hop)
            await unfit(relay)
            assert (await send(relay, hop))[0].relayed
            await relay.close()

    hop = Hop(script=at("after-dot", "close"))
    asyncio.run(run(hop))
    assert hop.connections == 2


@pytest.mark.parametrize(
    ("stage", "said"),
    [("dot", b"250 ok\r\n250 and once more\r\n"), ("after-dot", b"250 late\r\n")],
)
def test_connection_on_which_too_much_was_said_is_left(stage: str, said: bytes) -> None:
    # Answers that are one off would tell of the wrong command.
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            await send(relay, hop)
            await unfit(relay)
            assert (await send(relay, hop))[0].relayed
            await relay.close()

    hop = Hop(script=at(stage, said))
    asyncio.run(run(hop))
    assert hop.connections == 2


def test_connection_is_left_after_so_many_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "USES_AT_MOST", 2)

    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            for _ in range(5):
                assert (await send(relay, hop))[0].relayed
            await relay.close()

    hop = Hop()
    asyncio.run(run(hop))
    assert hop.connections == 3


def test_old_connection_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0)

    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            await send(relay, hop)
            await send(relay, hop)
            await until(lambda: b"QUIT\r\n" in hop.lines)
            await relay.close()

    hop = Hop()
    asyncio.run(run(hop))
    assert hop.connections == 2


@pytest.mark.parametrize("piped", [True, False])
def test_transaction_that_came_to_nothing_is_reset(piped: bool) -> None:
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            assert (await send(relay, hop))[0].permanent
            assert (await send(relay, hop))[0].relayed
            await relay.close()

    hop = make("smtp", piped, at("rcpt", b"550 5.1.1 no\r\n", times=1))
    asyncio.run(run(hop))
    assert hop.connections == 1
    verbs = [line[:4] for line in hop.lines]
    assert verbs[1:] == [b"MAIL", b"RCPT", b"DATA", b"RSET", b"MAIL", b"RCPT", b"DATA"]


def test_connections_to_one_hop_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECTIONS_AT_MOST", 3)

    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            answers = await asyncio.gather(*(send(relay, hop) for _ in range(40)))
            assert all(answer.relayed for (answer,) in answers)
            await relay.close()

    hop = Hop()
    asyncio.run(run(hop))
    assert hop.connections <= 3
    assert len(hop.messages) == 40


def test_nobody_waits_for_a_turn_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    # R9
    monkeypatch.setattr(module, "CONNECTIONS_AT_MOST", 1)

    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example", Timeouts(turn_seconds=0.05, total_seconds=3))
            first = asyncio.ensure_future(send(relay, hop))
            await until(lambda: hop.hop in relay._pools and relay._pools[hop.hop].slots.locked())
            assert await send(relay, hop) == [reply.BUSY]
            assert await first == [reply.TIMED_OUT]
            hop.script = at("none", "")
            assert (await send(relay, hop))[0].relayed
            await relay.close()

    asyncio.run(run(Hop(script=at("dot", "hang"))))


def test_cancelled_message_leaves_no_connection_behind() -> None:
    async def run(hop: Hop) -> None:
        async with hop.listening():
            relay = Relay("gw.example")
            hop.script = at("dot", "hang")
            task = asyncio.ensure_future(send(relay, hop))
            await until(lambda: hop.messages)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            hop.script = at("none", "")
            assert (await send(relay, hop))[0].relayed
            assert hop.connections == 2
            await relay.close()

    asyncio.run(run(Hop()))
