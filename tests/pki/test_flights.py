"""One fetch for each thing that is wanted, in whichever process somebody wants it (T114, T115)."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from app.pki import flights
from app.pki.errors import CannotFetch
from app.pki.flights import FAILED, THEIRS, Flights, Stored
from tests.pki.supplying import Memory
from tests.testpki import AT

WEEK = timedelta(days=7)


@dataclass
class Trip:
    """An Errand that brings what a test says."""

    key: str = "list"
    url: str = "http://pki.example/list"
    brings: bytes = b"octets"
    times: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def told_as(self) -> str:
        return self.url

    def is_due(self, stored: Stored, at: datetime) -> bool:
        return at >= stored.fetched_at + WEEK / 2

    def fetch(self, at: datetime, before: Stored | None) -> Stored:
        assert before is None or at > before.fetched_at
        self.times += 1
        self.gate.wait(60)
        if not self.brings:
            raise CannotFetch("nothing there")
        return Stored(self.brings, at, at + WEEK, self.url)


def settled(all_: Flights) -> None:
    for _ in range(3000):
        if not len(all_):
            return
        time.sleep(0.01)
    raise AssertionError("somebody is under way for ever")


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def trip() -> Trip:
    made = Trip()
    made.gate.set()
    return made


def test_one_thread_goes_however_many_ask(memory: Memory, trip: Trip) -> None:
    trip.gate.clear()
    all_ = Flights(memory, 8, 4)
    first = all_.look_after(trip, AT)
    assert first is not None
    assert all(all_.look_after(trip, AT) is first for _ in range(1000))
    trip.gate.set()
    all_.wait([first], 30)
    assert trip.times == 1
    assert all_.look_after(trip, AT) is None


def test_who_finds_another_process_on_the_way_waits_for_what_it_brings(
    memory: Memory, trip: Trip
) -> None:
    memory.said["list"] = THEIRS
    all_ = Flights(memory, 8, 4)
    flight = all_.look_after(trip, AT)
    assert flight is not None
    assert not flight.ended.wait(0.2)
    memory.put("list", Stored(b"theirs", AT, AT + WEEK))
    memory.release("list")
    all_.wait([flight], 30)
    settled(all_)
    assert trip.times == 0
    assert memory.stored["list"].octets == b"theirs"


def test_what_failed_elsewhere_is_left_alone(memory: Memory, trip: Trip) -> None:
    memory.said["list"] = FAILED
    all_ = Flights(memory, 8, 4)
    all_.look_after(trip, AT)
    settled(all_)
    memory.release("list")
    assert all_.look_after(trip, AT) is None
    assert (trip.times, memory.failures) == (0, [])


def test_claim_that_never_ends_is_not_waited_for_for_ever(
    memory: Memory, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flights, "LEASE_SECONDS", 0.1)
    memory.said["list"] = THEIRS
    all_ = Flights(memory, 8, 4)
    all_.look_after(trip, AT)
    settled(all_)
    assert trip.times == 0


def test_what_another_process_has_renewed_is_not_fetched_again(memory: Memory, trip: Trip) -> None:
    class Behind(Memory):
        """A cache whose memory is behind, as that of another process is for a minute."""

        def find(self, key: str) -> Stored | None:
            return Stored(key.encode(), AT - WEEK, AT + WEEK)

    behind = Behind()
    behind.put("list", Stored(b"renewed", AT, AT + WEEK))
    all_ = Flights(behind, 8, 4)
    assert all_.look_after(trip, AT) is None, "it still holds"
    settled(all_)
    assert trip.times == 0
    assert memory.stored == {}


def test_failure_is_remembered_and_named(memory: Memory, trip: Trip) -> None:
    trip.brings = b""
    all_ = Flights(memory, 8, 4)
    for _ in range(10):
        all_.look_after(trip, AT)
        settled(all_)
    assert (trip.times, memory.failures) == (1, [(trip.url, "nothing there")])


# A machine that is out of threads has them again a moment later.
def test_thread_that_cannot_start_is_nobody_on_the_way(
    memory: Memory, trip: Trip, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    all_ = Flights(memory, 1, 1)
    trip.gate.set()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuses)
        assert all_.start(trip, AT) is None
    assert len(all_) == 0
    flight = all_.start(trip, AT)
    assert flight is not None
    assert flight.ended.wait(30)
    assert trip.times == 1
