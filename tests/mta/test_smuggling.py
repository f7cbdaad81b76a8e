"""SMTP smuggling: no sequence but CRLF dot CRLF ends a message, in or out (T23, T24, N12).

After SEC Consult's "SMTP Smuggling" of 2023, CVE-2023-51764, -51765, -51766, CVE-2024-27305.
"""

import asyncio
import itertools

import pytest

from app.mta.reader import END
from app.mta.relay import Relay
from tests.mta.servers import Client, Desk, Hop, Through, receiving

ENDS = [
    before + b"." + after
    for before, after in itertools.product(
        [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\n", b"\n\r", b"\r\n\0"],
        [b"\n", b"\r", b"\r\n", b"\r\r\n", b"\n\r\n", b"\0\r\n", b" \r\n"],
    )
    if END not in before + b"." + after
] + [b"\r\n..\r\n", b"\r\n.\r\r\n.\r", b"\n..\n", b"\r\n\x00.\r\n", b"\x85.\x85", b"\r\n.\x0b\r\n"]
INNER = (
    b"MAIL FROM:<boss@x.example>\r\nRCPT TO:<victim@x.example>\r\nDATA\r\nSubject: inner\r\n\r\nx"
)

SPLITS = ("one packet", "at the sequence", "octet by octet")


def packets(end: bytes, split: str) -> list[bytes]:
    head, tail = b"Subject: outer\r\n\r\ntext", INNER + b"\r\n.\r\n"
    if split == "one packet":
        return [head + end + tail]
    if split == "at the sequence":
        middle = len(end) // 2
        return [head + end[:middle], end[middle:] + tail]
    return [head, *(bytes([octet]) for octet in end), tail]


def test_matrix_is_as_large_as_promised() -> None:
    assert len(set(ENDS)) >= 40


@pytest.mark.parametrize("split", SPLITS)
def test_no_sequence_makes_two_messages(split: str) -> None:
    async def run() -> None:
        async with receiving(desk := Desk()) as (port, _):
            for end in ENDS:
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                (answer,) = await client.say(*packets(end, split))
                stray = set(end.replace(b"\r\n", b"")) & set(b"\r\n")
                assert answer.startswith("550 5.6.11" if stray else "250"), (end, answer)
                assert (await client.say(b"QUIT\r\n"))[0].startswith("221"), end
                client.close()
        assert not [one for one in desk.taken if one.reverse_path == "boss@x.example"]
        assert all(INNER in one.octets for one in desk.taken)

    asyncio.run(run())


@pytest.mark.parametrize("end", ENDS)
def test_what_was_taken_stays_one_message_at_the_next_hop(end: bytes) -> None:
    async def run() -> None:
        async with Hop().listening() as hop:
            through = Through(hop.hop, Relay("gw.example"))
            async with receiving(through) as (port, _):
                client = await Client.connect(port)
                await client.begin(b"b@x.example")
                await client.say(*packets(end, "one packet"))
                client.close()
            await through.relay.close()
            assert len(hop.transactions) <= 1
            assert all(INNER in (mail.octets or b"") for mail in hop.messages)

    asyncio.run(run())
