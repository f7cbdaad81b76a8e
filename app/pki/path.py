"""Is there a certification path from a certificate to one of our trust anchors? RFC 5280 §6.

The answer is a value, never an exception, whatever the certificates are. Found paths are checked by
our own rules and by pyhanko-certvalidator; the whole may take six certificates, a hundred signature
checks and 200 ms (T55, T110). Answers are kept for a minute, so that the second message of a signer
costs microseconds. Whether the leaf is made for mail is `Certificate.signing_problems`; whether it
is pinned is the caller's affair.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from app import clock
from app.mail.limits import REVOCATION_WAIT_SECONDS
from app.pki import engine, rules
from app.pki.builder import Builder, Index
from app.pki.cache import Cache
from app.pki.certificate import Certificate
from app.pki.reasons import EXPIRED, NO_PATH, NOT_YET_VALID, PATH_BUDGET, SELF_SIGNED, reason
from app.pki.revdata import UNKNOWN
from app.pki.revocation import MODES, NOT_CHECKED, Checker, RevocationSource
from app.pki.validator import library_problem

TRUSTED: Final = "trusted"
UNTRUSTED: Final = "untrusted"
REVOKED: Final = "revoked"
# The other two statuses are the codes of their reasons, expired and not-yet-valid.

# For how long an answer is given again without looking; shorter where the next look may tell more.
REUSE_SECONDS: Final = 60.0
UNSURE_SECONDS: Final = 5.0
AWAITED_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Anchors:
    """The trust anchors of the installation, and the intermediates that it has gathered.

    ``key`` changes whenever one of them does. Intermediates given here and not with every question
    are indexed once; they are believed no more than others. What an anchor with a moment of
    ``distrust_after`` issues later is not believed; the moments are by fingerprint.
    """

    ders: tuple[Certificate, ...]
    key: str
    intermediates: tuple[Certificate, ...] = ()
    distrust_after: Mapping[str, datetime] = field(default_factory=dict, compare=False)
    by_subject: Index = field(init=False, repr=False, compare=False)
    pool: Index = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_subject", Index(self.ders))
        object.__setattr__(self, "pool", Index(self.intermediates))


@dataclass(frozen=True, slots=True)
class PathResult:
    """What was found out about a certificate at a moment."""

    status: str  # trusted, untrusted, revoked, expired, not-yet-valid
    reasons: tuple[str, ...] = ()
    path: tuple[Certificate, ...] = ()  # leaf first, anchor last; empty if there is none
    revocation: str = NOT_CHECKED  # good, unknown, not-checked, revoked


class IssuerSource(Protocol):
    """Where certificates of authorities are found that nobody sent along."""

    def above(
        self, path: tuple[Certificate, ...], anchors: Anchors, at: datetime, seconds: float
    ) -> Sequence[Certificate]:
        """Return who may have issued the last certificate of a path; wait so long at most."""


_CACHE: Cache[PathResult] = Cache()


def validate(  # noqa: PLR0913 - each is a fact of its own, and all but three have a default
    leaf: Certificate,
    others: Sequence[Certificate],
    anchors: Anchors,
    *,
    at: datetime,
    revocation: str = "soft",
    crls: Sequence[bytes] = (),
    source: RevocationSource | None = None,
    revocation_at: datetime | None = None,
    issuers: IssuerSource | None = None,
) -> PathResult:
    """Return whether the leaf has a path to an anchor at a moment.

    ``others`` are certificates of any origin and order; they help and are never believed.
    ``revocation`` is soft, hard, require or off: "unknown" is trusted under soft, and under the
    next two it is not. CRLs given here count if they verify. ``revocation_at`` is the moment of
    what is known of revocation, where that is another one. ``issuers`` are asked where no path is
    found otherwise.
    """
    assert revocation in MODES
    # Validity ends with a whole second (RFC 5280 §4.1.2.5).
    at = at.replace(microsecond=0)
    asked_at = at if revocation_at is None else revocation_at.replace(microsecond=0)
    key = (
        leaf.fingerprint,
        tuple([each.fingerprint for each in others]),
        anchors.key,
        revocation,
        tuple([hashlib.sha256(each).digest() for each in crls]),
        source is not None,
        issuers is not None,
        None if revocation_at is None else at,
    )
    found = _CACHE.get(key, asked_at)
    if found is None:
        search = _Search(others, anchors, at, asked_at, revocation, crls, source)
        found = search.run(leaf) if issuers is None else search.run_and_ask(leaf, issuers)
        seconds = _reuse_seconds(found, at)
        # Who is missing may be here in a moment.
        is_awaited = issuers is not None and not found.path
        _CACHE.put(key, asked_at, found, min(seconds, AWAITED_SECONDS) if is_awaited else seconds)
    return found


def is_revocation_unknown(leaf: Certificate, result: PathResult, mode: str) -> bool:
    """Return whether it should be known, and is not, that an approved certificate is in force.

    Without a good path nobody was asked about it, which is no good news (T58, behaviour D4).
    """
    if result.status == TRUSTED or result.revocation != NOT_CHECKED:
        return result.revocation == UNKNOWN
    return mode == "require" or (mode != "off" and leaf.declares_revocation)


def _reuse_seconds(result: PathResult, at: datetime) -> float:
    if result.status != TRUSTED or result.revocation == UNKNOWN:
        return UNSURE_SECONDS
    first_end = min(each.not_after for each in result.path)
    return min(REUSE_SECONDS, (first_end - at).total_seconds())


@dataclass(frozen=True, slots=True)
class _Search:
    others: Sequence[Certificate]
    anchors: Anchors
    at: datetime
    asked_at: datetime
    mode: str
    crls: Sequence[bytes]
    source: RevocationSource | None
    dead_ends: list[tuple[Certificate, ...]] = field(default_factory=list)

    def run_and_ask(self, leaf: Certificate, issuers: IssuerSource) -> PathResult:
        """Return the answer, with the help of authorities that are to be had elsewhere.

        All waits together are as long as that for revocation data.
        """
        result = self.run(leaf)
        if result.path or (leaf.signing_problems(self.at) and leaf.encryption_problems(self.at)):
            return result
        deadline = clock.monotonic() + REVOCATION_WAIT_SECONDS
        known = dict.fromkeys(self.others)
        ends = self.dead_ends
        while ends and not result.path:
            before = len(known)
            for end in ends:
                seconds = max(0.0, deadline - clock.monotonic())
                known |= dict.fromkeys(issuers.above(end, self.anchors, self.at, seconds))
            if len(known) == before:
                break
            search = replace(self, others=tuple(known), dead_ends=[])
            result, ends = search.run(leaf), search.dead_ends
        return result

    def run(self, leaf: Certificate) -> PathResult:
        """Return the answer."""
        try:
            return engine.within_budget(partial(self._search, leaf))
        except engine.OutOfTime as error:
            return PathResult(UNTRUSTED, (reason(PATH_BUDGET, str(error)),))

    def _search(self, leaf: Certificate, budget: engine.Budget) -> PathResult:
        parsed = engine.Parsed()
        others = Index(self.others, self.anchors.pool)
        self.dead_ends.clear()
        builder = Builder(self.anchors.by_subject, others, parsed, budget, self.dead_ends)
        failures: list[PathResult] = []
        try:
            for path in builder.paths(leaf, self.at):
                result = self._check(path, Checker(path, others, self.asked_at, parsed, budget))
                if result.status == TRUSTED:
                    parsed.keep(path[1:])
                if result.status == TRUSTED or _is_final(result, leaf):
                    return result
                failures.append(result)
        except engine.OutOfTime:
            raise
        except engine.BudgetExceeded as error:
            best = _best(failures) if failures else PathResult(UNTRUSTED)
            told = reason(PATH_BUDGET, str(error))
            return replace(best, reasons=(told, *best.reasons))
        return _best(failures) if failures else _no_path(leaf, self.at, self.dead_ends)

    def _check(self, path: tuple[Certificate, ...], checker: Checker) -> PathResult:
        # What is validated at another moment says nothing about this one.
        approved = checker.approved if self.at == self.asked_at else {}
        problem = (
            rules.distrust_problem(path, self.anchors.distrust_after)
            or rules.problem(path)
            or library_problem(path, self.at, checker.parsed, checker.budget, approved)
        )
        if problem:
            return PathResult(_status_of(problem), (problem,), path)
        found = checker.run(self.mode, self.crls, self.source)
        status = TRUSTED
        if found.status == REVOKED:
            status = REVOKED
        elif found.status == UNKNOWN and self.mode in {"hard", "require"}:
            status = UNTRUSTED
        return PathResult(status, found.reasons, path, found.status)


def _status_of(problem: str) -> str:
    return next((each for each in (EXPIRED, NOT_YET_VALID) if problem.startswith(each)), UNTRUSTED)


def _is_final(result: PathResult, leaf: Certificate) -> bool:
    """Return whether no other path can make up for this one.

    A leaf that is revoked is so by the key that signed it. A revoked authority may have another
    certificate, from another authority, that is not.
    """
    return result.status == REVOKED and result.reasons[0] == reason(REVOKED, leaf.subject)


def _best(failures: Sequence[PathResult]) -> PathResult:
    """Return the failed path that got furthest, the first of its like."""
    return max(failures, key=_progress)


def _progress(result: PathResult) -> int:
    if result.status == UNTRUSTED:
        return 3 if result.revocation == UNKNOWN else 0
    return 2 if result.status == REVOKED else 1


def _no_path(
    leaf: Certificate, at: datetime, dead_ends: Sequence[Sequence[Certificate]]
) -> PathResult:
    """Return that there is no path, with the name of the authority that would lead further."""
    missing = max(dead_ends, key=len, default=(leaf,))[-1].issuer
    why = SELF_SIGNED if leaf.is_self_signed else reason(NO_PATH, missing)
    if at > leaf.not_after:
        return PathResult(EXPIRED, (EXPIRED, why))
    if at < leaf.not_before:
        return PathResult(NOT_YET_VALID, (NOT_YET_VALID, why))
    return PathResult(UNTRUSTED, (why,))
