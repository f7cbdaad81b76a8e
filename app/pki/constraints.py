"""Name constraints on mail addresses, for every form in which a certificate can hold one.

The validator checks rfc822Name constraints against rfc822Names; here the same constraints also bind
SmtpUTF8Mailbox names and the subject's emailAddress wherever `app.pki.names` would believe it, and
every doubt is a refusal. RFC 5280 §4.2.1.10, RFC 9598 §6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.x509.oid import ExtensionOID

from app.cms import der
from app.cms.errors import MalformedCms, TooLarge
from app.mail.address import MalformedAddress, normalise_domain
from app.pki import names, tbs
from app.pki.certificate import Certificate

_RFC822_NAME: Final = 0x81
_PERMITTED: Final = 0xA0
_EXCLUDED: Final = 0xA1
# A constraint list is compared with every name: the product is bounded.
SUBTREES: Final = 1_024
COMPARISONS: Final = 1_000_000


class DoubtfulConstraint(ValueError):
    """A constraint that cannot be understood, so that nothing below it is believed."""


@dataclass(slots=True)
class _Bounds:
    """The constraints that have come together on the way down a path."""

    permitted: list[tuple[str, ...]] = field(default_factory=list)  # one entry per authority
    excluded: list[str] = field(default_factory=list)
    left: int = COMPARISONS

    def add(self, certificate: Certificate) -> None:
        """Take the constraints of an authority in."""
        permitted, excluded = _mail_subtrees(certificate)
        if permitted:
            self.permitted.append(permitted)
        self.excluded += excluded

    def first_outside(self, certificate: Certificate) -> str:
        """Return which address of a certificate is out of bounds ("" if none)."""
        if not self.permitted and not self.excluded:
            return ""
        claims = _claims(certificate)
        self.left -= len(claims) * (len(self.excluded) + sum(map(len, self.permitted)))
        if self.left < 0:
            raise DoubtfulConstraint("more names and constraints than can be compared")
        for local, domain in claims:
            if any(_matches(tree, local, domain, fold=True) for tree in self.excluded):
                return f"{local}@{domain} is excluded"
            for trees in self.permitted:
                if not any(_matches(tree, local, domain, fold=False) for tree in trees):
                    return f"{local}@{domain} is not permitted"
        return ""


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
    except (DoubtfulConstraint, MalformedCms, TooLarge, UnicodeError) as error:
        return str(error)


def _claims(certificate: Certificate) -> list[tuple[str, str]]:
    """Return (local part, A-label domain) of every address that the certificate claims."""
    claims = []
    for kind, octets in names.claimed(tbs.parse(certificate.der)):
        text = octets.decode("utf-8" if kind == "utf8" else "ascii")
        local, at, domain = text.rpartition("@")
        if not at:
            raise DoubtfulConstraint(f"a name that is no address: {text}")
        claims.append((local, _domain(domain)))
    return claims


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


def _mail_subtrees(certificate: Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    fields = tbs.parse(certificate.der)
    extension = fields.extensions.get(ExtensionOID.NAME_CONSTRAINTS.dotted_string)
    if extension is None:
        return (), ()
    sequence = der.read_one(extension.value, der.SEQUENCE)
    permitted = _subtrees(sequence.find(_PERMITTED))
    excluded = _subtrees(sequence.find(_EXCLUDED))
    sequence.finish()
    return permitted, excluded


def _subtrees(sequence: der.Reader | None) -> tuple[str, ...]:
    trees: list[str] = []
    while sequence is not None and sequence.peek() >= 0:
        subtree = sequence.take(der.SEQUENCE)
        base = subtree.next()
        # RFC 5280 §4.2.1.10: minimum is 0 and maximum absent; DER leaves both out.
        subtree.finish()
        if base.octets[base.head] == _RFC822_NAME:
            trees.append(_tree(base.value))
        if len(trees) > SUBTREES:
            raise DoubtfulConstraint("more constraints than can be compared")
    return tuple(trees)


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
    try:
        return normalise_domain(domain)
    except MalformedAddress as error:
        raise DoubtfulConstraint(f"a domain that is none: {domain}") from error
