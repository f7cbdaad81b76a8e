"""A thread has the time it was given, of its own and not of the clock on the wall."""

import time

import pytest

from app import patience
from app.patience import OutOfPatience, at_most
from tests.timing import own_time


def _work(seconds: float) -> None:
    """Use so much of this thread's own time, asking now and then."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        patience.tick()


def test_without_a_limit_there_is_always_time() -> None:
    _work(0.01)


def test_work_ends_when_its_own_time_is_over() -> None:
    # T110
    with own_time() as own, pytest.raises(OutOfPatience), at_most(0.05):
        _work(1)
    assert 0.025 <= own.seconds < 0.5


def test_half_of_the_time_is_always_there() -> None:
    with own_time(), at_most(0.2):
        _work(0.05)


def test_time_in_which_others_had_the_core_does_not_count() -> None:
    with own_time(), at_most(0.1):
        time.sleep(0.15)
        _work(0.02)


def test_limit_ends_with_its_block() -> None:
    with at_most(0.0):
        pass
    _work(0.01)
