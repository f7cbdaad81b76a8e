"""Fields that pretend to be ours: X-Sealmon-* in any spelling, and our Authentication-Results.

Whoever reads a header section, program or person, takes such a field for the gateway's own word. A
name is taken as it looks, whatever its case, blanks, dashes and look-alike letters, and so is the
identifier in it. RFC 8601 §5; threats T61, T62.
"""

from functools import lru_cache
from typing import Final

from app.mail.authres import is_ours
from app.mail.headers import Field, decode_text
from app.mail.limits import DECODE_OCTETS
from app.subject.skeleton import AS_FOLDED, AS_SEEN, reduce, skeleton

RESULT_FIELDS: Final = "X-Sealmon-"
_RESULTS: Final = "Authentication-Results"
_NAME_CHARACTERS: Final = 1_000  # no reader takes a longer name for one of ours


def is_forged(field: Field, authserv_id: str) -> bool:
    """Tell whether the field would be taken for one that only we write."""
    resembled = _resembled(field.name[:_NAME_CHARACTERS])
    return resembled == RESULT_FIELDS or (bool(resembled) and _bears(field, authserv_id))


@lru_cache(maxsize=4_096)
def _resembled(name: str) -> str:
    """Return which of the names this one looks like, "" for neither."""
    for letters in (AS_SEEN, AS_FOLDED):
        shown = reduce(name, letters)
        if shown.startswith(reduce(RESULT_FIELDS, letters)):
            return RESULT_FIELDS
        if shown == reduce(_RESULTS, letters):
            return _RESULTS
    return ""


def _bears(field: Field, authserv_id: str) -> bool:
    if is_ours(Field(_RESULTS, field.octets), authserv_id):
        return True
    text = decode_text(field.value)
    if text.isascii():
        return False
    shown = skeleton(text[:DECODE_OCTETS].casefold()).encode("utf-8", "replace")
    return is_ours(Field(_RESULTS, b":" + shown), skeleton(authserv_id.casefold()))
