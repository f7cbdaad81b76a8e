"""The one place that asks what time it is.

Everything else takes ``at`` as an argument, so that a verdict of last year can be repeated today.
"""

import time
from datetime import UTC, datetime


def now() -> datetime:
    """Return the current moment, aware, UTC."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Return seconds that never run backwards, for deadlines and timers."""
    return time.monotonic()
