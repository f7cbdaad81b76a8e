"""Paths among several certificates of a name, cross-signs, loops and traps (T55, T110)."""

import time
from datetime import timedelta

import pytest
from cryptography import x509

from app.pki import engine
from app.pki.builder import line_above
from app.pki.certificate import Certificate
from app.pki.reasons import (
    NAME_CONSTRAINTS,
    PATH_BUDGET,
)
from tests.pki.asking import ROOT, SUB, codes, path_of, pause
from tests.testpki import (
    AT,
    TestIdentity,
    ca,
    name_constraints,
    private_key,
    subtree,
)
from tests.timing import own_time


def test_renewed_authorities_with_one_name_and_one_key_are_all_found() -> None:  # RFC 8550 §4
    key = private_key("p256", "renewed")
    old = ca("Renewed", ROOT, private=key, not_after=AT - timedelta(days=1))
    new = ca("Renewed", ROOT, private=key)
    alice = new.issue("alice@example.org")
    for pool in ((old.certificate, new.certificate), (new.certificate, old.certificate)):
        assert path_of(alice, ROOT, others=pool).status == "trusted"


def test_authorities_with_one_name_and_several_keys_are_all_tried() -> None:
    many = [ca("Same Name", ROOT, private=private_key("p256", f"same {n}")) for n in range(8)]
    pool = tuple(each.certificate for each in many)
    for each in many:
        assert path_of(each.issue("alice@example.org"), ROOT, others=pool).status == "trusted"


def test_certificates_with_one_issuer_and_serial_number_are_all_tried() -> None:
    # certvalidator's own registry keeps the first of them only.
    decoy = ca("Same Serial", ROOT, private=private_key("p256", "decoy"), serial=77)
    real = ca("Same Serial", ROOT, private=private_key("p256", "real"), serial=77)
    pool = (decoy.certificate, real.certificate)
    assert path_of(real.issue("a@example.org"), ROOT, others=pool).status == "trusted"


def test_key_identifier_is_a_hint_and_no_condition() -> None:
    other = x509.AuthorityKeyIdentifier(b"another key", None, None)
    alice = SUB.issue("a@example.org", extensions=[(other, False)])
    # The library itself does not insist either, once it is given the path.
    assert path_of(alice, ROOT).status == "trusted"


def test_cross_signed_authority_leads_to_either_anchor() -> None:  # T55
    key = private_key("p256", "crossed")
    first, second = ca("First World"), ca("Second World")
    by_first = ca("Crossed", first, private=key)
    by_second = ca("Crossed", second, private=key)
    alice = by_first.issue("alice@example.org")
    pool = (by_first.certificate, by_second.certificate)
    assert path_of(alice, first, others=pool).path[-1].subject == "CN=First World"
    assert path_of(alice, second, others=pool).path[-1].subject == "CN=Second World"


def test_better_path_is_found_behind_a_bad_one() -> None:
    key = private_key("p256", "two ways")
    constrained = ca("Two Ways", ROOT, private=key, excluded=["example.org"])
    free = ca("Two Ways", SUB, private=key)
    alice = free.issue("alice@example.org")
    pool = (constrained.certificate, free.certificate, SUB.certificate)
    assert path_of(alice, ROOT, others=pool).status == "trusted"
    assert codes(path_of(alice, ROOT, others=pool[:1])) == [NAME_CONSTRAINTS]


def test_loop_of_cross_signs_ends() -> None:  # T55
    keys = [private_key("p256", f"loop {n}") for n in range(3)]
    solo = [ca(f"Loop {n}", private=key) for n, key in enumerate(keys)]
    loop = [ca(f"Loop {n}", solo[(n + 1) % 3], private=key) for n, key in enumerate(keys)]
    alice = loop[0].issue("alice@example.org")
    pool = tuple(each.certificate for each in loop)
    assert path_of(alice, ROOT, others=pool).status == "untrusted"
    # A way out of the loop is found.
    assert path_of(alice, solo[2], others=pool).status == "trusted"


def _mesh(width: int, levels: int) -> tuple[TestIdentity, tuple[bytes, ...]]:
    """Return a leaf below levels of authorities, each of which is signed by all of the next."""
    keys = [[private_key("p256", f"mesh {m} {n}") for n in range(width)] for m in range(levels)]
    tops = [[ca(f"Mesh {m}", private=key) for key in row] for m, row in enumerate(keys)]
    pool = [
        ca(f"Mesh {m}", above, private=key).certificate
        for m, row in enumerate(keys[:-1])
        for key in row
        for above in tops[m + 1]
    ]
    return tops[0][0].issue("alice@example.org"), tuple(pool)


def test_explosion_of_paths_is_stopped() -> None:  # T110
    alice, pool = _mesh(7, 5)
    with own_time() as own:
        result = path_of(alice, ROOT, others=pool)
    assert own.seconds < 1.0
    assert result.status == "untrusted"
    assert codes(result) == [PATH_BUDGET]


def test_hundred_forged_authorities_of_one_name_cost_the_budget_and_no_more() -> None:
    fakes = [ca("Path Sub", private=private_key("p256", f"forged {n}")) for n in range(120)]
    alice = SUB.issue("alice@example.org")
    with own_time() as own:
        result = path_of(alice, ROOT, others=tuple(each.certificate for each in fakes))
    assert own.seconds < 1.0
    assert result.status == "untrusted"
    # The real one beside them is found, because its key identifier is the one that is named.
    found = path_of(alice, ROOT, others=(*(each.certificate for each in fakes), SUB.certificate))
    assert found.status == "trusted"


def test_pause_of_the_interpreter_is_not_held_against_a_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = iter((0.0, 10.0))
    real = time.thread_time
    monkeypatch.setattr(time, "thread_time", lambda: next(times, None) or real() + 20)
    assert path_of(SUB.issue("alice@example.org"), ROOT).status == "trusted"


def test_budget_of_time_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PATH_SECONDS", -1.0)
    result = path_of(SUB.issue("alice@example.org"), ROOT)
    assert result.status == "untrusted"
    assert codes(result) == [PATH_BUDGET]


def test_constraints_that_cost_too_much_are_not_compared() -> None:  # limbo nc-dos
    trees = [subtree(f"h{n}.example.org") for n in range(2000)]
    extension = (name_constraints([subtree("example.org"), *trees]), True)
    sub = ca("Costly", ROOT, extensions=[extension])
    alice = sub.issue([f"a{n}@example.org" for n in range(500)])
    with own_time() as own:
        assert codes(path_of(alice, ROOT)) == [NAME_CONSTRAINTS]
    assert own.seconds < 1.0


def test_pause_of_the_interpreter_hides_no_issuer(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = Certificate.from_der(SUB.issue("paused@example.org").certificate)
    bag = [Certificate.from_der(each.certificate) for each in (SUB, ROOT)]
    made = pause(monkeypatch, 0)
    assert line_above(leaf, bag, AT) == tuple(bag)
    assert len(made) == 2


def test_line_of_issuers_has_no_more_than_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = Certificate.from_der(SUB.issue("slow@example.org").certificate)
    made = pause(monkeypatch, 0, 1, 2)
    assert line_above(leaf, [Certificate.from_der(SUB.certificate)], AT) == ()
    assert len(made) == 2
