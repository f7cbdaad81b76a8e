"""Signing a message: what was MIME inside moves into the signature, the rest stays outside.

RFC 8551 §3.1, §3.5; behaviour "Signature form".
"""

from datetime import datetime

from app.cms.signed import Signer, build_signed, micalg
from app.mail.canonical import make_signable
from app.mail.compose import content_fields, multipart_signed, other_fields, pkcs7_mime
from app.mail.headers import Headers, join, split
from app.smime.protect import protect


def sign(
    message: bytes, signer: Signer, *, form: str, at: datetime, token: bytes, protection: str = ""
) -> bytes:
    """Return the message signed, clear or opaque.

    ``token`` is the boundary: characters of RFC 2046 §5.1.1, at random, at most 60. Everything
    signed is 7-bit with CRLF; what is so already is not touched. ``protection`` puts the header
    section inside (RFC 9788): "clear", or "cipher" if the result will be encrypted. Raises
    MalformedMessage for an entity nested too deeply to be made 7-bit.
    """
    outer, entity = inner_entity(message, protection)
    entity = make_signable(entity)
    if form == "opaque":
        cms = build_signed(signer, [entity], detached=False, at=at)
        return pkcs7_mime(outer, cms, "signed-data", "smime.p7m")
    assert form == "clear", form
    cms = build_signed(signer, [entity], detached=True, at=at)
    return multipart_signed(outer, entity, cms, micalg(signer), _boundary(token, entity))


def inner_entity(message: bytes, protection: str = "") -> tuple[Headers, bytes]:
    """Return the fields that stay outside and the entity that goes in.

    A message without a Content-Type gets the one it means by default, so that the entity inside
    is one for every reader (RFC 2045 §5.2).
    """
    parts = split(message)
    outer, inside = other_fields(parts.headers), content_fields(parts.headers)
    if inside.find("Content-Type") is None:
        inside = inside.prepend("Content-Type", b"text/plain; charset=us-ascii")
    if protection:
        outer, inside = protect(outer, inside, protection)
    return outer, join(inside, parts.body)


def _boundary(token: bytes, entity: bytes) -> bytes:
    # A random token is in no content; a test's token, or a broken generator's, may be.
    while b"--" + token in entity:
        token += b"x"
    return token
