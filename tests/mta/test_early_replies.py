"""What a next hop says before it has the whole message is never a yes to it."""

import asyncio

import pytest

from app.mta.relay import Relay
from tests.mta.sending import QUICK, make, send
from tests.mta.servers import Hop, Script

LONG = b"Subject: a\r\n\r\n" + b"x" * 70 * 1024 * 1024 + b"\r\n"
TWO = ("a@sued.example", "b@sued.example")


def early(answer: bytes) -> Script:
    """A server that says this with its 354, and leaves when the message has come."""

    def script(stage: str, _: bytes) -> bytes | str | None:
        if stage == "data":
            return b"354 go\r\n" + answer
        return "close" if stage == "dot" else None

    return script


@pytest.mark.parametrize("piped", [True, False])
@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (b"250 2.0.0 queued\r\n", {451}),
        (b"250 2.0.0 queued\r\n" * 2, {451}),
        (b"250-2.0.0 que", {451}),
        (b"451 4.3.0 later\r\n", {451}),
        (b"552 5.3.4 too large\r\n", {552, 451}),
    ],
)
def test_yes_before_the_dot_is_none(
    piped: bool, protocol: str, count: int, answer: bytes, codes: set[int]
) -> None:
    # T5: a reply too many, of whatever proxy, would count for a message that nobody has taken.
    async def run() -> None:
        async with make(protocol, piped, early(answer)).listening() as hop:
            relay = Relay("gw.example", QUICK)
            answers = await send(relay, hop, TWO[:count])
            await relay.close()
            assert {one.code for one in answers} <= codes
            assert not any(one.relayed for one in answers)

    asyncio.run(run())


def test_refusal_in_the_middle_of_a_long_message_is_heard_and_nothing_more_is_written() -> None:
    async def run() -> None:
        async with Hop("smtp", script=early(b"552 5.3.4 too large\r\n")).listening() as hop:
            hop.extensions = ("PIPELINING", "8BITMIME")
            relay = Relay("gw.example")
            (answer,) = await send(relay, hop, octets=LONG)
            assert str(answer) == "552 5.3.4 too large"
            assert not hop.messages
            # The connection is of no more use, and is not used.
            hop.script = lambda _stage, _line: None
            assert (await send(relay, hop))[0].relayed
            assert hop.connections == 2
            await relay.close()

    asyncio.run(run())
