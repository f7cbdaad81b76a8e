"""Every message of the public test material goes through unharmed.

The torture messages of nine parsers and the mail of the S/MIME sets split, scan and join octet for
octet, every field of them can be read, and nothing is raised. The material is read in place; its
README.md says where it is from.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from app.mail.address import originator
from app.mail.canonical import is_seven_bit, make_signable, to_crlf
from app.mail.compose import content_fields, unwrap
from app.mail.entity import Entity, parse_entity, scan
from app.mail.errors import MalformedMessage
from app.mail.headers import Headers, decode_text, join, split

_NO_MAIL = {"cert", "key", "crl"}
_SEALED = b"multipart/signed"


def folder() -> Path:
    """Return where the material lies, or skip; in CI its absence is a failure."""
    named = os.environ.get("SEALMON_CORPORA")
    path = Path(named) if named else Path(__file__).parents[2].parent / "shared" / "corpora"
    if not (path / "index.json").exists():
        if os.environ.get("CI"):
            pytest.fail("the test material is absent: set SEALMON_CORPORA")
        pytest.skip("the test material is absent")
    return path


@cache
def messages() -> dict[str, bytes]:
    """Return every file that may be a message, as SMTP would bring it, by its name."""
    index: list[dict[str, Any]] = json.loads((folder() / "index.json").read_text())
    names = [entry["file"] for entry in index if entry["kind"] not in _NO_MAIL]
    return {name: (folder() / name).read_bytes() for name in names}


def test_the_material_is_all_there() -> None:
    index = json.loads((folder() / "index.json").read_text())
    assert sum(entry["kind"] == "torture" for entry in index) >= 500


def test_every_message_splits_and_joins_octet_for_octet() -> None:
    # T14
    for name, message in messages().items():
        for octets in (message, to_crlf(message)):
            parts = split(octets)
            assert join(parts.headers, parts) == octets, name
            assert join(Headers.of(parts.headers.fields), parts) == octets, name


def test_every_message_is_read_without_raising() -> None:
    # T38
    for name, message in messages().items():
        octets = to_crlf(message)
        headers = split(octets).headers
        assert all(isinstance(decode_text(field.value), str) for field in headers.fields), name
        assert all(isinstance(field.plain_key, str) for field in headers.fields), name
        assert isinstance(headers.anomalies, tuple), name
        found = originator(headers)
        assert found.address or found.problem, name
        _walk(parse_entity(octets))


def _walk(entity: Entity) -> None:
    assert isinstance(entity.anomalies, tuple)
    inside = (entity.message(),) if entity.is_message else entity.parts()
    for part in inside:
        assert entity.body_at <= part.start <= part.end <= entity.end
        _walk(part)


def test_real_mail_is_within_the_limits() -> None:
    over = {name for name, message in messages().items() if scan(to_crlf(message))}
    # Two files of data without any empty line; everything else is mail.
    assert {name.rpartition(".")[2] for name in over} <= {"stl", "json"}, over


def test_every_message_can_be_made_signable() -> None:
    # Behaviour "Signature form"
    for name, message in messages().items():
        parts = split(to_crlf(message))
        entity = join(content_fields(parts.headers), parts.body)
        if scan(entity):
            continue
        signable = make_signable(entity)
        assert make_signable(signable) is signable, name
        assert is_seven_bit(signable) or _SEALED in entity.lower(), name
        assert _contents(parse_entity(signable)) == _contents(parse_entity(entity)), name


def _contents(entity: Entity) -> list[bytes]:
    """Return the decoded content of each leaf, as it stands where it cannot be decoded."""
    inside = (entity.message(),) if entity.is_message else entity.parts()
    if inside:
        return [content for part in inside for content in _contents(part)]
    try:
        return [entity.decoded()]
    except MalformedMessage:
        # Broken base64 may be wrapped anew; an encoding that nobody knows is none.
        return [b"".join(entity.body.split()) if entity.encoding == "base64" else entity.body]


def test_every_message_unwraps_to_its_own_body() -> None:
    # T60
    outer = Headers(b"From: a@x.example\r\nMIME-Version: 1.0\r\n")
    for name, message in messages().items():
        octets = to_crlf(message)
        entity = parse_entity(octets)
        made = split(unwrap(outer, octets))
        assert made.body == entity.body, name
        assert made.headers.octets.startswith(outer.octets), name
