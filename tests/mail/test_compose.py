"""New messages keep the octets they were made of."""

import base64

import pytest

from app.mail.compose import (
    content_fields,
    multipart_signed,
    other_fields,
    pkcs7_mime,
    unwrap,
    wrap_base64,
)
from app.mail.entity import parse_entity
from app.mail.headers import Headers, split

OUTER = Headers(
    b"Received: by x\r\nFrom: a@x.example\r\nContent-Type: text/plain;\r\n charset=utf-8\r\n"
    b"MIME-version: 1.0\r\nSubject: hello\r\ncontent-disposition : inline\r\n",
)
OTHERS = b"Received: by x\r\nFrom: a@x.example\r\nMIME-version: 1.0\r\nSubject: hello\r\n"
ENTITY = b"Content-Type: text/plain\r\n\r\nHello \r\n"


def test_content_fields_move_inside_and_the_others_stay() -> None:
    assert content_fields(OUTER).octets == (
        b"Content-Type: text/plain;\r\n charset=utf-8\r\ncontent-disposition : inline\r\n"
    )
    assert other_fields(OUTER).octets == OTHERS


def test_a_clear_signed_message_holds_the_entity_as_it_was() -> None:
    # RFC 8551 §3.5.3
    signature = bytes(range(200))
    made = multipart_signed(OUTER, ENTITY, signature, "sha-256", b"=_boundary")
    assert made.startswith(OTHERS)
    assert b'protocol="application/pkcs7-signature"' in made
    root = parse_entity(made)
    assert root.anomalies == ()
    assert root.media_type.parameters == {
        "protocol": "application/pkcs7-signature",
        "micalg": "sha-256",
        "boundary": "=_boundary",
    }
    signed, beside = root.parts()
    assert signed.octets == ENTITY
    assert beside.decoded() == signature
    assert beside.media_type.essence == "application/pkcs7-signature"
    assert beside.media_type.parameters == {"name": "smime.p7s"}
    assert all(len(line) <= 76 for line in beside.body.split(b"\r\n"))
    assert made.endswith(b"\r\n--=_boundary--\r\n")


def test_a_boundary_that_occurs_in_the_entity_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        multipart_signed(OUTER, b"\r\n--b", b"", "sha-256", b"b")


@pytest.mark.parametrize(
    "entity", [b"", b"\r\n", b"\r\nHello", b"A: b\r\n\r\nx\r\n\r\n", b"no field"]
)
def test_any_entity_comes_out_of_a_clear_signed_message(entity: bytes) -> None:
    made = multipart_signed(Headers(), entity, b"x", "sha-512", b"token")
    assert parse_entity(made).parts()[0].octets == entity


@pytest.mark.parametrize(
    ("smime_type", "name"),
    [
        ("enveloped-data", "smime.p7m"),
        ("certs-only", "smime.p7c"),
        ("compressed-data", "smime.p7z"),
    ],
)
def test_an_opaque_message_holds_the_cms_object(smime_type: str, name: str) -> None:
    # RFC 8551 §3.2
    der = bytes(range(256))
    made = pkcs7_mime(OUTER, der, smime_type, name)
    root = parse_entity(made)
    assert made.startswith(OTHERS)
    assert root.decoded() == der
    assert root.media_type.essence == "application/pkcs7-mime"
    assert root.media_type.parameters == {"smime-type": smime_type, "name": name}
    assert root.anomalies == ()
    assert made.endswith(wrap_base64(der))
    assert base64.b64decode(root.body) == der


def test_mime_version_is_there_once() -> None:
    assert pkcs7_mime(OUTER, b"", "signed-data", "smime.p7m").lower().count(b"mime-version") == 1
    assert pkcs7_mime(Headers(b"A: b"), b"", "signed-data", "smime.p7m").startswith(
        b"A: b\r\nMIME-Version: 1.0\r\nContent-Type:",
    )


def test_unwrapping_takes_the_content_fields_of_the_entity_alone() -> None:
    # T60
    inner = (
        b"Authentication-Results: mx.example; smime=pass\r\n"
        b"X-Sealmon-Signature: valid\r\n"
        b"From: ceo@x.example\r\n"
        b"Content-Type: text/html\r\n"
        b"MIME-Version: 2.0\r\n"
        b"Received: by nobody\r\n"
        b"Subject: inner\r\n"
        b"Content-Language: de\r\n"
        b"\r\nHello\r\n\r\nmore"
    )
    assert unwrap(OUTER, inner) == (
        OTHERS + b"Content-Type: text/html\r\nContent-Language: de\r\n\r\nHello\r\n\r\nmore"
    )


INNER = {
    # T60: every one tries to get a field of its own out
    "no header section": (b"Just text: no field\r\n", b"", b""),
    "an empty one": (b"\r\nbody", b"", b"body"),
    "no body": (b"Content-Type: a/b\r\nX-Evil: 1", b"Content-Type: a/b\r\n", b""),
    "behind a bare CR": (b"Content-Type: a/b\rX-Evil: 1\r\n\r\n", b"Content-Type: a/b\r\n", b""),
    "behind a bare LF": (b"Content-Type: a/b\nX-Evil: 1\r\n\r\n", b"Content-Type: a/b\r\n", b""),
    "in a continuation of nothing": (
        b" Content-Evil: 1\r\nContent-Type: a/b\r\n\r\n",
        b"Content-Type: a/b\r\n",
        b"",
    ),
    "after a bare line end": (b"Content-Type: a/b\n", b"Content-Type: a/b\r\n", b""),
}


@pytest.mark.parametrize(("entity", "fields", "body"), INNER.values(), ids=INNER)
def test_unwrapping_gives_nothing_a_way_out(entity: bytes, fields: bytes, body: bytes) -> None:
    made = split(unwrap(OUTER, entity))
    assert made.headers.octets == OTHERS + fields
    assert made.body == (body or entity[parse_entity(entity).body_at :])
