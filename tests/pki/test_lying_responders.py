"""Responders that contradict themselves, say too much, or live in the future (T58, T112, T115)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from asn1crypto import ocsp, x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from app.cms import der
from app.pki.crls import abridge
from app.pki.responders import CLOCKS_DIFFER
from tests.pki.test_revocation import BAD, GOOD, RESPONDER, ROOT_SAYS, SUB, Store, ask
from tests.testpki import AT, TestCA, TestIdentity
from tests.timing import own_time

MINUTE = timedelta(minutes=1)


def forgetful() -> TestCA:
    """Return the authority as it was before it revoked anybody."""
    before = TestCA(SUB.name, SUB.key, SUB.parent, SUB.url)
    before.certificate = SUB.certificate
    return before


def status_of(identity: TestIdentity, *responses: bytes, lists: Sequence[bytes] = ()) -> str:
    return ask(identity, "hard", store=Store(lists, [*responses, ROOT_SAYS])).status


def single_of(response: bytes) -> bytes:
    basic = ocsp.OCSPResponse.load(response)["response_bytes"]["response"].parsed
    octets: bytes = basic["tbs_response_data"]["responses"][0].dump()
    return octets


def response_of(*singles: bytes, is_signed: bool = True) -> bytes:
    """Return a response of the authority that holds these SingleResponses."""
    basic = ocsp.OCSPResponse.load(SUB.ocsp(GOOD))["response_bytes"]["response"].parsed
    data = basic["tbs_response_data"]
    said = (data["responder_id"].dump(), data["produced_at"].dump())
    octets = der.tlv(der.SEQUENCE, *said, der.tlv(der.SEQUENCE, *singles))
    signature = SUB.key.sign(octets, ec.ECDSA(hashes.SHA256()))
    whole = ocsp.BasicOCSPResponse(
        {
            "tbs_response_data": ocsp.ResponseData.load(octets),
            "signature_algorithm": basic["signature_algorithm"],
            "signature": signature if is_signed else basic["signature"].native,
        }
    )
    body = {"response_type": "basic_ocsp_response", "response": whole}
    answer = ocsp.OCSPResponse({"response_status": "successful", "response_bytes": body})
    found: bytes = answer.dump()
    return found


YES, NO = forgetful().ocsp(BAD), SUB.ocsp(BAD)
EARLIER_NO = SUB.ocsp(BAD, at=AT - 10 * MINUTE)

# Of answers that are in force at once nobody knows which is the lie.
CONTRADICTIONS = [
    ("of one moment", [YES, NO]),
    ("of one moment, the other way round", [NO, YES]),
    ("the revocation is older", [YES, EARLIER_NO]),
    ("in one response", [response_of(single_of(YES), single_of(NO))]),
    ("in one response, the other way round", [response_of(single_of(NO), single_of(YES))]),
]


@pytest.mark.parametrize(("name", "responses"), CONTRADICTIONS)
def test_of_two_that_contradict_each_other_the_bad_news_counts(
    name: str, responses: Sequence[bytes]
) -> None:
    assert status_of(BAD, *responses) == "revoked", name


def test_certificate_is_found_among_others_in_a_response() -> None:
    others = [single_of(SUB.ocsp(BAD)), single_of(SUB.ocsp(GOOD))]
    assert status_of(GOOD, response_of(*others)) == "trusted"
    assert status_of(BAD, response_of(*others)) == "revoked"


# T112, T115: whoever is between us and a responder could stop the mail with one megabyte
@pytest.mark.parametrize("about", [GOOD, BAD])
@pytest.mark.parametrize("is_signed", [True, False])
def test_response_about_thousands_costs_nothing(about: TestIdentity, *, is_signed: bool) -> None:
    flood = response_of(*[single_of(SUB.ocsp(about))] * 9_000, is_signed=is_signed)
    with own_time() as own:
        assert status_of(GOOD, flood) == "untrusted"
    assert own.seconds < 0.5


def future(after: timedelta, identity: TestIdentity = GOOD) -> bytes:
    """Return a response made so long after now."""
    return SUB.ocsp(identity, at=AT + after + timedelta(hours=1))


# RFC 6960 §4.2.2.1: what is said to have been made later than now is unreliable.
def test_good_news_from_the_future_is_no_news() -> None:
    assert status_of(GOOD, future(MINUTE)) == "trusted", "clocks differ a little"
    assert status_of(GOOD, future(CLOCKS_DIFFER + MINUTE)) == "untrusted"
    assert status_of(BAD, future(timedelta(days=2), BAD)) == "revoked"


def list_at(made_at: datetime, authority: TestCA = SUB) -> bytes:
    return authority.crl(at=made_at + timedelta(days=1))


def test_list_from_the_future_tells_bad_news_alone() -> None:
    tomorrow = AT + timedelta(days=1)
    assert status_of(GOOD, lists=[list_at(AT + MINUTE)]) == "trusted"
    assert status_of(GOOD, lists=[list_at(tomorrow)]) == "untrusted"
    assert status_of(BAD, lists=[list_at(tomorrow)]) == "revoked"
    now_and_later = [list_at(AT), list_at(tomorrow)]
    assert status_of(GOOD, lists=now_and_later) == "trusted"


# T112, T115: the search for a short serial number meets its octets everywhere
def test_list_full_of_a_short_number_is_left_in_time() -> None:
    short = SUB.issue("short@example.org", serial=1)
    genuine = SUB.crl()
    entry = der.tlv(der.SEQUENCE, der.integer(1), b"\x17\x0d260101000000Z")
    for filling in (der.integer(1) + b"\x17", entry):
        flood = filled(genuine, filling * (9_000_000 // len(filling)))
        with own_time() as own:
            assert abridge(flood, [1]) is None
            assert status_of(short, lists=[flood]) == "untrusted"
        assert own.seconds < 0.5


def filled(genuine: bytes, entries: bytes) -> bytes:
    """Return a list with these octets in the place of its entries; nobody has signed it."""
    whole = der.read_one(genuine, der.SEQUENCE)
    body = whole.take(der.SEQUENCE)
    rest = genuine[whole.at : whole.end]
    start = body.at
    for _ in range(5):  # version, algorithm, issuer, thisUpdate, nextUpdate
        body.next()
    head = genuine[start : body.at]
    body.find(der.SEQUENCE)
    tail = genuine[body.at : body.end]
    shown = der.tlv(der.SEQUENCE, head, der.tlv(der.SEQUENCE, entries), tail)
    return der.tlv(der.SEQUENCE, shown, rest)


# RFC 6960 §4.2.2.1: a time without a zone is none
def test_response_that_was_made_at_no_time_is_none() -> None:
    single = single_of(SUB.ocsp(GOOD))
    made_at = (AT - timedelta(hours=1)).strftime("%Y%m%d%H%M%SZ").encode()
    assert single.count(made_at) == 1
    assert status_of(GOOD, response_of(single)) == "trusted"
    for odd in (made_at[:-3] + b".50", b"00000616110000Z"):
        assert status_of(GOOD, response_of(single.replace(made_at, odd))) == "untrusted", odd


def test_response_with_a_thousand_certificates_costs_nothing() -> None:
    genuine = ocsp.OCSPResponse.load(SUB.ocsp(GOOD, responder=RESPONDER))
    basic = genuine["response_bytes"]["response"].parsed
    basic["certs"] = [x509.Certificate.load(RESPONDER.certificate)] * 1_000
    genuine["response_bytes"]["response"] = basic
    octets = genuine.dump(force=True)
    with own_time() as own:
        assert status_of(GOOD, octets) == "untrusted"
    assert own.seconds < 0.3
