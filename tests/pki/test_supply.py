"""Revocation data come from the cache, and from the network beside the mail path (T113-T115)."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from ipaddress import IPv4Network

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app.pki import supply as supplying
from app.pki.certificate import Certificate
from app.pki.guard import Guard
from app.pki.path import validate
from app.pki.supply import Stored, Supply
from tests.pki.asking import anchors
from tests.pki.test_fetch import Server, ok
from tests.testpki import AT, TestCA, TestIdentity, ca

DER, LATER = Encoding.DER, ocsp.OCSPResponseStatus.TRY_LATER
REFUSED = b"HTTP/1.1 503 Later\r\n\r\n"


class Memory:
    """A cache for one process."""

    def __init__(self) -> None:
        self.stored: dict[str, Stored] = {}
        self.failures: list[tuple[str, str]] = []

    def find(self, key: str) -> Stored | None:
        return self.stored.get(key)

    def put(self, key: str, stored: Stored) -> None:
        self.stored[key] = stored

    def failed(self, url: str, at: datetime, problem: str) -> None:
        assert at >= AT
        self.failures.append((url, problem))


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


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.server.close()


def test_first_question_waits_and_the_next_ones_do_not(world: World) -> None:
    assert world.ask(world.good) == "good"
    assert world.ask(world.bad) == "revoked"
    assert world.ask(world.good) == "good"
    world.settle()
    # One list for all; the responder, who is asked about each, answers nobody.
    assert world.requests == [b"GET", b"POST", b"POST"]


def test_responder_answers_where_the_list_is_missing(world: World) -> None:
    world.list, world.response = REFUSED, ok(world.root.ocsp(world.bad))
    assert world.ask(world.bad) == "revoked"
    assert world.ask(world.good) == "unknown"


def test_silent_responder_is_waited_for_once_and_briefly(world: World) -> None:
    world.supply._wait_seconds = 0.2
    world.gate.clear()
    began = time.monotonic()
    assert world.ask(world.good) == "unknown"
    assert time.monotonic() - began < 10
    world.gate.set()
    world.settle()
    assert world.ask(world.good) == "good"


# T115: another certificate of the same authority must not wait again
def test_who_was_slow_is_not_waited_for_again_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.list, world.response = REFUSED, ok(world.root.ocsp(world.bad))
    world.supply._wait_seconds = 0.1
    world.gate.clear()
    assert world.ask(world.good) == "unknown"
    world.supply._wait_seconds = 30
    began = time.monotonic()
    assert world.ask(world.bad) == "unknown"
    assert time.monotonic() - began < 10
    world.gate.set()
    world.settle()
    assert world.ask(world.bad) == "revoked", "it came all the same"


# T115
def test_where_nobody_may_wait_it_is_fetched_meanwhile(world: World) -> None:
    def refuse() -> None:
        raise BlockingIOError

    world.supply._before_waiting = refuse
    with pytest.raises(BlockingIOError):
        world.ask(world.good)
    world.settle()
    assert world.ask(world.good) == "good"


def test_long_list_is_not_checked_where_nobody_may_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise BlockingIOError

    assert world.ask(world.good) == "good"
    world.settle()
    world.supply._before_waiting = refuse
    # The list is known; what the responder says is not waited for either.
    world.supply._slow.note(world.root.url + ".ocsp")
    assert world.ask(world.good) == "good"
    monkeypatch.setattr(supplying, "LARGE_OCTETS", 10)
    with pytest.raises(BlockingIOError):
        world.ask(world.good)


def test_without_a_guard_nobody_is_asked(world: World) -> None:
    alone = Supply(world.memory, None)
    fetching, world.supply = world.supply, alone
    assert world.ask(world.good) == "unknown"
    assert world.requests == []
    world.supply = fetching
    world.ask(world.good)
    world.settle()
    world.supply = alone
    assert world.ask(world.good) == "good"


def test_one_responder_does_not_keep_the_others_waiting(world: World) -> None:
    world.supply._wait_seconds = 0
    world.gate.clear()
    for number in range(6):
        world.ask(world.root.issue(f"n{number}@example.org"))
    assert len(world.supply._flights) == 1 + supplying.THREADS_EACH
    world.gate.set()
    world.settle()


# T58: an answer that ended, or none, is a failure and not asked for with each message
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (REFUSED, "the host answers 503"),
        (ok(b"later"), "the answer is no CRL"),
        (None, "the answer has ended"),
    ],
)
def test_who_fails_is_named(world: World, answer: bytes | None, problem: str) -> None:
    stale = ok(world.root.crl(at=AT - timedelta(days=30)))
    world.list = stale if answer is None else answer
    world.response = ok(ocsp.OCSPResponseBuilder.build_unsuccessful(LATER).public_bytes(DER))
    assert world.ask(world.good) == "unknown"
    world.settle()
    assert world.ask(world.good) == "unknown"
    assert world.requests == [b"GET", b"POST"]
    assert sorted(world.memory.failures) == [
        (world.root.url + ".crl", problem),
        (world.root.url + ".ocsp", "the answer is no OCSP response"),
    ]
    assert world.memory.stored == {}


def test_what_failed_is_left_alone_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, world.list = world.list, REFUSED
    assert world.ask(world.good) == "unknown"
    world.settle()
    world.list = genuine
    assert world.ask(world.good) == "unknown"
    assert world.requests == [b"GET", b"POST"]
    monkeypatch.setattr(supplying, "RETRY_SECONDS", -1.0)
    assert world.ask(world.good) == "good"


def test_old_answer_is_given_and_fetched_anew_meanwhile(world: World) -> None:
    assert world.ask(world.good) == "good"
    world.settle()
    newer = world.root.crl(at=AT + timedelta(days=2), number=2)
    world.list = ok(newer)
    world.supply._wait_seconds = 0
    # Half a day later it is good for six days more, and yet it is fetched anew.
    assert world.ask(world.good, timedelta(hours=12)) == "good"
    world.settle()
    assert newer in [each.octets for each in world.memory.stored.values()]


def test_young_answer_is_not_fetched_anew(world: World) -> None:
    assert world.ask(world.good) == "good"
    world.settle()
    assert world.ask(world.good, timedelta(hours=5)) == "good"
    world.settle()
    assert world.requests.count(b"GET") == 1


def test_answer_that_ended_is_not_given(world: World) -> None:
    assert world.ask(world.good) == "good"
    world.settle()
    world.list = REFUSED
    assert world.ask(world.good, timedelta(days=30)) == "unknown"


# The responder's own times, as hostile as it likes: nothing of them may reach the mail.
@pytest.mark.parametrize(
    "end", [b"2026061611.0000", b"00000616110000Z", b"9999123123-1200", b"99991231235959Z"]
)
def test_odd_end_of_an_answer_does_no_harm(world: World, end: bytes) -> None:
    genuine = world.root.ocsp(world.good)
    said = (AT + timedelta(hours=23)).strftime("%Y%m%d%H%M%SZ").encode()
    assert genuine.count(said) == 1
    world.response = ok(genuine.replace(said, end))
    assert world.ask(world.good) == "good", "by the list"
    world.settle()
    assert all(AT <= each.until <= AT + supplying.LONGEST for each in world.memory.stored.values())
    assert len(world.memory.stored) == 2
    assert world.ask(world.good, timedelta(minutes=5)) == "good"


def test_failure_that_nobody_foresaw_is_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(octets: bytes) -> None:
        raise RecursionError(octets)

    monkeypatch.setattr(supplying, "next_update_of", fails)
    assert world.ask(world.good) == "unknown"
    world.settle()
    assert (world.root.url + ".crl", "the answer cannot be read") in world.memory.failures


def test_certificate_without_a_path_is_not_asked_about(world: World) -> None:  # T113
    leaf = Certificate.from_der(world.good.certificate)
    stranger = anchors(ca("Supply Stranger"))
    assert validate(leaf, (), stranger, at=AT, source=world.supply).status == "untrusted"
    assert world.requests == []


def test_many_messages_at_once_cause_one_fetch(world: World) -> None:  # T114
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(world.ask, [world.good] * 50))
    assert set(answers) == {"good"}
    world.settle()
    assert world.requests == [b"GET", b"POST"]
