"""What transport did to a message whose digest differs: a guess that can be proved.

Each row of the table undoes one known damage. If the content as it was before hashes to the signed
messageDigest, that damage, and nothing else, is what happened: nobody can find another content of
that digest. The status stays "invalid" all the same; the reader sees altered octets. Only small
messages are looked at, and only so much is tried: octets are counted and not seconds, so that the
answer does not depend on what else the machine does.

RFC 8551 §3.1.1, §3.1.3 (why these damages break signatures).
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterator
from functools import partial

from app import patience
from app.mail.canonical import to_crlf
from app.mail.entity import Entity, parse_entity
from app.mail.errors import MalformedMessage
from app.smime.reasons import Reason

_OCTETS_AT_MOST = 1024 * 1024
# Of all that is tried together; some 50 ms at the worst.
_OCTETS_IN_ALL = 8 * 1024 * 1024
_FOOTER_LINES = 40
_COLUMNS = (76, 72, 64, 60)
_ESCAPED_FROM = re.compile(rb"(^|\n)>From ")
_STRIPPED_SIGNATURE = re.compile(rb"(^|\n)--\r\n")
# Begun only where a run begins, or a long run would be read once for each of its octets (T110).
_TRAILING = re.compile(rb"(?<![ \t])[ \t]++\r\n")


def diagnose(content: bytes, digest: str, expected: bytes) -> Reason | None:
    """Return the damage that explains why content does not hash to what was signed.

    ``content`` is the signed entity as it arrived, ``digest`` the name of the algorithm and
    ``expected`` the signed messageDigest. None if nothing that is tried explains it.
    """
    if len(content) > _OCTETS_AT_MOST:
        return None
    left = _OCTETS_IN_ALL
    for code, undo in _DAMAGES:
        for former in undo(content):
            patience.tick()
            found = hashlib.new(digest, former, usedforsecurity=False).digest()
            if hmac.compare_digest(found, expected):
                return Reason(code)
            left -= len(former)
            if left < 0:
                return None
    return None


def _line_ends(content: bytes) -> Iterator[bytes]:
    """Undo blank lines lost or added at the end of the entity."""
    bare = content.rstrip(b"\r\n")
    yield from (bare + b"\r\n" * count for count in range(5))


def _mailbox_escape(content: bytes) -> Iterator[bytes]:
    yield _ESCAPED_FROM.sub(rb"\1From ", content)


def _trailing_space(content: bytes) -> Iterator[bytes]:
    """Undo white space that was cut from, or added to, the ends of lines."""
    yield _STRIPPED_SIGNATURE.sub(rb"\1-- \r\n", content)
    yield _TRAILING.sub(b"\r\n", content)
    yield _STRIPPED_SIGNATURE.sub(rb"\1-- \r\n", _TRAILING.sub(b"\r\n", content))


def _rewrapped_base64(content: bytes) -> Iterator[bytes]:
    """Undo base64 lines of another width, in all parts alike."""
    for columns in _COLUMNS:
        yield _with_bodies(content, partial(_wrap, columns=columns), "base64")
        yield _with_bodies(content, partial(_wrap_unended, columns=columns), "base64")


def _wrap(body: bytes, columns: int) -> bytes:
    return _wrap_unended(body, columns) + b"\r\n"


def _wrap_unended(body: bytes, columns: int) -> bytes:
    data = b"".join(body.split())
    return b"\r\n".join(data[at : at + columns] for at in range(0, len(data), columns))


def _soft_break(content: bytes) -> Iterator[bytes]:
    """Undo a lost soft line break at the end of a quoted-printable part."""
    yield _with_bodies(content, lambda body: body.rstrip(b"\r\n") + b"=", "quoted-printable")
    yield _with_bodies(content, lambda body: body.rstrip(b"\r\n") + b"=\r\n", "quoted-printable")


def _seven_bit(content: bytes) -> Iterator[bytes]:
    """Undo a relay's change from 8-bit to quoted-printable or base64 (RFC 6152 §3)."""
    for encoding in ("quoted-printable", "base64"):
        yield _recoded(content, encoding, b"8bit")


def _footer(content: bytes) -> Iterator[bytes]:
    """Undo lines that a list appended to the text, or a part that it appended."""
    root = parse_entity(content)
    for leaf in _text_leaves(root):
        end = leaf.end
        for _ in range(_FOOTER_LINES):
            end = content.rfind(b"\n", leaf.body_at, max(end - 1, leaf.body_at))
            if end < 0:
                break
            end += 1
            yield content[:end] + content[leaf.end :]
            yield content[: end - 2] + content[leaf.end :]
    parts = root.parts()
    if len(parts) > 1:
        yield content[: parts[-2].end] + content[parts[-1].end :]


def _text_leaves(root: Entity) -> list[Entity]:
    parts = root.parts()
    if not parts:
        return [root] if root.media_type.type == "text" else []
    return [leaf for part in parts for leaf in _text_leaves(part)]


def _leaves(root: Entity) -> Iterator[Entity]:
    waiting = [root]
    while waiting:
        entity = waiting.pop()
        parts = entity.parts()
        waiting.extend(reversed(parts))
        if not parts:
            yield entity


def _with_bodies(content: bytes, change: Callable[[bytes], bytes], encoding: str) -> bytes:
    """Return the content with the body of every part of one encoding changed."""
    out: list[bytes] = []
    at = 0
    for leaf in _leaves(parse_entity(content)):
        if leaf.encoding == encoding:
            out += (content[at : leaf.body_at], change(leaf.body))
            at = leaf.end
    return b"".join((*out, content[at:]))


def _recoded(content: bytes, encoding: str, former: bytes) -> bytes:
    """Return the content with every text part of an encoding decoded and named as before."""
    out: list[bytes] = []
    at = 0
    for leaf in _leaves(parse_entity(content)):
        if leaf.encoding != encoding or leaf.media_type.type != "text":
            continue
        try:
            body = to_crlf(leaf.decoded())
        except MalformedMessage:
            continue
        headers = leaf.headers.replace_first(
            "Content-Transfer-Encoding", b"Content-Transfer-Encoding: %s\r\n" % former
        )
        out += (content[at : leaf.start], headers.octets, b"\r\n", body)
        at = leaf.end
    return b"".join((*out, content[at:]))


# In the order in which they are met in the wild; the cheap ones come first.
_DAMAGES: tuple[tuple[str, Callable[[bytes], Iterator[bytes]]], ...] = (
    ("damage-line-ends", _line_ends),
    ("damage-from-line", _mailbox_escape),
    ("damage-trailing-space", _trailing_space),
    ("damage-base64", _rewrapped_base64),
    ("damage-soft-break", _soft_break),
    ("damage-seven-bit", _seven_bit),
    ("damage-footer", _footer),
)
