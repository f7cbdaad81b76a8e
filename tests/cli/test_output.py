import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest

from app.cli.output import as_json, cell, plain, printable, rfc3339, sheet, show_row, table


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True)
class Row:
    id: int
    at: datetime
    names: tuple[str, ...]
    octets: bytes
    colour: Colour


AT = datetime(2026, 1, 31, 12, 0, 0, 5, tzinfo=UTC)
ROW = Row(7, AT, ("b", "a"), b"\x00\xff", Colour.RED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("Grüße 🔏", "Grüße 🔏"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\x9b31m", "\\x9b31m"),
        ("abc\u202egpj", "abc\\u202egpj"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\udcff", "\\udcff"),
        ("line\u2028end", "line\\u2028end"),
        ("", ""),
    ],
)
def test_nothing_that_a_terminal_obeys_is_printed(text: str, expected: str) -> None:
    assert printable(text) == expected  # T131


def test_a_row_becomes_json_without_loss() -> None:
    assert json.loads(as_json(ROW)) == {
        "id": 7,
        "at": "2026-01-31T12:00:00Z",
        "names": ["b", "a"],
        "octets": "00ff",
        "colour": "red",
    }


def test_json_is_ascii_even_for_lone_surrogates() -> None:
    assert as_json({"file": "caf\udce9 ü"}).isascii()


def test_a_json_line_is_one_line() -> None:
    assert "\n" not in as_json([ROW, {"a": "b\nc"}], lines=True)


def test_times_are_shown_in_utc() -> None:
    east = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(east) == "2026-01-01T00:00:00Z"


def test_sets_have_an_order() -> None:
    assert plain(frozenset({"b", "a"})) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        ("", "-"),
        ([], "-"),
        ({}, "-"),
        (True, "yes"),
        (0, "0"),
        (("a", "b"), "a, b"),
        ({"a": 1}, "a=1"),
    ],
)
def test_a_cell_reads_like_words(value: object, expected: str) -> None:
    assert cell(value) == expected


def test_a_table_has_its_columns_under_their_names() -> None:
    text = table([{"id": 1, "not_after": "x"}, {"id": 20, "name": "hidden"}], ["id", "not_after"])
    assert text.splitlines() == ["ID  NOT AFTER", "1   x", "20  -"]


def test_an_empty_table_says_so() -> None:
    assert table([], ["id"]) == "nothing"


def test_a_sheet_is_a_line_for_each_value() -> None:
    assert sheet({"id": 1, "sign_to": ["a"]}).splitlines() == ["id       1", "sign to  a"]


def test_what_a_verb_says_in_words_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    show_row({}, as_json_=False, human=lambda: "first \x1b[2J\nsecond \u202e")
    assert capsys.readouterr().out == "first \\x1b[2J\nsecond \\u202e\n"  # T131


@pytest.mark.parametrize("text", ["\u3164", "\u034f", "\uffa0", "\U000e0100", "\u0378"])
def test_what_shows_nothing_stands_as_its_number(text: str) -> None:
    assert printable(f"a{text}b") == f"a{text.encode('unicode_escape').decode()}b"


def test_letters_from_right_to_left_turn_no_table() -> None:
    assert table([{"a": "\u05d0", "b": 1}], ["a", "b"]).splitlines()[1] == "\\u05d0  1"
    assert sheet({"a": "\u05d0"}) == "a  \u05d0"
