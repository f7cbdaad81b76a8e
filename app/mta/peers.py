"""Whom we believe: which client may relay, and on whose word something is signed.

A client is believed for its login or for its address, never for what it writes in the message
(behaviour C6–C8, T27). The owner's own MTA is an address that relays for others: what counts then
is the client it names with XFORWARD, and without that name nobody. The narrowest network decides;
of two alike the one that believes less.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from app.mail.headers import Headers
from app.model.facts import AccountRule, RelayRule
from app.model.relays import is_secret
from app.model.snapshot import Snapshot
from app.mta.envelope import Peer

LOCAL_SOCKET = "127.0.0.1"
"""Who comes by a UNIX socket is on this host."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a client may do with one message."""

    may_relay: bool
    account: AccountRule | None = None
    relay: RelayRule | None = None
    """A believed relay, for signing (C8)."""


def may_relay(snapshot: Snapshot, peer: Peer) -> bool:
    """Whether mail for other domains is taken from this client, as far as RCPT can tell."""
    return _account(snapshot, peer.login) is not None or _rule(snapshot, peer.address) is not None


def may_xforward(snapshot: Snapshot, address: str) -> bool:
    """Whether the client at this address may hand over facts of another one (T31)."""
    rule = _rule(snapshot, address)
    return rule is not None and rule.xforward


def standing(snapshot: Snapshot, peer: Peer, headers: Headers) -> Standing:
    """Return what this client may do with the message that has this header section."""
    account = _account(snapshot, peer.login)
    if account is not None:
        return Standing(may_relay=True, account=account)
    rule = _rule(snapshot, peer.address)
    if rule is None or not _presents_secret(rule, headers):
        return Standing(may_relay=False)
    if not rule.xforward:
        return Standing(may_relay=True, relay=rule)
    handed_over = _account(snapshot, peer.xforward.get("LOGIN"))
    if handed_over is not None:
        return Standing(may_relay=True, account=handed_over)
    origin = _rule(snapshot, peer.xforward.get("ADDR", "").removeprefix("IPV6:"), named=True)
    if origin is None or origin.xforward or not _presents_secret(origin, headers):
        return Standing(may_relay=True)
    return Standing(may_relay=True, relay=origin)


def secret_fields(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of the fields that carry a relay's secret; they leave no message."""
    return tuple({rule.header_name for rule in snapshot.relays if rule.header_name})


def _account(snapshot: Snapshot, login: str | None) -> AccountRule | None:
    return snapshot.accounts.get(login) if login else None


def _rule(snapshot: Snapshot, address: str, *, named: bool = False) -> RelayRule | None:
    """Return the rule of the narrowest network that holds this address.

    ``named`` says that the address was handed over, where none is no address at all.
    """
    try:
        found = ipaddress.ip_address(address or ("" if named else LOCAL_SOCKET))
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return _narrowest(rule for rule in snapshot.relays if found in rule.network)


def _narrowest(rules: Iterable[RelayRule]) -> RelayRule | None:
    return max(
        rules,
        key=lambda rule: (rule.network.prefixlen, rule.xforward, bool(rule.header_name)),
        default=None,
    )


def _presents_secret(rule: RelayRule, headers: Headers) -> bool:
    """Whether the message carries the secret this rule asks for, in exactly one field (C8)."""
    if not rule.header_name:
        return True
    fields = headers.all(rule.header_name)
    return len(fields) == 1 and is_secret(fields[0].unfolded, rule.header_secret_hash)
