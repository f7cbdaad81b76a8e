"""CRLs and OCSP responses, read from octets of any origin: what cannot count is left out here.

The validator does not ask how strong their signatures are, and it looks at every entry of a list;
both is seen to before it gets them. RFC 5280 §5, RFC 6960 §4.2.
"""

from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from asn1crypto import crl, ocsp
from pyhanko_certvalidator import errors
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from app.cms.errors import MalformedCms, TooLarge
from app.pki.crls import abridge
from app.pki.engine import PARSING_ERRORS, Budget, run
from app.pki.reasons import REVOKED
from app.pki.strength import signature_problem

GOOD: Final = "good"
UNKNOWN: Final = "unknown"

OCSP_OCTETS: Final = 1024 * 1024


def read_lists(
    lists: Sequence[bytes], serials: Sequence[int], budget: Budget
) -> Iterator[CRLContainer]:
    """Yield the lists that can count, with the entries of these serial numbers."""
    for octets in lists:
        budget.tick()
        try:
            short = abridge(octets, serials)
            if short is None:
                continue
            found = crl.CertificateList.load(short.octets, strict=True)
            if not _is_whole(found) or signature_problem(found["signature_algorithm"]):
                continue
        except (MalformedCms, TooLarge, *PARSING_ERRORS):
            continue
        budget.validator.originals[short.shown_tbs] = short.signed_tbs
        yield CRLContainer(found)


def _is_whole(found: crl.CertificateList) -> bool:
    """Return whether all of a list but its entries can be read; raises what reading raises."""
    tbs = found["tbs_cert_list"]
    read = (
        found.issuer.hashable,
        tbs["this_update"].native,
        tbs["next_update"].native,
        tbs["crl_extensions"].native,
        found.critical_extensions,
    )
    return all(each is not None for each in read[:2])


def read_responses(responses: Sequence[bytes], budget: Budget) -> Iterator[OCSPContainer]:
    """Yield the answers in these responses that can count."""
    for octets in responses:
        budget.tick()
        if len(octets) > OCSP_OCTETS:
            continue
        try:
            answers = OCSPContainer.load_multi(ocsp.OCSPResponse.load(octets, strict=True))
            answers = [each for each in answers if _is_strong(each) and each.issuance_date]
        except PARSING_ERRORS:
            continue
        yield from answers


def next_update_of_response(octets: bytes) -> datetime | None:
    """Return when a response ends, None if it does not say so or is no response.

    A time without a zone, or before the year 1, is no time (RFC 6960 §4.2.2.1).
    """
    try:
        answers = OCSPContainer.load_multi(ocsp.OCSPResponse.load(octets, strict=True))
        single = answers[0].extract_single_response() if answers else None
        found = None if single is None else single["next_update"].native
    except PARSING_ERRORS:
        return None
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


def is_response(octets: bytes) -> bool:
    """Return whether a responder answered, well or not; "try later" is no answer."""
    try:
        return bool(OCSPContainer.load_multi(ocsp.OCSPResponse.load(octets, strict=True)))
    except PARSING_ERRORS:
        return False


def _is_strong(container: OCSPContainer) -> bool:
    basic = container.extract_basic_ocsp_response()
    return basic is not None and not signature_problem(basic["signature_algorithm"])


def outcome(*checks: Callable[[], Coroutine[Any, Any, None]]) -> str:
    """Return what several checks of the validator say together; bad news counts most."""
    results = [_outcome(check) for check in checks]
    if REVOKED in results:
        return REVOKED
    return GOOD if GOOD in results else UNKNOWN


def _outcome(check: Callable[[], Coroutine[Any, Any, None]]) -> str:
    try:
        run(check())
    except errors.RevokedError:
        return REVOKED
    except (
        errors.CRLValidationError,
        errors.OCSPValidationError,
        errors.ValidationError,
        errors.PathError,
        *PARSING_ERRORS,
    ):
        return UNKNOWN
    return GOOD
