"""A small memory of answers, each for a stretch of time. Shared by the threads of a process."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

T = TypeVar("T")

ENTRIES: Final = 4_096


class Cache(Generic[T]):
    """The answers that were used last; an answer holds from its moment on for some seconds."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._entries = entries
        self._answers: OrderedDict[Hashable, tuple[datetime, datetime, T]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, at: datetime) -> T | None:
        """Return the answer if it holds at this moment."""
        found = self._answers.get(key)
        if found is None or not found[0] <= at <= found[1]:
            return None
        return found[2]

    def put(self, key: Hashable, at: datetime, answer: T, seconds: float) -> None:
        """Keep an answer; the oldest go when there are too many."""
        with self._lock:
            self._answers[key] = (at, at + timedelta(seconds=seconds), answer)
            self._answers.move_to_end(key)
            while len(self._answers) > self._entries:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()
