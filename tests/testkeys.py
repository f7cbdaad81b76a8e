"""Keys for tests, made once per process for each kind and name; another name has another key."""

import base64
from collections.abc import Callable
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import (
    ec,
    ed448,
    ed25519,
    mldsa,
    mlkem,
    padding,
    rsa,
    x448,
    x25519,
)

# The keys differ so much in their types that a precise union would only be noise in tests.
Key = Any

_MAKERS: dict[str, Callable[[], Key]] = {
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
    "rsa2048": lambda: rsa.generate_private_key(65537, 2048),
    "rsa2048-e3": lambda: rsa.generate_private_key(3, 2048),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
    "p192": lambda: ec.generate_private_key(ec.SECP192R1()),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "brainpool256": lambda: ec.generate_private_key(ec.BrainpoolP256R1()),
    "brainpool384": lambda: ec.generate_private_key(ec.BrainpoolP384R1()),
    "brainpool512": lambda: ec.generate_private_key(ec.BrainpoolP512R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
    "x25519": x25519.X25519PrivateKey.generate,
    "x448": x448.X448PrivateKey.generate,
    "mldsa44": mldsa.MLDSA44PrivateKey.generate,
    "mldsa65": mldsa.MLDSA65PrivateKey.generate,
    "mldsa87": mldsa.MLDSA87PrivateKey.generate,
    "mlkem768": mlkem.MLKEM768PrivateKey.generate,
    "mlkem1024": mlkem.MLKEM1024PrivateKey.generate,
}


@cache
def private_key(kind: str = "p256", name: str = "") -> Key:
    """Return the private key of this kind and name; the same one within a process."""
    return _MAKERS[kind]()


def pkcs8(private: Key) -> bytes:
    """Return the key as an unencrypted PrivateKeyInfo."""
    octets: bytes = private.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return octets


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    """Return DER octets as PEM text."""
    return (
        f"-----BEGIN {label}-----\n".encode()
        + base64.encodebytes(der)
        + f"-----END {label}-----\n".encode()
    )


def usage_of(kind: str) -> tuple[str, ...]:
    """Return the usual dual-use key usage of a kind of key."""
    if kind.startswith("rsa"):
        return ("digital_signature", "key_encipherment")
    if kind.startswith(("ed", "mldsa")):
        return ("digital_signature",)
    if kind.startswith("x"):
        return ("key_agreement",)
    if kind.startswith("mlkem"):
        return ("key_encipherment",)
    return ("digital_signature", "key_agreement")


def sign(
    builder: x509.CertificateBuilder, private: Key, digest: str = "", *, pss: bool = False
) -> bytes:
    """Return the signed certificate as DER; the digest is SHA-256 unless the key has its own."""
    algorithm: Any = None
    if isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        algorithm = getattr(hashes, (digest or "sha256").upper())()
    scheme = padding.PSS(padding.MGF1(algorithm), algorithm.digest_size) if pss else None
    return builder.sign(private, algorithm, rsa_padding=scheme).public_bytes(
        serialization.Encoding.DER
    )
