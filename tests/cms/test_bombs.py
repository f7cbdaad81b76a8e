"""Objects made to cost much: each is over in less than 100 ms (T35, T105-T109)."""

import zlib
from collections.abc import Callable

import pytest

from app.cms import der
from app.cms.ber import to_der
from app.cms.compressed import open_compressed
from app.cms.enveloped import parse_enveloped
from app.cms.errors import MalformedCms, TooLarge
from app.cms.keys import identity_of
from app.cms.signed import parse_signed
from tests.cms.parts import EnvelopedParts, SignedParts, enveloped, signed
from tests.cms.test_compressed import compressed
from tests.timing import least_seconds

END = b"\x00\x00"


def _deep(levels: int) -> bytes:
    return b"\x30\x80" * levels + END * levels


def _recipients(count: int) -> bytes:
    parts = EnvelopedParts(enveloped("rsa2048"))
    parts.infos *= count
    return parts.build()


def _certificates(count: int) -> bytes:
    parts = SignedParts(signed())
    body = der.read_one(parts.certificates, der.CONTEXT_0)
    parts.certificates = der.tlv(der.CONTEXT_0, body.value * count)
    return parts.build()


def _signers(count: int) -> bytes:
    parts = SignedParts(signed())
    return parts.build(*[parts.signer_info()] * count)


def _attributes(count: int) -> bytes:
    parts = SignedParts(signed())
    parts.attributes *= count
    return parts.build()


BOMBS: list[tuple[str, Callable[[], bytes], Callable[[bytes], object]]] = [
    ("3 MB of segments", lambda: b"\x24\x80" + b"\x04\x01a" * 1_000_000 + END, to_der),
    ("segments of nothing", lambda: b"\x24\x80" + b"\x04\x00" * 1_500_000 + END, to_der),
    ("500 levels", lambda: _deep(500), to_der),
    ("100,000 levels", lambda: _deep(100_000), to_der),
    ("a million elements", lambda: der.tlv(der.SEQUENCE, b"\x05\x00" * 1_000_000), to_der),
    ("a million elements of BER", lambda: b"\x30\x80" + b"\x05\x00" * 1_000_000 + END, to_der),
    ("a large INTEGER", lambda: der.tlv(der.INTEGER, b"\x01" * 10_000_000), to_der),
    ("a long identifier", lambda: der.tlv(0x06, b"\x81" * 10_000_000), parse_signed),
    ("a length beyond all octets", lambda: b"\x30\x84\xff\xff\xff\xff" + bytes(100), to_der),
    ("10,000 RecipientInfos", lambda: _recipients(10_000), parse_enveloped),
    ("10,000 certificates", lambda: _certificates(5_000), parse_signed),
    ("10,000 SignerInfos", lambda: _signers(10_000), parse_signed),
    ("70,000 attributes", lambda: _attributes(10_000), parse_signed),
    ("a certificate of elements", lambda: der.tlv(0x30, b"\x05\x00" * 1_000_000), identity_of),
    (
        "a thousand times as much",
        lambda: compressed(zlib.compress(bytes(50_000_000), 9)),
        open_compressed,
    ),
    (
        "compressed segments",
        lambda: b"\x30\x80" + compressed(b"")[4:] + b"\x24\x80" + b"\x04\x01a" * 1_000_000,
        open_compressed,
    ),
]


@pytest.mark.parametrize(("name", "build", "read"), BOMBS, ids=[row[0] for row in BOMBS])
def test_a_bomb_is_over_at_once(
    name: str, build: Callable[[], bytes], read: Callable[[bytes], object]
) -> None:
    octets = build()

    def work() -> None:
        with pytest.raises((MalformedCms, TooLarge)):
            read(octets)

    assert least_seconds(work, 0.1) < 0.1
