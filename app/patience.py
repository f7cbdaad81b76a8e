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
    half: float = 0.0
    """Half of what was given, in seconds."""
    deadline: float | None = None
    """Of the clock on the wall: when the first half is over at the earliest."""
    own_deadline: float | None = None
    """Of the thread's own time, which is less than the other: when the second half is over."""


_local = _Local()


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Run a block that may take so much of this thread's own time, and may have half of it.

    The kernel is not asked for the thread's own time before the first half is over on the wall:
    whenever it is asked it looks whether another process should have the core, and then a worker
    under load lost it with every message.
    """
    _local.half = seconds / 2
    _local.deadline = clock.monotonic() + _local.half
    _local.own_deadline = None
    try:
        yield
    finally:
        _local.deadline = None


def tick() -> None:
    """Raise OutOfPatience if the time is over."""
    if _local.deadline is None or clock.monotonic() <= _local.deadline:
        return
    if _local.own_deadline is None:
        _local.own_deadline = time.thread_time() + _local.half
    elif time.thread_time() > _local.own_deadline:
        raise OutOfPatience
