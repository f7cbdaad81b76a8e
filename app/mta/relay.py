"""The relay: hands messages to the next hop over kept connections, one reply per recipient.

It waits for the next hop's word and passes it on; it keeps no mail. Whatever goes wrong is
temporary. A kept connection that turns out to be dead is replaced once, and only while nothing of
the message can have been taken (design 1, decisions 2 and 12).

After a crash: see client.py; there is nothing on this side to lose.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Final

from app import clock
from app.mail.canonical import is_crlf
from app.mta import maildir, reply, wire
from app.mta.cargo import Cargo
from app.mta.client import Connection, Stale, Timeouts, Unusable, open_connection
from app.mta.nexthop import NextHop
from app.mta.reply import Reply
from app.mta.wire import Transaction

__all__ = ["Cargo", "NextHop", "Relay", "Timeouts"]

log = logging.getLogger("sealmon.relay")

IDLE_SECONDS: Final = 20
"""Shorter than any server waits; a connection older than this is not worth a doubt."""
USES_AT_MOST: Final = 1000
CONNECTIONS_AT_MOST: Final = 64
"""To one next hop, from one worker."""


@dataclass(slots=True)
class _Pool:
    """The connections to one next hop."""

    idle: list[tuple[Connection, float]] = field(default_factory=list)
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS_AT_MOST))

    def take(self, now: float) -> Connection | None:
        """Return a kept connection that still looks alive."""
        while self.idle:
            connection, since = self.idle.pop()
            if connection.is_fit and now - since < IDLE_SECONDS:
                return connection
            connection.leave()
        return None

    def keep(self, connection: Connection, now: float) -> None:
        """Keep a connection for the next message if it is good for one."""
        if connection.is_fit and connection.uses < USES_AT_MOST:
            self.idle.append((connection, now))
        else:
            connection.leave()


class Relay:
    """Sends messages to next hops. Belongs to one event loop."""

    def __init__(self, hostname: str, timeouts: Timeouts | None = None) -> None:
        self._hostname = hostname
        self._timeouts = timeouts or Timeouts()
        self._pools: dict[NextHop, _Pool] = {}

    async def send(
        self,
        hop: NextHop,
        reverse_path: str,
        recipients: Sequence[str],
        cargo: object,
        *,
        eight_bit: bool = False,
        smtputf8: bool = False,
    ) -> list[Reply]:
        """Relay a message and return one reply per recipient, in their order.

        The cargo is a Cargo; anything else is stopped. Raises nothing but CancelledError.
        """
        if not isinstance(cargo, Cargo) or not cargo.may_go_to(recipients):
            log.critical("a message without a permit was stopped")
            return [reply.STEP_FAILED] * len(recipients)
        if not is_crlf(cargo.octets):
            log.error("a message with a bare CR or LF was stopped")
            return [reply.STEP_FAILED] * len(recipients)
        if hop.protocol == "maildir":
            return await asyncio.to_thread(
                maildir.deliver, hop.path, reverse_path, tuple(recipients), cargo.octets
            )
        if not wire.is_writable(reverse_path):
            return [reply.BAD_PATH] * len(recipients)
        needs_utf8 = smtputf8 or not "".join((reverse_path, *recipients)).isascii()
        writable = [wire.is_writable(one) for one in recipients]
        mail = Transaction(
            reverse_path, tuple(compress(recipients, writable)), cargo.octets, eight_bit, needs_utf8
        )
        answers = iter(await self._relay(hop, mail) if mail.recipients else [])
        return [next(answers) if is_one else reply.BAD_PATH for is_one in writable]

    async def _relay(self, hop: NextHop, mail: Transaction) -> list[Reply]:
        """Return the outcomes; every failure of the way there is one of them."""
        try:
            pool = self._pools.get(hop)
            if pool is None:
                pool = self._pools[hop] = _Pool()
            deadline = asyncio.get_running_loop().time() + self._timeouts.total_seconds
            return await self._in_turn(pool, hop, mail, deadline)
        except Unusable as problem:
            failure = problem.reply
        except TimeoutError:
            failure = reply.TIMED_OUT
        except OSError:
            failure = reply.UNREACHABLE
        log.warning("%s: %s", hop, failure)
        return [failure] * len(mail.recipients)

    async def _in_turn(
        self, pool: _Pool, hop: NextHop, mail: Transaction, deadline: float
    ) -> list[Reply]:
        """Wait until one more connection is allowed, but not for ever."""
        if not pool.slots.locked():
            await pool.slots.acquire()  # which does not wait, and so needs no timer
        else:
            try:
                async with asyncio.timeout(self._timeouts.turn_seconds):
                    await pool.slots.acquire()
            except TimeoutError:
                raise Unusable(reply.BUSY) from None
        try:
            return await self._attempt(pool, hop, mail, deadline)
        finally:
            pool.slots.release()

    async def _attempt(
        self, pool: _Pool, hop: NextHop, mail: Transaction, deadline: float
    ) -> list[Reply]:
        while (connection := pool.take(clock.monotonic())) is not None:
            try:
                return await self._over(connection, pool, mail, deadline)
            except Stale:
                log.info("%s: a kept connection had died; taking another", hop)
        async with asyncio.timeout_at(deadline):
            connection = await open_connection(hop, self._hostname, self._timeouts)
        return await self._over(connection, pool, mail, deadline)

    async def _over(
        self, connection: Connection, pool: _Pool, mail: Transaction, deadline: float
    ) -> list[Reply]:
        try:
            answers = await connection.transact(mail, deadline)
        except BaseException:
            connection.close()
            raise
        pool.keep(connection, clock.monotonic())
        return answers

    async def close(self) -> None:
        """Leave all kept connections."""
        for pool in self._pools.values():
            while pool.idle:
                pool.idle.pop()[0].leave()
