"""A second reading by asn1crypto, of everything that is not the strict DER we write ourselves.

Our own reader is fast because it knows only what CMS needs. Where the octets were BER, or unusual,
asn1crypto reads the same object, and what the two see in it must be the same: on whatever they
disagree, nobody can say what was signed, and it is malformed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, TypeVar

from asn1crypto import cms as asn1_cms
from asn1crypto import core

from app.cms import der
from app.cms.ber import to_der
from app.cms.errors import MalformedCms

if TYPE_CHECKING:
    from app.cms.enveloped import Enveloped
    from app.cms.signed import SignedData

T = TypeVar("T")
View: TypeAlias = tuple[object, ...]
# asn1crypto has no types; what it gives gets types where it leaves this module.
Foreign: TypeAlias = Any


class _EncapsulatedContentInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.2; asn1crypto's own reads content as PKCS #7 had it, of any type."""

    _fields: ClassVar = [
        ("content_type", core.ObjectIdentifier),
        ("content", core.OctetString, {"explicit": 0, "optional": True}),
    ]


class _SignedData(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §5.1."""

    _fields: ClassVar = [
        ("version", asn1_cms.CMSVersion),
        ("digest_algorithms", asn1_cms.DigestAlgorithms),
        ("encap_content_info", _EncapsulatedContentInfo),
        ("certificates", asn1_cms.CertificateSet, {"implicit": 0, "optional": True}),
        ("crls", asn1_cms.RevocationInfoChoices, {"implicit": 1, "optional": True}),
        ("signer_infos", asn1_cms.SignerInfos),
    ]


class _ContentInfo(core.Sequence):  # type: ignore[misc] # asn1crypto has no types
    """RFC 5652 §3."""

    _fields: ClassVar = [
        ("content_type", asn1_cms.ContentType),
        ("content", core.Any, {"explicit": 0}),
    ]
    _oid_pair: ClassVar = ("content_type", "content")
    _oid_specs: ClassVar = {
        "signed_data": _SignedData,
        "enveloped_data": asn1_cms.EnvelopedData,
        "authenticated_enveloped_data": asn1_cms.AuthEnvelopedData,
    }


def read_both(cms: bytes, read: Callable[[bytes], T], check: Callable[[bytes, T], None]) -> T:
    """Return what `read` finds in strict DER, or in the DER of BER if `check` agrees.

    The second reading is of the same object with its long strings abridged, so that it costs the
    same for every size. Raises what `read` raises, and MalformedCms if the readings differ.
    """
    try:
        return read(cms)
    except MalformedCms:
        octets = to_der(cms)
        if octets == cms:
            raise
    # Of the DER, where the segments of a stream are one string already.
    abridged = to_der(octets, abridged=True)
    check(abridged, read(abridged))
    return read(octets)


def check_signed(octets: bytes, found: "SignedData") -> None:
    """Raise MalformedCms unless asn1crypto sees the same SignedData (RFC 5652 §5.1)."""
    _agree(_signed_view, octets, signed_view(found))


def check_enveloped(octets: bytes, found: "Enveloped") -> None:
    """Raise MalformedCms unless asn1crypto sees the same object (RFC 5652 §6.1, RFC 5083 §2.1)."""
    _agree(_enveloped_view, octets, enveloped_view(found))


def _agree(view: Callable[[Foreign], View], octets: bytes, ours: View) -> None:
    try:
        theirs = view(_ContentInfo.load(octets, strict=True)["content"])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as fault:
        # asn1crypto documents ValueError and TypeError; the others come from odd choices.
        raise MalformedCms("a second reader cannot read it") from fault
    if theirs != ours:
        raise MalformedCms("two readers see two things")


def signed_view(found: "SignedData") -> View:
    """Return everything that a verdict depends on, from our reading.

    QUIRK: asn1crypto 1.5.1 takes a definite length that ends in 80 for an indefinite one and
    writes the element anew when it is asked for it; so elements are compared by their content.
    """
    signers = tuple(
        (
            signer.ski or (_content(signer.issuer_der), signer.serial),
            None if signer.signed_attrs is None else _content(signer.signed_attrs),
            _content(signer.signature_algorithm),
            signer.signature,
        )
        for signer in found.signers
    )
    certificates, crls = (tuple(map(_content, bag)) for bag in (found.certificates, found.crls))
    return (found.content, certificates, crls, signers)


def _content(element: bytes) -> bytes:
    return der.read(element).next().value


def _signed_view(body: Foreign) -> View:
    """Return the same from asn1crypto's reading."""
    members = (
        tuple(one.chosen.contents for one in _optional(body[name]) if one.name == kind)
        for name, kind in (("certificates", "certificate"), ("crls", "crl"))
    )
    signers = tuple(
        (
            _name(signer["sid"]),
            _octets(signer["signed_attrs"]),
            signer["signature_algorithm"].contents,
            signer["signature"].contents,
        )
        for signer in body["signer_infos"]
    )
    return (_octets(body["encap_content_info"]["content"]), *members, signers)


def enveloped_view(found: "Enveloped") -> View:
    """Return everything that opening depends on, from our reading."""
    recipients = tuple(
        (one.kind, one.ski or (_content(one.issuer_der), one.serial))
        for one in found.recipients
        if one.kind in {"ktri", "kari"}
    )
    associated = _content(found.associated) if found.associated else None
    return (bytes(found.ciphertext), found.tag, associated, recipients)


def _enveloped_view(body: Foreign) -> View:
    """Return the same from asn1crypto's reading."""
    authenticated = isinstance(body, asn1_cms.AuthEnvelopedData)
    encrypted = body["auth_encrypted_content_info" if authenticated else "encrypted_content_info"]
    recipients: list[tuple[str, object]] = []
    for info in body["recipient_infos"]:
        if info.name == "ktri":
            recipients.append(("ktri", _name(info.chosen["rid"])))
        elif info.name == "kari":
            keys = info.chosen["recipient_encrypted_keys"]
            recipients.extend(("kari", _name(one["rid"])) for one in keys)
    return (
        _octets(encrypted["encrypted_content"]) or b"",
        body["mac"].contents if authenticated else b"",
        _octets(body["auth_attrs"]) if authenticated else None,
        tuple(recipients),
    )


def _name(identifier: Foreign) -> bytes | tuple[bytes, int]:
    """Return the key identifier, or issuer and serial number, that somebody is named by."""
    chosen = identifier.chosen
    if identifier.name == "issuer_and_serial_number":
        return chosen["issuer"].chosen.contents, chosen["serial_number"].native
    if identifier.name == "r_key_id":
        chosen = chosen["subjectKeyIdentifier"]
    return bytes(chosen.contents)


def _octets(element: Foreign) -> bytes | None:
    return None if isinstance(element, core.Void) else bytes(element.contents)


def _optional(elements: Foreign) -> Foreign:
    return () if isinstance(elements, core.Void) else elements
