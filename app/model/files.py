"""Certificates from the files that people have: PEM, DER, .p7b, .p7c, and a signed message."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from app.mail.address import originator
from app.mail.headers import split
from app.model.database import Database
from app.model.errors import Refused
from app.model.fetched import sources
from app.model.loading import load_snapshot
from app.model.trustview import StoreTrust
from app.pki.certificate import Certificate, load_certificates
from app.pki.errors import MalformedCertificate
from app.pki.reasons import WEAK_ALGORITHM, WEAK_KEY
from app.smime.finding import Finding, Status
from app.smime.harvest import signing_time
from app.smime.kinds import ENCRYPTED, SIGNED, Kind, Layer, recognise
from app.smime.reasons import Reason
from app.smime.verify import verify

_HOLDS: Final = frozenset({Status.VALID, Status.VALID_DOMAIN, Status.VALID_OTHER, Status.UNTRUSTED})
_WEAK: Final = (WEAK_ALGORITHM, WEAK_KEY)
"""Anybody may have made such a signature."""
# PFX ::= SEQUENCE { version INTEGER {v3(3)}, authSafe ContentInfo … } (RFC 7292 §4).
_PKCS12: Final = rb"\A\x30(?:[\x00-\x80]|[\x81-\x84].{1,4})\x02\x01\x03\x30"
_TAKEN_FOR_ONE: Final = tuple(
    (re.compile(pattern, re.DOTALL), said)
    for pattern, said in (
        (_PKCS12, "this is PKCS#12, with a private key: sealmon key import takes one of ours"),
        (rb"-----BEGIN [A-Z ]*PRIVATE KEY-----", "this is a private key: see sealmon key import"),
        (
            rb"-----BEGIN [A-Z ]*CERTIFICATE REQUEST-----",
            "this is a request for a certificate, and not what the authority answered",
        ),
        (rb"\A(?:PK\x03\x04|\x1f\x8b|BZh|\xfd7zXZ)", "this is an archive: unpack it first"),
    )
)
_WITHOUT: Final = "; only certificates were taken, not what the sender's program can read"


def read_certificates(octets: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a file, at least one. Raises Refused with one line."""
    try:
        found = load_certificates(octets)
    except MalformedCertificate as error:
        raise Refused(_what_else(octets) or str(error)) from error
    if not found:
        raise Refused("the file holds no certificate")
    return tuple(dict.fromkeys(found))


def _what_else(octets: bytes) -> str:
    """Return what a person took for a certificate, "" where nobody can tell."""
    if not octets.strip():
        return "the file is empty"
    return next((said for is_like, said in _TAKEN_FOR_ONE if is_like.search(octets)), "")


class PartnerFile(NamedTuple):
    """What a file brings: a correspondent's certificates, and what his mail program can."""

    certificates: tuple[Certificate, ...]
    capabilities: tuple[str, ...] | None = None
    """None where nothing says so that can be believed; else those of the one correspondent."""
    signed_at: datetime | None = None
    note: str = ""
    """What whoever brought the file should know about it."""


def read_partner_file(database: Database, octets: bytes, at: datetime) -> PartnerFile:
    """Return what a file or a signed message brings: of that the signer's and his CAs'.

    His capabilities come along where the signature holds; who he is says the person who imports.
    Raises Refused with one line.
    """
    message = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    layer = Layer(Kind.PLAIN) if octets[:1] == b"\x30" else recognise(message)
    if layer.kind not in SIGNED:
        return PartnerFile(_unsigned(octets, message, layer))
    snapshot = load_snapshot(database)
    trust = StoreTrust(database, snapshot.anchors, sources(database).revocation)
    # What the signer says of himself is signed, whatever stands beside it.
    who = originator(split(message).headers)
    finding = verify(message, layer, who, trust, at=at, will_open=True)
    if finding.certificate is None or finding.status is Status.REVOKED:
        raise Refused(_status(finding))
    if finding.status not in _HOLDS:
        return _broken(layer, finding, finding.certificate)
    chosen = finding.preference or finding.certificate
    found = (chosen, *(each for each in finding.others if each.is_ca))
    if weak := [each for each in finding.reasons if each.code in _WEAK]:
        return PartnerFile(found, note=f"{_status(finding, weak[:1])}{_WITHOUT}")
    signed_at = signing_time(finding)
    return PartnerFile(found, finding.capabilities if signed_at else None, signed_at)


def _unsigned(octets: bytes, message: bytes, layer: Layer) -> tuple[Certificate, ...]:
    """Return the certificates of what is no signed message. Raises Refused."""
    if layer.kind in ENCRYPTED:
        raise Refused("the message is encrypted: give the message as it is read, or a certificate")
    if layer.kind is Kind.CERTS_ONLY:
        return read_certificates(layer.cms)
    try:
        return read_certificates(octets)
    except Refused:
        if split(message).headers.find("From") is None:
            raise
        part = "; a part of it is: save that one as a message, and give it" if layer.partial else ""
        raise Refused(f"the message is not signed{part}") from None


def _broken(layer: Layer, finding: Finding, signer: Certificate) -> PartnerFile:
    """Return what a message brings whose signature does not hold: certificates prove themselves."""
    try:
        bag = load_certificates(layer.cms)
    except MalformedCertificate:
        bag = ()
    if signer not in bag:
        raise Refused(_status(finding))
    found = (signer, *(each for each in bag if each.is_ca and each != signer))
    return PartnerFile(found, note=f"{_status(finding)}{_WITHOUT}")


def _status(finding: Finding, why: Sequence[Reason] = ()) -> str:
    reasons = "; ".join(str(each) for each in why or finding.reasons)
    return f"the message's signature is {finding.status.value}: {reasons}"
