"""Other ways to read a subject than the right one, because some mail program reads it so.

Encoded words that are none by the standard, or lie beyond what we decode, or come out of other
encoded words; and what bidirectional controls make of the order of characters. RFC 2047 §6, UAX 9.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Final

from app.mail.headers import decode_text
from app.mail.limits import DECODE_OCTETS
from app.mail.words import codec_of

BIDI_CONTROLS: Final = frozenset(
    "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
LAYERS: Final = 4  # encoded words in encoded words

# With blanks where a fold was; and whatever some program takes for an encoded word besides: with
# question marks inside, or not closed.
MAY_BE_WORD: Final = re.compile(r"=\s*+\?")
_BEGIN: Final = r"=\s*+\?([^?]{0,60})\?\s*+([BbQq])\s*+\?"
_WORD: Final = re.compile(rf"{_BEGIN}([^?]*+)\?=")
_UNUSUAL: Final = re.compile(rf"{_BEGIN}(.*?)(?:\?=|\Z)", re.DOTALL)
_NO_BASE64: Final = re.compile(r"[^A-Za-z0-9+/=]")
# The code pages of mainframes agree about letters, digits and blanks, and about little else.
_MAINFRAME: Final = re.compile(
    r"ebcdic|ibm|cp\W*0*(?:37|27[378]|28[0459]|29[07]|42[034]|500|87[01]|880|905|924|1047|102[56]|114\d)",
    re.IGNORECASE,
)
# QUIRK: RFC 2781 §4.3 and Java read them big-endian without a byte order mark, browsers
# little-endian.
_WIDE: Final = re.compile(r"u(?:tf|cs)\W*(?:16|2|32|4)|unicode|10646", re.IGNORECASE)
_OTHER_ORDER: Final = {
    "utf_16": "utf-16be",
    "utf_16_le": "utf-16be",
    "utf_16_be": "utf-16le",
    "utf_32": "utf-32be",
    "utf_32_le": "utf-32be",
    "utf_32_be": "utf-32le",
}
# Words that can be read in two ways: padding inside of base64, the charset of a mainframe, or one
# that does not say which octet comes first.
UNSURE: Final = re.compile(
    r"\?\s*+[Bb]\s*+\?[^?=]*+=++[^?=]"
    rf"|=\s*+\?[^?]{{0,50}}(?:{_MAINFRAME.pattern}|{_WIDE.pattern})",
    re.IGNORECASE,
)
_BARS: Final = {
    ord(char): "|"
    for char in bytes(range(256)).decode("cp500")
    if not (char.isascii() and char.isalnum()) and char != " "
}
_PIECE: Final = DECODE_OCTETS - len("?=")
OVERRIDES: Final = frozenset("\u202d\u202e")
_BEGINS: Final = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
_ENDS: Final = frozenset("\u202c\u2069")
MIRRORED: Final = str.maketrans(
    "()[]{}<>\u00ab\u00bb\u2039\u203a", ")(][}{><\u00bb\u00ab\u203a\u2039"
)


def readings(text: str) -> Iterator[str]:
    """Give what mail programs show of the text, the likeliest first, each once."""
    found = [text, decoded(text)]
    if UNSURE.search(text):
        found.append(decoded(text, otherwise=True))
    for reading in dict.fromkeys(found):
        if not OVERRIDES.isdisjoint(reading):
            yield shown_order(reading, MIRRORED)
            yield shown_order(reading, {})
        yield reading


def decoded(text: str, *, otherwise: bool = False) -> str:
    """Return the text with everything decoded that somebody could take for an encoded word.

    Padding inside of base64 is passed over; otherwise it ends a segment, after which decoding
    begins anew. A charset that we do not know is taken for ASCII; otherwise for that of a mainframe
    if it is called like one. Of a charset with two orders of octets otherwise the other one is
    read.
    """
    for _ in range(LAYERS):
        before = text
        text = _japanese(text)
        if MAY_BE_WORD.search(text):
            pattern = _WORD if _WORD.search(text) else _UNUSUAL
            words = pattern.sub(lambda word: _proper(word, otherwise=otherwise), text)
            text = "".join(map(_decoded_piece, _pieces(words)))
        if text == before:
            break
    return text


def _proper(word: "re.Match[str]", *, otherwise: bool) -> str:
    """Return an encoded word as it should be, or what it says if that cannot be written as one."""
    charset, encoding = word[1], word[2]
    as_base64 = _in_segments if otherwise else _in_one
    payload = _as_q(word[3]) if encoding in "Qq" else as_base64(word[3])
    codec = codec_of(charset)
    if codec:
        named = _OTHER_ORDER.get(codec, charset) if otherwise else charset
        return f"=?{named}?{encoding}?{payload}?="
    if otherwise and _MAINFRAME.search(charset):
        octets = decode_text(f"=?latin-1?{encoding}?{payload}?=".encode())
        return octets.encode("latin-1").decode("cp500").translate(_BARS)
    # Mail programs that do not know a charset show its ASCII characters all the same.
    return f"=?utf-8?{encoding}?{payload}?="


def _as_q(payload: str) -> str:
    return "".join(char if char.isascii() and char != "?" else _numbered(char) for char in payload)


def _numbered(char: str) -> str:
    return "".join(f"={octet:02X}" for octet in char.encode("utf-8", "replace"))


def _in_one(payload: str) -> str:
    return _NO_BASE64.sub("", payload).replace("=", "")


def _in_segments(payload: str) -> str:
    segments = (
        each[: len(each) - (len(each) % 4 == 1)] for each in _NO_BASE64.sub("", payload).split("=")
    )
    octets = b"".join(binascii.a2b_base64(f"{each}==") for each in segments)
    return binascii.b2a_base64(octets, newline=False).decode()


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
