"""Revocation: what CRLs and OCSP responses, given as octets, say about a path. RFC 5280 §6.3.

Nothing is fetched here. The octets come with a message, or from a RevocationSource that has them in
store; they count only if they verify to the path itself. No data, stale data and data that do not
verify are all "unknown", and unknown is never good (T58). RFC 6960 §3.2, RFC 8550 §4.1.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Final, Protocol

from pyhanko_certvalidator.revinfo.archival import OCSPContainer

from app.mail.limits import CRLS
from app.pki import spki
from app.pki.builder import Index
from app.pki.certificate import Certificate
from app.pki.crls import issuer_of
from app.pki.engine import (
    PARSING_ERRORS,
    Budget,
    BudgetExceeded,
    Parsed,
    is_signed_by,
    within_budget,
)
from app.pki.plainlists import told_good
from app.pki.reasons import REVOCATION_UNKNOWN, REVOKED, reason
from app.pki.responders import Witnesses, sift
from app.pki.revdata import GOOD, UNKNOWN, read_lists, read_responses
from app.pki.validator import (
    Approved,
    Registry,
    Revocations,
    make_context,
    make_path,
)

NOT_CHECKED: Final = "not-checked"

MODES: Final = ("soft", "hard", "require", "off")

# Other certificates of a CRL issuer's name that are tried.
ISSUERS: Final = 8


class RevocationSource(Protocol):
    """Where revocation data are in store; an answer may be old, wrong or hostile."""

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return CRLs and OCSP responses (DER) about certificates, each with its issuer.

        Whoever waits for some of them waits once for all.
        """


@dataclass(frozen=True, slots=True)
class Revocation:
    """What is known about a whole path: revoked, good, unknown or not-checked."""

    status: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Lists:
    """CRLs, and the serial numbers of responders that may be on them."""

    octets: Sequence[bytes]
    responders: frozenset[int]


@dataclass(frozen=True, slots=True)
class Checker:
    """The check of one path, leaf first and anchor last, that is valid otherwise."""

    path: Sequence[Certificate]
    others: Index  # where the certificate of a separate CRL issuer may be found
    at: datetime
    parsed: Parsed
    budget: Budget
    approved: Approved = field(default_factory=dict)  # of the path, at this very moment

    def run(
        self, mode: str, message_crls: Sequence[bytes], source: RevocationSource | None
    ) -> Revocation:
        """Return what is known; what an unknown status means is the caller's affair.

        The store is asked first, so that nothing in a message can use up what its check may cost.
        What cannot be read after all leaves the statuses as they are, which is unknown.
        """
        if mode == "off":
            return Revocation(NOT_CHECKED)
        statuses = [UNKNOWN] * (len(self.path) - 1)
        if source is not None:
            stored = source.about(list(pairwise(self.path)), self.at)
            with suppress(*PARSING_ERRORS):
                self._look(statuses, *stored, self.budget)
        if message_crls and REVOKED not in statuses and UNKNOWN in statuses:
            self._look_at_message(statuses, message_crls[:CRLS])
        return self._sum(statuses, mode, set(map(issuer_of, message_crls[:CRLS])))

    def _look_at_message(self, statuses: list[str], crls: Sequence[bytes]) -> None:
        """Look at what the message brings, with a budget of its own."""
        with suppress(BudgetExceeded, *PARSING_ERRORS):
            within_budget(partial(self._look, statuses, crls, ()))

    def _sum(
        self, statuses: Sequence[str], mode: str, told: AbstractSet[tuple[object, ...]]
    ) -> Revocation:
        """Return the status of the path from those of its certificates.

        Silence matters where a certificate declares that there is something to ask, where the
        message brings a list of its issuer that tells nothing, and under "require" for the leaf in
        any case.
        """
        unknown = []
        for place, (status, certificate) in enumerate(zip(statuses, self.path, strict=False)):
            if status == REVOKED:
                return Revocation(REVOKED, (reason(REVOKED, certificate.subject),))
            is_told = certificate.declares_revocation or certificate.issuer_key in told
            if status == UNKNOWN and (is_told or (mode == "require" and place == 0)):
                unknown.append(reason(REVOCATION_UNKNOWN, certificate.subject))
        if unknown:
            return Revocation(UNKNOWN, tuple(unknown))
        return Revocation(GOOD if GOOD in statuses else NOT_CHECKED)

    def _look(
        self,
        statuses: list[str],
        crls: Sequence[bytes],
        ocsps: Sequence[bytes],
        budget: Budget,
    ) -> None:
        """Bring the statuses up to what these data say."""
        serials = [each.serial for each in self.path]
        above = [self.parsed.get(each) for each in self.path[1:]]
        responses, responders = sift(read_responses(ocsps, budget), serials, above)
        told = self._told_plainly(crls, responders, budget)
        # Lists that are silent about the path and the responders tell the validator nothing more.
        lists = _Lists(() if told else crls, responders)
        self._look_closely(statuses, lists, responses, budget)
        for place in told:
            if statuses[place] == UNKNOWN:
                statuses[place] = GOOD

    def _told_plainly(
        self, crls: Sequence[bytes], responders: frozenset[int], budget: Budget
    ) -> frozenset[int]:
        """Return the places that plain lists tell good; none where one of them is not plain."""
        if not crls or any(each.der not in self.approved for each in self.path[1:]):
            return frozenset()
        return told_good(self.path, crls, self.at, self.parsed, budget, responders)

    def _look_closely(
        self,
        statuses: list[str],
        crls: _Lists,
        responses: Sequence[OCSPContainer],
        budget: Budget,
    ) -> None:
        """Let the validator say what these data mean."""
        extra = self._other_issuers(crls.octets)
        serials = [*(each.serial for each in (*self.path, *extra)), *crls.responders]
        lists = list(read_lists(crls.octets, serials, budget))
        if not lists and not responses:
            return
        registry = Registry()
        for each in self.path:
            registry.register(self.parsed.get(each))
        data = Revocations(registry, lists, responses)
        context = make_context(self.at, self.parsed, budget, self.path[-1], self.approved, data)
        witnesses = Witnesses(context, data, self.at, budget)
        for issuer in extra:
            if self._may_issue_lists(issuer, witnesses):
                registry.register(self.parsed.get(issuer))
        for place, status in enumerate(statuses):
            if status == UNKNOWN:
                statuses[place] = self._one(witnesses, self.path, place)

    def _other_issuers(self, crls: Sequence[bytes]) -> list[Certificate]:
        """Return the certificates outside the path whose names stand in the lists.

        RFC 5280 §6.3.3 (f): a list may be signed with another key of the authority, or by another
        authority that the certificate names.
        """
        found: dict[Certificate, None] = {}
        for issuer in dict.fromkeys(filter(None, map(issuer_of, crls))):
            for certificate in self.others.find(issuer)[:ISSUERS]:
                if certificate not in self.path and not spki.describe(certificate.spki)[1]:
                    found[certificate] = None
        return list(found)

    def _may_issue_lists(self, issuer: Certificate, witnesses: Witnesses) -> bool:
        """Return whether a certificate outside the path is of an authority on it, and in force."""
        for place, above in enumerate(self.path[1:], start=1):
            if issuer.issuer_key == above.subject_key and is_signed_by(
                issuer, above, self.parsed, witnesses.budget
            ):
                status = self._one(witnesses, (issuer, *self.path[place:]), 0)
                return status == GOOD or (status == UNKNOWN and not issuer.declares_revocation)
        return False

    def _one(self, witnesses: Witnesses, path: Sequence[Certificate], place: int) -> str:
        whole = make_path(path, self.parsed)
        return witnesses.about(self.parsed.get(path[place]), whole, len(path) - 1 - place)
