"""ContentInfo: its frame read at one go says the same as element by element."""

import pytest

from app.cms import algorithms as table
from app.cms import der
from app.cms.content_info import open_content_info, read_content_info
from app.cms.errors import MalformedCms
from app.cms.signing import content_info

KINDS = sorted(table.CONTENT_TYPE_DER)
# Around every size at which one of the lengths takes an octet more.
SIZES = [edge + step for edge in (0x80, 0x100, 0x10000) for step in range(-40, 5)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_built_is_opened_whatever_its_size(kind: str) -> None:
    for size in SIZES:
        inside = der.tlv(der.OCTET_STRING, bytes(size))
        cms = content_info(kind, (inside,))
        found, body = read_content_info(cms)
        assert (found, body.take_whole(der.OCTET_STRING)) == (kind, inside)
        body.finish()


def test_another_kind_is_not_opened() -> None:
    cms = content_info("signed", (der.tlv(der.OCTET_STRING, bytes(500)),))
    with pytest.raises(MalformedCms, match="not enveloped"):
        open_content_info(cms, "enveloped")
    assert open_content_info(cms, "signed").peek() == der.OCTET_STRING


def test_an_unknown_kind_has_no_name() -> None:
    oid = der.tlv(der.OBJECT_IDENTIFIER, der.encode_identifier("1.2.840.113549.1.7.99"))
    inside = der.tlv(der.CONTEXT_0, der.tlv(der.SEQUENCE, bytes(500)))
    assert read_content_info(der.tlv(der.SEQUENCE, oid, inside))[0] == ""


@pytest.mark.parametrize("size", [50, 500, 70_000])
def test_a_frame_changed_anywhere_is_malformed_or_of_another_kind(size: int) -> None:
    cms = content_info("signed", (der.tlv(der.OCTET_STRING, bytes(size)),))
    front = len(cms) - len(der.tlv(der.OCTET_STRING, bytes(size)))
    for at in range(front):
        for octet in {0, 1, 0x30, 0x80, 0x82, 0xA0, 0xFF, cms[at] ^ 1, cms[at] ^ 0x80} - {cms[at]}:
            changed = bytes((*cms[:at], octet, *cms[at + 1 :]))
            with pytest.raises(MalformedCms):
                open_content_info(changed, "signed")
    for changed in (cms + b"\0", cms[:-1], cms[1:], b""):
        with pytest.raises(MalformedCms):
            open_content_info(changed, "signed")
