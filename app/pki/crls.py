"""Certificate revocation lists, cut down to the few entries that a path is about.

A list may hold a hundred thousand entries, and the validator would look at each. Here the entries
of other certificates are cut out by a search for the serial numbers; what was signed is kept
beside, so that the signature is checked over the whole list. RFC 5280 §5.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.x509.oid import ExtensionOID

from app.cms import der
from app.cms.errors import MalformedCms, TooLarge
from app.pki import names
from app.pki.errors import MalformedCertificate
from app.pki.tbs import read_time

CRL_OCTETS: Final = 10 * 1024 * 1024
# Below this a list is read as it is; an indirect list is always, up to INDIRECT_OCTETS.
SMALL_OCTETS: Final = 4 * 1024
INDIRECT_OCTETS: Final = 256 * 1024
# The octets of a short number stand in other places, too: once in 16 MB if it is below 128. A
# list that is full of them was made to be dear (T112), and nobody has checked who made it yet.
LOOKS: Final = 20_000
ENTRIES: Final = 256

_IDP: Final = der.encode_identifier(ExtensionOID.ISSUING_DISTRIBUTION_POINT.dotted_string)
_TIMES: Final = (der.UTC_TIME, der.GENERALIZED_TIME)


@dataclass(frozen=True, slots=True)
class Abridged:
    """A list with the entries in question only."""

    octets: bytes
    shown_tbs: bytes
    signed_tbs: bytes


def abridge(octets: bytes, serials: Sequence[int]) -> Abridged | None:
    """Return the list with the entries of these serial numbers, None if it is over a limit.

    Raises MalformedCms for what is no list in DER.
    """
    if len(octets) > CRL_OCTETS:
        return None
    whole = der.read_one(octets, der.SEQUENCE)
    tbs = whole.take(der.SEQUENCE)
    rest = octets[whole.at : whole.end]
    signed = tbs.whole
    if len(octets) <= SMALL_OCTETS:
        return Abridged(octets, signed, signed)
    if _IDP in signed:
        # An entry of an indirect list names the issuer for all that follow it (§5.3.3).
        return Abridged(octets, signed, signed) if len(octets) <= INDIRECT_OCTETS else None
    head, entries, tail = _parts(tbs)
    found = [] if entries is None else _find(entries, serials)
    if found is None:
        return None
    shown = der.tlv(der.SEQUENCE, head, *([der.tlv(der.SEQUENCE, *found)] if found else []), tail)
    return Abridged(der.tlv(der.SEQUENCE, shown, rest), shown, signed)


def issuer_of(octets: bytes) -> tuple[object, ...]:
    """Return the issuer's name in the form that compares, empty if this is no list."""
    try:
        tbs = der.read_one(octets, der.SEQUENCE).take(der.SEQUENCE)
        tbs.find(der.INTEGER)
        tbs.take(der.SEQUENCE)
        return names.comparable(tbs.take(der.SEQUENCE).whole)
    except (MalformedCms, TooLarge):
        return ()


def next_update_of(octets: bytes) -> datetime | None:
    """Return when a list says that the next one comes, None if it does not say or is no list."""
    return _times_of(octets)[1]


def this_update_of(octets: bytes) -> datetime | None:
    """Return when a list was made, None if it is no list."""
    return _times_of(octets)[0]


def _times_of(octets: bytes) -> tuple[datetime | None, datetime | None]:
    try:
        tbs = der.read_one(octets, der.SEQUENCE).take(der.SEQUENCE)
        tbs.find(der.INTEGER)
        tbs.take(der.SEQUENCE)
        tbs.take(der.SEQUENCE)
        made_at = read_time(tbs.next())
        return made_at, read_time(tbs.next()) if tbs.peek() in _TIMES else None
    except (MalformedCms, TooLarge, MalformedCertificate):
        return None, None


def _parts(tbs: der.Reader) -> tuple[bytes, der.Reader | None, bytes]:
    """Return the octets before, the entries themselves, and the octets after them."""
    tbs.find(der.INTEGER)
    tbs.take(der.SEQUENCE)
    tbs.take(der.SEQUENCE)
    tbs.next()
    if tbs.peek() in _TIMES:
        tbs.next()
    head = tbs.octets[tbs.start : tbs.at]
    entries = tbs.find(der.SEQUENCE)
    return head, entries, tbs.octets[tbs.at : tbs.end]


def _find(entries: der.Reader, serials: Sequence[int]) -> list[bytes] | None:
    """Return the entries of these serial numbers, None if there are too many to look at."""
    octets = entries.octets
    found: list[bytes] = []
    looked = 0
    for serial in dict.fromkeys(serials):
        pattern = der.integer(serial)
        at = octets.find(pattern, entries.start, entries.end)
        while at >= 0:
            if entry := _entry_at(entries, at, len(pattern)):
                found.append(entry)
            looked += 1
            if looked > LOOKS or len(found) > ENTRIES:
                return None
            at = octets.find(pattern, at + 1, entries.end)
    return found


def _entry_at(entries: der.Reader, at: int, length: int) -> bytes:
    """Return the entry whose serial number stands at this place, empty if none begins there."""
    octets, end = entries.octets, entries.end
    after = at + length
    if after >= end or octets[after] not in _TIMES:
        return b""
    for header in (2, 3, 4):
        start = at - header
        if start < entries.start or octets[start] != der.SEQUENCE:
            continue
        inside = int.from_bytes(octets[start + 1 + (header > 2) : at], "big")
        stop = at + inside
        if stop <= end and octets[start:at] == der.head(der.SEQUENCE, inside):
            return octets[start:stop]
    return b""
