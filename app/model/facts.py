"""What a decision is made from: rows of the store and what is known about one message.

Everything here is immutable and holds no secret, so that it may be kept, shared and shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final

from app.pki.certificate import Certificate
from app.smime.reasons import Reason

ONLY_THIS_ONE: Final = "only-this-one"
WITHIN_GRACE: Final = "within-grace"
POST_QUANTUM_OFF: Final = "post-quantum-off"
"""Reasons that speak of the certificates that are used, and not only of those that are not."""


@dataclass(frozen=True, slots=True)
class ManagedDomain:
    """A domain whose mail is ours."""

    name: str
    """A-label, lower case."""
    sign_to: frozenset[str] = frozenset()
    """Addresses, domains, and ".domain" for its sub-domains."""
    key_ids: tuple[str, ...] = ()
    """Domain keys in use."""
    retired_key_ids: tuple[str, ...] = ()
    """Domain keys that only decrypt."""

    def signs_to(self, recipient: str) -> bool:
        """Return whether this domain's signature goes to a normalised recipient (D6)."""
        domain = recipient.rpartition("@")[2]
        parents = (domain[at:] for at, letter in enumerate(domain) if letter == ".")
        return not self.sign_to.isdisjoint((recipient, domain, *parents))


@dataclass(frozen=True, slots=True)
class RelayRule:
    """A client that may relay, by its address."""

    id: int
    network: IPv4Network | IPv6Network
    xforward: bool = False
    """It is the owner's MTA: trust is judged on what it hands over (design 6)."""
    header_name: str = ""
    header_secret_hash: str = ""


@dataclass(frozen=True, slots=True)
class AccountRule:
    """A login and what it may say it is."""

    login: str
    may_send: bool
    """Member of the group system-mail."""
    addresses: frozenset[str]
    """Normalised: its own, its aliases and those of the keys assigned to it."""
    key_ids: frozenset[str] = frozenset()
    delegations: frozenset[str] = frozenset()
    """Addresses it may sign as when another mailbox is the Sender (C6)."""


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An own key, without the key."""

    id: str
    certificate: Certificate
    addresses: frozenset[str]
    """Those of the certificate and those an administrator bound to it."""
    is_retired: bool = False

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return self.certificate.fingerprint

    def signing_problems(self, at: datetime) -> tuple[str, ...]:
        """Return why this key does not sign at this moment; empty if it does."""
        if self.is_retired:
            return ("retired",)
        return self.certificate.signing_problems(at)


@dataclass(frozen=True, slots=True)
class Usable:
    """The certificates that a message to one recipient can be encrypted to now."""

    certificates: tuple[Certificate, ...] = ()
    """Newest first; all of them are used."""
    kind: str = ""
    """"personal" or "domain"; "" if there are none."""
    capabilities: tuple[str, ...] | None = None
    """What the recipient's client said it can; None if it said nothing."""
    reasons: tuple[Reason, ...] = ()
    """Why there are none, or why others are not used."""
    partner_ids: tuple[int, ...] = ()
    source: str = ""
    """The on-line source that has them; "" for the partner book."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """One message and one of its recipients: the envelope a plan is made for."""

    reverse_path: str
    """"" is the null reverse-path."""
    recipient: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about a message when its plan is made. Deny is the default of each."""

    at: datetime
    from_address: str = ""
    """The one mailbox of the From field, normalised; "" when from_problem says why not."""
    from_problem: str = ""
    sender_address: str = ""
    """The Sender field, normalised; "" where there is none."""
    is_signed: bool = False
    is_encrypted: bool = False
    is_calendar: bool = False
    account: AccountRule | None = None
    """The account the client authenticated as, or that a listed MTA handed over."""
    relay: RelayRule | None = None
    """The believed relay it came from; never the owner's MTA itself."""
    relay_keys: frozenset[str] = frozenset()
    personal: tuple[KeyInfo, ...] = ()
    """Keys that name the signer address, newest first."""
    domain: tuple[KeyInfo, ...] = ()
    """Domain keys of the signer's domain, newest first."""
    partner: Usable | None = None
    """None: nobody looked, or the look-up failed; then nothing leaves."""
    unanswered: str = ""
    """The on-line source that did not answer, where ``partner`` is None because of it."""
    asked: Mapping[str, str] | None = None
    """What the message's triggers ask of ``sign`` and ``encrypt``."""

    @property
    def signer_address(self) -> str:
        """The address whose key would sign: Sender's where it differs from From's (C6)."""
        return signer_of(self.from_address, self.sender_address, self.account)


def signer_of(from_address: str, sender_address: str, account: AccountRule | None) -> str:
    """Return the address whose key signs. RFC 8550 §3 allows From or Sender.

    A Sender that differs from From is the identity that was verified, so From's key is not touched
    unless the account may sign as From.
    """
    if not sender_address or sender_address == from_address:
        return from_address
    if account is not None and from_address in account.delegations:
        return from_address
    return sender_address


def reasons_json(reasons: tuple[Reason, ...]) -> list[dict[str, Any]]:
    """Return reasons ready for JSON."""
    return [{"code": each.code, "detail": each.detail, "text": each.text()} for each in reasons]
