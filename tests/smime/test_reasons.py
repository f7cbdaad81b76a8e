"""Every reason that can be given has words in both languages."""

import re
from pathlib import Path

import pytest

from app.pki import reasons as codes
from app.smime.reasons import Reason
from app.smime.texts import TEXTS

APP = Path(__file__).parents[2] / "app"
GIVEN = re.compile(r'Reason\(\s*"([a-z-]+)"|return \d, "([a-z-]+)"|\("(damage-[a-z-]+)"')


def given() -> set[str]:
    """Return every code that the source names."""
    found: set[str] = set()
    for path in sorted(APP.rglob("*.py")):
        for match in GIVEN.finditer(path.read_text("utf-8")):
            found.update(code for code in match.groups() if code)
    return found


def test_every_code_of_the_source_has_words() -> None:
    assert given() - set(TEXTS) == set()


def test_every_code_of_paths_has_words() -> None:
    words = {
        value for name, value in vars(codes).items() if name.isupper() and isinstance(value, str)
    }
    assert words - set(TEXTS) == set()


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_words_differ_between_the_languages(code: str) -> None:
    english, german = TEXTS[code]
    assert english != german
    assert english[0].islower()
    assert Reason(code, "x").text("de") == f"{german}: x"
    assert Reason(code, "x").text("en") == f"{english}: x"
