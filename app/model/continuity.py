"""Key continuity: whether a certificate surprises those who know the partner (B5, T97).

A hijacked mailbox can sign and can get certificates. So a new certificate of a known partner is
taken over only where it plainly follows a known one; everything else is for a person to see.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from app.model.readable import find_certificate
from app.pki.certificate import Certificate
from app.pki.names import organisation
from app.smime.reasons import Reason

KEY_CHANGE: Final = "key-change"
_RENEWAL: Final = timedelta(days=60)


def find_change(
    new: Certificate, known: Sequence[tuple[Certificate, bool]], at: datetime
) -> Reason | None:
    """Return why a certificate is no plain successor, None for one that is or for an empty slot.

    ``known`` are the other certificates under the name, each with whether it is enabled. What a
    person has disabled has no successor, and another issuer that is in use is never passed over.
    """
    if not known:
        return None
    enabled = [each for each, is_enabled in known if is_enabled]
    for each in enabled:
        if each.not_after >= at and each.issuer_der != new.issuer_der:
            return Reason(KEY_CHANGE, f"{each.fingerprint[:16]} of another issuer is in use")
    same = [each for each in known if each[0].issuer_der == new.issuer_der]
    if not same:
        return Reason(KEY_CHANGE, f"{len(known)} known, and it follows none of them")
    # One before the last opens no door: beside its successor everybody would fit.
    last, is_enabled = max(same, key=lambda each: each[0].not_after)
    if not is_enabled or not _follows(new, last, at):
        return Reason(KEY_CHANGE, f"{len(known)} known, and it follows none of them")
    if organisation(last.subject_der) != organisation(new.subject_der):
        return Reason(KEY_CHANGE, f"another organisation than {last.fingerprint[:16]}")
    return None


def find_change_among(
    new: Certificate, rows: Iterable[tuple[bytes, bool]], at: datetime
) -> Reason | None:
    """Return the same of stored certificates; beside one that cannot be read all is a surprise."""
    known = []
    for octets, is_enabled in rows:
        found = find_certificate(octets, "a certificate of a known partner")
        if found is None:
            return Reason(KEY_CHANGE, "one is known that cannot be read")
        known.append((found, bool(is_enabled)))
    return find_change(new, known, at)


def _follows(new: Certificate, last: Certificate, at: datetime) -> bool:
    """Return whether it takes over in the last 60 days."""
    return last.not_after - at <= _RENEWAL and new.not_after > last.not_after
