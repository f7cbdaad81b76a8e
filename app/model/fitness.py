"""Whether a certificate can be a correspondent's, in words for the person who brings it.

One that could never be used is refused. One that ended, is weak or is not made for mail can still
be what he means: nothing is encrypted to it, and old mail names it (B3). One that names other
people than whom it is filed under is taken, because he may know better, and he is told (D2).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from app.mail.address import same_mailbox, spelled_out
from app.model.errors import Refused
from app.pki.certificate import Certificate
from app.pki.reasons import (
    IS_CA,
    MALFORMED,
    NOT_YET_VALID,
    UNKNOWN_CRITICAL,
    UNSUPPORTED_KEY,
    code_of,
    detail_of,
)
from app.smime.reasons import Reason

_NEVER: Final = frozenset({MALFORMED, UNKNOWN_CRITICAL, UNSUPPORTED_KEY})
_ODD_AT_MOST: Final = 3
_OF_AUTHORITY: Final = (
    "it says that it is a certificate authority's (CA:TRUE): it is used as this domain's own"
    " certificate, and nobody whom it issued is believed for that"
)


def find_warnings(certificate: Certificate, at: datetime) -> list[str]:
    """Return warnings about a certificate that a person brings (B3).

    Raises Refused for one that can never be used.
    """
    problems = certificate.encryption_problems(at)
    never = [each for each in problems if code_of(each) in _NEVER]
    if never:
        raise Refused(f"{certificate.subject}: cannot be used: {_in_words(never)}")
    found = [_OF_AUTHORITY] if certificate.is_ca else []
    for each in problems:
        if code_of(each) == NOT_YET_VALID:
            found.append(f"not used yet: {_in_words([each])}")
        elif each != IS_CA:
            found.append(f"not used to encrypt: {_in_words([each])}")
    odd = certificate.odd_addresses[:_ODD_AT_MOST]
    return [
        *found,
        *(f"an odd address in it counts for nothing: {spelled_out(each)}" for each in odd),
    ]


def find_other_name(certificate: Certificate, name: str) -> str:
    """Return a warning if all that a certificate names is others than this address or domain (D2).

    For a domain, an address of a domain above it is as good (RFC 3183 §3.1.1).
    """
    named = certificate.addresses
    if "@" in name:
        is_named = any(same_mailbox(each, name) for each in named)
        kind = "it names another address"
    else:
        domains = [each.rpartition("@")[2] for each in named]
        is_named = any(name == each or name.endswith(f".{each}") for each in domains)
        kind = "it is for another domain"
    return "" if is_named or not named else f"{kind}: {spelled_out(named[0])}"


def check_usable(certificate: Certificate, at: datetime) -> None:
    """Raise Refused for a certificate that can neither encrypt nor verify now."""
    encryption = _lasting(certificate.encryption_problems(at))
    if encryption and _lasting(certificate.signing_problems(at)):
        raise Refused(f"{certificate.subject}: cannot be used: {_in_words(encryption)}")


def check_domain_certificate(certificate: Certificate, at: datetime) -> None:
    """Raise Refused for a certificate with CA:TRUE that cannot be that of a whole domain (D1).

    ``openssl req -x509`` makes such ones that can.
    """
    others = (certificate.encryption_problems(at), certificate.signing_problems(at))
    if all(_lasting(each) != [IS_CA] for each in others):
        why = [each for each in _lasting(others[0]) if each != IS_CA]
        raise Refused(
            f"{certificate.subject}: a certificate authority's certificate, and for a domain it"
            f" cannot be used either: {_in_words(why)}"
        )


def _lasting(problems: Sequence[str]) -> list[str]:
    """Return the problems that time does not solve."""
    return [each for each in problems if code_of(each) != NOT_YET_VALID]


def _in_words(problems: Sequence[str]) -> str:
    return "; ".join(Reason(code_of(each), detail_of(each)).text() for each in problems)
