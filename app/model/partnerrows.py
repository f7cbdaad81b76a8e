"""Rows of the partner book: how one is made of a certificate, and how it is shown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from app.model.database import Database
from app.model.errors import StoreUnavailable
from app.model.keyindex import issuer_serial, key_identifier
from app.model.numbers import new_numbers
from app.model.readable import shown
from app.model.shown import certificate_json
from app.model.stored import moment, pack, stamp, storable, unpack
from app.model.tables import Partner
from app.pki.certificate import Certificate

MANUAL = "manual"
HARVESTED = "harvested"
APPROVED = "approved"

_IDS_OF_A_QUERY: Final = 500
_KNOWN: Final = "p.name, p.fingerprint, p.id, p.is_enabled, p.capabilities_at"
_NAMES_AT_ONCE: Final = 20_000
_NAMES: Final = "SELECT DISTINCT name FROM partner WHERE name > ? ORDER BY name LIMIT ?"
_MANY: Final = 1_000
"""So many new entries at one go may change how a server should look them up."""


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
    known = find_entry(database, entry.name, entry.certificate.fingerprint)
    if known is not None:
        if entry.is_pinned:
            raise_known(database, {known.id: entry})
        return known.id
    values = _numbered(database, [row_values(entry)])[0]
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    statement = f"INSERT INTO partner ({names}) VALUES ({marks}) RETURNING id"  # noqa: S608 - our own column names
    return int(database.sql(statement, tuple(values.values()))[0][0])


def store_new(database: Database, entries: Sequence[Entry]) -> None:
    """Store entries that are not there yet, in one go; call it inside ``change``."""
    rows = _numbered(database, [row_values(each) for each in entries])
    if rows:
        names, marks = ", ".join(rows[0]), ", ".join("?" * len(rows[0]))
        statement = f"INSERT INTO partner ({names}) VALUES ({marks})"  # noqa: S608 - our own column names
        database.sql_many(statement, [tuple(each.values()) for each in rows])


def _numbered(database: Database, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with their numbers, where the server does not choose them."""
    numbers = new_numbers(database, "partner", len(rows))
    return [
        row if number is None else {"id": number, **row}
        for row, number in zip(rows, numbers, strict=True)
    ]


def raise_known(database: Database, entries: Mapping[int, Entry]) -> None:
    """Raise entries by their ids to what a person says of them; call it inside ``change``.

    One that covers sub-domains goes on doing so: else their mail would leave in clear. What the
    client can is noted by the newest signature (RFC 8551 §2.7.1).
    """
    database.sql_many(
        "UPDATE partner SET is_pinned = ?, source = ?, is_enabled = ?,"
        " include_subdomains = (include_subdomains OR ?) WHERE id = ?",
        [
            (True, each.source, True, each.include_subdomains, id_)
            for id_, each in sorted(entries.items(), key=lambda item: item[0])
        ],
    )
    said = [
        (pack(list(each.capabilities)), stamp(each.signed_at), id_, stamp(each.signed_at))
        for id_, each in entries.items()
        if each.capabilities is not None and each.signed_at is not None
    ]
    database.sql_many(
        "UPDATE partner SET capabilities = ?, capabilities_at = ?"
        " WHERE id = ? AND capabilities_at < ?",
        said,
    )


def each_name(database: Database, at_once: int = _NAMES_AT_ONCE) -> Iterator[str]:
    """Give every name of the book once, in an order; a million take a second."""
    last = ""
    while rows := database.sql(_NAMES, (last, at_once)):
        last = rows[-1][0]
        for (name,) in rows:
            yield name


def count_anew(database: Database, added: int) -> None:
    """Let the server count the book after many new entries; what it does not know it guesses.

    PostgreSQL looks by itself, but only after a minute, and until then it may read the whole book
    for one recipient, or keep a plan that was made for an empty one. Call it outside ``change``.
    """
    if added < _MANY or database.is_sqlite:
        return
    try:
        known = database.sql("SELECT reltuples FROM pg_class WHERE oid = 'partner'::regclass")
        highest = database.sql("SELECT MAX(id) FROM partner")[0][0]
        if highest > 2 * known[0][0]:
            # Only what entries are looked up by: the rest is for the server's own look.
            database.sql_run("ANALYZE partner (name, fingerprint, issuer_serial, ski, not_after)")
    except StoreUnavailable:
        # What was stored is stored. The server's own look comes later.
        return


def row_values(entry: Entry) -> dict[str, Any]:
    """Return the columns of an entry."""
    certificate = entry.certificate
    return {
        "name": entry.name,
        "is_domain": entry.is_domain,
        "include_subdomains": entry.include_subdomains,
        "fingerprint": certificate.fingerprint,
        "certificate": certificate.der,
        "issuer_serial": issuer_serial(certificate.issuer_der, certificate.serial),
        "ski": key_identifier(certificate.ski),
        "not_after": stamp(certificate.not_after),
        "source": entry.source,
        "is_enabled": True,
        "is_pinned": entry.is_pinned,
        "is_only": False,
        "grace_days": None,
        "capabilities": "" if entry.capabilities is None else pack(list(entry.capabilities)),
        "capabilities_at": stamp(entry.signed_at) if entry.signed_at else 0,
        "message_id": storable(entry.message_id[:500]),
        "added_at": stamp(entry.at),
        "used_at": 0,
    }


class Known(NamedTuple):
    """What is asked of an entry that is there before it is changed."""

    id: int
    is_enabled: bool
    capabilities_at: int


def find_entry(database: Database, name: str, fingerprint: str) -> Known | None:
    """Return the entry of a name and a certificate, None if there is none."""
    rows = database.sql(
        "SELECT id, is_enabled, capabilities_at FROM partner WHERE name = ? AND fingerprint = ?",
        (name, fingerprint),
    )
    return Known(int(rows[0][0]), bool(rows[0][1]), int(rows[0][2])) if rows else None


def find_disabled_elsewhere(database: Database, name: str, fingerprint: str) -> int | None:
    """Return the entry under another name that a person has disabled a certificate by (B4)."""
    rows = database.sql(
        "SELECT id FROM partner WHERE fingerprint = ? AND NOT is_enabled AND name <> ? LIMIT 1",
        (fingerprint, name),
    )
    return int(rows[0][0]) if rows else None


def find_entries(
    database: Database, wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Known]:
    """Return those of many pairs of name and fingerprint that are there."""
    found: dict[tuple[str, str], Known] = {}
    for at in range(0, len(wanted), _IDS_OF_A_QUERY):
        some = wanted[at : at + _IDS_OF_A_QUERY]
        marks = ", ".join(["(?, ?)"] * len(some))
        # Pair by pair through the index: asked for a list of fingerprints, a PostgreSQL that has
        # not counted its rows yet reads the whole book for each list.
        rows = database.sql(
            f"WITH wanted (name, fingerprint) AS (VALUES {marks}) SELECT {_KNOWN}"  # noqa: S608 - all are bound
            " FROM wanted CROSS JOIN partner p"
            " WHERE p.name = wanted.name AND p.fingerprint = wanted.fingerprint",
            [text for pair in some for text in pair],
        )
        for name, fingerprint, row_id, is_enabled, capabilities_at in rows:
            known = Known(int(row_id), bool(is_enabled), int(capabilities_at))
            found[name, fingerprint] = known
    return {each: found[each] for each in wanted if each in found}


def entries_json(
    database: Database, ids: Sequence[int], read: Mapping[str, Certificate] | None = None
) -> list[dict[str, Any]]:
    """Return entries by their ids, in that order; one that is not there is left out.

    ``read`` has certificates by fingerprint that need not be read again.
    """
    read = read or {}
    found: dict[int, dict[str, Any]] = {}
    for at in range(0, len(ids), _IDS_OF_A_QUERY):
        wanted = list(ids[at : at + _IDS_OF_A_QUERY])
        rows = database.rows(Partner.select().where(Partner.id.in_(wanted)))
        found.update({row["id"]: entry_json(row, read.get(row["fingerprint"])) for row in rows})
    return [found[each] for each in dict.fromkeys(ids) if each in found]


def entry_json(row: Mapping[str, Any], read: Certificate | None = None) -> dict[str, Any]:
    """Return a row of the partner book, ready for JSON; ``read`` is its certificate, if known."""
    return {
        "id": row["id"],
        "name": row["name"],
        "is_domain": bool(row["is_domain"]),
        "include_subdomains": bool(row["include_subdomains"]),
        "status": "enabled" if row["is_enabled"] else "disabled",
        "source": row["source"],
        "pinned": bool(row["is_pinned"]),
        "only_this_one": bool(row["is_only"]),
        "grace_days": row["grace_days"],
        "capabilities": unpack(row["capabilities"]) if row["capabilities"] else None,
        "capabilities_at": moment(row["capabilities_at"]) if row["capabilities_at"] else None,
        "message_id": row["message_id"],
        "added_at": moment(row["added_at"]),
        "used_at": moment(row["used_at"]) if row["used_at"] else None,
        **(shown(row) if read is None else certificate_json(read)),
    }
