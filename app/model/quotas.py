"""How much outsiders may bring: to one address a day, to the approval queue, to the book (T136).

Only what messages brought is counted. What a person imports or approves is neither limited by it
nor a part of it. Anybody can make certificates for any address and send them, so that what is in
doubt has a quota of its own: it never takes the place of what a trusted authority vouches for, nor
keeps from the administrator that somebody has changed his authority (T97).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.model.continuity import KEY_CHANGE
from app.model.database import Database
from app.model.partnerrows import HARVESTED
from app.model.pending import count_waiting
from app.model.stored import stamp, unpack
from app.pki.certificate import Certificate
from app.smime.reasons import Reason

NEW_OF_ONE_SENDER_A_DAY: Final = 3
"""In doubt, and as many that are not."""
WAITING_AT_MOST: Final = 10_000
DOUBTFUL_AT_MOST: Final = 9_000
DOUBTFUL_OCTETS: Final = 64 * 1024
"""With a portrait in it, a certificate has half as much."""
BOOK_AT_MOST: Final = 2_000_000

APPROVAL_REQUIRED: Final = "approval-required"
BLOCKED: Final = "blocked-certificate"

_DAY: Final = timedelta(days=1)

# Why the certificate of a valid signature waits. Every other code is a doubt whose it is.
_OF_VALID: Final = frozenset(
    {KEY_CHANGE, APPROVAL_REQUIRED, BLOCKED, "revocation-unknown", "unsuitable", "many-addresses"}
)


def hindrance(
    database: Database,
    address: str,
    certificate: Certificate,
    at: datetime,
    reasons: Sequence[Reason],
) -> Reason | None:
    """Return why there is no place for one more, None if there is.

    What has ``reasons`` to be looked at takes a place in the queue, else one in the book.
    """
    doubtful = _is_doubtful(each.code for each in reasons)
    if doubtful and len(certificate.der) > DOUBTFUL_OCTETS:
        return Reason("unsuitable", "the certificate is over the limit of size")
    if _brought_today(database, address, at, doubtful=doubtful) >= NEW_OF_ONE_SENDER_A_DAY:
        return Reason("too-many-new", f"{NEW_OF_ONE_SENDER_A_DAY} a day")
    if not reasons:
        return Reason("book-full") if _is_full(database) else None
    most = DOUBTFUL_AT_MOST if doubtful else WAITING_AT_MOST
    return Reason("queue-full") if count_waiting(database, at) >= most else None


def _is_doubtful(codes: Iterable[str]) -> bool:
    return not _OF_VALID.issuperset(codes)


def _brought_today(database: Database, address: str, at: datetime, *, doubtful: bool) -> int:
    since = stamp(at - _DAY)
    waiting = database.sql(
        "SELECT reasons FROM pending WHERE address = ? AND added_at > ?", (address, since)
    )
    kinds = [_is_doubtful(each["code"] for each in unpack(reasons)) for (reasons,) in waiting]
    if doubtful:
        return kinds.count(True)
    stored = database.sql(
        "SELECT COUNT(*) FROM partner WHERE name = ? AND source = ? AND added_at > ?",
        (address, HARVESTED, since),
    )
    return kinds.count(False) + int(stored[0][0])


def _is_full(database: Database) -> bool:
    # There are never more rows than the highest id says, and counting a million takes longer than
    # everything else here.
    highest = database.sql("SELECT MAX(id) FROM partner")[0][0] or 0
    if highest < BOOK_AT_MOST:
        return False
    return int(database.sql("SELECT COUNT(*) FROM partner")[0][0]) >= BOOK_AT_MOST
