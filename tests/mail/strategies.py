"""Messages at random: well-formed ones in every transfer encoding, and rubbish that looks alike."""

import base64
import quopri
from collections.abc import Callable

from hypothesis import strategies as st

from app.mail.entity import Entity

_BITS = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b"\0",
    b"--",
    b"--b",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"From ",
    b"From: a@x.example",
    b"Subject: =?utf-8?q?=C3=A4?=",
    b"Content-Type: multipart/mixed; boundary=b",
    b"Content-Type: message/rfc822",
    b"Content-Type: text/plain",
    b"Content-Transfer-Encoding: base64",
    b"Content-Transfer-Encoding: quoted-printable",
    b"X-Sealmon-Signature: valid",
    b"\xc3\xa4",
    b"\xe4",
    b"=",
    b"=3D",
    b"(",
    b'"',
    b";",
    b"\r\n\r\n",
]

rubbish = st.lists(st.sampled_from(_BITS) | st.binary(max_size=6), max_size=40).map(b"".join)
"""Octets that have the words of a message in no order."""

_words = st.sampled_from(
    [
        b"Hello",
        b"From ",
        b"Gr\xc3\xbc\xc3\x9fe",
        b".",
        b"--",
        b" ",
        b"  ",
        b"\t",
        b"=",
        b"=20",
        b"x" * 70,
        b"y" * 1200,
        b"\xff\xfe",
        b"\r\n",
        b"\r\n",
        b"\r\nFrom me",
    ]
)
_odd = st.sampled_from([b"\0", b"\n", b"\r", b"\x7f"])

text_bodies = st.lists(_words, max_size=20).map(b"".join)
binary_bodies = st.lists(_words | _odd | st.binary(max_size=20), max_size=20).map(b"".join)

_types = st.sampled_from(
    [
        b"text/plain; charset=utf-8",
        b"text/html",
        b"application/octet-stream",
        b'image/png; name="\xc3\xa4.png"',
        b"application/pdf; name=a.pdf",
    ]
)


def _in_base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


def _in_quoted_printable(content: bytes) -> bytes:
    return quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


_ENCODERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"base64": _in_base64,
    b"quoted-printable": _in_quoted_printable,
}


@st.composite
def leaves(draw: st.DrawFn) -> bytes:
    """Return a leaf in one of the encodings, its content as a careless client would write it."""
    encoding = draw(st.sampled_from([b"", b"7bit", b"8bit", b"binary", *_ENCODERS]))
    content = draw(binary_bodies if encoding == b"binary" else text_bodies)
    body = _ENCODERS.get(encoding, bytes)(content)
    head = b"Content-Type: " + draw(_types) + b"\r\n"
    if encoding:
        head += b"Content-Transfer-Encoding: " + encoding + b"\r\n"
    if draw(st.booleans()):
        head = head.replace(b"Content-Type: ", b"content-type:\r\n\t")
    return head + b"\r\n" + body


@st.composite
def _multiparts(draw: st.DrawFn, children: st.SearchStrategy[bytes]) -> bytes:
    parts = draw(st.lists(children, min_size=1, max_size=3))
    boundary = b"b%d" % draw(st.integers(1000, 9999))
    while any(b"--" + boundary in part for part in parts):
        boundary += b"x"
    preamble = draw(st.sampled_from([b"", b"for old readers\r\n", b"\xc3\xa4\r\n", b"From me\r\n"]))
    epilogue = draw(st.sampled_from([b"", b"\r\n", b"\r\nend \xff"]))
    encoding = draw(st.sampled_from([b"", b"Content-Transfer-Encoding: 8bit\r\n"]))
    return b"".join(
        (
            encoding,
            b'Content-Type: multipart/mixed; boundary="%s"\r\n\r\n' % boundary,
            preamble,
            *(b"--%s\r\n%s\r\n" % (boundary, part) for part in parts),
            b"--%s--" % boundary,
            epilogue,
        )
    )


def _messages(children: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    head = b"Content-Type: message/rfc822\r\n\r\nFrom: A <a@x.example>\r\nSubject: \xc3\xa4\r\n"
    return children.map(lambda child: head + child)


entities = st.recursive(leaves(), lambda inner: _multiparts(inner) | _messages(inner), max_leaves=6)
"""Entities of leaves, multiparts and attached messages."""


def leaf_contents(entity: Entity) -> list[tuple[str, bytes]]:
    """Return media type and decoded content of each leaf, from front to back."""
    if entity.is_message:
        return leaf_contents(entity.message())
    parts = entity.parts()
    if not parts:
        return [(entity.media_type.essence, entity.decoded())]
    return [leaf for part in parts for leaf in leaf_contents(part)]
