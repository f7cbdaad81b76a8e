"""How many examples a property gets: all it asks for in ``make test``, few in ``make check``."""

from typing import Any

from hypothesis import settings

ORDINARY = 100
"""What hypothesis takes where nothing is said; the profile of ``make check`` takes less."""


def examples(count: int, **others: Any) -> settings:
    """Return the settings of a property that wants so many examples."""
    given = settings.default
    assert given is not None
    few = given.max_examples
    return settings(max_examples=min(count, few) if few < ORDINARY else count, **others)
