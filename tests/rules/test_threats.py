"""The table of threats is made from the tests themselves (R39)."""

import re

import pytest

from tests.rules.sources import ROOT
from tools.threats import KNOWN, everything, main, numbers, table


@pytest.mark.parametrize(
    ("text", "cited"),
    [
        ("# T63, B9", ["T63", "B9"]),
        ("# T47-T50", ["T47", "T48", "T49", "T50"]),
        ("# T61\u2013T63: marks", ["T61", "T62", "T63"]),
        ("# C6, D6: who signs", ["C6", "D6"]),
        ("# T999, T0, X5, IT5", []),
        ("# RFC 8551, A4 paper, SHA512", ["A4"]),
    ],
)
def test_citations_are_read(text: str, cited: list[str]) -> None:
    assert list(numbers(text)) == cited


def test_marks_and_result_fields_have_their_tests() -> None:
    rows = table()
    for number in ("T61", "T62", "T63", "B7", "B8", "B9"):
        assert any("tests/subject/" in test for test in rows[number]), number


def test_no_test_cites_a_threat_that_does_not_exist() -> None:
    beyond = [
        f"{file.relative_to(ROOT)}: T{number}"
        for file in sorted((ROOT / "tests").rglob("test_*.py"))
        if file.name != "test_threats.py"
        for number in re.findall(r"#.*\bT([1-9][0-9]{0,3})\b", file.read_text("utf-8"))
        if int(number) > KNOWN["T"]
    ]
    assert beyond == []


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(re.search(rf"^{number} ", printed, re.MULTILINE) for number in everything())
    assert main(["--missing"]) == 0
    assert main(["T63"]) == 0
    assert "tests/subject/test_strip.py::test_no_forged_mark_survives" in capsys.readouterr().out
