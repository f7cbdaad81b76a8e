"""Opening the outermost encrypted layer with the keys of one recipient.

Only the MIME root is opened, only by keys of the recipient the caller names, each tried once, and
everything that goes wrong after a key was touched looks the same: status "failed", one reason, the
original message (T72-T80). What comes out is accepted only as a strict MIME entity, and of its
header section only Content-* reaches the message (T60).

RFC 5652 §6, RFC 5083, RFC 8551 §3.3, §3.4; behaviour C4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.cms.compressed import open_compressed
from app.cms.enveloped import Enveloped, open_enveloped, parse_enveloped
from app.cms.errors import CannotDecrypt, MalformedCms, NotForThisKey, TooLarge, UnsupportedCms
from app.cms.keys import PrivateKey
from app.mail.compose import unwrap
from app.mail.headers import Headers, split
from app.mail.limits import COMPRESSED_OCTETS, MESSAGE_OCTETS
from app.pki.certificate import Certificate
from app.smime.kinds import ENCRYPTED, SIGNED, Kind, Layer, recognise
from app.smime.payload import RefusedPayload, accept, suspicions
from app.smime.protect import Protected, wrapped_message
from app.smime.protect import unwrap as unwrap_headers
from app.smime.reasons import Reason


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key that the recipient may use, with its certificate."""

    certificate: Certificate
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class Decryption:
    """What became of one encrypted layer."""

    status: str
    # none, decrypted, no-key, failed, unsupported
    message: bytes
    # The opened message, the original where nothing was opened.
    algorithm: str = ""
    key_fingerprint: str = ""
    authenticated: bool = False
    # The cipher itself protects the content against change (RFC 5083).
    weak: str = ""
    reasons: tuple[Reason, ...] = ()
    protected: Protected | None = None
    # The protected header section of a payload that nobody signed (RFC 9788).
    layer: Layer | None = field(default=None, repr=False, compare=False)
    # What the root of the opened message is.


def decrypt(
    message: bytes, layer: Layer, keys: Sequence[DecryptionKey], *, legacy: str = "3des"
) -> Decryption:
    """Open one layer and return the message inside; never raises for what a message holds.

    ``keys`` are the keys of one recipient, retired ones included. ``legacy`` is the policy field
    ``legacy_decrypt``.
    """
    if layer.kind not in ENCRYPTED:
        return not_encrypted(message)
    try:
        enveloped = parse_enveloped(layer.cms)
    except MalformedCms:
        return _failed(message, "")
    except (UnsupportedCms, TooLarge) as error:
        return Decryption("unsupported", message, reasons=(Reason("algorithm", str(error)),))
    try:
        opened = _open_any(enveloped, keys, legacy)
    except (UnsupportedCms, TooLarge) as error:
        reasons = (Reason("algorithm", str(error)),)
        return Decryption("unsupported", message, enveloped.cipher, reasons=reasons)
    except CannotDecrypt:
        return _failed(message, enveloped.cipher)
    if opened is None:
        return Decryption("no-key", message, enveloped.cipher, reasons=(Reason("no-key"),))
    facts = _Facts(enveloped.kind == "auth-enveloped", enveloped.cipher, enveloped.weak)
    # The ciphertext of a large message need not stay beside the two copies to come.
    del enveloped
    return _accepted(message, facts, *opened)


def not_encrypted(message: bytes) -> Decryption:
    """Return the answer about a message that nobody encrypted."""
    return Decryption("none", message)


def _failed(message: bytes, cipher: str) -> Decryption:
    return Decryption("failed", message, cipher, reasons=(Reason("failed"),))


def _open_any(
    enveloped: Enveloped, keys: Sequence[DecryptionKey], legacy: str
) -> tuple[bytes, DecryptionKey] | None:
    """Return the content by the first key that opens it, None if no key is named.

    Every key that is named is tried, also after another failed: a renewed certificate may bear
    the identifier of the old one (C3). Raises CannotDecrypt if a key was named and none opened.
    """
    named = False
    for candidate in keys:
        try:
            content = open_enveloped(
                enveloped,
                candidate.key,
                candidate.certificate.der,
                limit_octets=MESSAGE_OCTETS,
                legacy=legacy,
            )
        except NotForThisKey:
            continue
        except CannotDecrypt:
            named = True
            continue
        return content, candidate
    if named:
        raise CannotDecrypt
    return None


@dataclass(frozen=True, slots=True)
class _Facts:
    """What an object said about itself, without its ciphertext."""

    authenticated: bool
    cipher: str
    weak: str


def _accepted(
    message: bytes, facts: _Facts, content: bytes, candidate: DecryptionKey
) -> Decryption:
    """Return the message that the content makes, or the one failure."""
    authenticated = facts.authenticated
    try:
        entity = accept(content, authenticated=authenticated)
    except RefusedPayload:
        # Debris of an edited ciphertext must look like any other failure (T73, T80).
        return _failed(message, facts.cipher)
    reasons: list[Reason] = []
    if facts.weak:
        reasons.append(Reason("weak-cipher", facts.weak))
    outer = split(message).headers
    opened = unwrap(outer, _shown(entity, outer, authenticated=authenticated))
    layer = recognise(opened, is_scanned=True)
    is_signed = layer.kind in SIGNED
    if not authenticated and not is_signed:
        reasons.append(Reason("not-authenticated"))
        reasons.extend(map(Reason, suspicions(entity)))
    return Decryption(
        "decrypted",
        opened,
        facts.cipher,
        candidate.certificate.fingerprint,
        authenticated,
        facts.weak,
        tuple(reasons),
        None if is_signed else unwrap_headers(entity),
        layer,
    )


def _shown(entity: bytes, outer: Headers, *, authenticated: bool) -> bytes:
    """Return what is shown of a payload: the message in it where it is one (RFC 8551 §3.1)."""
    wrapped = wrapped_message(entity, outer)
    try:
        return entity if wrapped is None else accept(wrapped, authenticated=authenticated)
    except RefusedPayload:
        return entity


def expand(message: bytes, layer: Layer) -> bytes | None:
    """Return the message inside a CompressedData, None where it cannot or must not be opened.

    The caller opens at most one such layer. RFC 3274, RFC 8551 §3.6.
    """
    if layer.kind is not Kind.COMPRESSED:
        return None
    try:
        content = open_compressed(layer.cms, COMPRESSED_OCTETS)
        entity = accept(content, authenticated=True)
    except (MalformedCms, UnsupportedCms, TooLarge, RefusedPayload):
        return None
    return unwrap(split(message).headers, entity)
