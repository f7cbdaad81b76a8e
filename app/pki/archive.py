"""ZIP files from outside: members one by one, within limits that a bomb meets first (T128)."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from app.pki.errors import MalformedKeyFile

ARCHIVE_OCTETS: Final = 64 * 1024 * 1024
MEMBERS: Final = 10_000
TOTAL_OCTETS: Final = 256 * 1024 * 1024

_ENCRYPTED: Final = 0x1
_MAGIC: Final = (b"PK\x03\x04", b"PK\x05\x06")


def is_zip(octets: bytes) -> bool:
    """Return whether the octets begin like a ZIP file."""
    return octets[:4] in _MAGIC


def members(octets: bytes, member_octets: int) -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of every file; none is unpacked beyond member_octets."""
    if len(octets) > ARCHIVE_OCTETS:
        raise MalformedKeyFile(f"the ZIP file is larger than {ARCHIVE_OCTETS} octets")
    left = TOTAL_OCTETS
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            infos = archive.infolist()
            if len(infos) > MEMBERS:
                raise MalformedKeyFile(f"the ZIP file has more than {MEMBERS} files")
            for info in infos:
                if info.is_dir():
                    continue
                content = _read(archive, info, min(member_octets, left))
                left -= len(content)
                yield info.filename, content
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError) as error:
        raise MalformedKeyFile("the ZIP file is damaged or of an unknown kind") from error


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int) -> bytes:
    if info.flag_bits & _ENCRYPTED:
        raise MalformedKeyFile(f"{info.filename}: the ZIP file itself must not be encrypted")
    # The size in the directory is a claim; what is read is counted.
    with archive.open(info) as member:
        content = member.read(limit + 1)
    if len(content) > limit:
        raise MalformedKeyFile(f"{info.filename}: unpacks to more than {limit} octets")
    return content
