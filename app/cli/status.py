"""``sealmon status``: the numbers of an installation."""

from collections import Counter
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any, Final

import click

from app import clock
from app.cli.frame import Verb, wants_json
from app.cli.output import as_json, cell, sheet
from app.cli.place import Place, pass_place
from app.model import accounts, domains, keys, pending, policies, relays, revocations, trust
from app.model.database import Database
from app.model.stored import moment, stamp

_PARTNERS: Final = (
    "SELECT is_enabled, is_domain, COUNT(*) FROM partner GROUP BY is_enabled, is_domain"
)
_TRACES: Final = "SELECT direction, COUNT(*) FROM trace WHERE at >= ? GROUP BY direction"
_INTERMEDIATES: Final = "SELECT COUNT(*) FROM intermediate"
_NEWEST: Final = "SELECT MAX(at) FROM trace"


@click.command("status", cls=Verb)
@pass_place
def status(place: Place) -> None:
    """Print the numbers of the installation."""
    row = {"version": version("sealmon"), "database": place.url}
    row |= _numbers(place.database, clock.now())
    click.echo(as_json(row) if wants_json() else sheet({key: cell(row[key]) for key in row}))


def _numbers(database: Database, at: datetime) -> dict[str, Any]:
    ring = keys.list_keys(database)
    return {
        "domains": len(domains.list_domains(database)),
        "keys": dict(Counter(row["state"] for row in ring)),
        "signing_keys": sum(_signs(row, at) for row in ring),
        "partners": _partners(database),
        "pending": len(pending.list_pending(database, at)),
        "trust_anchors": len(trust.list_anchors(database)),
        "intermediates": int(database.sql(_INTERMEDIATES)[0][0]),
        "revocation_answers": revocations.count_answers(database, at),
        "revocation_failures": len(revocations.list_failures(database, at)),
        "accounts": len(accounts.list_accounts(database)),
        "relays": len(relays.list_relays(database)),
        "routes": len(policies.show(database)),
        "messages_last_day": _messages(database, at - timedelta(days=1)),
        "last_message_at": _newest(database),
    }


def _signs(row: dict[str, Any], at: datetime) -> bool:
    """Whether somebody may sign with a key now: what a seat would be counted for (A7)."""
    has_user = bool(row["relay"] or row["accounts"] or row["domains"])
    return has_user and row["state"] == "active" and row["not_before"] <= at <= row["not_after"]


def _partners(database: Database) -> dict[str, int]:
    found = {"enabled": 0, "disabled": 0, "domains": 0}
    for is_enabled, is_domain, count in database.sql(_PARTNERS):
        found["enabled" if is_enabled else "disabled"] += count
        found["domains"] += count if is_domain else 0
    return found


def _messages(database: Database, since: datetime) -> dict[str, int]:
    counted = {
        str(direction): int(count) for direction, count in database.sql(_TRACES, (stamp(since),))
    }
    return {"inbound": 0, "outbound": 0, **counted}


def _newest(database: Database) -> datetime | None:
    newest = database.sql(_NEWEST)[0][0]
    return moment(newest) if newest is not None else None
