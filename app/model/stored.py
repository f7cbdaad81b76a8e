"""How values are stored that a column cannot hold as they are.

A time is an integer: microseconds since 1970 in UTC, so that SQLite and PostgreSQL compare and
index it alike. Lists and mappings are JSON text.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def stamp(at: datetime) -> int:
    """Return a moment as it is stored."""
    return (at - _EPOCH) // _MICROSECOND


def moment(stamped: int) -> datetime:
    """Return the moment that was stored."""
    return _EPOCH + stamped * _MICROSECOND


def storable(text: str) -> str:
    """Return text without what no database takes: U+0000 and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), default=str)


def pack(value: object) -> str:
    """Return a list or a mapping as it is stored: ASCII, so that no text of a peer can spoil it.

    What JSON does not know, such as a time, is stored as its text.
    """
    return _ENCODER.encode(value)


def unpack(text: str) -> Any:  # noqa: ANN401 - whatever was packed
    """Return what was packed."""
    return json.loads(text)
