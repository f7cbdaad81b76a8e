"""What kind of CMS object the octets are."""

from app.cms import der
from app.cms.algorithms import CONTENT_TYPES
from app.cms.ber import header
from app.cms.errors import MalformedCms

_KINDS = frozenset(("signed", "enveloped", "auth-enveloped", "compressed", "data"))


def content_kind(cms: bytes) -> str:
    """Return "signed", "enveloped", "auth-enveloped", "compressed", "data" or "other".

    Only the content type is looked at. Raises MalformedCms if there is none. RFC 5652 §3.
    """
    try:
        start, _ = header(cms, 0)
    except IndexError as fault:
        raise MalformedCms("not a ContentInfo") from fault
    if cms[0] != der.SEQUENCE:
        raise MalformedCms("not a ContentInfo")
    name = CONTENT_TYPES.get(der.Reader(cms, 0, start, len(cms)).identifier(), "other")
    return name if name in _KINDS else "other"
