"""How rows are shown: the same words for a certificate everywhere, ready for JSON."""

from typing import Any

from app.pki.certificate import Certificate


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """Return what a person compares of a certificate."""
    return {
        "fingerprint": certificate.fingerprint,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "key_kind": certificate.key_kind,
        "certificate_addresses": list(certificate.addresses),
        "odd_addresses": list(certificate.odd_addresses),
    }
