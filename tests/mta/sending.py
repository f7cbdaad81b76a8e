"""Sending to the next hop of servers.py, for the tests of the relay."""

import asyncio
from collections.abc import Sequence
from typing import Any

from app.mta.cargo import Cargo
from app.mta.client import Timeouts
from app.mta.nexthop import NextHop
from app.mta.relay import Relay
from app.mta.reply import Reply
from tests.mta.servers import Hop, Script, clear

MESSAGE = b"Subject: a\r\n\r\n.dot\r\ntext\r\n"
QUICK = Timeouts(
    connect_seconds=0.5, greeting_seconds=0.2, command_seconds=0.2, content_seconds=0.3
)
STAGES = ("connect", "hello", "mail", "rcpt", "data", "dot")


async def send(
    relay: Relay,
    hop: Hop | NextHop,
    recipients: Sequence[str] = ("b@sued.example",),
    octets: bytes = MESSAGE,
    **options: Any,
) -> list[Reply]:
    return await relay.send(
        hop.hop if isinstance(hop, Hop) else hop,
        options.pop("reverse_path", "a@nord.example"),
        recipients,
        Cargo(octets, clear(*recipients)),
        **options,
    )


def at(stage: str, answer: bytes | str, times: int = 10**6) -> Script:
    """Return a script that gives this answer at this stage, so many times."""
    left = [times]

    def script(now: str, _: bytes) -> bytes | str | None:
        if now == stage and left[0]:
            left[0] -= 1
            return answer
        return None

    return script


def once(hop: Hop, recipients: Sequence[str] = ("b@sued.example",), **options: Any) -> list[Reply]:
    async def run() -> list[Reply]:
        async with hop.listening():
            relay = Relay("gw.example", options.pop("timeouts", None))
            answers = await send(relay, hop, recipients, **options)
            await relay.close()
            return answers

    return asyncio.run(run())


def make(protocol: str, piped: bool, script: Script) -> Hop:
    return Hop(protocol, ["PIPELINING", "8BITMIME"] if piped else ["8BITMIME"], script)
