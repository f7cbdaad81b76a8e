"""What gpgsm writes we read, and what we write it reads: the CMS of the GnuPG project."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.signed import Check, build_signed, parse_signed, verify_signer
from tests.cms.identities import CONTENT, identity, key, signer
from tests.testpki import AT, pem

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("gpgsm") is None, reason="gpgsm is not installed"),
]
# QUIRK: gpgsm 2.2.40 cannot check an ECDSA signature of P-521.
KINDS = ("rsa2048", "p256", "p384", "brainpool256", "brainpool384")
GOOD = Check(digest_matches=True, signature_matches=True)


@dataclass(frozen=True)
class Desk:
    """A home of gpgsm with one secret key, and files beside it."""

    home: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [
                *("gpgsm", "--homedir", str(self.home), "--batch", "--yes", "--no-tty"),
                *("--disable-crl-checks", "--pinentry-mode", "loopback", "--passphrase-fd", "0"),
                *words,
            ],
            cwd=self.home,
            input=b"secret\n",
            capture_output=True,
            timeout=100,
            check=False,
        )

    def write(self, name: str, octets: bytes) -> str:
        (self.home / name).write_bytes(octets)
        return name


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    # The agent's socket does not like long paths.
    with tempfile.TemporaryDirectory(prefix="g") as name:
        found = Desk(Path(name))
        found.home.chmod(0o700)
        found.write("gpg-agent.conf", b"allow-loopback-pinentry\n")
        found.write("content", CONTENT)
        root = x509.load_der_x509_certificate(identity().root)
        trusted = f"{root.fingerprint(hashes.SHA1()).hex().upper()} S relax\n"
        found.write("trustlist.txt", trusted.encode())
        for kind in KINDS:
            who = identity(kind)
            found.write("chain.pem", b"".join(map(pem, (*who.chain, who.root, who.certificate))))
            found.run("--import", "chain.pem")
        who = identity("rsa2048")
        # QUIRK: gpgsm 2.2.40 reads no modern PKCS #12, and crashes on one with an EC key.
        old = (
            PrivateFormat.PKCS12.encryption_builder()
            .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            .hmac_hash(hashes.SHA1())
            .build(b"secret")
        )
        bag = pkcs12.serialize_key_and_certificates(b"alice", who.key, who.x509, None, old)
        found.write("alice.p12", bag)
        imported = found.run("--import", "alice.p12")
        assert b"secret keys imported: 1" in imported.stderr, imported.stderr.decode()
        yield found
        subprocess.run(["gpgconf", "--homedir", name, "--kill", "all"], check=False, timeout=30)


@pytest.mark.parametrize("kind", KINDS)
def test_gpgsm_verifies_what_we_sign(desk: Desk, kind: str) -> None:
    desk.write("cms", build_signed(signer(kind), [CONTENT], detached=True, at=AT))
    done = desk.run("--verify", "cms", "content")
    assert b"Good signature" in done.stderr, done.stderr.decode()
    desk.write("other", CONTENT + b"more")
    assert b"Good signature" not in desk.run("--verify", "cms", "other").stderr


@pytest.mark.parametrize("detached", [True, False])
def test_we_verify_what_gpgsm_signs(desk: Desk, detached: bool) -> None:
    certificate = identity("rsa2048").certificate
    words = ["--detach-sign"] if detached else ["--sign"]
    user = _fingerprint("rsa2048")
    done = desk.run(*words, "--local-user", user, "--output", "signed", "content")
    assert done.returncode == 0, done.stderr.decode()
    data = parse_signed((desk.home / "signed").read_bytes())
    assert data.content == (None if detached else CONTENT)
    (info,) = data.signers
    assert info.names(certificate)
    assert verify_signer(info, [CONTENT], certificate) == GOOD


@pytest.mark.parametrize("cipher", ["aes128-cbc", "aes192-cbc", "aes256-cbc"])
def test_gpgsm_opens_what_we_seal(desk: Desk, cipher: str) -> None:
    certificate = identity("rsa2048").certificate
    desk.write("cms", build_enveloped([CONTENT], [certificate], cipher=cipher))
    done = desk.run("--decrypt", "--output", "opened", "cms")
    assert done.returncode == 0, done.stderr.decode()
    assert (desk.home / "opened").read_bytes() == CONTENT


@pytest.mark.parametrize("cipher", ["AES128", "AES256", "3DES"])
@pytest.mark.parametrize("kind", ["rsa2048"])
def test_we_open_what_gpgsm_seals(desk: Desk, kind: str, cipher: str) -> None:
    done = desk.run(
        *("--encrypt", "--recipient", _fingerprint(kind), "--cipher-algo", cipher),
        *("--output", "sealed", "content"),
    )
    assert done.returncode == 0, done.stderr.decode()
    found = parse_enveloped((desk.home / "sealed").read_bytes())
    certificate = identity(kind).certificate
    assert open_enveloped(found, key(kind), certificate, limit_octets=10_000) == CONTENT


def _fingerprint(kind: str) -> str:
    return identity(kind).x509.fingerprint(hashes.SHA1()).hex().upper()
