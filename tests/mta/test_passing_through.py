"""Ten thousand odd messages go in and come out with the same digest (T14)."""

import asyncio
import random
from hashlib import sha256

import pytest

from app.mta.relay import Relay
from tests.mta.servers import Client, Hop, Through, receiving

PIECES = (
    b"\r\n", b"\r\n", b".", b"..", b"\r\n.\r\n.", b"\r\n..", b"\0", b"\xff\xfe", b"\xc3\xa4", b" ",
    b"Subject: =?utf-8?b?4pyT?=\r\n", b"From : x\r\n", b"From x@y Mon\r\n", b"\r\n\r\n",
    b"x" * 998, b"y" * 5000, b"--b\r\n", b"--b--\r\n", b"MIME-Version: 1.0\r\n", b"=3D=\r\n", b"\t",
    b"Content-Type: multipart/mixed; boundary=b\r\n", b"TU1N\r\n", b"text", b"QUIT\r\n",
    b"DATA\r\n", b"RSET\r\n",
)  # fmt: skip


ENVELOPE = b"MAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\n"


def odd_message(chance: random.Random) -> bytes:
    return b"".join(chance.choices(PIECES, k=chance.randrange(12)))


def stuffed(octets: bytes) -> bytes:
    """Return octets as a client writes them, line by line (RFC 5321 §4.5.2)."""
    lines = octets.split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_messages_come_out_as_they_went_in(count: int) -> None:
    chance = random.Random(count)
    messages = [odd_message(chance) for _ in range(count)]

    async def run() -> list[bytes]:
        async with Hop("lmtp").listening() as hop:
            through = Through(hop.hop, Relay("gw.example"))
            async with receiving(through, "lmtp") as (port, _):
                client = await Client.connect(port)
                await client.greet(b"LHLO")
                replies: set[str] = set()
                for octets in messages:
                    tail = b"" if not octets or octets.endswith(b"\r\n") else b"\r\n"
                    octets_sent = ENVELOPE + stuffed(octets) + tail + b".\r\n"
                    replies.add((await client.say(octets_sent, replies=4))[3][:4])
                client.close()
            assert replies == {"250 "}
            await through.relay.close()
            return [mail.octets or b"" for mail in hop.messages]

    arrived = asyncio.run(run())
    for octets, came in zip(messages, arrived, strict=True):
        # A missing last line end is the only repair.
        whole = octets if not octets or octets.endswith(b"\r\n") else octets + b"\r\n"
        assert sha256(came).digest() == sha256(whole).digest(), octets
