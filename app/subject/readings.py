"""Other ways to read a subject than the right one, because some mail program reads it so.

Encoded words that are none by the standard, or lie beyond what we decode, or come out of other
encoded words; and what bidirectional controls make of the order of characters. RFC 2047 §6, UAX 9.
"""

import re
from collections.abc import Iterator
from typing import Final

from app.mail.headers import decode_text
from app.mail.limits import DECODE_OCTETS
from app.mail.words import is_known_charset

BIDI_CONTROLS: Final = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
LAYERS: Final = 4  # encoded words in encoded words

_CHARSET: Final = re.compile(r"=\?([^?]{0,60})\?([BbQq])\?")
_PIECE: Final = DECODE_OCTETS - len("?=")
_OVERRIDE: Final = "\u202e"
_BEGINS: Final = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
_ENDS: Final = frozenset("\u202c\u2069")
_MIRROR: Final = str.maketrans(
    "()[]{}<>\u00ab\u00bb\u2039\u203a", ")(][}{><\u00bb\u00ab\u203a\u2039"
)


def other_readings(text: str) -> Iterator[str]:
    """Give what some mail program shows instead of the text, each once."""
    plain = decoded(text)
    if plain != text:
        yield plain
    for reading in dict.fromkeys((text, plain)):
        if has_bidi(reading):
            yield shown_order(reading)


def decoded(text: str) -> str:
    """Return the text with everything decoded that somebody could take for an encoded word."""
    for _ in range(LAYERS):
        before = text
        text = _japanese(text)
        if "=?" in text:
            text = "".join(map(_decoded_piece, _pieces(_CHARSET.sub(_known, text))))
        if text == before:
            break
    return text


def _known(word: "re.Match[str]") -> str:
    # Mail programs that do not know a charset show its ASCII characters all the same.
    charset = word[1] if is_known_charset(word[1]) else "utf-8"
    return f"=?{charset}?{word[2]}?"


def _pieces(text: str) -> list[str]:
    """Cut a text behind encoded words, into pieces that are decoded whole."""
    pieces: list[str] = []
    at = 0
    while len(text) - at > _PIECE:
        end = text.rfind("?=", at, at + _PIECE)
        end = at + _PIECE if end <= at else end + 2
        pieces.append(text[at:end])
        at = end
    return [*pieces, text[at:]]


def _decoded_piece(piece: str) -> str:
    # An encoded word that is not closed within the piece, or never, is closed here.
    if piece.rfind("=?") > piece.rfind("?=") or piece.count("?") % 4:
        closed = decode_text(f"{piece}?=".encode("utf-8", "replace"))
        return closed.removesuffix("?=")
    return decode_text(piece.encode("utf-8", "replace"))


def _japanese(text: str) -> str:
    # QUIRK: Japanese mail programs read raw ISO-2022-JP in header fields.
    if "\x1b" not in text or not text.isascii():
        return text
    return text.encode("ascii").decode("iso2022_jp_ext", "replace")


def has_bidi(text: str) -> bool:
    """Tell whether the text has characters that change the order in which others are shown."""
    return not BIDI_CONTROLS.isdisjoint(text)


def shown_order(text: str) -> str:
    """Return the text in the order in which overrides show it, without the controls.

    Only right-to-left overrides turn Latin letters around; other controls move whole words.
    """
    levels: list[tuple[bool, list[str]]] = [(False, [])]
    for char in text:
        if char in _BEGINS:
            levels.append((char == _OVERRIDE, []))
        elif char in _ENDS:
            if len(levels) > 1:
                _end_level(levels)
        elif char not in BIDI_CONTROLS:
            levels[-1][1].append(char)
    while len(levels) > 1:
        _end_level(levels)
    return "".join(levels[0][1])


def _end_level(levels: list[tuple[bool, list[str]]]) -> None:
    is_turned, parts = levels.pop()
    levels[-1][1].append(turned("".join(parts)) if is_turned else "".join(parts))


def turned(text: str) -> str:
    """Return the text from right to left, brackets mirrored (UAX 9 §3.4, rule L4)."""
    return text[::-1].translate(_MIRROR)
