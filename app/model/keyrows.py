"""The rows around a key: its addresses, its chain, and how all of it is shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from app.model.database import Database
from app.model.readable import certificates, find_certificate, shown
from app.model.stored import moment, pack, stamp
from app.model.tables import AccountKey, DomainKey, Intermediate, KeyAddress, RelayKey
from app.pki.builder import line_above
from app.pki.certificate import Certificate

ENDED_FOR: Final = timedelta(days=30)

SHARED: Final = "its private key is also that of"
OF_AUTHORITY: Final = (
    "its certificate is a certificate authority's (CA:TRUE): it decrypts, and signs nothing"
)


def fingerprint_id(certificate: Certificate) -> str:
    """Return the id of a key or a trust anchor: the beginning of the certificate's fingerprint."""
    return certificate.fingerprint[:16]


def store_addresses(database: Database, key_id: str, addresses: Iterable[str]) -> None:
    """File a key under its addresses."""
    rows = [{"key": key_id, "address": each} for each in dict.fromkeys(addresses)]
    database.insert_many(KeyAddress, rows)


def store_chain(
    database: Database, leaf: Certificate, chain: Sequence[Certificate], at: datetime
) -> str:
    """Keep the intermediates of a key and return their fingerprints as they are stored with it.

    Where the file brought none, those that are known already are taken (RFC 8550 §2.3).
    """
    store_intermediates(database, chain)
    return pack([each.fingerprint for each in chain or _known_chain(database, leaf, at)])


def _known_chain(database: Database, leaf: Certificate, at: datetime) -> list[Certificate]:
    """Return the known intermediates above a certificate, in the order of issuing."""
    rows = database.sql("SELECT fingerprint, certificate FROM intermediate ORDER BY fingerprint")
    known = list(certificates((f"intermediate {name[:16]}", der) for name, der in rows))
    line = line_above(leaf, known, at)
    return [each for each in line if not each.is_self_signed]


def store_intermediates(
    database: Database, chain: Iterable[Certificate], brought_at: datetime | None = None
) -> int:
    """Keep CA certificates that may help to build paths, and return how many are new.

    They are never trusted by themselves. ``brought_at`` is when mail or a fetch brought them; what
    a person imports has none, and no part in the quotas.
    """
    count = 0
    for each in dict.fromkeys(chain):
        known = Intermediate.select().where(Intermediate.fingerprint == each.fingerprint)
        if each.is_ca and database.row(known) is None:
            values = {"fingerprint": each.fingerprint, "certificate": each.der}
            added_at = 0 if brought_at is None else stamp(brought_at)
            times = {"not_after": stamp(each.not_after), "added_at": added_at}
            database.insert(Intermediate, {**values, **times})
            count += 1
    return count


def forget_ended(database: Database, at: datetime) -> None:
    """Forget the intermediates that ended a month ago, in the transaction that is under way.

    Until then mail may still be on its way that was signed in time.
    """
    before = (stamp(at - ENDED_FOR),)
    if database.sql("SELECT 1 FROM intermediate WHERE not_after < ? LIMIT 1", before):
        database.sql_run("DELETE FROM intermediate WHERE not_after < ?", before)
        database.move()


def key_json(database: Database, query: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a select
    """Return the keys of a select, ready for JSON; nothing of it opens a private key."""
    rows = database.rows(query)
    only = [row["id"] for row in rows] if len(rows) == 1 else None
    addresses = _grouped(database, KeyAddress, "address", only)
    domains = _grouped(database, DomainKey, "domain", only)
    accounts = _grouped(database, AccountKey, "login", only)
    relay = {row["key"] for row in database.rows(RelayKey.select())}
    shared = _shared(database)
    return [
        {
            "id": row["id"],
            "state": row["state"],
            "owner": row["owner"],
            "addresses": addresses.get(row["id"], []),
            "domains": domains.get(row["id"], []),
            "accounts": accounts.get(row["id"], []),
            "relay": row["id"] in relay,
            "added_at": moment(row["added_at"]),
            "warnings": _warnings(row, shared),
            **_certificate(row),
        }
        for row in rows
    ]


def _grouped(
    database: Database,
    table: Any,  # noqa: ANN401 - a model with a column "key"
    column: str,
    only: list[str] | None,
) -> dict[str, list[str]]:
    query = table.select().order_by(table.id)
    if only is not None:
        query = query.where(table.key.in_(only))
    found: dict[str, list[str]] = {}
    for row in database.rows(query):
        found.setdefault(row["key"], []).append(row[column])
    return found


def _certificate(row: dict[str, Any]) -> dict[str, Any]:
    if row["certificate"] is None:
        return {"request": bytes(row["request"]).decode("ascii")}
    return shown(row)


def _shared(database: Database) -> dict[str, set[str]]:
    """Return the public keys that certificates of several owners have, with the owners (T100)."""
    found: dict[str, set[str]] = {}
    for spki, owner in database.sql(
        """SELECT spki, owner FROM "key" WHERE spki <> '' AND spki IN
        (SELECT spki FROM "key" GROUP BY spki HAVING COUNT(DISTINCT owner) > 1)"""
    ):
        found.setdefault(spki, set()).add(owner)
    return found


def _warnings(row: dict[str, Any], shared: dict[str, set[str]]) -> list[str]:
    others = shared.get(row["spki"], set()) - {row["owner"]}
    found = [f"{SHARED} {', '.join(sorted(others))}"] if others else []
    if row["certificate"] is not None:
        certificate = find_certificate(row["certificate"], f"key {row['id']}")
        if certificate is not None and certificate.is_ca:
            found.append(OF_AUTHORITY)
    return found
