"""Content transfer encodings: base64 and quoted-printable, in and out.

What is written keeps to lines that no relay has a reason to touch. What is read is read as the
standard has readers do it: characters that are no base64 are skipped. Linear; large octets go in
blocks.
RFC 2045 §6.
"""

import binascii
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from io import BytesIO
from typing import Final

import pybase64

from app.mail.errors import MalformedMessage
from app.mail.limits import FIELD_OCTETS
from app.mail.words import unfold

IDENTITY: Final = frozenset(("7bit", "8bit", "binary"))
BASE64: Final = "base64"
QUOTED_PRINTABLE: Final = "quoted-printable"

_COLUMNS: Final = 76  # RFC 2045 §6.7(5), §6.8
_LINE_OCTETS: Final = 57  # make 76 columns
_BLOCK_OCTETS: Final = _LINE_OCTETS * 16_384
_PADDINGS: Final = (b"", b"=", b"==")
_BROKEN_BASE64: Final = "base64 that is broken off or goes on after its end"
_ALPHABET: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_OUTSIDE: Final = bytes(octet for octet in range(256) if octet not in _ALPHABET)
# So many lines at a time: the matcher remembers each of them.
_CLEAN: Final = re.compile(rb"(?:[A-Za-z0-9+/]++[ \t]*+(?:\r\n|\Z)){1,10000}")
_FROM_LINE: Final = re.compile(rb"(\A|\n)From ([^\r\n]*)")
_SOFT_END: Final = re.compile(rb"(?:(?:\n\r)?=)*")  # read backwards


def parse_encoding(value: bytes) -> str:
    """Return the encoding in lower case of a Content-Transfer-Encoding value; 7bit if it is empty.

    RFC 2045 §6.1.
    """
    return _remembered(value) if len(value) <= _COLUMNS else _encoding(value)


def _encoding(value: bytes) -> str:
    name = unfold(value).partition(b"(")[0].partition(b";")[0].strip()
    return name.decode("ascii", "replace").lower() or "7bit"


_remembered: Final = lru_cache(maxsize=256)(_encoding)


def base64_blocks(octets: bytes | memoryview) -> Iterator[bytes]:
    """Yield octets as base64 in lines of 76 columns, each ended by CRLF, block by block."""
    view = memoryview(octets)
    for at in range(0, len(view), _BLOCK_OCTETS):
        yield _lines(view[at : at + _BLOCK_OCTETS])


def base64_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same of octets that come in pieces, as soon as there are enough for a block."""
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= _BLOCK_OCTETS:
            octets = b"".join(waiting)
            end = size - size % _LINE_OCTETS
            yield _lines(memoryview(octets)[:end])
            waiting = [octets[end:]]
            size -= end
    if size:
        yield _lines(b"".join(waiting))


def _lines(octets: bytes | memoryview) -> bytes:
    return pybase64.encodebytes(octets).replace(b"\n", b"\r\n")


def wrap_base64(octets: bytes | memoryview) -> bytes:
    """Return octets as base64 in lines of 76 columns, each ended by CRLF (RFC 2045 §6.8)."""
    if len(octets) <= _BLOCK_OCTETS:
        return _lines(octets)
    return b"".join(base64_blocks(octets))


def join_large(pieces: Iterable[bytes], octets: int) -> bytes:
    """Return the pieces in one, with memory for the result alone; about how long it will be."""
    out = BytesIO()
    # One stretch from the beginning: what grows is copied, and is there twice meanwhile.
    out.seek(octets)
    out.write(b"\0")
    out.seek(0)
    out.writelines(pieces)
    out.truncate()
    return out.getvalue()


def rewrap_base64(body: bytes) -> bytes:
    """Return a base64 body in lines of 76 columns, without the characters that readers skip."""
    data = body.translate(None, _OUTSIDE)
    lines = (data[at : at + _COLUMNS] for at in range(0, len(data), _COLUMNS))
    return b"".join(line + b"\r\n" for line in lines)


def base64_problem(body: bytes, decoded: bytes = b"") -> str:
    """Return "" for base64 that every reader decodes alike, else why not (T38).

    Readers differ about characters outside of the alphabet (skipped, or the end), padding in the
    middle, missing padding and bare line ends. With what was decoded the usual form, which is
    what would be written here, is recognised sooner.
    """
    text = body.rstrip(b"\r\n \t")
    if decoded and text == _lines(decoded).rstrip(b"\r\n"):
        return ""
    data = text.rstrip(b"=")
    if len(text) - len(data) > 2 or not _is_clean(data):
        return "base64 with other characters in it"
    columns = len(text) - sum(map(text.count, (b"\r", b"\n", b" ", b"\t")))
    return "base64 of a broken length" if columns % 4 else ""


def _is_clean(data: bytes) -> bool:
    at = 0
    while at < len(data):
        lines = _CLEAN.match(data, at)
        if lines is None:
            return False
        at = lines.end()
    return True


def decode_body(body: bytes | memoryview, encoding: str) -> bytes:
    """Return a body without its transfer encoding; the encoding in lower case.

    Raises MalformedMessage for an encoding that is not known and for base64 that ends in the
    middle of an octet or goes on after its padding.
    """
    if encoding in IDENTITY:
        return bytes(body)
    if encoding == BASE64:
        return _from_base64(body)
    if encoding == QUOTED_PRINTABLE:
        return binascii.a2b_qp(bytes(body))
    raise MalformedMessage(f"unknown content transfer encoding {encoding[:40]!r}")


def _from_base64(body: bytes | memoryview) -> bytes:
    if len(body) > _BLOCK_OCTETS:
        return join_large(_base64_blocks_of(body), len(body) * 3 // 4)
    octets = bytes(body)
    end = octets.find(b"=")
    padding = b"" if end < 0 else octets[end:].translate(None, _OUTSIDE)
    try:
        if padding in _PADDINGS:
            # This skips what is no base64 four times as fast, but forgives wrong padding.
            found = pybase64.b64decode(octets)
            if len(padding) == -len(found) % 3:
                return found
        return pybase64.b64decode(octets.translate(None, _OUTSIDE), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedMessage(_BROKEN_BASE64) from None


def _base64_blocks_of(body: bytes | memoryview) -> Iterator[bytes]:
    """Yield what a base64 body says, block by block."""
    view = memoryview(body)
    rest = b""
    ended = False
    for at in range(0, len(view), _BLOCK_OCTETS):
        data = rest + bytes(view[at : at + _BLOCK_OCTETS]).translate(None, _OUTSIDE)
        end = len(data) - len(data) % 4 if at + _BLOCK_OCTETS < len(view) else len(data)
        rest, data = data[end:], data[:end]
        if ended and (data or rest):
            raise MalformedMessage(_BROKEN_BASE64)
        yield _from_base64(data)
        ended = data.endswith(b"=")


def quoted_printable(content: bytes) -> bytes:
    """Return text with CRLF line ends as quoted-printable that no relay will rewrite.

    Lines of at most 76 columns without white space at their ends, "From " as "=46rom ", and no soft
    line break at the very end. RFC 2045 §6.7, RFC 8551 §3.1.3.
    """
    encoded = binascii.b2a_qp(content, quotetabs=False, istext=True)
    if b"\n" not in content:
        # Without a line end to go by the standard library breaks lines with LF.
        encoded = encoded.replace(b"\n", b"\r\n")
    lines = encoded.split(b"\r\n")
    if max(map(len, lines)) > _COLUMNS:
        # QUIRK: CPython 3.11 does not count in that the blank at a line's end takes three columns.
        encoded = b"\r\n".join(map(_within_columns, lines))
    return guard_quoted_printable(encoded)


def _within_columns(line: bytes) -> bytes:
    return line if len(line) <= _COLUMNS else b"%s=\r\n%s" % (line[:-3], line[-3:])


def guard_quoted_printable(encoded: bytes) -> bytes:
    """Return quoted-printable without "From " at a line's start and soft break at its end."""
    if b"From " in encoded:
        encoded = _FROM_LINE.sub(_without_from, encoded)
    if not encoded.endswith((b"=", b"=\r\n")):
        return encoded
    soft = _SOFT_END.match(encoded[: -FIELD_OCTETS - 1 : -1])
    assert soft is not None, "the expression matches nothing, too"
    return _without_blank_end(encoded[: len(encoded) - soft.end()])


def _without_blank_end(encoded: bytes) -> bytes:
    """Return the body with a blank at its end in the form that readers must not delete."""
    if not encoded.endswith((b" ", b"\t")):
        return encoded
    columns = len(encoded) - encoded.rfind(b"\n") + 1
    soft = b"=\r\n" if columns > _COLUMNS else b""
    return b"%s%s=%02X" % (encoded[:-1], soft, encoded[-1])


def _without_from(found: "re.Match[bytes]") -> bytes:
    line = b"=46rom " + found[2]
    if len(line) <= _COLUMNS:
        return found[1] + line
    return found[1] + b"=46rom=\r\n " + found[2]
