"""The forms a mark can take, as the letters a reader sees in it, and what is too much like one.

Marks stand in brackets; a form is what stands inside a pair. Of a text with {address} or {domain}
only the head before the placeholder counts: whatever follows it is taken for a mark, because nobody
compares addresses at a glance. One edit is no difference to the eye in a word of six letters.
Comparison looks only at forms that share the first or the last three letters, because one edit
cannot spoil both. behaviour.md B9.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from app.subject.brackets import CLOSES, OPENS, SIDES
from app.subject.hints import SHARED, Hints
from app.subject.skeleton import AS_FOLDED, AS_SEEN, reduce

EDIT_LETTERS: Final = 6  # a form shorter than this must be matched exactly
_WORDS_END: Final = re.compile(r"\W+$")  # "<*@" before the placeholder


class Forms:
    """Everything that is taken for a mark. Never changes."""

    def __init__(self, texts: Iterable[str]) -> None:
        whole: set[str] = set()
        heads: set[str] = set()
        for text in texts:
            for inside in groups(text):
                head, placeholder, _ = inside.partition("{")
                for letters in (AS_SEEN, AS_FOLDED):
                    if placeholder:
                        heads.add(reduce(_WORDS_END.sub("", head), letters))
                    else:
                        whole.add(reduce(inside, letters))
        self._whole: Final = frozenset(whole - {""})
        self._heads: Final = tuple(sorted(head for head in heads if len(head) >= SHARED))
        self._starts: Final = frozenset(head[:SHARED] for head in self._heads)
        self._rests: Final = tuple(
            head[SHARED:] for head in self._heads if len(head) >= EDIT_LETTERS
        )
        forms = (*self._whole, *self._heads)
        # Hostile subjects ask the same again and again.
        self._known: Final = lru_cache(maxsize=4_096)(self._is_mark)
        self._known_head: Final = lru_cache(maxsize=4_096)(self._begins_like)
        self._near: Final = _index(self._whole)
        self._firsts: Final = frozenset(
            letters for _, which, letters in self._near if which == "first"
        )
        self._lasts: Final = frozenset(
            letters for _, which, letters in self._near if which == "last"
        )
        self._stems: Final = frozenset(
            form[:-1] for form in self._whole if len(form) == EDIT_LETTERS
        )
        self._lengths: Final = frozenset(map(len, forms))
        self._anagrams: Final = frozenset(map(_sorted, forms))
        self.hints: Final = Hints(self._whole, self._heads)
        # One edit leaves the first or the last letters of a form as they are.
        traces = {form[:SHARED] for form in forms} | {form[-SHARED:] for form in forms}
        self._traces: Final = re.compile("|".join(sorted(traces)) or "(?!)")
        self.longest: Final = max(map(len, forms), default=0) + 1
        """Letters of the longest form, and one more."""

    def may_be_in(self, letters: str) -> bool:
        """Tell whether a text of these letters can have a mark; else it need not be looked at."""
        return self._traces.search(letters) is not None

    def is_mark(self, letters: str) -> bool:
        """Tell whether these letters inside a bracket pair look like a whole mark."""
        return self._known(letters)

    def _is_mark(self, letters: str) -> bool:
        if letters in self._whole:
            return True
        # Most letters are ruled out here; what follows is slower.
        if letters[:SHARED] not in self._firsts and letters[-SHARED:] not in self._lasts:
            return False
        return any(is_one_edit(letters, form) for form in self._candidates(letters))

    def _candidates(self, letters: str) -> Iterator[str]:
        first, last = letters[:SHARED], letters[-SHARED:]
        for length in range(len(letters) - 1, len(letters) + 2):
            yield from self._near.get((length, "first", first), ())
            yield from self._near.get((length, "last", last), ())

    def is_stem(self, letters: str) -> bool:
        """Tell whether these letters are a short mark less its last: a word of its own, often."""
        return letters in self._stems

    def begins_like(self, letters: str) -> bool:
        """Tell whether these letters inside a bracket begin like a mark that names an address."""
        return self._known_head(letters)

    def _begins_like(self, letters: str) -> bool:
        if letters.startswith(self._heads):
            return True
        # One edit in the first letters leaves the others as they are, moved by one at most.
        moved = any(letters.startswith(self._rests, SHARED + by) for by in (-1, 0, 1))
        if not moved and letters[:SHARED] not in self._starts:
            return False
        return any(_begins(letters, head) for head in self._heads if len(head) <= len(letters) + 1)

    def is_jumbled(self, letters: str) -> bool:
        """Tell whether these are the letters of a mark in some order.

        For texts with bidirectional controls, which can show letters in almost any order.
        """
        return len(letters) in self._lengths and _sorted(letters) in self._anagrams


def groups(text: str) -> list[str]:
    """Return what stands inside each outermost bracket pair of a mark text."""
    found: list[str] = []
    depth = start = 0
    for at, char in enumerate(text):
        # Curly brackets belong to the placeholders.
        side = 0 if char in "{}" else SIDES[char]
        if side == OPENS:
            depth += 1
            start = at + 1 if depth == 1 else start
        elif side == CLOSES and depth:
            depth -= 1
            if not depth:
                found.append(text[start:at])
    return found or [text]


def is_one_edit(first: str, second: str) -> bool:
    """Tell whether one insertion, deletion, substitution or swap makes one word the other."""
    if len(first) > len(second):
        first, second = second, first
    if len(second) - len(first) > 1:
        return False
    same = 0
    while same < len(first) and first[same] == second[same]:
        same += 1
    rest_first, rest_second = first[same:], second[same:]
    if len(first) != len(second):
        return rest_first == rest_second[1:]
    swapped = rest_first[1:2] + rest_first[:1] + rest_first[2:]
    return rest_first[1:] == rest_second[1:] or swapped == rest_second


def _begins(letters: str, head: str) -> bool:
    if len(head) < EDIT_LETTERS:
        return False
    return any(is_one_edit(letters[: len(head) + more], head) for more in (-1, 0, 1))


def _index(whole: frozenset[str]) -> dict[tuple[int, str, str], list[str]]:
    near: dict[tuple[int, str, str], list[str]] = defaultdict(list)
    for form in sorted(whole):
        if len(form) >= EDIT_LETTERS:
            near[len(form), "first", form[:SHARED]].append(form)
            near[len(form), "last", form[-SHARED:]].append(form)
    return dict(near)


def _sorted(letters: str) -> str:
    return "".join(sorted(letters))
