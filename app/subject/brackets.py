"""Brackets: what opens, what closes, and what mirrors what, of every kind that Unicode has.

Quotation marks are no brackets here: people write them around words that only happen to be those of
a mark. Guillemets and corner brackets are: they stand where others put brackets. UAX 44.
"""

import unicodedata
from typing import Final

from app.subject.skeleton import KEPT, skeleton

OPENS: Final = 1
CLOSES: Final = -1
NEITHER: Final = 0

# Ps, Pe, Pi and Pf without the quotation marks, and the upper and lower halves of tall brackets.
_QUOTES: Final = frozenset(
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2e42\u301d\u301e\u301f"
)
_OPENING: Final = frozenset("<\u226a\u22d8\u239b\u239d\u23a1\u23a3\u23a7\u23a9\u231c\u231e\u02c2")
_CLOSING: Final = frozenset(">\u226b\u22d9\u239e\u23a0\u23a4\u23a6\u23ab\u23ad\u231d\u231f\u02c3")
_ANGLES: Final = frozenset("<>\u00ab\u00bb\u2039\u203a\u226a\u226b\u02c2\u02c3")
_ROUND_NAMES: Final = ("PARENTHESIS", "CURLY BRACKET")


class Sides(dict[str, int]):
    """Character -> OPENS, CLOSES or NEITHER; found out when asked for, and kept up to a bound."""

    def __missing__(self, char: str) -> int:
        side = _side(char)
        if len(self) >= KEPT:
            self.clear()
        self[char] = side
        return side


def _side(char: str) -> int:
    if char in _QUOTES:
        return NEITHER
    # Letters of other scripts that are drawn like a bracket count as one.
    shown = skeleton(char)
    category = unicodedata.category(char)
    if category in {"Ps", "Pi"} or char in _OPENING or shown in {"(", "[", "{", "<", "<<"}:
        return OPENS
    if category in {"Pe", "Pf"} or char in _CLOSING or shown in {")", "]", "}", ">", ">>"}:
        return CLOSES
    return NEITHER


def kind(char: str) -> str:
    """Return "angle", "round" (curly ones too) or "square": what looks like those of the marks."""
    if char in _ANGLES:
        return "angle"
    if char in "(){}" or any(part in unicodedata.name(char, "") for part in _ROUND_NAMES):
        return "round"
    return "square"


SIDES: Final = Sides()
