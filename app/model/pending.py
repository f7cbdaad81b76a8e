"""The approval queue: harvested certificates that wait for a person (B5)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.mail.address import spelled_out
from app.model.choice import find_partners
from app.model.database import PARTNERS, Database
from app.model.errors import Refused
from app.model.fitness import check_domain_certificate, check_usable, find_other_name
from app.model.names import check_subdomains, is_managed, read_partner_name
from app.model.partnerrows import APPROVED, Entry, entries_json, find_entry, store_entry
from app.model.readable import certificates, find_certificate, shown
from app.model.stored import moment, stamp, unpack
from app.model.tables import Pending
from app.pki.certificate import Certificate

WAITING: Final = "waiting"
REJECTED: Final = "rejected"
SENDER_REJECTED: Final = "sender-rejected"

LIFETIME: Final = timedelta(days=30)
_BOUND_AT_MOST: Final = 10


def list_pending(database: Database, at: datetime) -> list[dict[str, Any]]:
    """Return what waits, oldest first; entries end after 30 days."""
    query = Pending.select().where(
        (Pending.state == WAITING) & (Pending.added_at > stamp(at - LIFETIME))
    )
    return [_shown(row) for row in database.rows(query.order_by(Pending.added_at, Pending.id))]


def list_rejected(database: Database) -> list[dict[str, Any]]:
    """Return what a person has refused, oldest first; it stays until it is forgotten."""
    query = Pending.select().where(Pending.state != WAITING)
    return [
        {**_shown(row), "state": row["state"], "expires_at": None}
        for row in database.rows(query.order_by(Pending.added_at, Pending.id))
    ]


def get_pending(database: Database, pending_id: int) -> dict[str, Any]:
    """Return one entry that waits. Raises Refused if there is none of this id."""
    return _shown(get_row(database, pending_id))


def approve(
    database: Database,
    pending_id: int,
    at: datetime,
    *,
    names: Sequence[str] = (),
    as_domain: bool = False,
    include_subdomains: bool = False,
) -> list[dict[str, Any]]:
    """Use a certificate from now on and pin it: for the given names, or for all that it names.

    From is always among the latter. An address that somebody knows another certificate of is not,
    be it of its domain, nor one of ours; the warnings say so. ``as_domain`` files it under the
    domain of From. Raises Refused, and stores nothing then.
    """
    row = get_row(database, pending_id, at)
    certificate = waiting_certificate(row)
    wanted = list(names) or [row["address"]]
    others, warnings = _others(database, row["address"], certificate)
    if as_domain:
        wanted = [each.rpartition("@")[2] for each in wanted]
    if names or as_domain:
        others, warnings = [], []
    _check(certificate, wanted, at)
    filed = [read_partner_name(database, each) for each in dict.fromkeys([*wanted, *others])]
    if include_subdomains:
        check_subdomains(name for name, _ in filed)
    warnings += [
        f"for {spelled_out(name)}: {other}"
        for name, _ in filed
        if (other := find_other_name(certificate, name))
    ]
    with database.change(PARTNERS):
        _refuse_disabled(database, (name for name, _ in filed), certificate.fingerprint)
        ids = []
        for name, is_domain in filed:
            entry = Entry(
                name=name,
                is_domain=is_domain,
                certificate=certificate,
                source=APPROVED,
                at=at,
                include_subdomains=include_subdomains and is_domain,
                **learned_of(row),
            )
            ids.append(store_entry(database, entry))
        database.run(Pending.delete().where(Pending.id == pending_id))
    return [{**each, "warnings": warnings} for each in entries_json(database, ids)]


def learned_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return what an entry of the queue says about its message, for an Entry of the book."""
    return {
        "capabilities": unpack(row["capabilities"]) if row["capabilities"] else None,
        "signed_at": moment(row["capabilities_at"]) if row["capabilities_at"] else None,
        "message_id": row["message_id"],
    }


def _check(certificate: Certificate, wanted: Sequence[str], at: datetime) -> None:
    """Raise Refused for a certificate that cannot be used under these names."""
    if not certificate.is_ca:
        check_usable(certificate, at)
    elif any("@" in each for each in wanted):
        raise Refused(
            f"{certificate.subject}: a certificate authority's certificate is no correspondent's;"
            " --as-domain takes it as that of the whole domain"
        )
    else:
        check_domain_certificate(certificate, at)


def _others(
    database: Database, address: str, certificate: Certificate
) -> tuple[list[str], list[str]]:
    """Return the further addresses to bind (B2 step 3), and why some are not."""
    others = [each for each in certificate.addresses if each != address]
    if len(certificate.addresses) > _BOUND_AT_MOST:
        return [], [f"it names {len(certificate.addresses)} addresses: give the others with --for"]
    bound, warnings = [], []
    for each in others:
        if is_managed(database, each.rpartition("@")[2]):
            warnings.append(f"not for {spelled_out(each)}: it is one of ours")
        elif _is_known(database, each):
            warnings.append(f"not for {each}: another certificate is known; give --for {each}")
        elif is_rejected(database, each, certificate.fingerprint, elsewhere=False):
            warnings.append(f"not for {spelled_out(each)}: it was rejected")
        else:
            bound.append(each)
    return bound, warnings


def _is_known(database: Database, address: str) -> bool:
    """Return whether the book has an entry of an address, or one of a domain that reaches it."""
    if database.sql("SELECT 1 FROM partner WHERE name = ? LIMIT 1", (address,)):
        return True
    found = find_partners(database, address)
    return bool(found.domain or found.parents)


def _refuse_disabled(database: Database, names: Iterable[str], fingerprint: str) -> None:
    """Raise Refused where a person has switched a certificate off (B4)."""
    for name in names:
        known = find_entry(database, name, fingerprint)
        if known is not None and not known.is_enabled:
            raise Refused(
                f"this certificate of {name} is disabled: sealmon partner enable {known.id}"
            )


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


def forget(database: Database, pending_id: int) -> dict[str, Any]:
    """Forget that something was refused; it may come again with the next signed message."""
    here = (Pending.id == pending_id) & (Pending.state != WAITING)
    row = database.row(Pending.select().where(here))
    if row is None:
        raise Refused(
            f"nothing was rejected under {pending_id}: see sealmon pending list --rejected"
        )
    with database.transaction():
        database.run(Pending.delete().where(Pending.id == pending_id))
    return _shown(row)


def is_rejected(
    database: Database, address: str, fingerprint: str, *, elsewhere: bool = True
) -> bool:
    """Return whether a person has refused this certificate, or all from this address.

    A refusal of the certificate under another address counts only with ``elsewhere``.
    """
    rows = database.sql(
        "SELECT address FROM pending WHERE (fingerprint = ? AND state = ?)"
        " OR (address = ? AND state = ?)",
        (fingerprint, REJECTED, address, SENDER_REJECTED),
    )
    return any(elsewhere or row[0] == address for row in rows)


def count_waiting(database: Database, at: datetime, code: str = "") -> int:
    """Return how many certificates wait, or how many for a reason of this code."""
    since = stamp(at - LIFETIME)
    query = "SELECT COUNT(*) FROM pending WHERE state = ? AND added_at > ?"
    if not code:
        # By the index alone: the rows of a full queue are hundreds of megabytes.
        return int(database.sql(query, (WAITING, since))[0][0])
    like = f'%"code":"{code}"%'
    return int(database.sql(f"{query} AND reasons LIKE ?", (WAITING, since, like))[0][0])


def expire(database: Database, at: datetime) -> int:
    """Forget what has waited for 30 days and return how many entries that were."""
    old = (Pending.state == WAITING) & (Pending.added_at <= stamp(at - LIFETIME))
    with database.transaction():
        return database.run(Pending.delete().where(old))


def get_row(database: Database, pending_id: int, at: datetime | None = None) -> dict[str, Any]:
    """Return the row of an entry that waits, at this moment. Raises Refused if there is none."""
    row = database.row(
        Pending.select().where((Pending.id == pending_id) & (Pending.state == WAITING))
    )
    if row is None or (at is not None and row["added_at"] <= stamp(at - LIFETIME)):
        raise Refused(f"nothing waits under {pending_id}: see sealmon pending list")
    return row


def chain_of(row: dict[str, Any]) -> tuple[Certificate, ...]:
    """Return the authorities above a certificate that waits, as the message brought them."""
    what = f"the chain of pending {row['id']}"
    return tuple(certificates((what, bytes.fromhex(each)) for each in unpack(row["chain"])))


def waiting_certificate(row: dict[str, Any]) -> Certificate:
    """Return the certificate of an entry. Raises Refused if it cannot be read any more."""
    found = find_certificate(row["certificate"], f"pending {row['id']}")
    if found is None:
        raise Refused(
            f"the certificate under {row['id']} cannot be read: sealmon pending reject {row['id']}"
        )
    return found


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    added = moment(row["added_at"])
    return {
        "id": row["id"],
        "from": row["address"],
        "reasons": unpack(row["reasons"]),
        "message_id": row["message_id"],
        "added_at": added,
        "expires_at": added + LIFETIME,
        "issuers": [
            {"subject": each.subject, "fingerprint": each.fingerprint} for each in chain_of(row)
        ],
        **shown(row),
    }
