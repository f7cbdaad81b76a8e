"""What can be wrong with what is stored: domains, relays, accounts, trust anchors, partners."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from app.cli.weakness import NOTE, WEAK, WRONG, Weakness
from app.model import accounts, domains, pending, relays, trust
from app.model.continuity import KEY_CHANGE
from app.model.database import Database
from app.model.partnerrows import each_name
from app.model.quotas import BOOK_AT_MOST, WAITING_AT_MOST
from app.model.readable import UNREADABLE
from app.model.stored import moment, stamp

SOON: Final = timedelta(days=30)
_NEARLY: Final = 0.9
_ENDING: Final = (
    "SELECT COUNT(*) FROM partner WHERE is_enabled AND not_after >= ? AND not_after < ?"
)
_ONLY_ENDING: Final = (
    "SELECT id, name, not_after FROM partner WHERE is_only AND is_enabled AND not_after < ?"
    " ORDER BY name LIMIT 100"
)


def inspect_store(database: Database, at: datetime) -> Iterator[Weakness]:
    """Give what is wrong or weak in the tables, keys and policy aside."""
    yield from _domains(database)
    yield from _relays(database)
    yield from _accounts(database)
    yield from _anchors(database, at)
    yield from _partners(database, at)


def _domains(database: Database) -> Iterator[Weakness]:
    rows = domains.list_domains(database)
    if not rows:
        yield Weakness(
            "no-managed-domain",
            WRONG,
            "No domain is managed: all mail is deferred with 451 4.3.5.",
            "sealmon domain add YOUR.DOMAIN",
        )
    for row in rows:
        if row["sign_to"] and not any(key["state"] == "active" for key in row["keys"]):
            yield Weakness(
                "domain-without-key",
                WRONG,
                f"{row['name']} shall sign to {len(row['sign_to'])} recipients and has no key.",
                f"sealmon domain key {row['name']} KEY",
                about=row["name"],
            )


def _relays(database: Database) -> Iterator[Weakness]:
    rows = relays.list_relays(database)
    keys = relays.list_relay_keys(database)
    for row in rows:
        for warning in row["warnings"]:
            yield Weakness(
                "wide-relay",
                WEAK,
                f"Relay {row['network']}: {warning}.",
                "List the addresses of the servers alone, or add --header NAME:SECRET.",
                about=str(row["id"]),
            )
    if any(not row["xforward"] for row in rows) and not keys:
        yield Weakness(
            "relay-without-key",
            NOTE,
            "Relays are listed and no key is: nothing of theirs is signed with personal keys.",
            "sealmon relay key add KEY",
        )
    if keys and not any(not row["xforward"] for row in rows):
        yield Weakness(
            "relay-key-without-relay",
            NOTE,
            "Keys are usable without a login, and no relay whose From is believed is listed.",
            "sealmon relay add CIDR",
        )


def _accounts(database: Database) -> Iterator[Weakness]:
    rows = accounts.list_accounts(database)
    for row in rows:
        if not row["keys"] and row["groups"]:
            yield Weakness(
                "account-without-key",
                NOTE,
                f"Account {row['login']} may send and has no key.",
                f"sealmon account assign {row['login']} KEY",
                about=row["login"],
            )
        if row["keys"] and not row["groups"]:
            yield Weakness(
                "account-not-in-group",
                WEAK,
                f"Account {row['login']} has a key and may not send: nothing of it is signed.",
                f"sealmon account group {row['login']} {accounts.SYSTEM_MAIL}",
                about=row["login"],
            )


def _anchors(database: Database, at: datetime) -> Iterator[Weakness]:
    rows = trust.list_anchors(database)
    if not rows:
        yield Weakness(
            "no-trust-anchor",
            WEAK,
            "No certificate authority is believed: only signatures of approved partners are valid.",
            "sealmon trust add ROOTS.pem",
        )
    for row in rows:
        if row["not_after"] < at + SOON and UNREADABLE not in row:
            verb = "ended" if row["not_after"] < at else "ends"
            yield Weakness(
                "trust-anchor-ending",
                WEAK,
                f"Trust anchor {row['subject']} {verb} on {row['not_after']:%Y-%m-%d}.",
                f"sealmon trust add its successor, then sealmon trust remove {row['id']}",
                about=row["id"],
            )


def _partners(database: Database, at: datetime) -> Iterator[Weakness]:
    ending = int(database.sql(_ENDING, (stamp(at), stamp(at + SOON)))[0][0])
    if ending:
        yield Weakness(
            "partners-ending",
            NOTE,
            f"{ending} certificates of partners end within {SOON.days} days.",
            f"sealmon partner list --expires-before {at + SOON:%Y-%m-%d}",
        )
    for row_id, name, not_after in database.sql(_ONLY_ENDING, (stamp(at + SOON),)):
        verb = "ended" if moment(not_after) < at else "ends"
        yield Weakness(
            "only-partner-ending",
            WEAK,
            f"The only certificate to be used for {name} {verb} on {moment(not_after):%Y-%m-%d}.",
            f"sealmon partner only {row_id} --off, or only the ID of its successor",
            about=str(row_id),
        )
    yield from _full(database, at)
    yield from _ours(database)
    changed = pending.count_waiting(database, at, KEY_CHANGE)
    if changed:
        yield Weakness(
            "key-change",
            WEAK,
            f"{changed} certificates wait that do not follow what is known of their partners:"
            " a hijacked mailbox looks like this.",
            "sealmon pending list; ask the partner by another way before you approve",
        )
    waiting = pending.count_waiting(database, at)
    if waiting:
        yield Weakness(
            "pending",
            NOTE,
            f"{waiting} certificates wait for approval.",
            "sealmon pending list",
        )


def _ours(database: Database) -> Iterator[Weakness]:
    """Give the managed domains whose people stand in the partner book: they are believed there."""
    managed = {row[0] for row in database.sql("SELECT name FROM domain")}
    counts = Counter(
        domain for name in each_name(database) if (domain := name.rpartition("@")[2]) in managed
    )
    for domain, count in sorted(counts.items()):
        yield Weakness(
            "partner-of-ours",
            WEAK,
            f"{count} names of the partner book are of {domain}, which is managed: whoever has"
            " their keys still signs as its people.",
            f"sealmon partner list --domain {domain}, and sealmon partner remove",
            about=domain,
        )


def _full(database: Database, at: datetime) -> Iterator[Weakness]:
    """Give what is nearly full: nothing new is taken over then, and nobody hears of it (B2)."""
    if pending.count_waiting(database, at) >= WAITING_AT_MOST * _NEARLY:
        yield Weakness(
            "queue-full",
            WEAK,
            f"The approval queue is full, or nearly so: it takes {WAITING_AT_MOST:,} certificates.",
            "sealmon pending list; approve, reject, or reject --all-of-sender",
        )
    if int(database.sql("SELECT COUNT(*) FROM partner")[0][0]) >= BOOK_AT_MOST * _NEARLY:
        yield Weakness(
            "book-full",
            WEAK,
            f"The partner book is full, or nearly so: it takes {BOOK_AT_MOST:,} certificates.",
            "sealmon partner list --expires-before TODAY, and sealmon partner remove",
        )
