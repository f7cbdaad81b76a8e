"""What a process fetches, wired to the database: revocation data, and authorities nobody sent.

An authority, fetched or brought by a message, is kept among the intermediates if it completes a
path; there is a quota, because every worker holds them all. What people import has no part in it.
After a crash: it is kept or not, and can come again.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, NamedTuple

from app.model.database import Database
from app.model.errors import Refused, StoreUnavailable
from app.model.keyrows import store_intermediates
from app.model.revocations import RevocationStore
from app.model.stored import stamp
from app.pki.certificate import Certificate
from app.pki.guard import Guard
from app.pki.issuers import IssuerFetch, IssuerSupply
from app.pki.supply import Supply

INTERMEDIATES_AT_MOST: Final = 5_000
NEW_A_DAY: Final = 200

_COUNT: Final = "SELECT COUNT(*) FROM intermediate WHERE added_at > ?"


class Sources(NamedTuple):
    """Where the mail path looks for what did not come with a message."""

    revocation: Supply
    issuers: IssuerSupply | None


def sources(
    database: Database, guard: Guard | None = None, issuers: IssuerFetch | None = None
) -> Sources:
    """Return the sources of a process; both share one cache."""
    cache = RevocationStore(database)
    supply = Supply(cache, guard, before_waiting=database.will_wait)
    if issuers is None:
        return Sources(supply, None)
    keep = partial(keep_issuers, database)
    return Sources(supply, IssuerSupply(cache, issuers, keep, before_waiting=database.will_wait))


def keep_issuers(database: Database, found: Sequence[Certificate], at: datetime) -> None:
    """Keep authorities that complete a path, unless there are too many; a lost database keeps none.

    A worker reads them with the next snapshot.
    """
    with suppress(StoreUnavailable, Refused), database.transaction():
        database.exclude("intermediates")
        new = int(database.sql(_COUNT, (stamp(at - timedelta(days=1)),))[0][0])
        kept = int(database.sql(_COUNT, (0,))[0][0])
        if new + len(found) > NEW_A_DAY or kept + len(found) > INTERMEDIATES_AT_MOST:
            return
        if store_intermediates(database, found, at):
            database.move()
