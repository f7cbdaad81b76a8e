"""Which S/MIME object a message is, judged by its MIME root alone.

Only the root counts: a signed or encrypted part beside other parts is somebody else's frame around
it (T46, T72), so it is never opened and shows up only as ``partial``. The media type selects, the
CMS contentType decides, and where the two disagree the object is malformed (T65). Nothing here
verifies or decrypts.

RFC 8551 §3.2, §3.2.2, §3.5, §3.10.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from app import patience
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.kind import content_kind
from app.cms.signed import SignedData, parse_signed
from app.mail.entity import Entity, MediaType, over_header_limits, parse_entity, scan_entity
from app.mail.errors import MalformedMessage
from app.mail.headers import split
from app.mail.limits import BOUNDARY_OCTETS, FIELD_OCTETS, HEADER_SECTION_OCTETS
from app.mail.media import PLAIN_TEXT, parse_disposition, parse_media_type
from app.mail.transfer import base64_problem


class Kind(StrEnum):
    """What the root of a message is."""

    PLAIN = "none"
    CLEAR = "clear-signed"
    OPAQUE = "opaque-signed"
    ENVELOPED = "enveloped"
    AUTH_ENVELOPED = "auth-enveloped"
    COMPRESSED = "compressed"
    CERTS_ONLY = "certs-only"
    OTHER = "other"
    MALFORMED = "malformed"
    OVER_LIMIT = "over-limit"


SIGNED = frozenset({Kind.CLEAR, Kind.OPAQUE})
ENCRYPTED = frozenset({Kind.ENVELOPED, Kind.AUTH_ENVELOPED})

_SIGNATURE_TYPES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature"})
_MIME_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
# What the root of a cryptographic layer can be.
LAYER_TYPES = frozenset({"multipart/signed", "application/octet-stream", *_MIME_TYPES})
# RFC 8551 §3.2.1: the suffixes that make an octet-stream one of ours (§3.10).
_SUFFIXES = (".p7m", ".p7s", ".p7c", ".p7z")

_FEW_PARTS = 10
# A CMS object up to this size stays with its layer; every signature is smaller.
_KEPT_OCTETS = 256 * 1024

# smime-type (RFC 8551 §3.2.2) and the kinds that may stand behind it. QUIRK: clients that were
# taught AES-GCM late label AuthEnvelopedData as enveloped-data, so these two go for each other; no
# mark depends on the difference, because the cipher is read from the CMS.
_LABELS = {
    "signed-data": frozenset({Kind.OPAQUE}),
    "signed-receipt": frozenset({Kind.OPAQUE}),
    "certs-only": frozenset({Kind.CERTS_ONLY}),
    "enveloped-data": ENCRYPTED,
    "authenveloped-data": ENCRYPTED,
    "compressed-data": frozenset({Kind.COMPRESSED}),
}

_CMS_KINDS = {
    "enveloped": Kind.ENVELOPED,
    "auth-enveloped": Kind.AUTH_ENVELOPED,
    "compressed": Kind.COMPRESSED,
}


@dataclass(frozen=True, slots=True)
class Layer:
    """The outermost cryptographic layer of a message."""

    kind: Kind
    signed_from: int = 0
    signed_to: int = 0
    # Where the signed entity of a clear-signed message lies in the message.
    problem: str = ""
    # Why the layer is malformed or over a limit.
    partial: bool = False
    # A signed part exists that is not the root.
    signed: SignedData | None = field(default=None, repr=False, compare=False)
    # The SignedData of an opaque-signed message, which had to be read to tell its kind.
    root: Entity | None = field(default=None, repr=False, compare=False)
    holder: Entity | None = field(default=None, repr=False, compare=False)
    # The entity whose body is the CMS object: the root, or the signature beside the signed entity.
    small: bytes = field(default=b"", repr=False, compare=False)
    # The CMS object, unless it is large.

    @property
    def cms(self) -> bytes:
        """The ContentInfo as it was sent, BER or DER.

        A large one is decoded anew each time: whoever has done with it gives its memory back.
        """
        return self.small if self.holder is None or self.small else self.holder.decoded()

    @property
    def anomalies(self) -> tuple[str, ...]:
        """What another reader may read differently in header section or structure: never a pass.

        Looked for when it is asked for, which is where a signature holds (T38).
        """
        if self.root is None or self.holder is None:
            return ()
        if self.holder is self.root:
            # Ciphertext that two readers decode differently opens for one of them at most.
            strict = _encoding_anomalies(self.root, self.small) if self.kind is Kind.OPAQUE else ()
            return (*self.root.anomalies, *strict)
        strict = _encoding_anomalies(self.holder, self.small)
        return (*self.root.anomalies, *self.holder.anomalies, *strict)


def recognise(message: bytes, *, is_scanned: bool = False) -> Layer:
    """Return the cryptographic layer that the MIME root is; never raises.

    What was accepted as a payload is scanned already: only the header section is another then. One
    layer in another would else be gone through as often as there are layers around it (T35).
    """
    root = parse_entity(message)
    parts = root.parts()
    reason = over_header_limits(root) if is_scanned else _over_limit(root, parts)
    if reason:
        return Layer(Kind.OVER_LIMIT, problem=reason)
    media_type = root.media_type
    if _is_clear_signed(media_type):
        return _recognise_clear(root, parts)
    if media_type.essence in _MIME_TYPES or _is_suffixed(root, media_type):
        return _recognise_opaque(root, media_type)
    everything = _entities(root) if parts else (root,)
    return Layer(Kind.PLAIN, partial=any(map(_is_signed_part, everything)), root=root)


def _over_limit(root: Entity, parts: tuple[Entity, ...]) -> str:
    """Return the limit that a message is over.

    A leaf, or a multipart of a few leaves, cannot be over one but that of the header section; most
    mail is such, and need not be walked twice.
    """
    if len(parts) > _FEW_PARTS or bool(parts) != root.is_multipart or not _is_small(root):
        return scan_entity(root)
    for part in parts:
        if part.is_multipart or not _is_small(part):
            return scan_entity(root)
    return "" if len(root.boundary) <= BOUNDARY_OCTETS else scan_entity(root)


def _is_small(entity: Entity) -> bool:
    return entity.headers_end - entity.start <= FIELD_OCTETS and not entity.is_message


def _is_clear_signed(media_type: MediaType) -> bool:
    # A multipart/signed of another protocol (OpenPGP) is none of ours.
    protocol = media_type.parameters.get("protocol", "").strip().lower()
    return media_type.essence == "multipart/signed" and protocol in _SIGNATURE_TYPES


def _recognise_clear(root: Entity, parts: tuple[Entity, ...]) -> Layer:
    """Return the layer of a multipart/signed: exactly two parts, the second is the signature."""
    if len(parts) != 2:
        return Layer(Kind.MALFORMED, problem=f"multipart/signed with {len(parts)} parts")
    signed, signature = parts
    label = signature.media_type
    if label.essence not in _SIGNATURE_TYPES and not _is_suffixed(signature, label, (".p7s",)):
        return Layer(Kind.MALFORMED, problem="the second part is no signature")
    try:
        small = _kept(signature.decoded())
    except MalformedMessage as error:
        return Layer(Kind.MALFORMED, problem=str(error))
    return Layer(Kind.CLEAR, signed.start, signed.end, root=root, holder=signature, small=small)


def _kept(cms: bytes) -> bytes:
    return cms if len(cms) <= _KEPT_OCTETS else b""


def _recognise_opaque(root: Entity, media_type: MediaType) -> Layer:
    """Return the layer of an application/pkcs7-mime by its CMS contentType."""
    label = media_type.parameters.get("smime-type", "").strip().lower()
    try:
        cms = root.decoded()
    except MalformedMessage as error:
        return Layer(_broken(label), problem=str(error))
    holds = partial(Layer, root=root, holder=root, small=_kept(cms))
    try:
        found = content_kind(cms)
        signed = parse_signed(cms) if found == "signed" else None
    except MalformedCms as error:
        return holds(_broken(label), problem=str(error))
    except (UnsupportedCms, TooLarge) as error:
        # What cannot be looked at is judged by its label: verify and decrypt say "unsupported".
        return holds(_labelled(label) or Kind.OPAQUE, problem=str(error))
    kind = _CMS_KINDS.get(found) if signed is None else _kind_of(signed)
    if kind is None:
        # Data, DigestedData, EncryptedData, AuthenticatedData: whole, and no S/MIME (T65).
        lies = _labelled(label) in {Kind.OPAQUE, Kind.CERTS_ONLY}
        kind = Kind.MALFORMED if lies else Kind.OTHER
        return holds(kind, problem="the CMS contentType is none of S/MIME")
    if kind not in _LABELS.get(label, {kind}):
        return holds(Kind.MALFORMED, problem=f"smime-type {label} on {kind}")
    return holds(kind, signed=signed)


def _encoding_anomalies(entity: Entity, cms: bytes) -> tuple[str, ...]:
    """Return why another reader may decode another CMS from the same octets (T38)."""
    problem = base64_problem(entity.body, cms) if entity.encoding == "base64" else ""
    return (problem,) if problem else ()


def _kind_of(signed: SignedData) -> Kind:
    # RFC 8551 §3.6: certificates only, no content and nobody who signed.
    return Kind.OPAQUE if signed.signers or signed.content is not None else Kind.CERTS_ONLY


def root_type(source: bytes, start: int, end: int) -> str:
    """Return the media type of an entity by its first header section alone."""
    field = split(header_section(source, start, end)[1]).headers.find("Content-Type")
    return ((field and parse_media_type(field.value)) or PLAIN_TEXT).essence


def header_section(source: bytes, start: int, end: int) -> tuple[int, bytes]:
    """Return where the body of an entity begins, and its header section with CRLF line ends.

    QUIRK: Thunderbird's test mails were signed with bare LF, and opaque content keeps it. An entity
    whose section does not end within the limit has none.
    """
    stop = min(end, start + HEADER_SECTION_OCTETS + 4)
    at = source.find(b"\r\n\r\n", start, stop)
    bare = source.find(b"\n\n", start, at if at >= 0 else stop)
    if bare >= 0:
        return bare + 2, source[start : bare + 2].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return (at + 4, source[start : at + 4]) if at >= 0 else (end, b"")


def _broken(label: str) -> Kind:
    # A damaged ciphertext is a failed decryption, not a broken signature; nor is anything signed
    # that says it is compressed.
    kind = _labelled(label)
    is_kept = kind in ENCRYPTED or kind is Kind.COMPRESSED
    return kind if kind and is_kept else Kind.MALFORMED


def _labelled(label: str) -> Kind | None:
    kinds = _LABELS.get(label)
    if kinds is None:
        return None
    return Kind.ENVELOPED if kinds is ENCRYPTED else next(iter(kinds))


def _is_suffixed(
    entity: Entity, media_type: MediaType, suffixes: tuple[str, ...] = _SUFFIXES
) -> bool:
    """Tell whether an application/octet-stream is named as one of ours (RFC 8551 §3.10)."""
    if media_type.essence != "application/octet-stream":
        return False
    names = [media_type.parameters.get("name", "")]
    disposition = entity.headers.find("Content-Disposition")
    if disposition is not None:
        names.append(parse_disposition(disposition.value)[1].get("filename", ""))
    return any(name.strip().lower().endswith(suffixes) for name in names)


def _is_signed_part(part: Entity) -> bool:
    media_type = part.media_type
    if media_type.essence == "multipart/signed":
        return _is_clear_signed(media_type)
    if media_type.essence in _SIGNATURE_TYPES:
        return True
    if media_type.essence not in _MIME_TYPES:
        return False
    # The label is enough here: nothing but the word "partial" follows from it.
    return media_type.parameters.get("smime-type", "signed-data").strip().lower() == "signed-data"


def _entities(root: Entity) -> Iterator[Entity]:
    """Yield the root and every part below; the scan has limited their number and depth."""
    waiting = [root]
    while waiting:
        patience.tick()
        part = waiting.pop()
        yield part
        waiting.extend(part.parts())
