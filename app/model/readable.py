"""Certificates in store that can be read no more, as when an upgrade brings a stricter parser.

One such row must not stop the mail of everybody. It is left out, with one warning in the log of
each process; ``sealmon check`` names it as long as it is there. What a row that cannot be read
means for a message is for whoever reads it: nothing may go out in clear for its sake.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from app.model.database import Database
from app.model.shown import certificate_json
from app.model.stored import moment
from app.pki.certificate import Certificate

UNREADABLE: Final = "unreadable"
"""A member of the JSON of a row whose certificate cannot be read: why not."""
PARTNERS_AT_MOST: Final = 20_000
"""That a check looks into; it takes seconds."""

_WARNED_AT_MOST: Final = 1_000

log = logging.getLogger("sealmon.model")
_warned: set[str] = set()


def find_certificate(octets: bytes, what: str) -> Certificate | None:
    """Return a stored certificate, None if it cannot be read; that is said once, with ``what``."""
    try:
        return Certificate.from_der(bytes(octets))
    except ValueError as error:
        _warn(what, error)
        return None


def certificates(rows: Iterable[tuple[str, bytes]]) -> Iterator[Certificate]:
    """Yield the certificates of rows, each with what it is, that can be read."""
    for what, octets in rows:
        found = find_certificate(octets, what)
        if found is not None:
            yield found


def _warn(what: str, error: ValueError) -> None:
    if what not in _warned and len(_warned) < _WARNED_AT_MOST:
        _warned.add(what)
        log.warning("%s cannot be read and is left out: %s; see sealmon check", what, error)


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person compares of the certificate of a row, or that it cannot be read."""
    try:
        return certificate_json(Certificate.from_der(bytes(row["certificate"])))
    except ValueError as error:
        return {
            "fingerprint": str(row["fingerprint"]),
            "subject": "(cannot be read)",
            "issuer": "",
            "serial": "",
            "not_before": moment(0),
            "not_after": moment(row.get("not_after") or 0),
            "key_kind": "",
            "certificate_addresses": [],
            "odd_addresses": [],
            UNREADABLE: str(error),
        }


def list_unreadable(database: Database) -> Iterator[tuple[str, str, str, str]]:
    """Yield table, id, name and problem of each certificate that cannot be read.

    Of the partner book those that were used last are looked at, as it may be long.
    """
    for table, row_id, name, octets in _rows(database):
        try:
            Certificate.from_der(bytes(octets))
        except ValueError as error:
            yield table, str(row_id), str(name), str(error)


def _rows(database: Database) -> Iterator[tuple[str, Any, Any, bytes]]:
    for table in ("anchor", "intermediate"):
        query = f"SELECT fingerprint, certificate FROM {table} ORDER BY fingerprint"  # noqa: S608 - two names, both ours
        for fingerprint, octets in database.sql(query):
            yield table, fingerprint[:16], "", octets
    query = 'SELECT id, owner, certificate FROM "key" WHERE certificate IS NOT NULL ORDER BY id'
    for key_id, owner, octets in database.sql(query):
        yield "key", key_id, owner, octets
    query = (
        "SELECT id, name, certificate FROM partner WHERE id IN (SELECT id FROM partner"
        " WHERE is_enabled ORDER BY COALESCE(used_at, 0) DESC, id DESC LIMIT ?) ORDER BY id"
    )
    for row_id, name, octets in database.sql(query, (PARTNERS_AT_MOST,)):
        yield "partner", row_id, name, octets
