"""Private keys as they come out of the store, public keys as they come out of certificates.

The certificate is read here only as far as its key, its issuer, its serial number and its key
identifier: that is all CMS asks of it, and a certificate that a strict X.509 parser refuses can
still be named in a RecipientInfo. RFC 5280 §4.1, RFC 5958 §2.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed25519,
    mldsa,
    mlkem,
    rsa,
    x25519,
)

from app.cms import der
from app.cms.algorithms import RSASSA_PSS
from app.cms.ber import scan
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.mail.limits import CERTIFICATES, DER_ELEMENTS, INTEGER_BITS

PrivateKey: TypeAlias = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | x25519.X25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
    | mlkem.MLKEM768PrivateKey
    | mlkem.MLKEM1024PrivateKey
)
PublicKey: TypeAlias = (
    rsa.RSAPublicKey
    | dsa.DSAPublicKey
    | ec.EllipticCurvePublicKey
    | ed25519.Ed25519PublicKey
    | x25519.X25519PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
    | mlkem.MLKEM768PublicKey
    | mlkem.MLKEM1024PublicKey
)
_SUBJECT_KEY_IDENTIFIER = der.encode_identifier("2.5.29.14")
_RSASSA_PSS = der.encode_identifier(RSASSA_PSS)
_KEY_USAGE = der.encode_identifier("2.5.29.15")
_CERTIFICATES_REMEMBERED = 4096
# An RSA key of the largest size, with an exponent as large, and something around it.
_SPKI_OCTETS = 2 * INTEGER_BITS // 8 + 128
# Every certificate has its share of what a whole message may have.
_CERTIFICATE_ELEMENTS = DER_ELEMENTS // CERTIFICATES


@dataclass(frozen=True, slots=True)
class Identity:
    """What CMS knows a certificate by."""

    issuer_der: bytes
    serial: int
    ski: bytes
    spki: bytes
    key_usage: int | None
    # The bits of keyUsage as one number, bit 0 (digitalSignature) lowest; None if absent.

    def is_named(self, issuer_der: bytes, serial: int, ski: bytes) -> bool:
        """Say whether an identifier of CMS means this certificate (RFC 5652 §5.3, §6.2.1).

        The issuer is compared octet by octet. `ski` is empty, or the only thing that counts.
        """
        if not ski:
            return (issuer_der, serial) == (self.issuer_der, self.serial)
        if self.ski:
            return ski == self.ski
        # QUIRK: Outlook 2010 names a certificate without subjectKeyIdentifier by the SHA-1 of its
        # SubjectPublicKeyInfo; others by the SHA-1 of the key's bits (RFC 5280 §4.2.1.2).
        key = der.read_one(self.spki, der.SEQUENCE)
        key.take(der.SEQUENCE)
        bits = key.take_value(der.BIT_STRING)[1:]
        return ski in {
            hashlib.sha1(one, usedforsecurity=False).digest() for one in (bits, self.spki)
        }

    @property
    def is_pss_only(self) -> bool:
        """Whether the key is an RSA key that only signs, and only with PSS (RFC 4055 §1.2)."""
        algorithm = der.read_one(self.spki, der.SEQUENCE).take(der.SEQUENCE)
        return algorithm.identifier() == _RSASSA_PSS

    @property
    def may_encipher(self) -> bool:
        """Whether others may encrypt to this key (RFC 8550 §4.4.2)."""
        # keyEncipherment is bit 2, keyAgreement is bit 4.
        allowed = self.key_usage is None or bool(self.key_usage & 0b10100)
        return allowed and not self.is_pss_only


def load_private_key(der_pkcs8: bytes) -> PrivateKey:
    """Return the private key of a PKCS#8 structure.

    Only for keys that we sealed ourselves: the slow proof that an RSA key is consistent is
    skipped. Raises UnsupportedCms for a kind of key we have no use for, MalformedCms otherwise.
    """
    try:
        key = serialization.load_der_private_key(
            der_pkcs8, None, unsafe_skip_rsa_key_validation=True
        )
    except UnsupportedAlgorithm as fault:
        raise UnsupportedCms("a private key of an unknown kind") from fault
    except (ValueError, TypeError) as fault:
        raise MalformedCms("not a PKCS#8 private key") from fault
    if not isinstance(key, PrivateKey):
        raise UnsupportedCms("a private key of an unknown kind")
    return key


@lru_cache(maxsize=_CERTIFICATES_REMEMBERED)
def identity_of(certificate: bytes) -> Identity:
    """Return what CMS knows a certificate by; raises MalformedCms."""
    scan(certificate, limit_elements=_CERTIFICATE_ELEMENTS)
    body = der.read_one(certificate, der.SEQUENCE).take(der.SEQUENCE)
    body.find(der.CONTEXT_0)
    serial = body.integer()
    body.take(der.SEQUENCE)
    issuer = body.take_whole(der.SEQUENCE)
    body.take(der.SEQUENCE)
    body.take(der.SEQUENCE)
    spki = body.take_whole(der.SEQUENCE)
    ski, key_usage = _extensions(body)
    return Identity(issuer, serial, ski, spki, key_usage)


def _extensions(body: der.Reader) -> tuple[bytes, int | None]:
    """Return subjectKeyIdentifier and keyUsage of a TBSCertificate read up to its key."""
    ski, key_usage = b"", None
    body.find(0x81)  # issuerUniqueID
    body.find(0x82)  # subjectUniqueID
    wrapper = body.find(der.CONTEXT_3)
    extensions = wrapper.take(der.SEQUENCE) if wrapper else None
    while extensions and extensions.peek() >= 0:
        extension = extensions.take(der.SEQUENCE)
        name = extension.identifier()
        extension.find(0x01)  # critical
        value = extension.take(der.OCTET_STRING)
        if name == _SUBJECT_KEY_IDENTIFIER:
            ski = value.take_value(der.OCTET_STRING)
        elif name == _KEY_USAGE:
            bits = value.take_value(der.BIT_STRING)[1:]
            key_usage = sum(
                1 << place for place in range(8 * len(bits)) if bits[place // 8] << place % 8 & 0x80
            )
    return ski, key_usage


@lru_cache(maxsize=_CERTIFICATES_REMEMBERED)
def public_key_of(certificate: bytes) -> PublicKey:
    """Return the public key of a certificate.

    Raises MalformedCms for something that is no certificate, UnsupportedCms for a kind of key,
    or a curve, that we do not know. RFC 5280 §4.1.2.7.
    """
    return load_public_key(identity_of(certificate).spki)


def load_public_key(spki: bytes) -> PublicKey:
    """Return the public key of a SubjectPublicKeyInfo.

    Raises as `public_key_of`, and TooLarge before the primitives see a key beyond all use (T109).
    """
    if len(spki) > _SPKI_OCTETS:
        raise TooLarge("a public key over the limit")
    try:
        key = serialization.load_der_public_key(spki)
    except UnsupportedAlgorithm as fault:
        raise UnsupportedCms("a public key of an unknown kind") from fault
    except ValueError as fault:
        raise MalformedCms("a public key that cannot be read") from fault
    if not isinstance(key, PublicKey):
        raise UnsupportedCms("a public key of an unknown kind")
    return key
