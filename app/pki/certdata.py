"""Mozilla's list of certificate authorities, ``certdata.txt``, and whom it trusts for e-mail.

The list is text, one attribute of PKCS#11 a line: objects with certificates, and objects that say
what each is trusted for. One bundle of PEM has lost that difference, so most are good for TLS only.
Whatever the list does not clearly trust for e-mail is not trusted. What a date means for a
certificate is for `app.pki.rules`. OASIS PKCS#11 §4.6, and what Mozilla added to it.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from app.pki import pem
from app.pki.errors import MalformedCertificate

_BEGIN: Final = re.compile(rb"^BEGINDATA[ \t]*\r?$", re.MULTILINE)
_ATTRIBUTE: Final = re.compile(rb"(CKA_[A-Z0-9_]{1,60}) ([A-Za-z0-9_]{1,40})(?: (.{0,2000}))?")
_OCTAL: Final = re.compile(rb"(?:\\[0-3][0-7][0-7]){1,1000}")
_VALUE_OCTETS: Final = 64 * 1024
_OBJECTS: Final = 10_000

_CERTIFICATE: Final = b"CKO_CERTIFICATE"
_TRUST: Final = b"CKO_NSS_TRUST"
_ANCHOR: Final = b"CKT_NSS_TRUSTED_DELEGATOR"

_Object = Mapping[bytes, bytes]


class Listed(NamedTuple):
    """A certificate of the list."""

    der: bytes
    is_for_mail: bool
    distrust_after: datetime | None
    """What the authority issues for e-mail after this moment is not trusted."""


def is_certdata(octets: bytes) -> bool:
    """Return whether a file looks like the list, which is text and never a certificate."""
    return not pem.is_der(octets) and _BEGIN.search(octets) is not None


def read_certdata(octets: bytes) -> tuple[Listed, ...]:
    """Return all certificates of the list, none of them looked into.

    Raises MalformedCertificate with one line for what is no such list or is cut off.
    """
    found = list(_objects(octets))
    trust: dict[tuple[bytes, bytes], list[_Object]] = {}
    for each in found:
        if each.get(b"CKA_CLASS") == _TRUST:
            trust.setdefault(_key(each), []).append(each)
    return tuple(
        _listed(each, trust.get(_key(each), []))
        for each in found
        if each.get(b"CKA_CLASS") == _CERTIFICATE
    )


def _key(found: _Object) -> tuple[bytes, bytes]:
    return found.get(b"CKA_ISSUER", b""), found.get(b"CKA_SERIAL_NUMBER", b"")


def _listed(found: _Object, trust: list[_Object]) -> Listed:
    der = found.get(b"CKA_VALUE", b"")
    # Several objects about one certificate have to agree: distrust wins.
    is_for_mail = bool(trust) and all(_is_anchor(each, der) for each in trust)
    return Listed(der, is_for_mail, _distrust_after(found))


def _is_anchor(trust: _Object, der: bytes) -> bool:
    """Return whether an object trusts this certificate for e-mail, and means no other one."""
    # SHA-1 is the list's own, and joins two objects of one file that nobody else has written.
    digest = hashlib.sha1(der, usedforsecurity=False).digest()
    is_meant = trust.get(b"CKA_CERT_SHA1_HASH", digest) == digest
    return is_meant and trust.get(b"CKA_TRUST_EMAIL_PROTECTION") == _ANCHOR


def _distrust_after(found: _Object) -> datetime | None:
    text = found.get(b"CKA_NSS_EMAIL_DISTRUST_AFTER", b"CK_FALSE")
    if text == b"CK_FALSE":
        return None
    try:
        return datetime.strptime(text.decode("ascii"), "%y%m%d%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise MalformedCertificate("certdata.txt: a date that is none (distrust after)") from None


def _objects(octets: bytes) -> Iterator[_Object]:
    """Yield the objects, each with its attributes; one begins with its class."""
    begin = _BEGIN.search(octets)
    if begin is None:
        raise MalformedCertificate("this is no certdata.txt: it has no line BEGINDATA")
    found: dict[bytes, bytes] = {}
    count = 0
    for name, value in _attributes(iter(octets[begin.end() :].splitlines())):
        if name == b"CKA_CLASS":
            yield found
            found = {}
            count += 1
        if name in found:
            raise MalformedCertificate(f"certdata.txt: {name.decode()} twice in one object")
        if count > _OBJECTS:
            raise MalformedCertificate(f"certdata.txt: more than {_OBJECTS} objects")
        found[name] = value
    yield found


def _attributes(lines: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for line in lines:
        text = line.strip()
        if not text or text.startswith(b"#"):
            continue
        match = _ATTRIBUTE.fullmatch(text)
        if match is None:
            raise MalformedCertificate(f"certdata.txt: no attribute: {text[:40]!r}")
        name, kind, value = match.groups(default=b"")
        yield name, _octal(lines) if kind == b"MULTILINE_OCTAL" else value


def _octal(lines: Iterator[bytes]) -> bytes:
    r"""Return the octets of lines such as ``\060\202``, up to the line END."""
    found = bytearray()
    for line in lines:
        text = line.strip()
        if text == b"END":
            return bytes(found)
        if not _OCTAL.fullmatch(text) or len(found) > _VALUE_OCTETS:
            raise MalformedCertificate(f"certdata.txt: no octets: {text[:40]!r}")
        found += bytes(int(each, 8) for each in text[1:].split(b"\\"))
    raise MalformedCertificate("certdata.txt: the file is cut off")
