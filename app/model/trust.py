"""Trust anchors: the certificate authorities that the owner believes for mail.

An anchor is a name and a key (RFC 5280 §6.1.1 (d)), so little is asked of its certificate: dates
are looked at when a path is judged, by the moment in question. A certificate that vouches for
itself and is no authority's can have no path; it is for ``sealmon partner import``, which binds it
to an address (T45).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.model.database import PARTNERS, SETTINGS, Database
from app.model.errors import Refused
from app.model.files import read_certificates
from app.model.keyrows import fingerprint_id
from app.model.publicroots import read_public_roots
from app.model.readable import shown
from app.model.stored import moment, stamp
from app.model.tables import Anchor
from app.pki.certdata import is_certdata
from app.pki.certificate import Certificate

LIST: Final = "list"
"""The source of what came from a public list, and was chosen by nobody here."""
_WITH_EXTENSIONS: Final = 3
"""Certificates of earlier versions cannot say whether they are an authority's."""


def add(
    database: Database, octets: bytes, at: datetime, *, remove_gone: bool = False
) -> list[dict[str, Any]]:
    """Believe the authorities of a file; what else is in it is left out, with a warning.

    A public list comes with moments after which an authority is not believed any more. Anchors of
    earlier lists that it has no longer are named, or with ``remove_gone`` removed; what a person
    chose stays as it is. Raises Refused with one line for a file without any authority.
    """
    if is_certdata(octets):
        return _add_list(database, octets, at, remove_gone=remove_gone)
    if remove_gone:
        raise Refused("only Mozilla's list (certdata.txt) can say which anchors are gone")
    taken, notes = _authorities(octets)
    with database.change(SETTINGS, PARTNERS):
        known = _known(database)
        for each in taken:
            row = known.get(each.fingerprint)
            if row is None:
                _insert(database, each, at)
            elif row["source"]:
                _update(database, each, source="", distrust_after=None)
                notes += _without_end(row)
    return _told(database, taken, notes, at)


def _add_list(
    database: Database, octets: bytes, at: datetime, *, remove_gone: bool
) -> list[dict[str, Any]]:
    roots = read_public_roots(octets)
    notes = list(roots.notes)
    with database.change(SETTINGS, PARTNERS):
        known = _known(database)
        for each, end in roots.taken.items():
            row = known.get(each.fingerprint)
            if row is None:
                _insert(database, each, at, source=LIST, distrust_after=end)
            elif row["source"] == LIST:
                _update(database, each, source=LIST, distrust_after=end)
        listed = {each.fingerprint for each in roots.taken}
        for fingerprint, row in known.items():
            if row["source"] == LIST and fingerprint not in listed:
                notes.append(_gone(database, row, remove=remove_gone))
            elif fingerprint in roots.refused:
                notes.append(f"still believed, but not by this list: {_how_to_remove(row)}")
    return _told(database, list(roots.taken), notes, at)


def _known(database: Database) -> dict[str, dict[str, Any]]:
    """Return the anchors there are by fingerprint, as ``list_anchors`` shows them."""
    return {row["fingerprint"]: row for row in list_anchors(database)}


def _insert(
    database: Database,
    anchor: Certificate,
    at: datetime,
    source: str = "",
    distrust_after: datetime | None = None,
) -> None:
    values = {
        "fingerprint": anchor.fingerprint,
        "certificate": anchor.der,
        "source": source,
        "distrust_after": _stamp(distrust_after),
        "added_at": stamp(at),
    }
    database.insert(Anchor, values)


def _update(
    database: Database, anchor: Certificate, *, source: str, distrust_after: datetime | None
) -> None:
    values = {"source": source, "distrust_after": _stamp(distrust_after)}
    database.run(Anchor.update(values).where(Anchor.fingerprint == anchor.fingerprint))


def _without_end(row: dict[str, Any]) -> list[str]:
    """Return what a person should know who believes for ever whom a list does not."""
    end = row["distrust_after"]
    said = f"believed from now on for what it issues after {end:%Y-%m-%d}, too: {row['subject']}"
    return [said] if end else []


def _gone(database: Database, row: dict[str, Any], *, remove: bool) -> str:
    if not remove:
        return f"came from an earlier list, and is gone from this one: {_how_to_remove(row)}"
    database.run(Anchor.delete().where(Anchor.fingerprint == row["fingerprint"]))
    return f"removed, as it is gone from the list: {row['subject']}"


def _how_to_remove(row: dict[str, Any]) -> str:
    return f"sealmon trust remove {row['id']} ({row['subject']})"


def _told(
    database: Database, taken: Sequence[Certificate], notes: Sequence[str], at: datetime
) -> list[dict[str, Any]]:
    """Return the rows of what was taken, with the warnings; those of the file are at the first."""
    warnings = {fingerprint_id(each): _warnings(each, at) for each in taken}
    warnings[fingerprint_id(taken[0])] += notes
    rows = list_anchors(database)
    return [{**row, "warnings": warnings[row["id"]]} for row in rows if row["id"] in warnings]


def _authorities(octets: bytes) -> tuple[list[Certificate], list[str]]:
    """Return the authorities of a file, and what is left out of it."""
    found = read_certificates(octets)
    taken = [each for each in found if _may_be_anchor(each)]
    left = [each.subject for each in found if not _may_be_anchor(each)]
    if not taken:
        raise Refused(
            f"{left[0]}: not a certificate authority's certificate; sealmon partner import"
            " takes a correspondent's"
        )
    return taken, [f"left out, as no authority's: {each}" for each in left]


def _may_be_anchor(certificate: Certificate) -> bool:
    """Return whether it is an authority's, or a root from before certificates could say so."""
    if certificate.is_ca:
        return True
    return certificate.is_self_signed and certificate.version < _WITH_EXTENSIONS


def _warnings(certificate: Certificate, at: datetime) -> list[str]:
    """Return what a person who believes this certificate should know."""
    found = []
    if at > certificate.not_after:
        found.append(f"it ended on {certificate.not_after:%Y-%m-%d}: only older mail has a path")
    if not certificate.is_ca:
        found.append("it is of an old version: nothing in it limits what its key may issue")
    return found


def list_anchors(database: Database) -> list[dict[str, Any]]:
    """Return all trust anchors by subject."""
    rows = database.rows(Anchor.select())
    found = [
        {
            "id": str(row["fingerprint"])[:16],
            "source": str(row["source"]),
            "distrust_after": _moment(row["distrust_after"]),
            "added_at": moment(row["added_at"]),
            **shown(row),
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: (row["subject"], row["id"]))


def _moment(stamped: int | None) -> datetime | None:
    return None if stamped is None else moment(stamped)


def _stamp(at: datetime | None) -> int | None:
    return None if at is None else stamp(at)


def get_anchor(database: Database, anchor_id: str) -> dict[str, Any]:
    """Return one trust anchor by its id or fingerprint. Raises Refused if there is none."""
    wanted = anchor_id.strip().lower().replace(":", "")
    for row in list_anchors(database):
        if wanted in {row["id"], row["fingerprint"]}:
            return row
    raise Refused(f"there is no trust anchor {anchor_id}: see sealmon trust list")


def remove(database: Database, anchor_id: str) -> dict[str, Any]:
    """Believe an authority no more; what only it vouches for is untrusted from now on."""
    found = get_anchor(database, anchor_id)
    with database.change(SETTINGS, PARTNERS):
        database.run(Anchor.delete().where(Anchor.fingerprint == found["fingerprint"]))
    return found
