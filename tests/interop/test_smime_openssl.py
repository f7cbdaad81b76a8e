"""Whole messages to and from ``openssl cms``, both ways, in its MIME form."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.mail.headers import split
from app.smime.decrypt import decrypt
from app.smime.encrypt import encrypt
from app.smime.finding import Status
from app.smime.kinds import recognise
from app.smime.sign import sign
from tests.smime.house import (
    AT,
    TOKEN,
    Trust,
    anchors,
    certificate_of,
    find,
    issuing,
    key_of,
    letter,
    person,
    root,
    signer_of,
)
from tests.testpki import TestIdentity, pem

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]

ENTITY = (
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe\r\n.\r\n"
)
FIELDS = b"From: alice@example.org\r\nTo: bob@example.net\r\nSubject: Test\r\n"


def openssl(where: Path, *words: str) -> bytes:
    """Run openssl in a folder; a failure of it fails the test with its own words."""
    done = subprocess.run(["openssl", *words], cwd=where, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def lay_out(where: Path, identity: TestIdentity, name: str) -> None:
    (where / f"{name}.crt").write_bytes(identity.pem)
    (where / f"{name}.key").write_bytes(identity.key_pem)
    (where / "chain.pem").write_bytes(b"".join(map(pem, identity.chain)))
    (where / "root.pem").write_bytes(pem(root().certificate))
    (where / "entity").write_bytes(ENTITY)


def with_fields(made: bytes) -> bytes:
    """Return what openssl wrote as a message: its own lines end in LF, and say no From."""
    head, separator, body = made.partition(b"\n\n")
    head = head.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    tail = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert separator
    return FIELDS + head + b"\r\n\r\n" + tail


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "brainpool256"])
@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-nodetach",),
        ("-nodetach", "-stream"),
        ("-stream",),
        ("-keyid",),
        ("-md", "sha512"),
        ("-nosmimecap",),
        ("-cades",),
    ],
    ids=" ".join,
)
def test_message_signed_by_openssl_is_valid(
    tmp_path: Path, kind: str, options: Sequence[str]
) -> None:
    lay_out(tmp_path, person("alice@example.org", kind), "alice")
    words = ["cms", "-sign", "-in", "entity", "-signer", "alice.crt", "-inkey", "alice.key"]
    made = openssl(tmp_path, *words, "-certfile", "chain.pem", *options)
    finding = find(with_fields(made))
    assert finding.status is Status.VALID, finding.reasons


def test_pss_message_signed_by_openssl_is_valid(tmp_path: Path) -> None:
    lay_out(tmp_path, person("alice@example.org", "rsa2048"), "alice")
    words = ["cms", "-sign", "-in", "entity", "-signer", "alice.crt", "-inkey", "alice.key"]
    words += ["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"]
    finding = find(with_fields(openssl(tmp_path, *words, "-certfile", "chain.pem")))
    assert (finding.status, finding.algorithm) == (Status.VALID, "rsa-pss-sha256")


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        (("-noattr",), Status.UNSUPPORTED, "no-attributes"),
        (("-nocerts",), Status.UNSUPPORTED, "no-certificate"),
        (("-md", "sha1"), Status.UNTRUSTED, "weak-algorithm"),
    ],
)
def test_what_openssl_can_do_and_should_not_is_named(
    tmp_path: Path, options: Sequence[str], status: Status, code: str
) -> None:
    lay_out(tmp_path, person("alice@example.org", "rsa2048"), "alice")
    words = ["cms", "-sign", "-in", "entity", "-signer", "alice.crt", "-inkey", "alice.key"]
    finding = find(with_fields(openssl(tmp_path, *words, *options)))
    assert (finding.status, finding.reasons[0].code) == (status, code)


def test_without_certificates_the_store_helps(tmp_path: Path) -> None:
    alice = person("alice@example.org", "rsa2048")
    lay_out(tmp_path, alice, "alice")
    words = ["cms", "-sign", "-in", "entity", "-signer", "alice.crt", "-inkey", "alice.key"]
    made = openssl(tmp_path, *words, "-nocerts", "-keyid")
    chain = [certificate_of(issuing().identity)]
    view = Trust(anchors(), intermediates=chain, known=(certificate_of(alice),))
    assert find(with_fields(made), view).status is Status.VALID


@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("rsa2048", ""),
        ("rsa2048", "rsa-pss-sha256"),
        ("rsa2048", "rsa-pss-sha512"),
        ("p256", ""),
        ("p384", ""),
        ("p521", ""),
        ("brainpool256", ""),
        ("brainpool512", ""),
    ],
)
def test_openssl_verifies_what_we_sign(tmp_path: Path, form: str, kind: str, scheme: str) -> None:
    alice = person("alice@example.org", kind)
    lay_out(tmp_path, alice, "alice")
    octets = sign(FIELDS + ENTITY, signer_of(alice, scheme), form=form, at=AT, token=TOKEN)
    (tmp_path / "message").write_bytes(octets)
    words = ["cms", "-verify", "-in", "message", "-CAfile", "root.pem", "-purpose", "any"]
    assert openssl(tmp_path, *words) == ENTITY


@pytest.mark.parametrize(
    "options",
    [
        ("-aes-256-cbc",),
        ("-aes-128-cbc",),
        ("-aes-192-cbc", "-stream"),
        ("-aes-256-gcm",),
        ("-aes-128-gcm", "-keyid"),
        ("-des3",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "brainpool256"])
def test_message_encrypted_by_openssl_is_opened(
    tmp_path: Path, kind: str, options: Sequence[str]
) -> None:
    bob = person("bob@example.net", kind)
    lay_out(tmp_path, bob, "bob")
    made = openssl(tmp_path, "cms", "-encrypt", "-in", "entity", *options, "-recip", "bob.crt")
    octets = with_fields(made)
    found = decrypt(octets, recognise(octets), [key_of(bob)])
    assert found.status == "decrypted"
    assert found.message.endswith(split(ENTITY).body)
    assert bool(found.weak) == ("-des3" in options)
    assert found.authenticated == ("gcm" in options[0])


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha512"])
def test_oaep_message_of_openssl_is_opened(tmp_path: Path, digest: str) -> None:
    bob = person("bob@example.net", "rsa2048")
    lay_out(tmp_path, bob, "bob")
    words = ["cms", "-encrypt", "-in", "entity", "-aes-256-cbc", "-recip", "bob.crt"]
    words += ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{digest}"]
    octets = with_fields(openssl(tmp_path, *words))
    assert decrypt(octets, recognise(octets), [key_of(bob)]).status == "decrypted"


@pytest.mark.parametrize("profile", ["compat", "smime4", "bsi", "edi-energy"])
# OpenSSL 3.0 has no X25519 in CMS.
@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "p521", "brainpool256"])
def test_openssl_opens_what_we_encrypt(tmp_path: Path, kind: str, profile: str) -> None:
    bob = person("bob@example.net", kind)
    lay_out(tmp_path, bob, "bob")
    sealed = encrypt(FIELDS + ENTITY, [certificate_of(bob)], profile=profile)
    (tmp_path / "message").write_bytes(sealed.octets)
    words = ["cms", "-decrypt", "-in", "message", "-recip", "bob.crt", "-inkey", "bob.key"]
    assert openssl(tmp_path, *words) == ENTITY


@pytest.mark.parametrize("kind", ["rsa2048", "p256"])
def test_signed_and_encrypted_both_ways(tmp_path: Path, kind: str) -> None:
    alice, bob = person("alice@example.org", kind), person("bob@example.net", kind)
    lay_out(tmp_path, bob, "bob")
    signed = sign(letter(), signer_of(alice), form="clear", at=AT, token=TOKEN)
    sealed = encrypt(signed, [certificate_of(bob)], profile="smime4")
    (tmp_path / "message").write_bytes(sealed.octets)
    words = ["cms", "-decrypt", "-in", "message", "-recip", "bob.crt", "-inkey", "bob.key"]
    (tmp_path / "inner").write_bytes(openssl(tmp_path, *words))
    words = ["cms", "-verify", "-in", "inner", "-CAfile", "root.pem", "-purpose", "any"]
    assert openssl(tmp_path, *words).endswith(b"Hello\r\n")
