"""Take symbols out: of subjects, and of the display name in From.

In the display name only symbols are looked for. It is a structured field, so it is not written
anew: encoded words that show a symbol are replaced, everything else stays octet for octet.
RFC 2047 §5(3), RFC 5322 §3.4.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Final

from app.mail.headers import Field, decode_text, unfold
from app.mail.limits import DECODE_OCTETS
from app.mail.words import raw_text
from app.subject.readings import readings

# Runs of encoded words: a character may be split over two of them.
_WORDS: Final = re.compile(rb"=\?[^?]+\?[BbQq]\?[^?]*\?=(?:[ \t\r\n]+=\?[^?]+\?[BbQq]\?[^?]*\?=)*")
_WORD_BEGINS: Final = re.compile(rb"=[=\s]*+(?=\?)")
_ADDRESS: Final = re.compile(rb"<[^<>\s]*@[^<>\s]*>\Z")
_AROUND: Final = (b" ", b"\t", b"\r", b"\n", b"(", b")", b'"', b",", b";", b":", b">")
# What makes a symbol of a character, or joins two: nothing of it is shown alone.
JOINERS: Final = "\ufe0e\ufe0f\u200d\u20e3"


_WORD_OCTETS: Final = 45  # as base64 they fit into an encoded word, RFC 2047 §2


def _encoded(text: str) -> bytes:
    """Return text as encoded words, always: in an address field plain text could be an address."""
    words: list[bytes] = []
    chunk = b""
    for char in text:
        octets = char.encode("utf-8", "replace")
        if len(chunk) + len(octets) > _WORD_OCTETS:
            words.append(chunk)
            chunk = b""
        chunk += octets
    words.extend([chunk] if chunk else [])
    return b"\r\n ".join(b"=?utf-8?b?%s?=" % base64.b64encode(word) for word in words)


class Symbols:
    """A set of symbols, and how to take them out."""

    def __init__(self, symbols: Iterable[str]) -> None:
        chars = frozenset("".join(symbols)) - frozenset(JOINERS)
        self._chars: Final = chars
        any_of = "".join(map(re.escape, sorted(chars)))
        pattern = f"(?:[{any_of}][{JOINERS}]*)+(\\s*)"
        self._pattern: Final = re.compile(pattern)

    def found_in(self, text: str) -> bool:
        """Tell whether the text shows one of them."""
        return not self._chars.isdisjoint(text)

    def without(self, text: str) -> str:
        """Return the text without them; one blank is left between what stood around them."""
        if not self.found_in(text):
            return text

        def cut(found: "re.Match[str]") -> str:
            at = found.start()
            return found[1] if at and not text[at - 1].isspace() else ""

        shown = self._pattern.sub(cut, text)
        last = text.rstrip().rstrip(JOINERS)[-1:]
        return shown.rstrip() if last in self._chars else shown

    def without_in_phrase(self, field: Field) -> Field:
        """Return an address field without them; the same object if it shows none."""
        if field.octets.isascii() and b"?" not in field.octets:
            return field
        name, address, comment = _divided(field.octets)
        octets = self._without_in(name) + address + self._without_in(comment)
        return field if octets == field.octets else Field(field.name, octets)

    def _without_in(self, octets: bytes) -> bytes:
        if self.found_in(decode_text(octets)):
            octets = _WORDS.sub(self._recoded, octets)
            for char in self._chars:
                octets = octets.replace(char.encode(), b"")
        if any(map(self.found_in, _readings(octets))):
            # Words that only some programs read: nobody can take anything for one any more.
            octets = _WORD_BEGINS.sub(b"", octets)
        return octets

    def _recoded(self, words: "re.Match[bytes]") -> bytes:
        text = decode_text(words[0])
        return _encoded(self.without(text)) if self.found_in(text) else words[0]


def _readings(octets: bytes) -> Iterator[str]:
    cut = octets[:DECODE_OCTETS]
    for text in dict.fromkeys((decode_text(cut), raw_text(unfold(cut)))):
        yield from readings(text)


def _divided(octets: bytes) -> tuple[bytes, bytes, bytes]:
    """Return an address field in three: what stands before its last address, that, and the rest."""
    end = octets.rfind(b">") + 1
    begin = octets.rfind(b"<", 0, end)
    if begin >= 0:
        found = _ADDRESS.match(octets[begin:end])
        return (octets[:begin], octets[begin:end], octets[end:]) if found else (octets, b"", b"")
    end = octets.rfind(b"@") + 1
    begin = max(octets.rfind(char, 0, end) for char in _AROUND) + 1
    return octets[:begin], octets[begin:end], octets[end:]
