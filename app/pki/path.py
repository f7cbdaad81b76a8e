"""Is there a certification path from a certificate to one of our trust anchors? RFC 5280 §6.

The answer is a value, never an exception, whatever the certificates are. Found paths are checked by
pyhanko-certvalidator and again by our own rules for mail; the whole may take six certificates, a
hundred signature checks and 200 ms (T55, T110). Answers are kept for a short while, so that the
second message of a signer costs microseconds. Whether the leaf is made for mail is
`Certificate.signing_problems`; whether it is pinned is the caller's affair.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pyhanko_certvalidator import errors
from pyhanko_certvalidator.validate import async_validate_path

from app.pki import engine, rules
from app.pki.builder import Builder, Index, index
from app.pki.cache import Cache
from app.pki.certificate import Certificate
from app.pki.reasons import (
    BAD_SIGNATURE,
    EXPIRED,
    NAME_CONSTRAINTS,
    NO_PATH,
    NOT_YET_VALID,
    PATH_BUDGET,
    PATH_INVALID,
    REVOKED,
    SELF_SIGNED,
    WEAK_ALGORITHM,
    code_of,
    reason,
)
from app.pki.revocation import Checker, Revocation, RevocationSource
from app.pki.validator import make_context, make_path

TRUSTED = "trusted"
UNTRUSTED = "untrusted"
"""The other statuses are the codes ``revoked``, ``expired`` and ``not-yet-valid``."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """The trust anchors of the installation; ``key`` changes whenever they do."""

    ders: tuple[Certificate, ...]
    key: str
    by_subject: Index = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_subject", index(self.ders))


@dataclass(frozen=True, slots=True)
class PathResult:
    """What was found out about a certificate at a moment."""

    status: str  # trusted, untrusted, revoked, expired, not-yet-valid
    reasons: tuple[str, ...] = ()
    path: tuple[Certificate, ...] = ()  # leaf first, anchor last; empty if there is none
    revocation: str = "not-checked"  # good, unknown, not-checked, revoked


_CACHE: Cache[PathResult] = Cache()

# Of several failed paths the one is told that got furthest.
_PROGRESS = (NO_PATH, SELF_SIGNED, BAD_SIGNATURE, PATH_INVALID, WEAK_ALGORITHM, NAME_CONSTRAINTS)


def validate(  # noqa: PLR0913 - each is a fact of its own, and all but three have a default
    leaf: Certificate,
    others: Sequence[Certificate],
    anchors: Anchors,
    *,
    at: datetime,
    revocation: str = "soft",
    crls: Sequence[bytes] = (),
    source: RevocationSource | None = None,
) -> PathResult:
    """Return whether the leaf has a path to an anchor at a moment.

    ``others`` are certificates of any origin and order; they help and are never believed.
    ``revocation`` is soft, hard, require or off. CRLs given here count if they verify.
    """
    key = (
        leaf.fingerprint,
        tuple([each.fingerprint for each in others]),
        anchors.key,
        revocation,
        tuple([hashlib.sha256(each).digest() for each in crls]),
        source is not None,
    )
    # Validity ends with a whole second (RFC 5280 §4.1.2.5).
    at = at.replace(microsecond=0)
    found = _CACHE.get(key, at)
    if found is None:
        found = _Search(others, anchors, at, revocation, crls, source).run(leaf)
        _CACHE.put(key, at, found, _reuse_seconds(found))
    return found


def _reuse_seconds(result: PathResult) -> float:
    """Return for how long an answer may be given again without looking."""
    if result.revocation == "unknown" or any(code_of(r) == PATH_BUDGET for r in result.reasons):
        return 5.0
    return 60.0


@dataclass(frozen=True, slots=True)
class _Search:
    others: Sequence[Certificate]
    anchors: Anchors
    at: datetime
    mode: str
    crls: Sequence[bytes]
    source: RevocationSource | None

    def run(self, leaf: Certificate) -> PathResult:
        budget, parsed = engine.Budget(), engine.Parsed()
        others = index(self.others)
        builder = Builder(self.anchors.by_subject, others, parsed, budget)
        failures: list[PathResult] = []
        try:
            for path in builder.paths(leaf, self.at):
                result = self._check(path, others, parsed, budget)
                # Nothing is better than the first, nothing worse than the second.
                if result.status == TRUSTED or result.revocation == REVOKED:
                    return result
                failures.append(result)
        except engine.BudgetExceeded as error:
            failures.append(PathResult(UNTRUSTED, (reason(PATH_BUDGET, str(error)),)))
        return _best(failures) if failures else _no_path(leaf, self.at)

    def _check(
        self,
        path: tuple[Certificate, ...],
        others: Index,
        parsed: engine.Parsed,
        budget: engine.Budget,
    ) -> PathResult:
        problem = rules.problem(path) or _library_problem(path, self.at, parsed, budget)
        if problem:
            code = code_of(problem)
            status = code if code in {EXPIRED, NOT_YET_VALID} else UNTRUSTED
            return PathResult(status, (problem,), path)
        found = Checker(path, others, self.at, parsed, budget).run(
            self.mode, self.crls, self.source
        )
        return _with_revocation(path, found, self.mode)


def _with_revocation(path: tuple[Certificate, ...], found: Revocation, mode: str) -> PathResult:
    if found.status == REVOKED:
        return PathResult(REVOKED, found.reasons, path, REVOKED)
    refused = found.status == "unknown" and mode in {"hard", "require"}
    return PathResult(UNTRUSTED if refused else TRUSTED, found.reasons, path, found.status)


def _library_problem(
    path: tuple[Certificate, ...], at: datetime, parsed: engine.Parsed, budget: engine.Budget
) -> str:
    try:
        context = make_context(at, parsed, budget, path[-1])
        engine.run(async_validate_path(context, make_path(path, parsed)))
    except errors.ExpiredError as error:
        return reason(EXPIRED, str(error))
    except errors.NotYetValidError as error:
        return reason(NOT_YET_VALID, str(error))
    except errors.DisallowedAlgorithmError as error:
        return reason(WEAK_ALGORITHM, str(error))
    except (errors.ValidationError, errors.PathError, *engine.PARSING_ERRORS) as error:
        return reason(PATH_INVALID, str(error))
    return ""


def _best(failures: Sequence[PathResult]) -> PathResult:
    return failures[0]


def _no_path(leaf: Certificate, at: datetime) -> PathResult:
    why = SELF_SIGNED if leaf.is_self_signed else reason(NO_PATH, leaf.issuer)
    if at > leaf.not_after:
        return PathResult(EXPIRED, (EXPIRED, why))
    if at < leaf.not_before:
        return PathResult(NOT_YET_VALID, (NOT_YET_VALID, why))
    return PathResult(UNTRUSTED, (why,))
