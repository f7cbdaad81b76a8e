"""What a text looks like: the skeleton of UTS 39, and a coarser reduction for comparing marks.

``skeleton`` is the standard's: two texts with one skeleton can be taken for one another. ``reduce``
goes further, because a reader who glances at a list of messages sees less than that: accents,
white space, punctuation, symbols and everything invisible are dropped, and what is drawn as a
letter counts as that letter. It is done by the character, so that a caller can reduce as it reads.

The tables come from ``lookalikes.txt``, made by tools/lookalikes.py. UTS 39 §4, UAX 15, UAX 44.
"""

import unicodedata
from importlib import resources
from typing import Final

from app.subject.fancy import FANCY

# Default_Ignorable_Code_Point of Unicode 17 (UAX 44), and nothing else: they show nothing at all.
_IGNORABLE_RANGES: Final = (
    (0x00AD, 0x00AD),
    (0x034F, 0x034F),
    (0x061C, 0x061C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFF8),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
IGNORABLE: Final = frozenset(
    chr(code) for first, last in _IGNORABLE_RANGES for code in range(first, last + 1)
)

KEPT: Final = 8_192  # characters that a table remembers

# Digits that stand in for letters, and for the second look currencies too.
_DIGITS: Final = str.maketrans("0123456789", "olzeasgtbg")
_CURRENCIES: Final = str.maketrans("0123456789$€£!¡@+", "olzeasgtbgseliiat")
_PUNCTUATION: Final = frozenset(("Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps"))
_SIGNS: Final = _PUNCTUATION | {"Sc", "Sk", "Sm"}
# One stroke, whatever it is called: i, l, 1, |, and the dotted and dotless i of Turkish.
_STROKES: Final = str.maketrans("l1|ıİ", "iiiii")
# Letters that look like others only to somebody who wants to read Latin.
_FAUX: Final = str.maketrans("ийяэшщцчьъгзюπꞓəǝɘɜᴈʇʁᴙᴎꝺꝼᵹꞃꞅꞇ", "nnrewwuubbr3oneeeeeetrrndfgrst")
# Alphabets that UTS 39 leaves alone, letter by letter where they are drawn like Latin.
_ANCIENT: Final = str.maketrans(
    "𐌰𐌱𐌲𐌳𐌴𐌶𐌷𐌹𐌺𐌻𐌼𐌽𐍀𐍂𐍃𐍄𐍅𐍆𐍇𐌀𐌁𐌂𐌃𐌄𐌅𐌆𐌇𐌉𐌊𐌋𐌌𐌍𐌏𐌐𐌒𐌓𐌔𐌕𐌖𐌗𐌙ⵊⴹⵎ",
    "abgdezhiklmnprstyfxabcdefzhiklmnopqrstvxyiec",
)
# Words in one character, shown as pictures.
_WORDS: Final = {
    "🆎": "ab",
    "🆒": "cool",
    "🆔": "id",
    "🆕": "new",
    "🆖": "ng",
    "🆗": "ok",
    "🆚": "vs",
}
# One letter drawn as two; after the strokes, so that the last is cl.
_PAIRS: Final = {"m": "rn", "w": "vv", "d": "ci"}


def _tables() -> tuple[dict[int, str], dict[str, str]]:
    text = (resources.files("app.subject") / "lookalikes.txt").read_text("utf-8")
    prototypes: dict[int, str] = {}
    letters: dict[str, str] = {}
    in_letters = False
    for line in text.splitlines():
        target, found, sources = line.partition(" = ")
        if line == "[letters]":
            in_letters = True
        elif found and not line.startswith("#"):
            shown = "".join(chr(int(code, 16)) for code in target.split())
            for code in sources.split():
                if in_letters:
                    letters[chr(int(code, 16))] = shown
                else:
                    prototypes[int(code, 16)] = shown
    return prototypes, letters


_PROTOTYPES, _LETTERS = _tables()


def skeleton(text: str) -> str:
    """Return the skeleton of a text: equal skeletons mean that the texts look alike (UTS 39 §4)."""
    if text.isascii():
        return text.translate(_PROTOTYPES)
    parts = unicodedata.normalize("NFD", text)
    seen = "".join(char for char in parts if char not in IGNORABLE)
    return unicodedata.normalize("NFD", seen.translate(_PROTOTYPES))


class Letters(dict[str, str]):
    """Character -> the Latin letters, or letters of any script, that a reader sees in it.

    Read by index; found out when asked for, and kept up to a bound. There are two, because
    case-folding before looking and looking before case-folding show different things: a Greek
    capital nu is an N, a small one a v. The first of them also takes m for rn, w for vv, d for cl.
    """

    def __init__(self, *, fold_first: bool) -> None:
        super().__init__()
        self._fold_first = fold_first

    def __missing__(self, char: str) -> str:
        shown = self._shown(char)
        # A sender may use every character there is; the memory is ours.
        if len(self) >= KEPT:
            self.clear()
        self[char] = shown
        return shown

    def _shown(self, char: str) -> str:
        if char in IGNORABLE:
            return ""
        if char in FANCY and not self._fold_first:
            return FANCY[char].translate(_STROKES)
        # Some characters are another letter by their compatibility form: a lunate sigma is drawn c.
        seen = "" if self._fold_first else skeleton(char)
        if unicodedata.category(char) in (_PUNCTUATION if self._fold_first else _SIGNS):
            # Dropped, but for the few that are drawn as one letter.
            seen = seen if len(seen) == 1 and seen.isascii() and seen.isalnum() else ""
        elif not (seen.isascii() and seen.isalnum()):
            compatible = unicodedata.normalize("NFKC", char)
            if self._fold_first:
                compatible = compatible.casefold()
            seen = "".join(map(_seen, unicodedata.normalize("NFKD", compatible)))
            # Pictures of words are left out at first sight, and read at second.
            seen = _WORDS.get(char, seen) if self._fold_first else seen
        stand_ins = _CURRENCIES if self._fold_first else _DIGITS
        folded = seen.casefold().translate(_FAUX).translate(stand_ins).translate(_STROKES)
        letters = "".join(filter(_is_kept, unicodedata.normalize("NFKD", folded)))
        for one, two in _PAIRS.items():
            letters = letters.replace(one, two) if self._fold_first else letters.replace(two, one)
        return letters


def _seen(char: str) -> str:
    shown = skeleton(char)
    if shown.isascii():
        return shown
    digit = unicodedata.decimal(char, -1)
    if digit >= 0:
        return str(digit)
    return _LETTERS.get(char) or shown.translate(_ANCIENT)


def _is_kept(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] in "LN" and category != "Lm"


AS_SEEN: Final = Letters(fold_first=False)
AS_FOLDED: Final = Letters(fold_first=True)


def reduce(text: str, letters: Letters = AS_SEEN) -> str:
    """Return the letters that a reader sees, without case, accents and whatever is between."""
    return "".join([letters[char] for char in text])
