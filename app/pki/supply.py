"""Revocation data for the mail path: from the cache at once, from the network in the background.

Nobody waits for a responder but once, and then for two seconds at most: what is in the cache is
given, what is old there is given and fetched anew meanwhile, and what is missing is waited for a
little. Who was slow is not waited for again for a while (T115). However many messages ask for a
URL, one thread goes there, and one that failed is left alone for a while (T114). Only certificates
that have a path to an anchor are asked about (T113).

A Supply belongs to the process that made it; its threads start when they are needed and end by
themselves.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol

from app import clock
from app.mail.limits import REVOCATION_WAIT_SECONDS
from app.pki.builder import Index
from app.pki.certificate import Certificate
from app.pki.crls import next_update_of
from app.pki.engine import PARSING_ERRORS, Budget, Parsed
from app.pki.errors import CannotFetch
from app.pki.fetch import fetch_crl, fetch_ocsp
from app.pki.guard import Guard
from app.pki.pointers import crl_urls, ocsp_urls
from app.pki.revdata import UNKNOWN, next_update_of_response
from app.pki.revocation import Checker

# From this age on an answer is fetched anew in the background, or from the middle of its life.
CRL_REFRESH: Final = timedelta(hours=6)
OCSP_REFRESH: Final = timedelta(hours=1)
# An answer that does not say when it ends.
WITHOUT_END: Final = timedelta(hours=1)
# Whoever says that an answer holds longer is not believed.
LONGEST: Final = timedelta(days=366)
RETRY_SECONDS: Final = 60.0
THREADS: Final = 8
# Of one responder; the others must not go without because of it.
THREADS_EACH: Final = 4
# More than this takes tens of milliseconds to check, which is a wait as well.
LARGE_OCTETS: Final = 512 * 1024
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """One answer in the cache."""

    octets: bytes
    fetched_at: datetime
    until: datetime  # nextUpdate; after it the answer tells nothing any more
    url: str = ""


class RevocationCache(Protocol):
    """Where answers are kept for all processes; no method raises because a store is silent.

    ``find`` may raise what its owner raises where nobody may wait; it reaches whoever asked Supply.
    """

    def find(self, key: str) -> Stored | None:
        """Return the answer under a key."""

    def put(self, key: str, stored: Stored) -> None:
        """Keep an answer in the place of the one before; its URL answers again.

        Called by a thread that ends thereafter, as is ``failed``.
        """

    def failed(self, url: str, at: datetime, problem: str) -> None:
        """Take note that a URL gave no answer."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """One thing that is to be had from one URL."""

    key: str
    url: str
    pair: tuple[Certificate, Certificate]
    is_list: bool
    fetch: Callable[[Guard], bytes]
    end_of: Callable[[bytes], datetime | None]
    refresh: timedelta

    def is_due(self, stored: Stored, at: datetime) -> bool:
        """Return whether it is time to fetch this anew."""
        half = (stored.until - stored.fetched_at) / 2
        return at - stored.fetched_at >= min(half, self.refresh)

    def tells(self, octets: bytes, at: datetime) -> bool:
        """Return whether an answer says anything that counts about the certificate."""
        answer = _Answer(((octets,), ()) if self.is_list else ((), (octets,)))
        checker = Checker(self.pair, Index(()), at, Parsed(), Budget())
        return checker.run("require", (), answer).status != UNKNOWN

    def answer(self, guard: Guard, at: datetime) -> Stored:
        """Fetch it. Raises CannotFetch, also for an answer that ended before it came."""
        try:
            octets = self.fetch(guard)
            end = self.end_of(octets) or at + WITHOUT_END
        except CannotFetch:
            raise
        except PARSING_ERRORS as error:
            raise CannotFetch("the answer cannot be read") from error
        if end < at:
            raise CannotFetch("the answer has ended")
        # What tells nothing may be a lie, or be signed by somebody who is not known yet.
        longest = LONGEST if self.tells(octets, at) else WITHOUT_END
        return Stored(octets, at, min(end, at + longest), self.url)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A RevocationSource that has one answer."""

    answer: tuple[tuple[bytes, ...], tuple[bytes, ...]]

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return it, whatever the question is."""
        del pairs, at
        return self.answer


@dataclass(frozen=True, slots=True)
class _Flight:
    """A thread on its way to a URL."""

    url: str
    ended: threading.Event = field(default_factory=threading.Event)


def _nothing() -> None:
    """Let everybody wait."""


class Supply:
    """A RevocationSource over a cache and the network.

    Without a guard it lives on the cache alone. ``before_waiting`` may raise where nobody may wait,
    be it for the network or for the check of a long list; what is missing is on its way then.
    """

    def __init__(
        self,
        cache: RevocationCache,
        guard: Guard | None,
        *,
        wait_seconds: float = REVOCATION_WAIT_SECONDS,
        before_waiting: Callable[[], None] = _nothing,
    ) -> None:
        self._cache = cache
        self._guard = guard
        self._wait_seconds = wait_seconds
        self._before_waiting = before_waiting
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}
        self._failed = _Lately()
        self._slow = _Lately()

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return what there is about certificates, after a short wait for what there is not."""
        wishes = [wish for pair in pairs for wish in self._wishes(*pair)]
        flights = [flight for wish in wishes if (flight := self._look_after(wish, at))]
        if flights:
            self._before_waiting()
            self._wait(flights)
        lists: dict[bytes, None] = {}
        responses: dict[bytes, None] = {}
        for wish in wishes:
            stored = self._cache.find(wish.key)
            if stored is not None and at <= stored.until:
                (lists if wish.is_list else responses)[stored.octets] = None
        if sum(map(len, lists)) > LARGE_OCTETS:
            self._before_waiting()
        return list(lists), list(responses)

    def _wait(self, flights: Sequence[_Flight]) -> None:
        deadline = clock.monotonic() + self._wait_seconds
        for flight in flights:
            if not flight.ended.wait(max(0.0, deadline - clock.monotonic())):
                self._slow.note(flight.url)

    def _wishes(self, certificate: Certificate, issuer: Certificate) -> Iterator[_Wish]:
        for url in crl_urls(certificate):
            yield _Wish(
                _key("crl", url),
                url,
                (certificate, issuer),
                is_list=True,
                fetch=partial(fetch_crl, url),
                end_of=next_update_of,
                refresh=CRL_REFRESH,
            )
        for url in ocsp_urls(certificate):
            yield _Wish(
                _key("ocsp", url, issuer.fingerprint, str(certificate.serial)),
                url,
                (certificate, issuer),
                is_list=False,
                fetch=partial(fetch_ocsp, url, certificate, issuer),
                end_of=next_update_of_response,
                refresh=OCSP_REFRESH,
            )

    def _look_after(self, wish: _Wish, at: datetime) -> _Flight | None:
        """Start what has to be fetched; return what is worth waiting for."""
        stored = self._cache.find(wish.key)
        if stored is not None and at <= stored.until:
            if wish.is_due(stored, at):
                self._start(wish, at)
            return None
        flight = self._start(wish, at)
        return None if self._slow.has(wish.url) else flight

    def _start(self, wish: _Wish, at: datetime) -> _Flight | None:
        guard = self._guard
        if guard is None:
            return None
        with self._lock:
            under_way = self._flights.get(wish.key)
            if under_way is not None:
                return under_way
            if self._failed.has(wish.key) or self._is_busy(wish.url):
                return None
            flight = self._flights[wish.key] = _Flight(wish.url)
        threading.Thread(target=self._fly, args=(wish, guard, at, flight), daemon=True).start()
        return flight

    def _is_busy(self, url: str) -> bool:
        to_it = sum(flight.url == url for flight in self._flights.values())
        return len(self._flights) >= THREADS or to_it >= THREADS_EACH

    def _fly(self, wish: _Wish, guard: Guard, at: datetime, flight: _Flight) -> None:
        try:
            self._bring(wish, guard, at)
        except CannotFetch as error:
            self._failed.note(wish.key)
            self._cache.failed(wish.url, at, str(error))
        finally:
            with self._lock:
                del self._flights[wish.key]
            flight.ended.set()

    def _bring(self, wish: _Wish, guard: Guard, at: datetime) -> None:
        """Fetch an answer and keep it, unless it takes away what is known, as a liar would."""
        answer, before = wish.answer(guard, at), self._cache.find(wish.key)
        holds = before is not None and at <= before.until and wish.tells(before.octets, at)
        if holds and not wish.tells(answer.octets, at):
            raise CannotFetch("the answer tells nothing")
        self._cache.put(wish.key, answer)


class _Lately:
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


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()
