"""The receiver: listens for SMTP and LMTP, counts who is there, and drains when it is told to.

One Front stands behind each listening socket; sessions do the talking. The number of connections is
bounded, altogether and for each client (T29), and what is over the bound hears 421. RFC 5321 §3.8.

After a crash: nothing is kept here.
"""

import asyncio
import contextlib
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from socket import socket
from typing import Any, Final, Protocol

from aiosmtpd.smtp import SMTP

from app.mail import limits
from app.mta import reply
from app.mta.data import Awaited
from app.mta.envelope import Envelope, Peer
from app.mta.listener import BACKLOG, Listener, MalformedListener
from app.mta.reply import Reply
from app.mta.session import Session

__all__ = ["Listener", "MalformedListener", "Receiver", "ReceiverSettings", "start_listeners"]

DRAIN_SECONDS: Final = 30


class Gateway(Protocol):
    """What stands behind the receiver; app/mta/transaction.py has the one in use."""

    def refuse_recipient(
        self, reverse_path: str, recipient: str, peer: Peer
    ) -> Reply | Awaited | None:
        """Return why this recipient is not taken, None if it is; or how to find out."""

    async def deliver(self, envelope: Envelope) -> list[Reply]:
        """Return one reply per recipient, in their order."""


def _nobody(address: str) -> bool:
    del address
    return False


@dataclass(frozen=True, slots=True)
class ReceiverSettings:
    """What is announced and what is allowed."""

    hostname: str
    message_octets: int = limits.MESSAGE_OCTETS
    smtputf8: bool = True
    tls: ssl.SSLContext | None = None
    """Set: STARTTLS is offered."""
    may_xforward: Callable[[str], bool] = _nobody
    """Whether the client at this address hands over facts of another one; "" is a UNIX socket."""
    recipients: int = limits.RECIPIENTS
    connections: int = 1000
    """To one listener of one worker."""
    connections_per_client: int = 50
    command_seconds: float = 60
    errors: int = 20


class Front:
    """What the sessions behind one listening socket share."""

    def __init__(self, gateway: Gateway, listener: Listener, settings: ReceiverSettings) -> None:
        self.gateway = gateway
        self.settings = settings
        self.is_lmtp = listener.protocol == "lmtp"
        self.is_draining = False
        self.greeting = f"{settings.hostname} {'LMTP' if self.is_lmtp else 'ESMTP'} Sealmon"
        self.extensions = (
            "PIPELINING",
            f"SIZE {settings.message_octets}",
            "8BITMIME",
            "ENHANCEDSTATUSCODES",
            *(["SMTPUTF8"] if settings.smtputf8 else []),
        )
        self.template = _template(settings)
        self._sessions: set[Session] = set()
        self._clients: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, session: Session) -> Reply | None:
        """Count a session in, or return why it cannot stay."""
        if self.is_draining:
            return reply.SHUTTING_DOWN
        # Who may open a UNIX socket is decided by its file; all its clients look alike.
        of_client = self._clients[session.address] if session.address else 0
        if (
            len(self._sessions) >= self.settings.connections
            or of_client >= self.settings.connections_per_client
        ):
            return reply.TOO_MANY_CONNECTIONS
        self._sessions.add(session)
        self._empty.clear()
        self._clients[session.address] += 1
        return None

    def leave(self, session: Session) -> None:
        """Count a session out; it may be out already."""
        if session in self._sessions:
            self._sessions.remove(session)
            self._clients[session.address] -= 1
            if not self._clients[session.address]:
                del self._clients[session.address]
            if not self._sessions:
                self._empty.set()

    async def drain(self, seconds: float) -> None:
        """Send the idle away, let the others finish, and break off when the time is over."""
        self.is_draining = True
        for session in tuple(self._sessions):
            session.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        for session in tuple(self._sessions):
            session.break_off()


def _template(settings: ReceiverSettings) -> dict[str, Any]:
    """Return what aiosmtpd sets up for each connection and is the same for all of them."""
    loop = asyncio.get_running_loop()
    model = SMTP(object(), hostname=settings.hostname, tls_context=settings.tls, loop=loop)
    made = vars(model)
    return {name: value for name, value in made.items() if name not in _NOT_SHARED}


_NOT_SHARED: Final = frozenset({"_auth_methods", "_smtp_methods", "_handle_client"})


class Receiver:
    """The listeners of one process."""

    def __init__(self, servers: Sequence[asyncio.Server], fronts: Sequence[Front]) -> None:
        self._servers = servers
        self._fronts = fronts

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Stop accepting and finish what is under way; returns when all clients have left."""
        for server in self._servers:
            server.close()
        await asyncio.gather(*(front.drain(seconds) for front in self._fronts))


async def start_listeners(
    gateway: Gateway, bound: Sequence[tuple[Listener, socket]], settings: ReceiverSettings
) -> Receiver:
    """Accept clients on sockets that already listen."""
    loop = asyncio.get_running_loop()
    servers, fronts = [], []
    for listener, sock in bound:
        front = Front(gateway, listener, settings)
        # One connection is accepted at a time, so that workers that share the socket share the
        # load; asyncio would also make this number the backlog of the kernel, which is put right
        # after.
        servers.append(await loop.create_server(partial(Session, front), sock=sock, backlog=1))
        sock.listen(BACKLOG)
        fronts.append(front)
    return Receiver(servers, fronts)
