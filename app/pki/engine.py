"""What one search for a path may cost, and how the validator's coroutines are run.

The validator's functions are coroutines that wait for nothing when nothing is fetched, so they are
stepped by hand: no loop, no thread, no state of the module, safe in every thread and after a fork.
Each thread parses its own asn1crypto objects, because those are not safe to share.
"""

import hashlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

from asn1crypto import algos, keys, x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from pyhanko_certvalidator.sig_validate import (
    DefaultSignatureValidator,
    SignatureValidationContext,
)

from app import patience
from app.cms import der
from app.mail.limits import PATH_SECONDS, PATH_SIGNATURES
from app.pki.certificate import Certificate

T = TypeVar("T")

# The validator writes names from strangers' certificates into the log; whoever asks for a path is
# told, and nobody else.
logging.getLogger("pyhanko_certvalidator").addHandler(logging.NullHandler())
logging.getLogger("pyhanko_certvalidator").propagate = False

# What hostile certificates can raise inside asn1crypto and certvalidator; NotImplementedError is
# how the latter says that it does not know a kind of name constraint.
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


# Signatures that were good once: certificates of authorities and their lists come again and again.
# A mark holds every octet that counts, so that it says the same whoever asks (T67).
_MARKS: Final = 4_096
_MARKED_OCTETS: Final = 64 * 1024
"""What is longer takes as long to mark as to check."""
_AUTHORITIES: Final = 32


class BudgetExceeded(Exception):
    """More signature checks or more time than a path is worth (T55, T110)."""


class OutOfTime(BudgetExceeded):
    """The time is over; this may have been the interpreter's own, and not the path's."""


class _Good:
    """Marks of good signatures, the latest ones; threads share it without a lock, as a Cache."""

    def __init__(self) -> None:
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def has(self, mark: bytes) -> bool:
        """Return whether a signature was good."""
        return mark in self._young or mark in self._old

    def add(self, mark: bytes) -> None:
        """Remember a good signature."""
        if len(self._young) >= _MARKS:
            self._old, self._young = self._young, set()
        self._young.add(mark)


_GOOD: Final = _Good()


def _mark(parts: tuple[bytes, ...]) -> bytes:
    """Return what tells a check of a signature from every other, empty if it is too long."""
    if sum(map(len, parts)) > _MARKED_OCTETS:
        return b""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8))
        digest.update(part)
    return digest.digest()


class Budget:
    """What one search may still spend; a signature that was checked is not paid again.

    The time is the thread's own, so that busy neighbours do not make a good path bad.
    """

    def __init__(self) -> None:
        self._signatures = PATH_SIGNATURES
        self._deadline = time.thread_time() + PATH_SECONDS
        self._seen: dict[tuple[bytes, bytes, bytes], bool] = {}
        self.validator = _CountingValidator(self)

    def check(self, key: tuple[bytes, bytes, bytes], verify: Callable[[], None]) -> bool:
        """Return whether a signature is good, from memory or by checking it."""
        if key not in self._seen:
            self.tick()
            mark = _mark(key)
            if mark and _GOOD.has(mark):
                self._seen[key] = True
                return True
            if self._signatures == 0:
                raise BudgetExceeded(f"more than {PATH_SIGNATURES} signature checks")
            self._signatures -= 1
            try:
                verify()
            except (InvalidSignature, *PARSING_ERRORS):
                self._seen[key] = False
            else:
                self._seen[key] = True
                if mark:
                    _GOOD.add(mark)
        return self._seen[key]

    def tick(self) -> None:
        """Raise BudgetExceeded if the time is over, OutOfPatience if that of the message is."""
        patience.tick()
        if time.thread_time() > self._deadline:
            raise OutOfTime(f"more than {PATH_SECONDS} seconds")


def within_budget(search: Callable[[Budget], T]) -> T:
    """Return what a search finds with a budget of its own; what ran out of time has one more try.

    A collection of garbage in the middle takes the thread's time, and must not make a signature
    look worse than it is. Raises BudgetExceeded.
    """
    with suppress(OutOfTime):
        return search(Budget())
    return search(Budget())


class _CountingValidator(DefaultSignatureValidator):
    """Checks signatures within the budget.

    ``originals`` holds what was really signed where the validator is shown an abridged form; two
    lists may have the same one, and whoever forges the one must not hide the other.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.originals: defaultdict[bytes, set[bytes]] = defaultdict(set)

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = SignatureValidationContext(),  # noqa: B008 - frozen
    ) -> None:
        """Raise InvalidSignature unless the signature is good."""
        named = public_key_info.dump() + signature_algorithm.dump()
        for signed in self.originals.get(signed_data, (signed_data,)):
            verify = partial(
                super().validate_signature,
                signature,
                signed,
                public_key_info,
                signature_algorithm,
                context,
            )
            if self._budget.check((signature, signed, named), verify):
                return
        raise InvalidSignature


class _Local(threading.local):
    def __init__(self) -> None:
        self.authorities: dict[str, x509.Certificate] = {}


_LOCAL: Final = _Local()


class Parsed:
    """The asn1crypto objects of one search, parsed once and used by one thread.

    A thread keeps those of the authorities that it has found on good paths: nearly every search
    ends at one of a few.
    """

    def __init__(self) -> None:
        self._objects: dict[str, x509.Certificate] = dict(_LOCAL.authorities)

    def keep(self, authorities: Iterable[Certificate]) -> None:
        """Keep the objects of these authorities for the next search of this thread."""
        kept = _LOCAL.authorities
        for each in authorities:
            kept[each.fingerprint] = self.get(each)
        while len(kept) > _AUTHORITIES:
            kept.pop(next(iter(kept)))

    def get(self, certificate: Certificate) -> x509.Certificate:
        """Return the object of this search for a certificate."""
        found = self._objects.get(certificate.fingerprint)
        if found is None:
            found = x509.Certificate.load(certificate.der, strict=True)
            _keep_a_labels(found)
            self._objects[certificate.fingerprint] = found
        return found


def _keep_a_labels(certificate: x509.Certificate) -> None:
    """Make the mail addresses be read as they are written.

    QUIRK: asn1crypto 1.5 decodes the A-labels of an address, but not those of a constraint that has
    no "@", so that the two never match; and its codec is slow on hostile labels.
    """
    for name in certificate.subject_alt_name_value or ():
        if name.name == "rfc822_name":
            name.chosen._unicode = name.chosen.contents.decode("latin-1")  # noqa: SLF001


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what the coroutine returns; it must not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("the validator wanted to wait, although nothing is fetched")


def is_signed_by(
    certificate: Certificate, issuer: Certificate, parsed: Parsed, budget: Budget
) -> bool:
    """Return whether the issuer's key made the certificate's signature, however weak it is.

    What is signed is taken from the certificate's own octets, which are also what its fields were
    read from; asn1crypto writes some certificates anew.
    """
    try:
        child = parsed.get(certificate)
        budget.validator.validate_signature(
            child["signature_value"].native,
            der.read_one(certificate.der, der.SEQUENCE).take(der.SEQUENCE).whole,
            parsed.get(issuer).public_key,
            child["signature_algorithm"],
        )
    except (InvalidSignature, *PARSING_ERRORS):
        return False
    return True
