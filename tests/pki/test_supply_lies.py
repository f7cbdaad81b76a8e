"""Answers that are none, end at odd times or come from a liar: unknown, named, harmless (T58)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app.pki import fetch as fetching
from app.pki import supply as supplying
from tests.pki.supplying import REFUSED, World
from tests.pki.test_fetch import ok
from tests.testpki import AT, ca

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
