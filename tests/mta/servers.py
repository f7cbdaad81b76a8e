"""Servers for the tests: a gateway that does what addresses say, a next hop that has a script."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.model import plan
from app.model.plan import ClearAllowed
from app.mta import reply
from app.mta.cargo import Cargo
from app.mta.data import Awaited
from app.mta.envelope import Envelope, Peer
from app.mta.listener import Listener
from app.mta.nexthop import NextHop
from app.mta.receiver import Receiver, ReceiverSettings, start_listeners
from app.mta.relay import Relay
from app.mta.reply import Reply
from app.mta.transaction import Gateway

HOSTNAME = "gw.example"


def clear(*recipients: str) -> tuple[ClearAllowed, ...]:
    """Return permits as the plan makes them."""
    return tuple(ClearAllowed(one, "test", plan._MAKER) for one in recipients)


BY_LOCAL_PART = {
    "later": Reply(451, "4.7.1", "later"),
    "gone": Reply(550, "5.1.1", "gone"),
    "full": Reply(452, "4.2.2", "full"),
    "unwritable": Reply(501, "5.1.3", "unwritable"),
}


@dataclass
class Desk:
    """Takes messages and answers as the local part of each recipient says."""

    taken: list[Envelope] = field(default_factory=list)
    asked: list[Peer] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """Set: deliveries wait for it."""

    def refuse_recipient(self, reverse_path: str, recipient: str, peer: Peer) -> Reply | None:
        del reverse_path
        self.asked.append(peer)
        if recipient.startswith("boom"):
            raise RuntimeError("a secret of ours")
        return reply.RELAYING_DENIED if recipient.startswith("stranger") else None

    async def deliver(self, envelope: Envelope) -> list[Reply]:
        self.taken.append(envelope)
        if self.hold is not None:
            await self.hold.wait()
        if any(one.startswith("crash") for one in envelope.recipients):
            raise RuntimeError("a secret of ours")
        answers = [
            BY_LOCAL_PART.get(one.partition("@")[0], reply.RELAYED) for one in envelope.recipients
        ]
        return answers[1:] if envelope.recipients[0].startswith("short") else answers


class Slow(Desk):
    """Takes its time to say whether it takes some."""

    def refuse_recipient(  # type: ignore[override]
        self, reverse_path: str, recipient: str, peer: Peer
    ) -> Reply | Awaited | None:
        if not recipient.startswith("slow"):
            return super().refuse_recipient(reverse_path, recipient, peer)
        return partial(self._later, reply.RELAYING_DENIED if "stranger" in recipient else None)

    async def _later(self, refusal: Reply | None) -> Reply | None:
        await asyncio.sleep(0.001)
        return refusal


@dataclass
class Through:
    """Hands every message to a next hop, unchanged; takes its time to say whom it takes."""

    hop: NextHop
    relay: Relay = field(default_factory=lambda: Relay(HOSTNAME))

    def refuse_recipient(self, reverse_path: str, recipient: str, peer: Peer) -> Awaited:
        del reverse_path, recipient, peer
        return self._nothing

    async def _nothing(self) -> Reply | None:
        return None

    async def deliver(self, envelope: Envelope) -> list[Reply]:
        return await self.relay.send(
            self.hop,
            envelope.reverse_path,
            envelope.recipients,
            Cargo(envelope.octets, clear(*envelope.recipients)),
            eight_bit=envelope.eight_bit,
            smtputf8=envelope.smtputf8,
        )


def settings(**changes: object) -> ReceiverSettings:
    return ReceiverSettings(HOSTNAME, **changes)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def receiving(
    gateway: Desk | Through | Gateway, protocol: str = "smtp", terms: ReceiverSettings | None = None
) -> AsyncIterator[tuple[int, Receiver]]:
    """Run a receiver on a free port."""
    listener = Listener(protocol, "127.0.0.1", 0)
    sock = listener.bind()
    receiver = await start_listeners(gateway, [(listener, sock)], terms or settings())
    try:
        yield sock.getsockname()[1], receiver
    finally:
        await receiver.drain(0.2)


PATIENCE = 60.0
"""Seconds until a test gives up; it only fails later for it, however busy the machine is."""


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.01)


async def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Let the loop turn until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.002)


@dataclass
class Client:
    """A client that says exactly what it is told."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, port: int) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def reply(self) -> str:
        """Return one reply, its lines joined by newlines; "" at the end."""
        lines = []
        while True:
            async with asyncio.timeout(PATIENCE):
                line = (await self.reader.readline()).decode()
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, *octets: bytes, replies: int = 1) -> list[str]:
        """Write packets, each on its own, and return so many replies."""
        for packet in octets:
            self.writer.write(packet)
            await self.writer.drain()
            if len(octets) > 1:
                await asyncio.sleep(0.003)
        return [await self.reply() for _ in range(replies)]

    async def greet(self, verb: bytes = b"EHLO") -> str:
        await self.reply()
        return (await self.say(verb + b" client.example\r\n"))[0]

    async def begin(self, *recipients: bytes, verb: bytes = b"EHLO") -> None:
        """Come as far as 354."""
        await self.greet(verb)
        commands = b"".join(b"RCPT TO:<" + one + b">\r\n" for one in recipients)
        said = await self.say(
            b"MAIL FROM:<a@client.example>\r\n" + commands + b"DATA\r\n",
            replies=2 + len(recipients),
        )
        assert said[-1].startswith("354"), said

    async def rest(self) -> bytes:
        """Return all that still comes until the other side closes."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    def close(self) -> None:
        self.writer.close()


async def hand_over(port: int, octets: bytes, *recipients: bytes) -> str:
    client = await Client.connect(port)
    await client.begin(*(recipients or (b"b@x.example",)))
    (answer,) = await client.say(octets + b".\r\n")
    client.close()
    return answer


@dataclass
class Transaction:
    """What a next hop was told."""

    mail: bytes = b""
    recipients: list[bytes] = field(default_factory=list)
    octets: bytes | None = None
    """After unstuffing; None if the dot never came."""
    stuffed: bytes = b""


Script = Callable[[str, bytes], bytes | str | None]
"""Given a stage and the line, returns a reply instead of yes, "421", "close", "hang", or None."""


@dataclass
class Hop:
    """A next hop on loopback.

    Stages: connect, hello, starttls, mail, rcpt, data, content, dot, dot2 …, after-dot, rset, quit.
    """

    protocol: str = "smtp"
    extensions: Sequence[str] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 1000000")
    script: Script = lambda _stage, _line: None
    tls: ssl.SSLContext | None = None
    transactions: list[Transaction] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    lines: list[bytes] = field(default_factory=list)

    @property
    def hop(self) -> NextHop:
        return NextHop(self.protocol, "127.0.0.1", self.port)

    @property
    def messages(self) -> list[Transaction]:
        """The transactions that came to their end."""
        return [one for one in self.transactions if one.octets is not None]

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["Hop"]:
        # asyncio sets TCP_NODELAY only where the protocol is named; without it each reply is late.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.bind(("127.0.0.1", 0))
        server = await asyncio.start_server(self._serve, sock=sock, limit=1 << 26)
        self.port = sock.getsockname()[1]
        self._tasks: set[asyncio.Task[None]] = set()
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, _Close, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _say(
        self, writer: asyncio.StreamWriter, stage: str, line: bytes, usual: bytes
    ) -> bytes:
        said = self.script(stage, line)
        if said == "close":
            raise _Close
        if said == "421":
            writer.write(b"421 4.3.2 closing\r\n")
            raise _Close
        if said == "hang":
            await asyncio.sleep(3600)
        answer = usual if said is None else said
        assert isinstance(answer, bytes)
        writer.write(answer)
        await writer.drain()
        return answer

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say(writer, "connect", b"", b"220 hop ESMTP\r\n")
        now = Transaction()
        accepted = 0
        while line := await reader.readline():
            self.lines.append(line)
            verb = line[:4].upper()
            if verb in {b"EHLO", b"LHLO"}:
                offered = [b"hop", *(one.encode() for one in self.extensions)]
                if self.tls and not writer.get_extra_info("sslcontext"):
                    offered.append(b"STARTTLS")
                lines = [b"250-" + one for one in offered]
                lines[-1] = lines[-1].replace(b"-", b" ", 1)
                await self._say(writer, "hello", line, b"\r\n".join(lines) + b"\r\n")
            elif verb == b"STAR":
                await self._say(writer, "starttls", line, b"220 go\r\n")
                assert self.tls is not None
                await writer.start_tls(self.tls)
            elif verb == b"MAIL":
                now, accepted = Transaction(line), 0
                self.transactions.append(now)
                await self._say(writer, "mail", line, b"250 2.1.0 ok\r\n")
            elif verb == b"RCPT":
                now.recipients.append(line)
                said = await self._say(writer, "rcpt", line, b"250 2.1.5 ok\r\n")
                accepted += said.startswith(b"2")
            elif verb == b"DATA":
                said = await self._say(
                    writer, "data", line, b"354 go\r\n" if accepted else b"503 no\r\n"
                )
                if said.startswith(b"354"):
                    await self._content(reader, writer, now, accepted)
            elif verb == b"QUIT":
                await self._say(writer, "quit", line, b"221 bye\r\n")
                return
            else:
                await self._say(writer, verb.decode().lower(), line, b"250 ok\r\n")

    async def _content(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        now: Transaction,
        accepted: int,
    ) -> None:
        how = self.script("content", b"")
        if how == "close":
            await reader.read(1)
            await asyncio.sleep(0.05)
            raise _Close
        if how == "slow":
            await asyncio.sleep(0.2)
        lines: list[bytes] = []
        while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
            lines.append(line)
        now.stuffed = b"".join(lines)
        now.octets = b"".join(line.removeprefix(b".") for line in lines)
        count = accepted if self.protocol == "lmtp" else 1
        for number in range(count):
            stage = "dot" if number == 0 else f"dot{number + 1}"
            await self._say(writer, stage, b"", b"250 2.0.0 taken %d\r\n" % (number + 1))
        last = self.script("after-dot", b"")
        if last == "close":
            raise _Close
        if isinstance(last, bytes):
            await asyncio.sleep(0.02)
            writer.write(last)


class _Close(Exception):
    """The script says to hang up."""
