"""What can be wrong with own keys: dates, strength, paths, and who shares them (T100)."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.cli.inspect_store import SOON
from app.cli.weakness import NOTE, WEAK, WRONG, Weakness
from app.model import keys
from app.model.database import Database
from app.model.keyring import KeyRing
from app.model.keyrows import SHARED
from app.model.loading import load_snapshot
from app.model.readable import find_certificate
from app.model.snapshot import Snapshot
from app.pki.certificate import Certificate
from app.pki.path import TRUSTED, validate
from app.pki.reasons import EXPIRED, code_of

_CERTIFICATES = 'SELECT id, certificate FROM "key" WHERE certificate IS NOT NULL'


def inspect_keys(database: Database, at: datetime) -> Iterator[Weakness]:
    """Give what is wrong or weak about the key ring."""
    snapshot = load_snapshot(database)
    certificates = {
        key: found
        for key, der in database.sql(_CERTIFICATES)
        if (found := find_certificate(der, f"key {key}")) is not None
    }
    for row in keys.list_keys(database):
        yield from _shared(row)
        if row["state"] == "requested":
            yield from _request(row, at)
        elif row["state"] == "active" and row["id"] in certificates:
            certificate = certificates[row["id"]]
            yield from _usable(row, certificate, at)
            yield from _path(row, certificate, snapshot, at)
            yield from _purpose(row, snapshot)


def inspect_ring(ring: KeyRing, database: Database) -> Iterator[Weakness]:
    """Give the keys that are stored and cannot be used; it opens every one of them."""
    for (key_id,) in database.sql('SELECT id FROM "key" WHERE certificate IS NOT NULL'):
        if why := ring.find_useless(key_id):
            yield Weakness(
                "key-useless",
                WRONG,
                f"Key {key_id} neither signs nor decrypts: {why}.",
                "Import it again from its copy, or retire it and use another.",
                key_id,
            )


def _name(row: Mapping[str, Any]) -> str:
    names = row["addresses"] or [row["owner"]]
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return f"Key {row['id']} ({names[0]}{more})"


def _shared(row: Mapping[str, Any]) -> Iterator[Weakness]:
    for warning in row["warnings"]:
        if not warning.startswith(SHARED):
            continue
        yield Weakness(
            "shared-key",
            WEAK,
            f"{_name(row)}: {warning}; each of them can read and sign for the other.",
            "Make a key of its own for each owner: sealmon key request ADDRESS",
            about=row["id"],
        )


def _request(row: Mapping[str, Any], at: datetime) -> Iterator[Weakness]:
    if row["added_at"] < at - SOON:
        yield Weakness(
            "request-unanswered",
            NOTE,
            f"{_name(row)} has waited for its certificate since {row['added_at']:%Y-%m-%d}.",
            "sealmon key answer FILE",
            about=row["id"],
        )


def _usable(row: Mapping[str, Any], certificate: Certificate, at: datetime) -> Iterator[Weakness]:
    problems = certificate.signing_problems(at)
    remedy = "Get a new certificate: sealmon key request; the old key goes on decrypting."
    if any(code_of(problem) == EXPIRED for problem in problems):
        used = WRONG if row["relay"] or row["accounts"] or row["domains"] else NOTE
        what = f"{_name(row)} ended on {certificate.not_after:%Y-%m-%d} and signs no more."
        yield Weakness(
            "key-expired", used, what, f"{remedy} sealmon key retire {row['id']}", row["id"]
        )
        return
    if problems:
        what = f"{_name(row)} cannot sign: {'; '.join(problems)}."
        yield Weakness("key-cannot-sign", WEAK, what, remedy, row["id"])
    if certificate.not_after < at + SOON:
        what = f"{_name(row)} ends on {certificate.not_after:%Y-%m-%d}."
        yield Weakness("key-ending", WEAK, what, remedy, row["id"])


def _path(
    row: Mapping[str, Any], certificate: Certificate, snapshot: Snapshot, at: datetime
) -> Iterator[Weakness]:
    if certificate.not_after < at:
        return
    if certificate.is_self_signed:
        yield Weakness(
            "key-self-signed",
            NOTE,
            f"{_name(row)} vouches for itself: partners must import its certificate by hand.",
            f"Give the partner the fingerprint {certificate.fingerprint}.",
            row["id"],
        )
        return
    result = validate(
        certificate, snapshot.intermediates, snapshot.anchors, at=at, revocation="off"
    )
    if result.status != TRUSTED:
        yield Weakness(
            "key-without-path",
            WEAK,
            f"{_name(row)} has no certification path to a trust anchor here"
            f" ({'; '.join(result.reasons) or result.status}); recipients may not trust it either.",
            "Import it again with its intermediates, and sealmon trust add its root.",
            row["id"],
        )


def _purpose(row: Mapping[str, Any], snapshot: Snapshot) -> Iterator[Weakness]:
    """Tell of a key that nobody signs with, and of one that is for no address of ours."""
    if not (row["relay"] or row["accounts"] or row["domains"]):
        yield Weakness(
            "key-signs-nothing",
            NOTE,
            f"{_name(row)} decrypts, and nobody may sign with it.",
            f"sealmon relay key add {row['id']}, or account assign, or domain key",
            row["id"],
        )
    is_ours = bool(row["domains"]) or any(map(snapshot.is_managed, row["addresses"]))
    if not is_ours:
        yield Weakness(
            "key-of-strangers",
            WEAK,
            f"{_name(row)}: no address of it is in a managed domain, so it decrypts nothing.",
            f"sealmon domain add its domain, or sealmon key bind {row['id']} ADDRESS",
            row["id"],
        )
