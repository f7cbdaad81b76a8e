"""One client's session: SMTP or LMTP on aiosmtpd's protocol machinery.

aiosmtpd brings the transport, STARTTLS and the session; the loop, the replies and DATA are ours,
because the envelope has to stay as it was said, DATA is read in blocks, and nothing may be answered
that leaks our insides or bounces mail by accident. Replies to pipelined commands leave together
(RFC 2920 §3.2).

After a crash: the client has had no reply for the message in hand and sends it again.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final, cast

from aiosmtpd.smtp import SMTP

from app.mta import commands, reply
from app.mta.commands import Dialogue
from app.mta.data import Later, log_fault
from app.mta.reader import Gone, Reader
from app.mta.reply import Reply
from app.mta.transports import client_address, read_modestly

if TYPE_CHECKING:
    from app.mta.receiver import Front

# aiosmtpd writes a line for each connection, and commands with what they carry.
logging.getLogger("mail.log").setLevel(logging.WARNING)

COMMANDS_AT_MOST: Final = 4000
"""Between two messages; a thousand recipients need a thousand and two (T32)."""
LINGER_SECONDS: Final = 1
LINGER_OCTETS: Final = 1024 * 1024
"""How long, and how much, a client may still say after our last words."""
COUNTED_AS_ERROR: Final = frozenset({500, 501, 502, 503, 504, 555})


class Session(SMTP):
    """Speaks to one client."""

    def __init__(self, front: "Front") -> None:
        # QUIRK: aiosmtpd 1.4.6 looks through all methods for each connection, which costs half as
        # much as relaying a message. What it finds never differs, so it is taken from a template.
        loop = asyncio.get_running_loop()
        self.__dict__.update(front.template)
        asyncio.StreamReaderProtocol.__init__(
            self, asyncio.StreamReader(loop=loop), self._cb_client_connected, loop
        )
        self.loop = loop
        self.front = front
        self.reader = Reader(loop)
        self.dialogue = Dialogue()
        self.address = ""
        self._is_idle = True
        self._is_between = self._is_counted = False
        # True while the loop waits for the next command.
        self._deadline = 0.0
        # Until when the command must have come that is waited for; 0 before somebody waits.
        self._later: Later | None = None
        self._replies: list[str] = []
        self._errors = self._commands = 0
        self._last_words: Reply | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin a session, or begin it anew after STARTTLS."""
        read_modestly(transport)
        self.reader.attach(cast("asyncio.Transport", transport))
        self.dialogue = Dialogue()
        self.address = client_address(transport.get_extra_info("peername"))
        super().connection_made(transport)
        # aiosmtpd's timer also runs while a message is worked on; here the reader has deadlines.
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()

    def data_received(self, data: bytes) -> None:
        """Answer what came if that can be done at once, else let the loop do it."""
        self.reader.put(data)
        if not (self._is_between and self.reader.is_waited_for and self._converse_at_once()):
            self.reader.wake()

    def eof_received(self) -> bool | None:
        """Answer what was said before; a client may close its side early."""
        self.reader.end()
        return not self.is_tls

    def connection_lost(self, error: Exception | None) -> None:
        """Stop; a message in hand is answered to nobody, so it counts as not delivered."""
        self.reader.end()
        self.front.leave(self)
        super().connection_lost(error)

    # What the front calls.

    @property
    def is_tls(self) -> bool:
        """Whether this side of the session is over TLS."""
        transport = self.transport
        return transport is not None and transport.get_extra_info("sslcontext") is not None

    def drain(self) -> None:
        """Leave, now if nothing is under way, else after the message in hand."""
        if self._is_idle:
            self.reader.wake()

    def break_off(self) -> None:
        """Close without a word; the client sends the message in hand again."""
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is not None:
            transport.abort()

    # The loop.

    async def _handle_client(self) -> None:
        """Answer commands until one side leaves, and close."""
        try:
            await self._talk()
            await self._close()
        finally:
            self.front.leave(self)

    async def _talk(self) -> None:
        self._last_words = self.front.enter(self)
        self._is_counted = self._last_words is None
        try:
            if self._last_words is None:
                self.say_lines(f"220 {self.front.greeting}")
            while self._last_words is None:
                await self._step()
        except TimeoutError:
            self._last_words = reply.TOO_SLOW
        except (Gone, ConnectionError):
            if self.front.is_draining:
                self._last_words = reply.SHUTTING_DOWN

    async def _step(self) -> None:
        """Answer what has come, carry out what takes its time, or wait for more."""
        later, self._later = self._later or self._converse(), None
        if later is not None:
            await self._carry_out(later)
        elif self._last_words is None:
            await self._wait()

    def _converse(self) -> Later | None:
        """Answer the commands that have come, up to one that takes its time, which is returned."""
        while self._last_words is None:
            line = self.reader.line()
            if line is None:
                return None
            self._is_idle, self._deadline = False, 0.0
            try:
                answer = commands.answer(self, line)
            except Exception as problem:  # noqa: BLE001 - the receiver's edge
                log_fault("a command failed", problem)
                answer = reply.STEP_FAILED
            if isinstance(answer, Later):
                return answer
            if answer is None:
                self._count()
            else:
                self.say(answer)
        return None

    def _converse_at_once(self) -> bool:
        """Answer what has come while the loop waits; tell whether it may wait on.

        Most commands need nothing but what we know, and waking a coroutine for each costs more than
        the answer.
        """
        if self._later is not None:
            return False
        self.reader.take()
        later = self._later = self._converse()
        if self._last_words is not None or self.reader.is_endless:
            return False
        if later is not None and (self.reader.unread or not later.needs_more):
            return False
        self._write_replies()
        if self._writer.transport.get_write_buffer_size() or self.front.is_draining:
            return False
        self._is_idle = self.dialogue.reverse_path is None
        self.reader.wait_until(self._command_deadline())
        return True

    def _command_deadline(self) -> float:
        """Return until when a whole command must have come; drops of it put nothing off."""
        self._deadline = self._deadline or self.loop.time() + self.front.settings.command_seconds
        return self._deadline

    async def _carry_out(self, later: Later) -> None:
        """Carry out a command that takes its time, and answer it."""
        self._is_idle = False
        try:
            answer = await later.run()
        except (Gone, TimeoutError, ConnectionError):
            raise
        except Exception as problem:  # noqa: BLE001 - the receiver's edge
            log_fault("a command failed", problem)
            answer = reply.STEP_FAILED
        self._deadline = 0.0
        if answer is not None:
            self.say(answer)

    async def _wait(self) -> None:
        """Wait for more to read, while nobody waits for a reply."""
        if self.reader.is_endless:
            self._last_words = reply.LINE_TOO_LONG
            return
        await self.flush()
        self._is_idle = self.dialogue.reverse_path is None
        if self._is_idle and self.front.is_draining:
            self._last_words = reply.SHUTTING_DOWN
            return
        self._is_between = True
        try:
            await self.reader.fill(self._command_deadline())
        finally:
            self._is_between = False

    async def _close(self) -> None:
        """Say the last words, where there are some, and close."""
        transport = cast("asyncio.Transport | None", self.transport)
        if transport is None:
            return
        if not transport.is_closing():
            if self._last_words is not None:
                self.say_lines(str(self._last_words))
            try:
                await self.flush()
                await self._linger(transport)
            except OSError:
                transport.abort()
            transport.close()
        if self.is_tls or transport.get_write_buffer_size():
            # asyncio waits for ever until a client has read the rest. When the connection is lost
            # this is cancelled.
            await asyncio.sleep(self.front.settings.command_seconds)
            transport.abort()

    async def _linger(self, transport: asyncio.Transport) -> None:
        """Read on for a moment where a client may still speak.

        A socket that is closed with something unread resets the connection, and the last words may
        be lost to that. Who says QUIT has ended; who was never counted in is not kept (T29).
        """
        is_over = self._last_words is reply.BYE and not self.reader.has_more
        if is_over or self._last_words is None or not self._is_counted:
            return
        if transport.can_write_eof() and not transport.get_write_buffer_size():
            transport.write_eof()
        await self.reader.drop(LINGER_OCTETS, self.loop.time() + LINGER_SECONDS)

    # What commands call.

    def say(self, *answers: Reply) -> None:
        """Reply to a command, as soon as the client waits for it."""
        for answer in answers:
            self._replies.append(str(answer))
            self._errors += answer.code in COUNTED_AS_ERROR
        self._count()

    def _count(self) -> None:
        self._commands += 1
        if self._errors >= self.front.settings.errors or self._commands > COMMANDS_AT_MOST:
            self._last_words = self._last_words or reply.TOO_MANY_ERRORS

    def say_lines(self, *lines: str) -> None:
        """Write lines of replies as they are, as soon as the client waits for them."""
        self._replies.extend(lines)

    def part(self, words: Reply) -> None:
        """End the session after these words."""
        self._last_words = words

    def message_done(self) -> None:
        """Begin to count anew: a client that hands over mail may say as much again."""
        self._errors = self._commands = 0

    def give_up(self) -> None:
        """Break off after a handshake that failed: there is nothing left to speak over."""
        original = cast("asyncio.Transport | None", self._original_transport)
        if original is not None:
            original.abort()
        self.transport = None
        self.reader.end()

    def _write_replies(self) -> None:
        if self._replies:
            self._writer.write(("\r\n".join(self._replies) + "\r\n").encode("ascii", "replace"))
            self._replies.clear()

    async def flush(self) -> None:
        """Write the replies that have gathered. Raises TimeoutError if the client reads none."""
        self._write_replies()
        if self._writer.transport.get_write_buffer_size():
            async with asyncio.timeout(self.front.settings.command_seconds):
                await self._writer.drain()
