"""The public test material as an outsider would hand it to the command line.

Messages are tried as they are; bare CMS objects are put into the smallest message that can carry
them. An entry says what its source documents, and `documented` turns that into statuses of ours.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.cms import corpus

SIGNED = frozenset({"signed-clear", "signed-opaque"})
MAIL = SIGNED | {"enveloped", "authenveloped", "compressed", "certs-only"}
OTHER_CMS = frozenset({"cms-data", "cms-digested", "cms-encrypted"})
LABELS = {
    "signed-opaque": "signed-data",
    "enveloped": "enveloped-data",
    "authenveloped": "authEnveloped-data",
    "compressed": "compressed-data",
    "certs-only": "certs-only",
}
# The mathematics and the path are good; the first says that From is the signer, too.
VALID, VALID_OTHER = "valid", "valid-other"
TRUSTED = frozenset({VALID, VALID_OTHER, "valid-domain"})
STATUSES = TRUSTED | {"none", "untrusted", "revoked", "invalid", "partial", "unsupported"}

# What RFC 4134 §3 signs with its detached signature of §4.3.
_DETACHED = {"rfc4134/4.3.bin": b"This is some sample content."}
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_OUTER = b"From: somebody@outside.example\r\nSubject: material\r\nMIME-Version: 1.0\r\n"


@dataclass(frozen=True)
class Entry:
    """One entry of the index."""

    said: dict[str, Any]

    def __str__(self) -> str:
        return str(self.said["file"])

    @property
    def kind(self) -> str:
        return str(self.said["kind"])

    @property
    def expected(self) -> str | None:
        word = self.said["expected"]
        return None if word is None else str(word)

    @property
    def path(self) -> Path:
        return corpus.folder() / str(self)

    @property
    def octets(self) -> bytes:
        return self.path.read_bytes()

    @property
    def anchor(self) -> Path | None:
        name = self.said.get("trust_anchor")
        return corpus.folder() / name if name else None

    @property
    def key(self) -> bytes:
        """The private key and its certificate in one PEM file, empty where there are not both."""
        names = [self.said.get(word) for word in ("key", "cert")]
        if not all(names):
            return b""
        return b"\n".join((corpus.folder() / str(name)).read_bytes() for name in names)

    @property
    def at(self) -> str:
        """The moment to judge at as ``--at`` takes it, empty for now."""
        moment = self.said.get("verification_time")
        if moment in {None, "now"}:
            return ""
        return datetime.fromisoformat(str(moment)).astimezone(UTC).isoformat()

    def message(self) -> bytes:
        """Return the entry as a message; a bare object in the frame that it belongs in."""
        octets = self.octets
        if self.kind not in MAIL | OTHER_CMS | {"spoof"}:
            return octets
        cms = _bare(octets)
        if cms is None:
            return octets
        if str(self) in _DETACHED:
            return _clear(_DETACHED[str(self)], cms)
        label = LABELS.get(self.kind, "")
        parameter = f"; smime-type={label}" if label else ""
        field = f"Content-Type: application/pkcs7-mime{parameter}; name=smime.p7m\r\n"
        return _OUTER + field.encode() + _encoded(cms)

    def documented(self) -> frozenset[str]:
        """Return the statuses of ours that agree with the source about the signature."""
        word = self.said.get("inner_expected") or self.expected
        layers = [self.kind, *(self.said.get("layers") or ())]
        if self.kind == "torture":
            return frozenset({"none", "partial"})
        if not any(layer.startswith("signed") for layer in layers):
            # Nothing is signed. What is no message of S/MIME at all may also be called damaged.
            return frozenset({"none"}) if self.kind in MAIL else STATUSES - TRUSTED
        if word != VALID:
            return STATUSES - TRUSTED
        if not self.said.get("verification_time"):
            # No trusted path in the material: the signature is correct, the certificate is not.
            return frozenset({"untrusted"})
        matches = self.said.get("from_matches_signer")
        if matches is None:
            return TRUSTED
        return frozenset({VALID if matches else VALID_OTHER})


def _bare(octets: bytes) -> bytes | None:
    """Return the CMS object that a file is, None for a message."""
    if pem := _PEM.search(octets):
        return _decoded(pem[2])
    if octets[:1] == b"\x30":
        return octets
    if re.match(rb"\s*[\w-]+[ \t]*:|From ", octets):
        return None
    return _decoded(octets)


def _decoded(text: bytes) -> bytes | None:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error:
        return None


def _encoded(cms: bytes) -> bytes:
    lines = base64.encodebytes(cms).replace(b"\n", b"\r\n")
    return b"Content-Transfer-Encoding: base64\r\n\r\n" + lines


def _clear(content: bytes, cms: bytes) -> bytes:
    field = (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";'
        b" micalg=sha-1; boundary=frame\r\n\r\n"
    )
    signature = b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n" + _encoded(cms)
    parts = b"--frame\r\n" + content + b"\r\n--frame\r\n" + signature + b"--frame--\r\n"
    return _OUTER + field + parts


def entries(name: str, *kinds: str) -> Iterator[Entry]:
    """Give the entries of a set, or those of some kinds."""
    for said in corpus.index():
        if said["set"] == name and (not kinds or said["kind"] in kinds):
            yield Entry(said)


def sets(*kinds: str) -> list[str]:
    """Return the names of the sets that have an entry of one of these kinds."""
    found = [said["set"] for said in corpus.index() if said["kind"] in kinds]
    return sorted(dict.fromkeys(found))
