"""The letters that have been read of a text, and where among them a mark could begin or end.

Comparing letters with every mark is slow, and a subject can be made of nothing but brackets. So
the places where a mark could begin are noted as the letters come in, by the hints of the forms, and
nothing is compared but what begins at one of them or ends like a mark.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from app.subject.forms import Forms
from app.subject.hints import NOTHING, SHARED, Begin, Lengths, weight


class Seen:
    """Letters, in the order in which they are read; the last can be taken back."""

    def __init__(self, forms: Forms, *, any_order: bool) -> None:
        self._hints: Final = forms.hints
        self._longest: Final = forms.longest
        self._any_order: Final = any_order
        self._letters: Final[list[str]] = []
        self._begins: Final[list[Begin]] = []  # what could begin with each letter
        self._last_begin = -1
        self._sums: Final = [0]  # the weight of all letters before; only for any order

    def __len__(self) -> int:
        return len(self._letters)

    def add(self, letters: str) -> None:
        """Take the next letters."""
        if not letters:
            return
        begin = len(self._letters)
        self._letters.extend(letters)
        self._begins.extend((NOTHING,) * len(letters))
        since = max(0, begin - SHARED + 1)
        text = "".join(self._letters[since:])
        for at, found in self._hints.begins(text, any_order=self._any_order):
            if since + at >= 0:
                self._note(since + at, found)
        if self._any_order:
            self._sums.extend(accumulate(map(weight, letters), initial=self._sums.pop()))

    def _note(self, place: int, found: Begin) -> None:
        known = self._begins[place]
        lengths, is_head = known.lengths or found.lengths, known.is_head or found.is_head
        self._begins[place] = Begin(lengths, is_head)
        self._last_begin = max(self._last_begin, place)

    def cut(self, count: int) -> None:
        """Take back all letters but so many.

        Places may stay noted that the letters to come do not bear out: that costs a comparison.
        """
        del self._letters[count:]
        del self._begins[count:]
        del self._sums[count + 1 :]
        self._last_begin = min(self._last_begin, count - 1)

    def since(self, begin: int) -> str:
        """Return the letters from a place on, one more than any mark has at most."""
        return "".join(self._letters[begin : begin + self._longest + 1])

    def ends(self) -> Lengths:
        """Return how many letters a mark could have that ends with the last letter read."""
        last = "".join(self._letters[-SHARED:])
        return self._hints.ends(last, any_order=self._any_order)

    def may_begin(self) -> bool:
        """Tell whether a mark could begin at all within the reach of the longest.

        In any order it could be everywhere.
        """
        return self._any_order or self._last_begin >= len(self._letters) - self._longest

    def is_head(self, place: int) -> bool:
        """Tell whether a mark with an address could begin at a place."""
        return self._begins[place].is_head

    def likely(self, places: Sequence[int], ends: Lengths) -> Iterator[int]:
        """Give from the last, by index, the places from where on the letters could be a mark's."""
        count = len(self._letters)
        for at in range(len(places) - 1, -1, -1):
            length = count - places[at]
            if length < self._hints.shortest:
                continue
            begin = self._begins[places[at]]
            is_likely = length in ends or length in begin.lengths or begin.is_head
            if is_likely or (self._any_order and self._is_heap(places[at], length)):
                yield at

    def _is_heap(self, place: int, length: int) -> bool:
        """Tell whether the letters from a place on weigh what those of some mark weigh."""
        hints = self._hints
        return length in hints.lengths and hints.is_weight(self._sums[-1] - self._sums[place])
