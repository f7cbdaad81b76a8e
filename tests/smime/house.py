"""What the tests of app/smime share: people, their certification authority, and what is trusted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from app.cms.keys import load_private_key
from app.cms.signed import Signer
from app.mail.address import originator
from app.mail.headers import split
from app.pki.certificate import Certificate
from app.pki.path import Anchors
from app.smime.decrypt import DecryptionKey
from app.smime.finding import Finding
from app.smime.kinds import recognise
from app.smime.verify import verify
from tests.testpki import AT as AT  # noqa: PLC0414 - the tests take it from here
from tests.testpki import TestCA, TestIdentity, ca

TOKEN = b"=_0123456789abcdef"


@dataclass
class Trust:
    """A TrustView made of plain collections."""

    anchors: Anchors
    intermediates: Sequence[Certificate] = ()
    revocation_source: None = None
    issuer_source: None = None
    pinned: set[tuple[str, str]] = field(default_factory=set)
    domains: dict[str, frozenset[str]] = field(default_factory=dict)
    known: tuple[Certificate, ...] = ()

    def is_pinned(self, fingerprint: str, address: str) -> bool:
        return (fingerprint, address) in self.pinned

    def domain_certificates(self, domain: str) -> frozenset[str]:
        return self.domains.get(domain, frozenset())

    def certificates_by_id(
        self, issuer_der: bytes | None, serial: int | None, ski: bytes | None
    ) -> list[Certificate]:
        return [
            each
            for each in self.known
            if (each.issuer_der, each.serial) == (issuer_der, serial) or (ski and each.ski == ski)
        ]


@cache
def root() -> TestCA:
    return ca("Test Root")


@cache
def issuing() -> TestCA:
    return ca("Test Issuing", root())


@cache
def person(address: str, kind: str = "p256") -> TestIdentity:
    return issuing().issue(address, key=kind)


@cache
def anchors() -> Anchors:
    return Anchors((Certificate.from_der(root().certificate),), "root")


def trust() -> Trust:
    return Trust(anchors())


@cache
def signer_of(identity: TestIdentity, scheme: str = "") -> Signer:
    key = load_private_key(identity.private_pkcs8)
    return Signer(identity.certificate, key, identity.chain, scheme)


def certificate_of(identity: TestIdentity) -> Certificate:
    return Certificate.from_der(identity.certificate)


def key_of(identity: TestIdentity) -> DecryptionKey:
    return DecryptionKey(certificate_of(identity), load_private_key(identity.private_pkcs8))


def letter(
    body: bytes = b"Hello\r\n",
    content_type: bytes = b"text/plain; charset=us-ascii",
    sender: bytes = b"Alice <alice@example.org>",
    more: bytes = b"",
) -> bytes:
    return b"".join(
        (
            b"From: %s\r\nTo: Bob <bob@example.net>\r\nSubject: Test\r\n" % sender,
            b"Date: Mon, 15 Jun 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n",
            more,
            b"MIME-Version: 1.0\r\nContent-Type: %s\r\n\r\n" % content_type,
            body,
        )
    )


def find(message: bytes, view: Trust | None = None, *, revocation: str = "soft") -> Finding:
    """Return the finding about the root of a message, now."""
    return verify(
        message,
        recognise(message),
        originator(split(message).headers),
        view or trust(),
        at=AT,
        revocation=revocation,
    )
