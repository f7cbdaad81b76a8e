"""Which certificate a signed message teaches us for encrypting to its sender.

Pure choice, no storing: whether the slot is free, how many a sender may bring a day and what is
pinned already is known to the partner book. From the message only the verified signer, or a
certificate with a trusted path of its own, is ever taken; the rest of the bag helps to build paths
and is never a correspondent (T97).

RFC 8551 §2.5.3.1, §2.7.1; behaviour B2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.mail.address import (
    MalformedAddress,
    domain_of,
    normalise,
    registrable_problem,
    same_mailbox,
)
from app.pki.certificate import Certificate
from app.smime.finding import Finding, Status
from app.smime.reasons import Reason

# T52: a certificate for a whole telephone book is nobody's own.
_ADDRESSES_AT_MOST = 10
_FUTURE_AT_MOST = timedelta(hours=24)

_AUTHORITIES = frozenset({"domain-signing-authority", "domain-confidentiality-authority"})

_LEARNED_FROM = frozenset({Status.VALID, Status.UNTRUSTED, Status.VALID_OTHER})


@dataclass(frozen=True, slots=True)
class Harvest:
    """A certificate to be stored for an address, or put before an administrator."""

    certificate: Certificate
    address: str
    # From, normalised: the only address it is bound to without approval.
    other_addresses: tuple[str, ...]
    # Further addresses of the certificate, bound only on approval.
    capabilities: tuple[str, ...]
    signed_at: datetime | None
    # The time that the capabilities go by; None if they must not replace any.
    reasons: tuple[Reason, ...]
    # Why it needs approval; empty if it may be used at once.
    intermediates: tuple[Certificate, ...]
    # CA certificates of the message, for the path cache and never for trust.

    @property
    def needs_approval(self) -> bool:
        """Tell whether an administrator must look at it."""
        return bool(self.reasons)


def choose(finding: Finding, *, managed: Callable[[str], bool]) -> Harvest | None:
    """Return what to learn from a finding, None if nothing.

    ``managed`` tells whether a normalised address is one of our own; a stranger must not plant a
    certificate for our people.
    """
    signer = finding.certificate
    if signer is None or finding.status not in _LEARNED_FROM:
        return None
    try:
        address = normalise(finding.from_address)
    except MalformedAddress:
        return None
    if managed(address):
        return None
    chosen = _choose_certificate(finding, signer)
    intermediates = tuple(each for each in finding.others if each.is_ca)
    return Harvest(
        chosen,
        address,
        tuple(each for each in chosen.addresses if not same_mailbox(each, address)),
        finding.capabilities,
        _capability_time(finding),
        tuple(_doubts(finding, signer, chosen, address)),
        intermediates,
    )


def hindrances(finding: Finding, *, managed: Callable[[str], bool]) -> tuple[Reason, ...]:
    """Return why ``choose`` returns nothing from a signature; empty where there was none."""
    # Who signs for a registered domain is known already, and is nobody's own.
    if finding.certificate is None or finding.status is Status.VALID_DOMAIN:
        return ()
    if finding.status not in _LEARNED_FROM:
        return (Reason("not-learned-from", str(finding.status)), *finding.reasons)
    try:
        address = normalise(finding.from_address)
    except MalformedAddress as problem:
        return (Reason("from", str(problem)),)
    return (Reason("one-of-ours", address),) if managed(address) else ()


def _choose_certificate(finding: Finding, signer: Certificate) -> Certificate:
    """Return the one asked for, else the signer's own, else a companion (B2 step 4).

    ``preference`` and ``companions`` hold only certificates with a trusted path of their own.
    """
    at = finding.at
    if finding.preference is not None:
        return finding.preference
    if at is None or not signer.encryption_problems(at):
        return signer
    return next((each for each in finding.companions if not each.encryption_problems(at)), signer)


def _capability_time(finding: Finding) -> datetime | None:
    """Return the signing time, unless it must not be believed (RFC 8551 §2.7.1)."""
    return signing_time(finding) if finding.status is Status.VALID else None


def signing_time(finding: Finding) -> datetime | None:
    """Return when a good signature says it was made, None if that is to come."""
    if finding.signed_at is None or finding.at is None:
        return None
    return finding.signed_at if finding.signed_at <= finding.at + _FUTURE_AT_MOST else None


def _doubts(
    finding: Finding, signer: Certificate, chosen: Certificate, address: str
) -> list[Reason]:
    """Return every reason for which an administrator must look (B2, B5)."""
    doubts: list[Reason] = []
    if finding.status is not Status.VALID:
        doubts.extend(finding.reasons)
    elif finding.has("revocation-unknown") or chosen in finding.unsure:
        doubts.append(Reason("revocation-unknown"))
    if hint := _domain_hint(chosen, address):
        code = "public-suffix" if registrable_problem(hint) else "looks-like-domain-certificate"
        doubts.append(Reason(code, hint))
    if signer.is_self_signed or chosen.is_self_signed:
        doubts.append(Reason("self-signed"))
    if not any(same_mailbox(each, address) for each in chosen.addresses):
        doubts.append(Reason("from-differs", ", ".join(chosen.addresses[:3])))
    if len(chosen.addresses) > _ADDRESSES_AT_MOST:
        doubts.append(Reason("many-addresses", str(len(chosen.addresses))))
    if finding.at is not None:
        doubts.extend(
            Reason("unsuitable", problem) for problem in chosen.encryption_problems(finding.at)
        )
    return list(dict.fromkeys(doubts))


def _domain_hint(chosen: Certificate, address: str) -> str:
    """Return the From domain if a certificate looks like one for all of it (behaviour D4).

    RFC 3183 §3.1.1: the two names under which a domain signs and reads; else any other address of
    that domain.
    """
    if any(same_mailbox(each, address) for each in chosen.addresses):
        return ""
    domain = domain_of(address)
    for each in chosen.addresses:
        local, _, other = each.rpartition("@")
        if other == domain or (local in _AUTHORITIES and domain.endswith("." + other)):
            return domain
    return ""
