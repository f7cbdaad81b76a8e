"""Revocation data come from the cache, and from the network beside the mail path (T113-T115)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.pki import fetch as fetching
from app.pki import flights
from app.pki import supply as supplying
from app.pki.certificate import Certificate
from app.pki.path import validate
from app.pki.supply import Supply
from tests.pki.asking import anchors
from tests.pki.supplying import REFUSED, World
from tests.pki.test_fetch import ok
from tests.testpki import AT, ca


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # Long enough for a machine that is busy with other tests.
    monkeypatch.setattr(fetching, "SECONDS", 60.0)
    made = World()
    yield made
    made.server.close()


def test_first_question_waits_and_the_next_ones_do_not(world: World) -> None:
    assert world.ask(world.good) == "good"
    assert world.ask(world.bad) == "revoked"
    assert world.ask(world.good) == "good"
    world.settle()
    # One list for all; the responder, who is asked about each, answers nobody.
    assert world.requests == [b"GET", b"POST", b"POST"]


def test_responder_answers_where_the_list_is_missing(world: World) -> None:
    world.list, world.response = REFUSED, ok(world.root.ocsp(world.bad))
    assert world.ask(world.bad) == "revoked"
    assert world.ask(world.good) == "unknown"


def test_silent_responder_is_waited_for_once_and_briefly(world: World) -> None:
    world.supply._wait_seconds = 0.2
    world.gate.clear()
    began = time.monotonic()
    assert world.ask(world.good) == "unknown"
    assert time.monotonic() - began < 10
    world.gate.set()
    world.settle()
    assert world.ask(world.good) == "good"


# T115: another certificate of the same authority must not wait again
def test_who_was_slow_is_not_waited_for_again_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.list, world.response = REFUSED, ok(world.root.ocsp(world.bad))
    world.supply._wait_seconds = 0.1
    world.gate.clear()
    assert world.ask(world.good) == "unknown"
    world.supply._wait_seconds = 30
    began = time.monotonic()
    assert world.ask(world.bad) == "unknown"
    assert time.monotonic() - began < 10
    world.gate.set()
    world.settle()
    assert world.ask(world.bad) == "revoked", "it came all the same"


# T115
def test_where_nobody_may_wait_it_is_fetched_meanwhile(world: World) -> None:
    def refuse() -> None:
        raise BlockingIOError

    world.supply._before_waiting = refuse
    with pytest.raises(BlockingIOError):
        world.ask(world.good)
    world.settle()
    assert world.ask(world.good) == "good"


def test_long_list_is_not_checked_where_nobody_may_wait(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise BlockingIOError

    assert world.ask(world.good) == "good"
    world.settle()
    world.supply._before_waiting = refuse
    # The list is known; what the responder says is not waited for either.
    world.supply._flights._slow.note(world.root.url + ".ocsp")
    assert world.ask(world.good) == "good"
    monkeypatch.setattr(supplying, "LARGE_OCTETS", 10)
    with pytest.raises(BlockingIOError):
        world.ask(world.good)


def test_without_a_guard_nobody_is_asked(world: World) -> None:
    alone = Supply(world.memory, None)
    fetching, world.supply = world.supply, alone
    assert world.ask(world.good) == "unknown"
    assert world.requests == []
    world.supply = fetching
    world.ask(world.good)
    world.settle()
    world.supply = alone
    assert world.ask(world.good) == "good"


def test_one_responder_does_not_keep_the_others_waiting(world: World) -> None:
    world.supply._wait_seconds = 0
    world.gate.clear()
    for number in range(6):
        world.ask(world.root.issue(f"n{number}@example.org"))
    assert len(world.supply._flights) == 1 + supplying.THREADS_EACH
    world.gate.set()
    world.settle()


def test_what_failed_is_left_alone_for_a_while(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, world.list = world.list, REFUSED
    assert world.ask(world.good) == "unknown"
    world.settle()
    world.list = genuine
    assert world.ask(world.good) == "unknown"
    assert world.requests == [b"GET", b"POST"]
    monkeypatch.setattr(flights, "RETRY_SECONDS", -1.0)
    assert world.ask(world.good) == "good"


def test_old_answer_is_given_and_fetched_anew_meanwhile(world: World) -> None:
    assert world.ask(world.good) == "good"
    world.settle()
    newer = world.root.crl(at=AT + timedelta(days=1, hours=6), number=2)
    world.list = ok(newer)
    world.supply._wait_seconds = 0
    # Half a day later it is good for six days more, and yet it is fetched anew.
    assert world.ask(world.good, timedelta(hours=12)) == "good"
    world.settle()
    assert newer in [each.octets for each in world.memory.stored.values()]


def test_young_answer_is_not_fetched_anew(world: World) -> None:
    assert world.ask(world.good) == "good"
    world.settle()
    assert world.ask(world.good, timedelta(hours=5)) == "good"
    world.settle()
    assert world.requests.count(b"GET") == 1


def test_answer_that_ended_is_not_given(world: World) -> None:
    assert world.ask(world.good) == "good"
    world.settle()
    world.list = REFUSED
    assert world.ask(world.good, timedelta(days=30)) == "unknown"


def test_certificate_without_a_path_is_not_asked_about(world: World) -> None:  # T113
    leaf = Certificate.from_der(world.good.certificate)
    stranger = anchors(ca("Supply Stranger"))
    assert validate(leaf, (), stranger, at=AT, source=world.supply).status == "untrusted"
    assert world.requests == []


def test_many_messages_at_once_cause_one_fetch(world: World) -> None:  # T114
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(world.ask, [world.good] * 50))
    assert set(answers) == {"good"}
    world.settle()
    assert world.requests == [b"GET", b"POST"]
