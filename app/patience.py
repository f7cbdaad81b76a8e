"""How much of a thread's time a piece of work may take before it is given up.

The event loop does small messages itself, and what a stranger can put into a small message may take
long. So whatever can take long asks now and then whether there is still time; where nobody set a
limit there always is. What was given up is begun anew where nobody is kept waiting (T110).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app import clock


class OutOfPatience(Exception):
    """The time is over; nothing is wrong with the message."""


class _Local(threading.local):
    deadline: float | None = None
    """Of the clock on the wall, which costs next to nothing to ask."""
    own_deadline: float = 0.0
    """Of the thread's own time, which is less than the other, and a call of the kernel."""


_local = _Local()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Run a block that may take so much of this thread's own time."""
    _local.deadline = clock.monotonic() + seconds
    _local.own_deadline = time.thread_time() + seconds
    try:
        yield
    finally:
        _local.deadline = None


def tick() -> None:
    """Raise OutOfPatience if the time is over."""
    deadline = _local.deadline
    if (
        deadline is not None
        and clock.monotonic() > deadline
        and time.thread_time() > _local.own_deadline
    ):
        raise OutOfPatience
