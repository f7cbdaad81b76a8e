"""Candidate certification paths from a leaf to an anchor, within a budget.

Issuers are found by name and taken only if their key made the signature, so that certificates which
merely bear a name cost one signature check each and lead nowhere. Several certificates of the same
name, cross-signs and loops are followed in the order in which they are likely to help. RFC 4158 §2,
RFC 5280 §6.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from app.mail.limits import PATH_CERTIFICATES
from app.pki.certificate import Certificate
from app.pki.engine import Budget, BudgetExceeded, Parsed, is_signed_by, within_budget

# Steps of the search: far above what a real set of authorities needs, and cheap.
STEPS: Final = 2_000
# Of those that lead nowhere, so many are worth a look for more.
DEAD_ENDS: Final = 2


class Index:
    """Certificates by their subject; a second index may stand behind it."""

    def __init__(
        self, certificates: Iterable[Certificate] = (), behind: "Index | None" = None
    ) -> None:
        self._by_subject: dict[tuple[object, ...], list[Certificate]] = {}
        for certificate in dict.fromkeys(certificates):
            self._by_subject.setdefault(certificate.subject_key, []).append(certificate)
        self._behind = behind

    def find(self, subject: tuple[object, ...]) -> list[Certificate]:
        """Return the certificates of a subject, none twice."""
        found = self._by_subject.get(subject, [])
        if self._behind is None:
            return found
        return list(dict.fromkeys((*found, *self._behind.find(subject))))


class Builder:
    """The search for one leaf."""

    def __init__(
        self,
        anchors: Index,
        others: Index,
        parsed: Parsed,
        budget: Budget,
        dead_ends: list[tuple[Certificate, ...]],
    ) -> None:
        """``dead_ends`` gets the first paths whose last certificate nobody at hand has issued."""
        self._anchors = anchors
        self._others = others
        self._parsed = parsed
        self._budget = budget
        self._steps = STEPS
        self._dead_ends = dead_ends

    def paths(self, leaf: Certificate, at: datetime) -> Iterator[tuple[Certificate, ...]]:
        """Yield paths, leaf first and anchor last; may raise BudgetExceeded between two."""
        yield from self._extend((leaf,), at)

    def _extend(
        self, path: tuple[Certificate, ...], at: datetime
    ) -> Iterator[tuple[Certificate, ...]]:
        last = path[-1]
        self._step()
        is_dead_end = True
        for anchor in self._ordered(self._anchors, last, at):
            if anchor != last and self._signed(last, anchor):
                is_dead_end = False
                yield (*path, anchor)
        if len(path) + 1 >= PATH_CERTIFICATES:
            return
        for issuer in self._ordered(self._others, last, at):
            if self._is_new(issuer, path) and self._signed(last, issuer):
                is_dead_end = False
                yield from self._extend((*path, issuer), at)
        if is_dead_end and len(self._dead_ends) < DEAD_ENDS:
            self._dead_ends.append(path)

    def _step(self) -> None:
        self._budget.tick()
        if self._steps == 0:
            raise BudgetExceeded(f"more than {STEPS} steps")
        self._steps -= 1

    def _signed(self, certificate: Certificate, issuer: Certificate) -> bool:
        return is_signed_by(certificate, issuer, self._parsed, self._budget)

    @staticmethod
    def _is_new(issuer: Certificate, path: tuple[Certificate, ...]) -> bool:
        """Return whether the issuer's name and key are not in the path yet (RFC 4158 §5.2)."""
        return all(
            issuer.spki != each.spki or issuer.subject_key != each.subject_key for each in path
        )

    @staticmethod
    def _ordered(where: Index, child: Certificate, at: datetime) -> list[Certificate]:
        """Return the issuers by name, the likely ones first (RFC 4158 §3.5).

        The key identifier orders and does not exclude: authorities have changed it over a renewal.
        """
        return sorted(
            where.find(child.issuer_key),
            key=lambda issuer: (
                bool(child.aki) and bool(issuer.ski) and child.aki != issuer.ski,
                not issuer.not_before <= at <= issuer.not_after,
                -issuer.not_after.timestamp(),
            ),
        )


def line_above(
    certificate: Certificate, bag: Sequence[Certificate], at: datetime
) -> tuple[Certificate, ...]:
    """Return one line of authorities out of a bag, each of whom has issued the one before.

    Nobody says that they are to be believed. A line to a root is better than a longer one without.
    """
    lines: list[tuple[Certificate, ...]] = []

    def search(budget: Budget) -> None:
        lines.clear()
        for _ in Builder(Index(), Index(bag), Parsed(), budget, lines).paths(certificate, at):
            raise AssertionError("without anchors there is no path")

    with suppress(BudgetExceeded):
        within_budget(search)
    best = max(lines, key=lambda line: (line[-1].is_self_signed, len(line)), default=())
    return best[1:]
