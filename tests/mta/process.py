"""A supervisor in a process of its own.

``python -m tests.mta.process LISTENER NEXT_HOP WORKERS [FAULT]``
"""

import asyncio
import logging
import os
import sys
import time

from app.mta import workers
from app.mta.envelope import Envelope
from app.mta.listener import Listener
from app.mta.nexthop import NextHop
from app.mta.receiver import start_listeners
from app.mta.reply import Reply
from app.mta.workers import Bound, Supervisor
from tests.mta.servers import Through, settings


def tell(words: str) -> None:
    """Write a line in one piece: several processes share the pipe."""
    os.write(1, f"{words}\n".encode())


class Poisoned(Through):
    """Dies of one message, as a fault in a library would have it (T10, T111)."""

    async def deliver(self, envelope: Envelope) -> list[Reply]:
        if b"poison" in envelope.octets:
            os.abort()
        return await super().deliver(envelope)


class Worker:
    """Hands everything to the next hop."""

    def __init__(self, hop: NextHop, fault: str) -> None:
        self.through = Poisoned(hop) if fault == "poison" else Through(hop)
        self.fault = fault

    async def run(self, bound: Bound, stop: asyncio.Event) -> None:
        terms = settings(connections_per_client=500)
        receiver = await start_listeners(self.through, bound, terms)
        tell(f"ready {os.getpid()}")
        if self.fault == "sticks":
            await asyncio.sleep(0.2)
            time.sleep(3600)  # noqa: ASYNC251
        await stop.wait()
        if self.fault == "hangs":
            time.sleep(3600)  # noqa: ASYNC251 - a loop that is stuck is the point
        await receiver.drain()
        await self.through.relay.close()


def main(address: str, hop: str, count: str, fault: str = "") -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)

    def build(index: int) -> Worker:
        tell(f"built {index} {os.getpid()}")
        if fault == "dies":
            raise RuntimeError("as it was told")
        return Worker(NextHop.parse(hop), fault)

    if fault == "sticks":
        vars(workers)["STUCK_SECONDS"] = 0.5
        vars(workers)["BEAT_SECONDS"] = 0.1
    if fault == "hangs":
        vars(workers)["DRAIN_SECONDS"] = -4.5
    Supervisor([Listener.parse(address, "smtp")], int(count), build).start()
    tell("ended")


if __name__ == "__main__":
    main(*sys.argv[1:])
