"""A bounded cache that forgets everything when the store changes."""

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ENTRIES_AT_MOST: Final = 50_000


class VersionedCache(Generic[K, V]):
    """Values that hold for one version of the store. Threads may share it without a lock.

    Two threads may make the same value at once; both are right. A value is never kept for a later
    version than the one it was made for.
    """

    def __init__(self, limit: int = ENTRIES_AT_MOST) -> None:
        self._limit = limit
        self._held: tuple[int, dict[K, V]] = (-1, {})

    def get(self, version: int, key: K, make: Callable[[K], V]) -> V:
        """Return the value of a key, made if this version has none yet."""
        held_version, values = self._held
        if held_version != version:
            values = {}
            self._held = (version, values)
        if key in values:
            return values[key]
        value = make(key)
        if len(values) >= self._limit:
            values.clear()
        values[key] = value
        return value
