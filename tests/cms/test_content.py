import os
from collections.abc import Callable

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import RC2, TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.cms import algorithms, content, der
from app.cms.enveloped import open_enveloped, parse_enveloped
from app.cms.errors import CannotDecrypt, UnsupportedCms
from app.cms.legacy import RC2_LIMIT_OCTETS
from app.cms.recipients import build_recipient
from app.cms.signing import content_info
from tests.cms.identities import CONTENT, identity, key

PADDED = CONTENT + bytes((8 - len(CONTENT) % 8,)) * (8 - len(CONTENT) % 8)
IV = bytes(range(8))


def sealed(algorithm: bytes, ciphertext: bytes, cek: bytes, *tail: bytes) -> bytes:
    """Return an object for the P-256 identity around a ciphertext made by the test."""
    info = build_recipient(
        identity().certificate, cek, rsa_transport="pkcs1v15", wrap="aes256-wrap"
    )
    encrypted = der.tlv(
        *(der.SEQUENCE, algorithms.CONTENT_TYPE_DER["data"], algorithm),
        der.tlv(0x80, ciphertext),
    )
    kind = "auth-enveloped" if tail else "enveloped"
    return content_info(kind, [der.integer(2), der.tlv(der.SET, info), encrypted, *tail])


def opened(cms: bytes, legacy: str = "none") -> bytes:
    certificate = identity().certificate
    return open_enveloped(
        *(parse_enveloped(cms), key(), certificate), limit_octets=1_000_000, legacy=legacy
    )


def _triple_des() -> bytes:
    cek = os.urandom(24)
    sealer = Cipher(TripleDES(cek), modes.CBC(IV)).encryptor()
    algorithm = algorithms.identifier("1.2.840.113549.3.7", der.tlv(der.OCTET_STRING, IV))
    return sealed(algorithm, sealer.update(PADDED) + sealer.finalize(), cek)


def _rc2(version: int, ciphertext: bytes | None = None) -> bytes:
    cek = os.urandom(16)
    sealer = Cipher(RC2(cek), modes.CBC(IV)).encryptor()
    parameters = der.tlv(der.SEQUENCE, der.integer(version), der.tlv(der.OCTET_STRING, IV))
    algorithm = algorithms.identifier("1.2.840.113549.3.2", parameters)
    return sealed(algorithm, ciphertext or sealer.update(PADDED) + sealer.finalize(), cek)


LEGACY: list[tuple[Callable[[], bytes], str, str, bool]] = [
    (_triple_des, "3des", "3des", True),
    (_triple_des, "3des", "3des+rc2", True),
    (_triple_des, "3des", "none", False),
    (lambda: _rc2(58), "rc2", "3des+rc2", True),
    (lambda: _rc2(58), "rc2", "3des", False),
    (lambda: _rc2(58), "rc2", "none", False),
]


@pytest.mark.parametrize(("build", "weak", "legacy", "opens"), LEGACY)
def test_weak_ciphers_open_only_if_allowed(
    build: Callable[[], bytes], weak: str, legacy: str, opens: bool
) -> None:
    cms = build()
    assert parse_enveloped(cms).weak == weak
    if opens:
        assert opened(cms, legacy) == CONTENT
    else:
        with pytest.raises(UnsupportedCms):
            opened(cms, legacy)


def test_rc2_with_an_unknown_strength_is_unsupported() -> None:
    with pytest.raises(UnsupportedCms):
        opened(_rc2(1), "3des+rc2")


def test_much_rc2_is_not_worth_the_time() -> None:
    cms = _rc2(58, bytes(RC2_LIMIT_OCTETS + 8))
    with pytest.raises(UnsupportedCms):
        opened(cms, "3des+rc2")


def test_a_key_that_went_through_hkdf_opens() -> None:  # T80, RFC 9709
    cek, nonce = os.urandom(32), os.urandom(12)
    inner = algorithms.identifier(
        algorithms.CIPHERS["aes256-gcm"].oid,
        der.tlv(der.SEQUENCE, der.tlv(der.OCTET_STRING, nonce), der.integer(16)),
    )
    derived = HKDF(hashes.SHA256(), 32, b"The Cryptographic Message Syntax", inner).derive(cek)
    whole = AESGCM(derived).encrypt(nonce, CONTENT, None)
    algorithm = algorithms.identifier("1.2.840.113549.1.9.16.3.31", inner)
    tag = der.tlv(der.OCTET_STRING, whole[-16:])
    cms = sealed(algorithm, whole[:-16], cek, tag)
    assert parse_enveloped(cms).cipher == "aes256-gcm"
    assert opened(cms) == CONTENT


def test_authenticated_attributes_are_part_of_what_is_authenticated() -> None:  # RFC 5083
    cek, nonce = os.urandom(32), os.urandom(12)
    value = der.tlv(der.SET, algorithms.CONTENT_TYPE_DER["data"])
    attribute = der.tlv(der.SEQUENCE, algorithms.ATTRIBUTE_DER["content-type"], value)
    whole = AESGCM(cek).encrypt(nonce, CONTENT, der.tlv(der.SET, attribute))
    algorithm = algorithms.identifier(
        algorithms.CIPHERS["aes256-gcm"].oid,
        der.tlv(der.SEQUENCE, der.tlv(der.OCTET_STRING, nonce), der.integer(16)),
    )
    tag = der.tlv(der.OCTET_STRING, whole[-16:])
    attributes = der.tlv(der.CONTEXT_1, attribute)
    assert opened(sealed(algorithm, whole[:-16], cek, attributes, tag)) == CONTENT
    with pytest.raises(CannotDecrypt):
        opened(sealed(algorithm, whole[:-16], cek, tag))


def test_every_cipher_of_the_table_is_written_or_weak() -> None:
    for name, cipher in algorithms.CIPHERS.items():
        if cipher.weak:
            with pytest.raises(UnsupportedCms):
                content.choose_algorithm(name)
        else:
            assert content.choose_algorithm(name).cipher is cipher


def test_an_iv_is_never_the_same() -> None:
    assert len({content.choose_algorithm("aes256-gcm").iv for _ in range(100)}) == 100
