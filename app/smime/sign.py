"""Signing a message: what was MIME inside moves into the signature, the rest stays outside.

RFC 8551 §3.1, §3.5; behaviour "Signature form".
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import chain
from typing import Final

from app.cms.signed import Signer, build_signed, micalg
from app.mail.canonical import make_signable
from app.mail.compose import around_signed, content_fields, other_fields, pkcs7_mime
from app.mail.headers import Headers, join, split
from app.mail.transfer import base64_of, join_large
from app.smime.protect import protect

_LARGE_OCTETS: Final = 1024 * 1024


def sign(
    message: bytes, signer: Signer, *, form: str, at: datetime, token: bytes, protection: str = ""
) -> bytes:
    """Return the message signed, clear or opaque.

    ``token`` is the boundary: characters of RFC 2046 §5.1.1, at random, at most 60. Everything
    signed is 7-bit with CRLF; what is so already is not touched. ``protection`` puts the header
    section inside (RFC 9788): "clear", or "cipher" if the result will be encrypted. Raises
    MalformedMessage for an entity nested too deeply to be made 7-bit.
    """
    outer, pieces = inner_entity(message, protection)
    content = message
    if make_signable(message) is not message:
        # Rare enough to pay for a copy; else the content is copied once, into the result.
        content = make_signable(b"".join(pieces))
        pieces = (content,)
    if form == "opaque":
        cms = build_signed(signer, pieces, detached=False, at=at)
        return framed(outer, (cms,), "signed-data", len(cms))
    assert form == "clear", form
    cms = build_signed(signer, pieces, detached=True, at=at)
    while b"--" + token in content:
        token += b"x"
    before, after = around_signed(outer, cms, micalg(signer), token)
    return b"".join((before, *pieces, after))


def inner_entity(
    message: bytes, protection: str = ""
) -> tuple[Headers, tuple[bytes | memoryview, ...]]:
    """Return the header section for outside, and the pieces of the entity that goes in.

    The outer section may still hold Content fields: whoever writes the message leaves them out.
    A message without a Content-Type gets the one it means by default, so that the entity inside
    is one for every reader (RFC 2045 §5.2).
    """
    parts = split(message)
    outer, inside = parts.headers, content_fields(parts.headers)
    if inside.find("Content-Type") is None:
        inside = inside.prepend("Content-Type", b"text/plain; charset=us-ascii")
    if protection:
        outer, inside = protect(other_fields(outer), inside, protection)
    return outer, (join(inside, b""), memoryview(message)[parts.body_at :])


def framed(outer: Headers, cms: Iterable[bytes], smime_type: str, size: int) -> bytes:
    """Return the message whose body is this CMS object, of so many octets or about.

    A large one is written without a copy beside it.
    """
    frame = pkcs7_mime(outer, b"", smime_type, "smime.p7m")
    pieces = chain((frame,), base64_of(cms))
    expected = len(frame) + size * 78 // 57
    return join_large(pieces, expected) if expected > _LARGE_OCTETS else b"".join(pieces)
