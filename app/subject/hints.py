"""Three letters by which a mark is known before it is compared.

One edit leaves the first or the last letters of a form as they are, so letters that neither begin
like one nor end like one need no comparison, and none that are too many or too few. Of a form with
an address only the head counts: an edit in its first letters leaves those after them, moved by one
at most. Where characters can be shown in any order, the turned form counts too, and the letters as
a heap: their weights in sum.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

SHARED: Final = 3
"""Letters at the beginning or the end of a form that one edit leaves as they are."""

Lengths = frozenset[int]
NONE: Final[Lengths] = frozenset()


class Begin(NamedTuple):
    """What could begin at a place."""

    lengths: Lengths
    """How many letters a whole form could have."""
    is_head: bool
    """Whether it could be a form with an address."""


NOTHING: Final = Begin(NONE, is_head=False)
_ANYTHING: Final = Begin(frozenset(range(1_000)), is_head=True)


class Hints:
    """What the forms begin and end with. Never changes."""

    def __init__(self, whole: Iterable[str], heads: Iterable[str]) -> None:
        whole, heads = tuple(whole), tuple(heads)
        firsts, lasts = _lengths(whole, slice(SHARED)), _lengths(whole, slice(-SHARED, None))
        turned_firsts = {letters[::-1]: lengths for letters, lengths in lasts.items()}
        turned_lasts = {letters[::-1]: lengths for letters, lengths in firsts.items()}
        both = (firsts, _merged(firsts, turned_firsts))
        self._begins: Final = tuple(_begins(each, heads) for each in both)
        self._ends: Final = (lasts, _merged(lasts, turned_lasts))
        self._patterns: Final = tuple(map(_ahead, self._begins))
        # A form of fewer letters has no three to be known by.
        self._is_blind: Final = any(len(form) < SHARED for form in whole)
        forms = (*whole, *heads)
        self._weights: Final = frozenset(sum(map(weight, form)) for form in forms)
        self.lengths: Final[Lengths] = frozenset(map(len, forms))
        """How many letters the forms have, the heads of those with an address."""
        self.shortest: Final = min(self.lengths, default=1) - 1
        """No fewer letters are like a form."""

    def begins(self, letters: str, *, any_order: bool) -> Iterable[tuple[int, Begin]]:
        """Return the places where forms could begin, as far as these letters tell."""
        if self._is_blind:
            return [(at, _ANYTHING) for at in range(len(letters))]
        begins = self._begins[any_order]
        if len(letters) == SHARED:
            return begins.get(letters, ())
        return [
            (found.start() + move, begin)
            for found in self._patterns[any_order].finditer(letters)
            for move, begin in begins[found[1]]
        ]

    def ends(self, letters: str, *, any_order: bool) -> Lengths:
        """Return how many letters a form could have that ends with these, the last three."""
        return _ANYTHING.lengths if self._is_blind else self._ends[any_order].get(letters, NONE)

    def is_weight(self, total: int) -> bool:
        """Tell whether letters of this weight could be those of a form in another order."""
        return total in self._weights


def weight(letter: str) -> int:
    """Return a number for a letter whose sums seldom meet by chance."""
    return ord(letter) ** 5


def _lengths(forms: Iterable[str], part: slice) -> dict[str, Lengths]:
    found: dict[str, set[int]] = defaultdict(set)
    for form in forms:
        found[form[part]] |= {len(form) - 1, len(form), len(form) + 1}
    return {letters: frozenset(lengths) for letters, lengths in found.items()}


def _merged(first: Mapping[str, Lengths], second: Mapping[str, Lengths]) -> dict[str, Lengths]:
    return {
        letters: first.get(letters, NONE) | second.get(letters, NONE)
        for letters in (*first, *second)
    }


def _begins(
    firsts: Mapping[str, Lengths], heads: Iterable[str]
) -> dict[str, tuple[tuple[int, Begin], ...]]:
    """Return, by three letters, what begins how far from where they stand."""
    found: dict[str, set[tuple[int, Begin]]] = defaultdict(set)
    starts = {head[:SHARED] for head in heads}
    for letters in (*firsts, *starts):
        found[letters].add((0, Begin(firsts.get(letters, NONE), letters in starts)))
    for head in heads:
        rest = head[SHARED : 2 * SHARED]
        if len(rest) == SHARED:
            found[rest] |= {(-SHARED + by, Begin(NONE, is_head=True)) for by in (-1, 0, 1)}
    return {letters: tuple(sorted(places, key=repr)) for letters, places in found.items()}


def _ahead(begins: Mapping[str, object]) -> re.Pattern[str]:
    # What is looked ahead for may overlap.
    return re.compile(f"(?=({'|'.join(map(re.escape, sorted(begins)))}))" if begins else "(?!)")
