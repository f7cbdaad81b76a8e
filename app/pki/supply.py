"""Revocation data for the mail path: from the cache at once, from the network in the background.

Nobody waits for a responder but once, and then for two seconds at most: what is in the cache is
given, what is old there is given and fetched anew meanwhile, and what is missing is waited for a
little (`app.pki.flights`). Only certificates that have a path to an anchor are asked about (T113).

A Supply belongs to the process that made it.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from app.mail.limits import REVOCATION_WAIT_SECONDS
from app.pki.builder import Index
from app.pki.certificate import Certificate
from app.pki.crls import next_update_of, this_update_of
from app.pki.engine import PARSING_ERRORS, Budget, BudgetExceeded, Parsed, within_budget
from app.pki.errors import CannotFetch
from app.pki.fetch import fetch_crl, fetch_ocsp
from app.pki.flights import FetchCache, Flights, Stored
from app.pki.guard import Guard
from app.pki.pointers import crl_urls, ocsp_urls
from app.pki.reasons import REVOKED
from app.pki.revdata import UNKNOWN, next_update_of_response, this_update_of_response
from app.pki.revocation import Checker

# From this age on an answer is fetched anew in the background, or from the middle of its life.
CRL_REFRESH: Final = timedelta(hours=6)
OCSP_REFRESH: Final = timedelta(hours=1)
# An answer that does not say when it ends.
WITHOUT_END: Final = timedelta(hours=1)
# Whoever says that an answer holds longer is not believed.
LONGEST: Final = timedelta(days=366)
THREADS: Final = 8
# Of one responder; the others must not go without because of it.
THREADS_EACH: Final = 4
# More than this takes tens of milliseconds to check, which is a wait as well.
LARGE_OCTETS: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class _Wish:
    """One thing that is to be had from one URL."""

    key: str
    url: str
    pair: tuple[Certificate, Certificate]
    is_list: bool
    guard: Guard | None  # None: it is looked for in the cache, and nobody goes
    get: Callable[[Guard], bytes]
    end_of: Callable[[bytes], datetime | None]
    made_at: Callable[[bytes], datetime | None]
    refresh: timedelta

    @property
    def told_as(self) -> str:
        """Its URL: whoever runs the gateway has to know."""
        return self.url

    def is_due(self, stored: Stored, at: datetime) -> bool:
        """Return whether it is time to fetch this anew."""
        half = (stored.until - stored.fetched_at) / 2
        return at - stored.fetched_at >= min(half, self.refresh)

    def tells(self, octets: bytes, at: datetime) -> bool:
        """Return whether an answer says anything that counts about the certificate."""
        return self._status(octets, at) != UNKNOWN

    def _status(self, octets: bytes, at: datetime) -> str:
        answer = _Answer(((octets,), ()) if self.is_list else ((), (octets,)))

        def ask(budget: Budget) -> str:
            checker = Checker(self.pair, Index(()), at, Parsed(), budget)
            return checker.run("require", (), answer).status

        try:
            return within_budget(ask)
        except BudgetExceeded:
            return UNKNOWN

    def fetch(self, at: datetime, before: Stored | None) -> Stored:
        """Fetch it. Raises CannotFetch, also for an answer that ended before it came.

        What takes away what is known is refused, as a liar would send it. So is an earlier answer:
        whoever is between us and its authority has all that it ever signed.
        """
        answer = self._answer(at)
        if before is None or at > before.until or not self.tells(before.octets, at):
            return answer
        if not self.tells(answer.octets, at):
            raise CannotFetch("the answer tells nothing")
        is_earlier = self._is_earlier(answer.octets, before.octets, at)
        return replace(before, fetched_at=at) if is_earlier else answer

    def _is_earlier(self, octets: bytes, before: bytes, at: datetime) -> bool:
        """Return whether an answer was made before the one that is known.

        Of two of one moment the bad news counts.
        """
        made_at, known = self.made_at(octets), self.made_at(before)
        if made_at is None or known is None or made_at > known:
            return False
        return made_at < known or self._status(before, at) == REVOKED

    def _answer(self, at: datetime) -> Stored:
        assert self.guard is not None, "nobody goes without one"
        try:
            octets = self.get(self.guard)
            end = self.end_of(octets) or at + WITHOUT_END
        except CannotFetch:
            raise
        except PARSING_ERRORS as error:
            raise CannotFetch("the answer cannot be read") from error
        if end < at:
            raise CannotFetch("the answer has ended")
        # What tells nothing may be a lie, or be signed by somebody who is not known yet.
        longest = LONGEST if self.tells(octets, at) else WITHOUT_END
        return Stored(octets, at, min(end, at + longest), self.url)


@dataclass(frozen=True, slots=True)
class _Answer:
    """A RevocationSource that has one answer."""

    answer: tuple[tuple[bytes, ...], tuple[bytes, ...]]

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return it, whatever the question is."""
        del pairs, at
        return self.answer


def _nothing() -> None:
    """Let everybody wait."""


class Supply:
    """A RevocationSource over a cache and the network.

    Without a guard it lives on the cache alone. ``before_waiting`` may raise where nobody may wait,
    be it for the network or for the check of a long list; what is missing is on its way then.
    """

    def __init__(
        self,
        cache: FetchCache,
        guard: Guard | None,
        *,
        wait_seconds: float = REVOCATION_WAIT_SECONDS,
        before_waiting: Callable[[], None] = _nothing,
    ) -> None:
        self._cache = cache
        self._guard = guard
        self._wait_seconds = wait_seconds
        self._before_waiting = before_waiting
        self._flights = Flights(cache, THREADS, THREADS_EACH)

    def about(
        self, pairs: Sequence[tuple[Certificate, Certificate]], at: datetime
    ) -> tuple[Sequence[bytes], Sequence[bytes]]:
        """Return what there is about certificates, after a short wait for what there is not."""
        wishes = [wish for pair in pairs for wish in self._wishes(*pair)]
        if self._guard is not None:
            flights = [each for wish in wishes if (each := self._flights.look_after(wish, at))]
            if flights:
                self._before_waiting()
                self._flights.wait(flights, self._wait_seconds)
        lists: dict[bytes, None] = {}
        responses: dict[bytes, None] = {}
        for wish in wishes:
            stored = self._cache.find(wish.key)
            if stored is not None and at <= stored.until:
                (lists if wish.is_list else responses)[stored.octets] = None
        if sum(map(len, lists)) > LARGE_OCTETS:
            self._before_waiting()
        return list(lists), list(responses)

    def _wishes(self, certificate: Certificate, issuer: Certificate) -> Iterator[_Wish]:
        for url in crl_urls(certificate):
            yield _Wish(
                # Whose list it should be is a part of the question: a certificate of another
                # authority can name the same place, and a lie to it must not count here.
                _key("crl", url, issuer.spki_fingerprint),
                url,
                (certificate, issuer),
                is_list=True,
                guard=self._guard,
                get=partial(fetch_crl, url),
                end_of=next_update_of,
                made_at=this_update_of,
                refresh=CRL_REFRESH,
            )
        for url in ocsp_urls(certificate):
            yield _Wish(
                _key("ocsp", url, issuer.fingerprint, str(certificate.serial)),
                url,
                (certificate, issuer),
                is_list=False,
                guard=self._guard,
                get=partial(fetch_ocsp, url, certificate, issuer),
                end_of=next_update_of_response,
                made_at=partial(this_update_of_response, serial=certificate.serial),
                refresh=OCSP_REFRESH,
            )


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8")).hexdigest()
