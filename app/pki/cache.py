"""A small memory of answers, each for a stretch of time.

Shared by the threads of a process without a lock, so that a fork in the middle leaves nothing held:
a dictionary that is full becomes the old one, and a new one takes its place.
"""

from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

T = TypeVar("T")

ENTRIES: Final = 4_096


class Cache(Generic[T]):
    """The answers that were used last; an answer holds from its moment on for some seconds."""

    def __init__(self, entries: int = ENTRIES) -> None:
        self._half = max(1, entries // 2)
        self._young: dict[Hashable, tuple[datetime, datetime, T]] = {}
        self._old: dict[Hashable, tuple[datetime, datetime, T]] = {}

    def get(self, key: Hashable, at: datetime) -> T | None:
        """Return the answer if it holds at this moment."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self._keep(key, found)
        if found is None or not found[0] <= at <= found[1]:
            return None
        return found[2]

    def put(self, key: Hashable, at: datetime, answer: T, seconds: float) -> None:
        """Keep an answer; those that nobody asked for go when there are too many."""
        self._keep(key, (at, at + timedelta(seconds=seconds), answer))

    def _keep(self, key: Hashable, entry: tuple[datetime, datetime, T]) -> None:
        young = self._young
        if len(young) >= self._half and key not in young:
            self._old, self._young = young, {}
            young = self._young
        young[key] = entry

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old = {}, {}
