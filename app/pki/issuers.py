"""Certificates of authorities that nobody sent along, fetched from where a certificate says.

This is for the owner to want, because the URL is a stranger's word: whoever signs mail with a key
of his own could send the gateway to any public host, and learn that it met the mail (T113, T114).
So nobody goes for a certificate that could not sign or be encrypted to, or has a path already; few
go at once, and few in a minute; and with ``only_known`` they go only to hosts that the certificates
of our own authorities name. What comes back is believed no more than what a message brings. It is
kept among the intermediates if it completes a path to an anchor, and else forgotten after a day.
RFC 5280 §4.2.2.1.
"""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from app.mail.limits import PATH_CERTIFICATES
from app.pki import pem
from app.pki.certificate import Certificate, load_certificates
from app.pki.engine import Budget, BudgetExceeded, Parsed, is_signed_by, within_budget
from app.pki.errors import CannotFetch, MalformedCertificate
from app.pki.fetch import fetch_issuers
from app.pki.flights import FetchCache, Flight, Flights, Stored
from app.pki.guard import Guard
from app.pki.path import TRUSTED, Anchors, validate
from app.pki.pointers import crl_urls, issuer_urls, ocsp_urls

URLS: Final = 2
"""Of one certificate."""
AUTHORITIES: Final = 8
"""Of one answer: cross-certificates of the same authority."""
THREADS: Final = 2
WAITING: Final = 2
"""Messages that wait at once for hosts that strangers choose; the others go on without."""
A_MINUTE: Final = 30
"""As many go at most, whatever strangers write."""
FITTING: Final = timedelta(days=1)
"""For how long an answer is given again."""
OTHER: Final = timedelta(hours=1)
"""The same for one that holds other authorities than the one that was looked for."""

Keep = Callable[[Sequence[Certificate], datetime], None]
"""Puts authorities among the intermediates."""


@dataclass(frozen=True, slots=True)
class IssuerFetch:
    """Whom a process may ask for issuers."""

    guard: Guard
    only_known: bool = True


@dataclass(frozen=True, slots=True)
class _Errand:
    """The issuer of the last certificate of a path that leads nowhere yet."""

    key: str
    url: str
    path: tuple[Certificate, ...]
    anchors: Anchors
    wanted: IssuerFetch
    keep: Keep

    @property
    def told_as(self) -> str:
        """Its host, if that is one of our authorities'; what else is in a URL strangers write."""
        return _place(self.url) if self.wanted.only_known else ""

    def is_due(self, stored: Stored, at: datetime) -> bool:
        """Return False: a certificate does not change."""
        del stored, at
        return False

    def fetch(self, at: datetime, before: Stored | None) -> Stored:
        """Fetch it. Raises CannotFetch."""
        del before
        found = [each for each in fetch_issuers(self.url, self.wanted.guard) if each.is_ca][
            :AUTHORITIES
        ]
        if not found:
            raise CannotFetch("the answer holds no authority's certificate")
        try:
            fitting = _who_issued(found, self.path[-1])
        except BudgetExceeded as error:
            raise CannotFetch("the answer takes too long to check") from error
        if fitting:
            self._keep_what_helps(found, at)
        octets = b"".join(pem.encode(each.der) for each in found)
        return Stored(octets, at, at + (FITTING if fitting else OTHER), self.told_as)

    def _keep_what_helps(self, found: Sequence[Certificate], at: datetime) -> None:
        """Keep the authorities of a path that is good as a whole.

        Whoever has a certificate below a true authority can issue more with it, under any name; no
        such path is good, and twins of an authority would stand in everybody's way (T110).
        """
        leaf, *between = self.path
        result = validate(leaf, (*between, *found), self.anchors, at=at, revocation="off")
        if result.status == TRUSTED:
            self.keep(result.path[1:-1], at)


def _nothing() -> None:
    """Let everybody wait."""


class IssuerSupply:
    """An IssuerSource over a cache and the network."""

    def __init__(
        self,
        cache: FetchCache,
        fetch: IssuerFetch,
        keep: Keep,
        *,
        before_waiting: Callable[[], None] = _nothing,
    ) -> None:
        """``before_waiting`` may raise where nobody may wait; what is missing is on its way."""
        self._cache = cache
        self._fetch = fetch
        self._keep = keep
        self._before_waiting = before_waiting
        self._flights = Flights(cache, THREADS, 1, A_MINUTE)
        self._waiting = threading.BoundedSemaphore(WAITING)
        self._known: tuple[str, frozenset[str]] = ("", frozenset())

    def above(
        self, path: tuple[Certificate, ...], anchors: Anchors, at: datetime, seconds: float
    ) -> Sequence[Certificate]:
        """Return who may have issued the last certificate of a path, after a wait at most so long.

        None of them is checked: whether one has is for whoever builds the path.
        """
        errands = list(self._errands(path, anchors))
        flights = [each for errand in errands if (each := self._flights.look_after(errand, at))]
        if flights:
            self._before_waiting()
            self._wait(flights, seconds)
        found: dict[Certificate, None] = {}
        for errand in errands:
            stored = self._cache.find(errand.key)
            if stored is not None and at <= stored.until:
                found |= dict.fromkeys(_read(stored.octets))
        return tuple(found)

    def _wait(self, flights: Sequence[Flight], seconds: float) -> None:
        if self._fetch.only_known:
            self._flights.wait(flights, seconds)
        # Who is kept waiting by strangers must not be everybody (T115).
        elif self._waiting.acquire(blocking=False):
            try:
                self._flights.wait(flights, seconds)
            finally:
                self._waiting.release()

    def _errands(self, path: tuple[Certificate, ...], anchors: Anchors) -> Iterator[_Errand]:
        urls = () if path[-1].is_self_signed else issuer_urls(path[-1])[:URLS]
        for url in urls:
            if self._may_ask(url, anchors):
                key = hashlib.sha256(f"issuer\n{url}".encode()).hexdigest()
                yield _Errand(key, url, path, anchors, self._fetch, self._keep)

    def _may_ask(self, url: str, anchors: Anchors) -> bool:
        if not self._fetch.only_known:
            return True
        key, hosts = self._known
        if key != anchors.key:
            self._before_waiting()
            hosts = frozenset(_hosts((*anchors.ders, *anchors.intermediates)))
            self._known = anchors.key, hosts
        return _host(url) in hosts


def fetch_chain(
    leaf: Certificate, known: Sequence[Certificate], guard: Guard, at: datetime
) -> tuple[tuple[Certificate, ...], str]:
    """Return the authorities above a certificate without the root, and why there are not more.

    Those that are known are not fetched; "" says that the chain ends at a root, or at an authority
    whose certificate names no place. For who may wait: the owner of the certificate.
    """
    chain: list[Certificate] = []
    last, problem = leaf, ""
    while len(chain) < PATH_CERTIFICATES - 2 and not last.is_self_signed:
        above = _issuer_among(known, last, at)
        if above is None:
            fetched, problem = _fetch_first(issuer_urls(last)[:URLS], guard)
            above = _issuer_among(fetched, last, at)
            if fetched and above is None:
                problem = "none of the authorities there has issued it"
        if above is None or above.is_self_signed:
            break
        last = above
        chain.append(last)
    return tuple(chain), problem


def _issuer_among(
    candidates: Sequence[Certificate], below: Certificate, at: datetime
) -> Certificate | None:
    """Return who has issued a certificate, a root before others, then who is in force the longest.

    Raises nothing: what takes too long to look at has issued nothing.
    """
    found: list[Certificate] = []
    with suppress(BudgetExceeded):
        found = _who_issued(candidates, below)
    return max(
        found,
        key=lambda each: (
            each.is_self_signed,
            each.not_before <= at <= each.not_after,
            each.not_after,
        ),
        default=None,
    )


def _who_issued(candidates: Sequence[Certificate], below: Certificate) -> list[Certificate]:
    """Return who of them has issued a certificate. Raises BudgetExceeded."""
    named = [each for each in candidates if each.is_ca and each.subject_key == below.issuer_key]

    def search(budget: Budget) -> list[Certificate]:
        parsed = Parsed()
        return [each for each in named if is_signed_by(below, each, parsed, budget)]

    return within_budget(search)


def _fetch_first(urls: Sequence[str], guard: Guard) -> tuple[Sequence[Certificate], str]:
    """Return what the first URL that answers has, or why the last one does not."""
    problem = ""
    for url in urls:
        try:
            return fetch_issuers(url, guard)[:AUTHORITIES], ""
        except CannotFetch as error:
            problem = f"{url}: {error}"
    return (), problem


def _hosts(authorities: Sequence[Certificate]) -> Iterator[str]:
    for each in authorities:
        for url in (*crl_urls(each), *ocsp_urls(each), *issuer_urls(each)):
            yield _host(url)


def _host(url: str) -> str:
    """Return the host of a URL, empty for a malformed one, which the Guard refuses."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _place(url: str) -> str:
    """Return the URL of the host alone, with its port if that is a number and not 80."""
    host = _host(url)
    try:
        port = urlsplit(url).port or 80
    except ValueError:
        port = 80
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}{'' if port == 80 else f':{port}'}/"


def _read(octets: bytes) -> Sequence[Certificate]:
    try:
        return load_certificates(octets)
    except MalformedCertificate:
        return ()
