"""Key transport: a content-encryption key under an RSA key.

RFC 3370 §4.2.1, RFC 3560, RFC 3218.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.cms import algorithms as table
from app.cms import der
from app.cms.errors import UnsupportedCms
from app.cms.schemes import digest_name, mask_digest

_PKCS1V15: Final = padding.PKCS1v15()
_RSA_ENCRYPTION: Final = der.encode_identifier(table.RSA_ENCRYPTION)
_RSAES_OAEP: Final = der.encode_identifier(table.RSAES_OAEP)
_P_SPECIFIED: Final = der.encode_identifier(table.P_SPECIFIED)


@dataclass(frozen=True, slots=True)
class Transport:
    """A keyEncryptionAlgorithm with its parameters; PKCS #1 v1.5 has none."""

    name: str
    digest: str = ""
    mask: str = ""
    label: bytes = b""

    @property
    def padding(self) -> padding.AsymmetricPadding:
        """The padding as the primitives know it."""
        if not self.digest:
            return _PKCS1V15
        mask = padding.MGF1(table.DIGESTS[self.mask].hash)
        return padding.OAEP(mask, table.DIGESTS[self.digest].hash, self.label or None)


@lru_cache(maxsize=256)
def parse_transport(algorithm: bytes) -> Transport:
    """Return the key transport of a keyEncryptionAlgorithm.

    Raises UnsupportedCms for another algorithm, MalformedCms for parameters that are none.
    """
    body = der.read_one(algorithm, der.SEQUENCE)
    oid = body.identifier()
    if oid == _RSA_ENCRYPTION:
        return Transport("pkcs1v15")
    if oid != _RSAES_OAEP:
        raise UnsupportedCms(f"key transport {der.dotted_identifier(oid)}")
    # RSAES-OAEP-params, whose defaults are all about SHA-1 (RFC 4055 §4.1).
    digest = mask = "sha1"
    label = b""
    parameters = body.find(der.SEQUENCE) or der.read(b"")
    if found := parameters.find(der.CONTEXT_0):
        digest = digest_name(found.take(der.SEQUENCE))
    if found := parameters.find(der.CONTEXT_1):
        mask = mask_digest(found.take(der.SEQUENCE))
    if found := parameters.find(der.CONTEXT_2):
        source = found.take(der.SEQUENCE)
        if source.identifier() != _P_SPECIFIED:
            raise UnsupportedCms("a label from an unknown source")
        label = source.take_value(der.OCTET_STRING)
    parameters.finish()
    if "md5" in {digest, mask}:
        raise UnsupportedCms("RSAES-OAEP with MD5")
    return Transport(f"oaep-{digest}", digest, mask, label)


@lru_cache(maxsize=16)
def encode_transport(name: str, label: bytes = b"") -> tuple[Transport, bytes]:
    """Return the key transport of this name and its keyEncryptionAlgorithm.

    "pkcs1v15", or "oaep-" with the digest, which MGF1 uses as well. A default is left out, as DER
    asks (RFC 4055 §4.1).
    """
    if name == "pkcs1v15":
        return Transport(name), table.identifier(table.RSA_ENCRYPTION, table.DER_NULL)
    digest = name.removeprefix("oaep-")
    if digest == name or digest not in table.DIGESTS or digest == "md5":
        raise UnsupportedCms(f"no key transport is called {name}")
    parameters = b""
    if digest != "sha1":
        algorithm = table.identifier(table.DIGESTS[digest].oid, table.DER_NULL)
        parameters = der.tlv(der.CONTEXT_0, algorithm)
        parameters += der.tlv(der.CONTEXT_1, table.identifier(table.MGF1, algorithm))
    if label:
        source = table.identifier(table.P_SPECIFIED, der.tlv(der.OCTET_STRING, label))
        parameters += der.tlv(der.CONTEXT_2, source)
    whole = table.identifier(table.RSAES_OAEP, der.tlv(der.SEQUENCE, parameters))
    return Transport(name, digest, digest, label), whole


def wrap_key(public_key: rsa.RSAPublicKey, transport: Transport, cek: bytes) -> bytes:
    """Return the encryptedKey."""
    try:
        return public_key.encrypt(cek, transport.padding)
    except ValueError as fault:
        raise UnsupportedCms("the key is too small for this key transport") from fault


def unwrap_key(private_key: rsa.RSAPrivateKey, transport: Transport, encrypted: bytes) -> bytes:
    """Return what comes out under the key; what it is worth shows only later.

    PKCS #1 v1.5 never fails here but gives other octets for every wrong padding (implicit
    rejection); `self_test` proves it. Raises ValueError, which the caller must not show.
    """
    return private_key.decrypt(encrypted, transport.padding)


def rejects_implicitly(private_key: rsa.RSAPrivateKey) -> bool:
    """Say whether a wrong PKCS #1 v1.5 padding gives octets instead of an error (T76, R28)."""
    size = (private_key.key_size + 7) // 8
    numbers = private_key.public_key().public_numbers()
    # A block that begins 00 01 is a signature's, never a key transport's.
    block = int.from_bytes(b"\x00\x01" + b"\xff" * (size - 3) + b"\x00", "big")
    wrong = pow(block, numbers.e, numbers.n).to_bytes(size, "big")
    try:
        first = private_key.decrypt(wrong, _PKCS1V15)
        again = private_key.decrypt(wrong, _PKCS1V15)
    except ValueError:
        return False
    return first == again


def self_test() -> bool:
    """Say whether this installation may decrypt at all; takes as long as making an RSA key.

    Where it may not, every wrong padding would be told from a right one (T76, R28).
    """
    return rejects_implicitly(rsa.generate_private_key(65537, 2048))
