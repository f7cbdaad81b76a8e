"""The owner's own mark texts: rows with a version, because cleaning needs the past ones too."""

import re
import unicodedata
from datetime import datetime
from typing import Any, Final

from app.model.database import Database
from app.model.errors import Refused
from app.model.loading import load_marks
from app.model.marks import KEYS, LANGUAGES, SHIPPED, SYMBOLS
from app.model.stored import stamp
from app.model.tables import MarkText

_TEXT_CHARACTERS: Final = 100
_SYMBOL_CHARACTERS: Final = 4
_PLACES: Final = re.compile(r"\{(?:address|domain)\}")
SYMBOL: Final = "symbol"
"""What stands in the place of a language for a row that holds a symbol."""


def list_marks(database: Database) -> list[dict[str, Any]]:
    """Return each mark text in force, and each symbol."""
    marks = load_marks(database)
    found = [
        {
            "id": f"{status}.{language}",
            "status": status,
            "language": language,
            "text": marks.text(status, language),
            "own": marks.text(status, language) != SHIPPED[language, status],
        }
        for language in LANGUAGES
        for status in KEYS
    ]
    found += [
        {
            "id": f"{status}.{SYMBOL}",
            "status": status,
            "language": SYMBOL,
            "text": marks.symbol(status),
            "own": marks.symbol(status) != SYMBOLS[status],
        }
        for status in KEYS
    ]
    return found


def set_text(
    database: Database, status: str, text: str, at: datetime, *, language: str = "de"
) -> dict[str, Any]:
    """Put a mark text in force; "" puts no mark on. The former one is cleaned away for ever."""
    check_text(status, text, language)
    here = (MarkText.status == status) & (MarkText.language == language)
    with database.change():
        database.run(MarkText.update(is_current=False).where(here))
        values = {"status": status, "language": language, "text": text}
        database.insert(MarkText, {**values, "added_at": stamp(at)})
    return next(row for row in list_marks(database) if row["id"] == f"{status}.{language}")


def check_text(status: str, text: str, language: str) -> None:
    """Refuse what cannot be a mark text, whatever the cleaner makes of it."""
    if status not in KEYS:
        raise Refused(f"{status}: no such mark; there are {', '.join(KEYS)}")
    if language not in (*LANGUAGES, SYMBOL):
        raise Refused(f"{language}: no such language; there are {', '.join(LANGUAGES)}, {SYMBOL}")
    _check(text, _SYMBOL_CHARACTERS if language == SYMBOL else _TEXT_CHARACTERS)


def _check(text: str, most: int) -> None:
    if len(text) > most:
        raise Refused(f"{text[:20]!r}… is longer than {most} characters")
    if text != text.strip():
        raise Refused(f"{text!r} begins or ends with white space")
    if any(unicodedata.category(each) in {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"} for each in text):
        raise Refused("a mark text has no control characters and no line ends")
    if set("{}") & set(_PLACES.sub("", text)):
        raise Refused(f"{text!r}: only {{address}} and {{domain}} can be filled in")
    if "=?" in text:
        raise Refused(f"{text!r} looks like an encoded word (RFC 2047 §2)")
