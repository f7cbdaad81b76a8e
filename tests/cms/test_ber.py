from collections.abc import Callable

import pytest
from asn1crypto import core

from app.cms import ber, der
from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import (
    BER_LARGE_SEGMENT_OCTETS,
    BER_SEGMENTS,
    DER_DEPTH,
    DER_ELEMENTS,
    INTEGER_BITS,
)
from tests.cms.identities import CONTENT, identity


def _nested(levels: int) -> bytes:
    octets = b""
    for _ in range(levels):
        octets = der.tlv(der.SEQUENCE, octets)
    return octets


def _segments(count: int, octets: int = 1) -> bytes:
    return der.tlv(0x24, der.tlv(der.OCTET_STRING, b"a" * octets) * count)


LIMITS: list[tuple[str, Callable[[int], bytes], int]] = [
    ("depth", _nested, DER_DEPTH),
    (
        "elements",
        lambda count: der.tlv(der.SEQUENCE, der.tlv(der.NULL) * (count - 1)),
        DER_ELEMENTS,
    ),
    ("segments", lambda count: _segments(count - 1), BER_SEGMENTS),
    (
        "segments just below the size of large ones",
        lambda count: _segments(count - 1, BER_LARGE_SEGMENT_OCTETS - 1),
        BER_SEGMENTS,
    ),
    (
        "INTEGER",
        lambda octets: der.tlv(der.INTEGER, b"\x00" + b"\xff" * (octets - 1)),
        INTEGER_BITS // 8 + 1,
    ),
]


@pytest.mark.parametrize(("name", "build", "limit"), LIMITS, ids=[row[0] for row in LIMITS])
@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_limits_hold_exactly(
    name: str, build: Callable[[int], bytes], limit: int, excess: int
) -> None:  # T106
    octets = build(limit + excess)
    if excess <= 0:
        ber.scan(octets)
    else:
        with pytest.raises(TooLarge):
            ber.scan(octets)


def test_large_segments_are_limited_by_the_message_alone() -> None:
    size = BER_LARGE_SEGMENT_OCTETS
    octets = b"\x30\x80" + _segments(5 * BER_SEGMENTS, size) + b"\x00\x00"
    whole = der.tlv(der.OCTET_STRING, b"a" * (5 * BER_SEGMENTS * size))
    assert ber.to_der(octets) == der.tlv(der.SEQUENCE, whole)


def test_large_segments_make_no_room_for_small_ones() -> None:  # T106
    large = der.tlv(der.OCTET_STRING, b"a" * BER_LARGE_SEGMENT_OCTETS) * 50_000
    octets = b"\x24\x80" + large + b"\x04\x01a" * (BER_SEGMENTS + 1) + b"\x00\x00"
    with pytest.raises(TooLarge):
        ber.scan(octets)


INDEFINITE = [
    ("nothing inside", "30800000", "3000"),
    ("one inside the other", "3080308002010100000000", "30053003020101"),
    ("definite inside", "308002010105000000", "30050201010500"),
    ("a length that is too long", "308103020101", "3003020101"),
    ("segments", "240604016104 0162", "04026162"),
    ("segments of segments", "2480248004016100000401620000", "04026162"),
    ("a segment of nothing", "248004000000", "0400"),
    ("a tag of two octets", "bf4a8002010100 00", "bf4a03020101"),
    ("an element of DER", "3003020101", "3003020101"),
]


@pytest.mark.parametrize(("why", "octets", "expected"), INDEFINITE, ids=[r[0] for r in INDEFINITE])
def test_ber_becomes_der(why: str, octets: str, expected: str) -> None:
    assert ber.to_der(bytes.fromhex(octets)).hex() == expected


BROKEN = [
    ("empty", ""),
    ("cut in the length", "3082"),
    ("cut in the content", "300302"),
    ("no end", "3080020101"),
    ("half an end", "308002010100"),
    ("the end beyond its parent", "30043080020100000000"),
    ("the end is another's", "3002308000000000"),
    ("inside is longer than outside", "30030202010101"),
    ("indefinite and primitive", "0480610000"),
    ("a length of nine octets", "30890000000000000000010000"),
    ("a segment that is no string", "2403020101"),
    ("something behind it", "30000500"),
    ("a tag of many octets", "3f818181810100"),
]


@pytest.mark.parametrize(("why", "octets"), BROKEN, ids=[row[0] for row in BROKEN])
def test_what_is_no_ber_is_malformed(why: str, octets: str) -> None:
    with pytest.raises(MalformedCms):
        ber.to_der(bytes.fromhex(octets))


SCANNED = [row for row in BROKEN if row[0] not in {"a segment that is no string", "empty"}]


@pytest.mark.parametrize(("why", "octets"), SCANNED, ids=[row[0] for row in SCANNED])
def test_the_scan_sees_it_first(why: str, octets: str) -> None:
    if why == "something behind it":
        ber.scan(bytes.fromhex(octets))
        return
    with pytest.raises(MalformedCms):
        ber.scan(bytes.fromhex(octets))


def test_der_comes_out_as_it_went_in() -> None:
    certificate = identity().certificate
    assert ber.to_der(certificate) == certificate


def test_der_inside_ber_is_copied_whole() -> None:
    certificate = identity().certificate
    octets = b"\x30\x80" + certificate + b"\x24\x80\x04\x01a\x00\x00" + b"\x00\x00"
    assert ber.to_der(octets) == der.tlv(der.SEQUENCE, certificate, b"\x04\x01a")


def test_certificates_in_ber_stay_as_they_are() -> None:
    # A length that is not in its shortest form, inside something that somebody signed.
    certificate = bytes.fromhex("300602810105 0500".replace(" ", ""))
    bag = der.tlv(der.CONTEXT_0, certificate)
    octets = b"\x30\x80\xa0\x80\x30\x80" + bag + b"\x00\x00" * 3
    assert certificate in ber.to_der(octets)


def test_what_is_written_anew_is_bounded() -> None:  # T106
    octets = b"\x30\x80" + b"\x05\x00" * 100_000 + b"\x00\x00"
    with pytest.raises(TooLarge):
        ber.to_der(octets)


def _encrypted_content(*elements: bytes) -> bytes:
    """Return ContentInfo, [0] and EnvelopedData around an EncryptedContentInfo."""
    octets = der.tlv(der.SEQUENCE, *elements)
    for tag in (der.SEQUENCE, der.CONTEXT_0, der.SEQUENCE):
        octets = der.tlv(tag, octets)
    return octets


IDENTIFIER = bytes.fromhex("06032a0304")


@pytest.mark.parametrize("segments", [b"\x04\x01a", b"\x04\x01a\x04\x02bc", b"\x24\x03\x04\x01a"])
def test_segmented_ciphertext_becomes_one_string(segments: bytes) -> None:
    algorithm = der.tlv(der.SEQUENCE, IDENTIFIER)
    octets = _encrypted_content(IDENTIFIER, algorithm, der.tlv(der.CONTEXT_0, segments))
    whole = b"".join(part for part in (b"a", b"bc") if part in segments)
    expected = _encrypted_content(IDENTIFIER, algorithm, der.tlv(0x80, whole))
    assert ber.to_der(octets) == expected


def test_explicit_content_of_signed_data_keeps_its_tag() -> None:
    octets = _encrypted_content(IDENTIFIER, der.tlv(der.CONTEXT_0, b"\x24\x03\x04\x01a"))
    expected = _encrypted_content(IDENTIFIER, der.tlv(der.CONTEXT_0, b"\x04\x01a"))
    assert ber.to_der(octets) == expected


def test_abridged_strings_are_their_digest() -> None:
    octets = b"\x30\x80" + der.tlv(der.OCTET_STRING, bytes(100_000)) + b"\x00\x00"
    assert len(ber.to_der(octets, abridged=True)) == 2 + 2 + 32


def test_asn1crypto_reads_what_comes_out() -> None:
    octets = b"\x24\x80" + der.tlv(der.OCTET_STRING, CONTENT) * 3 + b"\x00\x00"
    assert core.OctetString.load(ber.to_der(octets)).native == 3 * CONTENT
