"""Kinds of public keys, their strength, and what each can do. RFC 5280 §4.1.2.7, RFC 8550 §4.3.

Keys are loaded by cryptography; one that it cannot load, or that stands on explicit curve
parameters, is ``unsupported`` and never used (T109).
"""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    ed448,
    ed25519,
    mldsa,
    mlkem,
    rsa,
    x448,
    x25519,
)
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.oid import PublicKeyAlgorithmOID

from app.cms import der

UNSUPPORTED: Final = "unsupported"

RSA_BITS_LEAST: Final = 2048  # RFC 8550 §4.3
RSA_BITS_MOST: Final = 8192
EC_BITS_LEAST: Final = 256

# Only these are loaded: nothing else is of use for mail, and some of it is dear to load.
_LOADED: Final = frozenset(
    oid.dotted_string
    for oid in (
        PublicKeyAlgorithmOID.RSAES_PKCS1_v1_5,
        PublicKeyAlgorithmOID.RSASSA_PSS,
        PublicKeyAlgorithmOID.EC_PUBLIC_KEY,
        PublicKeyAlgorithmOID.ED25519,
        PublicKeyAlgorithmOID.ED448,
        PublicKeyAlgorithmOID.X25519,
        PublicKeyAlgorithmOID.X448,
        PublicKeyAlgorithmOID.ML_DSA_44,
        PublicKeyAlgorithmOID.ML_DSA_65,
        PublicKeyAlgorithmOID.ML_DSA_87,
        PublicKeyAlgorithmOID.ML_KEM_768,
        PublicKeyAlgorithmOID.ML_KEM_1024,
    )
)
_PSS: Final = PublicKeyAlgorithmOID.RSASSA_PSS.dotted_string

# (class, kind) of keys that come in one size.
_FIXED: Final = (
    (ed25519.Ed25519PublicKey, "ed25519"),
    (ed448.Ed448PublicKey, "ed448"),
    (x25519.X25519PublicKey, "x25519"),
    (x448.X448PublicKey, "x448"),
    (mldsa.MLDSA44PublicKey, "ml-dsa-44"),
    (mldsa.MLDSA65PublicKey, "ml-dsa-65"),
    (mldsa.MLDSA87PublicKey, "ml-dsa-87"),
    (mlkem.MLKEM768PublicKey, "ml-kem-768"),
    (mlkem.MLKEM1024PublicKey, "ml-kem-1024"),
)
_CURVES: Final = {"secp256r1": "ec-p256", "secp384r1": "ec-p384", "secp521r1": "ec-p521"}


def describe(spki: bytes) -> tuple[str, str]:
    """Return the kind of a SubjectPublicKeyInfo, and why it may not be used ("" if it may)."""
    try:
        key = load_der_public_key(spki) if _algorithm(spki) in _LOADED else None
    except (ValueError, UnsupportedAlgorithm):
        return UNSUPPORTED, "the public key is of no kind that can be used"
    if isinstance(key, rsa.RSAPublicKey):
        prefix = "rsa-pss-" if _algorithm(spki) == _PSS else "rsa-"
        return f"{prefix}{key.key_size}", _rsa_problem(key)
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not _is_named_curve(spki):
            return UNSUPPORTED, "a curve that is spelled out instead of named"
        name = key.curve.name.lower()
        weak = key.curve.key_size < EC_BITS_LEAST
        return _CURVES.get(
            name, f"ec-{name}"
        ), f"a curve of {key.curve.key_size} bit" if weak else ""
    for kind, name in _FIXED:
        if isinstance(key, kind):
            return name, ""
    return UNSUPPORTED, "the public key is of no kind that is used for mail"


def _algorithm(spki: bytes) -> str:
    return der.dotted_identifier(der.read_one(spki, der.SEQUENCE).take(der.SEQUENCE).identifier())


def _is_named_curve(spki: bytes) -> bool:
    """Return whether the parameters name the curve (RFC 5480 §2.1.1; CVE-2020-0601)."""
    algorithm = der.read_one(spki, der.SEQUENCE).take(der.SEQUENCE)
    algorithm.identifier()
    return algorithm.peek() == der.OBJECT_IDENTIFIER


def _rsa_problem(key: rsa.RSAPublicKey) -> str:
    if not RSA_BITS_LEAST <= key.key_size <= RSA_BITS_MOST:
        return f"RSA of {key.key_size} bit"
    exponent = key.public_numbers().e
    if exponent < 3 or exponent % 2 == 0:
        return f"RSA with the exponent {exponent}"
    return ""


def can_sign(kind: str) -> bool:
    """Return whether a key of this kind makes signatures at all."""
    return kind.startswith(("rsa-", "ec-", "ed", "ml-dsa-"))


def encryption_usage(kind: str) -> str:
    """Return the keyUsage bit that encryption to this kind needs, empty if it cannot."""
    if kind.startswith("rsa-pss-"):
        return ""
    if kind.startswith(("rsa-", "ml-kem-")):
        return "key_encipherment"
    return "key_agreement" if kind.startswith(("ec-", "x")) else ""
