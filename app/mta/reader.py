"""Reads what a client sends: command lines, and messages in blocks.

A message ends at CRLF dot CRLF and nowhere else, however the octets are cut into packets. Dots are
taken away once, for the whole message; nothing here looks at it line by line. What is held is
bounded: a message over the limit is read on to its end, and dropped. RFC 5321 §2.3.8, §4.1.1.4,
§4.5.2.
"""

import asyncio
import contextlib
from typing import Final

from app.mta.alarm import Alarm

END: Final = b"\r\n.\r\n"
HELD_OCTETS: Final = 64 * 1024
"""What a client may send ahead of being read."""
LINE_OCTETS: Final = 2048
"""RFC 5321 §4.5.3.1.4 asks for 512; extensions and long addresses add to it."""
ENDLESS_OCTETS: Final = 1024 * 1024
"""After so much without an end nobody waits for the end of a line."""


class Gone(ConnectionError):
    """The client has ended what it says."""


class Late(TimeoutError):
    """The client was too slow."""


class Reader:
    """The octets of one connection: ``put`` in as they come, and taken out by lines or messages.

    One coroutine waits for them in ``fill``. Whoever puts some in may take lines out itself, or
    ``wake`` it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._held = 0
        self._text = b""
        self._at = 0
        self._cut = 0
        # How much of a line was dropped that was too long and has not ended.
        self._paused = False
        self._ended = False
        self._puts = 0
        self._waiter: asyncio.Future[None] | None = None
        self._alarm = Alarm(loop, self._expire)

    def attach(self, transport: asyncio.Transport) -> None:
        """Read from this transport, and forget what came over another one (T26)."""
        self.discard()
        self._transport = transport
        self._paused = False

    def discard(self) -> None:
        """Forget what has come: nothing said before TLS counts after it (RFC 3207 §4.2)."""
        self._chunks.clear()
        self._held = self._at = 0
        self._text = b""

    def put(self, octets: bytes) -> None:
        """Take what the transport received."""
        self._puts += 1
        self._chunks.append(octets)
        self._held += len(octets)
        if self._held > HELD_OCTETS and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def end(self) -> None:
        """Note that no more will come."""
        self._ended = True
        self._alarm.close()
        self.wake()

    def wake(self) -> None:
        """Let the coroutine go on."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _expire(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_exception(Late())

    @property
    def is_waited_for(self) -> bool:
        """Whether the coroutine waits for octets, and has not been woken."""
        return self._waiter is not None and not self._waiter.done()

    def wait_until(self, deadline: float) -> None:
        """Let the coroutine wait on, until this time."""
        if not self._ended:
            self._alarm.set(deadline)

    async def fill(self, deadline: float) -> None:
        """Wait until there is more. Raises Gone, and Late at the deadline (of the loop's clock)."""
        if not self._chunks:
            if self._ended:
                raise Gone
            before = self._puts
            self._waiter = self._loop.create_future()
            self._alarm.set(deadline)
            try:
                await self._waiter
            finally:
                self._alarm.clear()
                self._waiter = None
            if self._puts == before:
                raise Gone
        self.take()

    def take(self) -> None:
        """Make lines of what was put in."""
        if not self._chunks:
            return
        rest = self._text[self._at :]
        # One chunk is the rule, and is not copied.
        is_one = not rest and len(self._chunks) == 1
        self._text = self._chunks[0] if is_one else b"".join((rest, *self._chunks))
        self._at = self._held = 0
        self._chunks.clear()
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    @property
    def has_more(self) -> bool:
        """Whether something came that nobody has taken."""
        return bool(self._chunks) or self.unread > 0

    @property
    def unread(self) -> int:
        """How many octets wait to be taken as a line."""
        return len(self._text) - self._at

    def line(self) -> bytes | None:
        """Return the next line with its end, None if there is no whole one.

        Of one that is too long, enough is returned to tell, or all of it.
        """
        stop = self._text.find(b"\n", self._at) + 1
        if not stop:
            if self.unread > LINE_OCTETS:
                self._cut += self.unread - LINE_OCTETS
                self._text, self._at = self._text[self._at : self._at + LINE_OCTETS], 0
            return None
        start, self._at = self._at, stop
        if self._cut:
            self._cut = 0
        return self._text[start:stop]

    @property
    def is_endless(self) -> bool:
        """Whether the line that comes has no end that is worth waiting for (T30)."""
        return self._cut > ENDLESS_OCTETS

    async def drop(self, limit_octets: int, deadline: float) -> None:
        """Drop what still comes, until it ends, is too much or comes too late."""
        came = 0
        with contextlib.suppress(Gone, Late):
            while came <= limit_octets:
                await self.fill(deadline)
                came += self.unread
                self.discard()

    async def message(self, limit_octets: int, pace: "Pace") -> bytes | None:
        """Return a message without its end and without stuffing, None if it was over the limit.

        Raises Gone and Late.
        """
        # A dot that was put in stands behind a CRLF, so a message that fits has grown by a third at
        # most; what is longer is dropped as it comes.
        keep = limit_octets + limit_octets // 3 + len(END)
        body, tail, came = Body(), b"\r\n", 0
        chunk, self._text, self._at = self._text[self._at :], b"", 0
        while (place := _find_end(tail, chunk)) is None:
            came += len(chunk)
            body.add(chunk)
            if came > keep:
                body.clear()
            tail = (tail + chunk[-4:])[-4:]
            await self.fill(pace.deadline(came))
            chunk, self._text = self._text, b""
        self._text = chunk[place + 3 :]
        if came > keep or came + place > keep:
            return None
        octets = _unstuff(body.end(chunk, place))
        return octets if len(octets) <= limit_octets else None


class Body:
    """What has come of a message, in blocks: neither many small packets nor one large copy."""

    BLOCK_OCTETS: Final = 64 * 1024

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._last = bytearray()
        self.octets = 0

    def add(self, chunk: bytes) -> None:
        """Take what came."""
        self.octets += len(chunk)
        if not self._last and len(chunk) >= self.BLOCK_OCTETS:
            self._blocks.append(chunk)
            return
        self._last += chunk
        if len(self._last) >= self.BLOCK_OCTETS:
            self._blocks.append(bytes(self._last))
            self._last.clear()

    def clear(self) -> None:
        """Drop everything."""
        self._blocks.clear()
        self._last.clear()
        self.octets = 0

    def end(self, chunk: bytes, place: int) -> bytes:
        """Return all up to a place in the chunk, negative if it lies before it; keep nothing."""
        if place < 0:
            if len(self._last) < -place and self._blocks:
                self._last[:0] = self._blocks.pop()
            del self._last[place:]
        if not self.octets:
            return chunk[: max(place, 0)]
        octets = b"".join((*self._blocks, self._last, chunk[: max(place, 0)]))
        self.clear()
        return octets


class Pace:
    """How slow a client may be with a message: a grace, a rate, and an end (T28)."""

    OCTETS_PER_SECOND: Final = 500
    TOTAL_SECONDS: Final = 1200

    def __init__(self, started: float, grace_seconds: float) -> None:
        self._started = started
        self._grace = grace_seconds

    def deadline(self, came: int) -> float:
        """Return until when more must come, after so many octets."""
        return self._started + min(self._grace + came / self.OCTETS_PER_SECOND, self.TOTAL_SECONDS)


def _find_end(tail: bytes, chunk: bytes) -> int | None:
    """Return where in the chunk the dot of END stands or would stand; negative lies in the tail.

    The end may lie across the seam; one there comes before any in the chunk.
    """
    seam = (tail + chunk[:4]).find(END)
    if seam >= 0:
        return seam - len(tail) + 2
    place = chunk.find(END)
    return place + 2 if place >= 0 else None


def _unstuff(octets: bytes) -> bytes:
    """Return the message as it was before dots were put in (RFC 5321 §4.5.2)."""
    if octets.startswith(b"."):
        octets = octets[1:]
    return octets.replace(b"\r\n.", b"\r\n")
