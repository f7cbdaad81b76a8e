"""Revocation: what CRLs and OCSP responses, given as octets, say about a path. RFC 5280 §6.3.

Nothing is fetched here. The octets come with a message, or from a RevocationSource that has them in
store; they count only if they verify to the path itself. No data, stale data and data that do not
verify are all "unknown", and unknown is never good (T58). RFC 6960 §3.2, RFC 8550 §4.1.
"""

from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from asn1crypto import crl, ocsp
from pyhanko_certvalidator import errors
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.util import ConsList

from app.cms.errors import MalformedCms, TooLarge
from app.mail.limits import CRLS
from app.pki import names
from app.pki.builder import Index
from app.pki.certificate import Certificate
from app.pki.crls import abridge
from app.pki.engine import PARSING_ERRORS, Budget, BudgetExceeded, Parsed, run
from app.pki.reasons import REVOCATION_UNKNOWN, REVOKED, reason
from app.pki.strength import signature_problem
from app.pki.validator import Context, Registry, Revocations, make_context, make_path

GOOD: Final = "good"
UNKNOWN: Final = "unknown"
NOT_CHECKED: Final = "not-checked"

MODES: Final = ("soft", "hard", "require", "off")

OCSP_OCTETS: Final = 1024 * 1024
# Other certificates of a CRL issuer's name that are tried.
ISSUERS: Final = 8


class RevocationSource(Protocol):
    """Where revocation data are in store; an answer may be old, wrong or hostile."""

    def crls(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Sequence[bytes]:
        """Return the CRLs (DER) that the certificate's distribution points gave."""

    def ocsps(self, certificate: Certificate, issuer: Certificate, at: datetime) -> Sequence[bytes]:
        """Return the OCSP responses (DER) about the certificate."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is known about a whole path: revoked, good, unknown or not-checked."""

    status: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checker:
    """The check of one path, leaf first and anchor last, that is valid otherwise."""

    path: Sequence[Certificate]
    others: Index  # where the certificate of a separate CRL issuer may be found
    at: datetime
    parsed: Parsed
    budget: Budget

    def run(
        self, mode: str, message_crls: Sequence[bytes], source: RevocationSource | None
    ) -> Revocation:
        """Return what is known; what an unknown status means is the caller's affair.

        The store is asked first, so that nothing in a message can use up what its check may cost.
        """
        if mode == "off":
            return Revocation(NOT_CHECKED)
        statuses = [UNKNOWN] * (len(self.path) - 1)
        if source is not None:
            self._look(statuses, *self._stored(source), self.budget)
        if message_crls and REVOKED not in statuses and UNKNOWN in statuses:
            with suppress(BudgetExceeded):
                self._look(statuses, message_crls[:CRLS], (), Budget())
        return self._sum(statuses, mode)

    def _sum(self, statuses: Sequence[str], mode: str) -> Revocation:
        """Return the status of the path from those of its certificates.

        Silence matters where a certificate declares that there is something to ask, and under
        "require" for the leaf in any case.
        """
        unknown = []
        for place, (status, certificate) in enumerate(zip(statuses, self.path, strict=False)):
            if status == REVOKED:
                return Revocation(REVOKED, (reason(REVOKED, certificate.subject),))
            matters = certificate.declares_revocation or (mode == "require" and place == 0)
            if status == UNKNOWN and matters:
                unknown.append(reason(REVOCATION_UNKNOWN, certificate.subject))
        if unknown:
            return Revocation(UNKNOWN, tuple(unknown))
        return Revocation(GOOD if GOOD in statuses else NOT_CHECKED)

    def _stored(self, source: RevocationSource) -> tuple[list[bytes], list[bytes]]:
        crls: dict[bytes, None] = {}
        ocsps: dict[bytes, None] = {}
        for certificate, issuer in zip(self.path, self.path[1:], strict=False):
            crls.update(dict.fromkeys(source.crls(certificate, issuer, self.at)))
            ocsps.update(dict.fromkeys(source.ocsps(certificate, issuer, self.at)))
        return list(crls), list(ocsps)

    def _look(
        self,
        statuses: list[str],
        crls: Sequence[bytes],
        ocsps: Sequence[bytes],
        budget: Budget,
    ) -> None:
        """Bring the statuses up to what these data say."""
        lists = [each for octets in crls if (each := self._read_crl(octets, budget))]
        responses = [each for octets in ocsps for each in _read_ocsp(octets)]
        if not lists and not responses:
            return
        registry = self._registry(lists)
        data = Revocations(registry, lists, responses)
        context = make_context(
            self.at, self.parsed, budget, self.path[-1], registry=registry, revocations=data
        )
        whole = make_path(self.path, self.parsed)
        for place, status in enumerate(statuses):
            if status == UNKNOWN:
                data.ask_about(self.parsed.get(self.path[place]))
                statuses[place] = self._one(context, whole, place)

    def _registry(self, lists: Sequence[CRLContainer]) -> Registry:
        registry = Registry()
        for each in self.path:
            registry.register(self.parsed.get(each))
        # RFC 5280 §6.3.3 (f): a CRL may be signed with another key of the authority, or by another
        # authority that the certificate names; its path is validated like any other.
        for issuer in {each.crl_data.issuer.dump(): None for each in lists}:
            for certificate in self.others.find(names.comparable(issuer))[:ISSUERS]:
                with suppress(*PARSING_ERRORS):
                    registry.register(self.parsed.get(certificate))
        return registry

    def _one(self, context: Context, whole: ValidationPath, place: int) -> str:
        certificate = self.parsed.get(self.path[place])

        def state() -> ValProcState:
            return ValProcState(
                cert_path_stack=ConsList.sing(whole), init_index=len(self.path) - 1 - place
            )

        checks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
            lambda: verify_ocsp_response(certificate, whole, context, proc_state=state()),
            lambda: verify_crl(certificate, whole, context, proc_state=state()),
        )
        results = [_outcome(check) for check in checks]
        if REVOKED in results:
            return REVOKED
        return GOOD if GOOD in results else UNKNOWN

    def _read_crl(self, octets: bytes, budget: Budget) -> CRLContainer | None:
        budget.tick()
        try:
            short = abridge(octets, [each.serial for each in self.path])
            if short is None:
                return None
            found = crl.CertificateList.load(short.octets, strict=True)
            # What is malformed or weak is left out here: the validator does not ask for strength.
            if found.issuer.hashable is None or signature_problem(found["signature_algorithm"]):
                return None
        except (MalformedCms, TooLarge, *PARSING_ERRORS):
            return None
        budget.validator.originals[short.shown_tbs] = short.signed_tbs
        return CRLContainer(found)


def _outcome(check: Callable[[], Coroutine[Any, Any, None]]) -> str:
    try:
        run(check())
    except errors.RevokedError:
        return REVOKED
    except (
        errors.CRLValidationError,
        errors.OCSPValidationError,
        errors.ValidationError,
        errors.PathError,
        *PARSING_ERRORS,
    ):
        return UNKNOWN
    return GOOD


def _read_ocsp(octets: bytes) -> list[OCSPContainer]:
    if len(octets) > OCSP_OCTETS:
        return []
    try:
        containers = OCSPContainer.load_multi(ocsp.OCSPResponse.load(octets, strict=True))
        return [each for each in containers if _is_strong(each) and each.issuance_date]
    except PARSING_ERRORS:
        return []


def _is_strong(container: OCSPContainer) -> bool:
    basic = container.extract_basic_ocsp_response()
    return basic is not None and not signature_problem(basic["signature_algorithm"])
