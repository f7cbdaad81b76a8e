"""One worker process: the store, the relay, the machine and the receiver, opened after the fork.

After a crash: nothing is kept here. Clients without a reply send again.
"""

import asyncio
import contextlib
import gc
import logging
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from socket import socket

from app.model.errors import Refused
from app.model.masterkey import read_master_key
from app.model.snapshot import Store, StoreUnavailable
from app.mta.installation import Installation
from app.mta.learn import Learner
from app.mta.listener import Listener
from app.mta.lookup import Asker
from app.mta.machine import House
from app.mta.peers import may_xforward
from app.mta.receiver import ReceiverSettings, start_listeners
from app.mta.relay import Relay
from app.mta.transaction import Gateway, Hops

log = logging.getLogger("sealmon.mta")

REFRESH_SECONDS = 0.5
"""Half of the age at which a snapshot is looked at again."""
THREADS = 4
"""Of the handlers: the costly work in them lets the others run meanwhile."""


class Worker:
    """What a worker does between its fork and its end."""

    def __init__(self, installation: Installation) -> None:
        """Open the store. Raises Refused or StoreUnavailable where there is none to open."""
        self._installation = installation
        self._store = Store.open(
            installation.database,
            read_master_key(installation.master_key_path),
            installation.guard,
            installation.issuers,
        )

    async def run(self, bound: Sequence[tuple[Listener, socket]], stop: asyncio.Event) -> None:
        """Serve these sockets until it is time to stop, then finish what is under way."""
        facts = self._installation
        asker = Asker(self._store, facts.resolver_address)
        house = House(self._store, facts.hostname, facts.language, Learner(self._store), asker)
        relay = Relay(facts.hostname)
        threads = ThreadPoolExecutor(THREADS, "handler")
        gateway = Gateway(house, Hops(facts.hop_inbound, facts.hop_outbound), relay, threads)
        settings = ReceiverSettings(
            facts.hostname,
            facts.message_octets,
            may_xforward=self._may_xforward,
        )
        _spare_the_collector()
        async with asyncio.TaskGroup() as group:
            await self._look(threads)
            refreshing = group.create_task(self._refresh(threads))
            receiver = await start_listeners(gateway, bound, settings)
            await stop.wait()
            await receiver.drain()
            refreshing.cancel()
        await relay.close()
        threads.shutdown()
        asker.close()
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    async def _refresh(self, threads: Executor) -> None:
        """Look for changes of the store before mail asks, so that the loop has a fresh snapshot."""
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._look(threads)

    async def _look(self, threads: Executor) -> None:
        # The mail that meets a store that does not answer says so in the log.
        with contextlib.suppress(StoreUnavailable, Refused):
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(threads, self._store.snapshot)

    def _may_xforward(self, address: str) -> bool:
        """Whether this client is the owner's MTA, by the newest snapshot there is (T31)."""
        snapshot = self._store.last_snapshot()
        return snapshot is not None and may_xforward(snapshot, address)


def _spare_the_collector() -> None:
    """Let the collector of cycles pass over what stays for ever, and look at the rest less often.

    A message makes many objects and next to no cycles; looking for them cost a few in a hundred.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
