"""Other ways to read a subject than the right one, because some mail program reads it so.

Encoded words that are none by the standard, or lie beyond what we decode, or come out of other
encoded words; and what bidirectional controls make of the order of characters. RFC 2047 §6, UAX 9.
"""

import re
from collections.abc import Iterator, Mapping
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
OVERRIDES: Final = frozenset("\u202d\u202e")
_BEGINS: Final = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
_ENDS: Final = frozenset("\u202c\u2069")
MIRRORED: Final = str.maketrans(
    "()[]{}<>\u00ab\u00bb\u2039\u203a", ")(][}{><\u00bb\u00ab\u203a\u2039"
)


def readings(text: str) -> Iterator[str]:
    """Give what mail programs show of the text, the likeliest first, each once."""
    for reading in dict.fromkeys((text, decoded(text))):
        if not OVERRIDES.isdisjoint(reading):
            yield shown_order(reading, MIRRORED)
            yield shown_order(reading, {})
        yield reading


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
    """Cut a text before encoded words, into pieces that are decoded whole."""
    pieces: list[str] = []
    at = 0
    while len(text) - at > _PIECE:
        end = text.rfind("=?", at + 1, at + _PIECE)
        end = at + _PIECE if end < 0 else end
        pieces.append(text[at:end])
        at = end
    return [*pieces, text[at:]]


def _decoded_piece(piece: str) -> str:
    octets = piece.encode("utf-8", "replace")
    text = decode_text(octets)
    if "=?" not in text:
        return text
    # An encoded word that is not closed within the piece, or never, is closed here.
    return decode_text(octets + b"?=").removesuffix("?=")


def _japanese(text: str) -> str:
    # QUIRK: Japanese mail programs read raw ISO-2022-JP in header fields.
    if "\x1b" not in text or not text.isascii():
        return text
    return text.encode("ascii").decode("iso2022_jp_ext", "replace")


def has_bidi(text: str) -> bool:
    """Tell whether the text has characters that change the order in which others are shown."""
    return not BIDI_CONTROLS.isdisjoint(text)


def shown_order(text: str, mirrored: Mapping[int, int]) -> str:
    """Return the text in the order in which overrides show it, without the controls.

    Only right-to-left overrides turn Latin letters around; other controls move whole words. Where
    letters are turned around, brackets are mirrored, but not by every program.
    """
    levels: list[tuple[bool, list[str]]] = [(False, [])]
    for char in text:
        if char in _BEGINS:
            levels.append((char == "\u202e", []))
        elif char in _ENDS:
            if len(levels) > 1:
                _end_level(levels, mirrored)
        elif char not in BIDI_CONTROLS:
            levels[-1][1].append(char)
    while len(levels) > 1:
        _end_level(levels, mirrored)
    return "".join(levels[0][1])


def _end_level(levels: list[tuple[bool, list[str]]], mirrored: Mapping[int, int]) -> None:
    is_turned, parts = levels.pop()
    text = "".join(parts)
    levels[-1][1].append(text[::-1].translate(mirrored) if is_turned else text)
