"""Our own rules for a path, checked before the library looks at it and whatever it says.

They are for mail, or for what the validator leaves to its caller: the anchor, and the profile that
authorities keep. RFC 5280 §4.2, §6.1; CA/B S/MIME BR 7.1.2.2.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.pki import constraints
from app.pki.certificate import Certificate
from app.pki.reasons import (
    DISTRUSTED,
    MALFORMED,
    NAME_CONSTRAINTS,
    NOT_A_CA,
    NOT_FOR_MAIL,
    UNKNOWN_CRITICAL,
    reason,
)


def problem(path: Sequence[Certificate]) -> str:
    """Return the reason against a path, leaf first and anchor last, empty if there is none."""
    for certificate in path:
        if found := _profile_problem(certificate):
            return found
    for authority in path[1:-1]:
        # An authority that may not issue for mail, may not (CA/B S/MIME BR 7.1.2.2 g).
        if not authority.is_for_mail:
            return reason(NOT_FOR_MAIL, authority.subject)
    if not _may_issue(path[-1]):
        return reason(NOT_A_CA, path[-1].subject)
    if outside := constraints.problem(path):
        return reason(NAME_CONSTRAINTS, outside)
    return ""


def distrust_problem(path: Sequence[Certificate], distrust_after: Mapping[str, datetime]) -> str:
    """Return the reason against a path whose anchor is not trusted for what it issues by now.

    The moments are by fingerprint. As Mozilla has it (CKA_NSS_EMAIL_DISTRUST_AFTER), it is the
    beginning of the leaf that counts, whoever on the path has issued it.
    """
    after = distrust_after.get(path[-1].fingerprint)
    if after is None or path[0].not_before <= after:
        return ""
    return reason(DISTRUSTED, f"{after:%Y-%m-%d} {path[-1].subject}")


def _profile_problem(certificate: Certificate) -> str:
    if certificate.anomalies:
        return reason(MALFORMED, f"{certificate.subject}: {certificate.anomalies[0]}")
    if certificate.unknown_critical:
        unknown = ", ".join(sorted(certificate.unknown_critical))
        return reason(UNKNOWN_CRITICAL, f"{certificate.subject}: {unknown}")
    return ""


def _may_issue(anchor: Certificate) -> bool:
    """Return whether an anchor is an authority by its own certificate.

    RFC 5280 §6.1 asks nothing of an anchor; only those of old have no basicConstraints.
    """
    signs = anchor.key_usage is None or "key_cert_sign" in anchor.key_usage
    return signs and (anchor.is_ca or anchor.version < 3)
