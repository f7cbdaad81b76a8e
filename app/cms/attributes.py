"""The signed attributes of a SignerInfo, read and built.

Reading takes what is there and writes down what is wrong with it: zero or one of each attribute,
one value in each, contentType and messageDigest present. Whether that matters is said elsewhere.
RFC 5652 §11, RFC 8551 §2.5, RFC 5035 §4.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, TypeAlias

from app.cms import algorithms as table
from app.cms import der
from app.cms.ber import scan
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
_REMEMBERED_OCTETS = 2048  # all attributes together
_MANDATORY: Final = ("content-type", "message-digest")
# Attributes that say the same as a better one, which wins.
_SECOND_CHOICE: Final = frozenset(("microsoft-preference", "signing-certificate"))
_UTC_TIME_OCTETS = 13  # YYMMDDhhmmssZ
_TIME: Final = rb"(\d{8})(\d{2})?(?:Z|([+-]\d{4}))"
_TIMES: Final = {
    der.UTC_TIME: re.compile(rb"(\d{2})" + _TIME),
    der.GENERALIZED_TIME: re.compile(rb"(\d{4})" + _TIME),
}


_Said: TypeAlias = tuple[str, object]


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

    Raises MalformedCms only if the elements are no attributes at all, TooLarge over a limit.
    """
    found = Attributes()
    seen: set[str] = set()
    is_usual = attributes.end - attributes.start <= _REMEMBERED_OCTETS
    read = _read_remembered if is_usual else _read_attribute
    for octets in attributes.take_all(der.SEQUENCE):
        fresh = _FRESH.get(octets[:_HEAD_OCTETS])
        name, field_name, value = fresh(octets) if fresh else read(octets)
        if not name:
            continue
        if name in seen:
            found.problems.append(f"{name}-doubled")
        elif not field_name:
            found.problems.append(f"{name}-malformed")
        elif name not in _SECOND_CHOICE or not getattr(found, field_name):
            setattr(found, field_name, value)
        seen.add(name)
    found.problems.extend([f"{name}-missing" for name in _MANDATORY if name not in seen])
    return found


def _read_attribute(octets: bytes) -> tuple[str, str, object]:
    """Return the name of an attribute, what of Attributes its one value says, and the value.

    An attribute that we do not know has no name; one that is unreadable says nothing.
    """
    scan(octets)
    attribute = der.read_one(octets, der.SEQUENCE)
    name = table.ATTRIBUTES.get(attribute.identifier(), "")
    values = attribute.take(der.SET)
    attribute.finish()
    if not name:
        return "", "", None
    try:
        said, value = _READERS[name](values)
        values.finish()
    except (MalformedCms, UnsupportedCms):
        return name, "", None
    return name, said, value


# Most attributes of a sender are the same in all his messages.
_read_remembered = lru_cache(maxsize=2048)(_read_attribute)


def _fresh_digest(octets: bytes) -> tuple[str, str, object]:
    return "message-digest", "message_digest", octets[_HEAD_OCTETS:]


def _fresh_time(octets: bytes) -> tuple[str, str, object]:
    value = octets[_HEAD_OCTETS:].decode("latin-1")
    # Later versions of Python take 24 for the next day's 0.
    if not value.endswith("Z") or not value[:-1].isdecimal() or value[6:8] >= "24":
        return _read_attribute(octets)
    century = "20" if value < "50" else "19"
    try:
        time = datetime.fromisoformat(f"{century}{value[:6]}T{value[6:]}")
    except ValueError:
        return "signing-time", "", None
    return "signing-time", "signing_time", time


def _head_of(name: str, tag: int, octets: int) -> bytes:
    value = der.tlv(der.SET, der.tlv(tag, bytes(octets)))
    return der.tlv(der.SEQUENCE, table.ATTRIBUTE_DER[name], value)[:-octets]


# These two are others in nearly every message. In DER all that stands before their values is fixed:
# it is compared, and neither scanned nor read.
_FRESH: Final = {
    _head_of("message-digest", der.OCTET_STRING, row.octets): _fresh_digest
    for row in table.DIGESTS.values()
} | {_head_of("signing-time", der.UTC_TIME, _UTC_TIME_OCTETS): _fresh_time}
_HEAD_OCTETS: Final = len(next(iter(_FRESH)))


def _content_type(values: der.Reader) -> _Said:
    return "content_type", content_type_name(values.identifier())


def content_type_name(oid: bytes) -> str:
    """Return our name of a content type, its dotted numbers if we have none."""
    return table.CONTENT_TYPES.get(oid) or der.dotted_identifier(oid)


def _message_digest(values: der.Reader) -> _Said:
    return "message_digest", values.take_value(der.OCTET_STRING)


def _signing_time(values: der.Reader) -> _Said:
    return "signing_time", parse_time(values.next())


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


def _capabilities(values: der.Reader) -> _Said:
    return "capabilities", parse_capabilities(values.take(der.SEQUENCE))


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


def _encryption_preference(values: der.Reader) -> _Said:
    """Read SMIMEEncryptionKeyPreference (RFC 8551 §2.5.3)."""
    choice = values.next()
    tag = choice.octets[choice.head]
    if tag == der.CONTEXT_0:
        return "encryption_preference", _issuer_and_serial(choice)
    if tag == der.CONTEXT_1:
        return "encryption_preference_ski", choice.take_value(der.OCTET_STRING)
    if tag == der.PRIMITIVE_2:
        return "encryption_preference_ski", choice.value
    raise MalformedCms("an unknown choice")


def _microsoft_preference(values: der.Reader) -> _Said:
    return "encryption_preference", _issuer_and_serial(values.take(der.SEQUENCE))


def _issuer_and_serial(element: der.Reader) -> tuple[bytes, int]:
    issuer = element.take_whole(der.SEQUENCE)
    serial = element.integer()
    element.finish()
    return issuer, serial


def _signing_certificate(values: der.Reader) -> _Said:
    """Read SigningCertificate, whose digest is always SHA-1 (RFC 2634 §5.4)."""
    first = values.take(der.SEQUENCE).take(der.SEQUENCE).take(der.SEQUENCE)
    return "signing_certificate", ("sha1", first.take_value(der.OCTET_STRING))


def _signing_certificate_v2(values: der.Reader) -> _Said:
    """Read SigningCertificateV2, whose first certificate is the signer's (RFC 5035 §3)."""
    first = values.take(der.SEQUENCE).take(der.SEQUENCE).take(der.SEQUENCE)
    algorithm = first.find(der.SEQUENCE)
    digest = digest_name(algorithm) if algorithm else "sha256"
    return "signing_certificate", (digest, first.take_value(der.OCTET_STRING))


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
