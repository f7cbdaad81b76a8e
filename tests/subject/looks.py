"""An eye that shares no code with the cleaner: what does a subject show to somebody who glances?"""

import itertools
import unicodedata
from collections.abc import Iterator

# Enough of UTS 39 by hand for what the tests write.
ALIKE = str.maketrans(
    {
        **dict.fromkeys("l1|ıİіӏɪⅼǀΙІ", "i"),
        **dict.fromkeys("аɑαΑА", "a"),
        **dict.fromkeys("ԁ", "d"),
        **dict.fromkeys("еєΕЕ", "e"),
        **dict.fromkeys("ɡց", "g"),
        **dict.fromkeys("ոпΝ", "n"),
        **dict.fromkeys("оοО0Ο", "o"),
        **dict.fromkeys("ѕЅ", "s"),
        **dict.fromkeys("тΤТ", "t"),
        **dict.fromkeys("гᴦ", "r"),
        **dict.fromkeys("сϲС", "c"),
    }
)
INVISIBLE = frozenset(
    chr(code)
    for first, last in (
        (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5),
        (0x180B, 0x180F), (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164),
        (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xE0000, 0xE0FFF),
    )
    for code in range(first, last + 1)
)  # fmt: skip
OPENING = frozenset("([{<«‹【［⟦「『〔〖❲⦋❨⟨")
CLOSING = frozenset(")]}>»›】］⟧」』〕〗❳⦌❩⟩")

ROUND = {**dict.fromkeys("(){}❨❩", "round"), **dict.fromkeys("<>«»‹›⟨⟩", "angle")}


def letters(text: str) -> str:
    """Return the letters of a text as a reader takes them in."""
    shown = unicodedata.normalize("NFKC", text)
    seen = "".join(char for char in shown if char not in INVISIBLE)
    folded = seen.translate(ALIKE).casefold().translate(ALIKE)
    plain = unicodedata.normalize("NFKD", folded)
    kept = "".join(char for char in plain if char.isalnum())
    return kept.translate(ALIKE).replace("m", "rn")


def bracketed(text: str) -> Iterator[tuple[str, bool]]:
    """Give the letters inside every pair of brackets, and whether one of the two is square."""
    opens = [at for at, char in enumerate(text) if char in OPENING]
    closes = [at for at, char in enumerate(text) if char in CLOSING]
    for begin, end in itertools.product(opens, closes):
        kinds = {ROUND.get(text[begin], "square"), ROUND.get(text[end], "square")}
        if begin < end and (len(kinds) == 1 or "square" in kinds):
            yield letters(text[begin + 1 : end]), "square" in kinds


def distance(first: str, second: str) -> int:
    """Return the edit distance, by the table of the textbook."""
    row = list(range(len(second) + 1))
    for at, left in enumerate(first, 1):
        previous, row[0] = row[0], at
        for to, right in enumerate(second, 1):
            previous, row[to] = row[to], min(
                row[to] + 1, row[to - 1] + 1, previous + (left != right)
            )  # fmt: skip
    return row[-1]


def renders_like(text: str, marks: frozenset[str]) -> str:
    """Return the mark that a reader could see in the text, "" for none."""
    for inside, is_square in bracketed(text):
        for mark in marks:
            # In round brackets "signé" is a word.
            is_stem = not is_square and len(mark) == 6 and inside == mark[:-1]
            near = 1 if len(mark) >= 6 and not is_stem else 0
            if abs(len(inside) - len(mark)) <= near and distance(inside, mark) <= near:
                return mark
    return ""
