"""Content encryption: the ciphers, their parameters, and one answer when they fail.

RFC 3565 §2, RFC 3370 §5, RFC 5084, RFC 8103, RFC 9709.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.padding import PKCS7

from app.cms import algorithms as table
from app.cms import der
from app.cms.errors import CannotDecrypt, MalformedCms, UnsupportedCms
from app.cms.legacy import RC2_LIMIT_OCTETS, decrypt_rc2

_TAG_OCTETS: Final = 16
_ONE_CALL_OCTETS: Final = 64 * 1024
_BLOCK_OCTETS: Final = 1024 * 1024
# RFC 5084 §3.2 allows tags of 12 to 16 octets; shorter ones can be forged.
_TAG_OCTETS_READ: Final = range(12, 17)
_TAG_OCTETS_DEFAULT: Final = 12
_NONCE_OCTETS: Final = 12
_HKDF_SALT: Final = b"The Cryptographic Message Syntax"
# RC2ParameterVersion for an effective key of so many bits (RFC 3370 §5.2).
_RC2_BITS: Final = {160: 40, 120: 64, 58: 128}


@dataclass(frozen=True, slots=True)
class ContentAlgorithm:
    """A contentEncryptionAlgorithm with its parameters.

    `hkdf_info` is the inner algorithm where the key goes through HKDF first, else empty.
    """

    cipher: table.Cipher
    iv: bytes
    tag_octets: int = 0
    key_octets: int = 0
    hkdf_info: bytes = b""

    @property
    def is_aead(self) -> bool:
        """Whether the algorithm says if the content was altered."""
        return self.cipher.mode != "cbc"


def parse_algorithm(algorithm: der.Reader) -> ContentAlgorithm:
    """Return the algorithm of a contentEncryptionAlgorithm.

    Raises UnsupportedCms for a cipher we do not know and for parameters that it must not have,
    MalformedCms for parameters that are none.
    """
    info = b""
    oid = algorithm.identifier()
    if oid == table.CEK_HKDF_SHA256:
        algorithm = algorithm.take(der.SEQUENCE)
        info = algorithm.whole
        oid = algorithm.identifier()
    cipher = table.CIPHER_BY_OID.get(oid)
    if cipher is None:
        raise UnsupportedCms(f"cipher {der.dotted_identifier(oid)}")
    if cipher.mode == "gcm":
        return _parse_gcm(cipher, algorithm, info)
    key_octets = cipher.key_octets
    if cipher.name == "rc2":
        parameters = algorithm.take(der.SEQUENCE)
        key_octets = _RC2_BITS.get(parameters.integer(), 0) // 8
        iv = parameters.take_value(der.OCTET_STRING)
    else:
        iv = algorithm.take_value(der.OCTET_STRING)
    algorithm.finish()
    if len(iv) != cipher.iv_octets or not key_octets:
        raise UnsupportedCms(f"{cipher.name} with such parameters")
    tag_octets = _TAG_OCTETS if cipher.mode == "chacha" else 0
    return ContentAlgorithm(cipher, iv, tag_octets, key_octets, info)


def _parse_gcm(cipher: table.Cipher, algorithm: der.Reader, info: bytes) -> ContentAlgorithm:
    """Read GCMParameters (RFC 5084 §3.2)."""
    parameters = algorithm.take(der.SEQUENCE)
    nonce = parameters.take_value(der.OCTET_STRING)
    tag_octets = parameters.integer() if parameters.peek() >= 0 else _TAG_OCTETS_DEFAULT
    parameters.finish()
    algorithm.finish()
    if len(nonce) != _NONCE_OCTETS or tag_octets not in _TAG_OCTETS_READ:
        raise UnsupportedCms(f"{cipher.name} with such parameters")
    return ContentAlgorithm(cipher, nonce, tag_octets, cipher.key_octets, info)


def choose_algorithm(name: str) -> ContentAlgorithm:
    """Return the cipher of this name with a fresh IV; raises UnsupportedCms for a weak one."""
    cipher = table.CIPHERS.get(name)
    if cipher is None or cipher.weak:
        raise UnsupportedCms(f"nothing is encrypted with {name}")
    tag_octets = 0 if cipher.mode == "cbc" else _TAG_OCTETS
    return ContentAlgorithm(cipher, os.urandom(cipher.iv_octets), tag_octets, cipher.key_octets)


def encode_algorithm(algorithm: ContentAlgorithm) -> bytes:
    """Return the contentEncryptionAlgorithm."""
    parameters = der.tlv(der.OCTET_STRING, algorithm.iv)
    if algorithm.cipher.mode == "gcm":
        parameters = der.tlv(der.SEQUENCE, parameters, der.integer(algorithm.tag_octets))
    return table.identifier(algorithm.cipher.oid, parameters)


def sealed_octets(algorithm: ContentAlgorithm, size: int) -> int:
    """Return the length of the ciphertext of so many octets, without a tag."""
    return size if algorithm.is_aead else size + 16 - size % 16


def encrypt(
    algorithm: ContentAlgorithm, key: bytes, content: Sequence[bytes | memoryview]
) -> Iterator[bytes]:
    """Yield the ciphertext in pieces and, last, the authentication tag, empty for CBC.

    Long content is encrypted block by block, as the pieces are asked for.
    """
    size = sum(map(len, content))
    if algorithm.cipher.mode == "chacha" or (algorithm.is_aead and size <= _ONE_CALL_OCTETS):
        # ChaCha20-Poly1305 takes the content in one piece; for little content this is faster.
        whole = content[0] if len(content) == 1 else b"".join(content)
        primitive = AESGCM if algorithm.cipher.mode == "gcm" else ChaCha20Poly1305
        sealed = primitive(key).encrypt(algorithm.iv, whole, None)
        yield sealed[:-_TAG_OCTETS]
        yield sealed[-_TAG_OCTETS:]
        return
    if algorithm.cipher.mode == "gcm":
        sealer = Cipher(algorithms.AES(key), modes.GCM(algorithm.iv)).encryptor()
        yield from map(sealer.update, _blocks(content))
        yield sealer.finalize()
        yield sealer.tag
        return
    encryptor = Cipher(algorithms.AES(key), modes.CBC(algorithm.iv)).encryptor()
    yield from map(encryptor.update, _blocks(content))
    # RFC 5652 §6.3: as many octets as are missing, each saying how many.
    missing = 16 - size % 16
    yield encryptor.update(bytes((missing,)) * missing) + encryptor.finalize()
    yield b""


def _blocks(content: Sequence[bytes | memoryview]) -> Iterator[memoryview]:
    for piece in content:
        view = memoryview(piece)
        for at in range(0, len(view), _BLOCK_OCTETS):
            yield view[at : at + _BLOCK_OCTETS]


def decrypt(
    algorithm: ContentAlgorithm,
    key: bytes,
    ciphertext: memoryview,
    *,
    tag: bytes = b"",
    associated: bytes = b"",
) -> bytes:
    """Return the content; raises CannotDecrypt for every failure alike (T76, T79, T80)."""
    if algorithm.hkdf_info:
        # RFC 9709 §2: so that a key taken from one kind of object opens no other kind.
        derive = HKDF(hashes.SHA256(), len(key), _HKDF_SALT, algorithm.hkdf_info)
        key = derive.derive(key)
    try:
        if algorithm.cipher.mode == "chacha":
            whole = b"".join((ciphertext, tag))
            return ChaCha20Poly1305(key).decrypt(algorithm.iv, whole, associated)
        if algorithm.cipher.mode == "gcm":
            return _decrypt_gcm(algorithm, key, ciphertext, tag, associated)
        return _decrypt_cbc(algorithm, key, ciphertext)
    except (InvalidTag, ValueError):
        raise CannotDecrypt from None


def _decrypt_gcm(
    algorithm: ContentAlgorithm, key: bytes, ciphertext: memoryview, tag: bytes, associated: bytes
) -> bytes:
    if len(ciphertext) <= _ONE_CALL_OCTETS and algorithm.tag_octets == _TAG_OCTETS:
        # Copying a small message costs less than the longer way around it.
        whole = b"".join((ciphertext, tag))
        return AESGCM(key).decrypt(algorithm.iv, whole, associated or None)
    mode = modes.GCM(algorithm.iv, tag, min_tag_length=algorithm.tag_octets)
    opener = Cipher(algorithms.AES(key), mode).decryptor()
    if associated:
        opener.authenticate_additional_data(associated)
    content = opener.update(ciphertext)
    opener.finalize()
    return content


def _decrypt_cbc(algorithm: ContentAlgorithm, key: bytes, ciphertext: memoryview) -> bytes:
    block = algorithm.cipher.iv_octets
    unpadder = PKCS7(8 * block).unpadder()
    if algorithm.cipher.name == "rc2":
        padded = decrypt_rc2(key, 8 * algorithm.key_octets, algorithm.iv, ciphertext)
        return unpadder.update(padded) + unpadder.finalize()
    cipher = algorithms.AES(key) if algorithm.cipher.name != "3des" else TripleDES(key)
    opener = Cipher(cipher, modes.CBC(algorithm.iv)).decryptor()
    # The last block is opened by itself, so that taking off its padding copies one block.
    content = opener.update(ciphertext[:-block])
    last = opener.update(ciphertext[-block:]) + opener.finalize()
    rest = unpadder.update(last) + unpadder.finalize()
    return content + rest


def check(algorithm: ContentAlgorithm, kind: str, ciphertext: memoryview, tag: bytes) -> None:
    """Raise unless the algorithm fits the kind of object and the lengths fit the algorithm.

    An AEAD's ciphertext in an EnvelopedData would be taken without its tag (T80). Everything said
    here can be seen without a key, so saying it gives nothing away.
    """
    if algorithm.cipher.name == "rc2" and len(ciphertext) > RC2_LIMIT_OCTETS:
        raise UnsupportedCms("more RC2 than is worth the time")
    if algorithm.is_aead != (kind == "auth-enveloped"):
        raise UnsupportedCms(f"{algorithm.cipher.name} in the wrong kind of object")
    if len(tag) != algorithm.tag_octets:
        raise MalformedCms("an authentication tag of another length than it says")
