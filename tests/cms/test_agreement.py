import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.cms import agreement, algorithms, der, kem
from app.cms.errors import MalformedCms, UnsupportedCms
from tests.cms.identities import CONTENT, identity, key
from tests.cms.parts import EnvelopedParts, elements, enveloped, opened

AES256 = algorithms.identifier(algorithms.WRAPS["aes256-wrap"].oid)


def test_every_scheme_of_the_table_is_read() -> None:
    for row in algorithms.AGREEMENTS.values():
        found = agreement.parse_agreement(algorithms.identifier(row.oid, AES256))
        assert found.scheme is row
        assert found.wrap.name == "aes256-wrap"


@pytest.mark.parametrize(
    "algorithm",
    [
        algorithms.identifier("1.2.3", AES256),
        algorithms.identifier("1.3.132.1.11.1", algorithms.identifier("1.2.3")),
        # ECMQV: a static key of the sender would be needed (RFC 5753 §3.2).
        algorithms.identifier("1.3.132.1.15.1", AES256),
    ],
)
def test_other_agreements_are_unsupported(algorithm: bytes) -> None:
    with pytest.raises(UnsupportedCms):
        agreement.parse_agreement(algorithm)


def test_an_agreement_names_its_wrap() -> None:
    with pytest.raises(MalformedCms):
        agreement.parse_agreement(algorithms.identifier("1.3.132.1.11.1"))


def test_a_static_key_of_the_sender_is_unsupported() -> None:
    parts = EnvelopedParts(enveloped())
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    version, _, *rest = elements(info)
    static = der.tlv(der.CONTEXT_0, der.tlv(0x80, b"key identifier"))
    parts.infos = [der.tlv(der.CONTEXT_1, version, static, *rest)]
    with pytest.raises(UnsupportedCms):
        opened(parts.build())


ORIGINATORS = [
    ("absent", algorithms.identifier("1.2.840.10045.2.1")),
    ("NULL", algorithms.identifier("1.2.840.10045.2.1", algorithms.DER_NULL)),
]


@pytest.mark.parametrize(("why", "algorithm"), ORIGINATORS, ids=[row[0] for row in ORIGINATORS])
def test_parameters_of_the_originator_may_be_missing(why: str, algorithm: bytes) -> None:
    # RFC 5753 §3.1.1.
    parts = EnvelopedParts(enveloped())
    info = der.read_one(parts.infos[0], der.CONTEXT_1)
    version, originator, *rest = elements(info)
    inner = der.read_one(originator, der.CONTEXT_0).take(der.CONTEXT_1)
    inner.next()
    bits = inner.next().whole
    forged = der.tlv(der.CONTEXT_0, der.tlv(der.CONTEXT_1, algorithm, bits))
    parts.infos = [der.tlv(der.CONTEXT_1, version, forged, *rest)]
    assert opened(parts.build()) == CONTENT


def test_a_key_of_another_kind_does_not_fit() -> None:
    forged = EnvelopedParts(enveloped("rsa2048"))
    info = der.read_one(forged.infos[0], der.SEQUENCE)
    version, _, *rest = elements(info)
    name = der.read_one(EnvelopedParts(enveloped("p256")).infos[0], der.CONTEXT_1)
    *_, keys = elements(name)
    issuer_and_serial = der.read_one(keys, der.SEQUENCE).take(der.SEQUENCE).next().whole
    forged.infos = [der.tlv(der.SEQUENCE, version, issuer_and_serial, *rest)]
    with pytest.raises(UnsupportedCms):
        opened(forged.build(), "p256")


def _kemri(change: int, value: bytes) -> bytes:
    """Return an object whose KEMRecipientInfo has one field replaced."""
    parts = EnvelopedParts(enveloped("mlkem768"))
    other = der.read_one(parts.infos[0], der.CONTEXT_4)
    oid = other.next().whole
    fields = list(elements(other.take(der.SEQUENCE)))
    fields[change] = value
    parts.infos = [der.tlv(der.CONTEXT_4, oid, der.tlv(der.SEQUENCE, *fields))]
    return parts.build()


UNKNOWN = algorithms.identifier("1.2.3")
KEM_FIELDS = [
    ("an unknown KEM", 2, UNKNOWN),
    ("ML-KEM-512", 2, algorithms.identifier("2.16.840.1.101.3.4.4.1")),
    ("an unknown KDF", 4, UNKNOWN),
    ("an unknown wrap", 6, UNKNOWN),
    ("a weak wrap", 6, algorithms.identifier(algorithms.WRAPS["3des-wrap"].oid)),
]


@pytest.mark.parametrize(("why", "place", "value"), KEM_FIELDS, ids=[row[0] for row in KEM_FIELDS])
def test_other_encapsulations_are_unsupported(why: str, place: int, value: bytes) -> None:
    with pytest.raises(UnsupportedCms):
        opened(_kemri(place, value), "mlkem768")


def test_the_key_has_the_length_of_its_wrap() -> None:
    with pytest.raises(MalformedCms):
        opened(_kemri(5, der.integer(16)), "mlkem768")


def test_keying_material_is_part_of_the_key() -> None:
    public = identity("mlkem768").key.public_key()
    ciphertext, how, _ = kem.encapsulate_key(public, bytes(32))
    private = key("mlkem768")
    wrapped = {
        ukm: kem._kem_key(how, private.decapsulate(ciphertext), ukm)  # type: ignore[union-attr]
        for ukm in (b"", b"one", b"two")
    }
    assert len(set(wrapped.values())) == 3


# The structures that go into the derivations, octet by octet: AES-256 wrap, no ukm.
SHARED_INFO = "3015300b060960864801650304012da206040400000100"  # RFC 5753 §7.2
KEM_OTHER_INFO = "3010300b060960864801650304012d020120"  # RFC 9629 §5


def test_the_key_of_x25519_is_that_of_rfc_8418() -> None:
    how = agreement.parse_agreement(algorithms.identifier("1.2.840.113549.1.9.16.3.19", AES256))
    secret = bytes(range(32))
    expected = HKDF(hashes.SHA256(), 32, None, bytes.fromhex(SHARED_INFO)).derive(secret)
    assert agreement._key_encryption_key(how, secret, b"") == expected


def test_the_key_of_a_curve_is_that_of_rfc_5753() -> None:
    how = agreement.parse_agreement(algorithms.identifier("1.3.132.1.11.1", AES256))
    secret = bytes(range(32))
    # One round of X9.63: the digest over the secret, a counter and the structure.
    octets = secret + b"\x00\x00\x00\x01" + bytes.fromhex(SHARED_INFO)
    assert agreement._key_encryption_key(how, secret, b"") == hashlib.sha256(octets).digest()


def test_the_key_of_ml_kem_is_that_of_rfc_9629() -> None:
    _, how, _ = kem.encapsulate_key(identity("mlkem768").key.public_key(), bytes(32))
    secret = bytes(range(32))
    expected = HKDF(hashes.SHA256(), 32, None, bytes.fromhex(KEM_OTHER_INFO)).derive(secret)
    assert kem._kem_key(how, secret, b"") == expected


def test_keying_material_goes_into_both_derivations() -> None:
    for oid in ("1.3.132.1.11.1", "1.2.840.113549.1.9.16.3.19"):
        how = agreement.parse_agreement(algorithms.identifier(oid, AES256))
        keys = {agreement._key_encryption_key(how, bytes(32), ukm) for ukm in (b"", b"a", b"b")}
        assert {len(one) for one in keys} == {32}
        assert len(keys) == 3


def test_a_signing_key_agrees_on_nothing() -> None:
    how = agreement.parse_agreement(algorithms.identifier("1.3.132.1.11.1", AES256))
    with pytest.raises(UnsupportedCms):
        agreement.unwrap_key(key("ed25519"), how, b"\xa1\x00", b"", b"")
    encapsulation = kem.encapsulate_key(identity("mlkem768").key.public_key(), bytes(32))[1]
    with pytest.raises(UnsupportedCms):
        kem.decapsulate_key(key("ed25519"), encapsulation, b"", b"", b"")
