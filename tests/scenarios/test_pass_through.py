"""Mail that nobody signs or encrypts passes a running gateway octet for octet (T14)."""

import asyncio
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mta.servers import Hop
from tools.organisation import Organisation, free_port

pytestmark = pytest.mark.slow

MESSAGES = 10_000
SESSIONS = 8
OURS = (b"Received:", b"X-Sealmon-", b"Authentication-Results:", b"\t", b" ")

HEADERS = (
    b"From: a@elsewhere.example\r\n",
    b"To: alice@nord.example\r\n",
    b"Subject: Hello there\r\n",
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n",
    b"Subject:\r\n folded\r\n\tand folded again\r\n",
    b"subject:no space\r\n",
    b"MIME-Version: 1.0\r\n",
    b"Content-Type: text/plain\r\n",
    b'Content-Type: multipart/mixed; boundary="b"\r\n',
    b"Content-Type: multipart/signed; boundary=b\r\n",
    b"Content-Type: rubbish\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"X-8bit: gr\xfc\xdfe\r\n",
    b"X-Long: " + b"x" * 3000 + b"\r\n",
    b"X-Nothing:\r\n",
    b"X Space: odd\r\n",
    b"no field at all\r\n",
    b"DKIM-Signature: v=1; b=abc;\r\n\tbh=def\r\n",
    b"Received: from here\r\n\tby there; Tue, 24 Nov 2026 09:00:00 +0100\r\n",
)
LINES = (
    b".\r\n",
    b"..\r\n",
    b".dot\r\n",
    b"...\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"--b\r\n",
    b"--b--\r\n",
    b"From here on\r\n",
    b">From there\r\n",
    b"trailing  \t\r\n",
    b"=20=\r\n",
    b"gr\xc3\xbc\xc3\x9fe\r\n",
    bytes(range(128, 256)) + b"\r\n",
    b"\x00\x01\x02\r\n",
    b"y" * 998 + b"\r\n",
    b"z" * 20_000 + b"\r\n",
    b"-----BEGIN PGP MESSAGE-----\r\n",
    b"Content-Type: application/pdf\r\n",
)


def made(number: int) -> bytes:
    """Return message number so-and-so; the same one on every run."""
    chance = random.Random(number)
    fields = chance.choices(HEADERS, k=chance.randrange(12))
    # Of several Subject fields only the first stays (B9), so there is one.
    fields = fields[:1] + [one for one in fields[1:] if not one.lower().startswith(b"subject")]
    headers = b"".join(fields)
    body = b"".join(chance.choices(LINES, k=chance.randrange(12)))
    separator = b"" if chance.random() < 0.1 else b"\r\n"
    return headers + separator + body + b"number %d\r\n" % number


def original(delivered: bytes) -> bytes:
    """Return what is under the fields that the gateway put on top."""
    lines = delivered.split(b"\r\n")
    count = 0
    seen_received = False
    for line in lines:
        if not line.startswith(OURS) or (seen_received and not line.startswith((b"\t", b" "))):
            break
        seen_received = seen_received or line.startswith(b"Received:")
        count += 1
    return b"\r\n".join(lines[count:])


@pytest.fixture(params=["inbound", "outbound"])
def direction(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[Organisation, Hop]]:
    hop = Hop("smtp", extensions=("PIPELINING", "8BITMIME"))
    hop.port = free_port()
    house = Organisation(
        tmp_path / "house", next_hop=f"smtp://127.0.0.1:{hop.port}?tls=none", workers=2
    )
    house.sealmon("init")
    house.sealmon("domain", "add", "nord.example")
    house.sealmon("relay", "add", "127.0.0.1/32")
    with house:
        yield house, hop


async def send(port: int, recipient: bytes, numbers: range) -> None:
    """Send these messages over one LMTP session."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def reply() -> bytes:
        while True:
            line = await reader.readline()
            if line[3:4] != b"-":
                return line

    assert (await reply()).startswith(b"220")
    writer.write(b"LHLO test\r\n")
    assert (await reply()).startswith(b"250")
    for number in numbers:
        stuffed = b"\r\n".join(
            b"." + line if line.startswith(b".") else line for line in made(number).split(b"\r\n")
        )
        writer.write(
            b"MAIL FROM:<a@elsewhere.example> BODY=8BITMIME\r\nRCPT TO:<%b>\r\nDATA\r\n" % recipient
        )
        for expected in (b"250", b"250", b"354"):
            assert (await reply()).startswith(expected)
        writer.write(stuffed + b".\r\n")
        assert (await reply()).startswith(b"250")
    writer.write(b"QUIT\r\n")
    await reply()
    writer.close()


@pytest.mark.timeout(600)
def test_ten_thousand_messages_arrive_with_the_same_hash(
    gateway: tuple[Organisation, Hop], direction: str
) -> None:
    house, hop = gateway
    recipient = {"inbound": b"alice@nord.example", "outbound": b"paul@sued.example"}[direction]

    async def run() -> None:
        server = await asyncio.start_server(hop._serve, "127.0.0.1", hop.port, limit=1 << 26)
        hop._tasks = set()
        share = MESSAGES // SESSIONS
        await asyncio.gather(
            *(
                send(house.lmtp_port, recipient, range(n * share, (n + 1) * share))
                for n in range(SESSIONS)
            )
        )
        server.close()

    asyncio.run(run())
    sent = {
        hashlib.sha256(made(number).removeprefix(b"\r\n")).digest() for number in range(MESSAGES)
    }
    # A message without a header section stays a body below our fields: one empty line more (T62).
    got = {
        hashlib.sha256(original(one.octets or b"").removeprefix(b"\r\n")).digest()
        for one in hop.messages
    }
    assert len(hop.messages) == MESSAGES
    assert got == sent
