"""What becomes of a certificate that a signed message brought (B2, B5, T97).

The book fills itself only where nobody is surprised: an empty slot, or a plain successor
(continuity.py). Everything else waits for a person or is dropped, with its reasons. Quotas keep a
sender from filling the store. Nothing here decides about a message: the caller has delivered it, or
will, whatever happens here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.model.continuity import find_change_among
from app.model.database import PARTNERS, Database
from app.model.facts import reasons_json
from app.model.fetched import keep_issuers
from app.model.names import is_managed
from app.model.numbers import new_numbers
from app.model.partnerrows import (
    HARVESTED,
    Entry,
    Known,
    find_disabled_elsewhere,
    find_entry,
    store_entry,
)
from app.model.pending import LIFETIME, WAITING, expire, is_rejected
from app.model.quotas import APPROVAL_REQUIRED, BLOCKED, hindrance
from app.model.snapshot import Store
from app.model.stored import pack, stamp, storable
from app.model.tables import Partner, Pending
from app.model.vouching import signed_above
from app.pki.issue import CONFIDENTIALITY_NAME, SIGNING_NAME
from app.pki.path import TRUSTED, validate
from app.pki.reasons import IS_CA
from app.smime.harvest import Harvest
from app.smime.reasons import Reason

STORED: Final = "stored"
PENDING: Final = "pending"
KNOWN: Final = "known"
UPDATED: Final = "updated"
DROPPED: Final = "dropped"

_HINT: Final = "looks-like-domain-certificate"
CERTIFICATES_OF_ONE_ADDRESS: Final = 10


@dataclass(frozen=True, slots=True)
class Learned:
    """What became of a certificate that a message brought, and why."""

    outcome: str
    """"stored", "pending", "known", "updated" or "dropped"."""
    fingerprint: str = ""
    """"" where it was not even looked at."""
    reasons: tuple[Reason, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return it as ``try`` and ``trace`` print it."""
        return {
            "outcome": self.outcome,
            "fingerprint": self.fingerprint,
            "reasons": reasons_json(self.reasons),
        }


def harvest(
    store: Store, found: Harvest, approval: str, at: datetime, message_id: str = ""
) -> Learned:
    """Store what a message brought, as ``harvest_approval`` says, and return what became of it.

    Raises StoreUnavailable.
    """
    if _is_old_news(store, found):
        return Learned(KNOWN, found.certificate.fingerprint)
    database = store.database
    foreseen = foresee(database, found, approval, at)
    waits = foreseen.outcome == PENDING and _is_waiting(database, found, at)
    if waits or foreseen.outcome in {KNOWN, DROPPED}:
        # Whoever sends the same all day does not take the one writer's place.
        return foreseen
    with database.transaction():
        database.exclude(found.address)
        learned = foresee(database, found, approval, at)
        _carry_out(database, found, learned, at, message_id)
    if learned.outcome == STORED:
        _keep_issuers(store, found, at)
    return learned


def _keep_issuers(store: Store, found: Harvest, at: datetime) -> None:
    """Keep the authorities of the message that are on the certificate's path, and no others.

    Whoever may have a certificate could else fill the store with twins of an authority, until a
    search for its path takes too much (T110).
    """
    anchors = store.snapshot().anchors
    path = validate(found.certificate, found.intermediates, anchors, at=at, revocation="off")
    if path.status == TRUSTED:
        keep_issuers(store.database, path.path[1:-1], at)


def _is_old_news(store: Store, found: Harvest) -> bool:
    """Return whether the cache already says that there is nothing to write."""
    for each in store.partners_for(found.address).personal:
        if each.certificate.fingerprint == found.certificate.fingerprint:
            is_newer = found.signed_at is not None and found.signed_at > each.capabilities_at
            return not (is_newer and found.capabilities != each.capabilities)
    return False


def foresee(database: Database, found: Harvest, approval: str, at: datetime) -> Learned:
    """Return what would become of what a message brought. Changes nothing."""
    certificate, address = found.certificate, found.address
    known = find_entry(database, address, certificate.fingerprint)
    if certificate.is_ca and not _is_of_domain(found):
        outcome, reasons = DROPPED, [Reason(IS_CA, certificate.subject)]
    elif is_managed(database, address.rpartition("@")[2]):
        outcome, reasons = DROPPED, [Reason("one-of-ours", address)]
    elif known is not None:
        outcome, reasons = _known(known, found)
    elif is_rejected(
        database, address, certificate.fingerprint, elsewhere=_is_perhaps_a_lie(found)
    ):
        outcome, reasons = DROPPED, [Reason(BLOCKED)]
    else:
        outcome, reasons = _new(database, found, approval, at)
    return Learned(outcome, certificate.fingerprint, tuple(reasons))


def _is_perhaps_a_lie(found: Harvest) -> bool:
    """Return whether a message need not be of who signed it.

    A signed message can be sent again under any From. Who rejected its certificate there has said
    nothing about what its owner brings himself.
    """
    return bool(found.reasons)


def _is_of_domain(found: Harvest) -> bool:
    """Return whether a certificate that calls itself an authority may be that of a domain (D4)."""
    is_hinted = any(each.code == _HINT for each in found.reasons)
    usage = found.certificate.key_usage
    return (is_hinted or _is_named_for_domain(found.address)) and (
        usage is None or not usage <= {"key_cert_sign", "crl_sign"}
    )


def _is_named_for_domain(address: str) -> bool:
    """Return whether it is one of the two names under which a domain signs (RFC 3183 §3.1.1)."""
    return address.rpartition("@")[0] in {SIGNING_NAME, CONFIDENTIALITY_NAME}


def _known(known: Known, found: Harvest) -> tuple[str, list[Reason]]:
    if not known.is_enabled:
        return KNOWN, [Reason(BLOCKED, f"entry {known.id}")]
    # What the client can is noted by the newest signature (RFC 8551 §2.7.1).
    is_newer = found.signed_at is not None and stamp(found.signed_at) > known.capabilities_at
    return (UPDATED if is_newer else KNOWN), []


def _new(
    database: Database, found: Harvest, approval: str, at: datetime
) -> tuple[str, list[Reason]]:
    reasons = [*found.reasons, *_surprises(database, found, at)]
    if approval == "always" and not reasons:
        reasons.append(Reason(APPROVAL_REQUIRED))
    if reasons and approval == "never":
        return DROPPED, reasons
    if reasons and _is_waiting(database, found, at):
        return PENDING, reasons
    if full := hindrance(database, found.address, found.certificate, at, reasons):
        return DROPPED, [full, *reasons]
    return (PENDING if reasons else STORED), reasons


def _carry_out(
    database: Database, found: Harvest, learned: Learned, at: datetime, message_id: str
) -> None:
    if learned.outcome == UPDATED:
        values: dict[str, Any] = {"capabilities": pack(list(found.capabilities))}
        if found.signed_at is not None:
            values["capabilities_at"] = stamp(found.signed_at)
        here = (Partner.name == found.address) & (Partner.fingerprint == learned.fingerprint)
        database.run(Partner.update(values).where(here))
    elif learned.outcome == STORED:
        _store(database, found, at, message_id)
    elif learned.outcome == PENDING and not _is_waiting(database, found, at):
        _queue(database, found, learned.reasons, at, message_id)
    if learned.outcome in {STORED, UPDATED}:
        database.move(PARTNERS)


def _is_waiting(database: Database, found: Harvest, at: datetime) -> bool:
    return bool(
        database.sql(
            "SELECT 1 FROM pending"
            " WHERE address = ? AND fingerprint = ? AND state = ? AND added_at > ?",
            (found.address, found.certificate.fingerprint, WAITING, stamp(at - LIFETIME)),
        )
    )


def _surprises(database: Database, found: Harvest, at: datetime) -> list[Reason]:
    """Return why a person must look at it besides the certificate itself (B5)."""
    reasons = []
    if _is_named_for_domain(found.address):
        reasons.append(Reason(_HINT, found.address.rpartition("@")[2]))
    if blocked := _blocked_elsewhere(database, found):
        reasons.append(blocked)
    rows = database.sql(
        "SELECT certificate, is_enabled FROM partner WHERE name = ?", (found.address,)
    )
    if change := find_change_among(found.certificate, rows, at):
        reasons.append(change)
    return reasons


def _blocked_elsewhere(database: Database, found: Harvest) -> Reason | None:
    """Return where else a person has said no to a certificate, None if nowhere (B4)."""
    fingerprint = found.certificate.fingerprint
    disabled = find_disabled_elsewhere(database, found.address, fingerprint)
    if disabled is not None:
        return Reason(BLOCKED, f"entry {disabled}")
    is_blocked = is_rejected(database, found.address, fingerprint)
    return Reason(BLOCKED) if is_blocked else None


def _queue(
    database: Database, found: Harvest, reasons: Sequence[Reason], at: datetime, message_id: str
) -> None:
    expire(database, at)
    chain = signed_above(found.certificate, found.intermediates, at)
    (number,) = new_numbers(database, "pending", 1)
    database.insert(
        Pending,
        {
            **({} if number is None else {"id": number}),
            "address": found.address,
            "fingerprint": found.certificate.fingerprint,
            "certificate": found.certificate.der,
            "reasons": pack([{"code": each.code, "text": each.text()} for each in reasons]),
            "state": WAITING,
            "chain": pack([each.der.hex() for each in chain]),
            "capabilities": pack(list(found.capabilities)) if found.signed_at else "",
            "capabilities_at": stamp(found.signed_at) if found.signed_at else 0,
            "message_id": storable(message_id[:500]),
            "added_at": stamp(at),
        },
    )


def _store(database: Database, found: Harvest, at: datetime, message_id: str) -> None:
    _forget_oldest(database, found.address)
    # It may have waited for what is there now, such as a trust anchor.
    here = (Pending.address == found.address) & (Pending.state == WAITING)
    same = Pending.fingerprint == found.certificate.fingerprint
    database.run(Pending.delete().where(here & same))
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


def _forget_oldest(database: Database, address: str) -> None:
    """Keep an address at its ten newest; what a person has said is never forgotten."""
    here = (Partner.name == address) & (Partner.source == HARVESTED) & Partner.is_enabled
    unsaid = ~Partner.is_only & Partner.grace_days.is_null()
    query = Partner.select(Partner.id).where(here & unsaid)
    rows = database.rows(query.order_by(Partner.added_at.desc()))
    surplus = [row["id"] for row in rows[CERTIFICATES_OF_ONE_ADDRESS - 1 :]]
    if surplus:
        database.run(Partner.delete().where(Partner.id.in_(surplus)))
