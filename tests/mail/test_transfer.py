"""Base64 and quoted-printable that nobody rewrites, and base64 that everybody reads alike."""

import binascii

import pytest

from app.mail.errors import MalformedMessage
from app.mail.transfer import (
    base64_blocks,
    base64_of,
    base64_problem,
    decode_body,
    guard_quoted_printable,
    quoted_printable,
    rewrap_base64,
    wrap_base64,
)


@pytest.mark.parametrize("octets", [0, 1, 56, 57, 58, 114, 10_000])
def test_base64_comes_in_lines_of_76_columns(octets: int) -> None:
    # RFC 2045 §6.8
    content = bytes(n % 251 for n in range(octets))
    lines = wrap_base64(content).split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) == 76 for line in lines[:-1])
    assert binascii.a2b_base64(b"".join(lines)) == content


def test_large_octets_are_encoded_in_blocks() -> None:
    content = bytes(range(256)) * 16_000
    blocks = list(base64_blocks(memoryview(content)))
    assert len(blocks) > 1
    assert b"".join(blocks) == wrap_base64(content)
    assert binascii.a2b_base64(b"".join(blocks)) == content


PROBLEMS = {
    # T38: what one reader skips, another stops at
    b"": False,
    b"YWJj": False,
    b"YWJj\r\nYQ==\r\n": False,
    b"YWJj \r\nYQ=\r\n=": True,
    b"YWJj\t\r\nYWJj\r\n\r\n": False,
    b"YW\r\n\r\nJj": True,
    b"YW!Jj": True,
    b"YW Jj": True,
    b"YW\nJj": True,
    b"YW\rJj": True,
    b"YQ==YQ==": True,
    b"YWJ": True,
    b"YQ=": True,
    b"YQ===": True,
    b"====": True,
    b"YWJj-_==": True,
}


@pytest.mark.parametrize(("body", "is_odd"), PROBLEMS.items())
def test_base64_that_readers_decode_differently_is_told(body: bytes, is_odd: bool) -> None:
    assert bool(base64_problem(body)) == is_odd


def test_base64_is_rewrapped_without_rubbish() -> None:
    body = b"YW Jj" * 30 + b"\xff\0\n=="
    assert rewrap_base64(body) == b"YWJj" * 19 + b"\r\n" + b"YWJj" * 11 + b"==\r\n"


QUOTED = {
    b"plain\r\n": b"plain\r\n",
    b"Gr\xc3\xbc\xc3\x9fe\r\n": b"Gr=C3=BC=C3=9Fe\r\n",
    b"a=b": b"a=3Db",
    b"blank \r\ntab\t\r\n": b"blank=20\r\ntab=09\r\n",
    b"blank ": b"blank=20",
    b"From me\r\nFrom you": b"=46rom me\r\n=46rom you",
    b".\r\n": b"=2E\r\n",
    b"\0\x1b\x7f": b"=00=1B=7F",
    b"x" * 76: b"x" * 76,
    b"x" * 77: b"x" * 75 + b"=\r\nxx",
    b"x" * 75 + b"\r\n": b"x" * 75 + b"\r\n",
    b"From " + b"x" * 71: b"=46rom=\r\n " + b"x" * 71,
    b"": b"",
    b"x" * 73 + b" \r\n": b"x" * 73 + b"=20\r\n",
    b"x" * 74 + b" \r\n": b"x" * 74 + b"=\r\n=20\r\n",
    b"x" * 74 + b"\t": b"x" * 74 + b"=\r\n=09",
    b"x" * 75 + b" \r\n": b"x" * 75 + b"=\r\n=20\r\n",
}


@pytest.mark.parametrize(("content", "encoded"), QUOTED.items())
def test_text_becomes_quoted_printable(content: bytes, encoded: bytes) -> None:
    # RFC 2045 §6.7, behaviour "Signature form"
    made = quoted_printable(content)
    assert binascii.a2b_qp(made) == content
    assert made == encoded


GUARDED = {
    b"abc": b"abc",
    b"abc=\r\n": b"abc",
    b"abc=": b"abc",
    b"abc =\r\n": b"abc=20",
    b"abc\t=": b"abc=09",
    b"x" * 73 + b" =": b"x" * 73 + b"=20",
    b"x" * 74 + b" =": b"x" * 74 + b"=\r\n=20",
    b"abc= \t\r\n": b"abc= \t\r\n",  # readers do not agree about it
    b"abc=3D": b"abc=3D",
    b"abc=\r\n\r\n": b"abc=\r\n\r\n",
    b"abc=\r\ndef=\r\n=\r\n": b"abc=\r\ndef",
    b"abc\r\n=\r\n": b"abc\r\n",
    b"abc \r\n": b"abc \r\n",
    b"=\r\n=": b"",
    b"From me=20\r\n": b"=46rom me=20\r\n",
    b"From " + b"x" * 71 + b"\r\n": b"=46rom=\r\n " + b"x" * 71 + b"\r\n",
    b"x\r\nFrom =C3=A4\r\n": b"x\r\n=46rom =C3=A4\r\n",
}


@pytest.mark.parametrize(("body", "guarded"), GUARDED.items())
def test_quoted_printable_of_others_is_touched_only_where_relays_would(
    body: bytes,
    guarded: bytes,
) -> None:
    made = guard_quoted_printable(body)
    assert binascii.a2b_qp(made) == binascii.a2b_qp(body)
    assert made == guarded


BROKEN = (
    (b"QUJD", b"ABC"),
    (b"Q U\r\nJ!D\xff", b"ABC"),
    (b"QUI=", b"AB"),
    (b"QUI=\r\n=", None),  # more padding than is missing
    (b"QUI", None),  # less
    (b"QUJD=", None),
    (b"QUI=QUJD", None),  # padding in the middle
    (b"=QUJD", None),
    (b"Q", None),
)


@pytest.mark.parametrize(("body", "content"), BROKEN)
@pytest.mark.parametrize("before", [0, 3, 1_244_881, 1_244_880, 1_300_000])
def test_long_base64_is_read_like_short(before: int, body: bytes, content: bytes | None) -> None:
    # Blocks of 933,888 octets end in the middle of a quantum, before the padding, behind it.
    octets = wrap_base64(bytes(before - before % 57)).replace(b"\r\n", b"\r\n" * (1 + before % 2))
    zeros = bytes(before - before % 57)
    if content is None:
        with pytest.raises(MalformedMessage):
            decode_body(octets + body, "base64")
    else:
        assert decode_body(octets + body, "base64") == zeros + content


@pytest.mark.parametrize("cut", [0, 4, 8])
def test_padding_may_end_a_block_only_at_the_end(cut: int) -> None:  # T38
    block = b"A" * (57 * 16_384 - 4 - cut) + b"QQ=="
    assert decode_body(block + b"\r\n" * 9, "base64").endswith(b"\0A")
    for more in (b"QUJD", b"="):
        with pytest.raises(MalformedMessage):
            decode_body(block + b"\r\n" * 9 + more, "base64")


def test_base64_of_pieces_is_that_of_the_whole() -> None:
    pieces = [bytes((number % 251,)) * number for number in range(0, 3_000, 7)]
    pieces.append(bytes(2_000_003))
    assert b"".join(base64_of(iter(pieces))) == wrap_base64(b"".join(pieces))
    assert b"".join(base64_of(())) == b""
