"""How much reading a subject is worth.

People write subjects of some hundred characters with a handful of brackets. One that takes more
reading than any of those was made to take long (T36, T63), and is taken apart instead: that needs
no reading. The measure is work done and not time, so that the same subject always comes out the
same.
"""

from typing import Final

MOST: Final = 70_000
"""Characters read; half of them are spent on a subject of 10 KB with a hundred brackets."""
BRACKET: Final = 10  # a bracket takes as long as so many other characters
TRIED: Final = 2  # letters compared with those of the marks


class TooMuch(Exception):
    """The subject is not worth it."""


class Effort:
    """What is left of it."""

    def __init__(self, units: int = MOST) -> None:
        self._left = units

    def spend(self, units: int) -> None:
        """Take note of work, in characters read. Raises TooMuch if nothing is left."""
        self._left -= units
        if self._left < 0:
            raise TooMuch
