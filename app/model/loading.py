"""Reads a Snapshot by prepared statements: ten thousand domains take a moment."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final

from app.mail.address import MalformedAddress, normalise_domain
from app.model.database import SETTINGS, Database
from app.model.facts import AccountRule, ManagedDomain, RelayRule
from app.model.fields import FIELDS
from app.model.marks import MarkTexts
from app.model.policy import Policy
from app.model.readable import certificates
from app.model.routes import read_rows, shipped_rows
from app.model.stored import moment, unpack
from app.pki.certificate import Certificate
from app.pki.path import Anchors

_ENDS: Final = """
SELECT fingerprint, distrust_after FROM anchor
WHERE distrust_after IS NOT NULL ORDER BY fingerprint
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything an administrator decided, at one version of the store."""

    version: int
    domains: Mapping[str, ManagedDomain]
    relays: tuple[RelayRule, ...]
    relay_key_ids: frozenset[str]
    accounts: Mapping[str, AccountRule]
    policy: Policy
    anchors: Anchors
    marks: MarkTexts

    @property
    def intermediates(self) -> Sequence[Certificate]:
        """CA certificates seen earlier; they only help to build paths."""
        return self.anchors.intermediates

    def account(self, login: str) -> AccountRule | None:
        """Return the account of a login as a client writes it."""
        return self.accounts.get(login.strip().casefold())

    def is_managed(self, address_or_domain: str) -> bool:
        """Return whether an address or a domain is ours; sub-domains are domains of their own."""
        domain = address_or_domain.rpartition("@")[2]
        if domain in self.domains:
            return True
        try:
            return normalise_domain(domain) in self.domains
        except MalformedAddress:
            return False


def load_snapshot(database: Database) -> Snapshot:
    """Return everything an administrator decided, of one moment. Raises StoreUnavailable."""
    with database.reading():
        return Snapshot(
            version=_version(database),
            domains=_domains(database),
            relays=_relays(database),
            relay_key_ids=frozenset(key for (key,) in database.sql('SELECT "key" FROM relaykey')),
            accounts=_accounts(database),
            policy=load_policy(database),
            anchors=_anchors(database),
            marks=load_marks(database),
        )


def _version(database: Database) -> int:
    return int(database.sql("SELECT number FROM meta WHERE name = ?", (SETTINGS,))[0][0])


def _domains(database: Database) -> Mapping[str, ManagedDomain]:
    keys: dict[str, dict[bool, list[str]]] = defaultdict(lambda: {True: [], False: []})
    for domain, key, is_active in database.sql(
        'SELECT domain, "key", is_active FROM domainkey ORDER BY id'
    ):
        keys[domain][bool(is_active)].append(key)
    return {
        name: ManagedDomain(
            name, frozenset(unpack(sign_to)), tuple(keys[name][True]), tuple(keys[name][False])
        )
        for name, sign_to in database.sql("SELECT name, sign_to FROM domain ORDER BY name")
    }


def _relays(database: Database) -> tuple[RelayRule, ...]:
    return tuple(
        RelayRule(row_id, ip_network(network), bool(is_xforward), name, secret)
        for row_id, network, is_xforward, name, secret in database.sql(
            "SELECT id, network, is_xforward, header_name, header_hash FROM relay ORDER BY id"
        )
    )


def _accounts(database: Database) -> Mapping[str, AccountRule]:
    keys: dict[str, set[str]] = defaultdict(set)
    addresses: dict[str, set[str]] = defaultdict(set)
    for login, key, address in database.sql(
        'SELECT k.login, k."key", a.address FROM accountkey k '
        'LEFT JOIN keyaddress a ON a."key" = k."key"'
    ):
        keys[login].add(key)
        if address:
            addresses[login].add(address)
    return {
        login: AccountRule(
            login,
            bool(may_send),
            frozenset((*unpack(own), *addresses[login])),
            frozenset(keys[login]),
            frozenset(unpack(delegations)),
        )
        for login, may_send, own, delegations in database.sql(
            "SELECT login, may_send, addresses, delegations FROM account"
        )
    }


def load_policy(database: Database) -> Policy:
    """Return the policy in force, the shipped one if there is none."""
    rows = database.sql("SELECT route FROM route ORDER BY position")
    tables: list[dict[str, Any]] = [unpack(text) for (text,) in rows]
    if not tables:
        return Policy(shipped_rows())
    # What an earlier version stored knows nothing of later fields.
    tables[-1] = {**{name: each.default for name, each in FIELDS.items()}, **tables[-1]}
    return Policy(read_rows(tables))


def _anchors(database: Database) -> Anchors:
    """Return the trust anchors; the intermediates in them are indexed once, and never believed."""
    anchors = _certificates(database, "anchor")
    intermediates = _certificates(database, "intermediate")
    ends = database.sql(_ENDS)
    distrust_after = {fingerprint: moment(stamped) for fingerprint, stamped in ends}
    names = [" ".join(each.fingerprint for each in part) for part in (anchors, intermediates)]
    names += [f"{fingerprint} {stamped}" for fingerprint, stamped in ends]
    key = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return Anchors(anchors, key, intermediates, distrust_after)


def _certificates(database: Database, table: str) -> tuple[Certificate, ...]:
    rows = database.sql(f"SELECT fingerprint, certificate FROM {table} ORDER BY fingerprint")  # noqa: S608 - two names, both ours
    return tuple(certificates((f"{table} {name[:16]}", der) for name, der in rows))


def load_marks(database: Database) -> MarkTexts:
    """Return the mark texts in force and all former ones."""
    own: dict[tuple[str, str], str] = {}
    symbols: dict[str, str] = {}
    past: list[str] = []
    for status, language, text, is_current in database.sql(
        "SELECT status, language, text, is_current FROM marktext ORDER BY id"
    ):
        if not is_current:
            past.append(text)
        elif language == "symbol":
            symbols[status] = text
        else:
            own[language, status] = text
    return MarkTexts().with_own(own, past, symbols)
