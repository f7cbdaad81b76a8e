"""No octets, from whoever they come, raise anything or make anybody trusted."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pki import fetch as fetching
from app.pki.certificate import Certificate
from app.pki.errors import CannotFetch, MalformedCertificate
from app.pki.path import Anchors, validate
from tests.examples import examples
from tests.pki.asking import anchors
from tests.pki.test_revocation import BOTH, GOOD, ROOT, ROOT_SAYS, SUB, Store
from tests.testpki import AT, ca, private_key

RESPONSE = SUB.ocsp(GOOD)
# Thousands of examples have been run; these keep what they found from coming back.
QUICK = examples(25)
BOUND = ca("Fuzz Bound", ROOT, permitted=["example.org"], excluded=[".secret.example.org"])
ALICE = BOUND.issue(["alice@example.org", "jörg@example.org"], serial=4242)


def changed(sample: bytes) -> st.SearchStrategy[bytes]:
    """Return the sample with a few octets changed, cut out or put in."""
    places = st.integers(0, len(sample) - 1)
    edits = st.tuples(places, st.binary(max_size=3), st.integers(0, 3))

    def apply(changes: list[tuple[int, bytes, int]]) -> bytes:
        octets = sample
        for place, new, cut in changes:
            octets = octets[:place] + new + octets[place + cut :]
        return octets

    return st.lists(edits, min_size=1, max_size=3).map(apply)


def flipped(sample: bytes) -> st.SearchStrategy[bytes]:
    """Return the sample with one octet changed, so that its lengths still hold."""

    def apply(change: tuple[int, int]) -> bytes:
        place, difference = change
        return sample[:place] + bytes([sample[place] ^ difference]) + sample[place + 1 :]

    return st.tuples(st.integers(0, len(sample) - 1), st.integers(1, 255)).map(apply)


def parsed(octets: bytes) -> Certificate | None:
    try:
        return Certificate.from_der(octets)
    except MalformedCertificate:
        return None


BOTH_KINDS = [changed, flipped]


@pytest.mark.parametrize("way", BOTH_KINDS)
def test_changed_leaf_is_never_trusted(way: Callable[[bytes], st.SearchStrategy[bytes]]) -> None:
    pool = [Certificate.from_der(BOUND.certificate)]
    roots = anchors(ROOT)

    @QUICK
    @given(way(ALICE.certificate))
    def look(octets: bytes) -> None:
        leaf = parsed(octets)
        if leaf is not None and octets != ALICE.certificate:
            result = validate(leaf, pool, roots, at=AT, revocation="soft", crls=BOTH)
            assert result.status != "trusted"

    look()


@pytest.mark.parametrize("way", BOTH_KINDS)
def test_changed_authority_vouches_for_nobody(
    way: Callable[[bytes], st.SearchStrategy[bytes]],
) -> None:
    leaf, roots = Certificate.from_der(ALICE.certificate), anchors(ROOT)

    @QUICK
    @given(way(BOUND.certificate))
    def look(octets: bytes) -> None:
        authority = parsed(octets)
        if authority is not None and octets != BOUND.certificate:
            result = validate(leaf, [authority], roots, at=AT, revocation="off")
            assert result.status != "trusted"

    look()


@QUICK
@given(flipped(BOUND.certificate))
def test_changed_anchor_raises_nothing(octets: bytes) -> None:
    # An anchor is believed for what it says, but it must not break what asks about it.
    authority = parsed(octets)
    if authority is not None:
        roots = Anchors((authority,), authority.fingerprint)
        validate(Certificate.from_der(ALICE.certificate), (), roots, at=AT, revocation="off")


@pytest.mark.parametrize("way", BOTH_KINDS)
def test_changed_list_tells_nothing_good(
    way: Callable[[bytes], st.SearchStrategy[bytes]],
) -> None:
    leaf, pool = Certificate.from_der(GOOD.certificate), [Certificate.from_der(SUB.certificate)]
    roots = anchors(ROOT)

    @QUICK
    @given(way(BOTH[0]))
    def look(octets: bytes) -> None:
        data = [octets, BOTH[1]]
        if octets != BOTH[0]:
            result = validate(leaf, pool, roots, at=AT, revocation="hard", crls=data)
            assert (result.status, result.revocation) == ("untrusted", "unknown")

    look()


# A response has parts that nobody signs: its status, the certificates beside the signature. What is
# changed there may leave it good; what it says may not change.
@pytest.mark.parametrize("way", BOTH_KINDS)
def test_changed_response_never_clears_anybody(
    way: Callable[[bytes], st.SearchStrategy[bytes]],
) -> None:
    bad = SUB.issue("fuzzed@example.org", revoked="2026-01-01")
    leaf, pool = Certificate.from_der(bad.certificate), [Certificate.from_der(SUB.certificate)]

    @QUICK
    @given(way(SUB.ocsp(bad)))
    def look(octets: bytes) -> None:
        store = Store((), [octets, RESPONSE, ROOT_SAYS])
        result = validate(leaf, pool, anchors(ROOT), at=AT, revocation="hard", source=store)
        assert result.status in {"revoked", "untrusted"}

    look()


@QUICK
@given(st.lists(st.binary(max_size=200), max_size=4), st.lists(st.binary(max_size=200), max_size=4))
def test_rubbish_for_revocation_data_is_unknown(lists: list[bytes], answers: list[bytes]) -> None:
    leaf, pool = Certificate.from_der(GOOD.certificate), [Certificate.from_der(SUB.certificate)]
    store = Store(lists, answers)
    result = validate(leaf, pool, anchors(ROOT), at=AT, revocation="soft", crls=lists, source=store)
    assert result.revocation == "unknown"


def test_key_of_another_signs_nothing() -> None:
    impostor = ca("Fuzz Bound", private=private_key("p256", "impostor"))
    leaf = Certificate.from_der(impostor.issue("alice@example.org").certificate)
    pool = [Certificate.from_der(BOUND.certificate), Certificate.from_der(impostor.certificate)]
    assert validate(leaf, pool, anchors(ROOT), at=AT, revocation="off").status == "untrusted"


STATUS = st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 301 ", b"HTTP/1.1 2000", b"\xb2"])
FIELD = st.sampled_from(
    [b"Transfer-Encoding: chunked", b"Content-Length: ", b"Location: ", b"9" * 30, b"\xb9", b"5"]
)


@settings(deadline=None)
@given(
    status=STATUS, fields=st.lists(FIELD), body=st.binary() | st.text("0aF;\r\n").map(str.encode)
)
def test_nothing_in_an_answer_raises_another_error(
    status: bytes, fields: list[bytes], body: bytes
) -> None:
    for join in (b"\r\n", b""):
        with suppress(CannotFetch):
            fetching._parse(status + b"\r\n" + join.join(fields) + b"\r\n\r\n" + body, 1000)
