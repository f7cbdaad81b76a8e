"""Where the parts of a multipart lie between its delimiter lines.

A delimiter is CRLF, "--" and the whole boundary on a line of its own; blanks may follow. Some
readers take less for one: a bare LF before it, a line that only begins like one. Where that would
make a difference there is an anomaly, and nothing below counts as signed (T38). The search goes
through the body once, from one candidate to the next, and gives up after as many as a message may
have parts (T35).
RFC 2046 §5.1.1.
"""

import re
from itertools import compress
from typing import Final, NamedTuple

from app.mail.limits import MIME_PARTS

_TAIL: Final = re.compile(rb"(--)?[ \t]*+(?:\r\n|\Z)")
_CANDIDATES: Final = 2 * MIME_PARTS


class Delimited(NamedTuple):
    """The body of a multipart, cut at its delimiters."""

    parts: tuple[tuple[int, int], ...] = ()
    """Start and end of each part, as offsets into the source."""
    anomalies: tuple[str, ...] = ()
    is_over: bool = False
    """Whether there are more parts, or lines that look like delimiters, than MIME_PARTS."""


_ANOMALIES: Final = (
    "line that begins like a delimiter",
    "no closing delimiter",
    "delimiter after the last one",
    "delimiters in a row",
    "delimiter after a bare line end",
)
_OVER: Final = Delimited(anomalies=(f"more than {MIME_PARTS} parts",), is_over=True)


def cut(source: bytes, start: int, end: int, boundary: bytes) -> Delimited:
    """Return the parts of the multipart body from start to end."""
    line = b"--" + boundary
    places, has_bare = _search(source, start, end, line)
    parts: list[tuple[int, int]] = []
    begun, seen = -1, 0  # where the part at hand begins, and how many places were looked at
    is_closed = is_like_one = is_in_row = False
    for at in places[:_CANDIDATES]:
        seen += 1
        tail = _TAIL.match(source, at + len(line), end)
        if tail is None:
            is_like_one = True
            continue
        if begun >= 0:
            # The CRLF that ends one delimiter may begin the next: a part of no octets, which some
            # readers skip.
            is_in_row = is_in_row or at - 2 < begun
            parts.append((begun, max(begun, at - 2)))
        begun = tail.end()
        if tail[1] is not None:
            is_closed = True
            break
    else:
        if begun >= 0:
            parts.append((begun, end))
    if len(parts) > MIME_PARTS or (seen < len(places) and not is_closed):
        return _OVER
    odd = (is_like_one, not is_closed, seen < len(places), is_in_row, has_bare)
    return Delimited(tuple(parts), tuple(compress(_ANOMALIES, odd)))


def _search(source: bytes, start: int, end: int, line: bytes) -> tuple[list[int], bool]:
    """Return where lines begin with these octets, and whether some do after a bare CR or LF.

    The first may stand at the very beginning of the body, without a CRLF of its own. One place more
    is returned than may be looked at.
    """
    places: list[int] = []
    has_bare = False
    strays = 0
    at = source.find(line, start, end)
    while at >= 0 and len(places) <= _CANDIDATES and strays <= _CANDIDATES:
        before = source[max(start, at - 2) : at]
        if before == b"\r\n" or at == start:
            places.append(at)
        else:
            strays += 1
            has_bare = has_bare or before.endswith((b"\r", b"\n"))
        at = source.find(line, at + 1, end)
    if at >= 0:
        # Something like a rule drawn of hyphens: what is no line is passed over in one step.
        mark = b"\r\n" + line
        after_crlf = source.count(mark, start, end)
        after_lf = source.count(mark[1:], start, end)
        has_bare = has_bare or after_lf != after_crlf or source.find(b"\r" + line, start, end) >= 0
        at = source.find(mark, at - 2, end)
        while at >= 0 and len(places) <= _CANDIDATES:
            places.append(at + 2)
            at = source.find(mark, at + 2, end)
    return places, has_bare
