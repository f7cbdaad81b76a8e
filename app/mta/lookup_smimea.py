"""Asks the DNS for the certificates of one address: SMIMEA, believed only when it is validated.

A validating resolver on this machine does the validation and says so with the AD bit; the way to it
leads over no wire. What comes without that bit is as if it were not there (T116). RFC 8162 §3,
RFC 6698 §2.1, RFC 4035 §3.2.3.

DEVIATION: RFC 8162 §2, RFC 6698 §2.1.1: a record gives a certificate and no trust. Records that
hold only a digest or a key, and those of an authority, prove nothing here and name no one to
encrypt to; whole certificates of authorities help to build the path.
"""

import hashlib
from collections.abc import Iterator
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdatatype

from app.model.errors import CannotLookUp
from app.model.sources import SMIMEA
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate

SECONDS: Final = 3.0
RECORDS_AT_MOST: Final = 20

_LABEL_OCTETS: Final = 28
_OF_AN_AUTHORITY: Final = {0: True, 1: False, 2: True, 3: False}
"""Whether a usage speaks of an authority: PKIX-TA, PKIX-EE, DANE-TA, DANE-EE (RFC 7218 §2.1)."""
_WHOLE: Final = (0, 0)
"""Selector Cert and matching type Full: the record is the certificate itself."""


def owner_name(address: str) -> dns.name.Name:
    """Return the name whose SMIMEA records are those of an address (RFC 8162 §3).

    The local part counts as it is written; only its own domain knows which others are the same.
    """
    local, _, domain = address.rpartition("@")
    label = hashlib.sha256(local.encode()).digest()[:_LABEL_OCTETS].hex()
    return dns.name.from_text(f"{label}._smimecert.{domain}.")


def ask_dns(resolver: tuple[str, int], address: str) -> tuple[bytes, ...]:
    """Return the certificates in the validated SMIMEA records of an address, DER, unjudged.

    ``address`` has its domain in A-labels. Raises CannotLookUp if the resolver gives no answer.
    """
    try:
        name = owner_name(address)
    except (dns.exception.DNSException, UnicodeError):
        # There can be no record for what is no name.
        return ()
    return tuple(_certificates(_ask(resolver, name, dns.rdatatype.SMIMEA)))


def is_validating(resolver: tuple[str, int]) -> bool:
    """Return whether a resolver proves what is signed since 2010: the root's own servers.

    Raises CannotLookUp if it gives no answer.
    """
    answer = _ask(resolver, dns.name.root, dns.rdatatype.NS)
    return answer.rcode() == dns.rcode.NOERROR and bool(answer.flags & dns.flags.AD)


def _ask(
    resolver: tuple[str, int], name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> dns.message.Message:
    host, port = resolver
    try:
        query = dns.message.make_query(name, kind, use_edns=True)
        # Asks for the verdict without the signatures (RFC 6840 §5.7).
        query.flags |= dns.flags.AD
        return dns.query.udp_with_fallback(query, host, SECONDS, port)[0]
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise CannotLookUp(f"{SMIMEA}: {type(error).__name__}") from error


def _certificates(answer: dns.message.Message) -> Iterator[bytes]:
    if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        # A resolver that validates says SERVFAIL to what is forged.
        raise CannotLookUp(f"{SMIMEA}: {dns.rcode.to_text(answer.rcode())}")
    if not answer.flags & dns.flags.AD:
        return
    assert isinstance(answer, dns.message.QueryMessage)
    try:
        records = answer.resolve_chaining().answer
    except dns.exception.DNSException as error:
        raise CannotLookUp(f"{SMIMEA}: {type(error).__name__}") from error
    for record in list(records or ())[:RECORDS_AT_MOST]:
        if (record.selector, record.mtype) == _WHOLE and _fits(record.usage, record.cert):
            yield record.cert


def _fits(usage: int, der: bytes) -> bool:
    """Return whether a certificate is of the kind that the record's usage speaks of."""
    try:
        return Certificate.from_der(der).is_ca is _OF_AN_AUTHORITY.get(usage)
    except MalformedCertificate:
        return False
