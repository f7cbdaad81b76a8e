"""Which certificates of a correspondent a message is encrypted to ("Encryption decision").

Personal certificates win over those of the domain, those over a parent domain's that says it covers
its sub-domains. Of one kind all usable ones with distinct keys are taken, newest first, at most
five, so that every device of the recipient opens the message, unless a person said "only this one".
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from app.mail.address import MalformedAddress, normalise
from app.model.database import Database
from app.model.errors import Unreadable
from app.model.facts import ONLY_THIS_ONE, POST_QUANTUM_OFF, WITHIN_GRACE, Usable
from app.model.readable import find_certificate
from app.model.stored import moment, unpack
from app.pki.certificate import Certificate
from app.pki.path import is_revocation_unknown, validate
from app.pki.reasons import (
    IS_CA,
    REVOCATION_UNKNOWN,
    REVOKED,
    code_of,
    detail_of,
    reason,
)
from app.smime.reasons import Reason
from app.smime.trust import TrustView

CERTIFICATES_AT_MOST: Final = 5
_LABELS_AT_MOST: Final = 10
_ROWS_AT_MOST: Final = 200
"""Of one look-up; an address has ten certificates (B2), and five are used."""

_COLUMNS: Final = (
    "id, name, certificate, is_pinned, include_subdomains, capabilities, capabilities_at,"
    " is_only, grace_days"
)
_INCLUDES: Final = 4
"""The place of include_subdomains among the columns."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A certificate of the partner book that is enabled."""

    id: int
    name: str
    certificate: Certificate
    is_pinned: bool
    include_subdomains: bool
    capabilities: tuple[str, ...] | None
    capabilities_at: datetime
    is_only: bool = False
    """Of this name no other one is used, whether this one can be used or not."""
    grace_days: int | None = None
    """None is as policy says."""

    def problems(self, at: datetime) -> tuple[str, ...]:
        """Return why the certificate itself is none to encrypt to at this moment."""
        found = self.certificate.encryption_problems(at)
        # D1: that of a whole domain may be self-made and call itself an authority.
        return found if "@" in self.name else tuple(each for each in found if each != IS_CA)


@dataclass(frozen=True, slots=True)
class Closed:
    """An entry that is enabled, and whose certificate cannot be read any more."""

    id: int
    name: str
    is_only: bool


@dataclass(frozen=True, slots=True)
class PartnerChoice:
    """The candidates for one recipient, best kind first; dates and paths are not judged yet."""

    personal: tuple[Candidate, ...] = ()
    domain: tuple[Candidate, ...] = ()
    parents: tuple[Candidate, ...] = ()
    unreadable: tuple[Closed, ...] = ()

    def usable(
        self,
        trust: TrustView,
        *,
        at: datetime,
        revocation: str = "soft",
        grace_days: int = 0,
        post_quantum: bool = False,
        personal_only: bool = False,
    ) -> Usable:
        """Return what can be encrypted to at this moment (RFC 8550 §4.2: validated before use).

        With personal_only that of a domain is none (D3). Raises Unreadable where nothing can be
        used and something cannot be read: that is no reason to send in clear.
        """
        question = Question(
            trust, at, revocation, timedelta(days=grace_days), post_quantum=post_quantum
        )
        reasons: list[Reason] = []
        alone = {each.name for each in self.unreadable if each.is_only}
        groups = [("personal", self.personal)] if personal_only else self._groups()
        for kind, group in groups:
            if group and group[0].name in alone:
                continue
            fit = [each for each in _meant(group, reasons) if not question.problems(each, reasons)]
            if fit:
                return choose_newest(kind, fit, reasons)
        for each in self.unreadable:
            if "@" in each.name or not personal_only:
                raise Unreadable(f"partner {each.id} of {each.name} cannot be read")
        if not reasons:
            reasons.append(Reason("no-partner-certificate"))
        return Usable(reasons=tuple(reasons))

    def _groups(self) -> Iterable[tuple[str, Sequence[Candidate]]]:
        yield "personal", self.personal
        yield "domain", self.domain
        # The nearest parent first; each is a group of its own.
        for name in dict.fromkeys(each.name for each in self.parents):
            yield "domain", [each for each in self.parents if each.name == name]


def _meant(group: Sequence[Candidate], reasons: list[Reason]) -> Sequence[Candidate]:
    """Return the one of a name that a person wants to be used alone, else all of them."""
    only = [each for each in group if each.is_only]
    if only and len(only) < len(group):
        reasons.append(Reason(ONLY_THIS_ONE, only[0].certificate.fingerprint[:16]))
    return only or group


@dataclass(frozen=True, slots=True)
class Question:
    """By what it is judged whether a certificate can be encrypted to."""

    trust: TrustView
    at: datetime
    revocation: str
    grace: timedelta = timedelta(0)
    others: Sequence[Certificate] = ()
    """More authorities to build a path with, none of them trusted."""
    post_quantum: bool = False
    """Whether ML-KEM keys are used."""

    def problems(self, each: Candidate, reasons: list[Reason]) -> bool:
        """Return whether a certificate cannot be used, and add why."""
        certificate = each.certificate
        if certificate.is_post_quantum and not self.post_quantum:
            reasons.append(Reason(POST_QUANTUM_OFF, certificate.fingerprint[:16]))
            return True
        grace = self.grace if each.grace_days is None else timedelta(days=each.grace_days)
        is_late = certificate.not_after < self.at <= certificate.not_after + grace
        at = certificate.not_after if is_late else self.at
        found = each.problems(at) or self._path_problems(each, at)
        if is_late and not found:
            reasons.append(Reason(WITHIN_GRACE, certificate.fingerprint[:16]))
        for problem in found[:1]:
            detail = f"{certificate.fingerprint[:16]} {detail_of(problem)}".strip()
            reasons.append(Reason(code_of(problem), detail))
        return bool(found)

    def _path_problems(self, each: Candidate, at: datetime) -> tuple[str, ...]:
        result = validate(
            each.certificate,
            (*self.trust.intermediates, *self.others),
            self.trust.anchors,
            at=at,
            revocation=self.revocation,
            source=self.trust.revocation_source,
            issuers=self.trust.issuer_source,
            # Within its days of grace a certificate is as on its last day, but not its authority.
            revocation_at=None if at == self.at else self.at,
        )
        # Who approved it said whose it is, and not that it will never be revoked.
        if result.status == "trusted":
            return ()
        if each.is_pinned and result.status != REVOKED:
            is_unknown = is_revocation_unknown(each.certificate, result, self.revocation)
            if is_unknown and self.revocation in {"hard", "require"}:
                return (reason(REVOCATION_UNKNOWN, each.certificate.subject),)
            return ()
        return result.reasons or (result.status,)


def choose_newest(kind: str, fit: Sequence[Candidate], reasons: Sequence[Reason]) -> Usable:
    """Return the newest of what fits, with distinct keys and at most five."""
    newest = sorted(
        fit,
        key=lambda each: (each.certificate.not_before, each.certificate.fingerprint),
        reverse=True,
    )
    distinct: dict[str, Candidate] = {}
    for each in newest:
        distinct.setdefault(each.certificate.spki_fingerprint, each)
    chosen = list(distinct.values())[:CERTIFICATES_AT_MOST]
    said = [each for each in chosen if each.capabilities is not None]
    latest = max(said, key=lambda each: each.capabilities_at, default=None)
    return Usable(
        tuple(each.certificate for each in chosen),
        kind,
        latest.capabilities if latest else None,
        tuple(reasons),
        tuple(each.id for each in chosen),
    )


def find_partners(database: Database, address: str) -> PartnerChoice:
    """Return the candidates for a recipient, in one query by the index. Raises StoreUnavailable."""
    try:
        name = normalise(address)
    except MalformedAddress:
        return PartnerChoice()
    domain = name.rpartition("@")[2]
    labels = domain.split(".")
    parents = [".".join(labels[at:]) for at in range(1, min(len(labels) - 1, _LABELS_AT_MOST))]
    names = [name, domain, *parents]
    marks = ", ".join("?" * len(names))
    # "+ 0" keeps a PostgreSQL that has not counted its rows yet from going through the whole book
    # in the order of not_after, in the hope of soon meeting one of the names.
    rows = database.sql(
        f"SELECT {_COLUMNS} FROM partner WHERE name IN ({marks}) AND is_enabled"  # noqa: S608 - names are bound
        f" ORDER BY is_only DESC, not_after + 0 DESC LIMIT {_ROWS_AT_MOST}",
        names,
    )
    found: list[Candidate] = []
    unreadable: list[Closed] = []
    for row in rows:
        each = candidate(row)
        if isinstance(each, Candidate):
            found.append(each)
        elif row[_INCLUDES] or each.name in {name, domain}:
            unreadable.append(each)
    return PartnerChoice(
        tuple(each for each in found if each.name == name),
        tuple(each for each in found if each.name == domain),
        tuple(
            each
            for parent in parents
            for each in found
            if each.name == parent and each.include_subdomains
        ),
        tuple(unreadable),
    )


def candidate(row: tuple[Any, ...]) -> Candidate | Closed:
    """Return the candidate of a row with the columns of this module, if it can be read."""
    row_id, name, der, is_pinned, include, capabilities, capabilities_at, is_only, grace = row
    certificate = find_certificate(der, f"partner {row_id}")
    if certificate is None:
        return Closed(row_id, name, bool(is_only))
    return Candidate(
        row_id,
        name,
        certificate,
        bool(is_pinned),
        bool(include),
        tuple(unpack(capabilities)) if capabilities else None,
        moment(capabilities_at),
        bool(is_only),
        grace,
    )
