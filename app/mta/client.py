"""One connection to a next hop: says commands, reads replies, hands over messages.

Speaks SMTP and LMTP, pipelines MAIL, RCPT and DATA where the server says it can, and gives each
recipient an outcome whatever happens. Content is written only after 354, in one piece with its
final dot, so Stale means that nothing of the message can have been taken. RFC 5321, RFC 2033, RFC
2920, RFC 3207.

After a crash: the server sees the line break off. Before the dot it drops the message; after the
dot it may have it, and the client upstream, which has had no reply, sends it again (RFC 1047).
"""

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, cast

from app.mta import reply, wire
from app.mta.alarm import Alarm
from app.mta.nexthop import NextHop
from app.mta.reply import Reply
from app.mta.transports import read_modestly
from app.mta.wire import Transaction

LINE_OCTETS: Final = 8192
LINES_AT_MOST: Final = 4096
"""Lines of one reply, and replies not yet read; a thousand recipients answer at once."""
SLICE_OCTETS: Final = 256 * 1024


class Stale(ConnectionError):
    """A kept connection had died before any content was sent; another one may be tried."""


class Unusable(ConnectionError):
    """The server cannot be used now; ``reply`` says why, for every recipient."""

    def __init__(self, why: Reply) -> None:
        super().__init__(str(why))
        self.reply = why


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each answer may take, and all of them (R9)."""

    total_seconds: float = 240
    """Below the 300 s that RFC 5321 §4.5.3.2 lets clients wait at the least for most answers."""
    turn_seconds: float = 30
    """Until there are fewer than so many connections to the next hop."""
    connect_seconds: float = 10
    greeting_seconds: float = 20
    command_seconds: float = 30
    content_seconds: float = 180
    """From 354 to the reply after the dot; Postfix waits 600 s in LMTP."""


class Connection(asyncio.Protocol):
    """A client's side of one connection. Use ``open_connection``."""

    def __init__(self, hop: NextHop, timeouts: Timeouts) -> None:
        self.hop = hop
        self.extensions: dict[str, str] = {}
        self.uses = 0
        self._needs_reset = False
        # True while the server may still be inside a transaction that came to nothing.
        self._timeouts = timeouts
        self._buffer = b""
        self._lines: list[bytes] = []
        self._ready: deque[bytes] = deque()
        self._wanted = 0
        self._loop = asyncio.get_running_loop()
        self._alarm = Alarm(self._loop, self._expire)
        self._deadline = inf
        """Of the transaction under way."""
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._lost = False
        self._transport: asyncio.Transport

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        read_modestly(transport)
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Cut what came into replies; a server that floods us is left alone."""
        lines = (self._buffer + data).split(b"\n")
        self._buffer = lines.pop()
        for line in lines:
            self._lines.append(line.removesuffix(b"\r")[:LINE_OCTETS])
            if line[3:4] != b"-":
                self._ready.append(b"\r\n".join(self._lines))
                self._lines.clear()
        if len(self._buffer) > LINE_OCTETS or len(self._lines) + len(self._ready) > LINES_AT_MOST:
            self._buffer = b""
            self.close()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits; replies that will not come are missing."""
        del exc
        self._lost = True
        self._alarm.close()
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        """Hold the next slice back."""
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """Let the next slice go."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # What the relay calls.

    @property
    def is_fit(self) -> bool:
        """Whether it can be used again: open, and nothing was said that nobody asked for."""
        quiet = not (self._ready or self._lines or self._buffer)
        return quiet and not self._lost and not self._transport.is_closing()

    def close(self) -> None:
        """Break off, now."""
        self._lost = True
        self._transport.abort()

    def leave(self) -> None:
        """Say goodbye without waiting for the answer."""
        if not self._lost:
            self._transport.write(b"QUIT\r\n")
            self._transport.close()
            self._lost = True

    async def ask(self, commands: bytes, count: int, seconds: float) -> list[bytes]:
        """Write commands and return count replies, b"" where none came. Raises TimeoutError."""
        if not self._lost:
            self._transport.write(commands)
        if len(self._ready) < count and not self._lost:
            self._wanted = count
            self._waiter = self._loop.create_future()
            self._alarm.set(self._until(seconds))
            try:
                await self._waiter
            finally:
                self._alarm.clear()
        got = [self._ready.popleft() for _ in range(min(count, len(self._ready)))]
        return got + [b""] * (count - len(got))

    def _until(self, seconds: float) -> float:
        """Return the end of so many seconds, or of the transaction if that comes first."""
        return min(self._loop.time() + seconds, self._deadline)

    def _expire(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(TimeoutError())

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and (self._lost or len(self._ready) >= self._wanted):
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)

    async def greet(self, hostname: str) -> None:
        """Read the greeting and introduce ourselves, over TLS if the next hop asks for it.

        Raises Unusable or TimeoutError. RFC 5321 §3.1, §3.2, RFC 3207 §4.
        """
        (greeting,) = await self.ask(b"", 1, self._timeouts.greeting_seconds)
        if greeting[:1] != b"2":
            raise Unusable(wire.own_fault(greeting))
        await self._hello(hostname)
        if self.hop.tls == "none" or (self.hop.tls == "may" and "STARTTLS" not in self.extensions):
            return
        await self._start_tls()
        await self._hello(hostname)

    async def _hello(self, hostname: str) -> None:
        seconds = self._timeouts.command_seconds
        verb = "LHLO" if self.hop.protocol == "lmtp" else "EHLO"
        (answer,) = await self.ask(f"{verb} {hostname}\r\n".encode("ascii"), 1, seconds)
        if answer[:1] == b"5" and verb == "EHLO":
            # RFC 5321 §3.2: a server without extensions still knows HELO.
            (answer,) = await self.ask(f"HELO {hostname}\r\n".encode("ascii"), 1, seconds)
            self.extensions = {}
        elif answer[:1] == b"2":
            self.extensions = wire.extensions(answer)
        if answer[:1] != b"2":
            raise Unusable(wire.own_fault(answer))

    async def _start_tls(self) -> None:
        if "STARTTLS" not in self.extensions:
            raise Unusable(reply.NO_TLS)
        (answer,) = await self.ask(b"STARTTLS\r\n", 1, self._timeouts.command_seconds)
        # What the server said before the handshake must not be taken for an answer after it.
        if answer[:1] != b"2" or not self.is_fit:
            raise Unusable(reply.NO_TLS)
        try:
            transport = await asyncio.get_running_loop().start_tls(
                self._transport,
                self,
                wire.tls_context(self.hop.tls, self.hop.ca_file),
                server_hostname=self.hop.host,
                ssl_handshake_timeout=self._timeouts.command_seconds,
            )
        except (ssl.SSLError, OSError) as problem:
            raise Unusable(reply.NO_TLS) from problem
        assert transport is not None
        self._transport = transport

    async def transact(self, mail: Transaction, deadline: float) -> list[Reply]:
        """Hand one message over and return one reply per recipient, in their order.

        It takes no longer than to the deadline (of the loop's clock). Raises Stale (see the module)
        and TimeoutError; after either the connection is of no more use.
        """
        self._deadline = deadline
        refusal = wire.unfit(mail, self.extensions)
        if refusal is not None:
            return [refusal] * len(mail.recipients)
        reused, self.uses = self.uses > 0, self.uses + 1
        said = await self._envelope(mail)
        if reused and any(not one or one.startswith(b"421") for one in said):
            raise Stale
        answers = wire.recipient_outcomes(said)
        accepted = [place for place, answer in enumerate(answers) if answer is None]
        if said[-1].startswith(b"354") and accepted:
            await self._content(mail, accepted, answers)
        elif said[-1].startswith(b"354"):
            # QUIRK: some servers say 354 when they took no recipient. Nothing is written to them.
            self.close()
        else:
            self._needs_reset = True
        # Where DATA was refused, its refusal is for every recipient that had been accepted.
        return [wire.refused(said[-1]) if answer is None else answer for answer in answers]

    async def _envelope(self, mail: Transaction) -> list[bytes]:
        """Return the replies to MAIL, to each RCPT and to DATA; b"" where none came."""
        commands = wire.envelope_commands(mail, self.extensions)
        seconds = self._timeouts.command_seconds
        reset = [b"RSET\r\n"] if self._needs_reset else []
        self._needs_reset = False
        if "PIPELINING" in self.extensions:
            said = await self.ask(b"".join(reset + commands), len(reset + commands), seconds)
            return said[len(reset) :]
        for command in reset:
            await self.ask(command, 1, seconds)
        said = []
        for command in commands:
            said += await self.ask(command, 1, seconds)
            if len(said) == 1 and said[0][:1] != b"2":
                return said * len(commands)
        return said

    async def _content(
        self, mail: Transaction, accepted: list[int], answers: list[Reply | None]
    ) -> None:
        """Write the message and fill in the answers of the recipients that were accepted."""
        count = len(accepted) if self.hop.protocol == "lmtp" else 1
        deadline, meaning = self._until(self._timeouts.content_seconds), wire.outcome
        for piece in wire.stuffed(mail.octets, SLICE_OCTETS):
            if self._writable is not None:
                async with asyncio.timeout_at(deadline):
                    await self._writable
            if not self.is_fit:
                # What is said before the dot may refuse the message, and is never a yes to it.
                self.close()
                meaning = wire.refused
                break
            self._transport.write(piece)
        said = await self.ask(b"", count, deadline - self._loop.time())
        for number, place in enumerate(accepted):
            answers[place] = meaning(said[number if count > 1 else 0])


async def open_connection(hop: NextHop, hostname: str, timeouts: Timeouts) -> Connection:
    """Return a connection that has been greeted. Raises Unusable, OSError or TimeoutError."""
    loop, make = asyncio.get_running_loop(), partial(Connection, hop, timeouts)
    async with asyncio.timeout(timeouts.connect_seconds):
        if hop.path:
            _, connection = await loop.create_unix_connection(make, hop.path)
        else:
            _, connection = await loop.create_connection(make, hop.host, hop.port)
    try:
        await connection.greet(hostname)
    except BaseException:
        connection.close()
        raise
    return connection
