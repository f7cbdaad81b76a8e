"""Signature schemes: from an AlgorithmIdentifier to a name and back, and the operation itself.

A scheme is named by its key and its digest: "rsa-sha256", "rsa-pss-sha512", "ecdsa-sha384",
"ed25519", "ml-dsa-65". RFC 3370 §3, RFC 4056, RFC 5754 §3, RFC 8419, RFC 9882.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed25519,
    mldsa,
    padding,
    rsa,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from app.cms import algorithms as table
from app.cms import der
from app.cms.errors import UnsupportedCms
from app.cms.keys import PrivateKey, PublicKey

_ML_DSA_PRIVATE: Final = {
    mldsa.MLDSA44PrivateKey: "ml-dsa-44",
    mldsa.MLDSA65PrivateKey: "ml-dsa-65",
    mldsa.MLDSA87PrivateKey: "ml-dsa-87",
}
_PurePrivateKey: TypeAlias = (
    ed25519.Ed25519PrivateKey
    | mldsa.MLDSA44PrivateKey
    | mldsa.MLDSA65PrivateKey
    | mldsa.MLDSA87PrivateKey
)
_PureKey: TypeAlias = (
    ed25519.Ed25519PublicKey
    | mldsa.MLDSA44PublicKey
    | mldsa.MLDSA65PublicKey
    | mldsa.MLDSA87PublicKey
)
_PURE: Final[dict[str, type[_PureKey]]] = {
    "ed25519": ed25519.Ed25519PublicKey,
    "ml-dsa-44": mldsa.MLDSA44PublicKey,
    "ml-dsa-65": mldsa.MLDSA65PublicKey,
    "ml-dsa-87": mldsa.MLDSA87PublicKey,
}
# The digest of the content that goes with a key when the scheme does not name one: as strong as
# the curve (RFC 5753 §2.1.1 by way of RFC 5754 §3.3).
_CURVE_DIGEST: Final = {256: "sha256", 384: "sha384", 512: "sha512", 521: "sha512"}
_PSS_SALT_LIMIT_OCTETS = 512
# RSA keys below this size are named as weak (RFC 8551 §4.3, RFC 8550 §4.3).
_RSA_BITS = 2048
_PKCS1V15: Final = padding.PKCS1v15()
_RSA_FAMILIES: Final = frozenset(("rsa", "rsa-pss"))
_FAMILIES_WITH_DIGEST = frozenset(("rsa", "rsa-pss", "ecdsa", "dsa"))


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """How one signature is made: `digest` hashes what is signed, and the content before it."""

    family: str
    digest: str
    mask: str = ""
    salt_octets: int = 0

    @property
    def name(self) -> str:
        """The name of the scheme as it stands in settings and findings."""
        if self.family in _FAMILIES_WITH_DIGEST:
            return f"{self.family}-{self.digest}"
        return self.family


@lru_cache(maxsize=256)
def parse_scheme(algorithm: bytes, digest: str) -> SignatureScheme:
    """Return the scheme of a signatureAlgorithm, `digest` being the SignerInfo's.

    Raises UnsupportedCms for an algorithm we do not know and for one whose digest is another than
    the SignerInfo's. RFC 5652 §5.3.
    """
    body = der.read_one(algorithm, der.SEQUENCE)
    oid = body.identifier()
    row = table.SIGNATURE_BY_OID.get(oid)
    if row is None:
        raise UnsupportedCms(f"signature algorithm {der.dotted_identifier(oid)}")
    if row.family == "rsa-pss":
        scheme = _parse_pss(body)
    else:
        scheme = SignatureScheme(row.family, row.digest or digest)
    if scheme.digest != digest:
        raise UnsupportedCms("the signature has another digest than the content")
    return scheme


def _parse_pss(body: der.Reader) -> SignatureScheme:
    """Read RSASSA-PSS-params, whose defaults are all about SHA-1 (RFC 4055 §3.1)."""
    digest = mask = "sha1"
    salt = 20
    parameters = body.find(der.SEQUENCE) or der.read(b"")
    body.finish()
    if found := parameters.find(der.CONTEXT_0):
        digest = digest_name(found.take(der.SEQUENCE))
    if found := parameters.find(der.CONTEXT_1):
        mask = mask_digest(found.take(der.SEQUENCE))
    if found := parameters.find(der.CONTEXT_2):
        salt = found.integer()
    if (found := parameters.find(der.CONTEXT_3)) and found.integer() != 1:
        raise UnsupportedCms("RSASSA-PSS with an unknown trailer")
    parameters.finish()
    if not 0 <= salt <= _PSS_SALT_LIMIT_OCTETS:
        raise UnsupportedCms("RSASSA-PSS with a salt of that length")
    return SignatureScheme("rsa-pss", digest, mask, salt)


def digest_name(algorithm: der.Reader) -> str:
    """Return the name of a digest AlgorithmIdentifier, its parameters absent or NULL (RFC 5754 §2).

    Raises UnsupportedCms for another digest.
    """
    oid = algorithm.identifier()
    algorithm.find(der.NULL)
    row = table.DIGEST_BY_OID.get(oid)
    if row is None:
        raise UnsupportedCms(f"digest algorithm {der.dotted_identifier(oid)}")
    return row.name


def mask_digest(algorithm: der.Reader) -> str:
    """Return the digest of a mask generation function, which must be MGF1 (RFC 4055 §2.2)."""
    if algorithm.identifier() != der.encode_identifier(table.MGF1):
        raise UnsupportedCms("a mask generation function other than MGF1")
    return digest_name(algorithm.take(der.SEQUENCE))


def choose_scheme(key: PrivateKey, name: str = "") -> SignatureScheme:
    """Return the scheme of this name, or the one that a key of this kind signs with.

    Raises UnsupportedCms if the key cannot make such a signature.
    """
    natural = _natural_scheme(key)
    if not name or name == natural.name:
        return natural
    family, _, digest = name.rpartition("-")
    families = {"rsa": ("rsa", "rsa-pss"), "ecdsa": ("ecdsa",)}.get(natural.family, ())
    if family not in families or digest not in {"sha256", "sha384", "sha512"}:
        raise UnsupportedCms(f"the key cannot sign with {name}")
    if family == "rsa-pss":
        # The salt is as long as the digest and the mask uses the same digest (RFC 4055 §3.1).
        return SignatureScheme(family, digest, digest, table.DIGESTS[digest].octets)
    return SignatureScheme(family, digest)


def _natural_scheme(key: PrivateKey) -> SignatureScheme:
    if isinstance(key, rsa.RSAPrivateKey):
        return SignatureScheme("rsa", "sha256")
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return SignatureScheme("ecdsa", _CURVE_DIGEST.get(key.curve.key_size, "sha256"))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        # The content's digest MUST be SHA-512 then (RFC 8419 §3.1).
        return SignatureScheme("ed25519", "sha512")
    for kind, family in _ML_DSA_PRIVATE.items():
        if isinstance(key, kind):
            return SignatureScheme(family, "sha512")
    raise UnsupportedCms("the key cannot sign")


def encode_scheme(scheme: SignatureScheme) -> bytes:
    """Return the signatureAlgorithm of a scheme."""
    if scheme.family == "rsa-pss":
        digest = table.identifier(table.DIGESTS[scheme.digest].oid)
        return table.identifier(
            table.RSASSA_PSS,
            der.tlv(
                der.SEQUENCE,
                der.tlv(der.CONTEXT_0, digest),
                der.tlv(der.CONTEXT_1, table.identifier(table.MGF1, digest)),
                der.tlv(der.CONTEXT_2, der.integer(scheme.salt_octets)),
            ),
        )
    # rsaEncryption comes before the identifiers that name a digest: it is the one that every
    # client reads (RFC 3370 §3.2).
    row = next(
        row
        for row in table.SIGNATURES
        if row.family == scheme.family and row.digest in {"", scheme.digest}
    )
    return table.identifier(row.oid, row.parameters)


def sign(key: PrivateKey, scheme: SignatureScheme, octets: bytes) -> bytes:
    """Return the signature over the octets."""
    digest = table.DIGESTS[scheme.digest].hash
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(octets, _padding(scheme), digest)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(octets, ec.ECDSA(digest))
    if isinstance(key, _PurePrivateKey):
        return key.sign(octets)
    raise UnsupportedCms("the key cannot sign")


def _padding(scheme: SignatureScheme) -> padding.AsymmetricPadding:
    if scheme.family == "rsa":
        return _PKCS1V15
    return padding.PSS(padding.MGF1(table.DIGESTS[scheme.mask].hash), scheme.salt_octets)


def matches(
    key: PublicKey,
    scheme: SignatureScheme,
    signature: bytes,
    octets: bytes,
    *,
    prehashed: bool = False,
) -> bool:
    """Say whether the signature over the octets, or over their digest, was made with this key.

    A key of another kind than the scheme's has made no signature. Never raises.
    """
    digest = table.DIGESTS[scheme.digest].hash
    how = Prehashed(digest) if prehashed else digest
    family = scheme.family
    try:
        if family in _RSA_FAMILIES and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, octets, _padding(scheme), how)
        elif family == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, octets, ec.ECDSA(how))
        elif family == "dsa" and isinstance(key, dsa.DSAPublicKey):
            key.verify(signature, octets, how)
        elif isinstance(key, _PureKey) and _is_pure(key, family) and not prehashed:
            # Pre-hashing MUST NOT be used with these (RFC 8551 §2.2, RFC 9882 §3).
            key.verify(signature, octets)
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _is_pure(key: _PureKey, family: str) -> bool:
    return family in _PURE and isinstance(key, _PURE[family])


def weakness(scheme: SignatureScheme, key: PublicKey | None = None) -> str:
    """Return what is weak about a scheme or its key, "" if nothing is (RFC 8550 §4.3, App. B)."""
    if scheme.family == "dsa":
        return "dsa"
    if table.DIGESTS[scheme.digest].weak:
        return scheme.digest
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS:
        return f"rsa-{key.key_size}"
    return ""
