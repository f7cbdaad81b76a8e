"""Triggers raise what policy asks for; a stranger's word in a reply lowers nothing (T95)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.errors import Refused
from app.model.triggers import asked, field_names, parse_trigger, without_words

ENTRIES = (
    "encrypt=require if subject [secret]",
    "encrypt=never if subject [plain]",
    "sign=require if header X-Sign: yes",
    "sign=never if header X-Newsletter: yes",
    "encrypt=require if header Sensitivity: company-confidential",
)

CASES: list[tuple[str, dict[str, str], dict[str, str] | None]] = [
    ("hello", {}, None),
    ("[secret] hello", {}, {"encrypt": "require"}),
    ("hello [secret]", {}, {"encrypt": "require"}),
    ("[ SE cret]hello", {}, {"encrypt": "require"}),
    ("hello[Secret ]", {}, {"encrypt": "require"}),
    ("Re: [secret] hello", {}, None),
    ("about [secret] things", {}, None),
    ("[plain] hello", {}, {"encrypt": "never"}),
    ("Re: hello [plain]", {}, None),  # T95: planted by a stranger, carried back by a reply
    ("[plain] hello [secret]", {}, {"encrypt": "require"}),
    ("hello", {"X-Sign": "YES"}, {"sign": "require"}),
    ("hello", {"X-Sign": "no"}, None),
    ("hello", {"X-Sign": "yes", "X-Newsletter": "yes"}, {"sign": "require"}),
    ("hello", {"X-Newsletter": "yes"}, {"sign": "never"}),
    ("hello", {"Sensitivity": "Company-Confidential"}, {"encrypt": "require"}),
    ("", {}, None),
]


@pytest.mark.parametrize(("subject", "fields", "expected"), CASES)
def test_what_a_message_asks_for(
    subject: str, fields: dict[str, str], expected: dict[str, str] | None
) -> None:
    assert asked(ENTRIES, subject, lambda name: fields.get(name, "")) == expected


REMOVED = [
    ("[secret] hello", "hello"),
    ("hello [ SECRET ]", "hello"),
    ("[secret][plain] hello [secret]", "hello"),
    ("[secret]", ""),
    ("Re: [secret] hello", "Re: [secret] hello"),
    ("hello", "hello"),
    ("  hello  world ", "  hello  world "),
]


@pytest.mark.parametrize(("subject", "expected"), REMOVED)
def test_the_words_are_removed_before_sending(subject: str, expected: str) -> None:
    assert without_words(ENTRIES, subject) == expected
    assert without_words(ENTRIES, expected) == expected


@pytest.mark.parametrize(
    "entry",
    [
        "secret",
        "encrypt=require",
        "encrypt=maybe if subject x",
        "encrypt=require if subject ",
        "encrypt=require if subject ab",
        "profile=bsi if subject [x]",
        "sign=never if header X Y: z",
        "sign=never if header X-Y",
    ],
)
def test_an_entry_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(Refused, match=re.escape(repr(entry))):
        parse_trigger(entry)


def test_only_private_fields_are_to_be_removed() -> None:
    assert field_names(ENTRIES) == ("X-Sign", "X-Newsletter")


@given(st.text(max_size=60))
def test_any_subject_is_cleaned_for_good(subject: str) -> None:
    cleaned = without_words(ENTRIES, subject)
    assert without_words(ENTRIES, cleaned) == cleaned


@given(st.text("[] secrtSECRTßİ\u0130", max_size=30))
def test_no_word_is_left_at_either_end(subject: str) -> None:
    cleaned = without_words(ENTRIES, subject)
    assert asked(("encrypt=require if subject [secret]",), cleaned, lambda _: "") is None
