"""What becomes of the others, and of the trace, when a transaction ends in the middle."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.model.trace import Search, find_traces
from app.mta import incoming, machine
from app.mta.learn import learn_nothing
from app.mta.machine import Delivery
from app.mta.relay import Relay
from app.mta.transaction import Gateway, Hops
from tests.houses import House
from tests.mta.servers import Client, Hop, receiving, until
from tests.mta.test_transaction import ALICE, CARLA, MAIL, deliver


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def traced(house: House) -> dict[str, Any]:
    """Return the next hop's reply in each row of the trace, by recipient."""
    house.store.trace.close()
    rows = find_traces(house.database, Search())
    return {row["recipient"]: row["reply"] for row in rows}


def test_fault_in_one_group_is_not_the_others(
    nord: House, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    # T4, T5: a group that has left and hears 451 comes again, and again.
    really = incoming.tag

    def tag(delivery: Delivery) -> str:
        outcome = really(delivery)
        if delivery.recipient == CARLA:
            delivery.octets = b"X-For: carla\r\n" + delivery.octets
            delivery.permit = None
        return outcome

    monkeypatch.setattr(incoming, "tag", tag)
    hop = Hop("lmtp")
    first, second = deliver(nord, threads, hop, ALICE, CARLA)
    assert first.relayed
    assert second.code == 451
    assert len(hop.messages) == 1
    replies = traced(nord)
    assert replies[ALICE].startswith("250")
    assert replies[CARLA].startswith("451 4.3.0")


def test_client_that_vanishes_leaves_a_trace(nord: House, threads: ThreadPoolExecutor) -> None:
    # RFC 1047: the next hop may have the message, and somebody will ask where it came from.
    reached = []

    def script(stage: str, _: bytes) -> bytes | str | None:
        reached.append(stage)
        return "hang" if stage == "dot" else None

    async def run() -> None:
        hop = Hop("lmtp", script=script)
        relay = Relay("gateway.nord.example")
        inside = machine.House(nord.store, "gateway.nord.example", "de", learn_nothing)
        nord.store.snapshot()
        async with hop.listening():
            gateway = Gateway(inside, Hops(hop.hop, hop.hop), relay, threads)
            async with receiving(gateway, "lmtp") as (port, receiver):
                client = await Client.connect(port)
                await client.begin(ALICE.encode(), verb=b"LHLO")
                client.writer.write(MAIL + b".\r\n")
                await until(lambda: "dot" in reached)
                sock = client.writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.writer.transport.abort()
                await until(lambda: not receiver._fronts[0]._sessions)
                await asyncio.sleep(0.01)
            await relay.close()

    asyncio.run(run())
    assert traced(nord) == {ALICE: "451 4.4.2 the client left before the reply"}


def test_message_that_left_is_relayed_whatever_becomes_of_its_trace(
    nord: House, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_facts: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("app.mta.transaction.trace_row", broken)
    assert [each.code for each in deliver(nord, threads, Hop(), ALICE)] == [250]
