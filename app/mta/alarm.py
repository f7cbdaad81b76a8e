"""A deadline that moves with every answer, at the cost of an assignment.

Whoever waits for a peer sets it before each wait and clears it after. The loop has one timer for
all of them, which stays where it is: when it goes off it looks which deadline holds by then.
"""

import asyncio
from collections.abc import Callable
from math import inf


class Alarm:
    """Rings when its deadline passes (of the loop's clock, in seconds). Belongs to one loop."""

    __slots__ = ("_at", "_deadline", "_handle", "_loop", "_ring")

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._deadline = inf
        self._handle: asyncio.TimerHandle | None = None
        self._at = inf
        """When the timer goes off; inf where there is none."""

    def set(self, deadline: float) -> None:
        """Ring at this time, and at no other."""
        self._deadline = deadline
        if deadline < self._at:
            self._arm(deadline)

    def clear(self) -> None:
        """Do not ring."""
        self._deadline = inf

    def close(self) -> None:
        """Do not ring, and leave nothing in the loop."""
        self.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle, self._at = None, inf

    def _arm(self, at: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._at = self._loop.call_at(at, self._went_off), at

    def _went_off(self) -> None:
        self._handle, self._at = None, inf
        if self._deadline == inf:
            return
        if self._loop.time() < self._deadline:
            self._arm(self._deadline)
            return
        self.clear()
        self._ring()
