"""Where the parts of a multipart lie between its delimiter lines.

A delimiter is CRLF, "--" and the whole boundary on a line of its own; blanks may follow. Some
readers take less for one: a bare LF before it, a line that only begins like one. Where that would
make a difference there is an anomaly, and nothing below counts as signed (T38). The search jumps
from one candidate to the next and gives up after as many as a message may have parts (T35).
RFC 2046 §5.1.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from app.mail.limits import MIME_PARTS

_TAIL: Final = re.compile(rb"(--)?+[ \t]*+(?:\r\n|\Z)")
_CANDIDATES: Final = 2 * MIME_PARTS


@dataclass(frozen=True, slots=True)
class Delimited:
    """The body of a multipart, cut at its delimiters."""

    parts: tuple[tuple[int, int], ...] = ()
    """Start and end of each part, as offsets into the source."""
    anomalies: tuple[str, ...] = ()
    is_over: bool = False
    """Whether there are more parts, or lines that look like delimiters, than MIME_PARTS."""


class _Line(NamedTuple):
    """A line that begins like a delimiter."""

    at: int  # of the CRLF before it
    after: int
    is_whole: bool
    is_last: bool


_OVER: Final = Delimited(anomalies=(f"more than {MIME_PARTS} parts",), is_over=True)


def cut(source: bytes, start: int, end: int, boundary: bytes) -> Delimited:
    """Return the parts of the multipart body from start to end."""
    mark = b"\r\n--" + boundary
    candidates = list(islice(_candidates(source, start, end, mark), _CANDIDATES + 1))
    if len(candidates) > _CANDIDATES:
        return _OVER
    lines = [line for line in candidates if line.is_whole]
    anomalies = []
    if len(lines) < len(candidates):
        anomalies.append("line that begins like a delimiter")
    if not lines or not lines[-1].is_last:
        anomalies.append("no closing delimiter")
    elif source.find(mark, lines[-1].after - 2, end) >= 0:
        anomalies.append("delimiter after the last one")
    ends = [*(line.at for line in lines[1:]), end]
    # The CRLF that ends one delimiter may begin the next: a part of no octets, which some skip.
    if any(part_end < line.after for line, part_end in zip(lines, ends, strict=False)):
        anomalies.append("delimiters in a row")
    parts = tuple(
        (line.after, max(line.after, part_end))
        for line, part_end in zip(lines, ends, strict=False)
        if not line.is_last
    )
    return Delimited(parts, tuple(anomalies)) if len(parts) <= MIME_PARTS else _OVER


def _candidates(source: bytes, start: int, end: int, mark: bytes) -> Iterator[_Line]:
    """Yield the lines that begin like a delimiter, up to the closing one."""
    # The first may stand at the very beginning of the body, without a CRLF of its own.
    at = start - 2 if source.startswith(mark[2:], start, end) else source.find(mark, start, end)
    while at >= 0 or at == start - 2:
        tail = _TAIL.match(source, at + len(mark), end)
        is_last = tail is not None and tail[1] is not None
        after = tail.end() if tail else at + len(mark)
        yield _Line(at, after, tail is not None, is_last)
        if is_last:
            return
        at = source.find(mark, max(start, after - 2), end)


def has_bare_delimiter(source: bytes, start: int, end: int, boundary: bytes) -> bool:
    """Tell whether a delimiter follows a CR or LF that is no CRLF."""
    line = b"--" + boundary
    after_crlf = source.count(b"\r\n" + line, start, end)
    if source.count(line, start, end) == after_crlf + source.startswith(line, start, end):
        # There is none but those; no boundary goes over the end of a line.
        return False
    after_lf = source.count(b"\n" + line, start, end)
    return after_lf != after_crlf or source.find(b"\r" + line, start, end) >= 0
