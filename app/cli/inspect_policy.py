"""What can be weak about the policy: combinations that undo each other (C1, T137)."""

from collections.abc import Iterator, Sequence
from typing import Final

from app.cli.weakness import WEAK, WRONG, Weakness
from app.model import keys
from app.model.database import Database
from app.model.loading import load_policy
from app.model.policy import RouteRow

_WEAK: Final = {
    ("verify", "off"): "signatures are not checked",
    ("revocation", "off"): "revoked certificates are taken for good",
    ("legacy_decrypt", "3des+rc2"): "RC2 is opened, which anybody can break and rewrite",
    ("harvest_approval", "never"): "certificates with errors are dropped and nobody learns of them",
}


def inspect_policy(database: Database) -> Iterator[Weakness]:
    """Give what is wrong or weak in the routes."""
    rows = load_policy(database).rows
    yield from _one_way(database, rows)
    for row in rows:
        for (name, value), what in _WEAK.items():
            if row.fields.get(name) == value:
                yield Weakness(
                    f"policy-{name.replace('_', '-')}",
                    WEAK,
                    f'Route "{row.name}" sets {name} = "{value}": {what}.',
                    "sealmon policy export, change it, sealmon policy apply",
                    row.name,
                )


def _one_way(database: Database, rows: Sequence[RouteRow]) -> Iterator[Weakness]:
    """Signing invites encrypted answers; where nothing is decrypted nobody can read them (C1)."""
    signs = any(row.fields.get("sign", "never") != "never" for row in rows)
    if not signs or not any(row["state"] == "active" for row in keys.list_keys(database)):
        return
    for row in rows:
        if row.fields.get("decrypt") == "off":
            yield Weakness(
                "sign-without-decrypt",
                WRONG,
                f'Mail is signed, and route "{row.name}" leaves encrypted answers as they come.',
                'Set decrypt = "on" there.',
                row.name,
            )
