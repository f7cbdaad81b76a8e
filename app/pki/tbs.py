"""The fields of a certificate, read from its DER and nothing else.

Every value is an offset's worth of octets or a plain Python value; nothing is judged here. What the
strict reader cannot read is a MalformedCertificate. Things that RFC 5280 forbids, but that leave no
doubt about what is meant, are named as anomalies, for the path check to refuse. RFC 5280 §4.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography.x509.oid import ExtensionOID

from app.cms import der
from app.cms.algorithms import ATTRIBUTE_DER
from app.cms.attributes import parse_capabilities
from app.cms.errors import MalformedCms, TooLarge
from app.pki import profile
from app.pki.errors import MalformedCertificate
from app.pki.profile import Extension

CERTIFICATE_OCTETS: Final = 256 * 1024
EXTENSIONS: Final = 64
# RFC 5280 §4.1.2.2: at most 20 octets. QUIRK: a few authorities went a little over.
SERIAL_OCTETS: Final = 32

_USAGES: Final = (
    "digital_signature",
    "non_repudiation",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)

# The extension has the identifier of the attribute.
_CAPABILITIES: Final = der.dotted_identifier(ATTRIBUTE_DER["capabilities"][2:])

DUPLICATE_EXTENSION: Final = "an extension stands twice"
ALGORITHM_DIFFERS: Final = "the two signature algorithms differ"


@dataclass(frozen=True, slots=True)
class Fields:
    """What stands in a TBSCertificate."""

    version: int
    serial: int
    signature_algorithm: bytes
    issuer: bytes
    not_before: datetime
    not_after: datetime
    subject: bytes
    spki: bytes
    extensions: dict[str, Extension]
    anomalies: tuple[str, ...]


def parse(octets: bytes) -> Fields:
    """Return the fields of a DER certificate, or raise MalformedCertificate."""
    if len(octets) > CERTIFICATE_OCTETS:
        raise MalformedCertificate("the certificate is over the limit of size")
    try:
        return _remembered(octets)
    except (MalformedCms, TooLarge, UnicodeError) as error:
        raise MalformedCertificate(f"this is no certificate: {error}") from error


# The check of a path comes back to the few certificates on it, and nobody writes to the fields.
@lru_cache(maxsize=64)
def _remembered(octets: bytes) -> Fields:
    return _parse(octets)


def _parse(octets: bytes) -> Fields:
    outside = der.read_one(octets, der.SEQUENCE)
    tbs = outside.take(der.SEQUENCE)
    algorithm = outside.take(der.SEQUENCE).whole
    signature = outside.take(der.BIT_STRING).value
    outside.finish()
    version = 1
    if explicit := tbs.find(der.CONTEXT_0):
        version = explicit.integer() + 1
    serial = tbs.integer()
    inner_algorithm = tbs.take(der.SEQUENCE).whole
    issuer = tbs.take(der.SEQUENCE).whole
    validity = tbs.take(der.SEQUENCE)
    not_before, not_after = read_time(validity.next()), read_time(validity.next())
    subject = tbs.take(der.SEQUENCE).whole
    spki = tbs.take(der.SEQUENCE).whole
    # issuerUniqueID and subjectUniqueID, which nobody uses (RFC 5280 §4.1.2.8).
    tbs.find(0x81)
    tbs.find(0x82)
    anomalies = [*_outer_anomalies(signature, serial)]
    if algorithm != inner_algorithm:
        anomalies.append(ALGORITHM_DIFFERS)
    extensions: dict[str, Extension] = {}
    if wrapped := tbs.find(der.CONTEXT_3):
        for identifier, extension in _extensions(wrapped.take(der.SEQUENCE)):
            if identifier in extensions:
                anomalies.append(DUPLICATE_EXTENSION)
            extensions[identifier] = extension
        if version != 3:
            anomalies.append("extensions in a certificate that is not version 3")
    tbs.finish()
    anomalies += profile.anomalies(subject, extensions)
    return Fields(
        version=version,
        serial=serial,
        signature_algorithm=algorithm,
        issuer=issuer,
        not_before=not_before,
        not_after=not_after,
        subject=subject,
        spki=spki,
        extensions=extensions,
        anomalies=tuple(dict.fromkeys(anomalies)),
    )


def _outer_anomalies(signature: bytes, serial: int) -> Iterator[str]:
    if signature[:1] != b"\0":
        # Other readers drop the bits that are said to be unused.
        yield "a signature that is not whole octets"
    if serial.bit_length() > 8 * SERIAL_OCTETS:
        yield "the serial number is over the limit"


def _extensions(sequence: der.Reader) -> Iterator[tuple[str, Extension]]:
    for _ in range(EXTENSIONS):
        if sequence.peek() < 0:
            return
        element = sequence.take(der.SEQUENCE)
        identifier = der.dotted_identifier(element.identifier())
        critical = element.find(0x01)
        value = element.take(der.OCTET_STRING).value
        yield identifier, Extension(critical is not None and critical.value != b"\0", value)
    if sequence.peek() >= 0:
        raise MalformedCertificate("the certificate has too many extensions")


def read_time(element: der.Reader) -> datetime:
    """Return a UTCTime or GeneralizedTime (RFC 5280 §4.1.2.5)."""
    text = element.value
    tag = element.octets[element.head]
    if tag == der.UTC_TIME and len(text) == 13:
        text = (b"20" if text[:2] < b"50" else b"19") + text
    elif tag != der.GENERALIZED_TIME or len(text) != 15:
        raise MalformedCertificate("a validity that is no time")
    if not text[:-1].isdigit() or text[-1:] != b"Z":
        raise MalformedCertificate("a validity that is no time")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    try:
        return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise MalformedCertificate("a validity that is no time") from error


def key_usage(fields: Fields) -> frozenset[str] | None:
    """Return the names of the keyUsage bits, None if the extension is absent (§4.2.1.3)."""
    value = _extension_value(fields, ExtensionOID.KEY_USAGE.dotted_string)
    if value is None:
        return None
    bits = der.read_one(value, der.BIT_STRING).value
    return frozenset(
        word
        for number, word in enumerate(_USAGES)
        if len(bits) > 1 + number // 8 and bits[1 + number // 8] & 0x80 >> number % 8
    )


def extended_key_usage(fields: Fields) -> frozenset[str] | None:
    """Return the dotted purposes of extKeyUsage, None if it is absent (§4.2.1.12)."""
    value = _extension_value(fields, ExtensionOID.EXTENDED_KEY_USAGE.dotted_string)
    if value is None:
        return None
    sequence = der.read_one(value, der.SEQUENCE)
    purposes = set()
    while sequence.peek() >= 0:
        purposes.add(der.dotted_identifier(sequence.identifier()))
    return frozenset(purposes)


def basic_constraints(fields: Fields) -> tuple[bool, int | None] | None:
    """Return (cA, pathLenConstraint), None if the extension is absent (§4.2.1.9)."""
    value = _extension_value(fields, ExtensionOID.BASIC_CONSTRAINTS.dotted_string)
    if value is None:
        return None
    sequence = der.read_one(value, der.SEQUENCE)
    flag = sequence.find(0x01)
    is_ca = flag is not None and flag.value != b"\0"
    length = sequence.integer() if sequence.peek() == der.INTEGER else None
    sequence.finish()
    return is_ca, length


def subject_key_identifier(fields: Fields) -> bytes:
    """Return the SKI, empty if there is none (§4.2.1.2)."""
    value = _extension_value(fields, ExtensionOID.SUBJECT_KEY_IDENTIFIER.dotted_string)
    return b"" if value is None else der.read_one(value, der.OCTET_STRING).value


def authority_key_identifier(fields: Fields) -> bytes:
    """Return the keyIdentifier of the AKI, empty if there is none (§4.2.1.1)."""
    value = _extension_value(fields, ExtensionOID.AUTHORITY_KEY_IDENTIFIER.dotted_string)
    if value is None:
        return b""
    element = der.read_one(value, der.SEQUENCE).find(der.PRIMITIVE_0)
    return b"" if element is None else element.value


def capabilities(fields: Fields) -> tuple[str, ...]:
    """Return the names in an sMIMECapabilities extension, empty if there is none (RFC 4262 §2)."""
    value = _extension_value(fields, _CAPABILITIES)
    return () if value is None else parse_capabilities(der.read_one(value, der.SEQUENCE))


def _extension_value(fields: Fields, identifier: str) -> bytes | None:
    extension = fields.extensions.get(identifier)
    return None if extension is None else extension.value
