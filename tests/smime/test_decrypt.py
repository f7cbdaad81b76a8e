"""Opening what was encrypted, and the one face of every failure."""

import random

import pytest

from app.cms.enveloped import build_enveloped
from app.cms.keys import load_private_key
from app.mail.canonical import to_crlf
from app.mail.compose import pkcs7_mime
from app.mail.entity import parse_entity
from app.mail.headers import Headers, split
from app.pki.certificate import Certificate
from app.smime.decrypt import Decryption, DecryptionKey, decrypt, expand
from app.smime.encrypt import CannotEncrypt, Sealed, encrypt
from app.smime.kinds import Kind, recognise
from app.smime.sign import sign
from tests.cms.corpus import folder, identities, index
from tests.smime.house import AT, TOKEN, certificate_of, find, key_of, letter, person, signer_of

BOB = person("bob@example.net", "rsa2048")
CAROL = person("carol@example.net", "p256")
OUTER = letter(more=b"Bcc: secret@example.net\r\nX-Odd:  kept \r\n")


def opened(octets: bytes, *people: object, legacy: str = "3des") -> Decryption:
    keys = [key_of(each) for each in people]  # type: ignore[arg-type]
    return decrypt(octets, recognise(octets), keys, legacy=legacy)


@pytest.mark.parametrize("profile", ["compat", "smime4", "bsi", "edi-energy"])
@pytest.mark.parametrize("kind", ["rsa2048", "p256", "p384", "p521", "brainpool256", "x25519"])
def test_what_we_encrypt_is_opened(profile: str, kind: str) -> None:
    bob = person("bob@example.net", kind)
    sealed = encrypt(letter(), [certificate_of(bob)], profile=profile)
    found = opened(sealed.octets, bob)
    assert found.status == "decrypted"
    assert found.algorithm == sealed.cipher
    assert found.key_fingerprint == certificate_of(bob).fingerprint
    assert split(found.message).body == split(letter()).body
    assert parse_entity(found.message).media_type == parse_entity(letter()).media_type


def test_bcc_is_dropped_and_other_fields_stay() -> None:  # T91
    octets = encrypt(OUTER, [certificate_of(BOB)], profile="smime4").octets
    assert b"Bcc" not in octets
    assert b"\r\nX-Odd:  kept \r\n" in octets
    assert b"Hello" not in octets


def test_each_of_several_certificates_opens() -> None:
    certificates = [certificate_of(each) for each in (BOB, CAROL)]
    octets = encrypt(letter(), certificates, profile="smime4").octets
    for each in (BOB, CAROL):
        assert opened(octets, each).status == "decrypted"


def test_nobody_is_no_recipient() -> None:  # T87
    with pytest.raises(CannotEncrypt, match="no certificate"):
        encrypt(letter(), [], profile="smime4")


def test_certificate_that_cannot_encrypt_is_an_error_and_no_clear_text() -> None:  # T88
    signing_only = person("eve@example.com", "ed25519")
    with pytest.raises(CannotEncrypt):
        encrypt(letter(), [certificate_of(signing_only)], profile="smime4")


def test_nobody_else_can_seal() -> None:  # T87
    with pytest.raises(TypeError):
        Sealed(object(), b"clear text")  # type: ignore[arg-type]


def test_without_a_key_the_original_comes_back() -> None:  # T75
    octets = encrypt(letter(), [certificate_of(BOB)], profile="smime4").octets
    for keys in ((), (CAROL,)):
        found = opened(octets, *keys)
        assert (found.status, found.message) == ("no-key", octets)


def test_plain_message_was_not_encrypted() -> None:
    assert decrypt(letter(), recognise(letter()), [key_of(BOB)]).status == "none"


def failing(profile: str) -> list[bytes]:
    """Return one message for each of the ways in which decryption fails (N10)."""
    octets = encrypt(letter(), [certificate_of(BOB)], profile=profile).octets
    cms = bytearray(recognise(octets).cms)
    broken = []
    for place in (-1, -17, -33, len(cms) // 2, 300, 400, 450):
        flipped = bytearray(cms)
        flipped[place] ^= 1
        broken.append(bytes(flipped))
    broken.append(bytes(cms[:-1]))
    broken.extend(
        build_enveloped([content], [BOB.certificate], cipher="aes256-cbc")
        for content in (b"\x00\x01garbage", b"X\rY", b"")
    )
    outer = split(letter()).headers.without("Content-Type")
    return [pkcs7_mime(outer, each, "enveloped-data", "smime.p7m") for each in broken]


@pytest.mark.parametrize("profile", ["compat", "smime4"])
def test_all_failures_are_alike(profile: str) -> None:  # T76, T77, T78, T79, T80
    good = encrypt(letter(), [certificate_of(BOB)], profile=profile).octets
    for octets in failing(profile):
        found = opened(octets, BOB)
        if found.status == "decrypted":
            # CBC cannot notice a changed block of the body; the tag of GCM covers all of it, but
            # neither covers the version numbers and the contentType.
            assert found.authenticated == (profile == "smime4")
            assert profile == "compat" or found.message == opened(good, BOB).message
            continue
        assert found.status in {"failed", "no-key"}
        assert found.message == octets
        assert not found.key_fingerprint
        assert len(found.reasons) == 1


@pytest.mark.parametrize("edits", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_edited_cbc_is_never_called_authenticated(edits: int) -> None:  # T73, N11
    random.seed(73)
    body = b"<p>" + b"The quick brown fox. " * 20 + b"</p>\r\n"
    clear = letter(body, content_type=b"text/html; charset=us-ascii")
    octets = encrypt(clear, [certificate_of(BOB)], profile="compat").octets
    layer = recognise(octets)
    outer = split(letter()).headers.without("Content-Type")
    for _ in range(edits):
        cms = bytearray(layer.cms)
        for _ in range(random.randint(1, 4)):
            cms[-random.randint(1, 480)] ^= random.randint(1, 255)
        found = opened(pkcs7_mime(outer, bytes(cms), "enveloped-data", "smime.p7m"), BOB)
        assert not found.authenticated
        if found.status == "decrypted":
            assert found.reasons[0].code == "not-authenticated"
            assert split(found.message).headers.is_ascii


@pytest.mark.parametrize(
    ("profile", "authenticated", "codes"),
    [("smime4", True, []), ("compat", False, ["not-authenticated"])],
)
def test_unsigned_cbc_is_labelled(profile: str, authenticated: bool, codes: list[str]) -> None:
    found = opened(encrypt(letter(), [certificate_of(BOB)], profile=profile).octets, BOB)
    assert found.authenticated is authenticated
    assert [reason.code for reason in found.reasons] == codes


def test_signature_inside_is_kept_and_good() -> None:
    alice = signer_of(person("alice@example.org"))
    signed = sign(letter(), alice, form="clear", at=AT, token=TOKEN)
    found = opened(encrypt(signed, [certificate_of(BOB)], profile="compat").octets, BOB)
    assert found.reasons == ()
    assert find(found.message).is_pass


def test_only_content_fields_come_from_the_inside() -> None:  # T60, CVE-2026-27443
    inner = (
        b"From: boss@example.org\r\nX-Sealmon-Signature: valid\r\nReceived: from x\r\n"
        b"Authentication-Results: gw; smime=pass\r\nContent-Type: text/plain\r\n\r\nHi\r\n"
    )
    cms = build_enveloped([inner], [BOB.certificate], cipher="aes256-gcm")
    octets = pkcs7_mime(split(letter()).headers, cms, "authEnveloped-data", "smime.p7m")
    found = opened(octets, BOB)
    assert found.status == "decrypted"
    headers = split(found.message).headers
    assert headers.text("From") == "Alice <alice@example.org>"
    for name in ("X-Sealmon-Signature", "Received", "Authentication-Results"):
        assert headers.find(name) is None


@pytest.mark.parametrize(
    ("legacy", "status"),
    [("3des", "decrypted"), ("3des+rc2", "decrypted"), ("none", "unsupported")],
)
def test_weak_cipher_is_read_only_where_policy_allows(legacy: str, status: str) -> None:
    name = "james-smime/eml/crypted.eml"
    octets = to_crlf((folder() / name).read_bytes())
    pair = identities(next(each for each in index() if each["file"] == name))
    assert pair is not None
    key = DecryptionKey(Certificate.from_der(pair[1]), load_private_key(pair[0]))
    found = decrypt(octets, recognise(octets), [key], legacy=legacy)
    assert (found.status, found.algorithm) == (status, "3des")
    assert (found.weak == "3des") is (status == "decrypted")


def test_more_recipients_than_the_limit_are_unsupported() -> None:  # T107
    from asn1crypto import cms as asn1

    octets = encrypt(letter(), [certificate_of(BOB)], profile="compat").octets
    info = asn1.ContentInfo.load(recognise(octets).cms)
    infos = info["content"]["recipient_infos"]
    info["content"]["recipient_infos"] = asn1.RecipientInfos([infos[0]] * 1001)
    many = pkcs7_mime(split(letter()).headers, info.dump(), "enveloped-data", "smime.p7m")
    assert opened(many, BOB).status == "unsupported"


def test_two_recipient_infos_for_one_certificate_are_a_failure() -> None:  # T78
    from asn1crypto import cms as asn1

    octets = encrypt(letter(), [certificate_of(BOB)], profile="compat").octets
    info = asn1.ContentInfo.load(recognise(octets).cms)
    infos = info["content"]["recipient_infos"]
    info["content"]["recipient_infos"] = asn1.RecipientInfos([infos[0], infos[0]])
    twice = pkcs7_mime(split(letter()).headers, info.dump(), "enveloped-data", "smime.p7m")
    assert opened(twice, BOB).status == "failed"


def test_label_without_ciphertext_is_a_failure() -> None:
    octets = pkcs7_mime(Headers(b""), b"garbage", "enveloped-data", "smime.p7m")
    assert opened(octets, BOB).status == "failed"


def test_compressed_message_is_expanded() -> None:  # RFC 3274
    from asn1crypto import cms as asn1

    entity = b"Content-Type: text/plain\r\n\r\nHello\r\n" * 3
    import zlib

    content = asn1.CompressedData(
        {
            "version": "v0",
            "compression_algorithm": {"algorithm": "zlib"},
            "encap_content_info": {"content_type": "data", "content": zlib.compress(entity)},
        }
    )
    cms = asn1.ContentInfo({"content_type": "compressed_data", "content": content}).dump()
    octets = pkcs7_mime(split(letter()).headers, cms, "compressed-data", "smime.p7z")
    layer = recognise(octets)
    assert layer.kind is Kind.COMPRESSED
    expanded = expand(octets, layer)
    assert expanded is not None
    assert expanded.count(b"Hello") == 3
    assert expand(letter(), recognise(letter())) is None
