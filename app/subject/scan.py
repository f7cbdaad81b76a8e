"""Take marks out of a text, in one pass.

Reads the text once and keeps what has been read twice, as it is and as letters. At every closing
bracket it looks back: if the letters since one of the last opening brackets are those of a mark,
both are cut back to it. So a mark inside a mark goes first, the outer one is seen whole afterwards,
and nothing is read twice. A square bracket without its other half is tried with the words beside
it. The look back is bounded in brackets, words and letters: time is linear. behaviour.md B9.
"""

from bisect import bisect_left
from typing import Final

from app.subject.brackets import BAR, CLOSES, NEITHER, OPENS, SIDES, kind
from app.subject.forms import Forms
from app.subject.skeleton import IGNORABLE, Letters

LOOK_BACK: Final = 12  # opening brackets, or words, that a closing bracket is tried with
HEADS: Final = 4  # of those, further back, that begin a mark with an address
ADDRESS_LETTERS: Final = 320  # the longest address that a mark names
_ADDRESS_SIGNS: Final = frozenset("@*<\uff20\ufe6b\uff0a\u2217")


class Scan:
    """One reading of one text."""

    def __init__(self, forms: Forms, letters: Letters, *, any_order: bool = False) -> None:
        self._forms: Final = forms
        self._letters: Final = letters
        # Every bracket opens and closes, and letters count in any order: for texts that a
        # bidirectional control shows in another one.
        self._any_order: Final = any_order
        self._kept: list[str] = []
        self._seen: list[str] = []
        self._before: list[int] = []  # how many letters were seen before each kept character
        # Places in the kept text, in order:
        self._opens: list[int] = []
        self._unclosed: list[int] = []  # square brackets
        self._words: list[int] = []
        self._signs: list[int] = []  # signs that only addresses have
        self._heads: list[int] = []  # opens, far back, that begin a mark with an address
        self._judged = 0  # so many of the opens are too far back for any other mark
        self._in_gap = False  # a mark was cut out here: the blanks after it go with it
        self._cut_at = 0

    def read(self, text: str) -> str:
        """Return the text without its marks; everything else in it stays as it is."""
        for char in text:
            side = SIDES[char]
            if not (self._may_close(side) and self._close(char)):
                self._take(char, side)
        for at in reversed(self._unclosed[:LOOK_BACK]):
            end = 0 if self._any_order else self._end_of_words(at + 1)
            if end:
                del self._kept[at:end]
                self._in_gap = self._in_gap or at == len(self._kept)
        if self._in_gap:
            while self._kept and self._kept[-1].isspace():
                self._kept.pop()
        return "".join(self._kept)

    def _may_close(self, side: int) -> bool:
        return side in {CLOSES, BAR} or (side == OPENS and self._any_order)

    def _take(self, char: str, side: int) -> None:
        if self._in_gap:
            if char.isspace() or char in IGNORABLE:
                return
            self._in_gap = False
        at = len(self._kept)
        if side == NEITHER and (not at or not self._letters[self._kept[-1]]):
            self._words.append(at)
        if side:
            self._note_bracket(char, side, at)
        if char in _ADDRESS_SIGNS:
            self._signs.append(at)
        self._kept.append(char)
        self._before.append(len(self._seen))
        # A bar is a letter as well: S|GNED.
        if side in {NEITHER, BAR}:
            self._seen.extend(self._letters[char])

    def _note_bracket(self, char: str, side: int, at: int) -> None:
        if side == CLOSES and not self._any_order:
            if self._unclosed and kind(char) == "square":
                self._unclosed.pop()
            return
        # Of several brackets of a kind before one letter only the innermost begins a mark; the
        # others are taken when the pair they are left with is empty.
        for place in reversed(self._opens):
            if self._inside(place) != len(self._seen):
                break
            if kind(self._kept[place]) == kind(char):
                del self._opens[bisect_left(self._opens, place)]
                self._judged = min(self._judged, len(self._opens))
                break
        self._opens.append(at)
        if kind(char) == "square":
            self._unclosed.append(at)

    def _close(self, char: str) -> bool:
        """Cut back to where a mark begins if one ends here; tell whether that was so."""
        at = self._find_begin(char)
        if at < 0:
            return False
        self._cut(at)
        return True

    def _find_begin(self, char: str) -> int:
        if self._leaves_empty_pair():
            return self._cut_at - 1
        self._judge()
        look_back = LOOK_BACK // 2 if self._any_order else LOOK_BACK
        for at in reversed(self._opens[self._judged :][-look_back:]):
            if not self._is_pair(at, char):
                continue
            letters = self._letters_from(self._inside(at))
            if self._is_mark(letters, at, char) or (
                self._forms.begins_like(letters) and self._is_named(at, char)
            ):
                return at
        for head in reversed(self._heads[-HEADS:]):
            is_near = len(self._seen) - self._before[head] <= ADDRESS_LETTERS
            if is_near and self._is_named(head, char):
                return head
        if self._unclosed or kind(char) != "square":
            return -1
        return self._find_word()

    def _find_word(self) -> int:
        """Return where the word begins that a mark begins with and nothing opened, or -1."""
        for at in reversed(self._words[-LOOK_BACK:]):
            letters = self._letters_from(self._before[at])
            is_named = self._has_sign(at) and self._forms.begins_like(letters)
            if is_named or self._forms.is_mark(letters):
                return at
        return -1

    def _inside(self, at: int) -> int:
        """Return how many letters were seen before what follows the bracket at a place."""
        return self._before[at + 1] if at + 1 < len(self._before) else len(self._seen)

    def _letters_from(self, begin: int) -> str:
        return "".join(self._seen[begin : begin + self._forms.longest + 1])

    def _is_mark(self, letters: str, at: int, char: str) -> bool:
        # "(signé)" is what people write; in square brackets it stands where a mark stands.
        is_square = "square" in {kind(self._kept[at]), kind(char)}
        if self._forms.is_mark(letters) and (is_square or not self._forms.is_stem(letters)):
            return True
        return self._any_order and (
            self._forms.is_mark(letters[::-1]) or self._forms.is_jumbled(letters)
        )

    def _is_pair(self, at: int, char: str) -> bool:
        # A bracket may be another than its half, if one of them is of the kind of the marks.
        opened, closed = kind(self._kept[at]), kind(char)
        if opened == closed == "bar":
            # "Contracts | Signed | 2024": with blanks on both sides they divide.
            inside = self._kept[at + 1 : at + 2] + self._kept[-1:]
            return not all(char.isspace() for char in inside)
        return opened == closed or "square" in {opened, closed}

    def _is_named(self, at: int, char: str) -> bool:
        # "(signed by both)" is what people write; in square brackets nobody but us says so.
        opened, closed = kind(self._kept[at]), kind(char)
        if opened == "square":
            return closed == "square"
        return (opened == "angle") == (closed == "angle") and self._has_sign(at)

    def _has_sign(self, at: int) -> bool:
        return bool(self._signs) and self._signs[-1] > at

    def _judge(self) -> None:
        """Put the brackets that are too far back by now among the heads, or nowhere."""
        while self._judged < len(self._opens):
            at = self._opens[self._judged]
            if len(self._seen) - self._inside(at) <= self._forms.longest:
                return
            if self._forms.begins_like(self._letters_from(self._inside(at))):
                self._heads.append(at)
            self._judged += 1

    def _leaves_empty_pair(self) -> bool:
        if not 0 < self._cut_at <= len(self._kept):
            return False
        if SIDES[self._kept[self._cut_at - 1]] != OPENS:
            return False
        return all(char.isspace() for char in self._kept[self._cut_at :])

    def _cut(self, at: int) -> None:
        del self._seen[self._before[at] :]
        del self._kept[at:]
        del self._before[at:]
        for places in (self._opens, self._unclosed, self._words, self._signs, self._heads):
            del places[bisect_left(places, at) :]
        self._judged = min(self._judged, len(self._opens))
        self._in_gap = not self._kept or self._kept[-1].isspace()
        while at and self._kept[at - 1].isspace():
            at -= 1
        self._cut_at = at

    def _end_of_words(self, begin: int) -> int:
        """Return where a mark ends that was opened and not closed; 0 if there is none."""
        letters, ended = "", 0
        sign = next((place for place in self._signs if place >= begin), -1)
        for end in range(begin, min(len(self._kept), begin + ADDRESS_LETTERS) + 1):
            if end == len(self._kept) or self._kept[end].isspace():
                is_named = begin <= sign < end and self._forms.begins_like(letters)
                if is_named or self._forms.is_mark(letters):
                    ended = end + 1
                if is_named or end == len(self._kept):
                    break
            if len(letters) <= self._forms.longest:
                letters += self._letters[self._kept[end]]
        return ended
