"""The table of algorithms: every object identifier of the project stands here, one row each.

A row knows its identifier, the name we use for it and what the algorithm needs; what to do with it
stands elsewhere. `weak` means that it is read, named as weak, and never written. Nothing here is
policy. RFC 8551 §2, RFC 5754, RFC 3370, RFC 8933.
"""

from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives import hashes

from app.cms.der import NULL, OBJECT_IDENTIFIER, SEQUENCE, encode_identifier, tlv

DER_NULL: Final = tlv(NULL)


@dataclass(frozen=True, slots=True)
class Digest:
    """One message digest algorithm; `micalg` is its name in multipart/signed."""

    oid: str
    name: str
    micalg: str
    hash: hashes.HashAlgorithm
    octets: int
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature algorithm; `digest` is empty where the identifier does not fix it."""

    oid: str
    family: str
    digest: str = ""
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class Cipher:
    """One content-encryption algorithm; `iv_octets` is the nonce of an AEAD."""

    oid: str
    name: str
    mode: str
    key_octets: int
    iv_octets: int
    wrap: str = ""
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way to come to a key-encryption key; `digest` feeds the KDF `kdf`."""

    oid: str
    name: str
    kdf: str
    digest: str


@dataclass(frozen=True, slots=True)
class Wrap:
    """One key-wrap algorithm."""

    oid: str
    name: str
    key_octets: int
    weak: bool = False


def dotted(oid: str) -> bytes:
    """Return the encoded OBJECT IDENTIFIER."""
    return tlv(OBJECT_IDENTIFIER, encode_identifier(oid))


def identifier(oid: str, *parameters: bytes) -> bytes:
    """Return an AlgorithmIdentifier (RFC 5280 §4.1.1.2)."""
    return tlv(SEQUENCE, dotted(oid), *parameters)


DATA: Final = "1.2.840.113549.1.7.1"  # RFC 5652 §4
# RFC 5652 §4, §5.1, §6.1, §7, §8; RFC 3274 §1.1; RFC 5083 §2.1.
CONTENT_TYPES: Final = {
    encode_identifier(oid): name
    for oid, name in (
        (DATA, "data"),
        ("1.2.840.113549.1.7.2", "signed"),
        ("1.2.840.113549.1.7.3", "enveloped"),
        ("1.2.840.113549.1.7.5", "digested"),
        ("1.2.840.113549.1.7.6", "encrypted"),
        ("1.2.840.113549.1.9.16.1.2", "authenticated"),
        ("1.2.840.113549.1.9.16.1.9", "compressed"),
        ("1.2.840.113549.1.9.16.1.23", "auth-enveloped"),
    )
}
CONTENT_TYPE_DER: Final = {name: tlv(OBJECT_IDENTIFIER, oid) for oid, name in CONTENT_TYPES.items()}

# RFC 5652 §11; RFC 8551 §2.5; RFC 5035 §3, §4; RFC 2634 §5.4.
ATTRIBUTES: Final = {
    encode_identifier(oid): name
    for oid, name in (
        ("1.2.840.113549.1.9.3", "content-type"),
        ("1.2.840.113549.1.9.4", "message-digest"),
        ("1.2.840.113549.1.9.5", "signing-time"),
        ("1.2.840.113549.1.9.15", "capabilities"),
        ("1.2.840.113549.1.9.16.2.11", "encryption-preference"),
        # QUIRK: Outlook has its own attribute for the same, and reads no other.
        ("1.3.6.1.4.1.311.16.4", "microsoft-preference"),
        ("1.2.840.113549.1.9.16.2.12", "signing-certificate"),
        ("1.2.840.113549.1.9.16.2.47", "signing-certificate-v2"),
    )
}
ATTRIBUTE_DER: Final = {name: tlv(OBJECT_IDENTIFIER, oid) for oid, name in ATTRIBUTES.items()}

DIGESTS: Final = {
    row.name: row
    for row in (
        Digest("2.16.840.1.101.3.4.2.1", "sha256", "sha-256", hashes.SHA256(), 32),  # RFC 5754 §2.2
        Digest("2.16.840.1.101.3.4.2.2", "sha384", "sha-384", hashes.SHA384(), 48),  # RFC 5754 §2.3
        Digest("2.16.840.1.101.3.4.2.3", "sha512", "sha-512", hashes.SHA512(), 64),  # RFC 5754 §2.4
        Digest("2.16.840.1.101.3.4.2.4", "sha224", "sha-224", hashes.SHA224(), 28),  # RFC 5754 §2.1
        Digest("1.3.14.3.2.26", "sha1", "sha-1", hashes.SHA1(), 20, weak=True),  # noqa: S303 - read only, RFC 3370 §2.1
        Digest("1.2.840.113549.2.5", "md5", "md5", hashes.MD5(), 16, weak=True),  # noqa: S303 - read only, RFC 3370 §2.2
    )
}

SIGNATURES: Final = (
    Signature("1.2.840.113549.1.1.1", "rsa", parameters=DER_NULL),  # RFC 3370 §3.2, RFC 5754 §3.2
    Signature("1.2.840.113549.1.1.11", "rsa", "sha256", DER_NULL),  # RFC 5754 §3.2
    Signature("1.2.840.113549.1.1.12", "rsa", "sha384", DER_NULL),
    Signature("1.2.840.113549.1.1.13", "rsa", "sha512", DER_NULL),
    Signature("1.2.840.113549.1.1.14", "rsa", "sha224", DER_NULL),
    Signature("1.2.840.113549.1.1.5", "rsa", "sha1", DER_NULL),  # RFC 3370 §3.2
    Signature("1.3.14.3.2.29", "rsa", "sha1", DER_NULL),  # QUIRK: the OIW name of the same
    Signature("1.2.840.113549.1.1.4", "rsa", "md5", DER_NULL),
    Signature("1.2.840.113549.1.1.10", "rsa-pss"),  # RFC 4056 §3; parameters name the digest
    Signature("1.2.840.10045.4.3.2", "ecdsa", "sha256"),  # RFC 5754 §3.3
    Signature("1.2.840.10045.4.3.3", "ecdsa", "sha384"),
    Signature("1.2.840.10045.4.3.4", "ecdsa", "sha512"),
    Signature("1.2.840.10045.4.3.1", "ecdsa", "sha224"),
    Signature("1.2.840.10045.4.1", "ecdsa", "sha1"),  # RFC 5753 §2.1.1
    Signature("1.2.840.10045.2.1", "ecdsa"),  # QUIRK: some tools write the key's identifier here
    Signature("1.3.101.112", "ed25519"),  # RFC 8419 §3
    Signature("2.16.840.1.101.3.4.3.17", "ml-dsa-44"),  # RFC 9882 §3
    Signature("2.16.840.1.101.3.4.3.18", "ml-dsa-65"),
    Signature("2.16.840.1.101.3.4.3.19", "ml-dsa-87"),
    Signature("1.2.840.10040.4.3", "dsa", "sha1"),  # RFC 3370 §3.1, read only
    Signature("1.2.840.10040.4.1", "dsa"),
    Signature("2.16.840.1.101.3.4.3.2", "dsa", "sha256"),  # RFC 5754 §3.1, read only
)

CIPHERS: Final = {
    row.name: row
    for row in (
        # RFC 8551 §2.7, RFC 5084 §3.2
        Cipher("2.16.840.1.101.3.4.1.46", "aes256-gcm", "gcm", 32, 12, "aes256-wrap"),
        Cipher("2.16.840.1.101.3.4.1.26", "aes192-gcm", "gcm", 24, 12, "aes192-wrap"),
        Cipher("2.16.840.1.101.3.4.1.6", "aes128-gcm", "gcm", 16, 12, "aes128-wrap"),
        # RFC 8103 §3
        Cipher("1.2.840.113549.1.9.16.3.18", "chacha20-poly1305", "chacha", 32, 12, "aes256-wrap"),
        # RFC 3565 §4.1
        Cipher("2.16.840.1.101.3.4.1.42", "aes256-cbc", "cbc", 32, 16, "aes256-wrap"),
        Cipher("2.16.840.1.101.3.4.1.22", "aes192-cbc", "cbc", 24, 16, "aes192-wrap"),
        Cipher("2.16.840.1.101.3.4.1.2", "aes128-cbc", "cbc", 16, 16, "aes128-wrap"),
        # RFC 3370 §5.1, §5.2, read only
        Cipher("1.2.840.113549.3.7", "3des", "cbc", 24, 8, weak=True),
        Cipher("1.2.840.113549.3.2", "rc2", "cbc", 16, 8, weak=True),
    )
}
# RFC 9709 §2: the content-encryption key goes through HKDF; the parameter is the real algorithm.
CEK_HKDF_SHA256: Final = encode_identifier("1.2.840.113549.1.9.16.3.31")

RSA_ENCRYPTION: Final = "1.2.840.113549.1.1.1"  # RFC 3370 §4.2.1
RSAES_OAEP: Final = "1.2.840.113549.1.1.7"  # RFC 3560 §2
RSASSA_PSS: Final = "1.2.840.113549.1.1.10"  # RFC 4055 §3.1
MGF1: Final = "1.2.840.113549.1.1.8"  # RFC 4055 §2.2
P_SPECIFIED: Final = "1.2.840.113549.1.1.9"  # RFC 4055 §4.1
ORI_KEM: Final = "1.2.840.113549.1.9.16.13.3"  # RFC 9629 §3
ZLIB: Final = "1.2.840.113549.1.9.16.3.8"  # RFC 3274 §2

AGREEMENTS: Final = {
    encode_identifier(row.oid): row
    for row in (
        # RFC 5753 §7.1.4: standard Diffie-Hellman, then the same with the cofactor, which is 1 on
        # every curve we know.
        Scheme("1.3.132.1.11.1", "ecdh-sha256", "x963", "sha256"),
        Scheme("1.3.132.1.11.2", "ecdh-sha384", "x963", "sha384"),
        Scheme("1.3.132.1.11.3", "ecdh-sha512", "x963", "sha512"),
        Scheme("1.3.132.1.11.0", "ecdh-sha224", "x963", "sha224"),
        Scheme("1.3.133.16.840.63.0.2", "ecdh-sha1", "x963", "sha1"),
        Scheme("1.3.132.1.14.1", "ecdh-cofactor-sha256", "x963", "sha256"),
        Scheme("1.3.132.1.14.2", "ecdh-cofactor-sha384", "x963", "sha384"),
        Scheme("1.3.132.1.14.3", "ecdh-cofactor-sha512", "x963", "sha512"),
        Scheme("1.3.132.1.14.0", "ecdh-cofactor-sha224", "x963", "sha224"),
        Scheme("1.3.133.16.840.63.0.3", "ecdh-cofactor-sha1", "x963", "sha1"),
        # RFC 8418 §2.2
        Scheme("1.2.840.113549.1.9.16.3.19", "ecdh-hkdf-sha256", "hkdf", "sha256"),
        Scheme("1.2.840.113549.1.9.16.3.20", "ecdh-hkdf-sha384", "hkdf", "sha384"),
        Scheme("1.2.840.113549.1.9.16.3.21", "ecdh-hkdf-sha512", "hkdf", "sha512"),
    )
}
KDFS: Final = {
    encode_identifier(row.oid): row
    for row in (
        # RFC 8619 §3
        Scheme("1.2.840.113549.1.9.16.3.28", "hkdf-sha256", "hkdf", "sha256"),
        Scheme("1.2.840.113549.1.9.16.3.29", "hkdf-sha384", "hkdf", "sha384"),
        Scheme("1.2.840.113549.1.9.16.3.30", "hkdf-sha512", "hkdf", "sha512"),
    )
}
KEMS: Final = {
    encode_identifier(oid): name
    for oid, name in (
        # RFC 9936 §2; ML-KEM-512 is not carried by the primitives.
        ("2.16.840.1.101.3.4.4.2", "ml-kem-768"),
        ("2.16.840.1.101.3.4.4.3", "ml-kem-1024"),
    )
}
WRAPS: Final = {
    row.name: row
    for row in (
        # RFC 3565 §2.3.2, RFC 8551 §2.3
        Wrap("2.16.840.1.101.3.4.1.45", "aes256-wrap", 32),
        Wrap("2.16.840.1.101.3.4.1.25", "aes192-wrap", 24),
        Wrap("2.16.840.1.101.3.4.1.5", "aes128-wrap", 16),
        Wrap("1.2.840.113549.1.9.16.3.6", "3des-wrap", 24, weak=True),  # RFC 3370 §4.3.1, read only
    )
}

DIGEST_BY_OID: Final = {encode_identifier(row.oid): row for row in DIGESTS.values()}
SIGNATURE_BY_OID: Final = {encode_identifier(row.oid): row for row in SIGNATURES}
CIPHER_BY_OID: Final = {encode_identifier(row.oid): row for row in CIPHERS.values()}
WRAP_BY_OID: Final = {encode_identifier(row.oid): row for row in WRAPS.values()}
AGREEMENT_BY_NAME: Final = {row.name: row for row in AGREEMENTS.values()}
KDF_BY_NAME: Final = {row.name: row for row in KDFS.values()}
KEM_BY_NAME: Final = {name: oid for oid, name in KEMS.items()}
# What a partner's sMIMECapabilities may name besides ciphers (RFC 8551 §2.5.2).
CAPABILITIES: Final = {
    **{oid: row.name for oid, row in CIPHER_BY_OID.items()},
    **{oid: row.name for oid, row in WRAP_BY_OID.items()},
    **{oid: row.name for oid, row in AGREEMENTS.items()},
    **{oid: row.name for oid, row in DIGEST_BY_OID.items()},
    **KEMS,
    encode_identifier(RSAES_OAEP): "rsaes-oaep",
    encode_identifier(RSASSA_PSS): "rsa-pss",
    **{
        oid: f"{row.family}-{row.digest}" if row.digest else row.family
        for oid, row in SIGNATURE_BY_OID.items()
        if row.family != "rsa-pss"
    },
}
