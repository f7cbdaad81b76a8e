"""Mozilla's list of authorities, as trust anchors: whom it trusts for e-mail, and nobody else.

For some authorities the list has a date: certificates that they issue later are not believed. An
anchor here knows no such date, so from that day on the authority is left out. Whoever still needs
it adds its certificate by itself.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from app.model.errors import Refused
from app.pki.certdata import Listed, read_certdata
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate


class PublicRoots(NamedTuple):
    """What a list says at one moment."""

    taken: list[Certificate]
    notes: list[str]
    """For people: what is left out, and why."""
    refused: frozenset[str]
    """Fingerprints of those in the list that are not taken."""


def read_public_roots(octets: bytes, at: datetime) -> PublicRoots:
    """Return whom ``certdata.txt`` trusts for e-mail at this moment.

    Raises Refused in one line for a broken list, and for one that trusts nobody.
    """
    try:
        listed = read_certdata(octets)
        for_mail = [(Certificate.from_der(each.der), each) for each in listed if each.is_for_mail]
    except MalformedCertificate as error:
        raise Refused(str(error)) from error
    taken = [each for each, said in for_mail if each.is_ca and not _has_ended(said, at)]
    if not taken:
        raise Refused("the list trusts no authority for e-mail")
    fingerprints = frozenset(hashlib.sha256(each.der).hexdigest() for each in listed)
    refused = fingerprints - {each.fingerprint for each in taken}
    return PublicRoots(taken, _notes(for_mail, len(listed), at), refused)


def _has_ended(said: Listed, at: datetime) -> bool:
    return said.ends_at is not None and at >= said.ends_at


def _notes(for_mail: Sequence[tuple[Certificate, Listed]], listed: int, at: datetime) -> list[str]:
    notes = []
    for each, said in for_mail:
        if said.ends_at is not None:
            done = "left out" if _has_ended(said, at) else "remove it then"
            day = f"{said.ends_at:%Y-%m-%d}"
            notes.append(f"{done}: not trusted for what it issues after {day}: {each.subject}")
    if others := listed - len(for_mail):
        notes.append(f"left out: {others} of the list, which does not trust them for e-mail")
    return notes
