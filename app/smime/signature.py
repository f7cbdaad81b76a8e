"""The mathematics of one SignedData: whether its one SignerInfo holds over the content.

Everything that decides between "somebody signed exactly this" and "invalid" stands here: the
number of signers, where the content lies, the signed attributes, the digest, the signature.
Whether that somebody may be believed is left to ``judge``. Whatever is odd in the structure ends
as invalid or unsupported, never as good.

RFC 5652 §5, RFC 8551 §2.5, §3.5, RFC 5035 §5.4.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from app import patience
from app.cms.signed import Check, SignedData, SignerInfo, verify_signer
from app.mail.canonical import is_crlf, to_crlf
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate
from app.smime.finding import Status
from app.smime.kinds import Kind, Layer
from app.smime.reasons import Reason
from app.smime.trust import TrustView

_DATA = "data"
# What app/cms writes down about a SignerInfo and what is no fault of the signature: attributes
# that only inform must be survived (RFC 8551 §2.5.2).
_HARMLESS = frozenset(
    {
        "capabilities-malformed",
        "encryption-preference-malformed",
        "microsoft-preference-malformed",
        "signing-time-malformed",
    }
)
_NO_ATTRIBUTES = "signed-attributes-missing"
_NO_ALGORITHM = "algorithm-unsupported"
_OTHER_CERTIFICATE = "signing-certificate-differs"
# Failures in the order of how much they tell; the smallest is reported.
_ATTRIBUTES = (0, "attributes-as-content", "")
_UNRELATED = (5, "signature-differs", "")
# A DER SET OF Attribute is recognised by its first octets.
_HEAD_OCTETS = 64


class Checked(NamedTuple):
    """What the mathematics say: VALID means good, and nothing about trust."""

    status: Status
    reasons: tuple[Reason, ...] = ()
    info: SignerInfo | None = None
    certificate: Certificate | None = None
    weak: str = ""
    # The algorithm or key that is too weak to be believed, "" if none.
    bag: tuple[Certificate, ...] = ()
    # Every readable certificate of the message, in its order.


def check(message: bytes, layer: Layer, signed: SignedData, trust: TrustView) -> Checked:
    """Return whether the one SignerInfo of a signed layer is good, and which certificate signed."""
    bag = _readable(signed.certificates)
    info = signed.signers[0] if len(signed.signers) == 1 else None
    fault = _structural_fault(layer, signed) or (_attribute_fault(info) if info else None)
    if fault is not None or info is None:
        # An empty set of signers satisfies every check of its members (T44).
        status, reason = fault or (Status.INVALID, Reason("nobody"))
        return Checked(status, (reason,), info, bag=bag)
    candidates = find_candidates(info, bag, trust)
    if not candidates:
        return Checked(Status.UNSUPPORTED, (Reason("no-certificate"),), info, bag=bag)
    source, start, end = signed_span(message, layer, signed)
    checked = _try_all(info, memoryview(source)[start:end], candidates, bag)
    if checked.status is Status.VALID and info.signed_attrs is None:
        # RFC 5652 §5.3 allows it, but such a signature can be taken from somebody else's
        # attributes (T42), and no client of today makes one.
        return Checked(Status.UNSUPPORTED, (Reason("no-attributes"),), info, bag=bag)
    return checked


def find_candidates(
    info: SignerInfo, bag: Sequence[Certificate], trust: TrustView
) -> tuple[Certificate, ...]:
    """Return every certificate that the SignerIdentifier names exactly.

    Several certificates may share an identifier, and each must be tried (RFC 8551 §2.6). The
    store is asked only where the message brings none (RFC 8550 §2.3).
    """
    found = tuple([each for each in bag if _is_named(info, each)])
    if found:
        return found
    known = trust.certificates_by_id(info.issuer_der, info.serial, info.ski)
    return tuple([each for each in known if _is_named(info, each)])


def _is_named(info: SignerInfo, certificate: Certificate) -> bool:
    if info.ski:
        return certificate.ski == info.ski
    return certificate.serial == info.serial and certificate.issuer_der == info.issuer_der


@lru_cache(maxsize=512)
def _readable(ders: tuple[bytes, ...]) -> tuple[Certificate, ...]:
    # A certificate that cannot be read is not the signer's and not part of a path; the others
    # still count (RFC 8550 §2.3: any number, in any order).
    found: list[Certificate] = []
    for each in ders:
        patience.tick()
        try:
            found.append(Certificate.from_der(each))
        except MalformedCertificate:
            continue
    return tuple(found)


def _structural_fault(layer: Layer, signed: SignedData) -> tuple[Status, Reason] | None:
    """Return what is wrong before any mathematics, in the order of severity (T41-T44)."""
    if len(signed.signers) > 1:
        return Status.UNSUPPORTED, Reason("more-than-one-signer")
    if layer.kind is Kind.CLEAR and signed.content is not None:
        return Status.INVALID, Reason("content-in-clear-signed")
    if layer.kind is Kind.OPAQUE and signed.content is None:
        return Status.INVALID, Reason("no-content")
    if signed.content_type != _DATA:
        return Status.INVALID, Reason("content-type", signed.content_type)
    return None


def _attribute_fault(info: SignerInfo) -> tuple[Status, Reason] | None:
    """Return what is wrong with the signed attributes or the named algorithms (T42)."""
    problems = [each for each in info.problems if each not in _HARMLESS] if info.problems else []
    if _NO_ATTRIBUTES in problems:
        problems.remove(_NO_ATTRIBUTES)
    if _NO_ALGORITHM in problems:
        return Status.UNSUPPORTED, Reason("algorithm", f"{info.scheme}, {info.digest}")
    if problems:
        return Status.INVALID, Reason("attributes", ", ".join(problems))
    if info.signed_attrs is not None and info.attributes.content_type != _DATA:
        return Status.INVALID, Reason("content-type", info.attributes.content_type)
    return None


def signed_span(message: bytes, layer: Layer, signed: SignedData) -> tuple[bytes, int, int]:
    """Return what was signed as a stretch of octets: the octets, start and end."""
    if layer.kind is Kind.CLEAR:
        return message, layer.signed_from, layer.signed_to
    content = signed.content or b""
    return content, 0, len(content)


def _forms(content: memoryview) -> Iterator[bytes | memoryview]:
    """Yield the raw octets, then the canonical form, then the one with bare LF, where they differ.

    Some genuine messages hold only over the one, some only over the other; the raw octets come
    first because they are what was sent (RFC 8551 §3.1.1). QUIRK: Thunderbird's own test mails
    were signed over LF, and transport made CRLF of it.
    """
    yield content
    octets = bytes(content)
    canonical = octets if is_crlf(octets) else to_crlf(octets)
    if canonical is not octets:
        yield canonical
    if b"\r\n" in octets:
        yield canonical.replace(b"\r\n", b"\n")


def _try_all(
    info: SignerInfo,
    content: memoryview,
    candidates: Sequence[Certificate],
    bag: tuple[Certificate, ...],
) -> Checked:
    """Return the first certificate under which one form of the content holds."""
    closest = _UNRELATED
    for form in _forms(content):
        for certificate in candidates:
            patience.tick()
            found = verify_signer(info, [form], certificate.der)
            if not _is_good(found):
                closest = min(closest, _failure(found))
            elif _looks_like_attributes(bytes(form[:_HEAD_OCTETS])):
                closest = min(closest, _ATTRIBUTES)
            else:
                return Checked(Status.VALID, (), info, certificate, found.weak, bag)
    # The first candidate is who the message claims to be from; that helps whoever reads the log.
    status = Status.UNSUPPORTED if closest[1] == "algorithm" else Status.INVALID
    return Checked(status, (Reason(*closest[1:]),), info, candidates[0], bag=bag)


def _is_good(found: Check) -> bool:
    return found.digest_matches and found.signature_matches and not found.problem


def _failure(found: Check) -> tuple[int, str, str]:
    """Return what one failed check says: how close it came, the code and the detail."""
    if found.digest_matches and found.signature_matches:
        return 1, "other-certificate", found.problem
    if found.digest_matches:
        return 2, "signature-differs", ""
    if found.problem not in {"", _OTHER_CERTIFICATE}:
        return 3, "algorithm", found.problem
    if found.signature_matches:
        return 4, "digest-differs", ""
    return _UNRELATED


def _looks_like_attributes(head: bytes) -> bool:
    """Tell whether content begins as a DER SET OF Attribute, signed once as attributes (T42).

    A MIME entity begins with a field name or a line end; this one would have to be read as a
    field that begins with the digit 1 and a length.
    """
    if head[:1] != b"\x31" or len(head) < 16:
        return False
    at = 2 if head[1] < 0x80 else 2 + (head[1] & 0x7F)
    inner = head[at : at + 6]
    if inner[:1] != b"\x30":
        return False
    at = 2 if inner[1:2] < b"\x80" else 2 + (inner[1] & 0x7F)
    return inner[at : at + 1] == b"\x06"
