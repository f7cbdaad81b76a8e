"""Media types as they are written, and what readers would not agree about."""

import pytest

from app.mail.media import parse_disposition, parse_media_type

READ: dict[bytes, tuple[str, dict[str, str]]] = {
    b"text/plain": ("text/plain", {}),
    b" TEXT/Plain; CHARSET=utf-8\r\n": ("text/plain", {"charset": "utf-8"}),
    b"text/plain;\r\n\tcharset = utf-8 ;": ("text/plain", {"charset": "utf-8"}),
    b"text / plain": ("text/plain", {}),
    b'multipart/mixed; boundary="a b;c=\\"d"': ("multipart/mixed", {"boundary": 'a b;c="d'}),
    b"text/plain (a (nested\\)) comment); charset=(c)utf-8": ("text/plain", {"charset": "utf-8"}),
    b'text/plain; name="not (a) comment"': ("text/plain", {"name": "not (a) comment"}),
    b"image/png; name*=utf-8'de'%C3%A4.png": ("image/png", {"name": "ä.png"}),
    b"image/png; name*0=lo; name*1=ng": ("image/png", {"name": "long"}),
    b"image/png; name*1=ng; name*0=lo": ("image/png", {"name": "long"}),
    b"image/png; name*0*=utf-8''%C3; name*1*=%A4; name*2=.png": ("image/png", {"name": "ä.png"}),
    b"image/png; name*0=a; name*2=c": ("image/png", {"name": "a"}),
    b"image/png; name*=x-unknown''%E4": ("image/png", {"name": "ä"}),
    'image/png; name="ä.png"'.encode(): ("image/png", {"name": "ä.png"}),
    'image/png; name="ä.png"'.encode("latin-1"): ("image/png", {"name": "ä.png"}),
    b"application/pkcs7-mime; smime-type=signed-data;;": (
        "application/pkcs7-mime",
        {"smime-type": "signed-data"},
    ),
}


@pytest.mark.parametrize(("value", "expected"), READ.items())
def test_a_media_type_is_read(value: bytes, expected: tuple[str, dict[str, str]]) -> None:
    media = parse_media_type(value)
    assert media is not None
    assert (media.essence, media.parameters, media.anomalies) == (*expected, ())


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"text",
        b"/plain",
        b"text/",
        b"text/plain charset=utf-8",
        b"text/pl@in",
        b"a/b/c",
        b"\0/\0",
    ],
)
def test_what_is_no_media_type_is_none(value: bytes) -> None:
    assert parse_media_type(value) is None


ANOMALIES = {
    # T38
    b"multipart/mixed; boundary=a; boundary=b": "parameter boundary twice",
    b"multipart/mixed; boundary=a; BOUNDARY=a": "parameter boundary twice",
    b"multipart/mixed; boundary=a; boundary*=b": "parameter boundary twice",
    b"multipart/mixed; boundary*=a; boundary=b": "parameter boundary twice",
    b"multipart/mixed; boundary*0=a; boundary*1=b": "parameter boundary in parts",
    b"multipart/signed; protocol*=us-ascii''a%2Fb": "parameter protocol in parts",
    b"a/b; smime-type*=x": "parameter smime-type in parts",
    b"a/b; name*0=a; name*0=b": "parameter name twice",
    b"a/b; boundary=a b": "parameter that cannot be read",
    b'a/b; boundary="a"b': "parameter that cannot be read",
    b'a/b; boundary="a': "parameter that cannot be read",
    b"a/b; boundary": "parameter that cannot be read",
    b"a/b; =a": "parameter that cannot be read",
    b"a/b" + b"; a=b" * 65: "more than 64 parameters",
}


@pytest.mark.parametrize(("value", "anomaly"), ANOMALIES.items())
def test_what_readers_would_take_differently_is_told(value: bytes, anomaly: str) -> None:
    # T38
    media = parse_media_type(value)
    assert media is not None
    assert anomaly in media.anomalies


def test_sixty_four_parameters_are_read() -> None:  # T35
    value = b"a/b" + b"".join(b"; p%d=%d" % (n, n) for n in range(64))
    media = parse_media_type(value)
    assert media is not None
    assert (len(media.parameters), media.anomalies) == (64, ())
    over = parse_media_type(value + b"; last=one")
    assert over is not None
    assert over.parameters == media.parameters


def test_the_first_of_two_parameters_counts() -> None:
    media = parse_media_type(b"multipart/mixed; boundary=a; boundary=b")
    assert media is not None
    assert media.parameters == {"boundary": "a"}


@pytest.mark.parametrize(
    ("value", "kind", "name"),
    [
        (b" Attachment; filename=a.p7m\r\n", "attachment", "a.p7m"),
        (b"attachment; filename*=utf-8''%C3%A4.p7m", "attachment", "ä.p7m"),
        (b"inline", "inline", ""),
        (b"", "", ""),
        (b"; filename=a", "", "a"),
    ],
)
def test_a_disposition_is_read(value: bytes, kind: str, name: str) -> None:
    # RFC 2183 §2
    disposition, parameters = parse_disposition(value)
    assert (disposition, parameters.get("filename", "")) == (kind, name)


@pytest.mark.parametrize(
    "parameters",
    [
        b"",
        b"; charset=utf-8",
        b';boundary="=_a;b=c";micalg=sha-256',
        b'; A=b;\r\n C="D e"',
        b'; name=""',
        b"; a=b; a=c",
        b"; a=b; A=c",
        b'; a="b\\"c"',
        b"; a*=utf-8''b; a=c",
        b"; a*0=b; a*1=c",
        b"; a=b;",
        b"; a=b; c",
        b'; a="b"c',
    ],
)
def test_usual_parameters_are_those_of_the_closer_look(parameters: bytes) -> None:
    # A blank before the first "=" is allowed, and not usual.
    closer = parse_media_type(b"text/plain; z =1" + parameters)
    found = parse_media_type(b"text/plain; z=1" + parameters)
    assert found == closer
    assert found is not None
    assert found.parameters["z"] == "1"
