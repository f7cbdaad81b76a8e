"""Read SignedData and check its signatures.

What a message says is read into values; whether a signer is trusted, named, or strong enough is
decided elsewhere. Strict DER goes through our own reader; anything else goes through the limits,
becomes DER, and must then read the same to asn1crypto. RFC 5652 §5, RFC 8551 §3.5.
"""

import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from app.cms import algorithms as table
from app.cms import der, reference, schemes
from app.cms.attributes import content_type_name
from app.cms.content_info import open_content_info
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.keys import PublicKey, public_key_of
from app.cms.signers import SignerInfo, digest_or_oid, read_signer
from app.cms.signing import Signer, build_signed, micalg
from app.mail.limits import CERTIFICATES, CRLS

__all__ = [
    "Check",
    "SignedData",
    "Signer",
    "SignerInfo",
    "build_signed",
    "micalg",
    "parse_signed",
    "verify_signer",
]

# More than one signer is never a pass; a few are read so that the reason can be said (T43).
_SIGNERS_READ: Final = 8
_DIGESTS_READ: Final = 50
# Attribute certificates and the like; nothing in mail needs them.
_OTHER_CERTIFICATES: Final = frozenset((0xA0, 0xA1, 0xA2, 0xA3))
_OTHER_CRLS: Final = frozenset((0xA1,))
# A chain of four certificates; what is longer is read anew each time.
_REMEMBERED_OCTETS: Final = 8 * 1024


class SignedData(NamedTuple):
    """What a SignedData holds; `content` is None for a detached signature."""

    content: bytes | None
    content_type: str
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    digest_algorithms: tuple[str, ...]


class Check(NamedTuple):
    """What became of one signature; it is good only if both match and there is no problem."""

    digest_matches: bool
    signature_matches: bool
    problem: str = ""
    weak: str = ""


def parse_signed(cms: bytes) -> SignedData:
    """Return what a ContentInfo with SignedData holds.

    Raises MalformedCms if the octets are no complete SignedData or two readers see two things in
    it, TooLarge over a limit, UnsupportedCms for content that is no OCTET STRING.
    """
    return reference.read_both(cms, _read_signed, reference.check_signed)


class _Front(NamedTuple):
    """What stands in a SignedData before its SignerInfos."""

    digests: tuple[str, ...]
    content_type: str
    content: bytes | None
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]


def _read_signed(cms: bytes) -> SignedData:
    body = open_content_info(cms, "signed")
    body.integer()
    start = body.at
    body.skip(der.SET)
    body.skip(der.SEQUENCE)
    for tag in (der.CONTEXT_0, der.CONTEXT_1):
        if body.peek() == tag:
            body.skip(tag)
    octets = body.octets
    if body.at - start <= _REMEMBERED_OCTETS:
        front = _remembered_front(octets[start : body.at])
    else:
        front = _read_front(der.Reader(octets, start, start, body.at))
    body.enter(der.SET)
    signers: list[SignerInfo] = []
    while body.peek() >= 0:
        if len(signers) == _SIGNERS_READ:
            raise TooLarge("more SignerInfos than the limit")
        signers.append(read_signer(body.take(der.SEQUENCE), front.digests))
    digests, content_type, content, certificates, crls = front
    return SignedData(content, content_type, certificates, crls, tuple(signers), digests)


def _read_front(elements: der.Reader) -> _Front:
    digests = _digest_names(elements.take(der.SET))
    encap = elements.take(der.SEQUENCE)
    content_type = content_type_name(encap.identifier())
    content = _content(encap)
    certificates = _members(elements.find(der.CONTEXT_0), CERTIFICATES, _OTHER_CERTIFICATES)
    crls = _members(elements.find(der.CONTEXT_1), CRLS, _OTHER_CRLS)
    return _Front(digests, content_type, content, certificates, crls)


@lru_cache(maxsize=512)
def _remembered_front(octets: bytes) -> _Front:
    """Return the same; beside a detached content it is the same in every message of a signer."""
    return _read_front(der.read(octets))


def _digest_names(algorithms: der.Reader) -> tuple[str, ...]:
    names: list[str] = []
    while algorithms.peek() >= 0:
        if len(names) == _DIGESTS_READ:
            raise TooLarge("more digest algorithms than the limit")
        names.append(digest_or_oid(algorithms.take(der.SEQUENCE)))
    return tuple(names)


def _content(encap: der.Reader) -> bytes | None:
    """Return eContent (RFC 5652 §5.2)."""
    explicit = encap.find(der.CONTEXT_0)
    encap.finish()
    if explicit is None:
        return None
    if explicit.peek() != der.OCTET_STRING:
        # PKCS #7 allowed any type here (RFC 5652 §5.2.1); no mail has it.
        raise UnsupportedCms("content that is no OCTET STRING")
    content = explicit.take_value(der.OCTET_STRING)
    explicit.finish()
    return content


def _members(elements: der.Reader | None, limit: int, others: frozenset[int]) -> tuple[bytes, ...]:
    """Return the certificates or CRLs of a SET; what has another tag among `others` is left out.

    RFC 5652 §10.2.1, §10.2.2.
    """
    found: list[bytes] = []
    while elements and elements.peek() >= 0:
        if len(found) == limit:
            raise TooLarge("more certificates or CRLs than the limit")
        tag = elements.peek()
        if tag not in others and tag != der.SEQUENCE:
            raise MalformedCms("neither a certificate nor a CRL")
        element = elements.next()
        if tag == der.SEQUENCE:
            found.append(element.whole)
    return tuple(found)


def verify_signer(
    info: SignerInfo, content: Sequence[bytes | memoryview], certificate: bytes
) -> Check:
    """Check the digest over the content and the signature with the certificate's key.

    The content is the pieces in their order. Never raises, whatever the three are.
    RFC 5652 §5.4, §5.6.
    """
    try:
        key, scheme, weak = _means(certificate, info.signature_algorithm, info.digest)
    except (MalformedCms, TooLarge, UnsupportedCms) as fault:
        return Check(digest_matches=False, signature_matches=False, problem=str(fault))
    digest = hashlib.new(info.digest, *content[:1], usedforsecurity=False)
    for piece in content[1:]:
        digest.update(piece)
    if info.signed_attrs is None:
        signed = _matches_content(info, scheme, digest.digest(), content, certificate)
        return Check(signed, signed, weak=weak)
    same = hmac.compare_digest(digest.digest(), info.attributes.message_digest)
    signed = schemes.matches(key, scheme, info.signature, info.signed_attrs)
    if not signed and (ordered := _ordered(info.signed_attrs)) != info.signed_attrs:
        signed = schemes.matches(key, scheme, info.signature, ordered)
    return Check(same, signed, _certificate_problem(info, certificate), weak)


@lru_cache(maxsize=2048)
def _means(
    certificate: bytes, algorithm: bytes, digest: str
) -> tuple[PublicKey, schemes.SignatureScheme, str]:
    """Return the key, the scheme, and what is weak about them; raises as the functions it calls."""
    key = public_key_of(certificate)
    scheme = schemes.parse_scheme(algorithm, digest)
    if digest not in table.DIGESTS:
        raise UnsupportedCms(f"digest algorithm {digest}")
    return key, scheme, schemes.weakness(scheme, key)


def _ordered(signed_attrs: bytes) -> bytes:
    """Return the attributes in DER's order.

    QUIRK: some agents sign the attributes as they write them, others write them in another order
    than they sign them in (RFC 5652 §5.4 asks for DER); a SET says the same in every order.
    """
    body = der.read_one(signed_attrs, der.SET)
    parts: list[bytes] = []
    while body.peek() >= 0:
        parts.append(body.next().whole)
    return der.set_of(der.SET, *parts)


def _matches_content(
    info: SignerInfo,
    scheme: schemes.SignatureScheme,
    digest: bytes,
    content: Sequence[bytes | memoryview],
    certificate: bytes,
) -> bool:
    """Check a signature without signed attributes: it is over the content itself."""
    key = public_key_of(certificate)
    if scheme.family in {"rsa", "rsa-pss", "ecdsa", "dsa"}:
        return schemes.matches(key, scheme, info.signature, digest, prehashed=True)
    return schemes.matches(key, scheme, info.signature, b"".join(content))


def _certificate_problem(info: SignerInfo, certificate: bytes) -> str:
    """Compare the certificate with signingCertificate: another one is an error (RFC 5035 §3)."""
    if info.attributes.signing_certificate is None:
        return ""
    name, expected = info.attributes.signing_certificate
    actual = _digest_of(certificate, name)
    return "" if hmac.compare_digest(actual, expected) else "signing-certificate-differs"


@lru_cache(maxsize=2048)
def _digest_of(certificate: bytes, name: str) -> bytes:
    return hashlib.new(name, certificate, usedforsecurity=False).digest()
