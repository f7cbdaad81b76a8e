"""Key encapsulation: a content-encryption key under an ML-KEM key.

RFC 9629 §3, §5, RFC 9936.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric import mlkem
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.cms import algorithms as table
from app.cms import der
from app.cms.agreement import parse_wrap
from app.cms.errors import MalformedCms, UnsupportedCms
from app.cms.keys import PrivateKey

_VERSION_0: Final = der.integer(0)


@dataclass(frozen=True, slots=True)
class Encapsulation:
    """The key-derivation function and the wrap of a KEMRecipientInfo (RFC 9629 §3)."""

    kem: str
    kdf: table.Scheme
    wrap_der: bytes
    kek_octets: int


def _kem_key(encapsulation: Encapsulation, secret: bytes, ukm: bytes) -> bytes:
    """Return the KEK: HKDF over CMSORIforKEMOtherInfo (RFC 9629 §5)."""
    size = encapsulation.kek_octets
    entity = der.tlv(der.CONTEXT_0, der.tlv(der.OCTET_STRING, ukm)) if ukm else b""
    info = der.tlv(der.SEQUENCE, encapsulation.wrap_der, der.integer(size), entity)
    digest = table.DIGESTS[encapsulation.kdf.digest].hash
    return HKDF(digest, size, None, info).derive(secret)


def encapsulate_key(
    public_key: mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey, cek: bytes
) -> tuple[bytes, Encapsulation, bytes]:
    """Return the KEM ciphertext, how the key was derived, and the encryptedKey (RFC 9936 §2.2)."""
    name = "ml-kem-768" if isinstance(public_key, mlkem.MLKEM768PublicKey) else "ml-kem-1024"
    wrap = table.WRAPS["aes256-wrap"]
    kdf = table.KDF_BY_NAME["hkdf-sha256"]
    how = Encapsulation(name, kdf, table.identifier(wrap.oid), wrap.key_octets)
    secret, ciphertext = public_key.encapsulate()
    return ciphertext, how, keywrap.aes_key_wrap(_kem_key(how, secret, b""), cek)


def decapsulate_key(
    key: PrivateKey, how: Encapsulation, ciphertext: bytes, encrypted: bytes, ukm: bytes
) -> bytes:
    """Return the content-encryption key; raises as `unwrap_key`."""
    if not isinstance(key, mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey):
        raise UnsupportedCms("the key cannot decapsulate")
    secret = key.decapsulate(ciphertext)
    return keywrap.aes_key_unwrap(_kem_key(how, secret, ukm), encrypted)


def parse_encapsulation(body: der.Reader) -> tuple[Encapsulation, bytes, bytes, bytes]:
    """Read a KEMRecipientInfo from its `kem` field on.

    Returns how the key is derived, the KEM ciphertext, the ukm and the encryptedKey. Raises
    UnsupportedCms for an algorithm we do not know, MalformedCms for what is no KEMRecipientInfo.
    """
    kem = body.take(der.SEQUENCE).identifier()
    ciphertext = body.take_value(der.OCTET_STRING)
    kdf = body.take(der.SEQUENCE).identifier()
    size = body.integer()
    user = body.find(der.CONTEXT_0)
    ukm = user.take_value(der.OCTET_STRING) if user else b""
    wrap_der = body.take_whole(der.SEQUENCE)
    encrypted = body.take_value(der.OCTET_STRING)
    body.finish()
    wrap = parse_wrap(wrap_der)
    if kem not in table.KEMS or kdf not in table.KDFS or wrap.weak:
        raise UnsupportedCms(f"key encapsulation {der.dotted_identifier(kem)}")
    if size != wrap.key_octets:
        raise MalformedCms("a key-encryption key of another length than its wrap")
    how = Encapsulation(table.KEMS[kem], table.KDFS[kdf], wrap_der, size)
    return how, ciphertext, ukm, encrypted


def encode_encapsulation(
    identifier: bytes, how: Encapsulation, ciphertext: bytes, encrypted: bytes
) -> bytes:
    """Return the OtherRecipientInfo with a KEMRecipientInfo; `identifier` names the recipient."""
    info = der.tlv(
        der.SEQUENCE,
        _VERSION_0,
        identifier,
        der.tlv(der.SEQUENCE, der.tlv(der.OBJECT_IDENTIFIER, table.KEM_BY_NAME[how.kem])),
        der.tlv(der.OCTET_STRING, ciphertext),
        table.identifier(how.kdf.oid),
        der.integer(how.kek_octets),
        how.wrap_der,
        der.tlv(der.OCTET_STRING, encrypted),
    )
    return der.tlv(der.CONTEXT_4, table.dotted(table.ORI_KEM), info)
