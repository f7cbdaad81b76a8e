"""Answers that are none, end at odd times or come from a liar: unknown, named, harmless (T58)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app.pki import engine
from app.pki import fetch as fetching
from app.pki import supply as supplying
from app.pki.certificate import Certificate
from app.pki.path import validate
from tests.pki.asking import anchors
from tests.pki.supplying import REFUSED, World
from tests.pki.test_fetch import ok
from tests.testpki import AT, TestCA, ca

DER, LATER = Encoding.DER, ocsp.OCSPResponseStatus.TRY_LATER


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # Long enough for a machine that is busy with other tests.
    monkeypatch.setattr(fetching, "SECONDS", 60.0)
    made = World()
    yield made
    made.server.close()


# T58: an answer that ended, or none, is a failure and not asked for with each message
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (REFUSED, "the host answers 503"),
        (ok(b"later"), "the answer is no CRL"),
        (None, "the answer has ended"),
    ],
)
def test_who_fails_is_named(world: World, answer: bytes | None, problem: str) -> None:
    stale = ok(world.root.crl(at=AT - timedelta(days=30)))
    world.list = stale if answer is None else answer
    world.response = ok(ocsp.OCSPResponseBuilder.build_unsuccessful(LATER).public_bytes(DER))
    assert world.ask(world.good) == "unknown"
    world.settle()
    assert world.ask(world.good) == "unknown"
    assert world.requests == [b"GET", b"POST"]
    assert sorted(world.memory.failures) == [
        (world.root.url + ".crl", problem),
        (world.root.url + ".ocsp", "the answer is no OCSP response"),
    ]
    assert world.memory.stored == {}


# T58: soft would take for good what was revoked
def test_lie_does_not_take_the_place_of_what_holds(world: World) -> None:
    assert world.ask(world.bad) == "revoked"
    world.settle()
    other = ca("Supply Liar")
    world.list = ok(other.crl(at=AT + timedelta(hours=10)))
    assert world.ask(world.bad, timedelta(hours=12)) == "revoked"
    world.settle()
    assert (world.root.url + ".crl", "the answer tells nothing") in world.memory.failures
    assert world.ask(world.bad, timedelta(hours=13)) == "revoked"


def test_lie_is_forgotten_within_the_hour(world: World) -> None:
    genuine, world.list = world.list, ok(ca("Supply Liar").crl())
    assert world.ask(world.bad) == "unknown"
    world.settle()
    world.list = genuine
    assert world.ask(world.bad, timedelta(minutes=10)) == "unknown"
    assert world.ask(world.bad, timedelta(minutes=61)) == "revoked"


# The responder's own times, as hostile as it likes: nothing of them may reach the mail.
@pytest.mark.parametrize(
    "end", [b"2026061611.0000", b"00000616110000Z", b"9999123123-1200", b"99991231235959Z"]
)
def test_odd_end_of_an_answer_does_no_harm(world: World, end: bytes) -> None:
    genuine = world.root.ocsp(world.good)
    said = (AT + timedelta(hours=23)).strftime("%Y%m%d%H%M%SZ").encode()
    assert genuine.count(said) == 1
    world.response = ok(genuine.replace(said, end))
    assert world.ask(world.good) == "good", "by the list"
    world.settle()
    assert all(AT <= each.until <= AT + supplying.LONGEST for each in world.memory.stored.values())
    assert len(world.memory.stored) == 2
    assert world.ask(world.good, timedelta(minutes=5)) == "good"


def test_failure_that_nobody_foresaw_is_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(octets: bytes) -> None:
        raise RecursionError(octets)

    monkeypatch.setattr(supplying, "next_update_of", fails)
    assert world.ask(world.good) == "unknown"
    world.settle()
    assert (world.root.url + ".crl", "the answer cannot be read") in world.memory.failures


def forgetful(world: World) -> TestCA:
    """Return the authority as it was before it revoked anybody."""
    before = TestCA(world.root.name, world.root.key, None, world.root.url)
    before.certificate = world.root.certificate
    return before


# T58: whoever is between us and a responder has all that it ever said, signed and in force
@pytest.mark.parametrize("made_earlier", [timedelta(0), timedelta(hours=3)])
def test_earlier_answer_does_not_take_the_place_of_a_revocation(
    world: World, made_earlier: timedelta
) -> None:
    world.list, world.response = REFUSED, ok(world.root.ocsp(world.bad, days=3))
    assert world.ask(world.bad) == "revoked"
    world.settle()
    replayed = forgetful(world).ocsp(world.bad, at=AT - made_earlier, days=3)
    world.response = ok(replayed)
    assert world.ask(world.bad, timedelta(hours=2)) == "revoked"
    world.settle()
    assert replayed not in [each.octets for each in world.memory.stored.values()]
    assert world.ask(world.bad, timedelta(hours=2, minutes=5)) == "revoked"
    assert world.requests.count(b"POST") == 2, "and it is not asked again for each message"


def test_earlier_list_does_not_take_the_place_of_a_later_one(world: World) -> None:
    assert world.ask(world.bad) == "revoked"
    world.settle()
    world.list = ok(forgetful(world).crl(at=AT - timedelta(hours=3)))
    assert world.ask(world.bad, timedelta(hours=12)) == "revoked"
    world.settle()
    assert world.ask(world.bad, timedelta(hours=12, minutes=5)) == "revoked"


# T58: a certificate of anybody can name the address where another authority publishes
def test_lie_about_somebody_else_does_not_take_the_place_either(world: World) -> None:
    assert world.ask(world.bad) == "revoked"
    world.settle()
    other = ca("Supply Neighbour", url=world.root.url)
    leaf = Certificate.from_der(other.issue("eve@example.org").certificate)
    world.list = ok(forgetful(world).crl(at=AT - timedelta(hours=3)))
    at = AT + timedelta(hours=12)
    validate(leaf, (), anchors(other), at=at, revocation="soft", source=world.supply)
    world.settle()
    assert world.ask(world.bad, timedelta(hours=12, minutes=5)) == "revoked"


def test_later_answer_lifts_a_revocation(world: World) -> None:
    world.list, world.response = REFUSED, ok(world.root.ocsp(world.bad, days=3))
    assert world.ask(world.bad) == "revoked"
    world.settle()
    world.response = ok(forgetful(world).ocsp(world.bad, at=AT + timedelta(hours=2)))
    world.ask(world.bad, timedelta(hours=2))
    world.settle()
    assert world.ask(world.bad, timedelta(hours=2, minutes=5)) == "good"


# T114: a thread that ends in an error leaves a claim that keeps the others away
def test_answer_that_takes_too_long_to_check_tells_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PATH_SECONDS", -1.0)
    (wish, *_) = world.supply._wishes(
        Certificate.from_der(world.good.certificate), Certificate.from_der(world.root.certificate)
    )
    assert not wish.tells(world.root.crl(), AT)
