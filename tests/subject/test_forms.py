"""What is taken for a mark, and what is not any more."""

import pytest

from app.model.marks import LOOKALIKES, SHIPPED, MarkTexts
from app.subject.forms import Forms, groups, is_one_edit
from app.subject.skeleton import reduce
from tests.subject.looks import distance

FORMS = Forms(MarkTexts().every_text)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("[SIGNED]", ["SIGNED"]),
        ("[SIGNED BY <*@{domain}>]", ["SIGNED BY <*@{domain}>"]),
        ("[A] [B]", ["A", "B"]),
        ("no brackets", ["no brackets"]),
        ("[open", ["[open"]),
    ],
)
def test_a_mark_is_what_stands_in_brackets(text: str, inside: list[str]) -> None:
    assert groups(text) == inside


@pytest.mark.parametrize(
    "text", [t for t in (*SHIPPED.values(), *LOOKALIKES) if "{" not in t and t]
)
def test_every_shipped_text_is_a_form(text: str) -> None:
    assert FORMS.is_mark(reduce(text))
    assert FORMS.may_be_in(reduce(f"Re: {text} x"))


@pytest.mark.parametrize(
    ("letters", "is_mark"),
    [
        ("signed", True),
        ("signe", True),
        ("signet", True),
        ("designed", False),
        ("assigned", False),
        ("sign", False),
        ("sined", True),
        ("signned", True),
        ("sigmet", False),
        ("", False),
        ("encrypted", True),
        ("encryption", False),
    ],
)
def test_one_edit_is_no_difference_and_two_are(letters: str, is_mark: bool) -> None:
    assert FORMS.is_mark(letters) is is_mark


def test_short_forms_are_matched_exactly() -> None:
    short = Forms(["[GUT]"])
    assert short.is_mark("gut")
    assert not short.is_mark("gu")
    assert not short.is_mark("mut")


@pytest.mark.parametrize(
    ("letters", "begins"),
    [
        ("signedbyabc", True),
        ("signedby", True),
        ("sigedbyabc", True),
        ("signed", False),
        ("", False),
    ],
)
def test_a_mark_with_an_address_is_known_by_its_beginning(letters: str, begins: bool) -> None:
    assert FORMS.begins_like(letters) is begins


@pytest.mark.parametrize("first", ["signed", "a", "", "ab", "abc", "kitten"])
@pytest.mark.parametrize("second", ["signed", "signe", "sogned", "ba", "", "abc", "xabc", "sitten"])
def test_one_edit_agrees_with_the_textbook(first: str, second: str) -> None:
    swapped = sorted(first) == sorted(second) and len(first) == len(second)
    assert is_one_edit(first, second) == (
        distance(first, second) <= 1 or (swapped and len(first) == 2)
    )


def test_no_texts_make_no_marks() -> None:
    empty = Forms([])
    assert not empty.is_mark("signed")
    assert not empty.may_be_in("signed")
    assert not empty.begins_like("signed")
