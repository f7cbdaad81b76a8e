"""EnvelopedData and AuthEnvelopedData that nobody should have written."""

import pytest

from app.cms import algorithms, content, der
from app.cms.enveloped import parse_enveloped
from app.cms.errors import (
    CannotDecrypt,
    MalformedCms,
    NotForThisKey,
    TooLarge,
    UnsupportedCms,
)
from app.cms.keys import identity_of
from app.cms.signing import content_info
from app.mail.limits import RECIPIENT_INFOS
from tests.cms.identities import CIPHERS, CONTENT, identity
from tests.cms.parts import EnvelopedParts, elements, enveloped, opened

AEADS = [name for name in CIPHERS if not name.endswith("cbc")]


def test_parts_make_the_whole() -> None:
    for cipher in ("aes128-cbc", "aes256-gcm"):
        cms = enveloped(cipher=cipher)
        assert EnvelopedParts(cms).build() == cms


def test_a_recipient_is_found_by_his_key_identifier() -> None:
    cms = enveloped("rsa2048")
    parts = EnvelopedParts(cms)
    known = identity_of(identity("rsa2048").certificate)
    info = der.read_one(parts.infos[0], der.SEQUENCE)
    _, name, *rest = elements(info)
    assert identity("rsa2048").x509.issuer.public_bytes() in name
    parts.infos = [der.tlv(der.SEQUENCE, der.integer(2), der.tlv(0x80, known.ski), *rest)]
    (recipient,) = parse_enveloped(parts.build()).recipients
    assert recipient.ski == known.ski
    assert opened(parts.build(), "rsa2048") == CONTENT
    with pytest.raises(NotForThisKey):
        opened(parts.build(), "p256")


def test_a_recipient_key_identifier_is_read() -> None:
    parts = EnvelopedParts(enveloped("p256"))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    *before, keys = elements(info)
    encrypted = list(elements(der.read_one(keys, der.SEQUENCE).take(der.SEQUENCE)))[1]
    ski = der.tlv(der.OCTET_STRING, identity_of(identity("p256").certificate).ski)
    date = der.tlv(der.GENERALIZED_TIME, b"20260101000000Z")
    one = der.tlv(der.SEQUENCE, der.tlv(der.CONTEXT_0, ski, date), encrypted)
    parts.infos = [der.tlv(der.CONTEXT_1, *before, der.tlv(der.SEQUENCE, one))]
    assert opened(parts.build()) == CONTENT


def test_recipients_without_a_certificate_are_passed_over() -> None:
    parts = EnvelopedParts(enveloped("p256"))
    parts.infos += [der.tlv(0xA2, b"\x05\x00"), der.tlv(0xA3, b"\x05\x00")]
    other = der.tlv(der.CONTEXT_4, bytes.fromhex("06032a0304"), b"\x05\x00")
    parts.infos.append(other)
    kinds = [one.kind for one in parse_enveloped(parts.build()).recipients]
    assert kinds == ["kari", "other", "other", "other"]
    assert opened(parts.build()) == CONTENT


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_recipients_are_counted(excess: int) -> None:  # T107
    parts = EnvelopedParts(enveloped("rsa2048"))
    parts.infos *= RECIPIENT_INFOS + excess
    if excess <= 0:
        assert len(parse_enveloped(parts.build()).recipients) == RECIPIENT_INFOS + excess
    else:
        with pytest.raises(TooLarge):
            parse_enveloped(parts.build())


def test_the_keys_of_one_agreement_are_counted_too() -> None:  # T107
    parts = EnvelopedParts(enveloped("p256"))
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    *before, keys = elements(info)
    many = der.read_one(keys, der.SEQUENCE).value * (RECIPIENT_INFOS + 1)
    parts.infos = [der.tlv(der.CONTEXT_1, *before, der.tlv(der.SEQUENCE, many))]
    with pytest.raises(TooLarge):
        parse_enveloped(parts.build())


def _gcm(nonce: bytes, tag_octets: int | None) -> bytes:
    parameters = [der.tlv(der.OCTET_STRING, nonce)]
    if tag_octets is not None:
        parameters.append(der.integer(tag_octets))
    oid = algorithms.CIPHERS["aes256-gcm"].oid
    return algorithms.identifier(oid, der.tlv(der.SEQUENCE, *parameters))


PARAMETERS = [
    ("no tag to speak of", _gcm(bytes(12), 0)),
    ("a tag of 4 octets", _gcm(bytes(12), 4)),
    ("a tag of 11 octets", _gcm(bytes(12), 11)),
    ("a tag of 17 octets", _gcm(bytes(12), 17)),
    ("a negative tag", _gcm(bytes(12), -1)),
    ("no nonce", _gcm(b"", 16)),
    ("a short nonce", _gcm(bytes(8), 16)),
    ("a long nonce", _gcm(bytes(1000), 16)),
    ("another cipher", algorithms.identifier("1.2.3")),
    (
        "a cipher without its tag",
        algorithms.identifier(
            algorithms.CIPHERS["aes256-cbc"].oid, der.tlv(der.OCTET_STRING, bytes(16))
        ),
    ),
]


@pytest.mark.parametrize(("why", "algorithm"), PARAMETERS, ids=[row[0] for row in PARAMETERS])
def test_aead_parameters_are_checked_before_any_key(why: str, algorithm: bytes) -> None:  # T80
    parts = EnvelopedParts(enveloped(cipher="aes256-gcm"))
    parts.algorithm = algorithm
    assert parse_enveloped(parts.build()).problem
    with pytest.raises(UnsupportedCms):
        opened(parts.build())


@pytest.mark.parametrize("octets", [0, 4, 11, 15, 17, 32])
def test_a_tag_has_the_length_it_says(octets: int) -> None:  # T80
    parts = EnvelopedParts(enveloped(cipher="aes256-gcm"))
    parts.tail = [der.tlv(der.OCTET_STRING, bytes(octets))]
    with pytest.raises(MalformedCms):
        parse_enveloped(parts.build())


@pytest.mark.parametrize("octets", [12, 13, 14, 15, 16])
def test_shorter_tags_within_the_standard_open(octets: int) -> None:
    parts = EnvelopedParts(enveloped(cipher="aes256-gcm"))
    nonce = der.read_one(parts.algorithm, der.SEQUENCE)
    nonce.identifier()
    iv = nonce.take(der.SEQUENCE).take(der.OCTET_STRING).value
    tag = der.read_one(parts.tail[0], der.OCTET_STRING).value[:octets]
    parts.algorithm = _gcm(iv, None if octets == 12 else octets)
    parts.tail = [der.tlv(der.OCTET_STRING, tag)]
    assert opened(parts.build()) == CONTENT


@pytest.mark.parametrize("cipher", AEADS)
def test_an_aead_in_enveloped_data_is_refused(cipher: str) -> None:  # T80
    parts = EnvelopedParts(enveloped(cipher=cipher))
    parts.kind, parts.tail = "enveloped", []
    with pytest.raises(UnsupportedCms):
        opened(parts.build())


@pytest.mark.parametrize("cipher", AEADS)
def test_a_changed_octet_of_an_aead_never_opens(cipher: str) -> None:
    parts = EnvelopedParts(enveloped(cipher=cipher))
    for place in range(len(parts.ciphertext)):
        changed = bytearray(parts.ciphertext)
        changed[place] ^= 1
        parts.ciphertext = bytes(changed)
        with pytest.raises(CannotDecrypt):
            opened(parts.build())
        changed[place] ^= 1
        parts.ciphertext = bytes(changed)


@pytest.mark.parametrize("excess", [-1, 0, 1])
@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes128-gcm"])
def test_the_limit_holds_exactly(excess: int, cipher: str) -> None:
    cms = enveloped(cipher=cipher)
    limit = len(CONTENT) - excess
    if excess <= 0:
        assert opened(cms, limit=limit) == CONTENT
    else:
        with pytest.raises(TooLarge):
            opened(cms, limit=limit)


def test_more_than_the_limit_is_not_even_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    cms = enveloped(content=bytes(100_000))
    monkeypatch.delattr(content, "decrypt")
    with pytest.raises(TooLarge):
        opened(cms, limit=1000)


@pytest.mark.parametrize("cut", range(0, 300, 7))
def test_an_object_that_is_cut_short_is_malformed(cut: int) -> None:
    cms = enveloped("rsa2048")
    with pytest.raises(MalformedCms):
        parse_enveloped(cms[: len(cms) * cut // 300])


def test_other_kinds_are_malformed() -> None:
    with pytest.raises(MalformedCms):
        parse_enveloped(content_info("signed", []))


def test_a_changed_octet_of_large_content_never_opens() -> None:
    parts = EnvelopedParts(enveloped(cipher="aes256-gcm", content=bytes(100_000)))
    changed = bytearray(parts.ciphertext)
    changed[50_000] ^= 1
    parts.ciphertext = bytes(changed)
    with pytest.raises(CannotDecrypt):
        opened(parts.build())
