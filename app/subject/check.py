"""Judge a mark text before it comes into force: one that cannot be taken off again is no mark."""

import unicodedata
from dataclasses import replace
from typing import Final

from app.model.marks import ENCRYPTED, KEYS, LANGUAGES, MarkTexts
from app.subject.forms import groups
from app.subject.skeleton import reduce
from app.subject.strip import Cleaner
from app.subject.symbols import JOINERS

FEWEST_LETTERS: Final = 3
FEWEST_BEFORE_ADDRESS: Final = 6  # whatever follows them is taken off with them
_SKINS: Final = frozenset("\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff")  # UTS 51
_SIGNED: Final = frozenset(("valid", "valid-domain"))
_ADDRESS: Final = "erika@example.org"
_DOMAIN: Final = "example.org"
_SUBJECT: Final = "Anfrage 42"


def text_problem(text: str, texts: MarkTexts) -> str:
    """Return why a text cannot be a mark, "" if it can; the empty text puts no mark on.

    A mark must come off wherever it stands, whatever address it names, and must not take ordinary
    subjects with it.
    """
    if not text:
        return ""
    if groups(text) == [text]:
        return "a mark stands in brackets, or it could not be told from the subject"
    for group in groups(text):
        head, is_named, _ = group.partition("{")
        fewest = FEWEST_BEFORE_ADDRESS if is_named else FEWEST_LETTERS
        if len(reduce(head)) < fewest:
            return f"a mark begins with {fewest} letters, or ordinary subjects would be cut"
    cleaner = Cleaner(replace(texts, past=(*texts.past, text)), symbols=False)
    mark = text.replace("{address}", _ADDRESS).replace("{domain}", _DOMAIN)
    for subject in (f"{mark} {_SUBJECT}", f"Re: {mark} {_SUBJECT}", f"{_SUBJECT} {mark}"):
        expected = " ".join(subject.replace(mark, "").split())
        if cleaner.clean(subject) != expected:
            return "nothing may stand outside the brackets of a mark, or it could not be taken off"
    return ""


def symbol_problem(symbol: str, status: str, texts: MarkTexts) -> str:
    """Return why a symbol cannot stand for a status, "" if it can; "" puts none on.

    Whatever is in it is cut out of every subject: letters, digits and signs that people write with
    would be missed.
    """
    if not symbol:
        return ""
    pictures = [char for char in symbol if char not in JOINERS and char not in _SKINS]
    if not pictures or any(unicodedata.category(char) != "So" for char in pictures):
        return "no symbol: letters, digits and signs would be cut out of every subject"
    cleaner = Cleaner(texts.with_own({}, symbols={status: symbol}), symbols=True)
    if cleaner.clean(f"{symbol} {_SUBJECT}") != _SUBJECT:
        return "it could not be taken off again"
    return ""


def meaning_problem(status: str, text: str, texts: MarkTexts, *, is_symbol: bool) -> str:
    """Return which mark of another meaning a text or symbol would look like, "" if none.

    A reader must never take "encrypted" or "invalid" for "signed", in whatever language.
    """
    looks = _looks(text, is_symbol=is_symbol)
    for other in KEYS if looks else ():
        if _meaning(other) == _meaning(status):
            continue
        shown = [texts.symbol(other)] if is_symbol else [texts.text(other, x) for x in LANGUAGES]
        if looks in [_looks(each, is_symbol=is_symbol) for each in shown]:
            return f"readers would take it for the mark of {other}"
    return ""


def _meaning(status: str) -> str:
    if status == ENCRYPTED:
        return status
    return "signed" if status in _SIGNED else "doubtful"


def _looks(text: str, *, is_symbol: bool) -> str:
    if is_symbol:
        return "".join(char for char in text if char not in JOINERS and char not in _SKINS)
    return reduce(text.replace("{address}", "").replace("{domain}", ""))
