"""A second reading by asn1crypto, of everything that is not the strict DER we write ourselves.

Our own reader is fast because it knows only what CMS needs. Where the octets were BER, or unusual,
asn1crypto reads the same object, and what the two see in it must be the same: on whatever they
disagree, nobody can say what was signed, and it is malformed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from asn1crypto import cms as asn1_cms
from asn1crypto import core

from app.cms.ber import to_der
from app.cms.errors import MalformedCms

if TYPE_CHECKING:
    from app.cms.enveloped import Enveloped
    from app.cms.signed import SignedData

T = TypeVar("T")
View: TypeAlias = tuple[object, ...]
# asn1crypto has no types; what it gives gets types where it leaves this module.
Foreign: TypeAlias = Any


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
    abridged = to_der(cms, abridged=True)
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
        info = asn1_cms.ContentInfo.load(octets, strict=True)
        theirs = view(info["content"])
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as fault:
        # asn1crypto documents ValueError and TypeError; the others come from odd choices.
        raise MalformedCms("a second reader cannot read it") from fault
    if theirs != ours:
        raise MalformedCms("two readers see two things")


def signed_view(found: "SignedData") -> View:
    """Return everything that a verdict depends on, from our reading."""
    signers = tuple(
        (
            signer.ski or (signer.issuer_der, signer.serial),
            signer.signed_attrs,
            signer.signature_algorithm,
            signer.signature,
        )
        for signer in found.signers
    )
    return (found.content, found.certificates, found.crls, signers)


def _signed_view(body: Foreign) -> View:
    """Return the same from asn1crypto's reading."""
    members = (
        tuple(one.chosen.dump() for one in _optional(body[name]) if one.name == kind)
        for name, kind in (("certificates", "certificate"), ("crls", "crl"))
    )
    signers = tuple(
        (
            _name(signer["sid"]),
            _untagged(signer["signed_attrs"]),
            signer["signature_algorithm"].dump(),
            signer["signature"].contents,
        )
        for signer in body["signer_infos"]
    )
    return (_octets(body["encap_content_info"]["content"]), *members, signers)


def enveloped_view(found: "Enveloped") -> View:
    """Return everything that opening depends on, from our reading."""
    recipients = tuple(
        (one.kind, one.ski or (one.issuer_der, one.serial))
        for one in found.recipients
        if one.kind in {"ktri", "kari"}
    )
    return (bytes(found.ciphertext), found.tag, found.associated, recipients)


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
        (_untagged(body["auth_attrs"]) or b"") if authenticated else b"",
        tuple(recipients),
    )


def _name(identifier: Foreign) -> bytes | tuple[bytes, int]:
    """Return the key identifier, or issuer and serial number, that somebody is named by."""
    chosen = identifier.chosen
    if identifier.name == "issuer_and_serial_number":
        return chosen["issuer"].dump(), chosen["serial_number"].native
    if identifier.name == "r_key_id":
        chosen = chosen["subjectKeyIdentifier"]
    return bytes(chosen.contents)


def _octets(string: Foreign) -> bytes | None:
    return None if isinstance(string, core.Void) else bytes(string.contents)


def _optional(elements: Foreign) -> Foreign:
    return () if isinstance(elements, core.Void) else elements


def _untagged(attributes: Foreign) -> bytes | None:
    """Return attributes as the SET OF they are, whatever tag they stand under."""
    octets = attributes.dump()
    return b"\x31" + octets[1:] if octets else None
