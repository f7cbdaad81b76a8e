"""Take symbols out: of subjects, and of the display name in From.

In the display name only symbols are looked for. It is a structured field, so it is not written
anew: encoded words that show a symbol are replaced, everything else stays octet for octet.
RFC 2047 §5(3), RFC 5322 §3.4.
"""

import base64
import re
from collections.abc import Iterable
from typing import Final

from app.mail.headers import Field, decode_text

# Runs of encoded words: a character may be split over two of them.
_WORDS: Final = re.compile(rb"=\?[^?]+\?[BbQq]\?[^?]*\?=(?:[ \t\r\n]+=\?[^?]+\?[BbQq]\?[^?]*\?=)*")
# What makes a symbol of a character, or joins two: nothing of it is shown alone.
_FORMS: Final = "\ufe0e\ufe0f\u200d\u20e3"


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
        chars = frozenset("".join(symbols)) - frozenset(_FORMS)
        self._chars: Final = chars
        any_of = "".join(map(re.escape, sorted(chars)))
        pattern = f"(?:[{any_of}][{_FORMS}]*)+(\\s*)"
        self._pattern: Final = re.compile(pattern)
        self._last: Final = re.compile(f"{pattern}\\Z")

    def found_in(self, text: str) -> bool:
        """Tell whether the text shows one of them."""
        return not self._chars.isdisjoint(text)

    def without(self, text: str) -> str:
        """Return the text without them; one blank is left between what stood around them."""
        if not self.found_in(text):
            return text

        def cut(found: "re.Match[str]") -> str:
            before = text[: found.start()]
            return found[1] if before and not before[-1].isspace() else ""

        shown = self._pattern.sub(cut, text)
        return shown.rstrip() if self._last.search(text) else shown

    def without_in_phrase(self, field: Field) -> Field:
        """Return an address field without them; the same object if it shows none."""
        if not self.found_in(decode_text(field.value)):
            return field

        def recoded(found: "re.Match[bytes]") -> bytes:
            text = decode_text(found[0])
            if not self.found_in(text):
                return found[0]
            return _encoded(self.without(text))

        octets = _WORDS.sub(recoded, field.octets)
        for char in self._chars:
            octets = octets.replace(char.encode(), b"")
        return Field(field.name, octets)
