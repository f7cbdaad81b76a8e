"""Whether a good signature may be believed: trust, time, usage, and who stands in From.

The mathematics are done when this is called. Every check here can only lower the status; it starts
at VALID and each finding of fact names its reason. The time of receipt decides, the signer's own
signingTime only informs (RFC 8550 §6, T57).

RFC 8550 §3, §4.4; RFC 5280 §6; behaviour D4, D7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from app.cms.signed import SignerInfo
from app.mail.address import (
    MalformedAddress,
    Originator,
    domain_of,
    normalise,
    same_mailbox,
    spelled_out,
)
from app.pki import reasons as codes
from app.pki.certificate import Certificate
from app.pki.path import is_revocation_unknown, validate
from app.smime.finding import Status
from app.smime.reasons import Reason
from app.smime.trust import TrustView

_LONG_AGO = timedelta(days=30)
_CLOCKS_DIFFER = timedelta(hours=24)
_NO_TRUST = Reason("no-trust")
# Of the odd addresses of a certificate; there may be thousands, and each is a line somewhere.
_NAMED_AT_MOST = 3


class Case(NamedTuple):
    """A good signature and the surroundings in which it is judged."""

    certificate: Certificate
    bag: tuple[Certificate, ...]
    crls: tuple[bytes, ...]
    info: SignerInfo
    weak: str
    originator: Originator
    at: datetime
    revocation: str


@dataclass(slots=True)
class Verdict:
    """A status that only sinks, and why."""

    status: Status = Status.VALID
    reasons: list[Reason] = field(default_factory=list)
    domain: str = ""
    signer: str = ""

    def note(self, reason: Reason) -> None:
        """Add a reason that changes nothing."""
        self.reasons.append(reason)

    def lower(self, status: Status, reason: Reason) -> None:
        """Give a reason, and the status where it is worse than what is known."""
        self.reasons.append(reason)
        if _ORDER.index(status) > _ORDER.index(self.status):
            self.status = status


_ORDER = (
    Status.VALID,
    Status.VALID_DOMAIN,
    Status.VALID_OTHER,
    Status.UNTRUSTED,
    Status.REVOKED,
)


def judge(case: Case, trust: TrustView) -> Verdict:
    """Return the status of a mathematically good signature."""
    verdict = Verdict()
    verdict.domain = _registered_domain(case.certificate, case.originator.address, trust)
    pinned = _is_pinned(case.certificate, case.originator.address, trust)
    _judge_strength(case, verdict)
    _judge_path(case, trust, verdict, approved=pinned or bool(verdict.domain))
    _judge_identity(case, trust, verdict, pinned=pinned)
    _judge_time(case, verdict)
    return verdict


def _normalised(address: str) -> str:
    try:
        return normalise(address) if address else ""
    except MalformedAddress:
        return ""


def _is_pinned(certificate: Certificate, written: str, trust: TrustView) -> bool:
    """Tell whether an administrator bound a certificate to the very address that is written.

    The book finds it in whatever way it is written; that much forgives more than a verdict may, as
    "ss" for another letter (T50). So it has to be its name there, or one that the certificate has.
    """
    address = _normalised(written)
    if not address or not trust.is_pinned(certificate.fingerprint, address):
        return False
    return address == written or any(
        same_mailbox(each, written) for each in (address, *certificate.addresses)
    )


def _registered_domain(certificate: Certificate, written: str, trust: TrustView) -> str:
    """Return the domain of an address if this certificate is registered for it (behaviour D4).

    The local part is anybody's; the domain counts only as strictly as in an address (T50).
    """
    address = _normalised(written)
    if not address:
        return ""
    domain = domain_of(address)
    if not same_mailbox(f"any@{domain}", f"any@{written.rpartition('@')[2]}"):
        return ""
    return domain if certificate.fingerprint in trust.domain_certificates(domain) else ""


def _judge_strength(case: Case, verdict: Verdict) -> None:
    """Name everything that is weak or unsuitable in the signature and the certificate (T53, T56).

    A weak signature that holds is "untrusted": anybody may have made it, so it is worth no more
    than one whose path is missing, and it is not "invalid", because nothing was altered.
    """
    if case.weak:
        verdict.lower(Status.UNTRUSTED, Reason("weak-algorithm", case.weak))
    certificate = case.certificate
    if certificate.not_before <= case.at <= certificate.not_after:
        problems = _problems_while_valid(certificate)
    else:
        problems = certificate.signing_problems(case.at)
    for problem in problems:
        # D1: that of a whole domain may be self-made and call itself an authority.
        if problem != codes.IS_CA or not verdict.domain:
            verdict.lower(Status.UNTRUSTED, _as_reason(problem))


@lru_cache(maxsize=4096)
def _problems_while_valid(certificate: Certificate) -> tuple[str, ...]:
    """Return the problems that do not come and go with time; they are the same at every moment."""
    return certificate.signing_problems(certificate.not_before)


def _judge_path(case: Case, trust: TrustView, verdict: Verdict, *, approved: bool) -> None:
    """Lower the status by what the certification path says.

    An approved certificate needs no path (it was bound by an administrator), yet what is known of
    its revocation still counts, and what must be known of it.
    """
    path = validate(
        case.certificate,
        (*case.bag, *trust.intermediates),
        trust.anchors,
        at=case.at,
        revocation=case.revocation,
        crls=case.crls,
        source=trust.revocation_source,
        issuers=trust.issuer_source,
    )
    if path.status == "revoked":
        verdict.lower(Status.REVOKED, _first(path.reasons, "revoked"))
        return
    if approved:
        verdict.note(
            Reason("domain-certificate", verdict.domain) if verdict.domain else Reason("pinned")
        )
    elif path.status != "trusted":
        # The certificate has named its own dates already.
        known = {each.code for each in verdict.reasons} & {codes.EXPIRED, codes.NOT_YET_VALID}
        fresh = [_as_reason(text) for text in path.reasons]
        for reason in [each for each in fresh if each.code not in known] or [_NO_TRUST]:
            verdict.lower(Status.UNTRUSTED, reason)
    is_unknown = path.revocation == "unknown" or (
        approved and is_revocation_unknown(case.certificate, path, case.revocation)
    )
    if is_unknown and case.revocation in {"hard", "require"}:
        verdict.lower(Status.UNTRUSTED, Reason("revocation-required"))
    elif is_unknown:
        verdict.note(Reason(codes.REVOCATION_UNKNOWN))


def _judge_identity(case: Case, trust: TrustView, verdict: Verdict, *, pinned: bool) -> None:
    """Compare From with the certificate's addresses (RFC 8550 §3, T47-T50)."""
    certificate, originator = case.certificate, case.originator
    for odd in certificate.odd_addresses[:_NAMED_AT_MOST]:
        verdict.note(Reason("odd-address", odd))
    # The addresses of a certificate are plain; From is taken as it is written (T50).
    matches = [
        each
        for each in certificate.addresses
        if each == originator.address or same_mailbox(each, originator.address)
    ]
    verdict.signer = (matches or [*certificate.addresses, ""])[0]
    if originator.problem:
        verdict.lower(Status.VALID_OTHER, Reason("from", originator.problem))
    elif verdict.domain:
        verdict.lower(Status.VALID_DOMAIN, Reason("domain-certificate", verdict.domain))
    elif not (matches or pinned):
        verdict.lower(Status.VALID_OTHER, _mismatch(certificate, originator))
    if _is_other_sender(certificate, originator) and not (
        # D4: it speaks for everybody in its domain, and for nobody elsewhere.
        verdict.domain and _registered_domain(certificate, originator.sender, trust)
    ):
        verdict.lower(Status.VALID_OTHER, Reason("sender-differs", spelled_out(originator.sender)))


def _mismatch(certificate: Certificate, originator: Originator) -> Reason:
    if not certificate.addresses:
        return Reason("no-address")
    sender = originator.sender
    if sender and any(same_mailbox(each, sender) for each in certificate.addresses):
        return Reason("sender-matches", spelled_out(sender))
    return Reason("from-differs", ", ".join(map(spelled_out, certificate.addresses[:3])))


def _is_other_sender(certificate: Certificate, originator: Originator) -> bool:
    """Tell whether a Sender field names somebody whom the certificate does not (T49)."""
    sender = originator.sender
    if not sender or same_mailbox(sender, originator.address):
        return False
    return not any(same_mailbox(each, sender) for each in certificate.addresses)


def _judge_time(case: Case, verdict: Verdict) -> None:
    """Say what is remarkable about the signer's own time; it decides nothing (T59)."""
    signed_at = case.info.attributes.signing_time
    if signed_at is None:
        return
    if signed_at > case.at + _CLOCKS_DIFFER:
        verdict.note(_timed("signed-in-future", signed_at))
    elif signed_at < case.at - _LONG_AGO:
        verdict.note(_timed("signed-long-ago", signed_at))
    if not case.certificate.not_before <= signed_at <= case.certificate.not_after:
        verdict.note(_timed("signed-outside-validity", signed_at))


def _timed(code: str, moment: datetime) -> Reason:
    return Reason(code, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _as_reason(text: str) -> Reason:
    return Reason(codes.code_of(text), codes.detail_of(text))


def _first(texts: Sequence[str], code: str) -> Reason:
    return next((_as_reason(text) for text in texts if codes.code_of(text) == code), Reason(code))
