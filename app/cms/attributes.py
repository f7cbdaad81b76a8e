"""The signed attributes of a SignerInfo, read and built.

Reading takes what is there and writes down what is wrong with it: zero or one of each attribute,
one value in each, contentType and messageDigest present. Whether that matters is said elsewhere.
RFC 5652 §11, RFC 8551 §2.5, RFC 5035 §4.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from app.cms import algorithms as table
from app.cms import der
from app.cms.errors import MalformedCms, UnsupportedCms
from app.cms.schemes import digest_name

DEFAULT_CAPABILITIES: Final = (
    "aes256-gcm",
    "aes128-gcm",
    "chacha20-poly1305",
    "aes256-cbc",
    "aes192-cbc",
    "aes128-cbc",
)
# More than any client sends; the rest is not read.
_CAPABILITIES_READ = 100
_TIME: Final = rb"(\d{8})(\d{2})?(?:Z|([+-]\d{4}))"
_TIMES: Final = {
    der.UTC_TIME: re.compile(rb"(\d{2})" + _TIME),
    der.GENERALIZED_TIME: re.compile(rb"(\d{4})" + _TIME),
}


@dataclass(slots=True)
class Attributes:
    """What the signed attributes say; an attribute that is absent or unreadable is empty."""

    content_type: str = ""
    message_digest: bytes = b""
    signing_time: datetime | None = None
    capabilities: tuple[str, ...] = ()
    encryption_preference: tuple[bytes, int] | None = None
    # Issuer and serial number of the certificate that the signer wants others to encrypt to.
    encryption_preference_ski: bytes = b""
    signing_certificate: tuple[str, bytes] | None = None
    # Digest algorithm and digest of the certificate that the signer says he signed with.
    problems: list[str] = field(default_factory=list)


def parse_attributes(attributes: der.Reader) -> Attributes:
    """Return what the elements of signedAttrs say.

    Raises MalformedCms only if the elements are no attributes at all.
    """
    found = Attributes()
    seen: set[str] = set()
    while attributes.peek() >= 0:
        attribute = attributes.take(der.SEQUENCE)
        name = table.ATTRIBUTES.get(attribute.identifier(), "")
        values = attribute.take(der.SET)
        attribute.finish()
        if not name:
            continue
        if name in seen:
            found.problems.append(f"{name}-doubled")
            continue
        seen.add(name)
        _parse_value(found, name, values)
    found.problems.extend(
        f"{name}-missing" for name in ("content-type", "message-digest") if name not in seen
    )
    return found


def _parse_value(found: Attributes, name: str, values: der.Reader) -> None:
    """Read the one value of an attribute, or write down that it is unreadable."""
    try:
        _READERS[name](found, values)
        values.finish()
    except (MalformedCms, UnsupportedCms):
        found.problems.append(f"{name}-malformed")


def _content_type(found: Attributes, values: der.Reader) -> None:
    found.content_type = content_type_name(values.identifier())


def content_type_name(oid: bytes) -> str:
    """Return our name of a content type, its dotted numbers if we have none."""
    return table.CONTENT_TYPES.get(oid) or der.dotted_identifier(oid)


def _message_digest(found: Attributes, values: der.Reader) -> None:
    found.message_digest = values.take(der.OCTET_STRING).value


def _signing_time(found: Attributes, values: der.Reader) -> None:
    found.signing_time = parse_time(values.next())


def parse_time(element: der.Reader) -> datetime:
    """Return a UTCTime or GeneralizedTime; UTCTime means 1950 to 2049 (RFC 5652 §11.3)."""
    tag = element.octets[element.head]
    fields = _TIMES[tag].fullmatch(element.value) if tag in _TIMES else None
    if fields is None:
        raise MalformedCms("a time that is none")
    year, rest, second, zone_digits = fields.groups(b"0")
    century = 0 if tag == der.GENERALIZED_TIME else 2000 if int(year) < 50 else 1900
    month, day, hour, minute = (int(rest[place : place + 2]) for place in (0, 2, 4, 6))
    # A zone other than Z is BER; it is read because it is meant.
    zone = int(zone_digits)
    offset = timedelta(hours=abs(zone) // 100, minutes=abs(zone) % 100) * (-1 if zone < 0 else 1)
    try:
        local = datetime(century + int(year), month, day, hour, minute, int(second), tzinfo=UTC)
        return local - offset
    except (ValueError, OverflowError) as fault:
        raise MalformedCms("a time that is none") from fault


def _capabilities(found: Attributes, values: der.Reader) -> None:
    found.capabilities = parse_capabilities(values.take(der.SEQUENCE))


def parse_capabilities(sequence: der.Reader) -> tuple[str, ...]:
    """Return the names in an SMIMECapabilities in their order, dotted numbers for unknown ones.

    RFC 8551 §2.5.2; the same structure stands in certificates (RFC 4262 §2).
    """
    names: list[str] = []
    while sequence.peek() >= 0 and len(names) < _CAPABILITIES_READ:
        capability = sequence.take(der.SEQUENCE)
        oid = capability.identifier()
        names.append(table.CAPABILITIES.get(oid) or der.dotted_identifier(oid))
    sequence.at = sequence.end
    return tuple(names)


def _encryption_preference(found: Attributes, values: der.Reader) -> None:
    """Read SMIMEEncryptionKeyPreference (RFC 8551 §2.5.3)."""
    choice = values.next()
    tag = choice.octets[choice.head]
    if tag == der.CONTEXT_0:
        found.encryption_preference = _issuer_and_serial(choice)
    elif tag == der.CONTEXT_1:
        found.encryption_preference_ski = choice.take(der.OCTET_STRING).value
    elif tag == der.PRIMITIVE_2:
        found.encryption_preference_ski = choice.value
    else:
        raise MalformedCms("an unknown choice")


def _microsoft_preference(found: Attributes, values: der.Reader) -> None:
    identity = _issuer_and_serial(values.take(der.SEQUENCE))
    found.encryption_preference = found.encryption_preference or identity


def _issuer_and_serial(element: der.Reader) -> tuple[bytes, int]:
    issuer = element.take(der.SEQUENCE).whole
    serial = element.integer()
    element.finish()
    return issuer, serial


def _signing_certificate(found: Attributes, values: der.Reader) -> None:
    first = values.take(der.SEQUENCE).take(der.SEQUENCE).take(der.SEQUENCE)
    if found.signing_certificate is None:
        found.signing_certificate = ("sha1", first.take(der.OCTET_STRING).value)


def _signing_certificate_v2(found: Attributes, values: der.Reader) -> None:
    first = values.take(der.SEQUENCE).take(der.SEQUENCE).take(der.SEQUENCE)
    algorithm = first.find(der.SEQUENCE)
    digest = digest_name(algorithm) if algorithm else "sha256"
    found.signing_certificate = (digest, first.take(der.OCTET_STRING).value)


_READERS: Final = {
    "content-type": _content_type,
    "message-digest": _message_digest,
    "signing-time": _signing_time,
    "capabilities": _capabilities,
    "encryption-preference": _encryption_preference,
    "microsoft-preference": _microsoft_preference,
    "signing-certificate": _signing_certificate,
    "signing-certificate-v2": _signing_certificate_v2,
}
