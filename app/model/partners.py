"""The partner book: certificates of correspondents, under an address or a domain.

What a person imports is trusted because he says so: no certification path is asked for, but a
certificate that could never be used, or that is a CA's, is refused with the reason. A disabled
entry stays and blocks its certificate from being harvested again; a removed one may come back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.mail.address import MalformedAddress, normalise, normalise_domain
from app.model.database import PARTNERS, SETTINGS, Database
from app.model.errors import Refused
from app.model.fields import DAYS_AT_MOST
from app.model.files import read_partner_file
from app.model.fitness import check_domain_certificate, find_other_name, find_warnings
from app.model.keyrows import store_intermediates
from app.model.names import check_subdomains, read_name, refuse_ours
from app.model.partnerrows import (
    MANUAL,
    Entry,
    count_anew,
    entries_json,
    entry_json,
    find_entries,
    raise_known,
    store_new,
)
from app.model.stored import stamp
from app.model.tables import Partner
from app.pki.builder import line_above
from app.pki.certificate import Certificate

_LISTED_AT_MOST: Final = 10_000
_NAMES_OF_ONE: Final = 10
_ISSUERS: Final = 100
_GIVE: Final = "say for whom it is: --for ADDRESS"


def import_partner(
    database: Database,
    octets: bytes,
    at: datetime,
    *,
    name: str | None = None,
    include_subdomains: bool = False,
) -> list[dict[str, Any]]:
    """Take the certificates of a file into the book, all or none.

    They are filed under the given address or domain, else under the addresses they name. PEM, DER,
    .p7b, .p7c and a signed message are understood; the latter brings capabilities, too, if its
    signature holds. Raises Refused with one line.
    """
    brought = read_partner_file(database, octets, at)
    found = brought.certificates
    leaves = [each for each in found if not each.is_ca]
    if not leaves and name is not None and "@" not in name and len(found) == 1:
        check_domain_certificate(found[0], at)
        leaves = [found[0]]
    if not leaves:
        raise Refused(
            f"{found[0].subject}: a certificate authority's certificate is no correspondent's;"
            " sealmon trust add believes that authority; if a domain made it for itself, give"
            " --for DOMAIN"
        )
    named = [(leaf, *each) for leaf in leaves for each in _names(leaf, name)]
    refuse_ours(database, (filed for _, filed, _ in named))
    if include_subdomains:
        check_subdomains(filed for _, filed, _ in named)
    entries = [
        Entry(
            name=filed,
            is_domain=is_domain,
            certificate=leaf,
            source=MANUAL,
            at=at,
            include_subdomains=include_subdomains and is_domain,
            capabilities=brought.capabilities,
            signed_at=brought.signed_at,
        )
        for leaf, filed, is_domain in named
    ]
    notes = [brought.note] if brought.note else []
    warnings = {leaf.fingerprint: [*notes, *find_warnings(leaf, at)] for leaf in leaves}
    for leaf, filed, _ in named:
        if other := find_other_name(leaf, filed):
            warnings[leaf.fingerprint].append(other)
    authorities = _authorities(leaves, found, at)
    with database.change(PARTNERS, *([SETTINGS] if authorities else [])):
        ids = _store(database, entries)
        store_intermediates(database, authorities)
    count_anew(database, len(ids))
    rows = entries_json(database, ids, {leaf.fingerprint: leaf for leaf in leaves})
    return [{**row, "warnings": warnings[row["fingerprint"]]} for row in rows]


def _authorities(
    leaves: Sequence[Certificate], found: Sequence[Certificate], at: datetime
) -> list[Certificate]:
    """Return who stands above the certificates of a file; a bag can hold anybody's (T110)."""
    bag = [each for each in found if each.is_ca and each not in leaves]
    if not bag:
        return []
    one_of_each = {(each.issuer_key, each.aki): each for each in leaves}
    some = list(one_of_each.values())[:_ISSUERS]
    return list(dict.fromkeys(each for leaf in some for each in line_above(leaf, bag, at)))


def _store(database: Database, entries: Sequence[Entry]) -> list[int]:
    """Store entries and return their ids. Raises Refused if one of them is disabled."""
    by_key = {(each.name, each.certificate.fingerprint): each for each in entries}
    known = find_entries(database, list(by_key))
    for (name, _), each in known.items():
        if not each.is_enabled:
            raise Refused(
                f"this certificate of {name} is disabled: sealmon partner enable {each.id}"
            )
    raise_known(database, {each.id: by_key[key] for key, each in known.items()})
    store_new(database, [each for key, each in by_key.items() if key not in known])
    _wait_no_longer(database)
    return [each.id for each in find_entries(database, list(by_key)).values()]


def _wait_no_longer(database: Database) -> None:
    """Take out of the approval queue what has come into the book by another way."""
    if database.sql("SELECT 1 FROM pending WHERE state = 'waiting' LIMIT 1"):
        database.sql_run(
            "DELETE FROM pending WHERE state = 'waiting' AND EXISTS (SELECT 1 FROM partner p"
            " WHERE p.name = pending.address AND p.fingerprint = pending.fingerprint)"
        )


def _names(leaf: Certificate, name: str | None) -> list[tuple[str, bool]]:
    if name is not None:
        return [read_name(name)]
    if not leaf.addresses:
        odd = f" (not a plain one: {leaf.odd_addresses[0]!r})" if leaf.odd_addresses else ""
        raise Refused(f"{leaf.subject}: the certificate names no address{odd}; {_GIVE}")
    if len(leaf.addresses) > _NAMES_OF_ONE:
        count = len(leaf.addresses)
        raise Refused(f"{leaf.subject}: the certificate names {count} addresses; {_GIVE}")
    return [read_name(each) for each in leaf.addresses]


def list_partners(
    database: Database,
    *,
    name: str = "",
    domain: str = "",
    expires_before: datetime | None = None,
) -> list[dict[str, Any]]:
    """Return the entries of the book by name, newest certificate first; at most 10,000.

    Those of a domain are its own and those of its addresses.
    """
    query = Partner.select().order_by(Partner.name, Partner.not_after.desc(), Partner.id)
    if name:
        query = query.where(Partner.name == _as_filed(name))
    if domain:
        query = query.where(_is_in(_as_filed(domain)))
    if expires_before is not None:
        query = query.where(Partner.not_after < stamp(expires_before))
    return [entry_json(row) for row in database.rows(query.limit(_LISTED_AT_MOST))]


def count_in_domain(database: Database, domain: str) -> int:
    """Return how many entries there are of a normalised domain and of its addresses."""
    return len(database.rows(Partner.select(Partner.id).where(_is_in(domain))))


def _is_in(domain: str) -> Any:  # noqa: ANN401 - an expression of peewee's
    return (Partner.name == domain) | Partner.name.endswith(f"@{domain}")


def _as_filed(name: str) -> str:
    """Return N() of a name; one that is none is like no other."""
    try:
        return normalise(name) if "@" in name else normalise_domain(name)
    except MalformedAddress:
        return ""


def get_partner(database: Database, partner_id: int) -> dict[str, Any]:
    """Return one entry. Raises Refused if there is none of this id."""
    row = database.row(Partner.select().where(Partner.id == partner_id))
    if row is None:
        raise Refused(f"there is no entry {partner_id}: see sealmon partner list")
    return entry_json(row)


def disable(database: Database, partner_id: int) -> dict[str, Any]:
    """Use an entry no more; its certificate is not harvested again either."""
    return _switch(database, partner_id, is_enabled=False)


def enable(database: Database, partner_id: int) -> dict[str, Any]:
    """Use a disabled entry again."""
    return _switch(database, partner_id, is_enabled=True)


def _switch(database: Database, partner_id: int, *, is_enabled: bool) -> dict[str, Any]:
    get_partner(database, partner_id)
    values = {"is_enabled": is_enabled, "is_only": False}
    if is_enabled:
        # One that is enabled already may be the only one that is used.
        del values["is_only"]
    with database.change(PARTNERS):
        database.run(Partner.update(values).where(Partner.id == partner_id))
    return get_partner(database, partner_id)


def use_only(database: Database, partner_id: int, *, is_only: bool = True) -> dict[str, Any]:
    """Encrypt to this entry and to no other under its name, or to all of them again.

    Signatures are not asked: who signs with another certificate is still whom it says.
    """
    found = get_partner(database, partner_id)
    if is_only and found["status"] != "enabled":
        raise Refused(f"entry {partner_id} is disabled: sealmon partner enable {partner_id}")
    with database.change(PARTNERS):
        database.run(Partner.update(is_only=False).where(Partner.name == found["name"]))
        if is_only:
            database.run(Partner.update(is_only=True).where(Partner.id == partner_id))
    return get_partner(database, partner_id)


def set_grace(database: Database, partner_id: int, days: int | None) -> dict[str, Any]:
    """Encrypt to an entry for so many days after its end; None is as policy says.

    A signature that was made with it after its end is not believed all the same.
    """
    if days is not None and not 0 <= days <= DAYS_AT_MOST:
        raise Refused(f"{days} is no number of days from 0 to {DAYS_AT_MOST}")
    get_partner(database, partner_id)
    with database.change(PARTNERS):
        database.run(Partner.update(grace_days=days).where(Partner.id == partner_id))
    return get_partner(database, partner_id)


def remove(database: Database, partner_id: int) -> dict[str, Any]:
    """Forget an entry. Its certificate may come back with the next signed message."""
    found = get_partner(database, partner_id)
    with database.change(PARTNERS):
        database.run(Partner.delete().where(Partner.id == partner_id))
    return found
