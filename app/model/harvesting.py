"""What becomes of a certificate that a signed message brought (B2, B5, T97).

The book fills itself only where nobody is surprised: an empty slot, or a renewal by the same issuer
within 60 days of the old one's end. Everything else waits for a person or is dropped. Quotas keep a
sender from filling the store. Nothing here decides about a message: the caller has delivered it, or
will, whatever happens here.
"""

from datetime import datetime, timedelta
from typing import Final

from app.model.database import PARTNERS, Database
from app.model.keyrows import store_intermediates
from app.model.names import is_managed
from app.model.partnerrows import HARVESTED, Entry, Known, find_entry, store_entry
from app.model.pending import WAITING, expire, is_rejected
from app.model.snapshot import Store
from app.model.tables import Partner, Pending, pack, stamp, storable
from app.pki.certificate import Certificate
from app.pki.issue import CONFIDENTIALITY_NAME, SIGNING_NAME
from app.smime.harvest import Harvest
from app.smime.reasons import Reason

STORED: Final = "stored"
PENDING: Final = "pending"
KNOWN: Final = "known"
UPDATED: Final = "updated"
DROPPED: Final = "dropped"

_RENEWAL: Final = timedelta(days=60)
_DAY: Final = timedelta(days=1)
CERTIFICATES_OF_ONE_ADDRESS: Final = 10
NEW_OF_ONE_SENDER_A_DAY: Final = 3
WAITING_AT_MOST: Final = 10_000
BOOK_AT_MOST: Final = 2_000_000
_INTERMEDIATES_AT_MOST: Final = 5_000


def harvest(store: Store, found: Harvest, approval: str, at: datetime, message_id: str = "") -> str:
    """Store what a message brought, as ``harvest_approval`` says, and return what became of it.

    Returns "stored", "pending", "known", "updated" or "dropped". Raises StoreUnavailable.
    """
    if _is_old_news(store, found):
        return KNOWN
    database = store.database
    with database.transaction():
        database.exclude(found.address)
        outcome = _decide(database, found, approval, at, message_id)
        if outcome in {STORED, UPDATED}:
            database.move(PARTNERS)
    return outcome


def _is_old_news(store: Store, found: Harvest) -> bool:
    """Return whether the cache already says that there is nothing to write."""
    for each in store.partners_for(found.address).personal:
        if each.certificate.fingerprint == found.certificate.fingerprint:
            is_newer = found.signed_at is not None and found.signed_at > each.capabilities_at
            return not (is_newer and found.capabilities != each.capabilities)
    return False


def _decide(
    database: Database, found: Harvest, approval: str, at: datetime, message_id: str
) -> str:
    certificate, address = found.certificate, found.address
    if certificate.is_ca or is_managed(database, address.rpartition("@")[2]):
        return DROPPED
    known = find_entry(database, address, certificate.fingerprint)
    if known is not None:
        return _update(database, known, found)
    if is_rejected(database, address, certificate.fingerprint):
        return DROPPED
    if _is_waiting(database, address, certificate.fingerprint):
        return PENDING
    reasons = [*found.reasons, *_surprises(database, found, at)]
    if approval == "always" and not reasons:
        reasons.append(Reason("approval-required"))
    if (reasons and approval == "never") or _is_over_quota(database, address, at):
        return DROPPED
    if reasons:
        return _queue(database, found, reasons, at, message_id)
    return _store(database, found, at, message_id)


def _update(database: Database, known: Known, found: Harvest) -> str:
    """Note what the client can, by the newest signature (RFC 8551 §2.7.1)."""
    if found.signed_at is None or not known.is_enabled:
        return KNOWN
    if stamp(found.signed_at) <= known.capabilities_at:
        return KNOWN
    values = {
        "capabilities": pack(list(found.capabilities)),
        "capabilities_at": stamp(found.signed_at),
    }
    database.run(Partner.update(values).where(Partner.id == known.id))
    return UPDATED


def _is_waiting(database: Database, address: str, fingerprint: str) -> bool:
    return bool(
        database.sql(
            "SELECT 1 FROM pending WHERE address = ? AND fingerprint = ? AND state = ?",
            (address, fingerprint, WAITING),
        )
    )


def _surprises(database: Database, found: Harvest, at: datetime) -> list[Reason]:
    """Return why a person must look at it besides the certificate itself: key continuity (B5)."""
    reasons = []
    local, _, domain = found.address.rpartition("@")
    if local in {SIGNING_NAME, CONFIDENTIALITY_NAME}:
        reasons.append(Reason("looks-like-domain-certificate", domain))
    rows = database.sql("SELECT certificate FROM partner WHERE name = ?", (found.address,))
    others = [Certificate.from_der(bytes(der)) for (der,) in rows]
    if others and not any(is_renewal(found.certificate, each, at) for each in others):
        reasons.append(Reason("key-change", f"{len(others)} known for {found.address}"))
    return reasons


def is_renewal(new: Certificate, old: Certificate, at: datetime) -> bool:
    """Return whether a certificate follows another one as nobody is surprised by."""
    return (
        new.issuer_der == old.issuer_der
        and old.not_after - at <= _RENEWAL
        and new.not_after > old.not_after
    )


def _is_over_quota(database: Database, address: str, at: datetime) -> bool:
    since = stamp(at - _DAY)
    counts = [
        database.sql(
            f"SELECT COUNT(*) FROM {table} WHERE {name} = ? AND added_at > ?",  # noqa: S608 - ours
            (address, since),
        )[0][0]
        for table, name in (("partner", "name"), ("pending", "address"))
    ]
    return int(sum(counts)) >= NEW_OF_ONE_SENDER_A_DAY


def _queue(
    database: Database, found: Harvest, reasons: list[Reason], at: datetime, message_id: str
) -> str:
    expire(database, at)
    waiting = database.sql("SELECT COUNT(*) FROM pending WHERE state = ?", (WAITING,))
    if waiting[0][0] >= WAITING_AT_MOST:
        return DROPPED
    database.insert(
        Pending,
        {
            "address": found.address,
            "fingerprint": found.certificate.fingerprint,
            "certificate": found.certificate.der,
            "reasons": pack([{"code": each.code, "text": each.text()} for each in reasons]),
            "state": WAITING,
            "capabilities": pack(list(found.capabilities)) if found.signed_at else "",
            "capabilities_at": stamp(found.signed_at) if found.signed_at else 0,
            "message_id": storable(message_id[:500]),
            "added_at": stamp(at),
        },
    )
    return PENDING


def _store(database: Database, found: Harvest, at: datetime, message_id: str) -> str:
    if _is_full(database):
        return DROPPED
    _forget_oldest(database, found.address)
    entry = Entry(
        name=found.address,
        is_domain=False,
        certificate=found.certificate,
        source=HARVESTED,
        at=at,
        is_pinned=False,
        capabilities=found.capabilities if found.signed_at else None,
        signed_at=found.signed_at,
        message_id=message_id,
    )
    store_entry(database, entry)
    kept = database.sql("SELECT COUNT(*) FROM intermediate")[0][0]
    if kept < _INTERMEDIATES_AT_MOST and store_intermediates(database, found.intermediates[:5], at):
        database.move()
    return STORED


def _is_full(database: Database) -> bool:
    # There are never more rows than the highest id says, and counting a million takes longer than
    # everything else here.
    highest = database.sql("SELECT MAX(id) FROM partner")[0][0] or 0
    if highest < BOOK_AT_MOST:
        return False
    return int(database.sql("SELECT COUNT(*) FROM partner")[0][0]) >= BOOK_AT_MOST


def _forget_oldest(database: Database, address: str) -> None:
    """Keep an address at its ten newest; what a person has said is never forgotten."""
    here = (Partner.name == address) & (Partner.source == HARVESTED) & Partner.is_enabled
    unsaid = ~Partner.is_only & Partner.grace_days.is_null()
    query = Partner.select(Partner.id).where(here & unsaid)
    rows = database.rows(query.order_by(Partner.added_at.desc()))
    surplus = [row["id"] for row in rows[CERTIFICATES_OF_ONE_ADDRESS - 1 :]]
    if surplus:
        database.run(Partner.delete().where(Partner.id.in_(surplus)))
