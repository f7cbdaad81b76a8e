"""The look-alikes of the corpus (set spoof-unicode): pairs that nobody here chose."""

import json
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.model.marks import MarkTexts
from app.subject.skeleton import reduce, skeleton
from app.subject.strip import Cleaner
from tests.subject.forgeries import TAGS

CLEANER = Cleaner(MarkTexts(), symbols=False)


@cache
def table() -> dict[str, list[str]]:
    """Return character -> what looks like it."""
    named = os.environ.get("SEALMON_CORPORA")
    root = Path(named) if named else Path(__file__).parents[3] / "shared" / "corpora"
    file = root / "spoof-unicode" / "confusables.json"
    if not file.exists():
        if os.environ.get("CI"):
            pytest.fail("the test material is absent: set SEALMON_CORPORA")
        pytest.skip("the test material is absent")
    entries = json.loads(file.read_text("utf-8"))
    return {char: [other["c"] for other in others] for char, others in entries.items()}


# The material is of an older Unicode: these pairs have been taken apart since.
TAKEN_APART = 90


def test_skeletons_are_those_of_the_table() -> None:
    pairs = [(char, other) for char, others in table().items() for other in others]
    apart = [pair for pair in pairs if skeleton(pair[0]) != skeleton(pair[1])]
    assert len(pairs) > 12_000
    assert len(apart) <= TAKEN_APART


def forged() -> Iterator[str]:
    """Give marks of which every letter is replaced by one that looks like it."""
    for tag in TAGS:
        for text in (tag, tag.lower(), tag.title()):
            ways = max(len(table().get(char, ())) for char in text)
            for way in range(ways):
                others = (table().get(char) or [char] for char in text)
                yield "[" + "".join(other[way % len(other)] for other in others) + "]"


# T63
def test_marks_in_the_letters_of_the_table_do_not_survive() -> None:
    marks = list(forged())
    assert len(marks) > 700
    survived = [mark for mark in marks if CLEANER.clean(f"{mark} 42") != "42"]
    assert survived == []


def test_single_letters_of_the_table_reduce_to_what_they_look_like() -> None:
    apart = [
        (char, other)
        for char in "abcdefghijklnopqrstuvxyzABCDEFGHIJKLMNOPQRSTUVXYZ0123456789"
        for other in table().get(char, ())
        if reduce(char) != reduce(other)
    ]
    assert apart == []
