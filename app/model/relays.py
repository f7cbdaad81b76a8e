"""Relays: internal mail servers whose From is believed, and the owner's own MTA (C8, design 6).

Only the address of the direct client counts, or the one that the owner's MTA hands over; never a
Received field. A network that strangers share must also show a secret in a header field, of which
only a salted digest is stored.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, Final

from app.model.database import Database
from app.model.errors import Refused
from app.model.facts import RelayRule
from app.model.stored import moment, stamp
from app.model.tables import Key, Relay, RelayKey

Network = IPv4Network | IPv6Network

_SECRET_CHARACTERS: Final = 16
_FIELD_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,60}")

# Outbound ranges that many organisations share: every tenant's mail comes from there.
_CLOUD: Final = tuple(
    ip_network(each)
    for each in (
        "40.92.0.0/15",
        "40.107.0.0/16",
        "52.100.0.0/14",
        "104.47.0.0/17",
        "2a01:111:f400::/48",
        "2a01:111:f403::/48",
        "35.190.247.0/24",
        "64.233.160.0/19",
        "66.102.0.0/20",
        "74.125.0.0/16",
        "108.177.8.0/21",
        "209.85.128.0/17",
        "2607:f8b0:4000::/36",
        "2a00:1450:4000::/36",
    )
)


def add(
    database: Database,
    network: str,
    at: datetime,
    *,
    xforward: bool = False,
    header: str = "",
) -> dict[str, Any]:
    """Let a network relay; ``header`` is ``NAME:SECRET``. Raises Refused. Warnings come with it."""
    found = _network(network)
    name, digest = _header(header) if header else ("", "")
    if xforward and name:
        raise Refused("either --xforward or --header: an MTA that hands over needs no secret")
    with database.change():
        if database.row(Relay.select().where(Relay.network == str(found))):
            raise Refused(f"{found} is listed already: sealmon relay remove it first")
        values = {"network": str(found), "is_xforward": xforward, "header_name": name}
        database.insert(Relay, {**values, "header_hash": digest, "added_at": stamp(at)})
    return next(row for row in list_relays(database) if row["network"] == str(found))


def _network(text: str) -> Network:
    text = text.strip()
    try:
        found = ip_network(text, strict=False)
        address = ip_address(text.partition("/")[0])
    except ValueError:
        raise Refused(
            f"{text!r} is no IP address or CIDR network; host names are not taken, because who"
            " answers for a name can change"
        ) from None
    if found.network_address != address:
        raise Refused(f"{text} has bits beyond its prefix: did you mean {found}?")
    if found.prefixlen == 0:
        raise Refused(f"{found} is the whole internet: that is an open relay")
    if isinstance(found, IPv6Network) and found.network_address.ipv4_mapped:
        raise Refused(f"{found}: write the IPv4 network itself")
    return found


def _header(text: str) -> tuple[str, str]:
    name, separator, secret = text.partition(":")
    name, secret = name.strip(), secret.strip()
    if not separator or not _FIELD_NAME.fullmatch(name):
        raise Refused(f"{name!r} is no header field name; give NAME:SECRET")
    if len(secret) < _SECRET_CHARACTERS or not (secret.isascii() and secret.isprintable()):
        raise Refused(f"the secret needs {_SECRET_CHARACTERS} or more printable ASCII characters")
    salt = secrets.token_hex(16)
    return name, f"sha256${salt}${_digest(salt, secret)}"


def _digest(salt: str, secret: str) -> str:
    return hashlib.sha256(f"{salt}${secret}".encode()).hexdigest()


def presents_secret(rule: RelayRule, value: str) -> bool:
    """Return whether a header field has the secret of a relay, in constant time."""
    kind, salt, digest = rule.header_secret_hash.split("$")
    assert kind == "sha256", "the only kind that was ever stored"
    return hmac.compare_digest(_digest(salt, value.strip()), digest)


@lru_cache(maxsize=4096)
def _client(address: str) -> IPv4Address | IPv6Address | None:
    try:
        client = ip_address(address)
    except ValueError:
        return None
    return getattr(client, "ipv4_mapped", None) or client


def find_relay(relays: Sequence[RelayRule], address: str) -> RelayRule | None:
    """Return the rule for a client's address, the narrowest one; None if it is not listed."""
    client = _client(address)
    if client is None:
        return None
    fitting = [
        each for each in relays if each.network.version == client.version and client in each.network
    ]
    return max(fitting, key=lambda each: each.network.prefixlen, default=None)


def list_relays(database: Database) -> list[dict[str, Any]]:
    """Return all relays, with what is risky about each."""
    return [
        {
            "id": row["id"],
            "network": row["network"],
            "xforward": bool(row["is_xforward"]),
            "header": row["header_name"],
            "added_at": moment(row["added_at"]),
            "warnings": _warnings(ip_network(row["network"]), bool(row["header_name"])),
        }
        for row in database.rows(Relay.select().order_by(Relay.id))
    ]


def _warnings(network: Network, has_secret: bool) -> list[str]:  # noqa: FBT001 - two callers
    found = []
    widest = 24 if network.version == 4 else 64
    if network.prefixlen < widest:
        found.append(f"wider than /{widest}: everybody there may have mail signed")
    shared = any(each.version == network.version and each.overlaps(network) for each in _CLOUD)
    if shared and not has_secret:
        found.append("a public cloud's range: every tenant's mail comes from there; add --header")
    return found


def remove(database: Database, which: str) -> dict[str, Any]:
    """Strike a relay from the list, by its id or its network."""
    for row in list_relays(database):
        if which.strip() in {str(row["id"]), row["network"]}:
            with database.change():
                database.run(Relay.delete().where(Relay.id == row["id"]))
            return row
    raise Refused(f"there is no relay {which}: see sealmon relay list")


def add_key(database: Database, key_id: str) -> dict[str, Any]:
    """Let mail from a believed relay be signed with a key."""
    with database.change():
        if database.row(Key.select(Key.id).where(Key.id == key_id)) is None:
            raise Refused(f"there is no key {key_id}: see sealmon key list")
        if database.row(RelayKey.select().where(RelayKey.key == key_id)) is None:
            database.insert(RelayKey, {"key": key_id})
    return {"id": key_id}


def list_relay_keys(database: Database) -> list[dict[str, Any]]:
    """Return the keys usable without authentication."""
    return [{"id": row["key"]} for row in database.rows(RelayKey.select().order_by(RelayKey.key))]


def remove_key(database: Database, key_id: str) -> dict[str, Any]:
    """Take a key out of the list of those usable without authentication."""
    with database.change():
        if not database.run(RelayKey.delete().where(RelayKey.key == key_id)):
            raise Refused(f"key {key_id} is not listed: see sealmon relay list")
    return {"id": key_id}
