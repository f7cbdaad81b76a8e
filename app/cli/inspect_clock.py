"""Whether the clock can be right: by it certificates are valid or ended, and answers fresh (T135).

A clock that stands wrong judges every signature wrongly and says so nowhere. Two things are known
without asking anybody: when this version was made, and what has happened already.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from app.cli.weakness import WRONG, Weakness
from app.model.database import Database
from app.model.stored import moment

MADE: Final = datetime(2026, 6, 1, tzinfo=UTC)
"""No later than this version was made."""
_STEP: Final = timedelta(seconds=60)
_LAST: Final = (
    "SELECT MAX(at) FROM trace",
    "SELECT MAX(added_at) FROM domain",
    "SELECT MAX(added_at) FROM pending",
)
_REMEDY: Final = "Set the clock and keep it right (timedatectl set-ntp true)."


def inspect_clock(database: Database, at: datetime) -> Iterator[Weakness]:
    """Give what shows that the clock is wrong, or was."""
    if at < MADE:
        yield Weakness(
            "clock",
            WRONG,
            f"The clock says {at:%Y-%m-%d %H:%M} UTC, which is before this version was made.",
            _REMEDY,
        )
    stamps = [found for query in _LAST if (found := database.sql(query)[0][0]) is not None]
    last = max(map(moment, stamps), default=at)
    if last > at + _STEP:
        yield Weakness(
            "clock-stepped",
            WRONG,
            f"The clock says {at:%Y-%m-%d %H:%M} UTC, and something is recorded for"
            f" {last:%Y-%m-%d %H:%M}: it is wrong now, or was then.",
            _REMEDY,
        )
