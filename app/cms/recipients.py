"""RecipientInfos: for whom an object is encrypted, read, built and opened.

RFC 5652 §6.2, RFC 9629 §3.
"""

import os
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, rsa, x25519
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from app.cms import agreement, der, kem, transport
from app.cms import algorithms as table
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.keys import PrivateKey, identity_of, public_key_of
from app.mail.limits import RECIPIENT_INFOS

_VERSION_0: Final = der.integer(0)
_VERSION_3: Final = der.integer(3)
_ORI_KEM: Final = der.encode_identifier(table.ORI_KEM)
_PSS_ONLY: Final = der.encode_identifier(table.RSASSA_PSS)

_REMEMBERED_OCTETS: Final = 1024

KeyManagement: TypeAlias = transport.Transport | agreement.Agreement | kem.Encapsulation


@dataclass(frozen=True, slots=True)
class RecipientId:
    """One certificate that an object is encrypted to, and how.

    Named by `issuer_der` and `serial`, or by `ski`; the other is empty. `kind` is "ktri", "kari",
    "kemri", or "other" for what names no certificate. `scheme` is empty if we do not know it.
    """

    issuer_der: bytes
    serial: int
    ski: bytes
    kind: str
    scheme: str = ""
    management: KeyManagement | None = field(default=None, repr=False)
    encrypted_key: bytes = field(default=b"", repr=False)
    public_value: bytes = field(default=b"", repr=False)
    # The originator's key of a kari, the ciphertext of a kemri.
    ukm: bytes = field(default=b"", repr=False)

    @property
    def weak(self) -> str:
        """The legacy algorithm that the key is wrapped with, "" if none."""
        how = self.management
        return "3des" if isinstance(how, agreement.Agreement) and how.wrap.weak else ""

    def names(self, certificate: bytes) -> bool:
        """Say whether this is the certificate that the RecipientInfo names (RFC 5652 §6.2.1)."""
        if self.kind == "other":
            return False
        return identity_of(certificate).is_named(self.issuer_der, self.serial, self.ski)


def parse_recipients(infos: der.Reader) -> tuple[RecipientId, ...]:
    """Return everybody whom a SET OF RecipientInfo names.

    Raises MalformedCms, and TooLarge over the limit (T107).
    """
    found: list[RecipientId] = []
    while infos.peek() >= 0:
        info = infos.next()
        tag = info.octets[info.head]
        if tag == der.SEQUENCE:
            found.append(_parse_transport(info))
        elif tag == der.CONTEXT_1:
            found.extend(_parse_agreement(info))
        elif tag == der.CONTEXT_4:
            found.append(_parse_other(info))
        elif tag in {der.CONTEXT_2, der.CONTEXT_3}:
            # A key or a password known before: neither is anything a gateway has (T108).
            found.append(RecipientId(b"", 0, b"", "other"))
        else:
            raise MalformedCms("an unknown kind of RecipientInfo")
        if len(found) > RECIPIENT_INFOS:
            raise TooLarge("more RecipientInfos than the limit")
    return tuple(found)


def read_identifier(body: der.Reader, tag: int = der.PRIMITIVE_0) -> tuple[bytes, int, bytes]:
    """Read a SignerIdentifier or RecipientIdentifier: issuer, serial number, key identifier.

    `tag` is how the key identifier is tagged. RFC 5652 §5.3, §6.2.1.
    """
    if key := body.find(tag):
        ski = key.value if tag == der.PRIMITIVE_0 else key.take_value(der.OCTET_STRING)
        if not ski:
            raise MalformedCms("an empty key identifier")
        return b"", 0, ski
    named = body.take_whole(der.SEQUENCE)
    known = len(named) <= _REMEMBERED_OCTETS
    issuer, serial = _remembered(named) if known else _issuer_and_serial(named)
    return issuer, serial, b""


def _issuer_and_serial(octets: bytes) -> tuple[bytes, int]:
    named = der.read_one(octets, der.SEQUENCE)
    issuer = named.take_whole(der.SEQUENCE)
    serial = named.integer()
    named.finish()
    return issuer, serial


# One's own certificates are named again and again.
_remembered = lru_cache(maxsize=2048)(_issuer_and_serial)


def _parse_transport(info: der.Reader) -> RecipientId:
    info.integer()
    name = read_identifier(info)
    algorithm = info.take_whole(der.SEQUENCE)
    encrypted = info.take_value(der.OCTET_STRING)
    info.finish()
    try:
        how = transport.parse_transport(algorithm)
    except UnsupportedCms:
        return RecipientId(*name, "ktri")
    return RecipientId(*name, "ktri", how.name, how, encrypted)


def _parse_agreement(info: der.Reader) -> list[RecipientId]:
    """Read a KeyAgreeRecipientInfo (RFC 5652 §6.2.2)."""
    info.integer()
    public = info.take(der.CONTEXT_0).next().whole
    user = info.find(der.CONTEXT_1)
    ukm = user.take_value(der.OCTET_STRING) if user else b""
    algorithm = info.take_whole(der.SEQUENCE)
    keys = info.take(der.SEQUENCE)
    info.finish()
    try:
        # Only an ephemeral key is of use: a static one would need the originator's certificate.
        how = agreement.parse_agreement(algorithm) if public[0] == der.CONTEXT_1 else None
    except UnsupportedCms:
        how = None
    found: list[RecipientId] = []
    while keys.peek() >= 0 and len(found) <= RECIPIENT_INFOS:
        one = keys.take(der.SEQUENCE)
        name = read_identifier(one, der.CONTEXT_0)
        encrypted = one.take_value(der.OCTET_STRING)
        one.finish()
        scheme = f"{how.scheme.name}+{how.wrap.name}" if how else ""
        found.append(RecipientId(*name, "kari", scheme, how, encrypted, public, ukm))
    return found


def _parse_other(info: der.Reader) -> RecipientId:
    """Read an OtherRecipientInfo: a KEMRecipientInfo or something unknown (RFC 9629 §3)."""
    if info.identifier() != _ORI_KEM:
        return RecipientId(b"", 0, b"", "other")
    body = info.take(der.SEQUENCE)
    info.finish()
    body.integer()
    name = read_identifier(body)
    try:
        how, ciphertext, ukm, encrypted = kem.parse_encapsulation(body)
    except UnsupportedCms:
        return RecipientId(*name, "kemri")
    return RecipientId(*name, "kemri", how.kem, how, encrypted, ciphertext, ukm)


@lru_cache(maxsize=4096)
def _identifier_of(certificate: bytes) -> bytes:
    identity = identity_of(certificate)
    return der.tlv(der.SEQUENCE, identity.issuer_der, der.integer(identity.serial))


def build_recipient(certificate: bytes, cek: bytes, *, rsa_transport: str, wrap: str) -> bytes:
    """Return the RecipientInfo that gives the content-encryption key to a certificate.

    The kind of key decides: key transport for RSA, by the name `rsa_transport`; key agreement for
    a curve with the key wrap `wrap`; encapsulation for ML-KEM. Raises UnsupportedCms for a key
    that cannot be encrypted to, MalformedCms for something that is no certificate.
    """
    if identity_of(certificate).is_pss_only:
        raise UnsupportedCms("a key that only signs")
    name = _identifier_of(certificate)
    public_key = public_key_of(certificate)
    if isinstance(public_key, rsa.RSAPublicKey):
        how, algorithm = transport.encode_transport(rsa_transport)
        encrypted = transport.wrap_key(public_key, how, cek)
        octets = der.tlv(der.OCTET_STRING, encrypted)
        return der.tlv(der.SEQUENCE, _VERSION_0, name, algorithm, octets)
    if isinstance(public_key, ec.EllipticCurvePublicKey | x25519.X25519PublicKey):
        originator, algorithm, encrypted = agreement.wrap_key(public_key, wrap, cek)
        one = der.tlv(der.SEQUENCE, name, der.tlv(der.OCTET_STRING, encrypted))
        explicit = der.tlv(der.CONTEXT_0, originator)
        keys = der.tlv(der.SEQUENCE, one)
        return der.tlv(der.CONTEXT_1, _VERSION_3, explicit, algorithm, keys)
    if isinstance(public_key, mlkem.MLKEM768PublicKey | mlkem.MLKEM1024PublicKey):
        ciphertext, encapsulation, encrypted = kem.encapsulate_key(public_key, cek)
        return kem.encode_encapsulation(name, encapsulation, ciphertext, encrypted)
    raise UnsupportedCms("nothing can be encrypted to such a key")


def fits(recipient: RecipientId, key: PrivateKey) -> bool:
    """Say whether the key is of the kind that the RecipientInfo speaks of."""
    return recipient.kind == _kind_for(type(key)) and recipient.management is not None


@lru_cache(maxsize=64)
def _kind_for(kind: type) -> str:
    """Return the kind of RecipientInfo that a class of private keys opens.

    The classes of the primitives are abstract, and asking one for its kind each time is slow.
    """
    if issubclass(kind, rsa.RSAPrivateKey):
        return "ktri"
    if issubclass(kind, ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey):
        return "kari"
    if issubclass(kind, mlkem.MLKEM768PrivateKey | mlkem.MLKEM1024PrivateKey):
        return "kemri"
    return ""


def unlock_key(recipient: RecipientId, key: PrivateKey, key_octets: int) -> bytes:
    """Return a content-encryption key of the right length, whatever happens.

    Expects a key that `fits`. Where the recipient's key does not open it, or opens something of
    another length, it is a random key, and the content goes the same way to the same end
    (RFC 3218 §2.3.2; T76-T79).
    """
    substitute = os.urandom(key_octets)
    try:
        found = _unwrap(recipient, key)
    except (ValueError, InvalidUnwrap, UnsupportedAlgorithm):
        found = b""
    return found if len(found) == key_octets else substitute


def _unwrap(recipient: RecipientId, key: PrivateKey) -> bytes:
    how, encrypted = recipient.management, recipient.encrypted_key
    if isinstance(how, transport.Transport):
        return transport.unwrap_key(cast("rsa.RSAPrivateKey", key), how, encrypted)
    if isinstance(how, agreement.Agreement):
        return agreement.unwrap_key(key, how, recipient.public_value, encrypted, recipient.ukm)
    if isinstance(how, kem.Encapsulation):
        return kem.decapsulate_key(key, how, recipient.public_value, encrypted, recipient.ukm)
    raise UnsupportedCms("no way to this key")
