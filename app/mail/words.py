"""Encoded words: text in header fields, between octets and str.

Reads what senders really write (words inside quotes and atoms, blanks in the encoded text,
characters split over two words, raw UTF-8), because a reader's mail program does so too and a
forged mark must not hide behind a stricter reading. Writes only what RFC 2047 allows. Time is
linear in the octets; nothing is raised. The rest of the program finds it in ``headers``.
RFC 2047 §2, §5, §6; RFC 2231 §5; RFC 6532 §3.2.
"""

import binascii
import re
from collections.abc import Iterator
from encodings.aliases import aliases
from functools import lru_cache
from typing import Final

from app.mail.limits import DECODE_OCTETS

LINE_COLUMNS: Final = 76  # RFC 2047 §2
WORD_COLUMNS: Final = 75  # RFC 2047 §2
WORD_FRAME: Final = len("=?utf-8?q??=")

# Charset names come from the sender. Only names that are known beforehand reach the codec registry:
# it keeps every name it was ever asked for, and some codecs (idna, punycode) take quadratic time.
_NO_CHARSETS: Final = frozenset(
    (
        *(
            "base64_codec",
            "bz2_codec",
            "hex_codec",
            "quopri_codec",
            "rot_13",
            "uu_codec",
            "zlib_codec",
        ),
        *("mbcs", "tactis"),  # named, but not there on every system
    )
)
# QUIRK: Outlook and others say the old name and use characters of the larger set (WHATWG Encoding).
_LARGER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932"}
# Names that mail programs know and Python does not: labels of the WHATWG, and Windows' own.
_OTHER_NAMES: Final = {
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "x_gbk": "gb18030",
    "x_euc_jp": "euc_jp",
    "windows_949": "cp949",
    "x_windows_949": "cp949",
    "cn_big5": "big5hkscs",
    "x_x_big5": "big5hkscs",
    "dos_874": "cp874",
    **dict.fromkeys(("cp50220", "cp50221", "cp50222", "x_iso_2022_jp"), "iso2022_jp_ext"),
    "koi": "koi8_r",
    "koi8": "koi8_r",
    "koi8_ru": "koi8_u",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_mac_ukrainian": "mac_cyrillic",
    "x_mac_roman": "mac_roman",
    **{f"x_cp{page}": f"cp{page}" for page in range(1250, 1259)},
    **dict.fromkeys(
        ("unicode", "csunicode", "unicodefeff", "ucs_2", "iso_10646_ucs_2"), "utf_16_le"
    ),
    "unicodefffe": "utf_16_be",
    **dict.fromkeys(("ucs_4", "csucs4", "iso_10646_ucs_4"), "utf_32_be"),
    **dict.fromkeys(("csunicode11utf7", "unicode_2_0_utf_7", "x_unicode_2_0_utf_7"), "utf_7"),
    **{
        codec: codec
        for codec in ("cp1006", "cp720", "cp737", "cp856", "cp874", "cp875", "koi8_t", "koi8_u")
    },
}
_SEPARATORS: Final = re.compile(r"[^0-9a-z]++")


def _codec_name(charset: str) -> str:
    return _SEPARATORS.sub("_", charset.partition("*")[0].strip().lower())


_CODECS: Final = _OTHER_NAMES | {
    _codec_name(name): _LARGER.get(codec, codec)
    for alias, codec in aliases.items()
    if codec not in _NO_CHARSETS
    for name in (alias, codec)
}
_WORD: Final = re.compile(r"=\?([^?]++)\?([BbQq])\?([^?]*+)\?=")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]")
# C0, DEL, C1 and the two Unicode line ends: none of them may stand in a header field of ours.
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# RFC 2047 §5(3): safe in an encoded word wherever it stands.
_PLAIN: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")


def unfold(value: bytes) -> bytes:
    """Return a field's value on one line, without white space at its ends (RFC 5322 §2.2.3)."""
    if b"\n" in value or b"\r" in value:
        value = value.replace(b"\r", b"").replace(b"\n", b"")
    return value.strip(b" \t")


def octets_to_text(octets: bytes, charset: str = "utf-8") -> str:
    """Return octets as text in a charset; what does not fit becomes U+FFFD."""
    return octets.decode(_CODECS.get(_codec_name(charset), "latin-1"), "replace")


def codec_of(name: str) -> str:
    """Return by which of Python's codecs a charset is read, "" for one that we cannot read.

    The name as it stands in a message (RFC 2231 §5).
    """
    return _CODECS.get(_codec_name(name), "")


def is_known_charset(name: str) -> bool:
    """Tell whether we can read a charset; the name as it stands in a message (RFC 2231 §5)."""
    return bool(codec_of(name))


def decode_text(value: bytes) -> str:
    """Return the value of an unstructured field as text.

    Takes the value folded or not. Decodes encoded words within the first DECODE_OCTETS; the rest,
    and words that cannot be read, stay as they are. May contain any character, CR, LF and NUL
    included. RFC 2047 §6.
    """
    line = unfold(value)
    if b"=?" not in line:
        return raw_text(line)
    text = raw_text(line)
    out: list[str] = []
    pending: list[bytes] = []  # octets of neighbouring words in one charset
    charset = ""
    done = 0
    for word in _WORD.finditer(text, 0, DECODE_OCTETS):
        octets = _word_octets(word[2], word[3]) if is_known_charset(word[1]) else None
        if octets is None:
            continue
        between = text[done : word.start()]
        is_neighbour = bool(pending) and not between.strip(" \t")
        # QUIRK: some senders split a character over two words; joined octets read right either way.
        if not is_neighbour or word[1].lower() != charset:
            out.append(octets_to_text(b"".join(pending), charset))
            pending.clear()
            charset = word[1].lower()
        if not is_neighbour:
            out.append(between)
        pending.append(octets)
        done = word.end()
    out.append(octets_to_text(b"".join(pending), charset or "utf-8"))
    out.append(text[done:])
    return "".join(out)


def raw_text(line: bytes) -> str:
    """Return octets of a field as text: UTF-8, or Latin-1 where they are not that."""
    # QUIRK: old senders put Latin-1 into header fields; every octet has a meaning there.
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _word_octets(encoding: str, text: str) -> bytes | None:
    if not text.isascii():
        return None
    octets = text.encode("ascii")
    if encoding in "Qq":
        return binascii.a2b_qp(octets, header=True)
    data = _NOT_BASE64.sub(b"", octets.partition(b"=")[0])
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"==")


def outside_comments(text: str) -> Iterator[str]:
    """Yield the text with a blank for each comment outside of quotes (RFC 5322 §3.2.2)."""
    depth = 0
    quoted = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif char in "()" and not quoted:
            if char == "(" and not depth:
                yield " "
            depth = max(0, depth + (1 if char == "(" else -1))
            continue
        if not depth:
            yield char


def encode_text(name: str, text: str, *, utf8: bool = False) -> bytes:
    """Return a whole unstructured field, CRLF included, in lines of at most 76 columns.

    ASCII stays readable where lines can be broken at its blanks; anything else becomes encoded
    words in UTF-8, or stays raw with utf8 (for SMTPUTF8 messages only). Control characters, CR, LF
    and NUL among them, become blanks. RFC 2047 §2, §5; RFC 6532 §3.2.
    """
    text = without_controls(text)
    head = f"{name}: "
    if (text.isascii() or utf8) and "=?" not in text and text == text.strip():
        lines = _fold(head, text)
        if lines:
            return lines
    return encoded_words(head, text)


def without_controls(text: str) -> str:
    """Return text with a blank for every character that may not stand in a header field."""
    return _CONTROLS.sub(" ", text)


def _fold(head: str, text: str) -> bytes:
    """Return the field broken before blanks, or nothing if a line would be too long."""
    if len(head) + len(text) <= LINE_COLUMNS:
        return f"{head}{text}\r\n".encode()
    lines: list[str] = []
    line = head
    for word in re.findall(" *[^ ]+", text):
        if len(line) + len(word) > LINE_COLUMNS and line != head:
            lines.append(line)
            line = ""
        line += word
        if len(line) > LINE_COLUMNS:
            return b""
    return "\r\n".join((*lines, line, "")).encode()


def encoded_words(head: str, text: str) -> bytes:
    """Return head and text as lines of encoded words; the text without control characters.

    No word splits a character, none is longer than 75 columns, no line than 76 (RFC 2047 §2, §5).
    """
    as_q = [_quoted(char) for char in text]
    q_columns = sum(map(len, as_q))
    use_q = q_columns <= len(text.encode()) * 4 // 3
    lines: list[bytes] = []
    line = head.encode()
    if len(line) + WORD_FRAME + 16 > LINE_COLUMNS:
        lines.append(line)
        line = b" "
    room = min(LINE_COLUMNS - len(line), WORD_COLUMNS) - WORD_FRAME
    chunk: list[bytes] = []
    used = 0
    for char, quoted in zip(text, as_q, strict=True):
        raw = quoted if use_q else char.encode()
        size = used + len(raw)
        if (size if use_q else (size + 2) // 3 * 4) > room:
            lines.append(line + _word(chunk, use_q=use_q))
            line, chunk, used = b" ", [], 0
            room = WORD_COLUMNS - WORD_FRAME
        chunk.append(raw)
        used += len(raw)
    lines.append(line + _word(chunk, use_q=use_q))
    return b"\r\n".join((*lines, b""))


@lru_cache(maxsize=1024)
def _quoted(char: str) -> bytes:
    if char == " ":
        return b"_"
    raw = char.encode()
    if len(raw) == 1 and raw[0] in _PLAIN:
        return raw
    return "".join(f"={octet:02X}" for octet in raw).encode()


def _word(chunk: list[bytes], *, use_q: bool) -> bytes:
    octets = b"".join(chunk)
    if use_q:
        return b"=?utf-8?q?" + octets + b"?="
    return b"=?utf-8?b?" + binascii.b2a_base64(octets, newline=False) + b"?="
