"""Revocation data for the mail path: from the cache at once, from the network in the background.

Nobody waits for a responder but once, and then for two seconds at most: what is in the cache is
given, what is old there is given and fetched anew meanwhile, and what is missing is waited for a
little (T115). However many messages ask for a URL, one thread goes there, and one that failed is
left alone for a while (T114). Only certificates that have a path to an anchor are asked about
(T113).

A Supply belongs to the process that made it; its threads start when they are needed and end by
themselves.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from app import clock
from app.mail.limits import REVOCATION_WAIT_SECONDS
from app.pki.certificate import Certificate
from app.pki.crls import next_update_of
from app.pki.errors import CannotFetch
from app.pki.fetch import fetch_crl, fetch_ocsp
from app.pki.guard import Guard
from app.pki.pointers import crl_urls, ocsp_urls
from app.pki.revdata import next_update_of_response

# From this age on an answer is fetched anew in the background, or from the middle of its life.
CRL_REFRESH: Final = timedelta(hours=6)
OCSP_REFRESH: Final = timedelta(hours=1)
# An answer that does not say when it ends.
WITHOUT_END: Final = timedelta(hours=1)
RETRY_SECONDS: Final = 60.0
THREADS: Final = 8
_FAILURES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Stored:
    """One answer in the cache."""

    octets: bytes
    fetched_at: datetime
    until: datetime  # nextUpdate; after it the answer tells nothing any more


class RevocationCache(Protocol):
    """Where answers are kept for all processes; neither method may raise."""

    def find(self, key: str) -> Stored | None:
        """Return the answer under a key."""

    def put(self, key: str, stored: Stored) -> None:
        """Keep an answer in the place of the one before."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """One thing that is to be had from one URL."""

    key: str
    is_list: bool
    fetch: Callable[[], bytes]
    end_of: Callable[[bytes], datetime | None]
    refresh: timedelta

    def is_due(self, stored: Stored, at: datetime) -> bool:
        """Return whether it is time to fetch this anew."""
        half = (stored.until - stored.fetched_at) / 2
        return at - stored.fetched_at >= min(half, self.refresh)


class Supply:
    """A RevocationSource over a cache and the network."""

    def __init__(
        self,
        cache: RevocationCache,
        guard: Guard,
        *,
        wait_seconds: float = REVOCATION_WAIT_SECONDS,
    ) -> None:
        self._cache = cache
        self._guard = guard
        self._wait_seconds = wait_seconds
        self._lock = threading.Lock()
        self._flights: dict[str, threading.Event] = {}
        self._failed_at: dict[str, float] = {}

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return what there is about certificates, after a short wait for what there is not."""
        wishes = [wish for pair in pairs for wish in self._wishes(*pair)]
        flights = [flight for wish in wishes if (flight := self._look_after(wish, at))]
        deadline = clock.monotonic() + self._wait_seconds
        for flight in flights:
            flight.wait(max(0.0, deadline - clock.monotonic()))
        lists: dict[bytes, None] = {}
        responses: dict[bytes, None] = {}
        for wish in wishes:
            stored = self._cache.find(wish.key)
            if stored is not None and at <= stored.until:
                (lists if wish.is_list else responses)[stored.octets] = None
        return list(lists), list(responses)

    def _wishes(self, certificate: Certificate, issuer: Certificate) -> Iterator[_Wish]:
        for url in crl_urls(certificate):
            yield _Wish(
                _key("crl", url),
                is_list=True,
                fetch=lambda url=url: fetch_crl(url, self._guard),  # type: ignore[misc]
                end_of=next_update_of,
                refresh=CRL_REFRESH,
            )
        for url in ocsp_urls(certificate):
            yield _Wish(
                _key("ocsp", url, issuer.fingerprint, str(certificate.serial)),
                is_list=False,
                fetch=lambda url=url: fetch_ocsp(  # type: ignore[misc]
                    url, certificate, issuer, self._guard
                ),
                end_of=next_update_of_response,
                refresh=OCSP_REFRESH,
            )

    def _look_after(self, wish: _Wish, at: datetime) -> threading.Event | None:
        """Start what has to be fetched; return what is worth waiting for."""
        stored = self._cache.find(wish.key)
        if stored is not None and at <= stored.until:
            if wish.is_due(stored, at):
                self._start(wish, at)
            return None
        return self._start(wish, at)

    def _start(self, wish: _Wish, at: datetime) -> threading.Event | None:
        with self._lock:
            flight = self._flights.get(wish.key)
            if flight is not None:
                return flight
            failed_at = self._failed_at.get(wish.key)
            if failed_at is not None and clock.monotonic() - failed_at < RETRY_SECONDS:
                return None
            if len(self._flights) >= THREADS:
                return None
            flight = self._flights[wish.key] = threading.Event()
        threading.Thread(target=self._fly, args=(wish, at, flight), daemon=True).start()
        return flight

    def _fly(self, wish: _Wish, at: datetime, flight: threading.Event) -> None:
        try:
            octets = wish.fetch()
            end = wish.end_of(octets) or at + WITHOUT_END
            self._cache.put(wish.key, Stored(octets, at, end))
        except CannotFetch:
            self._note_failure(wish.key)
        finally:
            with self._lock:
                del self._flights[wish.key]
            flight.set()

    def _note_failure(self, key: str) -> None:
        with self._lock:
            if len(self._failed_at) >= _FAILURES:
                self._failed_at.clear()
            self._failed_at[key] = clock.monotonic()


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()
