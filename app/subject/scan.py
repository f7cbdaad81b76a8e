"""Take marks out of a text, in one pass.

Reads the text once and keeps what has been read twice, as it is and as letters. At every closing
bracket it looks back: if the letters since one of the last opening brackets are those of a mark,
both are cut back to it. So a mark inside a mark goes first, the outer one is seen whole afterwards,
and nothing is read twice. A square bracket without its other half is tried with the words beside
it. The look back is bounded in brackets, words and letters: time is linear. behaviour.md B9.
"""

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate, dropwhile, groupby
from typing import Final

from app.subject.brackets import BAR, CLOSES, NEITHER, OPENS, SIDES, kind
from app.subject.effort import BRACKET, TRIED, Effort
from app.subject.forms import Forms
from app.subject.hints import Lengths
from app.subject.seen import Seen
from app.subject.skeleton import IGNORABLE, Letters

LOOK_BACK: Final = 12  # opening brackets, or words, that a closing bracket is tried with
HEADS: Final = 4  # of those, further back, that begin a mark with an address
ADDRESS_LETTERS: Final = 320  # the longest address that a mark names
_ADDRESS_SIGNS: Final = frozenset("@*<\uff20\ufe6b\uff0a\u2217")


class Scan:
    """One reading of one text."""

    def __init__(
        self, forms: Forms, letters: Letters, effort: Effort, *, any_order: bool = False
    ) -> None:
        self._forms: Final = forms
        self._letters: Final = letters
        self._effort: Final = effort
        # Every bracket opens and closes, and letters count in any order: for texts that a
        # bidirectional control shows in another one.
        self._any_order: Final = any_order
        self._kept: list[str] = []
        self._seen: Final = Seen(forms, any_order=any_order)
        self._before: list[int] = []  # how many letters were seen before each kept character
        # Places in the kept text, in order:
        self._opens: list[int] = []
        self._unclosed: list[int] = []  # square brackets
        self._words: list[int] = []
        self._signs: list[int] = []  # signs that only addresses have
        self._heads: list[int] = []  # opens, far back, that begin a mark with an address
        # Of each of the opens: the letters before what follows it, and its kind.
        self._insides: list[int] = []
        self._kinds: list[str] = []
        self._judged = 0  # so many of the opens are too far back for any other mark
        self._in_gap = False  # a mark was cut out here: the blanks after it go with it
        self._cut_at = 0
        self._is_blank = False  # nothing but blanks was kept since

    def read(self, text: str) -> str:
        """Return the text without its marks; everything else in it stays as it is.

        Raises TooMuch if that is more than the effort allows.
        """
        self._effort.spend(len(text))
        for side, run in groupby(text, SIDES.__getitem__):
            if side == NEITHER:
                self._take_run(run)
                continue
            may_close = side in {CLOSES, BAR} or self._any_order
            brackets = tuple(run)
            self._effort.spend(BRACKET * len(brackets))
            for char in brackets:
                if not (may_close and self._close(char)):
                    self._take_bracket(char, side)
        self._cut_unclosed()
        return "".join(self._kept)

    def _cut_unclosed(self) -> None:
        for at in reversed(self._unclosed[:LOOK_BACK]):
            end = 0 if self._any_order else self._end_of_words(at + 1)
            if end:
                del self._kept[at:end]
                self._in_gap = self._in_gap or at == len(self._kept)
        if self._in_gap:
            while self._kept and self._kept[-1].isspace():
                self._kept.pop()

    def _take_run(self, run: Iterator[str]) -> None:
        """Keep characters that are no brackets."""
        chars = list(dropwhile(_is_blank, run) if self._in_gap else run)
        if not chars:
            return
        at = len(self._kept)
        shown = [self._letters[char] for char in chars]
        previous = self._letters[self._kept[-1]] if at else ""
        # A word begins where something without letters stands before.
        self._words.extend(
            at + place for place, before in enumerate((previous, *shown[:-1])) if not before
        )
        if not _ADDRESS_SIGNS.isdisjoint(chars):
            self._signs.extend(
                at + place for place, char in enumerate(chars) if char in _ADDRESS_SIGNS
            )
        self._kept.extend(chars)
        self._before.extend(accumulate(map(len, shown[:-1]), initial=len(self._seen)))
        self._seen.add("".join(shown))
        self._in_gap = False
        self._is_blank = self._is_blank and all(map(str.isspace, chars))

    def _take_bracket(self, char: str, side: int) -> None:
        at = len(self._kept)
        # A bar is a letter as well: S|GNED.
        letters = self._letters[char] if side == BAR else ""
        self._note_bracket(char, side, len(letters))
        if char in _ADDRESS_SIGNS:
            self._signs.append(at)
        self._kept.append(char)
        self._before.append(len(self._seen))
        self._seen.add(letters)
        self._in_gap = self._is_blank = False

    def _note_bracket(self, char: str, side: int, letters: int) -> None:
        sort = kind(char)
        if side == CLOSES and not self._any_order:
            if self._unclosed and sort == "square":
                self._unclosed.pop()
            return
        # Of several brackets of a kind before one letter only the innermost begins a mark; the
        # others are taken when the pair they are left with is empty.
        count = len(self._seen)
        for place in range(len(self._opens) - 1, -1, -1):
            if self._insides[place] != count:
                break
            if self._kinds[place] == sort:
                del self._opens[place], self._insides[place], self._kinds[place]
                self._judged = min(self._judged, len(self._opens))
                break
        self._opens.append(len(self._kept))
        self._insides.append(count + letters)
        self._kinds.append(sort)
        if sort == "square":
            self._unclosed.append(len(self._kept))

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
        ends = self._seen.ends()
        if ends or self._seen.may_begin():
            at = self._find_bracket(char, ends)
            if at >= 0:
                return at
        for head in reversed(self._heads[-HEADS:]):
            is_near = len(self._seen) - self._before[head] <= ADDRESS_LETTERS
            if is_near and self._is_named(head, char):
                return head
        if self._unclosed or kind(char) != "square":
            return -1
        return self._find_word(ends)

    def _find_bracket(self, char: str, ends: Lengths) -> int:
        """Return where the bracket stands that a mark begins with, or -1."""
        look_back = LOOK_BACK // 2 if self._any_order else LOOK_BACK
        first = max(self._judged, len(self._opens) - look_back)
        for place in self._seen.likely(self._insides[first:], ends):
            at = self._opens[first + place]
            if self._is_pair(at, char):
                letters = self._tried(self._insides[first + place])
                if self._is_mark(letters, at, char) or (
                    self._forms.begins_like(letters) and self._is_named(at, char)
                ):
                    return at
        return -1

    def _tried(self, begin: int) -> str:
        """Return the letters from a place on, to be compared."""
        self._effort.spend(TRIED)
        return self._seen.since(begin)

    def _find_word(self, ends: Lengths) -> int:
        """Return where the word begins that a mark begins with and nothing opened, or -1."""
        words = self._words[-LOOK_BACK:]
        begins = [self._before[at] for at in words]
        for place in self._seen.likely(begins, ends):
            letters = self._tried(begins[place])
            is_named = self._has_sign(words[place]) and self._forms.begins_like(letters)
            if is_named or self._forms.is_mark(letters):
                return words[place]
        return -1

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
            return not all(map(str.isspace, inside))
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
            inside = self._insides[self._judged]
            if len(self._seen) - inside <= self._forms.longest:
                return
            if self._seen.is_head(inside) and self._forms.begins_like(self._tried(inside)):
                self._heads.append(self._opens[self._judged])
            self._judged += 1

    def _leaves_empty_pair(self) -> bool:
        if not self._is_blank or not 0 < self._cut_at <= len(self._kept):
            return False
        return SIDES[self._kept[self._cut_at - 1]] == OPENS

    def _cut(self, at: int) -> None:
        self._seen.cut(self._before[at])
        del self._kept[at:]
        del self._before[at:]
        del self._insides[bisect_left(self._opens, at) :]
        del self._kinds[bisect_left(self._opens, at) :]
        for places in (self._opens, self._unclosed, self._words, self._signs, self._heads):
            del places[bisect_left(places, at) :]
        self._judged = min(self._judged, len(self._opens))
        self._in_gap = not self._kept or self._kept[-1].isspace()
        while at and self._kept[at - 1].isspace():
            at -= 1
        self._cut_at = at
        self._is_blank = True

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


def _is_blank(char: str) -> bool:
    return char.isspace() or char in IGNORABLE
