"""The trace: what happened to each message for each recipient. No content, no subject.

Rows are written in batches by a thread of their own, at most a second behind. The mail path only
puts them into a bounded queue: a slow or lost database never delays or fails mail, it costs trace
rows, which are counted and said in the log.

Rows are kept for 90 days (T136).

After a crash: the rows of the last second are missing; the mail is not.
"""

import functools
import logging
import operator
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from app import clock
from app.mail.address import MalformedAddress, normalise
from app.model.database import Database
from app.model.errors import Refused, StoreUnavailable
from app.model.keyrows import forget_ended
from app.model.stored import moment, pack, stamp, storable, unpack
from app.model.tables import Partner, Trace

log = logging.getLogger("sealmon.model")

_BATCH: Final = 500
_WAITING_AT_MOST: Final = 50_000
_PAUSE_SECONDS: Final = 0.5
_CLOSE_SECONDS: Final = 15.0
_TEXT_CHARACTERS: Final = 500
_FOUND_AT_MOST: Final = 10_000

# peewee needs longer to build such a statement than the database to run it.
_INSERT: Final = """
INSERT INTO trace (trace_id, at, direction, sender, author, recipient, message_id, details)
VALUES"""

KEPT: Final = timedelta(days=90)
_SWEEP_SECONDS: Final = 60.0
_SWEPT_AT_MOST: Final = 5_000
"""Rows of one sweep; enough for 80 messages a second, and no long lock."""


@dataclass(frozen=True, slots=True)
class TraceRow:
    """One message and one recipient."""

    trace_id: str
    at: datetime
    direction: str
    reverse_path: str
    recipient: str
    message_id: str = ""
    states: Sequence[str] = ()
    settings: str = "{}"
    """What policy said, packed; the same text serves many messages."""
    plan: Mapping[str, Any] = field(default_factory=dict)
    """What was decided."""
    signature: Mapping[str, Any] = field(default_factory=dict)
    decryption: Mapping[str, Any] = field(default_factory=dict)
    learned: Mapping[str, Any] = field(default_factory=dict)
    """What became of the certificate that the message brought, and why."""
    protected: str = ""
    """"clear", "signed", "encrypted" or "signed+encrypted"."""
    reply: str = ""
    from_address: str = ""
    partner_ids: Sequence[int] = ()
    """The rows of the partner book that were encrypted to: their last use is noted."""


class TraceWriter:
    """Writes trace rows beside the mail path; its thread starts with the first row."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Nobody is woken for a row: the thread looks twice a second, so that it does not take the
        # interpreter from the mail at every message.
        self._waiting: deque[_Row] = deque()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closing = threading.Event()
        self._swept_at = float("-inf")
        self.lost = 0
        """Rows that could not be kept."""

    def write(self, row: TraceRow) -> None:
        """Keep a row, soon. Never waits, never raises."""
        if len(self._waiting) >= _WAITING_AT_MOST:
            self.lost += 1
            return
        try:
            # Done here, because a thread that works would take the interpreter from the mail path.
            waiting = _Row(row.at, _values(row), row.partner_ids)
        except (ValueError, TypeError, RecursionError) as error:
            self.lost += 1
            log.error("a trace row lost, %d in all: %s", self.lost, type(error).__name__)  # noqa: TRY400 - its text may quote the message
            return
        self._waiting.append(waiting)
        if self._thread is None or not self._thread.is_alive():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._closing.clear()
                thread = threading.Thread(target=self._run, name="trace", daemon=True)
                thread.start()
                self._thread = thread

    def close(self) -> None:
        """Write what waits and end the thread."""
        thread = self._thread
        if thread is None:
            return
        self._closing.set()
        thread.join(_CLOSE_SECONDS)
        self._thread = None

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closing.wait(_PAUSE_SECONDS)
            while rows := self._take():
                # A database that is gone at the end must not hold up the end for every batch.
                if not self._store(rows) and self._closing.is_set():
                    break
        self._database.close()

    def _take(self) -> list["_Row"]:
        """Return the rows of one batch, in their order."""
        rows: list[_Row] = []
        with suppress(IndexError):
            while len(rows) < _BATCH:
                rows.append(self._waiting.popleft())
        return rows

    def _store(self, rows: Sequence["_Row"]) -> bool:
        used = {partner: row.at for row in rows for partner in row.partner_ids}
        try:
            with self._database.transaction():
                self._database.sql_insert(_INSERT, [row.values for row in rows])
                # In one order: two workers would else wait for each other's rows on PostgreSQL.
                for partner, at in sorted(used.items()):
                    self._database.run(
                        Partner.update(used_at=stamp(at)).where(Partner.id == partner)
                    )
        except (StoreUnavailable, Refused) as error:
            self.lost += len(rows)
            log.error("%d trace rows lost, %d in all: %s", len(rows), self.lost, error)  # noqa: TRY400 - the line says all
            return False
        with suppress(StoreUnavailable, Refused):
            self._sweep(max(row.at for row in rows))
        return True

    def _sweep(self, now: datetime) -> None:
        """Forget some of what is too old, once a minute: rows, and authorities that have ended.

        In a transaction of its own, one worker at a time: two of them would else wait for each
        other's rows on PostgreSQL, and new rows be lost with the old ones.
        """
        if clock.monotonic() - self._swept_at < _SWEEP_SECONDS:
            return
        self._swept_at = clock.monotonic()
        old = Trace.select(Trace.id).where(Trace.at < stamp(now - KEPT))
        with self._database.transaction():
            self._database.exclude("trace sweep")
            self._database.run(Trace.delete().where(Trace.id.in_(old.limit(_SWEPT_AT_MOST))))
            forget_ended(self._database, now)


class _Row(NamedTuple):
    """A row as it waits to be written."""

    at: datetime
    values: tuple[object, ...]
    partner_ids: Sequence[int]


def _values(row: TraceRow) -> tuple[object, ...]:
    """Return what _INSERT asks for, in its order."""
    details = {
        "states": row.states,
        "plan": row.plan,
        "signature": row.signature,
        "decryption": row.decryption,
        "learned": row.learned,
        "protected": row.protected,
        "reply": row.reply,
        "reverse_path": row.reverse_path,
        "recipient": row.recipient,
        "from": row.from_address,
    }
    return (
        row.trace_id,
        stamp(row.at),
        row.direction,
        _index(row.reverse_path),
        _index(row.from_address),
        _index(row.recipient),
        _storable(row.message_id),
        f'{{"settings":{row.settings},{pack(details)[1:]}',
    )


def _index(address: str) -> str:
    try:
        return normalise(address)
    except MalformedAddress:
        return _storable(address)


def _storable(text: str) -> str:
    return storable(text[:_TEXT_CHARACTERS])


@dataclass(frozen=True, slots=True)
class Search:
    """Which trace rows are wanted; what is empty does not matter."""

    trace_id: str = ""
    message_id: str = ""
    address: str = ""
    since: datetime | None = None
    limit: int = 100


def find_traces(database: Database, search: Search) -> list[dict[str, Any]]:
    """Return trace rows, newest first, as ``sealmon trace --json`` prints them."""
    query = Trace.select().order_by(Trace.at.desc(), Trace.id.desc())
    if search.trace_id:
        query = query.where(Trace.trace_id == _storable(search.trace_id))
    if search.message_id:
        wanted = _storable(search.message_id)
        bare = wanted.strip().removeprefix("<").removesuffix(">")
        query = query.where(Trace.message_id.in_([bare, f"<{bare}>", wanted]))
    if search.address:
        name = _index(search.address)
        columns = (Trace.sender, Trace.author, Trace.recipient)
        query = query.where(functools.reduce(operator.or_, (each == name for each in columns)))
    if search.since is not None:
        query = query.where(Trace.at >= stamp(search.since))
    limit = max(1, min(search.limit, _FOUND_AT_MOST))
    return [_shown(row) for row in database.rows(query.limit(limit))]


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    details = unpack(row["details"])
    return {
        "id": row["trace_id"],
        "at": moment(row["at"]),
        "direction": row["direction"],
        "from": details.get("reverse_path", ""),
        "recipient": details.get("recipient", ""),
        "message_id": row["message_id"],
        "from_address": details.get("from", ""),
        "states": details.get("states"),
        # Where a decision says more than its setting, the decision is shown.
        "plan": {**details.get("settings", {}), **details.get("plan", {})},
        **{name: details.get(name) for name in ("signature", "decryption", "protected", "reply")},
        "learned": details.get("learned", {}),
    }
