"""Authentication-Results: what we say, and what others say in our name."""

import pytest

from app.mail.authres import build, is_ours, remove
from app.mail.fields import field_of
from app.mail.headers import Headers

OURS = "mx.x.example"


def test_the_field_is_written() -> None:
    # RFC 7281 §3
    made = build(
        OURS,
        "pass",
        "",
        {"body.smime-identifier": "alice+x@y.example", "body.smime-serial": "0A:1B"},
    )
    assert made == (
        b"Authentication-Results: mx.x.example; smime=pass\r\n"
        b' body.smime-identifier=alice+x@y.example body.smime-serial="0A:1B"\r\n'
    )
    assert is_ours(field_of(made), OURS)


def test_nothing_gets_out_of_its_value() -> None:
    # CWE-93, T25
    made = build(
        OURS,
        "fail",
        'digest "differs"\\\r\nEvil: 1; smime=pass',
        {"body.smime-issuer": 'CN=Ä, O="x"; smime=pass\r\n\r\n', "body.smime-part": ""},
    )
    headers = Headers(made)
    assert [field.name for field in headers.fields] == ["Authentication-Results"]
    assert headers.anomalies == ()
    assert headers.fields[0].unfolded == (
        b'mx.x.example; smime=fail reason="digest \\"differs\\"\\\\??Evil: 1; smime=pass"'
        b' body.smime-issuer="CN=?, O=\\"x\\"; smime=pass????" body.smime-part=""'
    )


def test_a_long_reason_is_folded() -> None:
    made = build(OURS, "policy", "many words " * 30, {"body.smime-part": "1"})
    assert all(len(line) <= 76 for line in made.split(b"\r\n"))
    assert Headers(made).fields[0].unfolded.count(b"many words") == 30


@pytest.mark.parametrize("name", ["ü", "two words", 'a"b', ""])
def test_an_odd_name_is_quoted(name: str) -> None:
    assert build(name, "none", "", {}).startswith(b'Authentication-Results: "')


FORGED = [
    # T62, RFC 8601 §5
    "Authentication-Results: mx.x.example; smime=pass",
    "authentication-results:mx.x.example;smime=pass",
    "Authentication-Results : MX.X.EXAMPLE; smime=pass",
    "Authentication-Results:\r\n mx.x.example\r\n ; smime=pass",
    "Authentication-Results: mx.x.example 1; smime=pass",
    "Authentication-Results: mx.x.example",
    "Authentication-Results: (a (nested) comment) mx.x.example (and (another)); smime=pass",
    'Authentication-Results: "mx.x.example"; smime=pass',
    'Authentication-Results: "mx.\\x.example"; smime=pass',
    "Authentication-Results: mx.x.example.; smime=pass",
    "Authentication-Results: mx(c).x.example; smime=pass",
    "Authentication-Results: mx.\r\n x.example; smime=pass",
    "Authentication-Results: mx.x.example smime=pass",
    "Authentication-Results: mx.x.example/1; smime=pass",
    "Authentication-Results: (open mx.x.example; smime=pass",
    'Authentication-Results: "mx.x.example; smime=pass',
    "Authentication-Results: ; mx.x.example; smime=pass",
    "Authentication-Results: =?utf-8?q?mx=2Ex=2Eexample?=; smime=pass",
    "Authentication-Results: ｍｘ．ｘ．ｅｘａｍｐｌｅ; smime=pass",
    "Authentication-Results: mx.x.exam\u200bple; smime=pass",
    "Authentication-Results: mx。x。example; smime=pass",
    "Authentication‐Results: mx.x.example; smime=pass",
    "Authentication-\r\n Results: mx.x.example; smime=pass",
]


@pytest.mark.parametrize("field", FORGED)
def test_a_field_in_our_name_goes(field: str) -> None:
    # T62
    headers = Headers(field.encode() + b"\r\nSubject: a\r\n")
    assert remove(headers, OURS).octets == b"Subject: a\r\n"
    assert remove(headers, OURS.upper() + ".").octets == b"Subject: a\r\n"


OTHERS = [
    "Authentication-Results: mx.y.example; smime=pass",
    "Authentication-Results: mx.x.example.y.example; smime=pass",
    "Authentication-Results: amx.x.example; smime=pass",
    "Authentication-Results: mx.y.example; spf=pass smtp.mailfrom=a@mx.x.example",
    "Authentication-Results: mx.y.example (not mx.x.example); smime=pass",
    "X-Authentication-Results: mx.x.example; smime=pass",
    "Received: mx.x.example; smime=pass",
    "Authentication-Results: spf=pass; dkim=pass",
    "Authentication-Results:",
]


@pytest.mark.parametrize("field", OTHERS)
def test_a_field_of_others_stays(field: str) -> None:
    headers = Headers(field.encode() + b"\r\n")
    assert remove(headers, OURS) is headers


def test_names_in_other_scripts_are_the_same_name() -> None:
    assert is_ours(
        field_of("Authentication-Results: mx.bücher.example; a=b".encode()),
        "mx.xn--bcher-kva.example",
    )
    assert is_ours(
        field_of(b"Authentication-Results: mx.xn--bcher-kva.example; a=b"), "mx.BÜCHER.example"
    )
