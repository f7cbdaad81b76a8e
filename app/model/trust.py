"""Trust anchors: the certificate authorities that the owner believes for mail.

An anchor is a name and a key (RFC 5280 §6.1.1 (d)), so little is asked of its certificate: dates
are looked at when a path is judged, by the moment in question. A certificate that vouches for
itself and is no authority's can have no path; it is for ``sealmon partner import``, which binds it
to an address (T45).
"""

from datetime import datetime
from typing import Any, Final

from app.model.database import PARTNERS, SETTINGS, Database
from app.model.errors import Refused
from app.model.files import read_certificates
from app.model.keyrows import fingerprint_id
from app.model.publicroots import read_public_roots
from app.model.shown import certificate_json
from app.model.tables import Anchor, moment, stamp
from app.pki.certdata import is_certdata
from app.pki.certificate import Certificate

_WITH_EXTENSIONS: Final = 3
"""Certificates of earlier versions cannot say whether they are an authority's."""


def add(database: Database, octets: bytes, at: datetime) -> list[dict[str, Any]]:
    """Believe the authorities of a file; what else is in it is left out, with a warning.

    Raises Refused with one line for a file without any.
    """
    if is_certdata(octets):
        roots = read_public_roots(octets, at)
        taken, notes = roots.taken, [*roots.notes, *_still_believed(database, roots.refused)]
    else:
        taken, notes = _authorities(octets)
    with database.change(SETTINGS, PARTNERS):
        for each in taken:
            known = Anchor.select().where(Anchor.fingerprint == each.fingerprint)
            if database.row(known) is None:
                values = {"fingerprint": each.fingerprint, "certificate": each.der}
                database.insert(Anchor, {**values, "added_at": stamp(at)})
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


def _still_believed(database: Database, refused: frozenset[str]) -> list[str]:
    """Return which anchors of the owner a public list does not, or no longer, trust for e-mail."""
    return [
        f"still believed, but not by this list: sealmon trust remove {row['id']} ({row['subject']})"
        for row in list_anchors(database)
        if row["fingerprint"] in refused
    ]


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
            "added_at": moment(row["added_at"]),
            **certificate_json(Certificate.from_der(bytes(row["certificate"]))),
        }
        for row in rows
    ]
    return sorted(found, key=lambda row: (row["subject"], row["id"]))


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
