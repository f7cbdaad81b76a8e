"""A certificate: what it says, and what it may be used for. RFC 5280 §4, RFC 8550 §4.

A Certificate keeps plain values, so that it can be shared by threads and kept by the thousand. It
answers for itself only: usage, strength, dates. Whether anybody vouches for it is for
`app.pki.path`, whose name it carries for `app.smime`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from app.cms.certs_only import parse_certs_only
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.pki import names, pem, spki, tbs
from app.pki.errors import MalformedCertificate
from app.pki.reasons import (
    EXPIRED,
    IS_CA,
    MALFORMED,
    NOT_FOR_ENCRYPTION,
    NOT_FOR_MAIL,
    NOT_FOR_SIGNING,
    NOT_YET_VALID,
    UNKNOWN_CRITICAL,
    UNSUPPORTED_KEY,
    WEAK_KEY,
    reason,
)

_EMAIL_PROTECTION: Final = ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string
_ANY_USAGE: Final = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string

# What an end-entity certificate may mark critical and still be understood here (RFC 5280 §4.2);
# the qualified-certificate statements because authorities mark them so against ETSI EN 319 412-5.
_UNDERSTOOD: Final = frozenset(
    oid.dotted_string
    for oid in (
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.INHIBIT_ANY_POLICY,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.FRESHEST_CRL,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.OCSP_NO_CHECK,
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """One X.509 certificate; two are equal if their octets are."""

    der: bytes
    version: int
    fingerprint: str  # SHA-256, lower-case hexadecimal
    subject: str
    issuer: str
    subject_der: bytes
    issuer_der: bytes
    subject_key: tuple[object, ...]  # names in the form that compares (RFC 5280 §7.1)
    issuer_key: tuple[object, ...]
    serial: int
    ski: bytes
    aki: bytes
    not_before: datetime
    not_after: datetime
    addresses: tuple[str, ...]  # A(cert): plain and normalised
    odd_addresses: tuple[str, ...]  # ignored ones, as text for people
    key_usage: frozenset[str] | None
    extended_key_usage: frozenset[str] | None  # dotted
    is_ca: bool
    path_length: int | None
    is_self_signed: bool  # self-issued, with its own key named as the authority's
    key_kind: str
    spki: bytes
    spki_fingerprint: str  # tells a key that two certificates share (T100)
    anomalies: tuple[str, ...]
    critical: frozenset[str]  # dotted
    declares_revocation: bool
    capabilities: tuple[str, ...]  # sMIMECapabilities of the certificate itself (RFC 4262)
    _key_problem: str

    @staticmethod
    def from_der(octets: bytes) -> "Certificate":
        """Return the certificate, or raise MalformedCertificate."""
        return _load(bytes(octets))

    @staticmethod
    def from_pem(octets: bytes) -> "Certificate":
        """Return the first certificate of a PEM text, or raise MalformedCertificate."""
        return load_certificates(octets)[0]

    def __repr__(self) -> str:
        return f"Certificate({self.subject!r}, {self.fingerprint[:16]})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and other.der == self.der

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def is_for_mail(self) -> bool:
        """Whether extKeyUsage is absent, or has emailProtection or any (RFC 8550 §4.4.4)."""
        usage = self.extended_key_usage
        return usage is None or not usage.isdisjoint((_EMAIL_PROTECTION, _ANY_USAGE))

    @property
    def is_post_quantum(self) -> bool:
        """Whether the key is of an algorithm that few programs know yet (FIPS 203, FIPS 204)."""
        return self.key_kind.startswith(("ml-dsa-", "ml-kem-"))

    @property
    def unknown_critical(self) -> frozenset[str]:
        """The critical extensions that nobody here understands (RFC 5280 §4.2)."""
        return self.critical - _UNDERSTOOD

    def signing_problems(self, at: datetime) -> tuple[str, ...]:
        """Return why the key may not have signed mail at this moment; empty if it may.

        RFC 8550 §4.4.2: keyUsage, if present, has digitalSignature or nonRepudiation.
        """
        if self.not_before <= at <= self.not_after and _may_sign(self):
            return ()
        return self._signing_problems(at)

    def _signing_problems(self, at: datetime) -> tuple[str, ...]:
        wanted = frozenset(("digital_signature", "non_repudiation"))
        return (
            *self._common_problems(at),
            *(() if spki.can_sign(self.key_kind) else (reason(NOT_FOR_SIGNING, self.key_kind),)),
            *self._usage_problems(wanted, NOT_FOR_SIGNING),
        )

    def encryption_problems(self, at: datetime) -> tuple[str, ...]:
        """Return why nothing may be encrypted to the key at this moment; empty if it may.

        RSA and ML-KEM need keyEncipherment, elliptic curves keyAgreement (RFC 8550 §4.4.2,
        RFC 5753 §7, RFC 9935 §5).
        """
        if self.not_before <= at <= self.not_after and _may_be_encrypted_to(self):
            return ()
        return self._encryption_problems(at)

    def _encryption_problems(self, at: datetime) -> tuple[str, ...]:
        bit = spki.encryption_usage(self.key_kind)
        if not bit:
            return (*self._common_problems(at), reason(NOT_FOR_ENCRYPTION, self.key_kind))
        # RFC 5280 §4.2.1.3: with encipherOnly the owner could not decipher what we send.
        if self.key_usage is not None and "encipher_only" in self.key_usage:
            return (*self._common_problems(at), reason(NOT_FOR_ENCRYPTION, "encipherOnly"))
        return (
            *self._common_problems(at),
            *self._usage_problems(frozenset((bit,)), NOT_FOR_ENCRYPTION),
        )

    def _usage_problems(self, wanted: frozenset[str], code: str) -> tuple[str, ...]:
        if self.key_usage is None or self.key_usage & wanted:
            return ()
        return (reason(code, "keyUsage " + (", ".join(sorted(self.key_usage)) or "empty")),)

    def _common_problems(self, at: datetime) -> tuple[str, ...]:
        problems = [reason(MALFORMED, each) for each in self.anomalies]
        # RFC 5280 §4.1.2.5: both ends are included, and they are whole seconds.
        at = at.replace(microsecond=0)
        if at < self.not_before:
            problems.append(reason(NOT_YET_VALID, f"{self.not_before:%Y-%m-%dT%H:%M:%SZ}"))
        if at > self.not_after:
            problems.append(reason(EXPIRED, f"{self.not_after:%Y-%m-%dT%H:%M:%SZ}"))
        if self.is_ca:
            problems.append(IS_CA)
        if self._key_problem:
            code = UNSUPPORTED_KEY if self.key_kind == spki.UNSUPPORTED else WEAK_KEY
            problems.append(reason(code, self._key_problem))
        if not self.is_for_mail:
            problems.append(reason(NOT_FOR_MAIL, ", ".join(sorted(self.extended_key_usage or ()))))
        if unknown := self.unknown_critical:
            problems.append(reason(UNKNOWN_CRITICAL, ", ".join(sorted(unknown))))
        return tuple(problems)


# What does not depend on the time is the same for every message.
@lru_cache(maxsize=4096)
def _may_sign(certificate: Certificate) -> bool:
    return not certificate._signing_problems(certificate.not_before)  # noqa: SLF001


@lru_cache(maxsize=4096)
def _may_be_encrypted_to(certificate: Certificate) -> bool:
    return not certificate._encryption_problems(certificate.not_before)  # noqa: SLF001


@lru_cache(maxsize=4096)
def _load(octets: bytes) -> Certificate:
    fields = tbs.parse(octets)
    try:
        return _from_fields(octets, fields)
    except (MalformedCms, TooLarge, UnicodeError) as error:
        raise MalformedCertificate(f"this is no certificate: {error}") from error


def _from_fields(octets: bytes, fields: tbs.Fields) -> Certificate:
    kind, key_problem = spki.describe(fields.spki)
    constraints = tbs.basic_constraints(fields)
    addresses, odd = names.addresses(fields)
    ski = tbs.subject_key_identifier(fields)
    aki = tbs.authority_key_identifier(fields)
    pointers = (ExtensionOID.CRL_DISTRIBUTION_POINTS, ExtensionOID.AUTHORITY_INFORMATION_ACCESS)
    return Certificate(
        der=octets,
        version=fields.version,
        fingerprint=hashlib.sha256(octets).hexdigest(),
        subject=names.as_text(fields.subject),
        issuer=names.as_text(fields.issuer),
        subject_der=fields.subject,
        issuer_der=fields.issuer,
        subject_key=names.comparable(fields.subject),
        issuer_key=names.comparable(fields.issuer),
        serial=fields.serial,
        ski=ski,
        aki=aki,
        not_before=fields.not_before,
        not_after=fields.not_after,
        addresses=addresses,
        odd_addresses=odd,
        key_usage=tbs.key_usage(fields),
        extended_key_usage=tbs.extended_key_usage(fields),
        is_ca=constraints is not None and constraints[0],
        path_length=constraints[1] if constraints else None,
        is_self_signed=fields.subject == fields.issuer and (not aki or not ski or aki == ski),
        key_kind=kind,
        spki=fields.spki,
        spki_fingerprint=hashlib.sha256(fields.spki).hexdigest(),
        anomalies=fields.anomalies,
        critical=frozenset(
            identifier for identifier, each in fields.extensions.items() if each.critical
        ),
        capabilities=tbs.capabilities(fields),
        declares_revocation=any(each.dotted_string in fields.extensions for each in pointers),
        _key_problem=key_problem,
    )


def load_certificates(octets: bytes) -> tuple[Certificate, ...]:
    """Return every certificate of a file: PEM (several), DER, .p7b or .p7c.

    Raises MalformedCertificate with one line that says what the file holds instead.
    """
    if pem.is_der(octets):
        return _load_der(octets)
    found: list[Certificate] = []
    for label, block in pem.blocks(octets):
        if label in {"CERTIFICATE", "X509 CERTIFICATE"}:
            found.append(Certificate.from_der(_decoded(block)))
        elif label in {"PKCS7", "CMS"}:
            found += _load_der(_decoded(block))
    if not found:
        raise MalformedCertificate("the file holds no certificate (PEM, DER, .p7b or .p7c)")
    return tuple(dict.fromkeys(found))


def _decoded(block: bytes) -> bytes:
    try:
        return pem.decode(block)
    except ValueError as error:
        raise MalformedCertificate(f"{error}") from error


def _load_der(octets: bytes) -> tuple[Certificate, ...]:
    try:
        return (Certificate.from_der(octets),)
    except MalformedCertificate as error:
        try:
            inside = parse_certs_only(octets)
        except TooLarge as too_large:
            raise MalformedCertificate(f"{too_large}") from too_large
        except (MalformedCms, UnsupportedCms):
            raise error from None
    return tuple(map(Certificate.from_der, inside))
