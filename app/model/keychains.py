"""The authorities above an own certificate, fetched where its file brought none (C3).

The owner chose the certificate, and with it where it points to; still nothing is fetched unless he
wants issuers fetched at all. What is missing in a chain, recipients may miss as well.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.model.database import Database
from app.model.keyrows import store_intermediates
from app.model.loading import load_snapshot
from app.model.stored import pack, unpack
from app.model.tables import Key
from app.pki.certificate import Certificate
from app.pki.issuers import IssuerFetch, fetch_chain


def completed(
    database: Database, rows: Sequence[dict[str, Any]], fetch: IssuerFetch | None, at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of keys that were just taken, with a warning where a chain is not whole."""
    return [dict(row) if fetch is None else _completed(database, row, fetch, at) for row in rows]


def _completed(
    database: Database, row: Mapping[str, Any], fetch: IssuerFetch, at: datetime
) -> dict[str, Any]:
    stored = database.row(Key.select().where(Key.id == row["id"]))
    if stored is None or stored["certificate"] is None or unpack(stored["chain"]):
        return dict(row)
    anchors = load_snapshot(database).anchors
    leaf = Certificate.from_der(bytes(stored["certificate"]))
    chain, problem = fetch_chain(leaf, (*anchors.ders, *anchors.intermediates), fetch.guard, at)
    if chain:
        with database.change():
            store_intermediates(database, chain)
            packed = pack([each.fingerprint for each in chain])
            database.run(Key.update(chain=packed).where(Key.id == row["id"]))
    said = [f"its chain is not complete: {problem}"] if problem else []
    return {**row, "warnings": [*row["warnings"], *said]}
