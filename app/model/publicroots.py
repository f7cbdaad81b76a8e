"""Mozilla's list of authorities, as trust anchors: whom it trusts for e-mail, and nobody else.

For some authorities the list has a date: certificates that they issue later are not believed. The
anchor is taken with that date.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from app.model.errors import Refused
from app.pki.certdata import Listed, read_certdata
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate


class PublicRoots(NamedTuple):
    """What a list says."""

    taken: Mapping[Certificate, datetime | None]
    """Each with the moment after which what it issues is not believed."""
    notes: list[str]
    """For people: what is left out, and what is taken with a date."""
    refused: frozenset[str]
    """Fingerprints of those in the list that are not taken."""


def read_public_roots(octets: bytes) -> PublicRoots:
    """Return whom ``certdata.txt`` trusts for e-mail.

    Raises Refused in one line for a broken list, and for one that trusts nobody.
    """
    try:
        listed = read_certdata(octets)
        for_mail = [(Certificate.from_der(each.der), each) for each in listed if each.is_for_mail]
    except MalformedCertificate as error:
        raise Refused(str(error)) from error
    taken = {each: said.distrust_after for each, said in for_mail if each.is_ca}
    if not taken:
        raise Refused("the list trusts no authority for e-mail")
    fingerprints = frozenset(hashlib.sha256(each.der).hexdigest() for each in listed)
    refused = fingerprints - {each.fingerprint for each in taken}
    return PublicRoots(taken, _notes(for_mail, len(listed)), refused)


def _notes(for_mail: Sequence[tuple[Certificate, Listed]], listed: int) -> list[str]:
    notes = [
        f"not trusted for what it issues after {said.distrust_after:%Y-%m-%d}: {each.subject}"
        for each, said in for_mail
        if said.distrust_after is not None
    ]
    if others := listed - len(for_mail):
        notes.append(f"left out: {others} of the list, which does not trust them for e-mail")
    return notes
