"""Plain CRLs: complete, direct, of an authority on the path, and silent about its certificates.

Most lists are of this kind, and most certificates are on none. That much is seen here in a fraction
of the time that the validator takes for it. Nothing here says "revoked", and every doubt is left to
the validator: an extension that changes what a list covers, another signer, a number that may be on
the list, a list that is not in force. RFC 5280 §5.1, §6.3.3.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import algos
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtensionOID

from app.cms import der
from app.cms.errors import MalformedCms, TooLarge
from app.pki import tbs
from app.pki.certificate import Certificate
from app.pki.crls import CRL_OCTETS
from app.pki.engine import PARSING_ERRORS, Budget, Parsed
from app.pki.errors import MalformedCertificate
from app.pki.pointers import names_list_issuer
from app.pki.strength import signature_problem

# What says nothing about which certificates a list covers (RFC 5280 §5.2).
_HARMLESS: Final = frozenset(
    der.encode_identifier(oid.dotted_string)
    for oid in (
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
    )
)
_VERSION_2: Final = 1
_TIMES: Final = (der.UTC_TIME, der.GENERALIZED_TIME)


class _NotPlain(Exception):
    """The validator has to look at it."""


@dataclass(frozen=True, slots=True)
class PlainList:
    """What a list says, before anybody has checked who signed it."""

    signed: bytes  # the TBSCertList
    algorithm: bytes
    signature: bytes
    issuer: bytes  # Name, DER
    this_update: datetime
    next_update: datetime
    entries: bytes

    def covers(self, at: datetime) -> bool:
        """Return whether the list is in force at a moment."""
        return self.this_update <= at <= self.next_update

    def may_hold(self, serial: int) -> bool:
        """Return whether a serial number may be on the list; False is certain.

        However an entry is written, its number is followed by its time.
        """
        number = der.integer(serial)[2:]
        return any(number + bytes((tag,)) in self.entries for tag in _TIMES)


def told_good(
    path: Sequence[Certificate],
    lists: Sequence[bytes],
    at: datetime,
    parsed: Parsed,
    budget: Budget,
    besides: Collection[int] = (),
) -> frozenset[int]:
    """Return the places of the path whose certificates are good by these lists.

    Empty where one of the lists is not plain, or where anything may be revoked, be it one of the
    serial numbers ``besides``: then the validator looks at all of them. The path has to be valid at
    this moment otherwise.
    """
    authorities = {each.subject_key: each for each in path[1:]}
    if len(authorities) < len(path) - 1 or any(map(names_list_issuer, path[:-1])):
        return frozenset()
    by_name = {each.subject_der: each for each in path[1:]}
    serials = {*besides, *(each.serial for each in path[:-1])}
    told: set[Certificate] = set()
    try:
        for octets in lists:
            budget.tick()
            found = read(octets)
            issuer = by_name.get(found.issuer)
            if issuer is None or not found.covers(at) or not _may_sign_lists(issuer):
                return frozenset()
            if any(map(found.may_hold, serials)):
                return frozenset()
            _check_signature(found, issuer, parsed, budget)
            told.add(issuer)
    except (_NotPlain, InvalidSignature, MalformedCertificate, MalformedCms, TooLarge):
        return frozenset()
    except PARSING_ERRORS:
        return frozenset()
    return frozenset(place for place, above in enumerate(path[1:]) if above in told)


def read(octets: bytes) -> PlainList:
    """Return a list that has nothing special about it, or raise _NotPlain or MalformedCms."""
    if len(octets) > CRL_OCTETS:
        raise _NotPlain
    outside = der.read_one(octets, der.SEQUENCE)
    body = outside.take(der.SEQUENCE)
    algorithm = outside.take_whole(der.SEQUENCE)
    signature = outside.take_value(der.BIT_STRING)
    outside.finish()
    version = body.integer() if body.peek() == der.INTEGER else 0
    same = body.take_whole(der.SEQUENCE) == algorithm
    issuer = body.take_whole(der.SEQUENCE)
    this_update, next_update = tbs.read_time(body.next()), tbs.read_time(body.next())
    entries = body.find(der.SEQUENCE)
    extensions = body.find(der.CONTEXT_0)
    body.finish()
    if not same or signature[:1] != b"\0" or version not in {0, _VERSION_2}:
        raise _NotPlain
    if extensions is not None:
        _check_extensions(extensions, version)
    return PlainList(
        body.whole,
        algorithm,
        signature[1:],
        issuer,
        this_update,
        next_update,
        b"" if entries is None else entries.value,
    )


def _check_extensions(wrapped: der.Reader, version: int) -> None:
    """Raise _NotPlain for an extension that is not harmless, or that stands twice."""
    sequence = wrapped.take(der.SEQUENCE)
    wrapped.finish()
    seen: set[bytes] = set()
    while sequence.peek() >= 0:
        identifier = sequence.take(der.SEQUENCE).identifier()
        if identifier not in _HARMLESS or identifier in seen or version != _VERSION_2:
            raise _NotPlain
        seen.add(identifier)


def _may_sign_lists(issuer: Certificate) -> bool:
    return issuer.key_usage is None or "crl_sign" in issuer.key_usage


def _check_signature(found: PlainList, issuer: Certificate, parsed: Parsed, budget: Budget) -> None:
    algorithm = algos.SignedDigestAlgorithm.load(found.algorithm, strict=True)
    if signature_problem(algorithm):
        raise _NotPlain
    budget.validator.validate_signature(
        found.signature, found.signed, parsed.get(issuer).public_key, algorithm
    )
