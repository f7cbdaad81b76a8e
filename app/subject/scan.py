"""Take marks out of a text, in one pass.

Reads the text once and keeps what has been read twice, as it is and as letters. At every closing
bracket it looks back: if the letters since one of the last opening brackets are those of a mark,
both are cut back to it. So a mark inside a mark goes first, the outer one is seen whole afterwards,
and nothing is read twice. The look back is bounded in brackets and letters: time is linear.
"""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from app.subject.brackets import CLOSES, OPENS, SIDES, kind
from app.subject.forms import Forms
from app.subject.skeleton import IGNORABLE, Letters

LOOK_BACK: Final = 8  # opening brackets that a closing one is tried with
ADDRESS_LETTERS: Final = 320  # the longest address that a mark names
_ADDRESS_SIGNS: Final = frozenset("@*<\uff20\ufe6b\uff0a\u2217")


@dataclass(frozen=True, slots=True)
class _Open:
    """Where a bracket was opened: in the text kept so far, and in its letters."""

    at: int
    letters_at: int
    kind: str


class Scan:
    """One reading of one text."""

    def __init__(self, forms: Forms, letters: Letters, *, any_order: bool = False) -> None:
        self._forms: Final = forms
        self._letters: Final = letters
        # Every bracket opens and closes, and letters count backwards too: for texts that a
        # bidirectional control shows in another order.
        self._any_order: Final = any_order
        self._kept: list[str] = []
        self._seen: list[str] = []
        self._opens: list[_Open] = []
        self._judged = 0  # so many of the opens are too far back to begin a mark without an address
        self._heads: list[_Open] = []  # those of them that begin one with an address
        self._signs: list[int] = []  # where signs stand that only addresses have
        self._in_gap = False  # a mark was cut out here: the blanks after it go with it
        self._cut_at = 0

    def read(self, text: str) -> str:
        """Return the text without its marks; everything else in it stays as it is."""
        for char in text:
            side = SIDES[char]
            closes = side == CLOSES or (side == OPENS and self._any_order)
            if not (closes and self._close(char)):
                self._take(char, side)
        if self._in_gap:
            while self._kept and self._kept[-1].isspace():
                self._kept.pop()
        return "".join(self._kept)

    def _take(self, char: str, side: int) -> None:
        if self._in_gap:
            if char.isspace() or char in IGNORABLE:
                return
            self._in_gap = False
        if side == OPENS or (side == CLOSES and self._any_order):
            self._open(char)
        if char in _ADDRESS_SIGNS:
            self._signs.append(len(self._kept))
        self._kept.append(char)
        if not side:
            self._seen.extend(self._letters[char])

    def _open(self, char: str) -> None:
        # Of several brackets before one letter only the innermost begins a mark; the others are
        # taken when the pair they are left with is empty.
        if self._opens and self._opens[-1].letters_at == len(self._seen):
            self._opens.pop()
            self._judged = min(self._judged, len(self._opens))
        self._opens.append(_Open(len(self._kept), len(self._seen), kind(char)))

    def _close(self, char: str) -> bool:
        """Cut back to an opening bracket if a mark ends here; tell whether that was so."""
        if self._leaves_empty_pair():
            self._cut(self._cut_at - 1)
            return True
        self._judge()
        candidates = self._opens[self._judged :][-LOOK_BACK:]
        for opened in reversed(candidates):
            letters = "".join(self._seen[opened.letters_at :])
            if self._is_mark(letters) or (
                self._forms.begins_like(letters) and self._is_named(opened, char)
            ):
                self._cut(opened.at)
                return True
        head = self._heads[-1] if self._heads else None
        if head is None or len(self._seen) - head.letters_at > ADDRESS_LETTERS:
            return False
        if self._is_named(head, char):
            self._cut(head.at)
            return True
        return False

    def _is_mark(self, letters: str) -> bool:
        if self._forms.is_mark(letters):
            return True
        return self._any_order and (
            self._forms.is_mark(letters[::-1]) or self._forms.is_jumbled(letters)
        )

    def _is_named(self, opened: _Open, char: str) -> bool:
        # "(signed by both)" is what people write; in square brackets nobody but us says so.
        if opened.kind == "square":
            return kind(char) == "square"
        if (opened.kind == "angle") != (kind(char) == "angle"):
            return False
        return bool(self._signs) and self._signs[-1] > opened.at

    def _judge(self) -> None:
        """Put the brackets that are too far back by now among the heads, or nowhere."""
        window = self._forms.longest
        while self._judged < len(self._opens):
            opened = self._opens[self._judged]
            if len(self._seen) - opened.letters_at <= window:
                return
            first = self._seen[opened.letters_at : opened.letters_at + window]
            if self._forms.begins_like("".join(first)):
                self._heads.append(opened)
            self._judged += 1

    def _leaves_empty_pair(self) -> bool:
        if not 0 < self._cut_at <= len(self._kept):
            return False
        if SIDES[self._kept[self._cut_at - 1]] != OPENS:
            return False
        return all(char.isspace() for char in self._kept[self._cut_at :])

    def _cut(self, at: int) -> None:
        first = bisect_left(self._opens, at, key=lambda opened: opened.at)
        if first < len(self._opens):
            del self._seen[self._opens[first].letters_at :]
        del self._opens[first:]
        self._judged = min(self._judged, first)
        while self._heads and self._heads[-1].at >= at:
            self._heads.pop()
        while self._signs and self._signs[-1] >= at:
            self._signs.pop()
        del self._kept[at:]
        self._in_gap = not self._kept or self._kept[-1].isspace()
        while at and self._kept[at - 1].isspace():
            at -= 1
        self._cut_at = at
