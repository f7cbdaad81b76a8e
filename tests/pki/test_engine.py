"""What one search leaves to the next: good signatures, and nothing that could be another (T67)."""

import threading

import pytest
from cryptography.exceptions import InvalidSignature

from app.mail.limits import PATH_SIGNATURES
from app.pki import engine
from app.pki.certificate import Certificate
from app.pki.engine import Budget, BudgetExceeded, Parsed
from app.pki.path import validate
from tests.pki import test_pkits as pkits
from tests.pki.asking import anchors
from tests.testpki import AT, ca

ROOT = ca("Engine Root")
SUB = ca("Engine Sub", ROOT)


@pytest.fixture(autouse=True)
def has_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no search run out of time here: what is counted are signatures."""
    monkeypatch.setattr(engine, "PATH_SECONDS", 60.0)


def never() -> None:
    raise AssertionError("it was checked again")


def bad() -> None:
    raise InvalidSignature


def good() -> None:
    """Be a good signature."""


def test_good_signature_is_checked_once_in_a_process() -> None:
    key = (b"signature 1", b"data", b"key")
    assert Budget().check(key, good)
    assert Budget().check(key, never)


def test_bad_signature_is_checked_in_every_search() -> None:
    key = (b"signature 2", b"data", b"key")
    for _ in range(3):
        assert not Budget().check(key, bad)
    assert Budget().check(key, good)


# T67: whatever differs is another signature, wherever one part ends and the next one begins
@pytest.mark.parametrize(
    "other",
    [
        (b"signature 4", b"data", b"key"),
        (b"signature 3", b"data ", b"key"),
        (b"signature 3", b"data", b"Key"),
        (b"signature 3d", b"ata", b"key"),
        (b"signature 3", b"datak", b"ey"),
        (b"signature 3", b"", b"datakey"),
    ],
)
def test_nothing_else_is_good_for_it(other: tuple[bytes, bytes, bytes]) -> None:
    assert Budget().check((b"signature 3", b"data", b"key"), good)
    assert not Budget().check(other, bad)


def test_what_is_long_is_checked_each_time() -> None:
    key = (b"signature 5", bytes(100_000), b"key")
    assert Budget().check(key, good)
    assert not Budget().check(key, bad)


def test_memory_of_good_signatures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_MARKS", 4)
    memory = engine._Good()
    for number in range(100):
        memory.add(bytes([number]))
    assert [number for number in range(100) if memory.has(bytes([number]))] == [*range(92, 100)]


def test_bad_signatures_cost_the_budget_as_ever() -> None:  # T110
    budget = Budget()
    for number in range(PATH_SIGNATURES):
        assert not budget.check((b"forged", b"%d" % number, b"key"), bad)
    with pytest.raises(BudgetExceeded):
        budget.check((b"forged", b"another", b"key"), bad)


def test_only_authorities_of_good_paths_are_kept_and_few() -> None:
    leaf = Certificate.from_der(SUB.issue("a@example.org").certificate)
    sub = Certificate.from_der(SUB.certificate)
    engine._LOCAL.authorities.clear()
    assert validate(leaf, (sub,), anchors(ca("Engine Other")), at=AT).status == "untrusted"
    assert engine._LOCAL.authorities == {}
    assert validate(leaf, (sub,), anchors(ROOT), at=AT).status == "trusted"
    root = Certificate.from_der(ROOT.certificate)
    assert set(engine._LOCAL.authorities) == {sub.fingerprint, root.fingerprint}
    for number in range(2 * engine._AUTHORITIES):
        other = Certificate.from_der(ca(f"Engine {number}").certificate)
        Parsed().keep([other])
    assert len(engine._LOCAL.authorities) == engine._AUTHORITIES


def test_objects_of_a_thread_are_its_own() -> None:
    root = Certificate.from_der(ROOT.certificate)
    Parsed().keep([root])
    mine = Parsed().get(root)
    assert Parsed().get(root) is mine
    theirs = []
    other = threading.Thread(target=lambda: theirs.append(Parsed().get(root)))
    other.start()
    other.join()
    assert theirs[0] is not mine


# Nothing that a search leaves behind changes the answer of another one.
@pytest.mark.slow
def test_order_of_the_searches_changes_no_answer() -> None:
    answers: dict[str, dict[str, tuple[str, tuple[str, ...], str]]] = {}

    def everything(case: str, names: list[str]) -> None:
        known = pkits.anchors()
        roots = type(known)(known.ders, f"engine {case}", known.intermediates)
        answers[case] = {}
        for name in names:
            leaf = pkits.certificates()[name + "EE"]
            found = validate(
                leaf, (), roots, at=pkits.AT, revocation="require", source=pkits.Store()
            )
            answers[case][name] = (found.status, found.reasons, found.revocation)

    names = pkits.end_entities()
    everything("forwards", names)
    everything("backwards", names[::-1])
    fresh = threading.Thread(target=everything, args=("in another thread", names))
    fresh.start()
    fresh.join()
    assert answers["forwards"] == answers["backwards"] == answers["in another thread"]
