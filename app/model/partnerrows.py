"""Rows of the partner book: how one is made of a certificate, and how it is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.model.database import Database
from app.model.keyindex import issuer_serial, key_identifier
from app.model.shown import certificate_json
from app.model.tables import Partner, moment, pack, stamp, unpack
from app.pki.certificate import Certificate

MANUAL = "manual"
HARVESTED = "harvested"
APPROVED = "approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be stored of one certificate under one name."""

    name: str
    is_domain: bool
    certificate: Certificate
    source: str
    at: datetime
    is_pinned: bool = True
    include_subdomains: bool = False
    capabilities: Sequence[str] | None = None
    signed_at: datetime | None = None
    message_id: str = ""


def store_entry(database: Database, entry: Entry) -> int:
    """Store an entry and return its id; one that is there is raised to what a person said of it."""
    certificate = entry.certificate
    known = find_entry(database, entry.name, certificate.fingerprint)
    if known is not None:
        if entry.is_pinned:
            values = {"is_pinned": True, "source": entry.source, "is_enabled": True}
            values["include_subdomains"] = entry.include_subdomains
            database.run(Partner.update(values).where(Partner.id == known["id"]))
        return int(known["id"])
    database.insert(
        Partner,
        {
            "name": entry.name,
            "is_domain": entry.is_domain,
            "include_subdomains": entry.include_subdomains,
            "fingerprint": certificate.fingerprint,
            "certificate": certificate.der,
            "issuer_serial": issuer_serial(certificate.issuer_der, certificate.serial),
            "ski": key_identifier(certificate.ski),
            "not_after": stamp(certificate.not_after),
            "source": entry.source,
            "is_pinned": entry.is_pinned,
            "capabilities": "" if entry.capabilities is None else pack(list(entry.capabilities)),
            "capabilities_at": stamp(entry.signed_at) if entry.signed_at else 0,
            "message_id": entry.message_id[:500],
            "added_at": stamp(entry.at),
        },
    )
    stored = find_entry(database, entry.name, certificate.fingerprint)
    assert stored is not None, "inserted in this transaction"
    return int(stored["id"])


def find_entry(database: Database, name: str, fingerprint: str) -> dict[str, Any] | None:
    """Return the row of a name and a certificate, None if there is none."""
    return database.row(
        Partner.select().where((Partner.name == name) & (Partner.fingerprint == fingerprint))
    )


def entry_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the partner book, ready for JSON."""
    certificate = Certificate.from_der(bytes(row["certificate"]))
    return {
        "id": row["id"],
        "name": row["name"],
        "is_domain": bool(row["is_domain"]),
        "include_subdomains": bool(row["include_subdomains"]),
        "status": "enabled" if row["is_enabled"] else "disabled",
        "source": row["source"],
        "pinned": bool(row["is_pinned"]),
        "capabilities": unpack(row["capabilities"]) if row["capabilities"] else None,
        "capabilities_at": moment(row["capabilities_at"]) if row["capabilities_at"] else None,
        "message_id": row["message_id"],
        "added_at": moment(row["added_at"]),
        "used_at": moment(row["used_at"]) if row["used_at"] else None,
        **certificate_json(certificate),
    }
