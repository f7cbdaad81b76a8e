"""What the tests of app/model share: an authority, people, and a policy of one changed route."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from app.model.facts import Addressed, Facts, KeyInfo, ManagedDomain, Usable
from app.model.policy import Policy, read_rows, shipped_rows
from app.pki.certificate import Certificate
from app.smime.reasons import Reason
from tests.testpki import AT, TestCA, TestIdentity, ca

ALICE = "alice@nord.example"
BOB = "bob@partner.example"
NORD = "nord.example"
DAY = timedelta(days=1)


@cache
def root() -> TestCA:
    return ca("Test Root")


@cache
def _person(address: str, name: str, how: tuple[tuple[str, Any], ...]) -> TestIdentity:
    return root().issue(address, **{"key": "p256", **dict(how)})


def person(address: str, name: str = "", **how: Any) -> TestIdentity:
    """Return one certificate of a person; another name is another certificate of the same one."""
    return _person(address, name, tuple(sorted(how.items())))


def certificate(address: str, name: str = "", **how: Any) -> Certificate:
    return Certificate.from_der(person(address, name, **how).certificate)


def key(address: str = ALICE, name: str = "", *, retired: bool = False, **how: Any) -> KeyInfo:
    """Return an own key, called by the name."""
    found = certificate(address, name, **how)
    return KeyInfo(name or found.fingerprint[:16], found, frozenset(found.addresses), retired)


@dataclass(frozen=True)
class World:
    """A policy and the managed domains, as plan() sees a Snapshot."""

    policy: Policy
    domains: Mapping[str, ManagedDomain] = field(default_factory=dict)


def world(
    sign_to: frozenset[str] = frozenset(), keys: tuple[str, ...] = (), **fields: Any
) -> World:
    """Return a world whose policy differs from the shipped one in these fields."""
    last = shipped_rows()[0].to_json()
    rows = [{"name": "changed", **fields}, last] if fields else [last]
    return World(Policy(read_rows(rows)), {NORD: ManagedDomain(NORD, sign_to, keys)})


NOBODY = Usable(reasons=(Reason("no-partner-certificate"),))


def usable(*addresses: str) -> Usable:
    return Usable(tuple(certificate(each) for each in addresses), "personal")


def facts(**what: Any) -> Facts:
    """Return the facts of an ordinary message of Alice's to somebody without certificate."""
    return Facts(**{"at": AT, "from_address": ALICE, "partner": NOBODY, **what})


TO_BOB = Addressed(ALICE, BOB)
