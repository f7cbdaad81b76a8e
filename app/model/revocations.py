"""Revocation data for all workers: fetched by one of them, read by each from the database.

The tables are bounded: what has ended is forgotten, and when there is too much the answers that
were fetched first go, those without a URL before all others: strangers chose where they came from.
Everybody has a small memory in front, which is believed for a minute, so that the event loop finds
there what is known; for the rest ``find`` raises WouldWait there, and the message goes on in a
thread (T115).

A database that does not answer is not the affair of a check: an answer is then unknown.

After a crash: an answer is there as a whole or not at all, and can be fetched again.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app import clock
from app.model.database import Database
from app.model.errors import Refused, StoreUnavailable
from app.model.stored import moment, stamp, storable
from app.pki.flights import FAILED, LEASE_SECONDS, OURS, RETRY_SECONDS, THEIRS, Stored

ANSWERS_AT_MOST: Final = 20_000
OCTETS_AT_MOST: Final = 512 * 1024 * 1024
FAILURES_AT_MOST: Final = 1_000
MEMORY_ENTRIES: Final = 4_096
MEMORY_OCTETS: Final = 32 * 1024 * 1024
LOOK_SECONDS: Final = 60.0
"""For how long an answer in memory holds without a look whether another worker has a newer one."""

FAILING: Final = timedelta(days=1)
"""A source that nobody asked for longer than this is no news."""

_SWEEP_SECONDS: Final = 60.0
_SWEEPING: Final = "revocation sweep"
_PROBLEM_CHARACTERS: Final = 200
_URL_CHARACTERS: Final = 500
"""More is no index entry for PostgreSQL."""

_FIND: Final = """
SELECT fetched_at, until, url, CASE WHEN fetched_at = ? THEN NULL ELSE octets END
FROM revocation WHERE name = ?
"""
_PUT: Final = """
INSERT INTO revocation (name, url, size, fetched_at, until, octets) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET url = excluded.url, size = excluded.size,
fetched_at = excluded.fetched_at, until = excluded.until, octets = excluded.octets
"""
_FAILED: Final = """
INSERT INTO revocationfailure (url, problem, since, failed_at) VALUES (?, ?, ?, ?)
ON CONFLICT (url) DO UPDATE SET problem = excluded.problem, failed_at = excluded.failed_at
"""
_WORKS: Final = "DELETE FROM revocationfailure WHERE url = ?"
_CLAIMED: Final = "SELECT has_failed FROM fetchclaim WHERE name = ? AND until > ?"
_CLAIM: Final = """
INSERT INTO fetchclaim (name, until, has_failed) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET until = excluded.until, has_failed = excluded.has_failed
"""
_GIVE_UP: Final = "DELETE FROM fetchclaim WHERE name = ?"
_SIZES: Final = """
SELECT name, size FROM revocation
ORDER BY CASE WHEN url = '' THEN 1 ELSE 0 END, fetched_at DESC, name
"""
_FORGET_FAILURES: Final = """
DELETE FROM revocationfailure WHERE failed_at < ? OR url NOT IN
(SELECT url FROM revocationfailure ORDER BY failed_at DESC, url LIMIT ?)
"""


@dataclass(slots=True)
class _Held:
    """An answer in memory, and when the database was asked for it last."""

    stored: Stored
    looked_at: float


class RevocationStore:
    """A FetchCache of pki over the shared database; the threads of a process share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._memory: OrderedDict[str, _Held] = OrderedDict()
        self._octets = 0
        self._swept_at = float("-inf")

    def find(self, key: str) -> Stored | None:
        """Return the answer under a key. Raises WouldWait where the database must not be asked."""
        with self._lock:
            held = self._memory.get(key)
        if held is not None and clock.monotonic() - held.looked_at < LOOK_SECONDS:
            return held.stored
        return self._look(key, held.stored if held is not None else None)

    def look(self, key: str) -> Stored | None:
        """Return the answer that the database has now."""
        with self._lock:
            held = self._memory.get(key)
        return self._look(key, held.stored if held is not None else None)

    def _look(self, key: str, known: Stored | None) -> Stored | None:
        looked_at = clock.monotonic()
        try:
            rows = self._database.sql(_FIND, (stamp(known.fetched_at) if known else -1, key))
        except (StoreUnavailable, Refused):
            return known
        stored = _stored(rows[0], known) if rows else None
        if stored is not None:
            self._hold(key, _Held(stored, looked_at))
        return stored

    def claim(self, key: str) -> str:
        """Claim the way to an answer for this process, or say that another one has it.

        Without a database everybody goes by himself.
        """
        try:
            # Who waits for another process asks often, and must not keep writers out each time.
            return self._claimed(key) or self._take(key)
        except (StoreUnavailable, Refused):
            return OURS

    def _claimed(self, key: str) -> str:
        rows = self._database.sql(_CLAIMED, (key, stamp(clock.now())))
        return (FAILED if rows[0][0] else THEIRS) if rows else ""

    def _take(self, key: str) -> str:
        with self._database.transaction():
            self._database.exclude(key)
            claimed = self._claimed(key)
            if not claimed:
                self._database.sql_run(_CLAIM, self._claim_row(key, LEASE_SECONDS))
        return claimed or OURS

    @staticmethod
    def _claim_row(key: str, seconds: float, *, has_failed: bool = False) -> Sequence[object]:
        return key, stamp(clock.now() + timedelta(seconds=seconds)), has_failed

    def release(self, key: str) -> None:
        """Give up a claim."""
        self._change((_GIVE_UP, (key,)), at=clock.now())

    def put(self, key: str, stored: Stored) -> None:
        """Keep an answer for everybody."""
        self._hold(key, _Held(stored, clock.monotonic()))
        url = _short(stored.url)
        times = stamp(stored.fetched_at), stamp(stored.until)
        self._change(
            (_PUT, (key, url, len(stored.octets), *times, stored.octets)),
            (_WORKS, (url,)),
            (_GIVE_UP, (key,)),
            at=stored.fetched_at,
        )

    def failed(self, key: str, url: str, at: datetime, problem: str) -> None:
        """Take note that there was no answer: for all processes and, with a URL, for people."""
        said = storable(problem)[:_PROBLEM_CHARACTERS]
        told = [(_FAILED, (_short(url), said, stamp(at), stamp(at)))] if url else []
        claim = (_CLAIM, self._claim_row(key, RETRY_SECONDS, has_failed=True))
        self._change(*told, claim, at=at)

    def leave(self) -> None:
        """Close the connection of this thread."""
        self._database.close()

    def _change(self, *statements: tuple[str, Sequence[object]], at: datetime) -> None:
        """Write what can be written; what cannot is in memory, or will be fetched again."""
        with suppress(StoreUnavailable, Refused):
            with self._database.transaction():
                for statement, parameters in statements:
                    self._database.sql_run(statement, parameters)
            self._sweep(at)

    def _sweep(self, at: datetime) -> None:
        """Forget what is too old or too much, once a minute, and one worker at a time.

        In a transaction of its own, which holds no row that another one wants meanwhile.
        """
        if clock.monotonic() - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = clock.monotonic()
        with self._database.transaction():
            self._database.exclude(_SWEEPING)
            forget(self._database, at)

    def _hold(self, key: str, held: _Held) -> None:
        with self._lock:
            before = self._memory.pop(key, None)
            self._octets += len(held.stored.octets)
            self._octets -= len(before.stored.octets) if before is not None else 0
            self._memory[key] = held
            while len(self._memory) > MEMORY_ENTRIES or self._octets > MEMORY_OCTETS:
                _, oldest = self._memory.popitem(last=False)
                self._octets -= len(oldest.stored.octets)


def _stored(row: tuple[Any, ...], known: Stored | None) -> Stored:
    """Return the answer of a row; its octets are left out where they are known."""
    fetched_at, until, url, octets = row
    if octets is None:
        assert known is not None, "left out because it is known"
        return known
    return Stored(bytes(octets), moment(fetched_at), moment(until), url)


def _short(url: str) -> str:
    return storable(url[:_URL_CHARACTERS])


def forget(database: Database, at: datetime) -> None:
    """Forget what has ended and what is too much, in the transaction that is under way."""
    # In the order in which answers are stored: PostgreSQL would else see a deadlock now and then.
    database.sql_run("DELETE FROM revocation WHERE until < ?", (stamp(at),))
    octets = 0
    for number, (name, size) in enumerate(database.sql(_SIZES), 1):
        octets += int(size)
        if number > ANSWERS_AT_MOST or octets > OCTETS_AT_MOST:
            database.sql_run("DELETE FROM revocation WHERE name = ?", (name,))
    database.sql_run(_FORGET_FAILURES, (stamp(at - FAILING), FAILURES_AT_MOST))
    database.sql_run("DELETE FROM fetchclaim WHERE until < ?", (stamp(clock.now()),))


def count_answers(database: Database, at: datetime) -> int:
    """Return how many answers are kept that hold at this moment."""
    return int(database.sql("SELECT COUNT(*) FROM revocation WHERE until >= ?", (stamp(at),))[0][0])


def list_failures(database: Database, at: datetime) -> list[dict[str, Any]]:
    """Return the sources that gave no answer within the last day, the latest first."""
    rows = database.sql(
        "SELECT url, problem, since, failed_at FROM revocationfailure WHERE failed_at >= ?"
        " ORDER BY failed_at DESC, url LIMIT ?",
        (stamp(at - FAILING), FAILURES_AT_MOST),
    )
    return [
        {"url": url, "problem": problem, "since": moment(since), "failed_at": moment(failed_at)}
        for url, problem, since, failed_at in rows
    ]
