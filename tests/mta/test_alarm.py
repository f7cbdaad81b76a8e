"""A deadline that moves rings when it has passed, once, and not before."""

import asyncio
import time

from app.mta.alarm import Alarm


def rung(*moves: tuple[float, float | None], wait: float) -> list[float]:
    """Return when an alarm rang; each move is when, and to which deadline (None: cleared)."""

    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        began, times = loop.time(), list[float]()
        alarm = Alarm(loop, lambda: times.append(loop.time() - began))
        for at, deadline in moves:
            await asyncio.sleep(max(0.0, began + at - loop.time()))
            if deadline is None:
                alarm.clear()
            else:
                alarm.set(began + deadline)
        # Whoever was kept from looking gives the alarm a moment all the same.
        await asyncio.sleep(max(0.1, began + wait - loop.time()))
        alarm.close()
        return times

    return asyncio.run(scene())


def test_it_rings_once_when_the_deadline_has_passed() -> None:
    (at,) = rung((0, 0.05), wait=0.2)
    assert at >= 0.05


def test_deadline_that_moves_on_rings_later() -> None:
    (at,) = rung((0, 0.05), (0, 0.15), wait=0.4)
    assert at >= 0.15


def test_deadline_that_moves_back_rings_earlier() -> None:
    (at,) = rung((0, 30.0), (0.01, 0.05), wait=0.3)
    assert at < 5


def test_cleared_one_does_not_ring_and_can_be_set_again() -> None:
    assert rung((0, 0.05), (0, None), wait=0.15) == []
    (at,) = rung((0, 0.05), (0, None), (0.1, 0.15), wait=0.4)
    assert at >= 0.15


def test_deadline_in_the_past_rings_at_once() -> None:
    (at,) = rung((0, -1.0), wait=0.1)
    assert at >= 0


def test_closed_one_leaves_nothing_in_the_loop() -> None:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        alarm = Alarm(loop, lambda: None)
        alarm.set(loop.time() + 3600)
        alarm.close()
        alarm.close()

    began = time.monotonic()
    asyncio.run(scene())
    assert time.monotonic() - began < 60
