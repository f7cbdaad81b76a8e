import pytest

from app.cms import algorithms, der, schemes, transport
from app.cms.errors import MalformedCms, UnsupportedCms
from tests.cms.identities import SIGNING_KEYS, key

SHA256 = algorithms.identifier(algorithms.DIGESTS["sha256"].oid, algorithms.DER_NULL)
SHA512 = algorithms.identifier(algorithms.DIGESTS["sha512"].oid)
MGF1 = algorithms.identifier(algorithms.MGF1, SHA256)


def pss(*parameters: bytes) -> bytes:
    return algorithms.identifier(algorithms.RSASSA_PSS, der.tlv(der.SEQUENCE, *parameters))


def test_what_is_encoded_is_read() -> None:
    for kind in SIGNING_KEYS:
        scheme = schemes.choose_scheme(key(kind))
        assert schemes.parse_scheme(schemes.encode_scheme(scheme), scheme.digest) == scheme
    for name in ("rsa-pss-sha256", "rsa-pss-sha384", "rsa-pss-sha512", "rsa-sha512"):
        scheme = schemes.choose_scheme(key("rsa2048"), name)
        assert scheme.name == name
        assert schemes.parse_scheme(schemes.encode_scheme(scheme), scheme.digest) == scheme


PARAMETERS = [
    (pss(der.tlv(0xA0, SHA256), der.tlv(0xA1, MGF1), der.tlv(0xA2, der.integer(32))), 32),
    (pss(der.tlv(0xA0, SHA256), der.tlv(0xA1, MGF1), der.tlv(0xA2, der.integer(0))), 0),
    (pss(der.tlv(0xA0, SHA256), der.tlv(0xA1, MGF1)), 20),
    (
        pss(der.tlv(0xA0, SHA256), der.tlv(0xA1, MGF1), der.tlv(0xA3, der.integer(1))),
        20,
    ),
]


@pytest.mark.parametrize(("algorithm", "salt"), PARAMETERS)
def test_pss_parameters_are_read(algorithm: bytes, salt: int) -> None:
    scheme = schemes.parse_scheme(algorithm, "sha256")
    assert (scheme.name, scheme.mask, scheme.salt_octets) == ("rsa-pss-sha256", "sha256", salt)


def test_pss_without_parameters_is_sha1() -> None:
    for algorithm in (pss(), algorithms.identifier(algorithms.RSASSA_PSS)):
        assert schemes.parse_scheme(algorithm, "sha1").name == "rsa-pss-sha1"


REFUSED = [
    ("another trailer", pss(der.tlv(0xA0, SHA256), der.tlv(0xA3, der.integer(2)))),
    ("a salt below zero", pss(der.tlv(0xA0, SHA256), der.tlv(0xA2, der.integer(-1)))),
    ("a salt beyond reason", pss(der.tlv(0xA0, SHA256), der.tlv(0xA2, der.integer(513)))),
    ("another digest", pss(der.tlv(0xA0, SHA512))),
    ("an unknown digest", pss(der.tlv(0xA0, algorithms.identifier("1.2.3")))),
    ("an unknown mask", pss(der.tlv(0xA0, SHA256), der.tlv(0xA1, SHA256))),
    ("ECDSA with another digest", algorithms.identifier("1.2.840.10045.4.3.4")),
    ("an unknown algorithm", algorithms.identifier("1.2.3")),
    ("Ed448", algorithms.identifier("1.3.101.113")),
]


@pytest.mark.parametrize(("why", "algorithm"), REFUSED, ids=[row[0] for row in REFUSED])
def test_other_schemes_are_unsupported(why: str, algorithm: bytes) -> None:
    with pytest.raises(UnsupportedCms):
        schemes.parse_scheme(algorithm, "sha256")


def test_parameters_that_are_none_are_malformed() -> None:
    with pytest.raises(MalformedCms):
        schemes.parse_scheme(pss(b"\x05\x00"), "sha1")


def test_only_rsa_and_ecdsa_sign_a_digest() -> None:
    scheme = schemes.choose_scheme(key("ed25519"))
    public = key("ed25519").public_key()
    signature = schemes.sign(key("ed25519"), scheme, bytes(64))
    assert schemes.matches(public, scheme, signature, bytes(64))
    assert not schemes.matches(public, scheme, signature, bytes(64), prehashed=True)


def test_a_reading_key_signs_nothing() -> None:
    scheme = schemes.choose_scheme(key("p256"))
    for kind in ("x25519", "mlkem768"):
        with pytest.raises(UnsupportedCms):
            schemes.sign(key(kind), scheme, b"")


OAEP = [
    ("an unknown digest", der.tlv(0xA0, algorithms.identifier("1.2.3"))),
    ("MD5", der.tlv(0xA0, algorithms.identifier(algorithms.DIGESTS["md5"].oid))),
    ("an unknown mask", der.tlv(0xA1, SHA256)),
    ("a label from elsewhere", der.tlv(0xA2, algorithms.identifier("1.2.3"))),
]


@pytest.mark.parametrize(("why", "parameters"), OAEP, ids=[row[0] for row in OAEP])
def test_other_oaep_parameters_are_unsupported(why: str, parameters: bytes) -> None:
    algorithm = algorithms.identifier(algorithms.RSAES_OAEP, der.tlv(der.SEQUENCE, parameters))
    with pytest.raises(UnsupportedCms):
        transport.parse_transport(algorithm)


@pytest.mark.parametrize("name", ["oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"])
@pytest.mark.parametrize("label", [b"", b"label"])
def test_a_key_transport_is_read_as_it_was_written(name: str, label: bytes) -> None:
    how, algorithm = transport.encode_transport(name, label)
    assert transport.parse_transport(algorithm) == how
    assert how.label == label


def test_unknown_key_transports_are_unsupported() -> None:
    with pytest.raises(UnsupportedCms):
        transport.parse_transport(algorithms.identifier("1.2.3"))
