"""What lists and OCSP responses say about one certificate, and whose word counts. RFC 6960 §3.2.

The validator finds the responder among the certificates in a response and asks whether its
authority has made it one (RFC 6960 §4.2.2.2). Two things are seen to here.

QUIRK: certvalidator 0.33 takes a certificate for the authority itself if issuer, serial number and
the value of the signature are the authority's. Whoever copies these onto a key of his own could
answer in its name, so that a response counts for nothing that brings such a copy.

A responder that has been revoked says nothing any more, good news or bad. That is known from lists
and responses that are there; nobody fetches them for its sake, and without them it is believed,
whether its certificate has id-pkix-ocsp-nocheck or not.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from asn1crypto import ocsp, x509
from pyhanko_certvalidator._state import ValProcState
from pyhanko_certvalidator.authority import AuthorityWithCert
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.revinfo.archival import OCSPContainer
from pyhanko_certvalidator.revinfo.validate_crl import verify_crl
from pyhanko_certvalidator.revinfo.validate_ocsp import verify_ocsp_response
from pyhanko_certvalidator.util import ConsList

from app.pki.engine import PARSING_ERRORS, Budget
from app.pki.reasons import REVOKED
from app.pki.revdata import GOOD, UNKNOWN, is_made_after, outcome, serial_of, together
from app.pki.validator import Context, Revocations

# Good news that was made later than this from now is no news (RFC 6960 §4.2.2.1).
CLOCKS_DIFFER: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Lists and responses, heard about certificates that have a valid path otherwise."""

    context: Context
    data: Revocations
    at: datetime
    budget: Budget
    _revoked: dict[bytes, bool] = field(default_factory=dict)  # responders, by their octets

    def about(self, certificate: x509.Certificate, path: ValidationPath, index: int) -> str:
        """Return whether a certificate, which stands at a place of the path, is revoked or good."""

        def state() -> ValProcState:
            return ValProcState(cert_path_stack=ConsList.sing(path), init_index=index)

        def told_by(answer: OCSPContainer) -> str:
            self.data.show(answer)
            told = outcome(
                lambda: verify_ocsp_response(certificate, path, self.context, proc_state=state())
            )
            if told == GOOD and is_made_after(answer, latest):
                return UNKNOWN
            # Last, as only what verifies is worth the look.
            return UNKNOWN if told != UNKNOWN and self._is_void(answer, certificate, path) else told

        def told_by_lists() -> str:
            self.data.ask_about(certificate)
            return outcome(lambda: verify_crl(certificate, path, self.context, proc_state=state()))

        latest = self.at + CLOCKS_DIFFER
        self.data.leave_out_after(None)
        told = [told_by_lists(), *map(told_by, self.data.answers_about(certificate))]
        if told[0] == GOOD and self.data.leave_out_after(latest):
            told[0] = told_by_lists()
        return together(told)

    def _is_void(
        self, answer: OCSPContainer, certificate: x509.Certificate, path: ValidationPath
    ) -> bool:
        """Return whether the responder of an answer that verifies has been revoked."""
        authority = path.find_issuing_authority(certificate)
        assert isinstance(authority, AuthorityWithCert), "all of ours have certificates"
        issuer = authority.certificate
        return any(
            self._is_revoked(each, path.truncate_to_and_append(issuer, each))
            for each in _responders(answer)
            if each.dump() != issuer.dump()
        )

    def _is_revoked(self, responder: x509.Certificate, path: ValidationPath) -> bool:
        octets = responder.dump()
        if octets not in self._revoked:
            self.budget.tick()
            # Of two that accuse each other neither is believed.
            self._revoked[octets] = True
            told = self.about(responder, path, path.pkix_len)
            self._revoked[octets] = told == REVOKED
        return self._revoked[octets]


def sift(
    answers: Iterable[OCSPContainer],
    serials: Collection[int],
    authorities: Sequence[x509.Certificate],
) -> tuple[list[OCSPContainer], frozenset[int]]:
    """Return the answers that can count, and the serial numbers of their responders.

    They are about these serial numbers or those of responders, and bring no other certificate in
    the place of an authority.
    """
    known = {each.issuer_serial: each.dump() for each in authorities}
    found: list[OCSPContainer] = []
    responders: set[int] = set()
    for answer in answers:
        try:
            brought = [(each.issuer_serial, each.dump()) for each in _certificates(answer)]
            numbers = {each.serial_number for each in _responders(answer)}
        except PARSING_ERRORS:
            continue
        if all(known.get(number, octets) == octets for number, octets in brought):
            found.append(answer)
            responders |= numbers
    wanted = responders.union(serials)
    return [each for each in found if serial_of(each) in wanted], frozenset(responders)


def _certificates(answer: OCSPContainer) -> list[x509.Certificate]:
    return list(_basic(answer)["certs"] or ())


def _responders(answer: OCSPContainer) -> list[x509.Certificate]:
    """Return the certificates in a response that bear the name or the key of its responder."""
    named = _basic(answer)["tbs_response_data"]["responder_id"]
    if named.name == "by_key":
        digest = named.native
        return [
            each
            for each in _certificates(answer)
            if digest in {each.public_key.sha1, each.key_identifier}
        ]
    subject = named.chosen.hashable
    return [each for each in _certificates(answer) if each.subject.hashable == subject]


def _basic(answer: OCSPContainer) -> ocsp.BasicOCSPResponse:
    basic = answer.extract_basic_ocsp_response()
    assert basic is not None, "it is one of the answers that there are"
    return basic
