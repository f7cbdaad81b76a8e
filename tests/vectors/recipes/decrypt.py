"""Encrypted mail to Bob: ciphers, ways of the key, and what cannot be opened."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.cms.enveloped import build_enveloped
from app.mail.compose import wrap_base64
from tests.forgery.makers import cms_part, head, issued
from tests.vectors.recipes.case import ENTITY, Case, bob

_CIPHERS = (
    ("aes128-cbc", "enveloped-data"),
    ("aes192-cbc", "enveloped-data"),
    ("aes256-cbc", "enveloped-data"),
    ("aes128-gcm", "authEnveloped-data"),
    ("aes256-gcm", "authEnveloped-data"),
    ("chacha20-poly1305", "authEnveloped-data"),
)
_WAYS = (
    ("rsa2048", "pkcs1v15"),
    ("rsa2048", "oaep-sha256"),
    ("rsa2048", "oaep-sha512"),
    ("p256", ""),
    ("p384", ""),
    ("brainpool256", ""),
    ("x25519", ""),
)
_BY_OPENSSL = (
    ("3des", ("-des3",), "3des", "A cipher of the last century; opened, and named weak."),
    ("stream-cbc", ("-aes-256-cbc", "-stream"), "aes256-cbc", "BER of indefinite length."),
    ("stream-gcm", ("-aes-256-gcm", "-stream"), "aes256-gcm", "BER, authenticated."),
    ("key-identifier", ("-aes-256-cbc", "-keyid"), "aes256-cbc", "Bob is named by his key."),
)


def cases() -> Iterator[Case]:
    for cipher, label in _CIPHERS:
        # OpenSSL 3.0 has no ChaCha20-Poly1305 in CMS.
        other = "" if "chacha" in cipher else "bob-rsa2048"
        octets = _sealed(cipher, label)
        yield _opened(f"{cipher}-rsa", "PKCS #1 v1.5 key transport.", octets, cipher, other)
    for kind, rsa in _WAYS[1:]:
        for cipher, label in (_CIPHERS[2], _CIPHERS[4]):
            # Nor X25519.
            other = "" if kind == "x25519" else f"bob-{kind}"
            octets = _sealed(cipher, label, kind, rsa or "pkcs1v15")
            name = f"{cipher}-{rsa or kind}"
            yield _opened(
                name, f"The key goes by {rsa or 'ECDH over ' + kind}.", octets, cipher, other
            )
    for name, options, cipher, about in _BY_OPENSSL:
        octets = head() + _openssl(options)
        yield _opened(name, about + " Made by OpenSSL.", octets, cipher, "bob-rsa2048")
    yield from _closed()


def _opened(name: str, about: str, octets: bytes, cipher: str, other: str) -> Case:
    return Case(name, about, octets, "none", "decrypted", cipher, openssl=other)


def _sealed(cipher: str, label: str, kind: str = "rsa2048", rsa: str = "pkcs1v15") -> bytes:
    cms = build_enveloped([ENTITY], [bob(kind).certificate], cipher=cipher, rsa=rsa)
    return head() + cms_part(cms, label.encode())


def _closed() -> Iterator[Case]:
    stranger = issued("mallory@evil.example", "rsa2048").certificate
    own = bob().certificate
    both = build_enveloped([ENTITY], [stranger, own], cipher="aes256-gcm", rsa="oaep-sha256")
    octets = head() + cms_part(both, b"authEnveloped-data")
    about = "Two recipients, Bob is the second."
    yield _opened("two-recipients", about, octets, "aes256-gcm", "bob-rsa2048")
    for cipher, label in (_CIPHERS[2], _CIPHERS[4]):
        mode = cipher[-3:]
        cms = build_enveloped([ENTITY], [stranger], cipher=cipher)
        yield _shut(f"no-key-{mode}", "Encrypted to somebody else.", "no-key", cipher, cms, label)
        cms = build_enveloped([ENTITY], [own], cipher=cipher)
        cut = cms[:-1] + bytes((cms[-1] ^ 1,))
        about = "The last bit was changed."
        yield _shut(f"failed-last-bit-{mode}", about, "failed", cipher, cut, label)
        about = "The end is missing."
        yield _shut(f"failed-cut-{mode}", about, "failed", "", cms[:-20], label)


def _shut(name: str, about: str, status: str, cipher: str, cms: bytes, label: str) -> Case:
    octets = head() + cms_part(cms, label.encode())
    body = octets.partition(b"\r\n\r\n")[2]
    assert body == wrap_base64(cms)
    return Case(name, about, octets, "none", status, cipher, body)


def _openssl(options: Sequence[str]) -> bytes:
    """Return what ``openssl cms -encrypt`` makes, with CRLF and without its own version field."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder)
        (where / "bob.crt").write_bytes(bob().pem)
        (where / "entity").write_bytes(ENTITY)
        words = ["openssl", "cms", "-encrypt", "-binary", "-in", "entity", *options]
        made = subprocess.run(
            [*words, "bob.crt"], cwd=where, capture_output=True, check=True
        ).stdout
    lines = made.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return lines.replace(b"MIME-Version: 1.0\r\n", b"", 1)
