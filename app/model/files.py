"""Certificates from the files that people have: PEM, DER, .p7b, .p7c, and a signed message."""

from datetime import datetime
from typing import Final

from app.mail.address import originator
from app.mail.headers import split
from app.model.database import Database
from app.model.errors import Refused
from app.model.fetched import sources
from app.model.loading import load_snapshot
from app.model.trustview import StoreTrust
from app.pki.certificate import Certificate, load_certificates
from app.pki.errors import MalformedCertificate
from app.smime.finding import Status
from app.smime.kinds import Kind, recognise
from app.smime.verify import verify

_SIGNED: Final = frozenset({Kind.CLEAR, Kind.OPAQUE})
_NOT_BELIEVED: Final = frozenset(
    {Status.NONE, Status.INVALID, Status.REVOKED, Status.PARTIAL, Status.UNSUPPORTED}
)


def read_certificates(octets: bytes) -> tuple[Certificate, ...]:
    """Return the certificates of a file, at least one. Raises Refused with one line."""
    try:
        found = load_certificates(octets)
    except MalformedCertificate as error:
        raise Refused(str(error)) from error
    if not found:
        raise Refused("the file holds no certificate")
    return tuple(dict.fromkeys(found))


def read_partner_file(database: Database, octets: bytes, at: datetime) -> tuple[Certificate, ...]:
    """Return the certificates of a file, or of a signed message: the signer's and his CAs'."""
    message = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if octets[:1] == b"\x30" or recognise(message).kind not in _SIGNED:
        return read_certificates(octets)
    snapshot = load_snapshot(database)
    trust = StoreTrust(database, snapshot.anchors, sources(database).revocation)
    finding = verify(message, recognise(message), originator(split(message).headers), trust, at=at)
    if finding.certificate is None or finding.status in _NOT_BELIEVED:
        reasons = "; ".join(str(each) for each in finding.reasons)
        raise Refused(f"the message's signature is {finding.status.value}: {reasons}")
    chosen = finding.preference or finding.certificate
    return (chosen, *(each for each in finding.others if each.is_ca))
