import zlib

import pytest

from app.cms import algorithms, der
from app.cms.compressed import open_compressed
from app.cms.errors import MalformedCms, TooLarge, UnsupportedCms
from app.cms.signing import content_info
from app.mail.limits import COMPRESSION_RATIO
from tests.cms.identities import CONTENT
from tests.timing import least_seconds


def compressed(stream: bytes, *, oid: str = algorithms.ZLIB, content_type: str = "data") -> bytes:
    encap = der.tlv(
        der.SEQUENCE,
        algorithms.CONTENT_TYPE_DER[content_type],
        der.tlv(der.CONTEXT_0, der.tlv(der.OCTET_STRING, stream)),
    )
    return content_info("compressed", [der.integer(0), algorithms.identifier(oid), encap])


def test_content_comes_back() -> None:
    assert open_compressed(compressed(zlib.compress(CONTENT))) == CONTENT


@pytest.mark.parametrize("excess", [0, 1])
def test_the_limit_holds_exactly(excess: int) -> None:  # T105
    octets = compressed(zlib.compress(CONTENT))
    if excess == 0:
        assert open_compressed(octets, len(CONTENT)) == CONTENT
    else:
        with pytest.raises(TooLarge):
            open_compressed(octets, len(CONTENT) - 1)


def test_the_ratio_holds() -> None:  # T105
    stream = zlib.compress(bytes(10_000))
    assert len(stream) * COMPRESSION_RATIO < 10_000
    with pytest.raises(TooLarge):
        open_compressed(compressed(stream))


def test_a_bomb_is_over_at_once() -> None:  # T105
    stream = zlib.compress(bytes(50_000_000), 9)
    octets = compressed(stream)

    def work() -> None:
        with pytest.raises(TooLarge):
            open_compressed(octets)

    assert least_seconds(work, 0.1) < 0.1


@pytest.mark.parametrize(
    "stream",
    [b"", b"no zlib", zlib.compress(CONTENT)[:-1], zlib.compress(CONTENT) + b"more"],
    ids=["empty", "no stream", "cut short", "something behind it"],
)
def test_a_broken_stream_is_malformed(stream: bytes) -> None:
    with pytest.raises(MalformedCms):
        open_compressed(compressed(stream))


def test_other_algorithms_and_contents_are_unsupported() -> None:
    with pytest.raises(UnsupportedCms):
        open_compressed(compressed(zlib.compress(CONTENT), oid="1.2.3"))
    with pytest.raises(UnsupportedCms):
        open_compressed(compressed(zlib.compress(CONTENT), content_type="compressed"))
