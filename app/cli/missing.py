"""Says whose certificate a path lacks, where it could have been fetched.

``sealmon try`` asks nobody, and whether a worker would is the setting ``issuer_fetch``. Whoever
wonders why a signature is untrusted, or why a partner is not encrypted to, learns here what would
help. RFC 8550 §2.3, RFC 5280 §4.2.2.1.
"""

from collections.abc import Sequence
from typing import Any, Final

from app.mail.limits import PATH_CERTIFICATES
from app.model.choice import PartnerChoice
from app.pki.certificate import Certificate
from app.pki.issuers import URLS
from app.pki.path import Anchors
from app.pki.pointers import issuer_urls
from app.pki.reasons import NO_PATH
from app.smime.finding import Finding
from app.smime.reasons import Reason

_FETCHED: Final = {
    "off": "issuer_fetch is off, so nobody fetches it",
    "known": "issuer_fetch is known: it is fetched when mail comes, if an authority that you"
    " believe names the same host",
    "on": "it is fetched when mail comes",
}


def missing_for_signer(
    finding: Finding | None, anchors: Anchors, issuer_fetch: str
) -> dict[str, Any]:
    """Return whose certificate a signature lacks and where it is, for JSON; empty if none."""
    if finding is None or finding.certificate is None or not finding.has(NO_PATH):
        return {}
    return _missing(finding.certificate, finding.others, anchors, issuer_fetch)


def missing_for_partner(
    reasons: Sequence[Reason], choice: PartnerChoice, anchors: Anchors, issuer_fetch: str
) -> dict[str, Any]:
    """Return the same about a certificate that a plan could not encrypt to."""
    for reason in reasons:
        for each in (*choice.personal, *choice.domain, *choice.parents):
            is_meant = reason.detail.startswith(each.certificate.fingerprint[:16])
            if reason.code == NO_PATH and is_meant:
                return _missing(each.certificate, (), anchors, issuer_fetch)
    return {}


def _missing(
    certificate: Certificate, others: Sequence[Certificate], anchors: Anchors, issuer_fetch: str
) -> dict[str, Any]:
    last = _last(certificate, (*others, *anchors.ders, *anchors.intermediates))
    urls = () if last is None else issuer_urls(last)[:URLS]
    if last is None or not urls:
        return {}
    return {
        "issuer": last.issuer,
        "of": last.subject,
        "urls": list(urls),
        "issuer_fetch": issuer_fetch,
        "text": f"nobody sent the certificate of {last.issuer}, which issued that of {last.subject}"
        f" and is said to be at {urls[0]}: {_FETCHED[issuer_fetch]}",
    }


def _last(certificate: Certificate, known: Sequence[Certificate]) -> Certificate | None:
    """Return the last certificate that the names lead to, None for one that issued itself."""
    seen = [certificate]
    while len(seen) < PATH_CERTIFICATES and not seen[-1].is_self_signed:
        wanted = seen[-1].issuer_key
        above = [
            each for each in known if each.is_ca and each.subject_key == wanted and each not in seen
        ]
        if not above:
            return seen[-1]
        seen.append(above[0])
    return None
