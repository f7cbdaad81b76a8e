"""Trusting the issuer of a certificate that waits, instead of the certificate (B5).

The message has brought its authorities, and anybody can put anything into a message: only one that
has truly issued the certificate, or stands above who has, is kept with it, shown and offered.
Whether it is to be believed for all that it issues is for the person to say who compares its
fingerprint.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.model import trust
from app.model.continuity import KEY_CHANGE, find_change_among
from app.model.database import PARTNERS, SETTINGS, Database
from app.model.errors import Refused
from app.model.facts import reasons_json
from app.model.fetched import keep_issuers
from app.model.partnerrows import HARVESTED, Entry, entries_json, store_entry
from app.model.pending import chain_of, get_row, learned_of, waiting_certificate
from app.model.stored import unpack
from app.model.tables import Pending
from app.pki.builder import line_above
from app.pki.certificate import Certificate
from app.pki.path import TRUSTED, Anchors, PathResult, validate

CHAIN_OCTETS: Final = 64 * 1024
"""Of the authorities of one message that waits; five times what the largest keys need."""

_OF_THE_PATH: Final = frozenset({"no-path", "no-trust", "untrusted"})


def signed_above(
    certificate: Certificate, bag: Sequence[Certificate], at: datetime
) -> list[Certificate]:
    """Return one line of authorities of a message, each of whom has issued the one before.

    Whoever else is in the bag is not shown beside them: a person would compare the fingerprint of
    one, and trust another.
    """
    found: list[Certificate] = []
    octets = 0
    for each in line_above(certificate, bag, at):
        octets += len(each.der)
        if octets > CHAIN_OCTETS:
            break
        found.append(each)
    return found


def trust_issuer(database: Database, pending_id: int, at: datetime) -> dict[str, Any]:
    """Make the highest issuer that the message brought a trust anchor.

    The certificate is taken over like any other below that anchor, if nothing else speaks against
    it; what does is returned in ``reasons``. Raises Refused if the message brought no issuer.
    """
    row = get_row(database, pending_id, at)
    certificate = waiting_certificate(row)
    chain = chain_of(row)
    anchor = _highest(certificate, chain, at)
    if anchor is None:
        raise Refused(
            f"{certificate.subject}: the message brought nobody who issued it; get the certificate"
            f" of {certificate.issuer} from its owner: sealmon trust add FILE"
        )
    ids = []
    with database.change(SETTINGS, PARTNERS):
        database.exclude(row["address"])
        reasons = _other_reasons(database, row, certificate, at)
        (added,) = trust.add(database, anchor.der, at)
        if not reasons:
            entry = Entry(
                name=row["address"],
                is_domain=False,
                certificate=certificate,
                source=HARVESTED,
                at=at,
                is_pinned=False,
                **learned_of(row),
            )
            ids.append(store_entry(database, entry))
            database.run(Pending.delete().where(Pending.id == pending_id))
    keep_issuers(database, _path(certificate, chain, anchor, at).path[1:-1], at)
    return {"anchor": added, "entries": entries_json(database, ids), "reasons": reasons}


def _highest(
    certificate: Certificate, chain: Sequence[Certificate], at: datetime
) -> Certificate | None:
    """Return who verifiably stands highest above a certificate, a root before all others."""
    found = []
    for each in chain:
        others = [other for other in chain if other != each]
        path = _path(certificate, others, each, at)
        if path.status == TRUSTED:
            found.append((each.is_self_signed, len(path.path), each))
    return max(found, key=lambda each: each[:2])[2] if found else None


def _path(
    certificate: Certificate, others: Sequence[Certificate], anchor: Certificate, at: datetime
) -> PathResult:
    """Return the path that there would be if this anchor were the only one."""
    alone = Anchors((anchor,), f"alone {anchor.fingerprint}")
    return validate(certificate, others, alone, at=at, revocation="off")


def _other_reasons(
    database: Database, row: dict[str, Any], certificate: Certificate, at: datetime
) -> list[dict[str, Any]]:
    """Return why a certificate waits besides its path, as things are now."""
    reasons = [
        each
        for each in unpack(row["reasons"])
        if each["code"] not in _OF_THE_PATH and each["code"] != KEY_CHANGE
    ]
    rows = database.sql(
        "SELECT certificate, is_enabled FROM partner WHERE name = ?", (row["address"],)
    )
    change = find_change_among(certificate, rows, at)
    return [*reasons, *reasons_json((change,) if change else ())]
