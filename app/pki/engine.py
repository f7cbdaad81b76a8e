"""One certification path through pyhanko-certvalidator, without its network and its event loop.

The validator's functions are coroutines that wait for nothing when nothing is fetched, so they are
stepped by hand: no loop, no thread, no state of the module, safe in every thread and after a fork.
Each validation parses its own asn1crypto objects, because those are not safe to share. RFC 5280 §6.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, TypeVar

from asn1crypto import algos, keys, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.ltv.poe import POEManager
from pyhanko_certvalidator.name_trees import process_general_subtrees
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    AlgorithmUsageConstraint,
    AlgorithmUsagePolicy,
    CertRevTrustPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import CertificateRegistry
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer
from pyhanko_certvalidator.revinfo.manager import RevinfoManager
from pyhanko_certvalidator.sig_validate import (
    DefaultSignatureValidator,
    SignatureValidationContext,
)

from app import clock
from app.mail.limits import PATH_SECONDS, PATH_SIGNATURES
from app.pki import spki
from app.pki.certificate import Certificate

T = TypeVar("T")

# What parsing and checking of hostile certificates can raise inside asn1crypto and certvalidator;
# NotImplementedError is how certvalidator says that it does not know a kind of name constraint.
PARSING_ERRORS: Final = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    AssertionError,
    UnsupportedAlgorithm,
)

_DIGESTS: Final = frozenset(("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"))
_DIGESTLESS: Final = frozenset(("ed25519", "ed448", "mldsa44", "mldsa65", "mldsa87"))

_NO_REVOCATION: Final = CertRevTrustPolicy(
    RevocationCheckingPolicy(RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.NO_CHECK),
    retroactive_revinfo=True,
)


class BudgetExceeded(Exception):
    """More signature checks or more time than a path is worth (T55, T110)."""


class Budget:
    """What one validation may still spend; a signature that was checked is not paid again."""

    def __init__(self) -> None:
        self._signatures = PATH_SIGNATURES
        self._deadline = clock.monotonic() + PATH_SECONDS
        self._seen: dict[tuple[bytes, bytes, bytes], bool] = {}
        self.validator = _CountingValidator(self)

    def check(self, key: tuple[bytes, bytes, bytes], verify: Callable[[], None]) -> bool:
        """Return whether a signature is good, from memory or by checking it."""
        if key not in self._seen:
            self.tick()
            if self._signatures == 0:
                raise BudgetExceeded(f"more than {PATH_SIGNATURES} signature checks")
            self._signatures -= 1
            try:
                verify()
            except (InvalidSignature, *PARSING_ERRORS):
                self._seen[key] = False
            else:
                self._seen[key] = True
        return self._seen[key]

    def tick(self) -> None:
        """Raise BudgetExceeded if the time is over."""
        if clock.monotonic() > self._deadline:
            raise BudgetExceeded(f"more than {PATH_SECONDS} seconds")


class _CountingValidator(DefaultSignatureValidator):
    """Checks signatures within the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = SignatureValidationContext(),  # noqa: B008 - frozen
    ) -> None:
        """Raise InvalidSignature unless the signature is good."""
        verify = partial(
            super().validate_signature,
            signature,
            signed_data,
            public_key_info,
            signature_algorithm,
            context,
        )
        key = (signature, signed_data, public_key_info.dump())
        if not self._budget.check(key, verify):
            raise InvalidSignature


class Algorithms(AlgorithmUsagePolicy):
    """What a certificate may be signed with: SHA-2 or better, no small keys (T56)."""

    def digest_algorithm_allowed(
        self, algo: algos.DigestAlgorithm, moment: datetime | None
    ) -> AlgorithmUsageConstraint:
        """Return whether the digest is strong enough; the moment does not matter."""
        del moment
        name = str(algo["algorithm"].native)
        return AlgorithmUsageConstraint(name in _DIGESTS, failure_reason=name)

    def signature_algorithm_allowed(
        self,
        algo: algos.SignedDigestAlgorithm,
        moment: datetime | None,
        public_key: keys.PublicKeyInfo | None,
    ) -> AlgorithmUsageConstraint:
        """Return whether the signature algorithm and the issuer's key are strong enough."""
        del moment
        problem = _signature_problem(algo)
        if not problem and public_key is not None:
            problem = spki.describe(public_key.dump())[1]
        return AlgorithmUsageConstraint(not problem, failure_reason=problem)


def _signature_problem(algo: algos.SignedDigestAlgorithm) -> str:
    name = str(algo["algorithm"].native)
    if name in _DIGESTLESS:
        return ""
    try:
        scheme, digests = algo.signature_algo, {algo.hash_algo}
    except ValueError:
        return name
    if scheme == "rsassa_pss":
        mask = algo["parameters"]["mask_gen_algorithm"]["parameters"]["algorithm"].native
        digests.add(mask)
    if scheme not in {"rsassa_pkcs1v15", "rsassa_pss", "ecdsa"} or not digests <= _DIGESTS:
        return name
    return ""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what the coroutine returns; it must not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("the validator wanted to wait, although nothing is fetched")


class Parsed:
    """The asn1crypto objects of one validation, parsed once and used by one thread."""

    def __init__(self) -> None:
        self._objects: dict[str, x509.Certificate] = {}

    def get(self, certificate: Certificate) -> x509.Certificate:
        """Return the object of this validation for a certificate."""
        found = self._objects.get(certificate.fingerprint)
        if found is None:
            found = x509.Certificate.load(certificate.der, strict=True)
            self._objects[certificate.fingerprint] = found
        return found


def is_signed_by(
    certificate: Certificate, issuer: Certificate, parsed: Parsed, budget: Budget
) -> bool:
    """Return whether the issuer's key made the certificate's signature, however weak it is."""
    try:
        child = parsed.get(certificate)
        budget.validator.validate_signature(
            child["signature_value"].native,
            child["tbs_certificate"].dump(),
            parsed.get(issuer).public_key,
            child["signature_algorithm"],
        )
    except (InvalidSignature, *PARSING_ERRORS):
        return False
    return True


def trust_anchor(anchor: Certificate, parsed: Parsed) -> CertTrustAnchor:
    """Return the anchor with what its own certificate limits (RFC 5937 §3).

    Its dates, its path length and its name constraints hold; its policies do not, as RFC 5280 §6.1
    takes the initial policy set from the caller, and ours is any-policy.
    """
    certificate = parsed.get(anchor)
    permitted = excluded = None
    constraints = certificate.name_constraints_value
    if constraints is not None:
        if isinstance(constraints["permitted_subtrees"], x509.GeneralSubtrees):
            permitted = process_general_subtrees(constraints["permitted_subtrees"])
        if isinstance(constraints["excluded_subtrees"], x509.GeneralSubtrees):
            excluded = process_general_subtrees(constraints["excluded_subtrees"])
    return CertTrustAnchor(
        certificate,
        TrustQualifiers(
            max_path_length=anchor.path_length,
            valid_from=anchor.not_before,
            valid_until=anchor.not_after,
            standard_parameters=PKIXValidationParams(
                initial_permitted_subtrees=permitted, initial_excluded_subtrees=excluded
            ),
        ),
    )


def context(  # noqa: PLR0913 - the validator's own context has three times as many
    at: datetime,
    parsed: Parsed,
    budget: Budget,
    anchor: Certificate,
    *,
    registry: CertificateRegistry | None = None,
    crls: Iterable[CRLContainer] = (),
    ocsps: Iterable[OCSPContainer] = (),
) -> ValidationContext:
    """Return a validation context that knows one anchor, fetches nothing and spends the budget."""
    registry = CertificateRegistry() if registry is None else registry
    return ValidationContext(
        trust_roots=[trust_anchor(anchor, parsed)],
        moment=at,
        allow_fetching=False,
        revinfo_policy=_NO_REVOCATION,
        time_tolerance=timedelta(0),
        certificate_registry=registry,
        revinfo_manager=RevinfoManager(registry, POEManager(), crls, ocsps),
        algorithm_usage_policy=Algorithms(),
        signature_validator=budget.validator,
    )


def validation_path(path: Sequence[Certificate], parsed: Parsed) -> ValidationPath:
    """Return a path, leaf first and anchor last, in the validator's own form."""
    leaf, *between = (parsed.get(each) for each in path[:-1])
    return ValidationPath(trust_anchor(path[-1], parsed), reversed(between), leaf)
