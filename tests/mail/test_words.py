"""Encoded words as senders write them, and as we do."""

import pytest

from app.mail import words
from app.mail.headers import decode_text, encode_text, unfold

DECODED = {
    # RFC 2047 §8
    "=?ISO-8859-1?Q?a?=": "a",
    "=?ISO-8859-1?Q?a?= b": "a b",
    "=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=": "ab",
    "=?ISO-8859-1?Q?a?=  \r\n   =?ISO-8859-1?Q?b?=": "ab",
    "=?ISO-8859-1?Q?a_b?=": "a b",
    "=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=": "a b",
    "=?US-ASCII*EN?Q?Keith_Moore?=": "Keith Moore",  # RFC 2231 §5
    # what real senders write
    "=?utf-8?b?R3LDvMOfZQ==?=": "Grüße",
    "=?utf-8?B?R3LDvMOfZQ?=": "Grüße",
    "=?utf-8?q?Gr=c3=bc=C3=9fe?=": "Grüße",
    "=?utf-8?q?=C3?= =?utf-8?q?=BC?=": "ü",  # a character over two words
    "=?utf-8?b?w7w=?==?utf-8?b?w58=?=": "üß",  # no blank between
    "x=?utf-8?q?=C3=BC?=y": "xüy",  # inside of an atom
    '"=?utf-8?q?=C3=BC?="': '"ü"',  # inside of quotes
    "=?utf-8?q?a b?=": "a b",  # a blank inside
    "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=": "日本",
    "=?windows-1252?q?=80?=": "€",
    "=?gb2312?b?sLGwpA==?=": "氨挨",
    "=?koi8-r?b?8NLJ18XU?=": "Привет",
    "=?utf-7?q?+AFs-SIGNIERT+AF0-?=": "[SIGNIERT]",  # T38
    "=?utf-16le?b?WwBTAF0A?=": "[S]",  # T38
    "=?utf-8?q?=FF?=": "\ufffd",
    "=?utf-8?b?????=": "=?utf-8?b?????=",
    "=?x-unknown?q?a?=": "=?x-unknown?q?a?=",
    "=?idna?q?xn--bcher-kva?=": "=?idna?q?xn--bcher-kva?=",
    "=?rot13?q?frperg?=": "=?rot13?q?frperg?=",
    "=?zlib?b?eJxLBAAAYgBi?=": "=?zlib?b?eJxLBAAAYgBi?=",
    "=?utf-8?x?a?=": "=?utf-8?x?a?=",
    "=?utf-8?q?open": "=?utf-8?q?open",
    "=?utf-8?b?=?=": "",
    "=?utf-8?q?=0D=0AEvil:_1?=": "\r\nEvil: 1",  # the text may hold anything
}


@pytest.mark.parametrize(("value", "text"), DECODED.items())
def test_encoded_words_are_decoded(value: str, text: str) -> None:
    assert decode_text(value.encode()) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),  # QUIRK: raw Latin-1
        ("ü =?utf-8?q?=C3=BC?=".encode(), "ü ü"),
        (b" \ta\r\n\tb \r\n", "a\tb"),
        (b"", ""),
    ],
)
def test_raw_text_is_taken_as_it_is_meant(value: bytes, text: str) -> None:
    assert decode_text(value) == text


@pytest.mark.parametrize(
    ("value", "line"),
    [(b" a\r\n b\r\n", b"a b"), (b"a\n\tb", b"a\tb"), (b"a\rb", b"ab"), (b"\r\n", b"")],
)
def test_a_value_is_unfolded(value: bytes, line: bytes) -> None:
    assert unfold(value) == line


@pytest.mark.parametrize("name", sorted(set(words._CODECS)))
def test_every_known_charset_reads_any_octets(name: str) -> None:
    octets = bytes(range(256)) * 4
    assert words.is_known_charset(name)
    assert isinstance(words.octets_to_text(octets, name), str)


def test_charset_names_of_strangers_never_reach_the_registry() -> None:
    # The registry of codecs keeps every name it was asked for; a sender could fill it.
    import encodings

    known = len(encodings._cache)
    for number in range(50):
        decode_text(b"=?x-stranger-%d?q?a?=" % number)
    assert len(encodings._cache) == known


ENCODED = {
    "plain": b"Subject: plain\r\n",
    "": b"Subject: \r\n",
    "Grüße": b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n",
    "Viele Grüße aus Berlin": b"Subject: =?utf-8?q?Viele_Gr=C3=BC=C3=9Fe_aus_Berlin?=\r\n",
    "日本語": b"Subject: =?utf-8?b?5pel5pys6Kqe?=\r\n",
    "not =? a word": b"Subject: =?utf-8?q?not_=3D=3F_a_word?=\r\n",
    " ends in blanks ": b"Subject: =?utf-8?q?_ends_in_blanks_?=\r\n",
    "a\r\nEvil: b": b"Subject: a  Evil: b\r\n",
    "a\0\x1b\u2028b": b"Subject: a   b\r\n",
    "lone \ud800 surrogate": b"Subject: lone   surrogate\r\n",
    "two  blanks": b"Subject: two  blanks\r\n",
}


@pytest.mark.parametrize(("text", "field"), ENCODED.items())
def test_a_field_is_written(text: str, field: bytes) -> None:
    assert encode_text("Subject", text) == field


def test_raw_text_is_written_only_where_it_may() -> None:
    # RFC 6532 §3.2
    assert encode_text("Subject", "Grüße", utf8=True) == "Subject: Grüße\r\n".encode()
    assert encode_text("Subject", "=?ü", utf8=True).isascii()


def test_long_text_is_folded_at_blanks() -> None:
    text = "Ten words that are long enough to need a fold " * 4
    field = encode_text("Subject", text.strip())
    assert field.count(b"\r\n") == 3
    assert all(len(line) <= 76 for line in field.split(b"\r\n"))
    assert field.replace(b"\r\n", b"") == b"Subject: " + text.strip().encode()


def test_a_word_too_long_for_a_line_is_encoded() -> None:
    field = encode_text("Subject", "x" * 200)
    assert field.startswith(b"Subject: =?utf-8?q?xxx")
    assert decode_text(field[9:]) == "x" * 200
