"""Read SignedData and check its signatures.

What a message says is read into values; whether a signer is trusted, named, or strong enough is
decided elsewhere. Strict DER goes through our own reader; anything else goes through the limits,
becomes DER, and must then read the same to asn1crypto. RFC 5652 §5, RFC 8551 §3.5.
"""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.cms import algorithms as table
from app.cms import der, reference, schemes
from app.cms.attributes import Attributes, content_type_name, parse_attributes
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.keys import identity_of, public_key_of
from app.cms.recipients import read_identifier
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
# Ten times what the longest chain of attributes of a real client takes.
_ATTRIBUTES_OCTETS: Final = 32 * 1024


@dataclass(frozen=True, slots=True)
class SignerInfo:
    """One signer as the message describes him.

    He is named by `issuer_der` and `serial`, or by `ski`; the other is empty. `digest` and `scheme`
    are names, or dotted numbers of something we do not know.
    """

    issuer_der: bytes
    serial: int
    ski: bytes
    digest: str
    scheme: str
    signed_attrs: bytes | None
    # The SET OF that was signed, None if the signature is over the content itself.
    attributes: Attributes
    problems: tuple[str, ...]
    weak: str
    # The digest or the kind of key that is too weak, "" if none.
    signature_algorithm: bytes
    signature: bytes

    def names(self, certificate: bytes) -> bool:
        """Say whether this is the certificate that the SignerInfo names (RFC 5652 §5.3)."""
        return identity_of(certificate).is_named(self.issuer_der, self.serial, self.ski)


@dataclass(frozen=True, slots=True)
class SignedData:
    """What a SignedData holds; `content` is None for a detached signature."""

    content: bytes | None
    content_type: str
    certificates: tuple[bytes, ...]
    crls: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    digest_algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
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


def _read_signed(cms: bytes) -> SignedData:
    body = open_content_info(cms, "signed")
    body.integer()
    digests = tuple(_digest_names(body.take(der.SET)))
    encap = body.take(der.SEQUENCE)
    content_type = content_type_name(encap.identifier())
    content = _content(encap)
    certificates = _members(body.find(der.CONTEXT_0), CERTIFICATES, _OTHER_CERTIFICATES)
    crls = _members(body.find(der.CONTEXT_1), CRLS, _OTHER_CRLS)
    elements = body.take(der.SET)
    body.finish()
    signers: list[SignerInfo] = []
    while elements.peek() >= 0:
        if len(signers) == _SIGNERS_READ:
            raise TooLarge("more SignerInfos than the limit")
        signers.append(_read_signer(elements.take(der.SEQUENCE), digests))
    return SignedData(content, content_type, certificates, crls, tuple(signers), digests)


def open_content_info(cms: bytes, kind: str) -> der.Reader:
    """Return the SEQUENCE inside a ContentInfo of this kind (RFC 5652 §3)."""
    info = der.read_one(cms, der.SEQUENCE)
    if table.CONTENT_TYPES.get(info.identifier()) != kind:
        raise MalformedCms(f"not {kind}")
    explicit = info.take(der.CONTEXT_0)
    info.finish()
    body = explicit.take(der.SEQUENCE)
    explicit.finish()
    return body


def _digest_names(algorithms: der.Reader) -> list[str]:
    names: list[str] = []
    while algorithms.peek() >= 0:
        if len(names) == _DIGESTS_READ:
            raise TooLarge("more digest algorithms than the limit")
        names.append(_digest_or_oid(algorithms.take(der.SEQUENCE)))
    return names


def _digest_or_oid(algorithm: der.Reader) -> str:
    oid = algorithm.identifier()
    row = table.DIGEST_BY_OID.get(oid)
    return row.name if row else der.dotted_identifier(oid)


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


def _read_signer(body: der.Reader, declared: tuple[str, ...]) -> SignerInfo:
    body.integer()
    issuer, serial, ski = read_identifier(body)
    digest = _digest_or_oid(body.take(der.SEQUENCE))
    signed = body.find(der.CONTEXT_0)
    algorithm = body.take_whole(der.SEQUENCE)
    signature = body.take_value(der.OCTET_STRING)
    body.find(der.CONTEXT_1)  # unsignedAttrs: nobody has signed them
    body.finish()
    problems = [] if digest in declared else ["digest-undeclared"]
    if signed is None:
        problems.append("signed-attributes-missing")
        signed_attrs, attributes = None, Attributes()
    elif signed.end - signed.start > _ATTRIBUTES_OCTETS:
        raise TooLarge("more signed attributes than the limit")
    else:
        signed_attrs = b"\x31" + signed.octets[signed.head + 1 : signed.end]
        attributes = parse_attributes(signed)
        problems.extend(attributes.problems)
    scheme, weak = _name_scheme(algorithm, digest, problems)
    return SignerInfo(
        *(issuer, serial, ski, digest, scheme, signed_attrs, attributes, tuple(problems), weak),
        *(algorithm, signature),
    )


def _name_scheme(algorithm: bytes, digest: str, problems: list[str]) -> tuple[str, str]:
    try:
        scheme = schemes.parse_scheme(algorithm, digest)
    except UnsupportedCms:
        problems.append("algorithm-unsupported")
        return der.dotted_identifier(der.read_one(algorithm, der.SEQUENCE).identifier()), ""
    if digest not in table.DIGESTS:
        problems.append("algorithm-unsupported")
        return scheme.name, ""
    return scheme.name, schemes.weakness(scheme)


def verify_signer(
    info: SignerInfo, content: Sequence[bytes | memoryview], certificate: bytes
) -> Check:
    """Check the digest over the content and the signature with the certificate's key.

    The content is the pieces in their order. Never raises, whatever the three are.
    RFC 5652 §5.4, §5.6.
    """
    try:
        key = public_key_of(certificate)
        scheme = schemes.parse_scheme(info.signature_algorithm, info.digest)
    except (MalformedCms, TooLarge) as fault:
        return Check(digest_matches=False, signature_matches=False, problem=str(fault))
    except UnsupportedCms as fault:
        return Check(digest_matches=False, signature_matches=False, problem=str(fault))
    if info.digest not in table.DIGESTS:
        problem = f"digest algorithm {info.digest}"
        return Check(digest_matches=False, signature_matches=False, problem=problem)
    digest = hashlib.new(info.digest, usedforsecurity=False)
    for piece in content:
        digest.update(piece)
    weak = schemes.weakness(scheme, key)
    if info.signed_attrs is None:
        signed = _matches_content(info, scheme, digest.digest(), content, certificate)
        return Check(signed, signed, weak=weak)
    same = hmac.compare_digest(digest.digest(), info.attributes.message_digest)
    signed = any(
        schemes.matches(key, scheme, info.signature, octets)
        for octets in _orders(info.signed_attrs)
    )
    return Check(same, signed, _certificate_problem(info, certificate), weak)


def _orders(signed_attrs: bytes) -> Iterator[bytes]:
    """Yield the attributes as they came and, if that is not DER's order, in DER's order.

    QUIRK: some agents sign the attributes as they write them, others write them in another order
    than they sign them in (RFC 5652 §5.4 asks for DER); a SET says the same in every order.
    """
    yield signed_attrs
    body = der.read_one(signed_attrs, der.SET)
    parts: list[bytes] = []
    while body.peek() >= 0:
        parts.append(body.next().whole)
    if (ordered := der.set_of(der.SET, *parts)) != signed_attrs:
        yield ordered


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
    actual = hashlib.new(name, certificate, usedforsecurity=False).digest()
    return "" if hmac.compare_digest(actual, expected) else "signing-certificate-differs"
