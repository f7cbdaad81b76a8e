"""Every CMS object of the public test material gives its expected result, or a named deviation.

A result is one word about CMS alone: whether a certificate is trusted, named, current or strong
enough is proven elsewhere, so a message that is "invalid" for such a reason is "good" here.
"""

from fnmatch import fnmatch
from typing import Any

import pytest

from app.cms.compressed import open_compressed
from app.cms.enveloped import open_enveloped, parse_enveloped
from app.cms.errors import CannotDecrypt, MalformedCms, NotForThisKey, TooLarge, UnsupportedCms
from app.cms.keys import load_private_key
from app.cms.kind import content_kind
from app.cms.signed import SignerInfo, parse_signed, verify_signer
from tests.cms import corpus

# What a file's expected result means at this level.
USUAL = {
    ("signed", "valid"): "good",
    ("signed", "decryptable"): "good",
    ("signed", "invalid"): "bad",
    ("enveloped", "decryptable"): "decrypted",
    ("compressed", "valid"): "inflated",
    ("certs-only", "valid"): "certificates",
}
_PATH = "the signature is correct; what is wrong is the certification path"
_POLICY = "the signature is correct; a client's policy refuses SHA-1 or the Date"
# Result and reason for what differs; the first pattern that fits counts.
DEVIATIONS = (
    ("pkits/*", "good", _PATH),
    ("bc-mail/*validator.*", "good", _PATH),
    ("bc-mail/*circular.eml", "good", _PATH),
    ("openssl-cms/smime-eml/*", "good", _PATH),
    ("tb-smime/*alice.future.dsig.*", "good", _POLICY),
    ("tb-smime/*alice.sig.SHA1.opaque.eml", "good", _POLICY),
    ("tb-smime/*alice.dsig.SHA1.multipart.eml", "good", _POLICY),
    ("rfc4134/4.6.bin", "bad", "the second signer's DSA parameters stand in his issuer's key"),
    ("lamps-pqc/*cms-composite-sigs*", "unsupported", "composite signatures are a draft"),
    ("bc-cms/*SignedMSPkcs7.sig", "unsupported", "PKCS #7 content that is no OCTET STRING"),
    ("openssl-cms/*rsa-malformed.der", "malformed", "the encryptedKey is no OCTET STRING"),
    ("openssl-cms/*pkcs7-md4.pem", "unsupported", "MD4"),
    ("openssl-cms/*encDataWithTooLongIV.pem", "unsupported", "a nonce that is too long"),
    ("openssl-cms/*25-test_pkcs7_data/malformed.pkcs7", "malformed", "no content at all"),
    ("openssl-cms/*bad-cms.der", "malformed", "cut short"),
    ("james-smime/*bad_crypted.eml", "parsed", "no key is given: only reading is proven"),
    # No result is documented for the rest; what is there must be read or refused by a named error.
    ("bc-cms/*PSSSignDataSHA1.sig", "bad", "the content is not in the set"),
    ("bc-cms/*PSSSignDataSHA256.sig", "bad", "the content is not in the set"),
    ("bc-cms/*PSSSignDataSHA512.sig", "bad", "the content is not in the set"),
    ("*smime-signature-generated-by-thunderbird.p7s", "bad", "the content is not in the set"),
    ("*mozilla-generated-by-openssl.pkcs7.der", "bad", "the content is not in the set"),
    ("m2crypto-smime/*pkcs7-thawte.pem", "bad", "the content is not in the set"),
    ("asn1crypto-cms/cms-signed-digested.*", "bad", "the content is a DigestedData"),
    ("asn1crypto-cms/pkcs7-signed-digested.*", "unsupported", "content that is no OCTET STRING"),
    ("asn1crypto-cms/cms-signed-indefinite-length.der", "malformed", "a line feed behind it"),
    ("rustcrypto-cms/apple_mdm*", "unsupported", "content that is no OCTET STRING"),
    ("rustcrypto-cms/authroot.stl", "unsupported", "content that is no OCTET STRING"),
    ("cryptography-pkcs7/*authenticode.der", "unsupported", "content that is no OCTET STRING"),
    ("cryptography-pkcs7/*amazon-roots.p7b", "certificates", "nobody has signed it"),
    ("cryptography-pkcs7/*enveloped-no-content.der", "malformed", "no encryptedContent"),
    ("james-smime/trusted_cert_keystore", "malformed", "a PKCS #12 file"),
    ("m2crypto-smime/*ns.se.p7", "unsupported", "single DES"),
)


def _expected(entry: dict[str, Any]) -> str:
    usual = USUAL.get((_family(entry["kind"]), entry["expected"]))
    for pattern, outcome, _ in DEVIATIONS:
        if fnmatch(entry["file"], pattern):
            return outcome
    return usual or {"enveloped": "parsed", "signed": "good"}.get(_family(entry["kind"]), "other")


def _family(kind: str) -> str:
    return {
        "signed-clear": "signed",
        "signed-opaque": "signed",
        "authenveloped": "enveloped",
    }.get(kind, kind)


def _outcome(entry: dict[str, Any]) -> str:
    found = corpus.sample(corpus.folder() / entry["file"])
    try:
        kind = content_kind(found.cms)
        if kind == "signed":
            return _check_signed(entry, found)
        if kind in {"enveloped", "auth-enveloped"}:
            return _open(entry, found.cms)
        if kind == "compressed":
            return "inflated" if open_compressed(found.cms) else "empty"
    except MalformedCms:
        return "malformed"
    except UnsupportedCms:
        return "unsupported"
    except (TooLarge, NotForThisKey, CannotDecrypt) as fault:
        return type(fault).__name__
    return "other"


def _check_signed(entry: dict[str, Any], found: corpus.Sample) -> str:
    data = parse_signed(found.cms)
    if not data.signers:
        return "certificates" if data.certificates else "empty"
    contents = found.contents or (data.content or b"This is some sample content.",)
    outcomes = {
        _check_signer(info, contents, (*data.certificates, *corpus.all_certificates()))
        for info in data.signers
    }
    return next(word for word in ("unsupported", "bad", "good") if word in outcomes)


def _check_signer(
    info: SignerInfo, contents: tuple[bytes, ...], certificates: tuple[bytes, ...]
) -> str:
    if "algorithm-unsupported" in info.problems:
        return "unsupported"
    checks = [
        verify_signer(info, [content], certificate)
        for content in contents
        for certificate in certificates
        if info.names(certificate)
    ]
    good = any(one.digest_matches and one.signature_matches and not one.problem for one in checks)
    return "good" if good else "bad"


def _open(entry: dict[str, Any], cms: bytes) -> str:
    enveloped = parse_enveloped(cms)
    if enveloped.problem:
        return "unsupported"
    identity = corpus.identities(entry)
    if identity is None:
        return "parsed"
    key, certificate = identity
    limit = len(cms)
    content = open_enveloped(
        *(enveloped, load_private_key(key), certificate), limit_octets=limit, legacy="3des+rc2"
    )
    return "decrypted" if content else "empty"


@pytest.mark.parametrize("entry", corpus.entries(), ids=lambda entry: entry["file"])
def test_every_object_gives_its_expected_result(entry: dict[str, Any]) -> None:
    assert _outcome(entry) == _expected(entry)


def test_every_deviation_names_a_file() -> None:
    files = [entry["file"] for entry in corpus.entries()]
    unused = [
        pattern for pattern, _, _ in DEVIATIONS if not any(fnmatch(f, pattern) for f in files)
    ]
    assert unused == []
