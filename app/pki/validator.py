"""pyhanko-certvalidator with the memory that our certificates need. RFC 5280 §6.

QUIRK: certvalidator 0.33 remembers a validated certificate, and the issuer of a CRL, by the value
of the signature alone, and keeps one certificate per issuer and serial number. Whoever copies a
good signature onto a certificate or a CRL of his own, or reuses a serial number, would be taken for
the other. The classes here remember whole octets.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import crl, x509
from pyhanko_certvalidator import errors
from pyhanko_certvalidator.authority import Authority, CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.ltv.poe import POEManager
from pyhanko_certvalidator.name_trees import (
    PKIXSubtrees,
    default_excluded_subtrees,
    default_permitted_subtrees,
    process_general_subtrees,
)
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    PKIXValidationParams,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.registry import CertificateRegistry
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer
from pyhanko_certvalidator.revinfo.manager import RevinfoManager
from pyhanko_certvalidator.validate import async_validate_path

from app.pki.certificate import Certificate
from app.pki.engine import PARSING_ERRORS, Budget, Parsed, run
from app.pki.reasons import (
    BAD_SIGNATURE,
    EXPIRED,
    NAME_CONSTRAINTS,
    NOT_A_CA,
    NOT_YET_VALID,
    PATH_INVALID,
    PATH_LENGTH,
    POLICY,
    UNKNOWN_CRITICAL,
    WEAK_ALGORITHM,
    reason,
)
from app.pki.revdata import is_made_after, serial_of
from app.pki.strength import Algorithms

# QUIRK: certvalidator has one error for all of these; only its words tell them apart. Should the
# words change, the reason becomes path-invalid with the new words beside it.
_CODES: Final = (
    ("maximum path length", PATH_LENGTH),
    ("is not a CA", NOT_A_CA),
    ("not allowed to sign certificates", NOT_A_CA),
    ("namespace of the issuing authority", NAME_CONSTRAINTS),
    ("set of policies", POLICY),
    ("unsupported critical extension", UNKNOWN_CRITICAL),
    ("signature", BAD_SIGNATURE),
)

# Revocation is asked for by `app.pki.revocation`, once the path is known to be good otherwise.
_NO_REVOCATION: Final = CertRevTrustPolicy(
    RevocationCheckingPolicy(RevocationCheckingRule.NO_CHECK, RevocationCheckingRule.NO_CHECK),
    retroactive_revinfo=True,
)


class Registry(CertificateRegistry):
    """Certificates by name and key, none in the place of another."""

    def __init__(self) -> None:
        super().__init__()
        self._held: set[bytes] = set()

    def register(self, cert: x509.Certificate) -> bool:
        """Add a certificate; it is not believed for being here."""
        octets = cert.dump()
        if octets in self._held:
            return False
        self._held.add(octets)
        key_hash = cert.public_key.sha1
        self.certs.setdefault(cert.issuer_serial, cert)
        self._subject_map[cert.subject.hashable].append(cert)
        self._key_hash_map[key_hash].append(cert)
        self._key_identifier_map[cert.key_identifier or key_hash].append(cert)
        return True


class Revocations(RevinfoManager):
    """Revocation data whose signatures are checked each time (the budget remembers them).

    QUIRK: certvalidator takes the CRL of anybody whose certificate comes from the same authority,
    unless keyUsage forbids it: one subscriber could revoke another, or clear himself. Here a list
    counts only if the certificate in question names its issuer (RFC 5280 §6.3.3 (b)).
    """

    def __init__(
        self,
        registry: Registry,
        crls: Iterable[CRLContainer] = (),
        ocsps: Iterable[OCSPContainer] = (),
    ) -> None:
        super().__init__(registry, POEManager(), crls, ocsps)
        self.registry = registry
        self._issuers: set[str] = set()
        self._latest: datetime | None = None
        self._shown: list[OCSPContainer] = []

    def ask_about(self, certificate: x509.Certificate) -> None:
        """Show only the lists that the certificate's issuer, or who it names for it, has made."""
        self._issuers = {certificate.issuer.hashable}
        for point in certificate.crl_distribution_points_value or ():
            for name in point["crl_issuer"] or ():
                if name.name == "directory_name":
                    self._issuers.add(name.chosen.hashable)

    def answers_about(self, certificate: x509.Certificate) -> list[OCSPContainer]:
        """Return the answers that may be about a certificate."""
        return [each for each in self._ocsps if serial_of(each) == certificate.serial_number]

    def show(self, answer: OCSPContainer) -> None:
        """Show one answer alone: the validator stops at the first one that tells good news."""
        self._shown = [answer]

    async def async_retrieve_ocsps(
        self, cert: x509.Certificate, authority: Authority
    ) -> list[OCSPContainer]:
        """Return the answer that is shown."""
        del cert, authority
        return self._shown

    def leave_out_after(self, latest: datetime | None) -> bool:
        """Show no list that was made after a moment; return whether there is such a one."""
        self._latest = latest
        return latest is not None and any(is_made_after(each, latest) for each in self._crls)

    def currently_available_crls(self) -> list[CRLContainer]:
        """Return the lists for the certificate that was asked about last."""
        return [
            each
            for each in self._crls
            if each.crl_data.issuer.hashable in self._issuers
            and not (self._latest is not None and is_made_after(each, self._latest))
        ]

    def check_crl_issuer(self, certificate_list: crl.CertificateList) -> None:
        """Return None: a CRL is never believed because another one had its signature."""
        del certificate_list


# Authorities of a path that are validated for a moment, by their octets. They need not be validated
# again where they have issued a list.
Approved = dict[bytes, ValidationPath]


class Context(ValidationContext):
    """A validation context that tells certificates apart by all their octets."""

    def __init__(self, approved: Approved, **words: object) -> None:
        super().__init__(**words)  # type: ignore[arg-type]  # named where it is made, below
        self._validated = dict(approved)

    def record_validation(self, cert: x509.Certificate, path: ValidationPath) -> None:
        """Remember that the path leads to the certificate and is good."""
        self._validated[cert.dump()] = path

    def check_validation(self, cert: x509.Certificate) -> ValidationPath | None:
        """Return the good path to the certificate, if one is remembered."""
        return self._validated.get(cert.dump())

    def clear_validation(self, cert: x509.Certificate) -> None:
        """Forget the path to the certificate."""
        self._validated.pop(cert.dump(), None)


def make_context(
    at: datetime,
    parsed: Parsed,
    budget: Budget,
    anchor: Certificate,
    approved: Approved,
    revocations: Revocations | None = None,
) -> Context:
    """Return a context that knows one anchor, fetches nothing and spends the budget."""
    revocations = revocations or Revocations(Registry())
    return Context(
        approved,
        trust_roots=[_trust_anchor(anchor, parsed)],
        moment=at,
        allow_fetching=False,
        revinfo_policy=_NO_REVOCATION,
        time_tolerance=timedelta(0),
        certificate_registry=revocations.registry,
        revinfo_manager=revocations,
        algorithm_usage_policy=Algorithms(),
        signature_validator=budget.validator,
    )


def library_problem(
    path: Sequence[Certificate], at: datetime, parsed: Parsed, budget: Budget, approved: Approved
) -> str:
    """Return the reason that the library has against a path, empty if it has none.

    Then its authorities are ``approved`` for this moment. A self-issued one in the middle is not:
    it was excused from name constraints (RFC 5280 §6.1.3 (b)).
    """
    try:
        context = make_context(at, parsed, budget, path[-1], {})
        run(async_validate_path(context, make_path(path, parsed)))
        for each in path[1:]:
            found = context.check_validation(parsed.get(each))
            if found and (each is path[-1] or each.subject_key != each.issuer_key):
                approved[each.der] = found
    except errors.ExpiredError as error:
        return reason(EXPIRED, _told(error))
    except errors.NotYetValidError as error:
        return reason(NOT_YET_VALID, _told(error))
    except errors.DisallowedAlgorithmError as error:
        return reason(WEAK_ALGORITHM, _told(error))
    except errors.ValidationError as error:
        text = _told(error)
        return reason(next((code for words, code in _CODES if words in text), PATH_INVALID), text)
    except (errors.PathError, *PARSING_ERRORS) as error:
        return reason(PATH_INVALID, f"{type(error).__name__} {error}")
    return ""


def _told(error: Exception) -> str:
    return str(error).replace("The path could not be validated because ", "")


def make_path(path: Sequence[Certificate], parsed: Parsed) -> ValidationPath:
    """Return a path, leaf first and anchor last, in the validator's own form."""
    leaf, *between = (parsed.get(each) for each in path[:-1])
    return ValidationPath(_trust_anchor(path[-1], parsed), reversed(between), leaf)


def _trust_anchor(anchor: Certificate, parsed: Parsed) -> CertTrustAnchor:
    """Return the anchor with what its own certificate limits (RFC 5937 §3).

    Its dates, its path length and its name constraints hold; its policies do not, as RFC 5280 §6.1
    takes the initial policy set from the caller, and ours is any-policy.
    """
    certificate = parsed.get(anchor)
    permitted, excluded = default_permitted_subtrees(), default_excluded_subtrees()
    constraints = certificate.name_constraints_value
    if constraints is not None:
        _limit(permitted, constraints["permitted_subtrees"])
        _limit(excluded, constraints["excluded_subtrees"])
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


def _limit(trees: PKIXSubtrees, subtrees: x509.GeneralSubtrees) -> None:
    if isinstance(subtrees, x509.GeneralSubtrees):
        trees.update(process_general_subtrees(subtrees))
