"""Name constraints on mail addresses, for every form in which a certificate can hold one.

The validator checks rfc822Name constraints against rfc822Names; here the same constraints also bind
SmtpUTF8Mailbox names and the subject's emailAddress wherever `app.pki.names` would believe it, and
every doubt is a refusal. What a path's constraints cost to compare is counted before anybody
compares them. RFC 5280 §4.2.1.10, RFC 9598 §6.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.x509.oid import ExtensionOID

from app.cms import der
from app.cms.errors import MalformedCms, TooLarge
from app.mail.address import MalformedAddress, normalise_domain
from app.pki import names, tbs
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate

# GeneralName (RFC 5280 §4.2.1.6).
_RFC822_NAME: Final = 0x81
_DNS_NAME: Final = 0x82
_PERMITTED: Final = 0xA0
_EXCLUDED: Final = 0xA1

_HOST_NAME: Final = re.compile(rb"[\w-]+(?:\.[\w-]+)*\.?")

# Every name below is compared with every constraint above: no real path comes near.
NAMES: Final = 2_000
COMPARISONS: Final = 20_000


class DoubtfulConstraint(ValueError):
    """A constraint or a name that cannot be understood, so that the path is not believed."""


@dataclass(frozen=True, slots=True)
class _Subtrees:
    """What one authority's name constraints say."""

    permitted: tuple[str, ...] = ()  # of mail addresses
    excluded: tuple[str, ...] = ()
    count: int = 0  # of all kinds
    has_dns: bool = False


@dataclass(slots=True)
class _Bounds:
    """The constraints that have come together on the way down a path."""

    permitted: list[tuple[str, ...]] = field(default_factory=list)  # one entry per authority
    excluded: list[str] = field(default_factory=list)
    count: int = 0
    has_dns: bool = False
    left: int = COMPARISONS

    def add(self, certificate: Certificate) -> None:
        """Take the constraints of an authority in."""
        subtrees = _subtrees(certificate)
        if subtrees.permitted:
            self.permitted.append(subtrees.permitted)
        self.excluded += subtrees.excluded
        self.count += subtrees.count
        self.has_dns |= subtrees.has_dns

    def first_outside(self, certificate: Certificate) -> str:
        """Return which address of a certificate is out of bounds ("" if none)."""
        fields = tbs.parse(certificate.der)
        self._pay(fields)
        if not self.permitted and not self.excluded:
            return ""
        for local, domain in _claims(fields):
            if any(_matches(tree, local, domain, fold=True) for tree in self.excluded):
                return f"{local}@{domain} is excluded"
            for trees in self.permitted:
                if not any(_matches(tree, local, domain, fold=False) for tree in trees):
                    return f"{local}@{domain} is not permitted"
        return ""

    def _pay(self, fields: tbs.Fields) -> None:
        count, is_odd = _count_names(fields)
        self.left -= count * self.count
        if count > NAMES or self.left < 0:
            raise DoubtfulConstraint("more names and constraints than can be compared")
        if is_odd and self.has_dns:
            # A wildcard stands for names on both sides of a constraint (CVE-2025-61727).
            raise DoubtfulConstraint("a dNSName under a constraint that is no plain host name")


def problem(path: Sequence[Certificate]) -> str:
    """Return which address of a path, leaf first and anchor last, is out of bounds ("" if none)."""
    leaf, *authorities = path
    bounds = _Bounds()
    try:
        for certificate in reversed(authorities):
            # RFC 5280 §6.1.3 (b): self-issued certificates in between are not bound.
            is_self_issued = certificate.subject_key == certificate.issuer_key
            if not is_self_issued and (outside := bounds.first_outside(certificate)):
                return outside
            bounds.add(certificate)
        return bounds.first_outside(leaf)
    except (DoubtfulConstraint, MalformedCertificate, MalformedCms, TooLarge) as error:
        return str(error)
    except UnicodeError:
        return "a constraint that is no text"


def _claims(fields: tbs.Fields) -> list[tuple[str, str]]:
    """Return (local part, A-label domain) of every address that the certificate claims."""
    claims = []
    for kind, octets in names.claimed(fields):
        if names.strict(kind, octets) is None:
            raise DoubtfulConstraint(f"{octets[:64]!r} under a constraint is no plain address")
        local, _, domain = octets.decode("utf-8").rpartition("@")
        claims.append((local, _domain(domain)))
    return claims


def _count_names(fields: tbs.Fields) -> tuple[int, bool]:
    """Return how many names there are, and whether one is a dNSName that is no host name."""
    count = sum(1 for _ in names.attributes(fields.subject))
    is_odd = False
    extension = fields.extensions.get(ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string)
    if extension is not None:
        sequence = der.read_one(extension.value, der.SEQUENCE)
        while sequence.peek() >= 0:
            name = sequence.next()
            count += 1
            if name.octets[name.head] == _DNS_NAME:
                is_odd |= _HOST_NAME.fullmatch(name.value) is None
    return count, is_odd


def _matches(tree: str, local: str, domain: str, *, fold: bool) -> bool:
    """Return whether a constraint holds an address.

    The three forms are a mailbox, a host, and the inside of a domain (``.example.org``). Local
    parts are compared exactly where something is allowed, without regard to case where it is
    forbidden, as our own comparison of addresses has no regard to it.
    """
    tree_local, at, tree_domain = tree.rpartition("@")
    if at:
        same = tree_local.casefold() == local.casefold() if fold else tree_local == local
        return same and tree_domain == domain
    if tree.startswith("."):
        return domain.endswith(tree)
    return domain == tree


def _subtrees(certificate: Certificate) -> _Subtrees:
    fields = tbs.parse(certificate.der)
    extension = fields.extensions.get(ExtensionOID.NAME_CONSTRAINTS.dotted_string)
    if extension is None:
        return _Subtrees()
    sequence = der.read_one(extension.value, der.SEQUENCE)
    permitted = _read(sequence.find(_PERMITTED))
    excluded = _read(sequence.find(_EXCLUDED))
    sequence.finish()
    if not permitted and not excluded:
        raise DoubtfulConstraint("name constraints that are empty")
    both = permitted + excluded
    return _Subtrees(
        tuple(_tree(value) for tag, value in permitted if tag == _RFC822_NAME),
        tuple(_tree(value) for tag, value in excluded if tag == _RFC822_NAME),
        len(both),
        any(tag == _DNS_NAME for tag, _ in both),
    )


def _read(sequence: der.Reader | None) -> list[tuple[int, bytes]]:
    """Return (tag, octets) of the bases of a GeneralSubtrees."""
    found: list[tuple[int, bytes]] = []
    while sequence is not None and sequence.peek() >= 0:
        subtree = sequence.take(der.SEQUENCE)
        base = subtree.next()
        # RFC 5280 §4.2.1.10: minimum is 0 and maximum absent; DER leaves both out.
        subtree.finish()
        found.append((base.octets[base.head], base.value))
    return found


def _tree(octets: bytes) -> str:
    text = octets.decode("ascii")
    local, at, domain = text.rpartition("@")
    if at and not local:
        raise DoubtfulConstraint(f"a constraint without a local part: {text}")
    if not at and domain.startswith("."):
        return "." + _domain(domain[1:])
    return f"{local}{at}{_domain(domain)}"


def _domain(domain: str) -> str:
    """Return the domain as it compares, or raise DoubtfulConstraint (an empty one is undefined)."""
    if domain != domain.strip():
        raise DoubtfulConstraint(f"a domain that is none: {domain}")
    try:
        return normalise_domain(domain)
    except MalformedAddress as error:
        raise DoubtfulConstraint(f"a domain that is none: {domain}") from error
