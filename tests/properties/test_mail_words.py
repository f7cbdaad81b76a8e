"""Text goes into a field and comes out again, and nothing else gets in with it."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.headers import Headers, decode_text, encode_text
from app.mail.words import without_controls
from tests.mail.strategies import rubbish

texts = st.text() | st.lists(
    st.sampled_from(
        ["=?utf-8?q?x?=", "=?", "?=", " ", "  ", "[SIGNED]", "ä", "🔏", "x" * 80, "\r\n", "\0"]
    ),
).map("".join)


@settings(deadline=None)
@given(text=texts, utf8=st.booleans())
def test_what_is_encoded_decodes_to_the_same(text: str, *, utf8: bool) -> None:
    field = encode_text("Subject", text, utf8=utf8)
    assert decode_text(field.partition(b":")[2]) == without_controls(text)


@settings(deadline=None)
@given(
    text=texts,
    utf8=st.booleans(),
    name=st.sampled_from(["Subject", "X", "X-" + "Very-" * 20 + "Long"]),
)
def test_a_field_is_one_field_in_short_lines(text: str, *, utf8: bool, name: str) -> None:
    # CWE-93
    field = encode_text(name, text, utf8=utf8)
    assert len(Headers(field).fields) == 1
    assert Headers(field).anomalies == ()
    assert utf8 or field.isascii()
    lines = field.decode().split("\r\n")
    assert lines.pop() == ""
    assert all(len(line) <= max(76, len(name) + 2) for line in lines)
    for word in re.findall(r"=\?utf-8\?[bq]\?[^?]*\?=", field.decode()):
        assert len(word) <= 75


@settings(deadline=None)
@given(texts)
def test_each_encoded_word_holds_whole_characters(text: str) -> None:
    # RFC 2047 §5
    field = encode_text("Subject", "ä" + text)
    for word in re.findall(rb"=\?utf-8\?[bq]\?[^?]*\?=", field):
        assert "\ufffd" not in decode_text(word) or "\ufffd" in text


@settings(deadline=None)
@given(rubbish | st.binary())
def test_any_octets_decode_to_some_text(value: bytes) -> None:
    assert isinstance(decode_text(value), str)


@settings(deadline=None)
@given(st.lists(st.text("aä🔏 ", min_size=1), min_size=1, max_size=4), st.sampled_from(["q", "b"]))
def test_neighbouring_words_lose_the_blank_between_them(texts: list[str], how: str) -> None:
    # RFC 2047 §6.2
    words = [encode_text("", "ä" + text).removeprefix(b": ").strip() for text in texts]
    assert how in {"q", "b"}
    assert decode_text(b"\r\n ".join(words)) == "".join("ä" + text for text in texts)
