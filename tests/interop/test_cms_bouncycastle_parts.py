"""X25519 and ChaCha20-Poly1305 against the structures and primitives of BouncyCastle.

Its CMS of 2023 has no classes for the two, so a program in Java puts them together from its parts
as RFC 8418 and RFC 8103 say. That is less than an implementation others use, and shares nothing
with ours.
"""

from pathlib import Path

import pytest

from app.cms.enveloped import build_enveloped, parse_enveloped
from tests.cms.identities import CIPHERS, CONTENT, identity
from tests.cms.parts import opened
from tests.interop import java

pytestmark = [pytest.mark.interop, java.needs_bouncycastle]
OURS = [cipher for cipher in CIPHERS if "192" not in cipher]
THEIRS = [
    *(("x25519-256", cipher, "-", "plain") for cipher in OURS),
    *((f"x25519-{bits}", "chacha20-poly1305", "-", "plain") for bits in (384, 512)),
    ("x25519-256", "chacha20-poly1305", "keying material", "plain"),
    ("x25519-256", "aes128-gcm", "keying material", "plain"),
    ("x25519-256", "chacha20-poly1305", "-", "attributes"),
    ("x25519-256", "aes256-gcm", "-", "attributes"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder where every job is done; what failed stands in a file with the error."""
    path = tmp_path_factory.mktemp("parts")
    who = identity("x25519")
    (path / "content").write_bytes(CONTENT)
    (path / "cer").write_bytes(who.certificate)
    (path / "key").write_bytes(who.private_pkcs8)
    jobs = []
    for cipher in OURS:
        sealed = build_enveloped([CONTENT], [who.certificate], cipher=cipher)
        (path / f"ours-{cipher}").write_bytes(sealed)
        jobs.append(["open", f"opened-{cipher}", f"ours-{cipher}", "key"])
    for number, (transport, cipher, ukm, attributes) in enumerate(THEIRS):
        words = [transport, cipher, "cer", "content", ukm, attributes]
        jobs.append(["seal", f"theirs-{number}", *words])
    said = java.run(path, "BouncyCastleParts", jobs)
    assert said == ["ok"] * len(jobs)
    return path


@pytest.mark.parametrize("cipher", OURS)
def test_the_parts_open_what_we_seal(desk: Path, cipher: str) -> None:
    assert (desk / f"opened-{cipher}").read_bytes() == CONTENT


@pytest.mark.parametrize("number", range(len(THEIRS)), ids=map(str, THEIRS))
def test_we_open_what_the_parts_seal(desk: Path, number: int) -> None:
    transport, cipher, _, _ = THEIRS[number]
    octets = (desk / f"theirs-{number}").read_bytes()
    found = parse_enveloped(octets)
    assert found.cipher == cipher
    scheme = transport.replace("x25519-", "ecdh-hkdf-sha")
    assert found.recipients[0].scheme.startswith(scheme)
    assert opened(octets, "x25519") == CONTENT
