"""What `openssl cms` writes we read, and what we write it reads, for every algorithm it knows."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.cms.certs_only import build_certs_only, parse_certs_only
from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.errors import UnsupportedCms
from app.cms.signed import Check, build_signed, parse_signed, verify_signer
from tests.cms.identities import CONTENT, identity, key, signer
from tests.testpki import AT, pem

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]
GOOD = Check(digest_matches=True, signature_matches=True)
# QUIRK: OpenSSL 3.0 has no Ed25519, X25519, ChaCha20-Poly1305, ML-DSA or ML-KEM in its CMS.
SIGNING = (
    "rsa2048",
    "p256",
    "p384",
    "p521",
    "brainpool256",
    "brainpool384",
    "brainpool512",
)
READING = SIGNING


@dataclass(frozen=True)
class Desk:
    """A folder with the identities as files, and openssl at work in it."""

    path: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            ["openssl", *words], cwd=self.path, capture_output=True, timeout=100, check=False
        )

    def make(self, *words: str) -> bytes:
        done = self.run(*words, "-outform", "DER", "-out", "out")
        assert done.returncode == 0, done.stderr.decode()
        return self.read("out")

    def write(self, name: str, octets: bytes) -> str:
        (self.path / name).write_bytes(octets)
        return name

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def identity(self, kind: str) -> str:
        who = identity(kind)
        self.write("root.pem", pem(who.root))
        self.write("chain.pem", b"".join(map(pem, who.chain)))
        return self.write(f"{kind}.pem", who.pem + who.key_pem)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "content").write_bytes(CONTENT)
    return Desk(tmp_path)


OURS_TO_SIGN = [
    *((kind, "") for kind in SIGNING),
    ("rsa2048", "rsa-sha384"),
    ("rsa2048", "rsa-sha512"),
    ("rsa2048", "rsa-pss-sha256"),
    ("rsa2048", "rsa-pss-sha384"),
    ("rsa2048", "rsa-pss-sha512"),
]


@pytest.mark.parametrize(("kind", "scheme"), OURS_TO_SIGN)
@pytest.mark.parametrize("detached", [True, False])
def test_openssl_verifies_what_we_sign(desk: Desk, kind: str, scheme: str, detached: bool) -> None:
    desk.identity(kind)
    desk.write("cms", build_signed(signer(kind, scheme), [CONTENT], detached=detached, at=AT))
    words = ["cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-CAfile", "root.pem"]
    if detached:
        words += ["-content", "content"]
    done = desk.run(*words, "-out", "out")
    assert done.returncode == 0, done.stderr.decode()
    assert desk.read("out") == CONTENT


def test_openssl_refuses_what_we_refuse(desk: Desk) -> None:
    desk.identity("p256")
    desk.write("content", CONTENT + b"more")
    desk.write("cms", build_signed(signer(), [CONTENT], detached=True, at=AT))
    done = desk.run(
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-content", "content"),
        *("-CAfile", "root.pem", "-out", "out"),
    )
    assert done.returncode != 0


PSS = ("-keyopt", "rsa_padding_mode:pss")
THEIRS_TO_SIGN: list[tuple[str, tuple[str, ...], str, str]] = [
    *((kind, (), "", "") for kind in SIGNING),
    ("rsa2048", ("-md", "sha384"), "rsa-sha384", ""),
    ("rsa2048", ("-md", "sha512"), "rsa-sha512", ""),
    ("rsa2048", ("-md", "sha224"), "rsa-sha224", ""),
    ("rsa2048", ("-md", "sha1"), "rsa-sha1", "sha1"),
    ("rsa2048", ("-md", "md5"), "rsa-md5", "md5"),
    ("p256", ("-md", "sha512"), "ecdsa-sha512", ""),
    ("p256", ("-md", "sha1"), "ecdsa-sha1", "sha1"),
    ("rsa2048", PSS, "rsa-pss-sha256", ""),
    ("rsa2048", ("-md", "sha512", *PSS), "rsa-pss-sha512", ""),
    ("rsa2048", (*PSS, "-keyopt", "rsa_pss_saltlen:20"), "rsa-pss-sha256", ""),
    ("rsa2048", (*PSS, "-keyopt", "rsa_pss_saltlen:0"), "rsa-pss-sha256", ""),
    ("rsa2048", (*PSS, "-keyopt", "rsa_pss_saltlen:max"), "rsa-pss-sha256", ""),
    ("rsa2048", ("-md", "sha1", *PSS), "rsa-pss-sha1", "sha1"),
    ("rsa2048", (*PSS, "-keyopt", "rsa_mgf1_md:sha1"), "rsa-pss-sha256", ""),
    ("rsa2048", ("-keyid",), "rsa-sha256", ""),
    ("p256", ("-keyid",), "ecdsa-sha256", ""),
    ("rsa2048", ("-stream",), "rsa-sha256", ""),
    ("rsa2048", ("-nosmimecap",), "rsa-sha256", ""),
    ("rsa2048", ("-cades",), "rsa-sha256", ""),
    ("rsa2048", ("-certfile", "chain.pem"), "rsa-sha256", ""),
]


@pytest.mark.parametrize(("kind", "words", "scheme", "weak"), THEIRS_TO_SIGN, ids=str)
@pytest.mark.parametrize("detached", [True, False])
def test_we_verify_what_openssl_signs(
    desk: Desk, kind: str, words: Sequence[str], scheme: str, weak: str, detached: bool
) -> None:
    signing = ["cms", "-sign", "-binary", "-in", "content", "-signer", desk.identity(kind)]
    signing += [] if detached else ["-nodetach"]
    data = parse_signed(desk.make(*signing, *words))
    (info,) = data.signers
    # QUIRK: OpenSSL 3.0 streams the content into a detached signature.
    assert data.content == (None if detached and "-stream" not in words else CONTENT)
    assert identity(kind).certificate in data.certificates
    assert info.names(identity(kind).certificate)
    assert (info.problems, info.weak) == ((), weak)
    assert not scheme or info.scheme == scheme
    check = verify_signer(info, [CONTENT], identity(kind).certificate)
    assert check == Check(digest_matches=True, signature_matches=True, weak=weak)


@pytest.mark.parametrize("kind", SIGNING)
def test_we_verify_a_signature_without_attributes(desk: Desk, kind: str) -> None:
    signing = ["cms", "-sign", "-binary", "-in", "content", "-signer", desk.identity(kind)]
    (info,) = parse_signed(desk.make(*signing, "-noattr")).signers
    assert info.problems == ("signed-attributes-missing",)
    assert verify_signer(info, [CONTENT], identity(kind).certificate) == GOOD


def test_we_see_both_signers(desk: Desk) -> None:  # T43
    signing = ["cms", "-sign", "-binary", "-in", "content"]
    for kind in ("rsa2048", "p256"):
        signing += ["-signer", desk.identity(kind)]
    signers = parse_signed(desk.make(*signing)).signers
    assert {info.scheme for info in signers} == {"rsa-sha256", "ecdsa-sha256"}


OURS_TO_READ = [
    *(
        (kind, cipher, "pkcs1v15")
        for kind in READING
        for cipher in ("aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes256-gcm")
    ),
    *(("rsa2048", "aes256-cbc", f"oaep-{name}") for name in ("sha1", "sha256", "sha384", "sha512")),
]


@pytest.mark.parametrize(("kind", "cipher", "rsa"), OURS_TO_READ)
def test_openssl_opens_what_we_seal(desk: Desk, kind: str, cipher: str, rsa: str) -> None:
    sealed = build_enveloped([CONTENT], [identity(kind).certificate], cipher=cipher, rsa=rsa)
    desk.write("cms", sealed)
    name = desk.identity(kind)
    done = desk.run(
        *("cms", "-decrypt", "-binary", "-inform", "DER", "-in", "cms", "-recip", name),
        *("-out", "out"),
    )
    assert done.returncode == 0, done.stderr.decode()
    assert desk.read("out") == CONTENT


OAEP = ("-keyopt", "rsa_padding_mode:oaep")
LEGACY = ("-provider", "legacy", "-provider", "default")
THEIRS_TO_READ: list[tuple[str, tuple[str, ...], str, str]] = [
    *(
        (kind, (f"-{cipher}",), cipher.replace("aes-", "aes"), "")
        for kind in READING
        for cipher in ("aes-128-cbc", "aes-256-cbc", "aes-128-gcm", "aes-256-gcm")
    ),
    ("rsa2048", ("-aes256", "-stream"), "aes256-cbc", ""),
    ("rsa2048", ("-aes-256-gcm", "-stream"), "aes256-gcm", ""),
    ("rsa2048", ("-aes256", "-keyid"), "aes256-cbc", ""),
    ("p256", ("-aes256", "-keyid"), "aes256-cbc", ""),
    ("rsa2048", ("-aes256", *OAEP), "aes256-cbc", "oaep-sha1"),
    ("rsa2048", ("-aes256", *OAEP, "-keyopt", "rsa_oaep_md:sha256"), "aes256-cbc", "oaep-sha256"),
    ("rsa2048", ("-aes256", *OAEP, "-keyopt", "rsa_oaep_md:sha512"), "aes256-cbc", "oaep-sha512"),
    (
        "rsa2048",
        ("-aes256", *OAEP, "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha1"),
        "aes256-cbc",
        "oaep-sha256",
    ),
    (
        "rsa2048",
        ("-aes256", *OAEP, "-keyopt", "rsa_oaep_label:6c6162656c"),
        "aes256-cbc",
        "oaep-sha1",
    ),
    *(
        (
            "p256",
            ("-aes128", "-keyopt", f"ecdh_kdf_md:{name}"),
            "aes128-cbc",
            f"ecdh-{name}+aes128-wrap",
        )
        for name in ("sha1", "sha224", "sha256", "sha384", "sha512")
    ),
    ("p256", ("-aes256", "-keyopt", "ecdh_cofactor_mode:1"), "aes256-cbc", ""),
    ("p256", ("-aes256", "-aes128-wrap"), "aes256-cbc", "ecdh-sha1+aes128-wrap"),
    ("rsa2048", ("-des3",), "3des", "pkcs1v15"),
    ("p256", ("-des3",), "3des", "ecdh-sha1+3des-wrap"),
    ("rsa2048", ("-rc2-128", *LEGACY), "rc2", ""),
    ("rsa2048", ("-rc2-64", *LEGACY), "rc2", ""),
    ("rsa2048", ("-rc2-40", *LEGACY), "rc2", ""),
]


@pytest.mark.parametrize(("kind", "words", "cipher", "scheme"), THEIRS_TO_READ, ids=str)
def test_we_open_what_openssl_seals(
    desk: Desk, kind: str, words: Sequence[str], cipher: str, scheme: str
) -> None:
    name = desk.identity(kind)
    sealed = desk.make(
        *("cms", "-encrypt", "-binary", "-in", "content", "-recip", name, *words),
    )
    found = parse_enveloped(sealed)
    assert found.cipher == cipher
    assert not scheme or found.recipients[0].scheme == scheme
    certificate = identity(kind).certificate
    arguments = {"limit_octets": 10_000, "legacy": "3des+rc2"}
    assert open_enveloped(found, key(kind), certificate, **arguments) == CONTENT  # type: ignore[arg-type]
    if found.weak or found.recipients[0].weak:
        with pytest.raises(UnsupportedCms):
            open_enveloped(found, key(kind), certificate, limit_octets=10_000, legacy="none")


def test_we_open_what_openssl_seals_for_many(desk: Desk) -> None:
    names = [desk.identity(kind) for kind in READING]
    words = [word for name in names for word in ("-recip", name)]
    found = parse_enveloped(
        desk.make("cms", "-encrypt", "-binary", "-in", "content", "-aes256", *words)
    )
    for kind in READING:
        certificate = identity(kind).certificate
        assert open_enveloped(found, key(kind), certificate, limit_octets=10_000) == CONTENT


def test_a_password_recipient_is_passed_over(desk: Desk) -> None:
    name = desk.identity("rsa2048")
    found = parse_enveloped(
        desk.make(
            *("cms", "-encrypt", "-binary", "-in", "content", "-aes256", "-recip", name),
            *("-pwri_password", "secret", "-secretkey", "00" * 16, "-secretkeyid", "01"),
        )
    )
    assert sorted(one.kind for one in found.recipients) == ["ktri", "other", "other"]
    certificate = identity("rsa2048").certificate
    assert open_enveloped(found, key("rsa2048"), certificate, limit_octets=10_000) == CONTENT


def test_a_large_stream_opens_and_verifies(desk: Desk) -> None:
    content = bytes(range(256)) * 12_000
    desk.write("content", content)
    name = desk.identity("rsa2048")
    sealed = desk.make(
        *("cms", "-encrypt", "-binary", "-stream", "-aes256", "-in", "content", "-recip", name)
    )
    found = parse_enveloped(sealed)
    certificate = identity("rsa2048").certificate
    opened = open_enveloped(found, key("rsa2048"), certificate, limit_octets=len(content))
    assert opened == content
    signed = desk.make(
        *("cms", "-sign", "-binary", "-stream", "-nodetach", "-in", "content", "-signer", name)
    )
    data = parse_signed(signed)
    assert data.content == content
    assert verify_signer(data.signers[0], [content], certificate) == GOOD


def test_certs_only_goes_both_ways(desk: Desk) -> None:
    who = identity()
    desk.identity("p256")
    desk.write("certs.pem", who.pem + b"".join(map(pem, who.chain)))
    theirs = desk.make("crl2pkcs7", "-nocrl", "-certfile", "certs.pem")
    assert set(parse_certs_only(theirs)) == {who.certificate, *who.chain}
    desk.write("p7b", build_certs_only([who.certificate, *who.chain]))
    done = desk.run("pkcs7", "-inform", "DER", "-in", "p7b", "-print_certs", "-noout")
    assert done.returncode == 0
    assert done.stdout.count(b"subject") == 2
