import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448

from app.cms import algorithms, der
from app.cms.enveloped import build_enveloped
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.keys import identity_of, load_private_key, load_public_key, public_key_of
from app.cms.signed import Signer
from app.mail.limits import CERTIFICATES, DER_ELEMENTS, INTEGER_BITS
from tests.cms.identities import CONTENT, READING_KEYS, SIGNING_KEYS, identity, key
from tests.cms.parts import elements
from tests.testpki import ca


@pytest.mark.parametrize("kind", sorted({*SIGNING_KEYS, *READING_KEYS}))
def test_the_two_halves_of_a_key_are_read(kind: str) -> None:
    assert public_key_of(identity(kind).certificate) == key(kind).public_key()


def test_a_certificate_is_known_by_its_names() -> None:
    who = identity()
    known = identity_of(who.certificate)
    expected = who.x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert known.serial == who.x509.serial_number
    assert known.issuer_der == who.x509.issuer.public_bytes()
    assert known.ski == expected.digest
    assert known.is_named(known.issuer_der, known.serial, b"")
    assert known.is_named(b"", 0, known.ski)
    assert not known.is_named(known.issuer_der, known.serial + 1, b"")
    assert not known.is_named(known.issuer_der, known.serial, b"another")


def test_a_key_identifier_that_is_absent_is_computed() -> None:
    # QUIRK: Outlook 2010.
    who = identity_of(_without_extensions())
    spki = x509.load_der_x509_certificate(_without_extensions()).public_key()
    method_1 = x509.SubjectKeyIdentifier.from_public_key(spki)
    assert who.ski == b""
    assert who.is_named(b"", 0, method_1.digest)
    assert not who.is_named(b"", 0, bytes(20))


def _without_extensions() -> bytes:
    body = der.read_one(identity().certificate, der.SEQUENCE)
    tbs = body.take(der.SEQUENCE)
    parts = []
    while tbs.peek() not in {-1, der.CONTEXT_3}:
        parts.append(tbs.next().whole)
    rest = body.octets[body.at : body.end]
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, *parts), rest)


@pytest.mark.parametrize(
    ("usage", "may"),
    [
        (("digital_signature",), False),
        (("key_encipherment",), True),
        (("digital_signature", "key_agreement"), True),
        (("data_encipherment", "key_cert_sign", "crl_sign"), False),
        (("key_agreement", "decipher_only"), True),
        (None, True),
    ],
)
def test_key_usage_says_who_may_be_encrypted_to(usage: tuple[str, ...] | None, may: bool) -> None:
    who = ca("Usage").issue("alice@example.org", usage=usage)
    assert identity_of(who.certificate).may_encipher is may


def pss_only(certificate: bytes) -> bytes:
    """Return the certificate with the algorithm of its key replaced by id-RSASSA-PSS."""
    body = der.read_one(certificate, der.SEQUENCE)
    tbs = list(elements(body.take(der.SEQUENCE)))
    bits = list(elements(der.read_one(tbs[6], der.SEQUENCE)))[1]
    tbs[6] = der.tlv(der.SEQUENCE, algorithms.identifier(algorithms.RSASSA_PSS), bits)
    return der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, *tbs), *elements(body))


def test_a_key_for_pss_alone_signs_with_pss_and_reads_nothing() -> None:
    certificate = pss_only(identity("rsa2048").certificate)
    assert public_key_of(certificate) == key("rsa2048").public_key()
    assert not identity_of(certificate).may_encipher
    assert Signer(certificate, key("rsa2048")).signature.name == "rsa-pss-sha256"
    with pytest.raises(UnsupportedCms):
        build_enveloped([CONTENT], [certificate], cipher="aes256-gcm")


def test_a_public_key_is_bounded() -> None:  # T109
    def spki(bits: int) -> bytes:
        modulus = der.integer((1 << bits) - 1)
        numbers = der.tlv(der.SEQUENCE, modulus, der.integer(65537))
        algorithm = algorithms.identifier(algorithms.RSA_ENCRYPTION, algorithms.DER_NULL)
        return der.tlv(der.SEQUENCE, algorithm, der.tlv(der.BIT_STRING, b"\x00", numbers))

    load_public_key(spki(INTEGER_BITS))
    with pytest.raises(TooLarge):
        load_public_key(spki(8 * INTEGER_BITS))


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"no certificate", bytes(100)])
def test_what_is_no_certificate_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedCms):
        public_key_of(octets)


def test_a_certificate_has_its_share_of_the_elements() -> None:  # T106
    octets = der.tlv(der.SEQUENCE, b"\x05\x00" * (DER_ELEMENTS // CERTIFICATES))
    with pytest.raises(TooLarge):
        identity_of(octets)


def test_kinds_of_keys_without_use_are_unsupported() -> None:
    other = ed448.Ed448PrivateKey.generate()
    pkcs8 = other.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    spki = other.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(UnsupportedCms):
        load_private_key(pkcs8)
    with pytest.raises(UnsupportedCms):
        load_public_key(spki)


def test_unknown_algorithms_are_unsupported() -> None:
    body = bytes.fromhex("300506032a0304030200ff")
    with pytest.raises(UnsupportedCms):
        load_public_key(der.tlv(der.SEQUENCE, body))


@pytest.mark.parametrize("octets", [b"", b"\x30\x00", b"no key"])
def test_what_is_no_private_key_is_malformed(octets: bytes) -> None:
    with pytest.raises(MalformedCms):
        load_private_key(octets)


def test_explicit_curve_parameters_are_refused() -> None:  # T109
    # id-ecPublicKey with a SEQUENCE of explicit parameters in the place of a named curve.
    parameters = der.tlv(der.SEQUENCE, der.integer(1), der.tlv(der.SEQUENCE))
    algorithm = der.tlv(der.SEQUENCE, bytes.fromhex("06072a8648ce3d0201"), parameters)
    spki = der.tlv(der.SEQUENCE, algorithm, bytes.fromhex("03020004"))
    with pytest.raises((MalformedCms, UnsupportedCms)):
        load_public_key(spki)
