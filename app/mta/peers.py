"""Whom we believe: which client may relay, and on whose word something is signed.

A client is believed for its login or for its address, never for what it writes in the message
(behaviour C6–C8, T27). The owner's own MTA is an address that relays for others: what counts then
is the client it names with XFORWARD, and without that name nobody. The narrowest network decides.
"""

from dataclasses import dataclass

from app.mail.headers import Headers, join, split
from app.model.facts import AccountRule, RelayRule
from app.model.relays import find_relay, presents_secret
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
    return _account(snapshot, peer.login) is not None or _direct(snapshot, peer.address) is not None


def may_xforward(snapshot: Snapshot, address: str) -> bool:
    """Whether the client at this address may hand over facts of another one (T31)."""
    rule = _direct(snapshot, address)
    return rule is not None and rule.xforward


def standing(snapshot: Snapshot, peer: Peer, headers: Headers) -> Standing:
    """Return what this client may do with the message that has this header section."""
    account = _account(snapshot, peer.login)
    if account is not None:
        return Standing(may_relay=True, account=account)
    rule = _direct(snapshot, peer.address)
    if rule is None or not _presents_secret(rule, headers):
        return Standing(may_relay=False)
    if not rule.xforward:
        return Standing(may_relay=True, relay=rule)
    handed_over = _account(snapshot, peer.xforward.get("LOGIN"))
    if handed_over is not None:
        return Standing(may_relay=True, account=handed_over)
    # XFORWARD writes "IPV6:" before such an address, and [UNAVAILABLE] where it knows none.
    named = peer.xforward.get("ADDR", "").removeprefix("IPV6:")
    origin = find_relay(snapshot.relays, named)
    if origin is None or origin.xforward or not _presents_secret(origin, headers):
        return Standing(may_relay=True)
    return Standing(may_relay=True, relay=origin)


def secret_fields(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of the fields that carry a relay's secret; they leave no message."""
    return tuple({rule.header_name for rule in snapshot.relays if rule.header_name})


def without_secrets(message: bytes, snapshot: Snapshot) -> bytes:
    """Return the message without the fields that carry a relay's secret."""
    names = secret_fields(snapshot)
    parts = split(message) if names else None
    if parts is None or not any(parts.headers.find(name) for name in names):
        return message
    return join(parts.headers.without(*names), parts)


def _account(snapshot: Snapshot, login: str | None) -> AccountRule | None:
    return snapshot.accounts.get(login.strip().casefold()) if login else None


def _direct(snapshot: Snapshot, peer_address: str) -> RelayRule | None:
    """Return the rule of the client that is connected to us."""
    return find_relay(snapshot.relays, peer_address or LOCAL_SOCKET)


def _presents_secret(rule: RelayRule, headers: Headers) -> bool:
    """Whether the message carries the secret this rule asks for, in exactly one field (C8)."""
    if not rule.header_name:
        return True
    fields = headers.all(rule.header_name)
    return len(fields) == 1 and presents_secret(rule, fields[0].unfolded.decode("latin-1"))
