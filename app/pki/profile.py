"""What RFC 5280 §4.2 forbids authorities, and what is refused here for it.

Each rule leaves no doubt about what was meant and is refused all the same, because a certificate
that breaks it was made by mistake or to divide two readers. The rules that real authorities break
without harm are not here; `docs/standards.md` names them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cryptography.x509.oid import ExtensionOID

from app.cms import der


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension as it stands in the certificate."""

    critical: bool
    value: bytes  # the DER inside the OCTET STRING


# RFC 5280 §4.2.1.1, §4.2.1.2, §4.2.2.1: MUST be marked as non-critical.
_NEVER_CRITICAL: Final = (
    ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    ExtensionOID.SUBJECT_KEY_IDENTIFIER,
    ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
)

_EMPTY_NAME: Final = der.tlv(der.SEQUENCE)
_KEY_CERT_SIGN: Final = 0x04


def anomalies(subject: bytes, extensions: Mapping[str, Extension]) -> Iterator[str]:
    """Yield what is wrong with a certificate in itself."""
    is_ca = _is_ca(extensions)
    for oid in _NEVER_CRITICAL:
        extension = extensions.get(oid.dotted_string)
        if extension is not None and extension.critical:
            yield f"the extension {oid.dotted_string} is critical"
    if is_ca and subject == _EMPTY_NAME:
        yield "an authority without a name"
    if not is_ca and _signs_certificates(extensions):
        yield "keyCertSign in a certificate that is no authority's"
    if not is_ca and ExtensionOID.NAME_CONSTRAINTS.dotted_string in extensions:
        yield "name constraints in a certificate that is no authority's"


def _is_ca(extensions: Mapping[str, Extension]) -> bool:
    extension = extensions.get(ExtensionOID.BASIC_CONSTRAINTS.dotted_string)
    if extension is None:
        return False
    flag = der.read_one(extension.value, der.SEQUENCE).find(0x01)
    return flag is not None and flag.value != b"\0"


def _signs_certificates(extensions: Mapping[str, Extension]) -> bool:
    extension = extensions.get(ExtensionOID.KEY_USAGE.dotted_string)
    if extension is None:
        return False
    bits = der.read_one(extension.value, der.BIT_STRING).value
    return len(bits) > 1 and bool(bits[1] & _KEY_CERT_SIGN)
