"""Build SignedData: one signer, signed attributes, the chain without its root.

Everything that is the same in every message of a signer (certificates, algorithm identifiers, most
attributes) is encoded once and kept on the Signer. RFC 5652 §5, RFC 8551 §2.5, RFC 8550 §2.3.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from app.cms import algorithms as table
from app.cms import der, schemes
from app.cms.attributes import DEFAULT_CAPABILITIES
from app.cms.keys import Identity, PrivateKey, identity_of

_VERSION_1: Final = der.integer(1)
_DATA: Final = table.CONTENT_TYPE_DER["data"]
_ENCRYPTION_FAMILIES: Final = frozenset(("rsa", "ecdsa"))
_FIRST_YEAR_OF_GENERALIZED_TIME = 2050


def _attribute(name: str, value: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, table.ATTRIBUTE_DER[name], der.tlv(der.SET, value))


_CONTENT_TYPE: Final = _attribute("content-type", _DATA)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a certificate with its private key, and how.

    `chain` are the certificates above it without the root, DER as `certificate` is. `scheme` is
    empty for what the key signs with by itself.
    """

    certificate: bytes
    key: PrivateKey
    chain: tuple[bytes, ...] = ()
    scheme: str = ""
    signature: schemes.SignatureScheme = field(init=False)
    head: bytes = field(init=False, repr=False)
    # digestAlgorithms as they stand in front of the content.
    certificates: bytes = field(init=False, repr=False)
    signer_head: bytes = field(init=False, repr=False)
    # The SignerInfo up to its signed attributes.
    algorithm: bytes = field(init=False, repr=False)
    attributes: tuple[bytes, ...] = field(init=False, repr=False)
    # The signed attributes that say the same in every message.
    digest_head: bytes = field(init=False, repr=False)
    # The messageDigest attribute up to the digest.

    def __post_init__(self) -> None:
        identity = identity_of(self.certificate)
        name = self.scheme or ("rsa-pss-sha256" if identity.is_pss_only else "")
        signature = schemes.choose_scheme(self.key, name)
        digest = table.identifier(table.DIGESTS[signature.digest].oid)
        known = (self.certificate, *self.chain)
        self._keep("signature", signature)
        self._keep("head", der.tlv(der.SET, digest))
        self._keep("certificates", der.set_of(der.CONTEXT_0, *dict.fromkeys(known)))
        self._keep("signer_head", _VERSION_1 + _issuer_and_serial(identity) + digest)
        self._keep("algorithm", schemes.encode_scheme(signature))
        self._keep("attributes", self._constant_attributes(identity))
        octets = table.DIGESTS[signature.digest].octets
        filled = _attribute("message-digest", der.tlv(der.OCTET_STRING, bytes(octets)))
        self._keep("digest_head", filled[:-octets])

    def _keep(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def _constant_attributes(self, identity: Identity) -> tuple[bytes, ...]:
        digest = hashlib.sha256(self.certificate).digest()
        certificate_id = der.tlv(
            der.SEQUENCE, der.tlv(der.OCTET_STRING, digest), _issuer_serial(identity)
        )
        hashed = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, certificate_id))
        found = [_CONTENT_TYPE, _attribute("signing-certificate-v2", hashed)]
        if self.signature.family in _ENCRYPTION_FAMILIES and identity.may_encipher:
            # Others may encrypt to the certificate that signs only if its key can be used so.
            named = _issuer_and_serial(identity)
            implicit = der.tlv(der.CONTEXT_0, identity.issuer_der, der.integer(identity.serial))
            found.append(_attribute("encryption-preference", implicit))
            found.append(_attribute("microsoft-preference", named))
        return tuple(found)


def _issuer_and_serial(identity: Identity) -> bytes:
    return der.tlv(der.SEQUENCE, identity.issuer_der, der.integer(identity.serial))


def _issuer_serial(identity: Identity) -> bytes:
    """Return the IssuerSerial of RFC 5035 §5: the name stands as a directoryName."""
    names = der.tlv(der.SEQUENCE, der.tlv(der.CONTEXT_4, identity.issuer_der))
    return der.tlv(der.SEQUENCE, names, der.integer(identity.serial))


@lru_cache(maxsize=64)
def _capabilities(names: tuple[str, ...]) -> bytes:
    """Return the SMIMECapabilities attribute; AES has no parameters there (RFC 3565 §4.2)."""
    ciphers = (table.identifier(table.CIPHERS[name].oid) for name in names)
    return _attribute("capabilities", der.tlv(der.SEQUENCE, *ciphers))


@lru_cache(maxsize=64)
def _signing_time(at: datetime) -> bytes:
    """Return the signingTime attribute: UTCTime through 2049 (RFC 5652 §11.3)."""
    if at.year < _FIRST_YEAR_OF_GENERALIZED_TIME:
        time = der.tlv(der.UTC_TIME, at.strftime("%y%m%d%H%M%SZ").encode())
    else:
        time = der.tlv(der.GENERALIZED_TIME, at.strftime("%Y%m%d%H%M%SZ").encode())
    return _attribute("signing-time", time)


def micalg(signer: Signer) -> str:
    """Return the micalg parameter of multipart/signed for this signer (RFC 8551 §3.5.3.2)."""
    return table.DIGESTS[signer.signature.digest].micalg


def build_signed(
    signer: Signer,
    content: Sequence[bytes | memoryview],
    *,
    detached: bool,
    at: datetime,
    capabilities: tuple[str, ...] = DEFAULT_CAPABILITIES,
) -> bytes:
    """Return a ContentInfo with the SignedData over the content, DER.

    The content is the pieces in their order; a detached signature copies none of it. `at` is UTC
    and becomes the signingTime. `capabilities` are ciphers in the order in which the signer wants
    them; none leaves the attribute out. RFC 5652 §5, RFC 8551 §3.5.
    """
    digest = hashlib.new(signer.signature.digest, *content[:1], usedforsecurity=False)
    for piece in content[1:]:
        digest.update(piece)
    attributes = [
        *signer.attributes,
        _signing_time(at.replace(microsecond=0)),
        signer.digest_head + digest.digest(),
    ]
    if capabilities:
        attributes.append(_capabilities(capabilities))
    # What is signed is the SET OF, what stands in the SignerInfo is the same tagged [0]
    # (RFC 5652 §5.4).
    signed_attributes = der.set_of(der.SET, *attributes)
    signature = schemes.sign(signer.key, signer.signature, signed_attributes)
    signer_info = der.tlv(
        der.SEQUENCE,
        signer.signer_head,
        b"\xa0" + signed_attributes[1:],
        signer.algorithm,
        der.tlv(der.OCTET_STRING, signature),
    )
    encap: list[bytes | memoryview] = [_DATA]
    if not detached:
        encap += der.wrap(der.CONTEXT_0, der.wrap(der.OCTET_STRING, content))
    signed_data = [
        *(_VERSION_1, signer.head),
        *der.wrap(der.SEQUENCE, encap),
        *(signer.certificates, der.tlv(der.SET, signer_info)),
    ]
    return content_info("signed", signed_data)


def content_info_front(kind: str, size: int) -> bytes:
    """Return what stands before so many octets, the content of a SEQUENCE, in a ContentInfo.

    RFC 5652 §3.
    """
    inner = der.head(der.SEQUENCE, size)
    explicit = der.head(der.CONTEXT_0, len(inner) + size)
    front = b"".join((table.CONTENT_TYPE_DER[kind], explicit, inner))
    return der.head(der.SEQUENCE, len(front) + size) + front


def content_info(kind: str, pieces: Sequence[bytes | memoryview]) -> bytes:
    """Return the ContentInfo around the pieces of a SEQUENCE; they are copied once."""
    return b"".join((content_info_front(kind, sum(map(len, pieces))), *pieces))
