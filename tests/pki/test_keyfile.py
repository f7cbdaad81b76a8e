"""Key files of every age, and those that are none (C3, T108, T128)."""

import io
import zipfile
from contextlib import suppress
from typing import Any

import pytest
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st

from app.pki import archive, keyfile
from app.pki.certificate import Certificate
from app.pki.errors import MalformedKeyFile, WrongPassword
from app.pki.keyfile import KeyEntry, dump_pkcs12, fits, load_keys
from tests.testpki import TestIdentity, ca

ROOT = ca("Key Root")
SUB = ca("Key Sub", ca("Key Middle", ROOT))
ALICE = SUB.issue("alice@example.org", key="rsa2048")
BOB = SUB.issue("bob@example.org")

BUILDER = PrivateFormat.PKCS12.encryption_builder
PBES = pkcs12.PBES
MODERN = BUILDER().kdf_rounds(2000).key_cert_algorithm(PBES.PBESv2SHA256AndAES256CBC)
AGES: list[tuple[str, Any]] = [
    ("RC2 and 3DES, as Windows did", BUILDER().kdf_rounds(2000).key_cert_algorithm(
        PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1())),
    ("AES and SHA-256", MODERN.hmac_hash(hashes.SHA256())),
    ("AES and SHA-1", MODERN.hmac_hash(hashes.SHA1())),
]  # fmt: skip


def certificate_of(identity: TestIdentity) -> Certificate:
    return Certificate.from_der(identity.certificate)


def p12(identity: TestIdentity, password: str | None = "secret", how: Any = None) -> bytes:
    secret = password.encode() if password else None
    if how is None and secret:
        how = MODERN
    return pkcs12.serialize_key_and_certificates(
        b"name",
        identity.key,
        identity.x509,
        [x509.load_der_x509_certificate(each) for each in (identity.root, *identity.chain[::-1])],
        how.build(secret) if secret else serialization.NoEncryption(),
    )


@pytest.mark.parametrize(("name", "how"), AGES)
def test_pkcs12_of_every_age_opens(name: str, how: Any) -> None:
    (entry,) = load_keys(p12(ALICE, "secret", how), "secret")
    assert entry.certificate == certificate_of(ALICE)
    assert fits(entry.private_pkcs8, entry.certificate)


def test_chain_is_in_the_order_of_issuing_and_ends_below_the_root() -> None:
    (entry,) = load_keys(p12(ALICE), "secret")
    assert [each.der for each in entry.chain] == list(ALICE.chain)


@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "brainpool256", "ed25519"])
def test_what_is_dumped_is_loaded_again(kind: str) -> None:
    identity = SUB.issue("dump@example.org", key=kind)
    entry = KeyEntry(
        identity.private_pkcs8,
        certificate_of(identity),
        tuple(map(Certificate.from_der, identity.chain)),
    )
    assert load_keys(dump_pkcs12(entry, "secret"), "secret") == (entry,)


@pytest.mark.parametrize("kind", ["x25519", "mldsa65", "mlkem768"])
def test_new_kinds_of_keys_are_read_from_pem(kind: str) -> None:
    identity = SUB.issue("new@example.org", key=kind)
    (entry,) = load_keys(identity.key_pem + identity.pem, None)
    assert fits(entry.private_pkcs8, entry.certificate)


WRONG = [("secret", "Secret"), ("secret", None), ("secret", ""), ("pässwort", "passwort")]


@pytest.mark.parametrize(("right", "wrong"), WRONG)
def test_wrong_password_says_so(right: str, wrong: str | None) -> None:
    with pytest.raises(WrongPassword) as caught:
        load_keys(p12(BOB, right), wrong, "bob.p12")
    assert str(caught.value) == "bob.p12: the password does not open the PKCS#12 file"


@pytest.mark.parametrize("password", ["secret", "pässwört", "пароль", "😀", "x" * 500])
def test_right_password_opens_whatever_its_letters(password: str) -> None:
    assert load_keys(p12(BOB, password), password)[0].certificate == certificate_of(BOB)


def test_file_without_password_opens_without_one() -> None:
    octets = p12(BOB, None)
    assert load_keys(octets, None) == load_keys(octets, "")


def test_expired_certificate_is_taken() -> None:  # C3: old mail is decrypted with it
    old = SUB.issue("old@example.org", days=30)
    assert load_keys(p12(old), "secret")[0].certificate == certificate_of(old)


def test_newest_of_two_certificates_of_one_key_is_taken() -> None:
    from datetime import UTC, datetime

    older = SUB.issue("renew@example.org", not_before=datetime(2024, 2, 1, tzinfo=UTC))
    newer = SUB.issue(
        "renew@example.org", private=older.key, not_before=datetime(2025, 2, 1, tzinfo=UTC)
    )
    for text in (older.pem + newer.pem, newer.pem + older.pem):
        (entry,) = load_keys(older.key_pem + text, None)
        assert entry.certificate == certificate_of(newer)


def test_pem_file_may_hold_several_keys() -> None:
    octets = ALICE.key_pem + BOB.pem + BOB.key_pem + ALICE.pem
    found = [each.certificate for each in load_keys(octets, None)]
    assert found == [certificate_of(ALICE), certificate_of(BOB)]


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_encrypted_pem_key_needs_its_password(form: PrivateFormat) -> None:
    encryption = serialization.BestAvailableEncryption(b"secret")
    key = ALICE.key.private_bytes(serialization.Encoding.PEM, form, encryption)
    assert load_keys(key + ALICE.pem, "secret")[0].certificate == certificate_of(ALICE)
    for wrong in ("Secret", None, ""):
        with pytest.raises(WrongPassword):
            load_keys(key + ALICE.pem, wrong)


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def test_zip_of_many_files_is_read() -> None:
    octets = zipped(
        keys__alice_p12=p12(ALICE), keys__bob_PFX=p12(BOB), readme_txt=b"see the .p12 files"
    )
    found = [each.certificate for each in load_keys(octets, "secret", "all.zip")]
    assert found == [certificate_of(ALICE), certificate_of(BOB)]


def test_bad_file_in_a_zip_is_named() -> None:
    octets = zipped(alice_p12=p12(ALICE), bob_p12=p12(BOB, "another"))
    with pytest.raises(WrongPassword, match=r"^all\.zip: bob\.p12: the password"):
        load_keys(octets, "secret", "all.zip")


def test_zip_bomb_does_not_unpack(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MalformedKeyFile, match="unpacks to more than"):
        load_keys(zipped(bomb_p12=bytes(20_000_000)), "secret")
    with pytest.raises(MalformedKeyFile, match="unpacks to more than"):
        load_keys(zipped(other_txt=bytes(20_000_000), alice_p12=p12(ALICE)), "secret")
    monkeypatch.setattr(archive, "TOTAL_OCTETS", 5_000)
    with pytest.raises(MalformedKeyFile, match="unpacks to more than"):
        load_keys(zipped(a_txt=bytes(3000), b_txt=bytes(3000)), "secret")
    monkeypatch.setattr(archive, "MEMBERS", 1)
    with pytest.raises(MalformedKeyFile, match="more than 1 files"):
        load_keys(zipped(a_txt=b"", b_txt=b""), "secret")


def test_zip_that_lies_about_its_sizes_is_damaged() -> None:
    octets = bytearray(zipped(alice_p12=p12(ALICE)))
    at = octets.rfind(b"PK\x01\x02") + 24  # the uncompressed size in the directory
    octets[at : at + 4] = (10).to_bytes(4, "little")
    with pytest.raises(MalformedKeyFile):
        load_keys(bytes(octets), "secret")


def with_rounds(rounds: int, where: str) -> bytes:
    pfx = asn1_pkcs12.Pfx.load(p12(ALICE))
    if where == "mac":
        pfx["mac_data"]["iterations"] = rounds
    safe = pfx.authenticated_safe
    for info in safe:
        if where == "certificates" and info["content_type"].native == "encrypted_data":
            algorithm = info["content"]["encrypted_content_info"]["content_encryption_algorithm"]
            algorithm["parameters"]["key_derivation_func"]["parameters"]["iteration_count"] = rounds
        if where == "key" and info["content_type"].native == "data":
            bags = asn1_pkcs12.SafeContents.load(info["content"].native)
            algorithm = bags[0]["bag_value"]["encryption_algorithm"]
            algorithm["parameters"]["key_derivation_func"]["parameters"]["iteration_count"] = rounds
            info["content"] = bags.dump(force=True)
    pfx["auth_safe"]["content"] = safe.dump(force=True)
    return bytes(pfx.dump(force=True))


@pytest.mark.parametrize("where", ["mac", "certificates", "key"])
@pytest.mark.parametrize("rounds", [10_000_001, 2**31 - 1, 2**63, 2**4000])
def test_rounds_are_counted_before_they_are_run(where: str, rounds: int) -> None:  # T108
    with pytest.raises(MalformedKeyFile, match="rounds of key derivation"):
        load_keys(with_rounds(rounds, where), "secret")


@pytest.mark.parametrize("rounds", [0, -1, -(2**40)])
def test_rounds_that_are_none_are_malformed_or_wrong(rounds: int) -> None:
    with pytest.raises((MalformedKeyFile, WrongPassword)):
        load_keys(with_rounds(rounds, "mac"), "secret")


NO_KEYS = [
    (b"", "no private key"),
    (b"hello", "no private key"),
    (b"0", "no PKCS#12"),
    (b"\x30\x80\0\0", "no PKCS#12"),
    (ALICE.certificate, "no PKCS#12"),
    (ALICE.pem, "no private key"),
    (ALICE.key_pem, "no certificate in the file fits"),
    (ALICE.key_pem + BOB.pem, "no certificate in the file fits"),
    (p12(ALICE)[:-10], "no PKCS#12"),
    (b"PK\x03\x04 and nothing more", "ZIP file is damaged"),
    (zipped(readme_txt=b"nothing here"), "no .p12 or .pfx"),
    (b"\x30" + bytes(2_000_000), "larger than"),
    (b"-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", "cannot be read"),
    (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n" + ALICE.key_pem, "not base64"),
]


@pytest.mark.parametrize(("octets", "message"), NO_KEYS)
def test_file_without_a_key_says_what_it_is(octets: bytes, message: str) -> None:
    with pytest.raises(MalformedKeyFile, match=message) as caught:
        load_keys(octets, "secret")
    assert "\n" not in str(caught.value)


def test_entry_does_not_show_its_key() -> None:
    (entry,) = load_keys(p12(ALICE), "secret")
    assert repr(entry) == f"KeyEntry({entry.certificate.fingerprint})"


SAMPLE = p12(BOB)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SAMPLE)), st.booleans())
def test_no_octets_raise_but_the_named_errors(junk: bytes, place: int, overwrite: bool) -> None:
    changed = SAMPLE[:place] + junk + SAMPLE[place + (len(junk) if overwrite else 0) :]
    for octets in (junk, b"\x30" + junk, b"PK\x03\x04" + junk, changed):
        with suppress(MalformedKeyFile, WrongPassword):
            load_keys(octets, "wrong")


def test_limits_are_what_the_documentation_says() -> None:
    assert keyfile.FILE_OCTETS == 1024 * 1024
