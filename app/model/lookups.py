"""What on-line sources said, kept for a while for all workers, and what of it may be used.

An answer is believed no more than a signed message is (T98, T116): a certificate is used if it
names the very address, is no authority's, has a trusted path, surprises nobody who knows the book,
and no person has disabled or rejected it. It never enters the book and is never pinned.

An answer is kept for a day, "there is none" for an hour, a failure not at all. After a crash: the
source is asked again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from app.mail.address import MalformedAddress, normalise
from app.model.choice import Candidate, Question, choose_newest
from app.model.continuity import find_change_among
from app.model.database import Database
from app.model.facts import ONLY_THIS_ONE, Usable
from app.model.partnerrows import find_disabled_elsewhere
from app.model.pending import is_rejected
from app.model.readable import certificates
from app.model.stored import moment, pack, stamp, storable, unpack
from app.pki.certificate import Certificate
from app.pki.errors import MalformedCertificate
from app.smime.reasons import Reason

FOUND_FOR: Final = timedelta(hours=24)
NONE_FOR: Final = timedelta(hours=1)
CERTIFICATES_AT_MOST: Final = 20
"""Of one answer, authorities included."""

_KEPT_AT_MOST: Final = 100_000
_ADDRESSES_AT_MOST: Final = 10
# As for a harvest: a certificate for a whole telephone book is nobody's own (T52).


def find_answer(
    database: Database, entry: str, address: str, at: datetime
) -> tuple[Certificate, ...] | None:
    """Return what a source said lately, None if it has to be asked. Raises StoreUnavailable."""
    rows = database.sql(
        "SELECT certificates FROM lookedup WHERE source = ? AND address = ? AND expires_at > ?",
        (entry, storable(address), stamp(at)),
    )
    if not rows:
        return None
    kept = [bytes.fromhex(each) for each in unpack(rows[0][0])]
    found = tuple(certificates((f"an answer of {entry}", each) for each in kept))
    return found if len(found) == len(kept) else None


def keep_answer(
    database: Database, entry: str, address: str, found: Sequence[Certificate], at: datetime
) -> None:
    """Keep what a source said. Raises StoreUnavailable."""
    expires_at = at + (FOUND_FOR if found else NONE_FOR)
    packed = pack([each.der.hex() for each in found])
    with database.transaction():
        # One after the other: PostgreSQL would else see a deadlock among those who forget.
        database.exclude("lookedup")
        database.sql_run("DELETE FROM lookedup WHERE expires_at <= ?", (stamp(at),))
        if database.sql("SELECT COUNT(*) FROM lookedup")[0][0] >= _KEPT_AT_MOST:
            return
        database.sql_run(
            "INSERT INTO lookedup (source, address, certificates, expires_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (source, address) DO UPDATE"
            " SET certificates = excluded.certificates, expires_at = excluded.expires_at",
            (entry, storable(address), packed, stamp(expires_at)),
        )


def readable(ders: Sequence[bytes], address: str) -> tuple[Certificate, ...]:
    """Return what of an answer is worth keeping: certificates for the address, and authorities.

    What cannot be read is left out; nobody is there who could repair it.
    """
    return tuple(_readable(ders, address))[:CERTIFICATES_AT_MOST]


def _readable(ders: Sequence[bytes], address: str) -> Iterator[Certificate]:
    authorities = []
    for der in dict.fromkeys(ders):
        try:
            certificate = Certificate.from_der(der)
        except MalformedCertificate:
            continue
        if certificate.is_ca:
            authorities.append(certificate)
        elif is_for(certificate, address):
            yield certificate
    yield from authorities


def is_for(certificate: Certificate, address: str) -> bool:
    """Return whether a certificate names this very address, in the form for look-ups."""
    try:
        return normalise(address) in certificate.addresses
    except MalformedAddress:
        return False


@dataclass(frozen=True, slots=True)
class Judge:
    """Says what of an answer may be used, by the book and by the rules of a question."""

    database: Database
    question: Question

    def usable(self, entry: str, address: str, found: Sequence[Certificate]) -> Usable:
        """Return what can be encrypted to of a source's answer. Raises StoreUnavailable."""
        authorities = tuple(each for each in found if each.is_ca)
        question = replace(self.question, others=authorities)
        reasons: list[Reason] = []
        fit = []
        for certificate in found:
            if certificate.is_ca or not is_for(certificate, address):
                continue
            candidate = Candidate(0, address, certificate, False, False, None, moment(0))  # noqa: FBT003 - not pinned, no sub-domains
            doubt = self._doubt(normalise(address), certificate)
            if doubt is not None:
                reasons.append(doubt)
            elif not question.problems(candidate, reasons):
                fit.append(candidate)
        if not fit:
            return Usable(reasons=tuple(reasons))
        return replace(choose_newest("personal", fit, reasons), partner_ids=(), source=entry)

    def _doubt(self, name: str, certificate: Certificate) -> Reason | None:
        """Return why a person would have to look at it first, None if nobody need."""
        fingerprint = certificate.fingerprint
        short = fingerprint[:16]
        if len(certificate.addresses) > _ADDRESSES_AT_MOST:
            return Reason("many-addresses", short)
        if is_rejected(self.database, name, fingerprint):
            return Reason("blocked-certificate", short)
        rows = self.database.sql(
            "SELECT fingerprint, is_enabled, is_only, certificate FROM partner WHERE name = ?",
            (name,),
        )
        for known, is_enabled, _, _ in rows:
            if known == fingerprint:
                return None if is_enabled else Reason("blocked-certificate", short)
        if find_disabled_elsewhere(self.database, name, fingerprint) is not None:
            return Reason("blocked-certificate", short)
        for known, _, is_only, _ in rows:
            if is_only and known != fingerprint:
                return Reason(ONLY_THIS_ONE, known[:16])
        others = [(der, is_on) for _, is_on, _, der in rows]
        change = find_change_among(certificate, others, self.question.at)
        return Reason(change.code, f"{short} {change.detail}") if change else None
