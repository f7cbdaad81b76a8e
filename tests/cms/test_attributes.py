from datetime import UTC, datetime

import pytest

from app.cms import algorithms, der
from app.cms.attributes import Attributes, parse_attributes, parse_capabilities, parse_time
from app.cms.errors import MalformedCms, TooLarge
from tests.cms.identities import identity

TIMES = [
    (der.UTC_TIME, b"260615120000Z", datetime(2026, 6, 15, 12, tzinfo=UTC)),
    (der.UTC_TIME, b"491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
    (der.UTC_TIME, b"500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
    (der.UTC_TIME, b"2606151200Z", datetime(2026, 6, 15, 12, tzinfo=UTC)),
    (der.UTC_TIME, b"260615120000+0200", datetime(2026, 6, 15, 10, tzinfo=UTC)),
    (der.UTC_TIME, b"260615120000-0530", datetime(2026, 6, 15, 17, 30, tzinfo=UTC)),
    (der.GENERALIZED_TIME, b"20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC)),
    (der.GENERALIZED_TIME, b"19991231235959Z", datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)),
]


@pytest.mark.parametrize(("tag", "octets", "moment"), TIMES)
def test_both_kinds_of_time_are_read(tag: int, octets: bytes, moment: datetime) -> None:
    assert parse_time(der.read(der.tlv(tag, octets)).next()) == moment


@pytest.mark.parametrize(
    ("tag", "octets"),
    [
        (der.UTC_TIME, b""),
        (der.UTC_TIME, b"260615120000"),
        (der.UTC_TIME, b"261315120000Z"),
        (der.UTC_TIME, b"260631120000Z"),
        (der.UTC_TIME, b"20260615120000Z"),
        (der.GENERALIZED_TIME, b"00000615120000Z"),
        (der.GENERALIZED_TIME, b"00010101000000+2359"),
        (der.GENERALIZED_TIME, b"20260615120000.5Z"),
        (der.OCTET_STRING, b"260615120000Z"),
        (der.UTC_TIME, "２60615120000Z".encode()),
    ],
)
def test_what_is_no_time_is_malformed(tag: int, octets: bytes) -> None:
    with pytest.raises(MalformedCms):
        parse_time(der.read(der.tlv(tag, octets)).next())


def attribute(name: str, *values: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, algorithms.ATTRIBUTE_DER[name], der.tlv(der.SET, *values))


NAMED = der.tlv(der.SEQUENCE, identity().x509.issuer.public_bytes(), der.integer(7))
CHOICES = [
    (b"\xa0" + NAMED[1:], (identity().x509.issuer.public_bytes(), 7), b""),
    (der.tlv(der.CONTEXT_1, der.tlv(der.OCTET_STRING, b"ski")), None, b"ski"),
    (der.tlv(der.PRIMITIVE_2, b"ski"), None, b"ski"),
]


@pytest.mark.parametrize(("value", "named", "ski"), CHOICES)
def test_every_way_to_name_a_preference_is_read(
    value: bytes, named: tuple[bytes, int] | None, ski: bytes
) -> None:
    found = parse_attributes(der.read(attribute("encryption-preference", value)))
    assert (found.encryption_preference, found.encryption_preference_ski) == (named, ski)


def test_the_standard_preference_comes_before_microsofts() -> None:
    other = der.tlv(der.SEQUENCE, identity().x509.issuer.public_bytes(), der.integer(8))
    standard = attribute("encryption-preference", b"\xa0" + NAMED[1:])
    microsoft = attribute("microsoft-preference", other)
    for order in (standard + microsoft, microsoft + standard):
        found = parse_attributes(der.read(order))
        assert found.encryption_preference is not None
        assert found.encryption_preference[1] == 7


def _signing_certificate(*id_parts: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, *id_parts)))


HASH = der.tlv(der.OCTET_STRING, b"hash")
SHA512 = algorithms.identifier(algorithms.DIGESTS["sha512"].oid)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("signing-certificate", _signing_certificate(HASH), ("sha1", b"hash")),
        ("signing-certificate-v2", _signing_certificate(HASH), ("sha256", b"hash")),
        ("signing-certificate-v2", _signing_certificate(SHA512, HASH), ("sha512", b"hash")),
    ],
)
def test_the_signing_certificate_is_read(
    name: str, value: bytes, expected: tuple[str, bytes]
) -> None:
    assert parse_attributes(der.read(attribute(name, value))).signing_certificate == expected


def test_the_newer_signing_certificate_counts() -> None:
    old = attribute("signing-certificate", _signing_certificate(der.tlv(der.OCTET_STRING, b"old")))
    new = attribute("signing-certificate-v2", _signing_certificate(HASH))
    for order in (old + new, new + old):
        found = parse_attributes(der.read(order))
        assert found.signing_certificate == ("sha256", b"hash")


MALFORMED = [
    ("encryption-preference", der.tlv(0xA5, b"\x05\x00")),
    ("encryption-preference", der.tlv(der.CONTEXT_0, b"\x05\x00")),
    ("microsoft-preference", b"\x05\x00"),
    ("signing-certificate", b"\x30\x00"),
    ("signing-certificate-v2", _signing_certificate(algorithms.identifier("1.2.3"), HASH)),
    ("signing-time", b"\x05\x00"),
    ("content-type", b"\x05\x00"),
    ("capabilities", b"\x05\x00"),
    ("capabilities", der.tlv(der.SEQUENCE, b"\x05\x00")),
]


@pytest.mark.parametrize(("name", "value"), MALFORMED)
def test_what_cannot_be_read_is_a_problem(name: str, value: bytes) -> None:
    assert f"{name}-malformed" in parse_attributes(der.read(attribute(name, value))).problems


def test_capabilities_keep_their_order_and_unknown_ones() -> None:
    names = ("1.2.840.113549.3.7", "2.16.840.1.101.3.4.1.2", "1.2.3.4", "1.2.840.113549.1.1.1")
    rc2 = algorithms.identifier("1.2.840.113549.3.2", der.integer(40))
    sequence = der.tlv(der.SEQUENCE, *map(algorithms.identifier, names), rc2)
    found = parse_capabilities(der.read_one(sequence, der.SEQUENCE))
    assert found == ("3des", "aes128-cbc", "1.2.3.4", "rsa", "rc2")


def test_no_client_has_that_many_capabilities() -> None:
    many = algorithms.identifier("1.2.3") * 10_000
    found = parse_capabilities(der.read_one(der.tlv(der.SEQUENCE, many), der.SEQUENCE))
    assert len(found) == 100


def test_large_attributes_are_not_remembered() -> None:
    large = attribute("message-digest", der.tlv(der.OCTET_STRING, bytes(5000)))
    assert parse_attributes(der.read(large)).message_digest == bytes(5000)


def test_an_attribute_is_bounded_whatever_it_is() -> None:  # T106
    deep = b""
    for _ in range(40):
        deep = der.tlv(der.SEQUENCE, deep)
    unknown = der.tlv(der.SEQUENCE, bytes.fromhex("06032a0304"), der.tlv(der.SET, deep))
    with pytest.raises(TooLarge):
        parse_attributes(der.read(unknown))


def read_attributes(*octets: bytes) -> Attributes:
    body = der.read(der.tlv(der.SET, *octets))
    body.enter(der.SET)
    return parse_attributes(body)


@pytest.mark.parametrize(("tag", "octets", "moment"), TIMES)
def test_the_signing_time_is_read_in_every_form(tag: int, octets: bytes, moment: datetime) -> None:
    assert read_attributes(attribute("signing-time", der.tlv(tag, octets))).signing_time == moment


@pytest.mark.parametrize(
    "octets",
    [
        b"261315120000Z",
        b"260631120000Z",
        b"260615240000Z",
        b"260615126000Z",
        b"2606151200 0Z",
        b"2606151200\xb20Z",
        b"+60615120000Z",
        b"260615120000z",
    ],
)
def test_a_signing_time_that_is_none_is_told(octets: bytes) -> None:
    found = read_attributes(attribute("signing-time", der.tlv(der.UTC_TIME, octets)))
    assert found.signing_time is None
    assert "signing-time-malformed" in found.problems


@pytest.mark.parametrize("size", [0, 1, 16, 20, 28, 31, 32, 33, 48, 64, 127, 128])
def test_a_digest_of_every_length_is_read(size: int) -> None:
    value = bytes(range(size))
    found = read_attributes(attribute("message-digest", der.tlv(der.OCTET_STRING, value)))
    assert found.message_digest == value
    assert found.problems == ["content-type-missing"]


def test_a_digest_with_something_behind_it_is_malformed() -> None:
    digest = der.tlv(der.OCTET_STRING, bytes(32))
    for octets in (
        attribute("message-digest", digest, digest),
        attribute("message-digest", der.tlv(der.SEQUENCE, digest)),
    ):
        assert "message-digest-malformed" in read_attributes(octets).problems
