"""Managed domains: whose mail is ours, which certificate stands for all, and to whom it signs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.model.database import Database
from app.model.errors import Refused
from app.model.names import is_managed, read_address, read_domain
from app.model.stored import moment, pack, stamp, unpack
from app.model.tables import Domain, DomainKey, Key

_SIGN_TO_AT_MOST: Final = 10_000


def add(database: Database, name: str, at: datetime) -> dict[str, Any]:
    """Make a domain ours. Raises Refused for one that is there, or that nobody can own."""
    domain = read_domain(name, is_ours=True)
    with database.change():
        if is_managed(database, domain):
            raise Refused(f"{domain} is managed already")
        database.insert(Domain, {"name": domain, "added_at": stamp(at)})
    return get_domain(database, domain)


def list_domains(database: Database) -> list[dict[str, Any]]:
    """Return all managed domains by name."""
    keys: dict[str, list[dict[str, Any]]] = {}
    for row in database.rows(DomainKey.select().order_by(DomainKey.id)):
        keys.setdefault(row["domain"], []).append(
            {"id": row["key"], "state": "active" if row["is_active"] else "retired"}
        )
    return [
        {
            "id": row["name"],
            "name": row["name"],
            "keys": keys.get(row["name"], []),
            "sign_to": unpack(row["sign_to"]),
            "added_at": moment(row["added_at"]),
        }
        for row in database.rows(Domain.select().order_by(Domain.name))
    ]


def get_domain(database: Database, name: str) -> dict[str, Any]:
    """Return one managed domain. Raises Refused if it is not ours."""
    domain = _ours(database, name)
    return next(row for row in list_domains(database) if row["id"] == domain)


def remove(database: Database, name: str) -> dict[str, Any]:
    """Give a domain up; its keys stay in the key ring."""
    found = get_domain(database, name)
    with database.change():
        database.run(DomainKey.delete().where(DomainKey.domain == found["id"]))
        database.run(Domain.delete().where(Domain.name == found["id"]))
    return found


def use_key(database: Database, name: str, key_id: str) -> dict[str, Any]:
    """Make a key the domain's; the former one goes on decrypting (D5)."""
    domain = _ours(database, name)
    with database.change():
        key = database.row(Key.select(Key.id, Key.state).where(Key.id == key_id))
        if key is None:
            raise Refused(f"there is no key {key_id}: see sealmon key list")
        if key["state"] != "active":
            raise Refused(f"key {key_id} is {key['state']}: only an active key can be chosen")
        here = DomainKey.domain == domain
        database.run(DomainKey.delete().where(here & (DomainKey.key == key_id)))
        database.run(DomainKey.update(is_active=False).where(here))
        database.insert(DomainKey, {"domain": domain, "key": key_id})
    return get_domain(database, domain)


def sign_to(database: Database, name: str, targets: Sequence[str]) -> dict[str, Any]:
    """Set to whom the domain's certificate signs: address, domain, ".domain" with sub-domains."""
    domain = _ours(database, name)
    if len(targets) > _SIGN_TO_AT_MOST:
        raise Refused(f"at most {_SIGN_TO_AT_MOST} addresses and domains")
    names = sorted({_target(each) for each in targets})
    with database.change():
        database.run(Domain.update(sign_to=pack(names)).where(Domain.name == domain))
    return get_domain(database, domain)


def _target(text: str) -> str:
    text = text.strip()
    if "@" in text:
        return read_address(text)
    if text.startswith("."):
        return "." + read_domain(text[1:])
    return read_domain(text)


def _ours(database: Database, name: str) -> str:
    domain = read_domain(name, is_ours=True)
    if not is_managed(database, domain):
        raise Refused(f"{domain} is not managed: sealmon domain add {domain}")
    return domain
