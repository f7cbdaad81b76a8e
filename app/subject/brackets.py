"""Brackets: what opens and what closes, of every kind that Unicode has, and what is drawn like one.

Quotation marks are no brackets here: people write them around words that only happen to be those of
a mark. Guillemets and corner brackets are: they stand where others put brackets. UAX 44.
"""

import unicodedata
from functools import lru_cache
from typing import Final

from app.subject.skeleton import KEPT, skeleton

NEITHER: Final = 0
OPENS: Final = 1
CLOSES: Final = 2
BAR: Final = 3  # does both

_QUOTES: Final = frozenset(
    "\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2e42\u301d\u301e\u301f"
)
# No brackets by their category, but drawn like one: signs, halves of tall brackets, box drawings,
# subset signs, and letters of Bopomofo, Hangul, kana, Han and the Canadian syllabics.
_OPENING: Final = frozenset(
    "<\u02c2\u02f9\u02fb\u1103\u1455\u2282\u228f\u226a\u22d8\u231c\u231e\u239b\u239d\u23a1\u23a3"
    "\u23a7\u23a9\u250c\u250f\u2514\u2517\u2554\u255a\u2a6a\u3137\u5318\u531a"
    "\ua9c1\u227a\u2286\u2291\u22e4\u2acf\u23a8\u23b0\u2a7d\u2320\u2343\u3108\u5182\u2e86"
)
_CLOSING: Final = frozenset(
    ">\u02c3\u02fa\u02fc\u1450\u2283\u2290\u226b\u22d9\u231d\u231f\u239e\u23a0\u23a4\u23a6"
    "\u23ab\u23ad\u2510\u2513\u2518\u251b\u2557\u255d\u30b3\u30e7"
    "\ua9c2\u227b\u2287\u2292\u22e5\u2ad0\u23ac\u23b1\u2a7e\u2321\u2344"
)
_BARS: Final = frozenset(
    "|\u00a6\u01c0\u01c1\u2016\u2223\u2225\u239c\u239f\u23a2\u23a5\u23aa\u23b8\u23b9\u23d0\u2502"
    "\u2503\u2551\u258f\u2595\u2758\u2759\u275a\u2980\u4e28\ufd3e\ufd3f\uff5c\uffe8"
    # Edges of boxes, blocks and pointers, which stand on either side; dotted bars and the dandas.
    "\u2560\u255e\u255f\u251c\u251d\u2520\u2523\u2563\u2561\u2562\u2524\u2525\u2528\u252b"
    "\u256a\u256b\u258c\u2590\u2588\u258a\u258b\u2589\u25a0\u25ae\u25af\u2afe\u2e3e\u22ee"
    "\ufe31\ufe33\u2e3d\u2999\ufe19\u05c0\u0964\u0965\u104a\u31d1\u3163\u205e\u2506\u2507"
    "\u250a\u250b\u254e\u254f\u2f01\u2af4\u2afc\U0001d100\u25c0\u25b6\u25c1\u25b7\u25c2\u25b8"
    "\u25c3\u25b9\u25c4\u25ba\u22b2\u22b3"
)
_ANGLES: Final = frozenset("<>\u00ab\u00bb\u2039\u203a\u226a\u226b\u02c2\u02c3")
_ROUND_NAMES: Final = ("PARENTHESIS", "CURLY BRACKET")


class Sides(dict[str, int]):
    """Character -> its side; found out when asked for, and kept up to a bound."""

    def __missing__(self, char: str) -> int:
        side = _side(char)
        if len(self) >= KEPT:
            self.clear()
        self[char] = side
        return side


def _side(char: str) -> int:
    if char in _QUOTES:
        return NEITHER
    if char in _BARS:
        return BAR
    shown = skeleton(char)
    category = unicodedata.category(char)
    if category in {"Ps", "Pi"} or char in _OPENING or shown in {"(", "[", "{", "<", "<<"}:
        return OPENS
    if category in {"Pe", "Pf"} or char in _CLOSING or shown in {")", "]", "}", ">", ">>"}:
        return CLOSES
    return NEITHER


@lru_cache(maxsize=1_024)
def kind(char: str) -> str:
    """Return "angle", "round" (curly too), "bar", or "square": what looks like ours."""
    if char in _ANGLES:
        return "angle"
    if char in _BARS:
        return "bar"
    if char in "(){}" or any(part in unicodedata.name(char, "") for part in _ROUND_NAMES):
        return "round"
    return "square"


SIDES: Final = Sides()
