"""Key agreement: an ephemeral key of the sender, the static key of the recipient, a KDF, AES wrap.

RFC 5753 §3, §7 (NIST and Brainpool curves, X9.63 KDF), RFC 8418 (X25519, HKDF).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives import keywrap
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.cms import algorithms as table
from app.cms import der
from app.cms.errors import MalformedCms, UnsupportedCms
from app.cms.keys import PrivateKey, load_public_key
from app.cms.legacy import unwrap_3des

_AGREEMENT_DIGEST: Final = {256: "sha256", 384: "sha384", 512: "sha512", 521: "sha512"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """A key-encryption scheme, its key wrap, and the wrap's AlgorithmIdentifier as it stands."""

    scheme: table.Scheme
    wrap: table.Wrap
    wrap_der: bytes


@lru_cache(maxsize=256)
def parse_agreement(algorithm: bytes) -> Agreement:
    """Return the scheme of a keyEncryptionAlgorithm of a KeyAgreeRecipientInfo.

    Raises UnsupportedCms for a scheme or a wrap we do not know (RFC 5753 §7.1.4, RFC 8418 §2.2).
    """
    body = der.read_one(algorithm, der.SEQUENCE)
    oid = body.identifier()
    scheme = table.AGREEMENTS.get(oid)
    if scheme is None:
        raise UnsupportedCms(f"key agreement {der.dotted_identifier(oid)}")
    wrap_der = body.take_whole(der.SEQUENCE)
    body.finish()
    return Agreement(scheme, parse_wrap(wrap_der), wrap_der)


def parse_wrap(algorithm: bytes) -> table.Wrap:
    """Return the key wrap of an AlgorithmIdentifier; raises UnsupportedCms for another."""
    oid = der.read_one(algorithm, der.SEQUENCE).identifier()
    wrap = table.WRAP_BY_OID.get(oid)
    if wrap is None:
        raise UnsupportedCms(f"key wrap {der.dotted_identifier(oid)}")
    return wrap


def _key_encryption_key(agreement: Agreement, secret: bytes, ukm: bytes) -> bytes:
    """Return the KEK (RFC 5753 §7.2, RFC 8418 §2.2)."""
    size = agreement.wrap.key_octets
    entity = der.tlv(der.CONTEXT_0, der.tlv(der.OCTET_STRING, ukm)) if ukm else b""
    bits = der.tlv(der.OCTET_STRING, (8 * size).to_bytes(4, "big"))
    # ECC-CMS-SharedInfo; keyInfo is the wrap's AlgorithmIdentifier exactly as it was sent.
    info = der.tlv(der.SEQUENCE, agreement.wrap_der, entity, der.tlv(der.CONTEXT_2, bits))
    digest = table.DIGESTS[agreement.scheme.digest].hash
    if agreement.scheme.kdf == "hkdf":
        # The ukm is in entityUInfo, as with the other KDF; HKDF has no salt.
        return HKDF(digest, size, None, info).derive(secret)
    return X963KDF(digest, size, info).derive(secret)


def wrap_key(
    public_key: ec.EllipticCurvePublicKey | x25519.X25519PublicKey, wrap: str, cek: bytes
) -> tuple[bytes, bytes, bytes]:
    """Return the originator's key, the keyEncryptionAlgorithm and the encryptedKey.

    The originator's key is fresh and comes as an OriginatorPublicKey. Key wrap is as strong as
    the content cipher (RFC 8551 §2.3).
    """
    if isinstance(public_key, x25519.X25519PublicKey):
        name = "ecdh-hkdf-sha256"
        fresh = x25519.X25519PrivateKey.generate()
        secret = fresh.exchange(public_key)
        spki = fresh.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    else:
        name = f"ecdh-{_AGREEMENT_DIGEST.get(public_key.curve.key_size, 'sha256')}"
        ephemeral = ec.generate_private_key(public_key.curve)
        secret = ephemeral.exchange(ec.ECDH(), public_key)
        spki = ephemeral.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    row = table.WRAPS[wrap]
    wrap_der = table.identifier(row.oid)
    agreement = Agreement(table.AGREEMENT_BY_NAME[name], row, wrap_der)
    kek = _key_encryption_key(agreement, secret, b"")
    algorithm = table.identifier(agreement.scheme.oid, wrap_der)
    # OriginatorPublicKey is a SubjectPublicKeyInfo with the tag [1] (RFC 5652 §6.2.2).
    return b"\xa1" + spki[1:], algorithm, keywrap.aes_key_wrap(kek, cek)


def unwrap_key(
    key: PrivateKey, agreement: Agreement, originator: bytes, encrypted: bytes, ukm: bytes
) -> bytes:
    """Return the content-encryption key.

    Raises ValueError or InvalidUnwrap for whatever does not fit; the caller shows neither.
    """
    if isinstance(key, x25519.X25519PrivateKey):
        peer = load_public_key(b"\x30" + originator[1:])
        if not isinstance(peer, x25519.X25519PublicKey):
            raise MalformedCms("an originator key of another kind")
        secret = key.exchange(peer)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        secret = key.exchange(ec.ECDH(), _originator_point(key.curve, originator))
    else:
        raise UnsupportedCms("the key cannot agree on anything")
    kek = _key_encryption_key(agreement, secret, ukm)
    if agreement.wrap.weak:
        return unwrap_3des(kek, encrypted)
    return keywrap.aes_key_unwrap(kek, encrypted)


def _originator_point(curve: ec.EllipticCurve, originator: bytes) -> ec.EllipticCurvePublicKey:
    """Return the sender's point on the recipient's curve.

    The parameters may be absent, NULL or a curve (RFC 5753 §3.1.1); only the recipient's curve
    makes sense, and the primitives refuse a point that is not on it.
    """
    body = der.read_one(b"\x30" + originator[1:], der.SEQUENCE)
    body.take(der.SEQUENCE)
    bits = body.take_value(der.BIT_STRING)
    body.finish()
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, bits[1:])
