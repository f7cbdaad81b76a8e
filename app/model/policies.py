"""The policy as the administrator handles it: one file, applied as a whole or not at all."""

from typing import Any

from app.model.database import Database
from app.model.loading import load_policy
from app.model.policy import RouteRow, changes, export_toml, parse_toml
from app.model.stored import pack
from app.model.tables import Route


def export(database: Database) -> str:
    """Return the policy in force as TOML."""
    return export_toml(load_policy(database).rows)


def apply(database: Database, text: str, *, dry_run: bool = False) -> list[dict[str, Any]]:
    """Put another policy in force and return what that changes.

    Raises Refused with one line that names route and field; nothing has changed then.
    """
    rows = parse_toml(text)
    if dry_run:
        return changes(load_policy(database).rows, rows)
    with database.change():
        found = changes(load_policy(database).rows, rows)
        store(database, rows)
    return found


def store(database: Database, rows: tuple[RouteRow, ...]) -> None:
    """Write the routes in the transaction that is under way."""
    database.run(Route.delete())
    database.insert_many(
        Route,
        [{"position": at, "route": pack(row.to_json())} for at, row in enumerate(rows)],
    )


def show(database: Database) -> list[dict[str, Any]]:
    """Return the routes in order, ready for JSON."""
    return [{"id": row.name, **row.to_json()} for row in load_policy(database).rows]
