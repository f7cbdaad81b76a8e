"""What BouncyCastle writes we read, and what we write it reads.

A small program in Java is compiled once and does all jobs of a test module in one run.
"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.cms.compressed import open_compressed
from app.cms.enveloped import build_enveloped, open_enveloped, parse_enveloped
from app.cms.signed import Check, build_signed, parse_signed, verify_signer
from app.mail.limits import BER_SEGMENTS
from tests.cms.identities import CONTENT, identity, key, signer
from tests.interop import java
from tests.testpki import AT

pytestmark = [pytest.mark.interop, java.needs_bouncycastle]
LARGE = bytes(range(256)) * 2_000
# BouncyCastle writes a stream in segments of 1,000 octets: 12,000 of them.
HUGE = bytes(range(256)) * 47_000
GOOD = Check(digest_matches=True, signature_matches=True)
# QUIRK: BouncyCastle 1.72 has no ChaCha20-Poly1305, X25519, ML-DSA or ML-KEM in its CMS, and no
# recipient that opens AuthEnvelopedData by key agreement. See test_cms_bouncycastle_parts and
# test_cms_libcrypto for these.
TO_SIGN = [
    ("rsa2048", "SHA256withRSA", "rsa-sha256"),
    ("rsa2048", "SHA384withRSA", "rsa-sha384"),
    ("rsa2048", "SHA512withRSA", "rsa-sha512"),
    ("rsa2048", "SHA256withRSAandMGF1", "rsa-pss-sha256"),
    ("rsa2048", "SHA384withRSAandMGF1", "rsa-pss-sha384"),
    ("rsa2048", "SHA512withRSAandMGF1", "rsa-pss-sha512"),
    ("p256", "SHA256withECDSA", "ecdsa-sha256"),
    ("p384", "SHA384withECDSA", "ecdsa-sha384"),
    ("p521", "SHA512withECDSA", "ecdsa-sha512"),
    ("brainpool256", "SHA256withECDSA", "ecdsa-sha256"),
    ("brainpool384", "SHA384withECDSA", "ecdsa-sha384"),
    ("brainpool512", "SHA512withECDSA", "ecdsa-sha512"),
    ("ed25519", "Ed25519", "ed25519"),
]
FORMS = ["detached", "embedded", "stream"]
CURVES = ["p256", "p384", "p521", "brainpool256", "brainpool384", "brainpool512"]
CIPHERS = ["aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"]
THEIRS = [
    *(("rsa2048", cipher, "pkcs1v15", "whole") for cipher in [*CIPHERS, "3des"]),
    *(("rsa2048", "aes256-gcm", f"oaep-sha{bits}", "whole") for bits in (1, 256, 384, 512)),
    *((curve, "aes256-cbc", "ecdh-sha256+aes256-wrap", "whole") for curve in CURVES),
    *((curve, "aes256-gcm", "ecdh-sha512+aes256-wrap", "whole") for curve in CURVES),
    ("p256", "aes128-cbc", "ecdh-sha1+aes128-wrap", "whole"),
    ("p384", "aes128-cbc", "ecdh-sha384+aes128-wrap", "whole"),
    ("p256", "aes128-cbc", "ecdh-cofactor-sha256+aes128-wrap", "whole"),
    ("p256", "aes128-cbc", "ecdh-sha256+aes128-wrap+keying material", "whole"),
    ("p256", "3des", "ecdh-sha1+3des-wrap", "whole"),
    ("rsa2048", "aes128-cbc", "pkcs1v15", "stream"),
    ("p256", "aes128-cbc", "ecdh-sha256+aes128-wrap", "stream"),
]
OURS = [
    *(("rsa2048", cipher, "pkcs1v15") for cipher in CIPHERS),
    *(("rsa2048", "aes256-gcm", f"oaep-sha{bits}") for bits in (1, 256, 384, 512)),
    *((curve, cipher, "pkcs1v15") for curve in CURVES for cipher in CIPHERS if "cbc" in cipher),
]


def _sign_name(case: Sequence[str], form: str) -> str:
    return f"theirs-{case[0]}-{case[2]}-{form}"


def _seal_name(prefix: str, case: Sequence[str]) -> str:
    return "-".join((prefix, *case)).replace(" ", "_")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder where BouncyCastle has done every job."""
    path = tmp_path_factory.mktemp("bouncycastle")
    for kind in {case[0] for case in (*TO_SIGN, *THEIRS)}:
        (path / f"{kind}.key").write_bytes(identity(kind).private_pkcs8)
        (path / f"{kind}.cer").write_bytes(identity(kind).certificate)
    (path / "content").write_bytes(CONTENT)
    (path / "large").write_bytes(LARGE)
    (path / "huge").write_bytes(HUGE)
    jobs = [*_their_jobs(), *_our_jobs(path)]
    results = zip(jobs, java.run(path, "BouncyCastleCms", jobs), strict=True)
    (path / "results").write_text("".join(f"{' '.join(job)}\t{said}\n" for job, said in results))
    return path


def _their_jobs() -> list[list[str]]:
    files = ["rsa2048.key", "rsa2048.cer", "huge"]
    jobs = [
        ["compress", "compressed", "content"],
        ["sign", "huge-signed", "SHA256withRSA", *files, "stream"],
        ["encrypt", "huge-sealed", "aes256-cbc", "pkcs1v15", *files[1:], "stream"],
    ]
    for case in TO_SIGN:
        kind, algorithm, _ = case
        for form in FORMS:
            content = "large" if form == "stream" else "content"
            files = [f"{kind}.key", f"{kind}.cer", content]
            jobs.append(["sign", _sign_name(case, form), algorithm, *files, form])
    for sealing in THEIRS:
        kind, cipher, transport, form = sealing
        content = "large" if form == "stream" else "content"
        name = _seal_name("theirs", sealing)
        jobs.append(["encrypt", name, cipher, transport, f"{kind}.cer", content, form])
    return jobs


def _our_jobs(path: Path) -> list[list[str]]:
    jobs = []
    for case in TO_SIGN:
        kind, _, scheme = case
        for form in ("detached", "embedded"):
            name = f"ours-{kind}-{scheme}-{form}"
            detached = form == "detached"
            cms = build_signed(signer(kind, scheme), [CONTENT], detached=detached, at=AT)
            (path / name).write_bytes(cms)
            jobs.append(["verify", name, f"{kind}.cer", "content" if detached else "-"])
            jobs.append(["verify", name, "rsa2048.cer", "large"])
    for sealing in OURS:
        kind, cipher, transport = sealing
        name = _seal_name("ours", sealing)
        certificate = identity(kind).certificate
        cms = build_enveloped([CONTENT], [certificate], cipher=cipher, rsa=transport)
        (path / name).write_bytes(cms)
        jobs.append(["decrypt", f"opened-{name}", name, f"{kind}.key"])
    return jobs


def _said(desk: Path, *words: str) -> list[str]:
    lines = (line.partition("\t") for line in (desk / "results").read_text().splitlines())
    return [said for job, _, said in lines if set(words) <= set(job.split(" "))]


@pytest.mark.parametrize("case", TO_SIGN, ids=str)
@pytest.mark.parametrize("form", ["detached", "embedded"])
def test_bouncycastle_verifies_what_we_sign(
    desk: Path, case: tuple[str, str, str], form: str
) -> None:
    kind, _, scheme = case
    name = f"ours-{kind}-{scheme}-{form}"
    assert _said(desk, "verify", name, f"{kind}.cer")[0] == "ok"


@pytest.mark.parametrize("case", TO_SIGN, ids=str)
def test_bouncycastle_refuses_other_content(desk: Path, case: tuple[str, str, str]) -> None:
    name = f"ours-{case[0]}-{case[2]}-detached"
    assert _said(desk, "verify", name, "large") != ["ok"]


@pytest.mark.parametrize("case", TO_SIGN, ids=str)
@pytest.mark.parametrize("form", FORMS)
def test_we_verify_what_bouncycastle_signs(
    desk: Path, case: tuple[str, str, str], form: str
) -> None:
    kind, _, scheme = case
    content = LARGE if form == "stream" else CONTENT
    data = parse_signed((desk / _sign_name(case, form)).read_bytes())
    (info,) = data.signers
    assert data.content == (None if form == "detached" else content)
    assert info.scheme == scheme
    assert info.problems == ()
    assert verify_signer(info, [content], identity(kind).certificate) == GOOD


@pytest.mark.parametrize("case", OURS, ids=str)
def test_bouncycastle_opens_what_we_seal(desk: Path, case: tuple[str, str, str]) -> None:
    opened = desk / f"opened-{_seal_name('ours', case)}"
    assert opened.exists(), _said(desk, "decrypt", opened.name)
    assert opened.read_bytes() == CONTENT


@pytest.mark.parametrize("case", THEIRS, ids=str)
def test_we_open_what_bouncycastle_seals(desk: Path, case: tuple[str, str, str, str]) -> None:
    kind, cipher, transport, form = case
    sealed = desk / _seal_name("theirs", case)
    assert sealed.exists(), _said(desk, "encrypt", sealed.name)
    found = parse_enveloped(sealed.read_bytes())
    assert found.cipher == cipher
    assert found.recipients[0].scheme == transport.removesuffix("+keying material")
    content = LARGE if form == "stream" else CONTENT
    certificate = identity(kind).certificate
    assert open_enveloped(found, key(kind), certificate, limit_octets=1_000_000) == content


def test_we_inflate_what_bouncycastle_compresses(desk: Path) -> None:
    assert open_compressed((desk / "compressed").read_bytes()) == CONTENT


def test_a_stream_of_twelve_thousand_segments_is_read(desk: Path) -> None:
    certificate = identity("rsa2048").certificate
    signed = (desk / "huge-signed").read_bytes()
    assert signed.count(b"\x04\x82\x03\xe8") > BER_SEGMENTS
    data = parse_signed(signed)
    assert data.content == HUGE
    assert verify_signer(data.signers[0], [HUGE], certificate) == GOOD
    found = parse_enveloped((desk / "huge-sealed").read_bytes())
    opened = open_enveloped(found, key("rsa2048"), certificate, limit_octets=len(HUGE))
    assert opened == HUGE
