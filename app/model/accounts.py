"""Accounts: who may have mail signed by logging in (C7). Passwords are kept as scrypt only."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from app.model.database import Database
from app.model.errors import Refused
from app.model.names import read_address
from app.model.stored import moment, pack, stamp, storable, unpack
from app.model.tables import Account, AccountKey, Key

SYSTEM_MAIL: Final = "system-mail"

_LOGIN_CHARACTERS: Final = 100
_PASSWORD_CHARACTERS: Final = (10, 1024)
# RFC 7914: 32 MB and some 60 ms a guess.
_COST, _BLOCK, _LANES = 2**15, 8, 1


def add(
    database: Database,
    login: str,
    password: str,
    at: datetime,
    *,
    addresses: Sequence[str] = (),
) -> dict[str, Any]:
    """Make an account. A login that is an address may send as that address. Raises Refused."""
    name = _read_login(login)
    own = {read_address(each) for each in addresses}
    if "@" in name:
        own.add(read_address(name))
    values = {"login": name, "password": _hashed(password), "addresses": pack(sorted(own))}
    with database.change():
        if database.row(Account.select(Account.login).where(Account.login == name)):
            raise Refused(f"there is an account {name} already")
        database.insert(Account, {**values, "added_at": stamp(at)})
    return get_account(database, name)


def set_password(database: Database, login: str, password: str) -> dict[str, Any]:
    """Set the password of an account."""
    name = get_account(database, login)["id"]
    with database.change():
        hashed = _hashed(password)
        database.run(Account.update(password=hashed).where(Account.login == name))
    return get_account(database, name)


def assign(database: Database, login: str, key_id: str) -> dict[str, Any]:
    """Let an account sign with a key, as the addresses that the key names."""
    name = get_account(database, login)["id"]
    with database.change():
        if database.row(Key.select(Key.id).where(Key.id == key_id)) is None:
            raise Refused(f"there is no key {key_id}: see sealmon key list")
        here = (AccountKey.login == name) & (AccountKey.key == key_id)
        if database.row(AccountKey.select().where(here)) is None:
            database.insert(AccountKey, {"login": name, "key": key_id})
    return get_account(database, name)


def group(database: Database, login: str, name: str) -> dict[str, Any]:
    """Put an account into the group system-mail: only its members may send."""
    if name != SYSTEM_MAIL:
        raise Refused(f"there is no group {name}, only {SYSTEM_MAIL}")
    return _set(database, login, may_send=True)


def ungroup(database: Database, login: str) -> dict[str, Any]:
    """Take an account out of the group system-mail."""
    return _set(database, login, may_send=False)


def delegate(database: Database, login: str, addresses: Sequence[str]) -> dict[str, Any]:
    """Let an account sign as the From of others when it is the Sender (C6)."""
    return _set(
        database, login, delegations=pack(sorted({read_address(each) for each in addresses}))
    )


def _set(database: Database, login: str, **values: object) -> dict[str, Any]:
    name = get_account(database, login)["id"]
    with database.change():
        database.run(Account.update(values).where(Account.login == name))
    return get_account(database, name)


def list_accounts(database: Database) -> list[dict[str, Any]]:
    """Return all accounts by login, without anything of their passwords."""
    keys: dict[str, list[str]] = {}
    for row in database.rows(AccountKey.select().order_by(AccountKey.id)):
        keys.setdefault(row["login"], []).append(row["key"])
    return [
        {
            "id": row["login"],
            "login": row["login"],
            "groups": [SYSTEM_MAIL] if row["may_send"] else [],
            "addresses": unpack(row["addresses"]),
            "delegations": unpack(row["delegations"]),
            "keys": keys.get(row["login"], []),
            "added_at": moment(row["added_at"]),
        }
        for row in database.rows(Account.select().order_by(Account.login))
    ]


def get_account(database: Database, login: str) -> dict[str, Any]:
    """Return one account. Raises Refused if there is none of this login."""
    name = _read_login(login)
    for row in list_accounts(database):
        if row["id"] == name:
            return row
    raise Refused(f"there is no account {name}: see sealmon account list")


def remove(database: Database, login: str) -> dict[str, Any]:
    """Forget an account; the keys stay in the ring."""
    found = get_account(database, login)
    with database.change():
        database.run(AccountKey.delete().where(AccountKey.login == found["id"]))
        database.run(Account.delete().where(Account.login == found["id"]))
    return found


def authenticate(database: Database, login: str, password: str) -> bool:
    """Return whether a password is that of an account. Takes 60 ms; never in the event loop.

    An unknown login takes as long as a known one, so that nobody can ask which there are (T123).
    """
    rows = database.sql("SELECT password FROM account WHERE login = ?", (_folded(login),))
    stored = str(rows[0][0]) if rows else _NOBODY
    return _fits(stored, password) and bool(rows)


def _read_login(login: str) -> str:
    name = _folded(login)
    if not 1 <= len(name) <= _LOGIN_CHARACTERS or not name.isprintable() or " " in name:
        raise Refused(f"{login[:50]!r} is no login: 1 to {_LOGIN_CHARACTERS} characters, no spaces")
    return name


def _folded(login: str) -> str:
    return storable(login).strip().casefold()


def _hashed(password: str) -> str:
    least, most = _PASSWORD_CHARACTERS
    if not least <= len(password) <= most:
        raise Refused(f"a password has {least} to {most} characters")
    salt = secrets.token_bytes(16)
    return _encoded(salt, _derived(password, salt, _COST, _BLOCK, _LANES))


def _encoded(salt: bytes, derived: bytes) -> str:
    texts = (base64.b64encode(each).decode("ascii") for each in (salt, derived))
    return "$".join(("scrypt", str(_COST), str(_BLOCK), str(_LANES), *texts))


def _derived(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    octets = password.encode("utf-8", "surrogatepass")
    memory = 130 * cost * block * lanes
    return hashlib.scrypt(octets, salt=salt, n=cost, r=block, p=lanes, maxmem=memory, dklen=32)


def _fits(stored: str, password: str) -> bool:
    kind, cost, block, lanes, salt, expected = stored.split("$")
    assert kind == "scrypt", "the only kind that was ever stored"
    if len(password) > _PASSWORD_CHARACTERS[1]:
        return False
    octets = _derived(password, base64.b64decode(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(octets, base64.b64decode(expected))


_NOBODY: Final = _encoded(bytes(16), bytes(32))
