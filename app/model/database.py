"""The one door to the database: SQLite by default, PostgreSQL by URL.

Tables are peewee models that belong to no database of their own, so that two stores may live in one
process; every query is executed here, against the database it is meant for. One connection a
thread; never call it in the event loop's thread, where two coroutines would share a transaction.

Every change happens in ``change(...)``: one transaction, which also moves the counter that tells
all workers to read again. Whatever the driver raises becomes StoreUnavailable.

After a crash: a change is there as a whole or not at all, and what was committed is there
(engines.py).
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

import peewee

from app.model.engines import postgresql_engine, sqlite_engine, without_password
from app.model.errors import Refused, StoreUnavailable, WouldWait

Row = Mapping[str, Any]

_SQLITE: Final = "sqlite:///"

SETTINGS: Final = "settings"
"""The counter of everything in a Snapshot."""
PARTNERS: Final = "partners"
"""The counter of the partner book: a harvest must not make every worker read all domains again."""
COUNTERS: Final = (SETTINGS, PARTNERS)

_ROWS_AT_ONCE: Final = 100


class _Query(Protocol):
    """What peewee's queries have in common."""

    def execute(self, database: Any) -> Any: ...  # noqa: ANN401 - peewee has no better type

    def dicts(self, as_dict: bool = ...) -> "_Query": ...  # noqa: FBT001 - as peewee has it


class Database:
    """A database of one installation."""

    def __init__(self, engine: peewee.Database, url: str) -> None:
        self.engine: Any = engine  # peewee types its calls only here and there
        self.url = without_password(url)
        """For messages: it shows no password."""
        self.path = Path(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else None
        """The file of SQLite; None for another engine."""
        self._local = threading.local()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file on this machine."""
        return self.path is not None

    def rows(self, query: _Query) -> list[dict[str, Any]]:
        """Return all rows of a query, each as a dict of its columns."""
        with self._asking():
            return list(query.dicts().execute(self.engine))

    def row(self, query: _Query) -> dict[str, Any] | None:
        """Return the first row of a query, None if there is none."""
        rows = self.rows(query)
        return rows[0] if rows else None

    def insert(self, model: type[peewee.Model], values: Row) -> None:
        """Insert one row."""
        with self._asking():
            model.insert(**values).execute(self.engine)

    def insert_many(self, model: type[peewee.Model], rows: Sequence[Row]) -> None:
        """Insert several rows in one statement; call it inside ``change`` or ``transaction``."""
        if rows:
            with self._asking():
                model.insert_many(list(rows)).execute(self.engine)

    def sql_many(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run a prepared statement once for each row; call it inside ``transaction``."""
        text = statement if self.is_sqlite else statement.replace("?", "%s")
        # QUIRK: peewee 4.5.3 makes the driver's errors its own in execute_sql alone.
        with self._asking(), peewee.__exception_wrapper__:  # type: ignore[attr-defined]  # not in its stubs
            self.engine.cursor().executemany(text, rows)

    def sql_insert(self, head: str, rows: Sequence[Sequence[object]]) -> None:
        """Run an insert, whose head ends with VALUES; call it inside ``transaction``.

        Many rows go into one statement: each of them lets go of the interpreter, and has to wait
        until the mail path does.
        """
        for at in range(0, len(rows), _ROWS_AT_ONCE):
            several = rows[at : at + _ROWS_AT_ONCE]
            one = f"({', '.join('?' * len(several[0]))})"
            self.sql_run(
                f"{head} {', '.join([one] * len(several))}", list(chain.from_iterable(several))
            )

    def run(self, query: _Query) -> int:
        """Run an update or a delete and return how many rows it met."""
        with self._asking():
            return int(query.execute(self.engine))

    def sql(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a prepared statement of the mail path; ``?`` stands for a parameter.

        peewee needs 150 µs to build a select, which is half a signature.
        """
        text = statement if self.is_sqlite else statement.replace("?", "%s")
        with self._asking():
            cursor = self.engine.execute_sql(text, tuple(parameters))
            return [tuple(row) for row in cursor.fetchall()]

    @contextmanager
    def never_waiting(self) -> Iterator[None]:
        """Run a block that lives on what is in memory: asking the database raises WouldWait."""
        self._local.never_waiting = True
        try:
            yield
        finally:
            self._local.never_waiting = False

    def will_wait(self) -> None:
        """Raise WouldWait inside ``never_waiting``."""
        if getattr(self._local, "never_waiting", False):
            raise WouldWait

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run a block in one transaction that moves no counter, such as writing traces."""
        with self._asking():
            begin = ("IMMEDIATE",) if self.is_sqlite else ()
            with self.engine.atomic(*begin):
                yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Run a block that sees one state of the database, whoever writes meanwhile."""
        with self._asking(), self.engine.atomic():
            if not self.is_sqlite and self.engine.transaction_depth() == 1:
                self.engine.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield

    @contextmanager
    def change(self, *counters: str) -> Iterator[None]:
        """Run a block in one transaction and tell all workers that these counters moved."""
        with self.transaction():
            yield
            self.move(*counters)

    def exclude(self, name: str) -> None:
        """Keep every other writer about the same name out until this transaction ends.

        SQLite has one writer anyway.
        """
        if not self.is_sqlite:
            self.sql("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", (name,))

    def move(self, *counters: str) -> None:
        """Move counters, by default that of the settings, in the transaction that is under way."""
        # In one order: two writers would else wait for each other on PostgreSQL.
        for counter in sorted(counters or (SETTINGS,)):
            self.sql_run("UPDATE meta SET number = number + 1 WHERE name = ?", (counter,))

    def sql_run(self, statement: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement that returns nothing."""
        text = statement if self.is_sqlite else statement.replace("?", "%s")
        with self._asking():
            self.engine.execute_sql(text, tuple(parameters))

    def has(self, table: str) -> bool:
        """Return whether there is a table of this name."""
        with self._asking():
            return bool(self.engine.table_exists(table))

    def create(self, model: type[peewee.Model]) -> None:
        """Make the table of a model, with its indexes."""
        with self._asking():
            peewee.SchemaManager(model, self.engine).create_all(safe=False)

    def version(self) -> tuple[int, int]:
        """Return the counters of settings and partners, in one query."""
        found = dict(self.sql("SELECT name, number FROM meta WHERE name IN (?, ?)", COUNTERS))
        if SETTINGS not in found:
            raise StoreUnavailable("the database is not initialised")
        return int(found[SETTINGS]), int(found[PARTNERS])

    def close(self) -> None:
        """Close the connection of this thread."""
        if not self.engine.is_closed():
            self.engine.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Turn whatever the driver raises into StoreUnavailable, and begin again afterwards."""
        self.will_wait()
        depth = getattr(self._local, "depth", 0)
        if depth == 0:
            self._follow_file()
        self._local.depth = depth + 1
        try:
            yield
        except peewee.IntegrityError as error:
            raise Refused(
                "somebody else changed the same thing just now: look and try again"
            ) from error
        except UnicodeEncodeError as error:
            raise Refused("a text with characters that cannot be stored") from error
        except peewee.PeeweeException as error:
            raise StoreUnavailable(f"the database does not answer: {_first_line(error)}") from error
        finally:
            self._local.depth = depth
            if depth == 0:
                self._drop_broken()

    def _follow_file(self) -> None:
        """Leave a SQLite file that was taken away or replaced; an open connection outlives it."""
        if self.path is None:
            return
        try:
            found = self.path.stat()
        except OSError:
            self.close()
            raise StoreUnavailable(f"the database does not answer: no file {self.path}") from None
        identity = (found.st_dev, found.st_ino)
        if getattr(self._local, "file", identity) != identity:
            self.close()
        self._local.file = identity

    def _drop_broken(self) -> None:
        """Close a connection that the server has left, so that the next query makes another."""
        if self.is_sqlite or self.engine.is_closed():
            return
        connection = self.engine.connection()
        if getattr(connection, "closed", False) or getattr(connection, "broken", False):
            self.engine.close()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def open_database(url: str) -> Database:
    """Return the database of a URL: ``sqlite:///path`` or ``postgresql://user@host/name``.

    Opens no connection yet, so that a process may fork afterwards. Raises Refused for another URL.
    """
    if url.startswith(_SQLITE):
        return Database(sqlite_engine(url.removeprefix(_SQLITE)), url)
    if url.startswith(("postgresql://", "postgres://")):
        return Database(postgresql_engine(url), url)
    kind = url.split(":", 1)[0]
    raise Refused(f"{kind}: unknown kind of database, use sqlite:/// or postgresql://")


def exists(database: Database) -> bool:
    """Return whether there is a database that this program made. Raises StoreUnavailable."""
    if database.path is not None and not database.path.exists():
        return False
    return database.has("meta")


def make_file(database: Database) -> None:
    """Make the empty file of a new SQLite database, readable by its owner only."""
    if database.path is None:
        return
    try:
        database.path.parent.mkdir(parents=True, exist_ok=True)
        database.path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise Refused(
            f"{database.path}: {error.strerror}: no database can be made there"
        ) from error
