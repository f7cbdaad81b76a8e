"""Writes lists in the form of Mozilla's ``certdata.txt``, as small as the tests need them."""

import hashlib
from datetime import datetime

from app.pki.certificate import Certificate

HEAD = b"# A list.\nBEGINDATA\nCKA_CLASS CK_OBJECT_CLASS CKO_NSS_BUILTIN_ROOT_LIST\n"
TRUSTED = b"CKT_NSS_TRUSTED_DELEGATOR"


def octal(name: str, octets: bytes) -> bytes:
    """Return an attribute of octets, sixteen a line."""
    lines = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    written = [b"".join(b"\\%03o" % each for each in line) for line in lines]
    return b"\n".join((b"%b MULTILINE_OCTAL" % name.encode(), *written, b"END", b""))


def _who(der: bytes) -> bytes:
    read = Certificate.from_der(der)
    octets = read.serial.to_bytes(read.serial.bit_length() // 8 + 1)
    serial = bytes((2, len(octets))) + octets
    return octal("CKA_ISSUER", read.issuer_der) + octal("CKA_SERIAL_NUMBER", serial)


def certificate(der: bytes, *, distrust_after: datetime | None = None) -> bytes:
    """Return the object of a certificate; ``distrust_after`` ends belief in those issued later."""
    name = "CKA_NSS_EMAIL_DISTRUST_AFTER"
    end = b"%b CK_BBOOL CK_FALSE\n" % name.encode()
    if distrust_after is not None:
        end = octal(name, f"{distrust_after:%y%m%d%H%M%SZ}".encode())
    return b"".join((
        b'CKA_CLASS CK_OBJECT_CLASS CKO_CERTIFICATE\nCKA_LABEL UTF8 "A root"\n',
        _who(der), octal("CKA_VALUE", der), end,
    ))  # fmt: skip


def trust(der: bytes, mail: bytes = TRUSTED, *, of: bytes = b"") -> bytes:
    """Return the object that says what a certificate is trusted for; ``of`` changes its hash."""
    return b"".join((
        b"\n# Trust\nCKA_CLASS CK_OBJECT_CLASS CKO_NSS_TRUST\n",
        octal("CKA_CERT_SHA1_HASH", hashlib.sha1(of or der, usedforsecurity=False).digest()),
        _who(der),
        b"CKA_TRUST_SERVER_AUTH CK_TRUST CKT_NSS_TRUSTED_DELEGATOR\n",
        b"CKA_TRUST_EMAIL_PROTECTION CK_TRUST %b\n" % mail,
    ))  # fmt: skip
