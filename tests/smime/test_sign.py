"""The form of what is signed."""

import subprocess
from pathlib import Path

import pytest

from app.cms import der
from app.cms.algorithms import ATTRIBUTES
from app.cms.signed import parse_signed
from app.mail.canonical import is_crlf, is_seven_bit
from app.mail.entity import parse_entity
from app.mail.headers import split
from app.smime.kinds import Kind, recognise
from app.smime.sign import sign
from app.smime.verify import opaque_to_clear, signed_content, strip_signature
from tests.forgery.shapes import BODIES
from tests.smime.house import AT, TOKEN, find, letter, person, root, signer_of

ALICE = signer_of(person("alice@example.org"))
FIELDS = b"From: Alice <alice@example.org>\r\nSubject: =?utf-8?q?x?=\r\nX-Odd:  kept \r\n"


def test_form_is_the_one_of_the_house() -> None:  # behaviour, "Signature form"
    octets = sign(letter(), ALICE, form="clear", at=AT, token=TOKEN)
    root_entity = parse_entity(octets)
    assert root_entity.media_type.essence == "multipart/signed"
    assert b'protocol="application/pkcs7-signature"' in octets
    assert root_entity.media_type.parameters["micalg"] == "sha-256"
    _, signature = root_entity.parts()
    assert signature.media_type.parameters["name"] == "smime.p7s"
    assert b'Content-Disposition: attachment; filename="smime.p7s"' in octets
    lines = signature.body.split()
    assert {len(line) for line in lines[:-1]} == {76}
    signed = parse_signed(signature.decoded())
    assert signed.content is None
    assert root().certificate not in signed.certificates
    assert len(signed.certificates) == 2
    attributes = signed.signers[0].attributes
    assert attributes.signing_time == AT
    assert attributes.capabilities[0] == "aes256-gcm"
    assert attributes.encryption_preference is not None
    assert attributes.signing_certificate is not None


def test_every_signed_attribute_of_the_house_is_there_once() -> None:  # RFC 8551 §2.5
    octets = sign(letter(), ALICE, form="clear", at=AT, token=TOKEN)
    (info,) = parse_signed(recognise(octets).cms).signers
    assert info.signed_attrs is not None
    attributes = der.read_one(info.signed_attrs, der.SET)
    found = []
    while attributes.peek() >= 0:
        attribute = attributes.take(der.SEQUENCE)
        found.append(ATTRIBUTES[attribute.identifier()])
        values = attribute.take(der.SET)
        values.next()
        values.finish()
        attribute.finish()
    assert sorted(found) == [
        "capabilities",
        "content-type",
        "encryption-preference",
        "message-digest",
        "microsoft-preference",
        "signing-certificate-v2",
        "signing-time",
    ]
    assert info.problems == ()


@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize("name", [name for name in BODIES if name != "protected"])
def test_every_body_is_signed_safely_for_transport(name: str, form: str) -> None:
    octets = sign(FIELDS + BODIES[name], ALICE, form=form, at=AT, token=TOKEN)
    assert is_seven_bit(octets)
    assert is_crlf(octets)
    assert b"\r\nFrom " not in octets
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert find(octets).is_pass


@pytest.mark.parametrize("name", ["plain", "white-space", "quoted-printable", "dots", "empty"])
def test_what_is_safe_already_stays_octet_for_octet(name: str) -> None:
    octets = sign(FIELDS + BODIES[name], ALICE, form="clear", at=AT, token=TOKEN)
    assert BODIES[name] in octets


def test_other_fields_stay_outside_as_they_were() -> None:
    octets = sign(FIELDS + BODIES["plain"], ALICE, form="clear", at=AT, token=TOKEN)
    assert octets.startswith(FIELDS)
    inside = signed_content(octets, recognise(octets))
    assert b"X-Odd" not in inside


def test_message_without_type_gets_the_one_it_means() -> None:
    octets = sign(b"From: alice@example.org\r\n\r\nHi\r\n", ALICE, form="clear", at=AT, token=TOKEN)
    assert signed_content(octets, recognise(octets)).startswith(b"Content-Type: text/plain")
    assert find(octets).is_pass


def test_boundary_that_is_in_the_content_is_not_used() -> None:
    octets = sign(letter(b"--=_x\r\n"), ALICE, form="clear", at=AT, token=b"=_x")
    assert find(octets).is_pass


@pytest.mark.parametrize("form", ["clear", "opaque"])
def test_signature_comes_off_again(form: str) -> None:  # T71
    octets = sign(letter(), ALICE, form=form, at=AT, token=TOKEN)
    bare = strip_signature(octets, recognise(octets))
    assert split(bare).body == split(letter()).body
    assert parse_entity(bare).media_type.essence == "text/plain"
    assert recognise(bare).kind is Kind.PLAIN


def test_opaque_becomes_clear_with_the_same_signer_info() -> None:
    octets = sign(letter(), ALICE, form="opaque", at=AT, token=TOKEN)
    clear = opaque_to_clear(octets, recognise(octets))
    assert clear is not None
    assert recognise(clear).kind is Kind.CLEAR
    assert b"Hello\r\n" in clear
    assert find(clear).is_pass
    before, after = (parse_signed(recognise(each).cms) for each in (octets, clear))
    assert before.signers == after.signers


def test_opaque_that_would_not_survive_stays_opaque() -> None:
    from tests.forgery.makers import Workshop, head, opaque

    entity = b"Content-Type: text/plain; charset=utf-8\r\n\r\n\xc3\xbc\r\n"
    octets = opaque(head(), Workshop("p256", "", "opaque").cms(entity))
    assert opaque_to_clear(octets, recognise(octets)) is None


@pytest.mark.interop
@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_openssl_verifies_what_we_sign(tmp_path: Path, form: str, kind: str) -> None:
    from tests.testpki import pem

    octets = sign(
        letter(), signer_of(person("alice@example.org", kind)), form=form, at=AT, token=TOKEN
    )
    (tmp_path / "m").write_bytes(octets)
    (tmp_path / "ca").write_bytes(pem(root().certificate))
    command = ["openssl", "cms", "-verify", "-in", "m", "-CAfile", "ca", "-purpose", "any"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Hello\r\n" in done.stdout
