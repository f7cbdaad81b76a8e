"""Key continuity: whether a certificate surprises those who know the partner (B5, T97).

A hijacked mailbox can sign and can get certificates. So a new certificate of a known partner is
taken over only where it plainly follows a known one; everything else is for a person to see.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

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
    followed = [each for each in enabled if _follows(new, each, at)]
    if not followed:
        return Reason(KEY_CHANGE, f"{len(known)} known, and it follows none of them")
    mine = organisation(new.subject_der)
    if all(organisation(each.subject_der) != mine for each in followed):
        return Reason(KEY_CHANGE, f"another organisation than {followed[0].fingerprint[:16]}")
    return None


def _follows(new: Certificate, old: Certificate, at: datetime) -> bool:
    """Return whether it is of the same issuer and takes over in the last 60 days."""
    return (
        new.issuer_der == old.issuer_der
        and old.not_after - at <= _RENEWAL
        and new.not_after > old.not_after
    )
