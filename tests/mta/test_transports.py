"""Sessions read in pieces that cost no more than what comes."""

import asyncio

from app.mta.transports import READ_OCTETS
from tests.mta.servers import Client, Desk, receiving


def test_sessions_read_modestly() -> None:
    async def run() -> int:
        async with receiving(Desk()) as (port, receiver):
            client = await Client.connect(port)
            await client.greet()
            (session,) = receiver._fronts[0]._sessions
            client.close()
            return session.transport.max_size  # type: ignore[union-attr, no-any-return]

    assert asyncio.run(run()) == READ_OCTETS
