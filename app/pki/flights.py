"""Fetches in the background: one for each thing that is wanted, whoever wants it.

However many messages ask for a thing, and however many processes share a cache, one thread goes
there; the other processes wait for what it brings. What failed is left alone for a while by all of
them (T114), and who was slow is not waited for again for a while (T115). A thread starts when it is
needed and ends by itself.

After a crash: a claim that nobody gave up ends by itself, and another process goes.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from app import clock
from app.pki.errors import CannotFetch

RETRY_SECONDS: Final = 60.0
LEASE_SECONDS: Final = 30.0
"""For how long a claim holds: longer than a fetch takes."""
POLL_SECONDS: Final = 0.05
_MINUTE_SECONDS: Final = 60.0
_REMEMBERED: Final = 10_000

# What a claim says.
OURS: Final = "ours"
THEIRS: Final = "theirs"
FAILED: Final = "failed"


@dataclass(frozen=True, slots=True)
class Stored:
    """One answer in the cache."""

    octets: bytes
    fetched_at: datetime
    until: datetime  # such as nextUpdate; after it the answer tells nothing any more
    url: str = ""


class FetchCache(Protocol):
    """Where answers are kept for all processes; no method raises because a store is silent.

    ``find`` may raise what its owner raises where nobody may wait; it reaches whoever asked. The
    other methods are called by threads that end thereafter, with ``leave`` last.
    """

    def find(self, key: str) -> Stored | None:
        """Return the answer under a key, which may be a minute behind."""

    def look(self, key: str) -> Stored | None:
        """Return the answer that is under a key now."""

    def claim(self, key: str) -> str:
        """Return "ours", "theirs" if another process is on its way, "failed" if one was lately."""

    def release(self, key: str) -> None:
        """Give up a claim; there was nothing to fetch."""

    def put(self, key: str, stored: Stored) -> None:
        """Keep an answer in the place of the one before, and give up the claim."""

    def failed(self, key: str, url: str, at: datetime, problem: str) -> None:
        """Keep the others away for a while, and take note that a URL, if any, gave no answer."""

    def leave(self) -> None:
        """Let go of what this thread has open."""


class Errand(Protocol):
    """One thing that is to be had from one URL."""

    @property
    def key(self) -> str:
        """Its name in the cache."""

    @property
    def url(self) -> str:
        """Where it is."""

    @property
    def told_as(self) -> str:
        """What an administrator is told if it fails; empty if that is no affair of his."""

    def is_due(self, stored: Stored, at: datetime) -> bool:
        """Return whether an answer that still holds is to be fetched anew."""

    def fetch(self, at: datetime, before: Stored | None) -> Stored:
        """Fetch it; ``before`` is the answer that is known. Raises CannotFetch."""


@dataclass(frozen=True, slots=True)
class Flight:
    """A thread on its way to a URL."""

    url: str
    ended: threading.Event = field(default_factory=threading.Event)


class Flights:
    """The threads of a process that are under way."""

    def __init__(
        self, cache: FetchCache, threads: int, threads_each: int, a_minute: int = 1_000
    ) -> None:
        """Never fly with more threads, with more to one URL, nor more often in a minute."""
        self._cache = cache
        self._threads = threads
        self._threads_each = threads_each
        self._started_at: deque[float] = deque(maxlen=a_minute)
        self._lock = threading.Lock()
        self._under_way: dict[str, Flight] = {}
        self._failed = Lately()
        self._slow = Lately()

    def __len__(self) -> int:
        """Return how many are under way."""
        return len(self._under_way)

    def look_after(self, errand: Errand, at: datetime) -> Flight | None:
        """Start what has to be fetched; return what is worth waiting for."""
        stored = self._cache.find(errand.key)
        if stored is not None and at <= stored.until:
            if errand.is_due(stored, at):
                self.start(errand, at)
            return None
        flight = self.start(errand, at)
        return None if self._slow.has(errand.url) else flight

    def start(self, errand: Errand, at: datetime) -> Flight | None:
        """Start a thread; return who is on the way, None if nobody can go now."""
        with self._lock:
            under_way = self._under_way.get(errand.key)
            if under_way is not None:
                return under_way
            if self._failed.has(errand.key) or self._is_busy(errand.url):
                return None
            self._started_at.append(clock.monotonic())
            flight = self._under_way[errand.key] = Flight(errand.url)
        try:
            threading.Thread(target=self._fly, args=(errand, at, flight), daemon=True).start()
        except RuntimeError:
            # No thread is to be had now: the mail goes on without, and the next one tries again.
            self._land(errand, flight)
            return None
        return flight

    def wait(self, flights: Sequence[Flight], seconds: float) -> None:
        """Wait for all of them together, and remember who was slow."""
        deadline = clock.monotonic() + seconds
        for flight in flights:
            if not flight.ended.wait(max(0.0, deadline - clock.monotonic())):
                self._slow.note(flight.url)

    def _is_busy(self, url: str) -> bool:
        to_it = sum(flight.url == url for flight in self._under_way.values())
        starts = self._started_at
        if len(starts) == starts.maxlen and clock.monotonic() - starts[0] < _MINUTE_SECONDS:
            return True
        return len(self._under_way) >= self._threads or to_it >= self._threads_each

    def _fly(self, errand: Errand, at: datetime, flight: Flight) -> None:
        try:
            self._bring(errand, at)
        except CannotFetch as error:
            self._failed.note(errand.key)
            self._cache.failed(errand.key, errand.told_as, at, str(error))
        finally:
            self._land(errand, flight)
            self._cache.leave()

    def _land(self, errand: Errand, flight: Flight) -> None:
        with self._lock:
            del self._under_way[errand.key]
        flight.ended.set()

    def _bring(self, errand: Errand, at: datetime) -> None:
        """Fetch an answer and keep it, or wait for the process that does."""
        deadline = clock.monotonic() + LEASE_SECONDS
        while (claim := self._cache.claim(errand.key)) == THEIRS:
            if clock.monotonic() > deadline:
                return
            time.sleep(POLL_SECONDS)
        if claim == FAILED:
            self._failed.note(errand.key)
            return
        before = self._cache.look(errand.key)
        if before is not None and at <= before.until and not errand.is_due(before, at):
            self._cache.release(errand.key)
            return
        self._cache.put(errand.key, errand.fetch(at, before))


class Lately:
    """Names that were noted within the last minute. Threads share it without a lock."""

    def __init__(self) -> None:
        self._noted_at: dict[str, float] = {}

    def note(self, name: str) -> None:
        """Remember a name; when there are too many all others are forgotten."""
        if len(self._noted_at) >= _REMEMBERED:
            self._noted_at = {}
        self._noted_at[name] = clock.monotonic()

    def has(self, name: str) -> bool:
        """Return whether a name was noted lately."""
        noted_at = self._noted_at.get(name)
        return noted_at is not None and clock.monotonic() - noted_at < RETRY_SECONDS
