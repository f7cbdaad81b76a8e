"""Asks on-line sources for a correspondent's certificates, beside the mail path.

Used only where policy names sources and the book has nothing usable. A message waits three seconds
at most for all its recipients, and few messages wait at once; an answer that comes later is kept
for the next try. A source that does not answer is never "there is none": the message is deferred
(T88), and the source is left alone about that domain for some seconds.

After a crash: nothing is lost but answers under way.
"""

import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Final

from app import clock
from app.mail.address import MalformedAddress, domain_of, normalise
from app.model.choice import Question
from app.model.errors import CannotLookUp, Refused, StoreUnavailable
from app.model.facts import Usable
from app.model.lookups import Judge, find_answer, keep_answer, readable
from app.model.snapshot import Store
from app.model.sources import SMIMEA, Source, parse_source
from app.mta.lookup_ldap import ask_directory
from app.mta.lookup_smimea import ask_dns
from app.pki.certificate import Certificate

log = logging.getLogger("sealmon.lookup")

FIRST_WAIT_SECONDS: Final = 3.0
WAITING_AT_MOST: Final = 2
"""Messages that wait for a source at once, of the four that a worker handles."""
THREADS: Final = 4
PAUSE_SECONDS: Final = 10.0
_PAUSES_AT_MOST: Final = 1_000

Found = tuple[Certificate, ...]
LookUp = Callable[[str, Sequence[str], Question, float], Usable]


def ask_nobody(address: str, entries: Sequence[str], question: Question, deadline: float) -> Usable:
    """Stand in for an Asker where there is none: sources that are not asked do not answer."""
    del address, question, deadline
    raise CannotLookUp(entries[0])


class Asker:
    """Asks the sources of policy; a LookUp."""

    def __init__(
        self,
        store: Store,
        resolver: tuple[str, int],
        *,
        tls: ssl.SSLContext | None = None,
        from_memory: bool = False,
    ) -> None:
        """Build an asker; ``from_memory`` gives only what was answered before, to anybody."""
        self._store = store
        self._from_memory = from_memory
        self._resolver = resolver
        self._tls = tls
        self._threads = ThreadPoolExecutor(THREADS, "lookup")
        self._places = threading.BoundedSemaphore(WAITING_AT_MOST)
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, str], Future[Found]] = {}
        self._pauses: dict[tuple[str, str], float] = {}

    def __call__(
        self, address: str, entries: Sequence[str], question: Question, deadline: float
    ) -> Usable:
        """Return what the sources have for an address: the first in order that has something.

        Waits until the deadline at most. Raises CannotLookUp with the source that did not answer
        where no other one has anything, and StoreUnavailable.
        """
        name = as_asked(address)
        if not name:
            return Usable()
        judge = Judge(self._store.database, question)
        known = self._known(name, entries, question.at)
        missing = [entry for entry in entries if known[entry] is None]
        usable = Usable()
        for entry in entries:
            found = known[entry]
            if found is None:
                known.update(self._ask(name, missing, question.at, deadline))
                missing = []
                found = known[entry]
            if found is not None:
                usable = judge.usable(entry, name, found)
            if found is not None and usable.certificates:
                return usable
        unanswered = [entry for entry in entries if known[entry] is None]
        if unanswered:
            raise CannotLookUp(unanswered[0])
        return usable

    def close(self) -> None:
        """Wait for what is under way, which takes no longer than its limits."""
        self._threads.shutdown(cancel_futures=True)

    def _known(self, name: str, entries: Sequence[str], at: datetime) -> dict[str, Found | None]:
        database = self._store.database
        return {entry: find_answer(database, entry, name, at) for entry in entries}

    def _ask(
        self, name: str, entries: Sequence[str], at: datetime, deadline: float
    ) -> dict[str, Found]:
        """Return what the sources answer until the deadline; those that do not are left out."""
        if self._from_memory or not self._places.acquire(blocking=False):
            return {}
        try:
            futures = {}
            for entry in entries:
                future = self._begin(parse_source(entry), name, at)
                if future is not None:
                    futures[future] = entry
            done, _ = wait(futures, max(deadline - clock.monotonic(), 0))
            return {futures[each]: each.result() for each in done if each.exception() is None}
        finally:
            self._places.release()

    def _begin(self, source: Source, name: str, at: datetime) -> Future[Found] | None:
        """Return the answer under way, one for all who wait; None for a source that rests."""
        key = source.entry, name
        with self._lock:
            if self._pauses.get(_pause_key(source, name), 0.0) > clock.monotonic():
                return None
            future = self._under_way.get(key)
            if future is None:
                future = self._threads.submit(self._answer, source, name, at)
                self._under_way[key] = future
                future.add_done_callback(lambda _: self._forget(key))
            return future

    def _forget(self, key: tuple[str, str]) -> None:
        self._under_way.pop(key, None)

    def _answer(self, source: Source, name: str, at: datetime) -> Found:
        """Ask one source about one address and keep its answer."""
        try:
            if source.kind == SMIMEA:
                octets = ask_dns(self._resolver, name)
            else:
                octets = ask_directory(source, name, self._tls)
        except CannotLookUp as error:
            log.warning("no answer: %s", error)
            self._pause(_pause_key(source, name))
            raise
        found = readable(octets, name)
        try:
            keep_answer(self._store.database, source.entry, name, found, at)
        except (Refused, StoreUnavailable) as error:
            log.warning("an answer was not kept: %s", error)
        finally:
            self._store.database.close()
        return found

    def _pause(self, key: tuple[str, str]) -> None:
        with self._lock:
            if len(self._pauses) >= _PAUSES_AT_MOST:
                self._pauses.clear()
            self._pauses[key] = clock.monotonic() + PAUSE_SECONDS


def _pause_key(source: Source, name: str) -> tuple[str, str]:
    # One domain with a broken zone must not silence the source about all others.
    return source.entry, domain_of(name)


def as_asked(address: str) -> str:
    """Return an address with its local part as written and its domain normalised; "" if none.

    RFC 8162 §3 hashes the local part as it is.
    """
    try:
        return f"{address.rpartition('@')[0]}@{domain_of(normalise(address))}"
    except MalformedAddress:
        return ""
