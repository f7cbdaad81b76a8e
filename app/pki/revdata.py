"""CRLs and OCSP responses, read from octets of any origin: what cannot count is left out here.

The validator does not ask how strong their signatures are, and it looks at every entry of a list;
both is seen to before it gets them. RFC 5280 §5, RFC 6960 §4.2.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from asn1crypto import crl, ocsp
from pyhanko_certvalidator import errors
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from app.cms.errors import MalformedCms, TooLarge
from app.pki import spki
from app.pki.crls import abridge
from app.pki.engine import PARSING_ERRORS, Budget, run
from app.pki.reasons import REVOKED
from app.pki.strength import signature_problem

GOOD: Final = "good"
UNKNOWN: Final = "unknown"

OCSP_OCTETS: Final = 1024 * 1024
SINGLE_RESPONSES: Final = 32
"""In one response; one is usual. The validator reads the whole response for each of them."""
RESPONSE_CERTIFICATES: Final = 8
"""The same: the responder's own, and perhaps who is above it."""


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
        budget.validator.originals[short.shown_tbs].add(short.signed_tbs)
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
    return bool(read[0]) and isinstance(read[1], datetime) and read[1].tzinfo is not None


def read_responses(responses: Sequence[bytes], budget: Budget) -> Iterator[OCSPContainer]:
    """Yield the answers in these responses that can count, whomever they are about."""
    for octets in responses:
        budget.tick()
        try:
            answers = _answers(octets)
            if not answers or not _is_strong(answers[0]):
                continue
            answers = [each for each in answers if made_at(each) and _is_about_one(each)]
        except PARSING_ERRORS:
            continue
        yield from answers


def _answers(octets: bytes) -> list[OCSPContainer]:
    """Return the answers in a response, none if it is over a limit or the responder gave none."""
    if len(octets) > OCSP_OCTETS:
        return []
    answers = OCSPContainer.load_multi(ocsp.OCSPResponse.load(octets, strict=True))
    if not answers or len(answers) > SINGLE_RESPONSES:
        return []
    basic = answers[0].extract_basic_ocsp_response()
    is_short = basic is not None and len(basic["certs"] or ()) <= RESPONSE_CERTIFICATES
    return answers if is_short else []


def made_at(answer: OCSPContainer | CRLContainer) -> datetime | None:
    """Return thisUpdate, None if it is no time: without a zone, or before the year 1."""
    found = answer.issuance_date
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


def is_made_after(answer: OCSPContainer | CRLContainer, moment: datetime) -> bool:
    """Return whether an answer says that it was made after a moment, or not when."""
    found = made_at(answer)
    return found is None or found > moment


def serial_of(answer: OCSPContainer) -> int:
    """Return which certificate of its issuer an answer is about; raises what reading raises."""
    single = answer.extract_single_response()
    assert single is not None, "it is one of the answers that there are"
    return int(single["cert_id"]["serial_number"].native)


def _is_about_one(answer: OCSPContainer) -> bool:
    """Return True; raises what reading the serial number raises."""
    return isinstance(serial_of(answer), int)


def next_update_of_response(octets: bytes) -> datetime | None:
    """Return when a response ends, None if it does not say so or is no response.

    A time without a zone, or before the year 1, is no time (RFC 6960 §4.2.2.1).
    """
    try:
        answers = _answers(octets)
        single = answers[0].extract_single_response() if answers else None
        found = None if single is None else single["next_update"].native
    except PARSING_ERRORS:
        return None
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


def this_update_of_response(octets: bytes, serial: int) -> datetime | None:
    """Return when the latest answer about a serial number was made, None if there is none."""
    try:
        made = [made_at(each) for each in _answers(octets) if serial_of(each) == serial]
    except PARSING_ERRORS:
        return None
    return max(filter(None, made), default=None)


def is_response(octets: bytes) -> bool:
    """Return whether a responder answered, well or not; "try later" is no answer."""
    try:
        return bool(_answers(octets))
    except PARSING_ERRORS:
        return False


def _is_strong(container: OCSPContainer) -> bool:
    basic = container.extract_basic_ocsp_response()
    if basic is None or signature_problem(basic["signature_algorithm"]):
        return False
    # Whoever is not on the path has his certificate in the response.
    return not any(spki.describe(each.public_key.dump())[1] for each in basic["certs"] or ())


def together(results: Iterable[str]) -> str:
    """Return what several outcomes mean together; bad news counts most."""
    found = frozenset(results)
    if REVOKED in found:
        return REVOKED
    return GOOD if GOOD in found else UNKNOWN


def outcome(check: Callable[[], Coroutine[Any, Any, None]]) -> str:
    """Return what a check of the validator says."""
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
