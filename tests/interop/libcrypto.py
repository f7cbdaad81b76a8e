"""A newer OpenSSL than Debian's: the libcrypto that the PostgreSQL driver's wheel brings along.

Debian's `openssl cms` knows neither Ed25519 nor anything post-quantum. The library beside psycopg
does, and is called here by ctypes: CMS signatures as a whole, of ML-KEM the primitive.
"""

import ctypes
import importlib.util
from functools import cache
from pathlib import Path

_BINARY = 0x80
_PARTIAL = 0x4000
DETACHED = 0x40
_NO_VERIFY_OF_THE_SIGNER = 0x20
_WHAT_BIO_HOLDS = 3

_POINTERS = (
    "BIO_new",
    "BIO_new_mem_buf",
    "BIO_s_mem",
    "CMS_add1_signer",
    "CMS_sign",
    "EVP_PKEY_CTX_new",
    "EVP_get_digestbyname",
    "OPENSSL_sk_new_null",
    "X509_get0_pubkey",
    "d2i_CMS_bio",
    "d2i_PrivateKey_bio",
    "d2i_X509_bio",
)


def find() -> Path | None:
    """Return the library, None if it is not there or too old."""
    spec = importlib.util.find_spec("psycopg_binary")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent.parent / "psycopg_binary.libs"
    found = next(iter(sorted(folder.glob("libcrypto*"))), None)
    return found if found and b"OpenSSL 3.0" not in found.read_bytes() else None


@cache
def load() -> ctypes.CDLL:
    """Return the library; every function that gives a pointer says so."""
    library = ctypes.CDLL(str(find()))
    for name in _POINTERS:
        getattr(library, name).restype = ctypes.c_void_p
    return library


def _bio(octets: bytes | None = None) -> ctypes.c_void_p:
    library = load()
    if octets is None:
        return ctypes.c_void_p(library.BIO_new(ctypes.c_void_p(library.BIO_s_mem())))
    return ctypes.c_void_p(library.BIO_new_mem_buf(octets, len(octets)))


def _held(bio: ctypes.c_void_p) -> bytes:
    start = ctypes.c_void_p()
    size = load().BIO_ctrl(bio, _WHAT_BIO_HOLDS, 0, ctypes.byref(start))
    return ctypes.string_at(start, size)


def _read(function: str, octets: bytes) -> ctypes.c_void_p:
    found = getattr(load(), function)(_bio(octets), None)
    assert found, function
    return ctypes.c_void_p(found)


def _certificate(octets: bytes) -> ctypes.c_void_p:
    return _read("d2i_X509_bio", octets)


def sign(certificate: bytes, pkcs8: bytes, content: bytes, digest: str, *, form: int) -> bytes:
    """Return a SignedData by OpenSSL; `form` is DETACHED or 0."""
    library = load()
    flags = _BINARY | _PARTIAL | form
    cms = ctypes.c_void_p(library.CMS_sign(None, None, None, None, flags))
    method = ctypes.c_void_p(library.EVP_get_digestbyname(digest.encode()))
    key = _read("d2i_PrivateKey_bio", pkcs8)
    assert library.CMS_add1_signer(cms, _certificate(certificate), key, method, flags)
    assert library.CMS_final(cms, _bio(content), None, flags) == 1
    out = _bio()
    assert library.i2d_CMS_bio(out, cms) == 1
    return _held(out)


def verify(cms: bytes, certificate: bytes, content: bytes | None) -> bytes | None:
    """Return what was signed, None where OpenSSL says that the signature does not hold."""
    library = load()
    signers = ctypes.c_void_p(library.OPENSSL_sk_new_null())
    library.OPENSSL_sk_push(signers, _certificate(certificate))
    out = _bio()
    detached = None if content is None else _bio(content)
    flags = _BINARY | _NO_VERIFY_OF_THE_SIGNER
    done = library.CMS_verify(_read("d2i_CMS_bio", cms), signers, None, detached, out, flags)
    return _held(out) if done == 1 else None


def encapsulate(certificate: bytes) -> tuple[bytes, bytes]:
    """Return a shared secret and its ciphertext for the key of a certificate (ML-KEM)."""
    library = load()
    key = ctypes.c_void_p(library.X509_get0_pubkey(_certificate(certificate)))
    context = ctypes.c_void_p(library.EVP_PKEY_CTX_new(key, None))
    assert library.EVP_PKEY_encapsulate_init(context, None) == 1
    ciphertext, secret = ctypes.create_string_buffer(2000), ctypes.create_string_buffer(100)
    sizes = ctypes.c_size_t(2000), ctypes.c_size_t(100)
    by = ctypes.byref
    done = library.EVP_PKEY_encapsulate(context, ciphertext, by(sizes[0]), secret, by(sizes[1]))
    assert done == 1
    return secret.raw[: sizes[1].value], ciphertext.raw[: sizes[0].value]


def decapsulate(pkcs8: bytes, ciphertext: bytes) -> bytes:
    """Return the shared secret of a ciphertext (ML-KEM)."""
    library = load()
    key = _read("d2i_PrivateKey_bio", pkcs8)
    context = ctypes.c_void_p(library.EVP_PKEY_CTX_new(key, None))
    assert library.EVP_PKEY_decapsulate_init(context, None) == 1
    secret, size = ctypes.create_string_buffer(100), ctypes.c_size_t(100)
    done = library.EVP_PKEY_decapsulate(
        context, secret, ctypes.byref(size), ciphertext, ctypes.c_size_t(len(ciphertext))
    )
    assert done == 1
    return secret.raw[: size.value]
