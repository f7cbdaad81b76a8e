"""How long a piece of work takes by itself, whatever else this machine does.

A bound of time is a claim about the work. The time is the thread's own, so that neighbours do not
count, and no garbage is collected meanwhile: in a process that holds thousands of tests that takes
longer than what is measured, and falls on whoever comes along.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf


@dataclass
class Own:
    """What a block took."""

    seconds: float = inf


@contextmanager
def own_time() -> Iterator[Own]:
    """Measure this thread's own time; ``seconds`` is known after the block."""
    own, was_on = Own(), gc.isenabled()
    gc.disable()
    try:
        began = time.thread_time()
        yield own
        own.seconds = time.thread_time() - began
    finally:
        if was_on:
            gc.enable()


def least_seconds(work: Callable[[], object], enough: float, tries: int = 10) -> float:
    """Return the own time of the quickest try; none is made after one that took less than enough.

    For bounds that are near to what the work takes: a core that is shared or slow for a moment only
    adds to it. What is remembered from one try to the next would make this a lie.
    """
    best = inf
    for _ in range(tries):
        with own_time() as own:
            work()
        best = min(best, own.seconds)
        if best < enough:
            break
    return best
