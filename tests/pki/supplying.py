"""An authority that publishes on loopback, and a Supply that asks it."""

import socket
import threading
import time
from datetime import datetime, timedelta
from ipaddress import IPv4Network

from app.pki.certificate import Certificate
from app.pki.flights import OURS, Stored
from app.pki.guard import Guard
from app.pki.path import validate
from app.pki.supply import Supply
from tests.pki.asking import anchors
from tests.pki.test_fetch import Server, ok
from tests.testpki import AT, TestCA, TestIdentity, ca

REFUSED = b"HTTP/1.1 503 Later\r\n\r\n"


class Memory:
    """A cache for one process."""

    def __init__(self) -> None:
        self.stored: dict[str, Stored] = {}
        self.failures: list[tuple[str, str]] = []
        self.said: dict[str, str] = {}
        """What another process says of an answer."""

    def find(self, key: str) -> Stored | None:
        return self.stored.get(key)

    def put(self, key: str, stored: Stored) -> None:
        self.stored[key] = stored

    def look(self, key: str) -> Stored | None:
        return self.stored.get(key)

    def claim(self, key: str) -> str:
        return self.said.get(key, OURS)

    def release(self, key: str) -> None:
        self.said.pop(key, None)

    def failed(self, key: str, url: str, at: datetime, problem: str) -> None:
        self.said.pop(key, None)
        assert at >= AT
        self.failures.append((url, problem))

    def leave(self) -> None:
        """Close nothing."""


class World:
    """An authority whose list and responder are on one server."""

    def __init__(self) -> None:
        self.server = Server([self._route] * 100)
        self.root: TestCA = ca("Supply Root", url=f"http://pki.example:{self.server.port}/root")
        self.good: TestIdentity = self.root.issue("good@example.org")
        self.bad: TestIdentity = self.root.issue("bad@example.org", revoked="2026-01-01")
        self.list = ok(self.root.crl())
        self.response = REFUSED
        self.gate = threading.Event()
        self.gate.set()
        self.memory = Memory()
        guard = Guard(
            [IPv4Network("127.0.0.0/8")],
            frozenset((self.server.port,)),
            lambda *_: ["127.0.0.1"],
        )
        # Long enough for a machine that is busy with other tests.
        self.supply = Supply(self.memory, guard, wait_seconds=30)

    def _route(self, peer: socket.socket) -> None:
        self.gate.wait(60)
        is_list = self.server.requests[-1].startswith(b"GET")
        peer.sendall(self.list if is_list else self.response)

    @property
    def requests(self) -> list[bytes]:
        """The methods of what was asked: GET is for the list, POST for the responder."""
        return sorted(each.split()[0] for each in self.server.requests)

    def ask(self, identity: TestIdentity, after: timedelta = timedelta(0)) -> str:
        leaf = Certificate.from_der(identity.certificate)
        result = validate(
            leaf, (), anchors(self.root), at=AT + after, revocation="soft", source=self.supply
        )
        return result.revocation

    def settle(self) -> None:
        for _ in range(3000):
            if not self.supply._flights:
                return
            time.sleep(0.01)
