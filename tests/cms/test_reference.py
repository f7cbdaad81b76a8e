import dataclasses

import pytest

from app.cms import ber, der, reference
from app.cms.enveloped import Enveloped, build_enveloped, open_enveloped, parse_enveloped
from app.cms.errors import MalformedCms
from app.cms.signed import build_signed, parse_signed, verify_signer
from tests.cms.identities import CONTENT, identity, key, signer
from tests.testpki import AT


def indefinite(octets: bytes, levels: int) -> bytes:
    """Return DER with the outermost lengths indefinite, as a streaming agent writes them."""
    element = der.read(octets).next()
    inner: list[bytes] = []
    while element.peek() >= 0:
        inner.append(element.next().whole)
    if levels > 1:
        inner[-1] = indefinite(inner[-1], levels - 1)
    return octets[:1] + b"\x80" + b"".join(inner) + b"\x00\x00"


def signed() -> bytes:
    return build_signed(signer(), [CONTENT], detached=False, at=AT)


def enveloped(cipher: str = "aes256-gcm") -> bytes:
    return build_enveloped([CONTENT], [identity().certificate], cipher=cipher)


@pytest.mark.parametrize("levels", [1, 2, 3])
def test_a_signed_data_in_ber_reads_as_in_der(levels: int) -> None:
    cms = signed()
    octets = indefinite(cms, levels)
    assert ber.to_der(octets) == cms
    data = parse_signed(octets)
    assert data.content == CONTENT
    check = verify_signer(data.signers[0], [CONTENT], identity().certificate)
    assert check.digest_matches
    assert check.signature_matches


@pytest.mark.parametrize("cipher", ["aes256-cbc", "aes256-gcm"])
@pytest.mark.parametrize("levels", [1, 2, 3])
def test_an_enveloped_object_in_ber_reads_as_in_der(cipher: str, levels: int) -> None:
    found = parse_enveloped(indefinite(enveloped(cipher), levels))
    certificate = identity().certificate
    assert open_enveloped(found, key(), certificate, limit_octets=1000) == CONTENT


def test_large_content_in_ber_is_whole() -> None:
    content = bytes(range(256)) * 1000
    cms = build_enveloped([content], [identity().certificate], cipher="aes128-cbc")
    found = parse_enveloped(indefinite(cms, 3))
    certificate = identity().certificate
    assert open_enveloped(found, key(), certificate, limit_octets=len(content)) == content


SIGNED_CHANGES: list[dict[str, object]] = [
    {"content": b"other"},
    {"content": None},
    {"certificates": ()},
    {"crls": (b"\x30\x00",)},
    {"signers": ()},
]


@pytest.mark.parametrize("change", SIGNED_CHANGES, ids=str)
def test_what_a_second_reader_sees_otherwise_is_malformed(change: dict[str, object]) -> None:
    octets = signed()
    found = parse_signed(octets)
    reference.check_signed(octets, found)
    other = found._replace(**change)  # type: ignore[arg-type]
    with pytest.raises(MalformedCms):
        reference.check_signed(octets, other)


SIGNER_CHANGES: list[dict[str, object]] = [
    {"serial": 1},
    {"issuer_der": b"\x30\x00"},
    {"ski": b"x"},
    {"signed_attrs": None},
    {"signature": b""},
    {"signature_algorithm": b"\x30\x00"},
]


@pytest.mark.parametrize("change", SIGNER_CHANGES, ids=str)
def test_another_signer_is_malformed(change: dict[str, object]) -> None:
    octets = signed()
    found = parse_signed(octets)
    other = found.signers[0]._replace(**change)  # type: ignore[arg-type]
    with pytest.raises(MalformedCms):
        reference.check_signed(octets, found._replace(signers=(other,)))


ENVELOPED_CHANGES: list[dict[str, object]] = [
    {"ciphertext": memoryview(b"x")},
    {"tag": bytes(16)},
    {"associated": b"\x31\x00"},
    {"recipients": ()},
]


@pytest.mark.parametrize("change", ENVELOPED_CHANGES, ids=lambda change: str(next(iter(change))))
def test_another_enveloped_object_is_malformed(change: dict[str, object]) -> None:
    octets = enveloped()
    found = parse_enveloped(octets)
    reference.check_enveloped(octets, found)
    other: Enveloped = dataclasses.replace(found, **change)  # type: ignore[arg-type]
    with pytest.raises(MalformedCms):
        reference.check_enveloped(octets, other)


def test_what_a_second_reader_cannot_read_is_malformed() -> None:
    found = parse_signed(signed())
    with pytest.raises(MalformedCms):
        reference.check_signed(b"\x30\x03\x02\x01\x01", found)


def test_der_needs_no_second_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(reference, "check_signed", lambda octets, _: asked.append(octets))
    parse_signed(signed())
    assert asked == []
    parse_signed(indefinite(signed(), 1))
    assert len(asked) == 1
