"""A text that could not be taken off again is no mark."""

import pytest

from app.model.marks import SHIPPED, MarkTexts
from app.subject.check import text_problem

TEXTS = MarkTexts()


@pytest.mark.parametrize(
    "text",
    [
        "",
        *SHIPPED.values(),
        "[GEPRÜFT]",
        "(verified)",
        "【署名済み】",
        "[ПОДПИСАНО]",
        "[A1B] [FOO]",
        "[geprüft <{address}>]",
        "[Siegel der Domain {domain}]",
    ],
)
def test_texts_that_come_off_are_taken(text: str) -> None:
    assert text_problem(text, TEXTS) == ""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("GEPRÜFT", "stands in brackets"),
        ("GEPRÜFT:", "stands in brackets"),
        ("{address}", "stands in brackets"),
        ("[]", "begins with 3 letters"),
        ("[!!!]", "begins with 3 letters"),
        ("[OK]", "begins with 3 letters"),
        ("[von {address}]", "begins with 6 letters"),
        ("[{address} hat signiert]", "begins with 6 letters"),
        ("✔ [GEPRÜFT]", "outside the brackets"),
        ("[GEPRÜFT]:", "outside the brackets"),
        ("[GEPRÜFT] von {address}", "outside the brackets"),
    ],
)
def test_texts_that_would_stay_are_refused(text: str, problem: str) -> None:
    assert problem in text_problem(text, TEXTS)
