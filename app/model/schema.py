"""Makes the tables and brings older ones up to date, in numbered steps.

A fresh database gets the tables of tables.py at once; an older one takes the steps it lacks, each
with its number in the same transaction. On PostgreSQL a lock keeps two nodes that start together
apart. After a crash: a step is done and counted, or neither.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from app.model.database import COUNTERS, Database, exists
from app.model.errors import Refused
from app.model.readable import find_certificate
from app.model.revtables import FetchClaim, Revocation, RevocationFailure
from app.model.stored import stamp
from app.model.tables import TABLES, LookedUp, Meta

Step = Callable[[Database], None]

# What cannot be read may be readable again one day, and is not to be forgotten before.
_NO_END: Final = stamp(datetime(9999, 12, 31, tzinfo=UTC))


def _add_looked_up(database: Database) -> None:
    database.create(LookedUp)


def _add_revocation(database: Database) -> None:
    database.create(Revocation)
    database.create(RevocationFailure)


def _add_partner_choice(database: Database) -> None:
    database.sql_run("ALTER TABLE partner ADD COLUMN is_only BOOLEAN NOT NULL DEFAULT FALSE")
    database.sql_run("ALTER TABLE partner ADD COLUMN grace_days INTEGER")


def _add_claims_and_lists(database: Database) -> None:
    database.create(FetchClaim)
    database.sql_run("ALTER TABLE anchor ADD COLUMN source TEXT NOT NULL DEFAULT ''")
    database.sql_run("ALTER TABLE anchor ADD COLUMN distrust_after BIGINT")


def _add_pending_chain(database: Database) -> None:
    database.sql_run("ALTER TABLE pending ADD COLUMN chain TEXT NOT NULL DEFAULT '[]'")


def _add_end_of_intermediates(database: Database) -> None:
    database.sql_run("ALTER TABLE intermediate ADD COLUMN not_after BIGINT NOT NULL DEFAULT 0")
    ends = []
    for fingerprint, der in database.sql("SELECT fingerprint, certificate FROM intermediate"):
        found = find_certificate(der, f"intermediate {fingerprint[:16]}")
        ends.append((_NO_END if found is None else stamp(found.not_after), fingerprint))
    database.sql_many("UPDATE intermediate SET not_after = ? WHERE fingerprint = ?", ends)


def _add_index_of_pending(database: Database) -> None:
    database.sql_run(
        "CREATE INDEX IF NOT EXISTS pending_state_added_at ON pending (state, added_at)"
    )


STEPS: Final[Sequence[Step]] = (
    _add_looked_up,
    _add_revocation,
    _add_partner_choice,
    _add_claims_and_lists,
    _add_pending_chain,
    _add_end_of_intermediates,
    _add_index_of_pending,
)
"""What changed since the first release, oldest first."""

MASTER_PUBLIC: Final = "master_public"
_SCHEMA: Final = "schema"
_LOCK: Final = 8824
"""The advisory lock of PostgreSQL; any number that all gateways share."""


def is_initialised(database: Database) -> bool:
    """Return whether there are tables. Raises StoreUnavailable."""
    return exists(database)


def migrate(database: Database, steps: Sequence[Step] = STEPS) -> int:
    """Bring the tables up to date and return their version.

    Raises Refused for tables that are newer than this program, StoreUnavailable otherwise.
    """
    if exists(database) and _version(database, len(steps)) == len(steps):
        return len(steps)
    with database.transaction(), _lock(database):
        if not exists(database):
            _create(database, len(steps))
            return len(steps)
        version = _version(database, len(steps))
        for number, step in enumerate(steps[version:], version + 1):
            step(database)
            database.sql_run("UPDATE meta SET number = ? WHERE name = ?", (number, _SCHEMA))
        return len(steps)


def _version(database: Database, known: int) -> int:
    rows = database.sql("SELECT number FROM meta WHERE name = ?", (_SCHEMA,))
    if not rows:
        raise Refused(f"{database.url}: the tables there are not those of Sealmon")
    version = int(rows[0][0])
    if version > known:
        raise Refused(f"the database has schema {version}, this program {known}: upgrade Sealmon")
    return version


def _create(database: Database, version: int) -> None:
    for table in TABLES:
        database.create(table)
    rows = [{"name": _SCHEMA, "number": version}]
    rows += [{"name": counter, "number": 1} for counter in COUNTERS]
    database.insert_many(Meta, rows)


@contextmanager
def _lock(database: Database) -> Iterator[None]:
    if not database.is_sqlite:
        database.sql("SELECT pg_advisory_xact_lock(?)", (_LOCK,))
    yield


def public_half(database: Database) -> bytes:
    """Return the public half of the master key, to which private keys are sealed."""
    rows = database.sql("SELECT octets FROM meta WHERE name = ?", (MASTER_PUBLIC,))
    if not rows or rows[0][0] is None:
        raise Refused("the database knows no master key; run sealmon init first")
    return bytes(rows[0][0])
