"""The approval queue: harvested certificates that wait for a person (B5)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.model.database import PARTNERS, Database
from app.model.errors import Refused
from app.model.names import read_partner_name
from app.model.partnerrows import APPROVED, Entry, entries_json, store_entry
from app.model.partners import check_usable, for_domain
from app.model.shown import certificate_json
from app.model.tables import Pending, moment, stamp, unpack
from app.pki.certificate import Certificate

WAITING: Final = "waiting"
REJECTED: Final = "rejected"
SENDER_REJECTED: Final = "sender-rejected"

LIFETIME: Final = timedelta(days=30)


def list_pending(database: Database, at: datetime) -> list[dict[str, Any]]:
    """Return what waits, oldest first; entries end after 30 days."""
    query = Pending.select().where(
        (Pending.state == WAITING) & (Pending.added_at > stamp(at - LIFETIME))
    )
    return [_shown(row) for row in database.rows(query.order_by(Pending.added_at, Pending.id))]


def get_pending(database: Database, pending_id: int) -> dict[str, Any]:
    """Return one entry that waits. Raises Refused if there is none of this id."""
    return _shown(_row(database, pending_id))


def approve(
    database: Database,
    pending_id: int,
    at: datetime,
    *,
    names: Sequence[str] = (),
    as_domain: bool = False,
) -> list[dict[str, Any]]:
    """Use a certificate from now on, for its From or for the given names, and pin it.

    ``as_domain`` files it under the domain of From. Raises Refused, and stores nothing then.
    """
    row = _row(database, pending_id)
    certificate = Certificate.from_der(bytes(row["certificate"]))
    wanted = list(names) or [row["address"]]
    if as_domain:
        wanted = [each.rpartition("@")[2] for each in wanted]
    if not certificate.is_ca:
        check_usable(certificate, at)
    elif any("@" in each for each in wanted):
        raise Refused(
            f"{certificate.subject}: a certificate authority's certificate is no correspondent's;"
            " --as-domain takes it as that of the whole domain"
        )
    else:
        for_domain(certificate, at)
    with database.change(PARTNERS):
        ids = []
        for each in dict.fromkeys(wanted):
            name, is_domain = read_partner_name(database, each)
            entry = Entry(
                name=name,
                is_domain=is_domain,
                certificate=certificate,
                source=APPROVED,
                at=at,
                capabilities=unpack(row["capabilities"]) if row["capabilities"] else None,
                signed_at=moment(row["capabilities_at"]) if row["capabilities_at"] else None,
                message_id=row["message_id"],
            )
            ids.append(store_entry(database, entry))
        database.run(Pending.delete().where(Pending.id == pending_id))
    return entries_json(database, ids)


def reject(database: Database, pending_id: int, *, all_of_sender: bool = False) -> dict[str, Any]:
    """Refuse a certificate for good, or everything that this address may bring."""
    found = get_pending(database, pending_id)
    state = SENDER_REJECTED if all_of_sender else REJECTED
    with database.transaction():
        database.run(Pending.update(state=state).where(Pending.id == pending_id))
        if all_of_sender:
            others = (Pending.address == found["from"]) & (Pending.state == WAITING)
            database.run(Pending.delete().where(others))
    return found


def is_rejected(database: Database, address: str, fingerprint: str) -> bool:
    """Return whether a person has refused this certificate, or all from this address."""
    return bool(
        database.sql(
            "SELECT 1 FROM pending WHERE (fingerprint = ? AND state = ?)"
            " OR (address = ? AND state = ?) LIMIT 1",
            (fingerprint, REJECTED, address, SENDER_REJECTED),
        )
    )


def count_waiting(database: Database, at: datetime) -> int:
    """Return how many certificates wait."""
    since = stamp(at - LIFETIME)
    query = "SELECT COUNT(*) FROM pending WHERE state = ? AND added_at > ?"
    return int(database.sql(query, (WAITING, since))[0][0])


def expire(database: Database, at: datetime) -> int:
    """Forget what has waited for 30 days and return how many entries that were."""
    old = (Pending.state == WAITING) & (Pending.added_at <= stamp(at - LIFETIME))
    with database.transaction():
        return database.run(Pending.delete().where(old))


def _row(database: Database, pending_id: int) -> dict[str, Any]:
    row = database.row(
        Pending.select().where((Pending.id == pending_id) & (Pending.state == WAITING))
    )
    if row is None:
        raise Refused(f"nothing waits under {pending_id}: see sealmon pending list")
    return row


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    added = moment(row["added_at"])
    return {
        "id": row["id"],
        "from": row["address"],
        "reasons": unpack(row["reasons"]),
        "message_id": row["message_id"],
        "added_at": added,
        "expires_at": added + LIFETIME,
        **certificate_json(Certificate.from_der(bytes(row["certificate"]))),
    }
