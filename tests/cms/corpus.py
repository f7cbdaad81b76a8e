"""The public test material at CMS level: which object a file holds and what it was made over.

Files are bare CMS, PEM, base64 or mail. The little MIME that is needed to get at the object is
done here with plain cuts, so that these tests say something about CMS alone.
"""

import base64
import binascii
import json
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

_CMS_KINDS = {
    "signed-clear",
    "signed-opaque",
    "enveloped",
    "authenveloped",
    "compressed",
    "certs-only",
    "cms-data",
    "cms-digested",
    "cms-encrypted",
}
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)


def folder() -> Path:
    """Return where the material lies; the tests that need it are skipped where it is not."""
    named = os.environ.get("SEALMON_CORPORA")
    path = Path(named) if named else Path(__file__).parents[2].parent / "shared" / "corpora"
    if not (path / "index.json").exists():
        if os.environ.get("CI"):
            pytest.fail("the test material is absent: set SEALMON_CORPORA")
        pytest.skip("the test material is absent", allow_module_level=True)
    return path


@cache
def index() -> tuple[dict[str, Any], ...]:
    """Return every entry of the index."""
    return tuple(json.loads((folder() / "index.json").read_text()))


def entries() -> list[dict[str, Any]]:
    """Return the entries that hold a CMS object."""
    return [entry for entry in index() if entry["kind"] in _CMS_KINDS]


@dataclass(frozen=True)
class Sample:
    """One object, and the octets its signature may be over, the likeliest first."""

    cms: bytes
    contents: tuple[bytes, ...] = ()


def sample(path: Path) -> Sample:
    """Return the object in a file."""
    octets = path.read_bytes()
    if pem := _PEM.search(octets):
        return Sample(_base64(pem[2]))
    if octets[:1] == b"\x30":
        return Sample(octets)
    if not re.match(rb"[\w-]+:|From ", octets):
        return Sample(_base64(octets))
    return _from_mail(octets)


def _base64(octets: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(octets.split()))
    except binascii.Error:
        return b""


def _split(entity: bytes) -> tuple[bytes, bytes]:
    head, _, body = re.sub(rb"\A\r?\n", b"\n\n", entity).replace(b"\r\n", b"\n").partition(b"\n\n")
    return head, body


def _from_mail(octets: bytes) -> Sample:
    head, body = _split(octets)
    unfolded = re.sub(rb"\n[ \t]+", b" ", head)
    boundary = re.search(rb'boundary="?([^";\n]+)', unfolded, re.IGNORECASE)
    if boundary is None or b"multipart/signed" not in unfolded.lower():
        if boundary is None:
            return Sample(_base64(body))
        parts = _parts(octets, boundary[1])
        return next((found for part in parts if (found := _from_mail(part)).cms), Sample(b""))
    raw, signature = _parts(octets, boundary[1])[:2]
    plain = raw.replace(b"\r\n", b"\n")
    forms = (raw, plain.replace(b"\n", b"\r\n"), plain)
    # QUIRK: AS2 sends the signature part as it is, not as base64.
    binary = signature.partition(b"\r\n\r\n")[2]
    cms = binary if binary[:1] == b"\x30" else _base64(_split(signature)[1])
    return Sample(cms, tuple(dict.fromkeys(forms)))


def _parts(octets: bytes, boundary: bytes) -> list[bytes]:
    """Return the parts of a multipart as they stand; a boundary owns the line end before it."""
    lines = re.split(rb"\r?\n?--" + re.escape(boundary.strip()) + rb"(?:--)?[ \t]*\r?\n", octets)
    return lines[1:]


def identities(entry: dict[str, Any]) -> tuple[bytes, bytes] | None:
    """Return the private key as PKCS#8 and the certificate that open an entry, both DER."""
    if not entry.get("key") or not entry.get("cert"):
        return None
    key = serialization.load_pem_private_key((folder() / entry["key"]).read_bytes(), None)
    pkcs8 = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pkcs8, certificates(folder() / entry["cert"])[0]


def certificates(path: Path) -> list[bytes]:
    """Return the certificates of a PEM or DER file."""
    octets = path.read_bytes()
    found = [_base64(pem[2]) for pem in _PEM.finditer(octets) if b"CERTIFICATE" in pem[1]]
    return found or ([octets] if octets[:1] == b"\x30" else [])


@cache
def all_certificates() -> tuple[bytes, ...]:
    """Return every certificate of the material, for objects that carry none."""
    files = (folder() / entry["file"] for entry in index() if entry["kind"] == "cert")
    return tuple(found for path in files for found in certificates(path))
