"""Revocation: what CRLs and OCSP responses, given as octets, say about a path. RFC 5280 §6.3.

Nothing is fetched here. The octets come with a message, or from a RevocationSource that has them in
store; they count only if they verify to the path itself. No data, stale data and data that do not
verify are all "unknown", and unknown is never good (T58). RFC 6960 §3.2.
"""

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator import errors
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.registry import CertificateRegistry
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.util import ConsList

from app.mail.limits import CRLS
from app.pki import engine
from app.pki.certificate import Certificate
from app.pki.reasons import REVOCATION_UNKNOWN, REVOKED, reason

GOOD: Final = "good"
UNKNOWN: Final = "unknown"
NOT_CHECKED: Final = "not-checked"

MODES: Final = ("soft", "hard", "require", "off")


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


class _VerifiedStore(CertificateRegistry):
    """Certificates that may issue CRLs or sign OCSP responses: of the path, or signed by it.

    certvalidator remembers a validated certificate by the value of its signature, so that a
    certificate which merely copies the signature of a good one would pass for it. Nothing gets in
    here whose signature was not checked.
    """

    def __init__(self, may_enter: Callable[[x509.Certificate], bool]) -> None:
        super().__init__()
        self._may_enter = may_enter
        self._held: set[bytes] = set()

    def register(self, cert: x509.Certificate) -> bool:
        """Add a certificate, unless nobody on the path vouches for it."""
        octets = cert.dump()
        if octets in self._held or not self._may_enter(cert):
            return False
        self._held.add(octets)
        # Its own map is by issuer and serial, and would keep only the first of two (T45).
        self._subject_map[cert.subject.hashable].append(cert)
        key_hash = cert.public_key.sha1
        self._key_hash_map[key_hash].append(cert)
        self._key_identifier_map[cert.key_identifier or key_hash].append(cert)
        self.certs.setdefault(cert.issuer_serial, cert)
        return True


@dataclass(frozen=True, slots=True)
class Checker:
    """The check of one path, leaf first and anchor last, that is valid otherwise."""

    path: Sequence[Certificate]
    at: datetime
    parsed: engine.Parsed
    budget: engine.Budget
    crls: Sequence[bytes]
    source: RevocationSource | None

    def run(self, mode: str) -> Revocation:
        """Return what is known; ``mode`` decides which silence matters.

        soft and hard ask of certificates that declare where revocation is found; require asks of
        the leaf in any case. What an unknown status means is the caller's affair.
        """
        if mode == "off":
            return Revocation(NOT_CHECKED)
        validation = self._context()
        whole = self.path_object()
        statuses = []
        for place in range(len(self.path) - 1):
            certificate = self.path[place]
            status = self._one(validation, whole, place)
            if status == REVOKED:
                return Revocation(REVOKED, (reason(REVOKED, certificate.subject),))
            matters = certificate.declares_revocation or (mode == "require" and place == 0)
            if status == GOOD or matters:
                statuses.append((status, certificate))
        unknown = [each for status, each in statuses if status != GOOD]
        if unknown:
            return Revocation(
                UNKNOWN, tuple(reason(REVOCATION_UNKNOWN, each.subject) for each in unknown)
            )
        return Revocation(GOOD if statuses else NOT_CHECKED)

    def path_object(self) -> ValidationPath:
        """Return the path in the validator's own form."""
        return engine.validation_path(self.path, self.parsed)

    def _context(self) -> ValidationContext:
        return engine.context(
            self.at,
            self.parsed,
            self.budget,
            self.path[-1],
            registry=self._store(),
            crls=self._crls(),
            ocsps=self._ocsps(),
        )

    def _store(self) -> _VerifiedStore:
        on_path = {each.der for each in self.path}
        store = _VerifiedStore(lambda each: each.dump() in on_path or self._is_vouched(each))
        for each in self.path:
            store.register(self.parsed.get(each))
        return store

    def _is_vouched(self, candidate: x509.Certificate) -> bool:
        certificate = Certificate.from_der(candidate.dump())
        return any(
            certificate.issuer_key == each.subject_key
            and engine.is_signed_by(certificate, each, self.parsed, self.budget)
            for each in self.path[1:]
        )

    def _pairs(self) -> Iterable[tuple[Certificate, Certificate]]:
        return zip(self.path, self.path[1:], strict=False)

    def _crls(self) -> list[CRLContainer]:
        octets = list(self.crls[:CRLS])
        if self.source is not None:
            for certificate, issuer in self._pairs():
                octets += self.source.crls(certificate, issuer, self.at)
        return [CRLContainer(each) for each in map(_read_crl, dict.fromkeys(octets)) if each]

    def _ocsps(self) -> list[OCSPContainer]:
        if self.source is None:
            return []
        octets: list[bytes] = []
        for certificate, issuer in self._pairs():
            octets += self.source.ocsps(certificate, issuer, self.at)
        containers: list[OCSPContainer] = []
        for each in dict.fromkeys(octets):
            containers += _read_ocsp(each)
        return containers

    def _one(self, validation: ValidationContext, whole: ValidationPath, place: int) -> str:
        certificate = self.parsed.get(self.path[place])
        place_in_path = len(self.path) - 1 - place

        def state() -> ValProcState:
            return ValProcState(cert_path_stack=ConsList.sing(whole), init_index=place_in_path)

        checks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = (
            lambda: verify_ocsp_response(certificate, whole, validation, proc_state=state()),
            lambda: verify_crl(certificate, whole, validation, proc_state=state()),
        )
        results = [_outcome(check) for check in checks]
        if REVOKED in results:
            return REVOKED
        return GOOD if GOOD in results else UNKNOWN


def _outcome(check: Callable[[], Coroutine[Any, Any, None]]) -> str:
    try:
        engine.run(check())
    except errors.RevokedError:
        return REVOKED
    except (
        errors.CRLValidationError,
        errors.OCSPValidationError,
        errors.ValidationError,
        errors.PathError,
        *engine.PARSING_ERRORS,
    ):
        return UNKNOWN
    return GOOD


def _read_crl(octets: bytes) -> crl.CertificateList | None:
    try:
        found = crl.CertificateList.load(octets, strict=True)
        # Everything is looked at now, so that what is malformed is left out here.
        found["tbs_cert_list"].native  # noqa: B018
        found.issuer.hashable  # noqa: B018
    except engine.PARSING_ERRORS:
        return None
    return found


def _read_ocsp(octets: bytes) -> list[OCSPContainer]:
    try:
        containers = OCSPContainer.load_multi(ocsp.OCSPResponse.load(octets, strict=True))
        for each in containers:
            each.issuance_date  # noqa: B018
    except engine.PARSING_ERRORS:
        return []
    return containers
