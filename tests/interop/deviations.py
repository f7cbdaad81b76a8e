"""Where the gateway means to answer otherwise than the source of the material, and why.

A row is a file (or a pattern of files), the status or the result of decryption that is given, and
the reason. `test_corpora_try` sees to it that every row is met.
"""

SHA1 = "SHA-1, MD5, DSA and RSA below 2048 bit are named and never believed (T56)"
CA_SIGNS = "a certificate of an authority does not sign mail (T53)"
SELF_SIGNED = "a certificate that vouches for itself is believed only for an address (T45)"
ECONTENT = "a clear signature with an eContent is no signature, even if both are equal (T41)"
ATTRIBUTES = "signed attributes are required (T42)"
ONE_SIGNER = "a message has one signer (T43)"
COMPOSITE = "a composite of two schemes is not among those of RFC 8551 and RFC 9882"
RC2 = "RC2 is opened only where the policy says so: legacy_decrypt = 3des+rc2 (T99)"
SAYS_SO = "its smime-type says that it is signed, and nothing in it is (T65)"
CUT_SHORT = "the file is malformed, as its name says; the index took it for good"

# Signature status.
SIGNATURES: dict[str, tuple[str, str]] = {
    "asn1crypto-cms/*-signed.*": ("untrusted", CA_SIGNS),
    "bc-mail/*/validator.longValidity.eml": ("untrusted", SHA1),
    "gnutls-pkcs7/rfc4134-4.5.p7b": ("unsupported", ATTRIBUTES),
    "james-smime/eml/mail_with_no_signature.eml": ("invalid", SAYS_SO),
    "lamps-pqc/*/id-MLDSA65-ECDSA-P256-SHA512-signed-attrs.pem": ("unsupported", COMPOSITE),
    "m2crypto-smime/demo/smime.howto/sign.p7": ("invalid", ECONTENT),
    "m2crypto-smime/demo/smime/clear.p7": ("invalid", ECONTENT),
    "mimekit-smime/thunderbird-signed.txt": ("untrusted", SHA1),
    "openssl-cms/*/malformed.pkcs7": ("invalid", CUT_SHORT),
    "pkits/smime/SignedValidDSASignaturesTest4.eml": ("untrusted", SHA1),
    "pkits/smime/SignedValidonlyContainsCACertsCRLTest13.eml": ("untrusted", CA_SIGNS),
    "pkits/smime/SignedValidpathLenConstraintTest8.eml": ("untrusted", CA_SIGNS),
    "rfc4134/4.1.bin": ("unsupported", ATTRIBUTES),
    "rfc4134/4.10.bin": ("untrusted", SHA1),
    "rfc4134/4.2.bin": ("unsupported", ATTRIBUTES),
    "rfc4134/4.3.bin": ("unsupported", ATTRIBUTES),
    "rfc4134/4.4.bin": ("untrusted", SHA1),
    "rfc4134/4.5.bin": ("unsupported", ATTRIBUTES),
    "rfc4134/4.6.bin": ("unsupported", ONE_SIGNER),
    "rfc4134/4.7.bin": ("unsupported", ATTRIBUTES),
    "rfc4134/4.8.eml": ("unsupported", ATTRIBUTES),
    "rfc4134/4.9.eml": ("unsupported", ATTRIBUTES),
    "rustcrypto-cms/sd.cms": ("untrusted", SELF_SIGNED),
    "tb-smime/*/alice.*SHA1*.env.eml": ("untrusted", SHA1),
    "tb-smime/*/alice.html.sig.SHA1.opaque.eml": ("untrusted", SHA1),
}
# Result of decryption.
DECRYPTIONS: dict[str, tuple[str, str]] = {
    "rfc4134/5.2.bin": ("unsupported", RC2),
}
