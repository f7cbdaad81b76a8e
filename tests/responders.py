"""An authority whose list and OCSP responder are on loopback, as good or as bad as a test says.

``Responders()`` serves by path; ``responders.authority("Root")`` is a root whose certificates point
there, and what it publishes is there until ``answers`` says otherwise. A Guard that lets the
gateway come to loopback is ``responders.guard``.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network
from typing import Any

from app.model.snapshot import Store
from app.pki.guard import Guard
from app.pki.supply import Supply
from tests.houses import House
from tests.testpki import AT, TestCA, TestIdentity, ca

Answer = bytes | Callable[[], bytes] | None
"""None is 503."""


@dataclass
class Responders:
    """A server for CRLs and OCSP responses; it remembers which paths were asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    """Closed: nobody is answered."""
    host: str = "pki.example"
    """As certificates name it; the address for those who have no guard of ours."""

    def __post_init__(self) -> None:
        self.gate.set()
        responders = self

        class Handler(BaseHTTPRequestHandler):
            """Answers what the test says."""

            def do_GET(self) -> None:
                responders.requests.append(self.path)
                responders.gate.wait(60)
                answer = responders.answers.get(self.path)
                octets = answer() if callable(answer) else answer
                self.send_response(503 if octets is None else 200)
                self.send_header("Content-Length", str(len(octets or b"")))
                self.end_headers()
                self.wfile.write(octets or b"")

            do_POST = do_GET  # noqa: N815 - as http.server calls it

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def guard(self) -> Guard:
        """What lets the gateway come here, and nowhere else."""
        return Guard(
            [IPv4Network("127.0.0.0/8")], frozenset((self.port,)), lambda *_: ["127.0.0.1"]
        )

    def authority(self, name: str) -> TestCA:
        """Return a root whose certificates point here."""
        return ca(name, url=self.url(name))

    def url(self, path: str) -> str:
        """Return the URL of something here."""
        return f"http://{self.host}:{self.port}/{path}"

    def publish(self, root: TestCA, *identities: TestIdentity) -> None:
        """Answer as a good authority does; of several the responder knows the last."""
        name = "/" + root.url.rpartition("/")[2]
        self.answers[name + ".crl"] = root.crl(at=AT)
        for each in identities:
            self.answers[name + ".ocsp"] = root.ocsp(each, at=AT)

    def close(self) -> None:
        """Let everybody go and stop."""
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def supply_of(store: Store, wait_seconds: float = 30) -> Supply:
    """Return the source of a store; it waits long enough for a machine that is busy."""
    source = store.trust.revocation_source
    assert isinstance(source, Supply)
    source._wait_seconds = wait_seconds
    return source


def asks(house: House, responders: Responders, wait_seconds: float = 30) -> None:
    """Let a house fetch revocation data from these responders."""
    house.guard = responders.guard
    house.changed()
    supply_of(house.store, wait_seconds)
