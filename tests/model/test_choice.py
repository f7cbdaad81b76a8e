"""What a person approved needs no path, but a revoked certificate is used by nobody (T96)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from app.model.choice import Candidate, PartnerChoice
from app.model.facts import Usable
from app.pki.certificate import Certificate
from app.pki.path import Anchors
from tests.model.house import BOB
from tests.testpki import AT, TestIdentity, ca

ROOT = ca("Revoking Root", url="http://crl.example/root")
GOOD = ROOT.issue(BOB)
REVOKED = ROOT.issue(BOB, revoked="2026-01-01")
# Nobody believes their authorities, so nobody may be asked about them.
STRAY = ca("Stray Root", url="http://crl.example/stray").issue(BOB)
QUIET = ca("Quiet Root").issue(BOB)


@dataclass(frozen=True)
class Lists:
    """Revocation data that are at hand."""

    crl: bytes

    def about(self, *_: object) -> tuple[Sequence[bytes], Sequence[bytes]]:
        return [self.crl], []


@dataclass(frozen=True)
class Trust:
    """An authority that is believed, and its list."""

    anchors: Anchors
    revocation_source: Lists | None
    intermediates: Sequence[Certificate] = ()
    issuer_source: None = None

    def is_pinned(self, *_: object) -> bool:
        return False

    def domain_certificates(self, *_: object) -> frozenset[str]:
        return frozenset()

    def certificates_by_id(self, *_: object) -> Sequence[Certificate]:
        return ()


BELIEVED = Trust(
    Anchors((Certificate.from_der(ROOT.certificate),), "revoking"), Lists(ROOT.crl(at=AT))
)
NO_LIST = Trust(BELIEVED.anchors, None)


def usable(
    who: TestIdentity,
    trust: Trust,
    *,
    pinned: bool = False,
    revocation: str = "soft",
    grace_days: int = 0,
) -> Usable:
    candidate = Candidate(1, BOB, Certificate.from_der(who.certificate), pinned, False, None, AT)
    return PartnerChoice((candidate,)).usable(
        trust, at=AT, revocation=revocation, grace_days=grace_days
    )


CASES = [
    (GOOD, BELIEVED, False, "soft", ""),
    (GOOD, BELIEVED, False, "hard", ""),
    (GOOD, NO_LIST, False, "soft", ""),
    (GOOD, NO_LIST, False, "hard", "revocation-unknown"),
    (GOOD, NO_LIST, False, "off", ""),
    (GOOD, NO_LIST, False, "require", "revocation-unknown"),
    (GOOD, NO_LIST, True, "soft", ""),
    (GOOD, NO_LIST, True, "hard", "revocation-unknown"),
    (GOOD, NO_LIST, True, "require", "revocation-unknown"),
    (REVOKED, BELIEVED, False, "soft", "revoked"),
    (REVOKED, BELIEVED, True, "soft", "revoked"),
    (REVOKED, NO_LIST, True, "soft", ""),
    (STRAY, BELIEVED, True, "soft", ""),
    (STRAY, BELIEVED, True, "hard", "revocation-unknown"),
    (STRAY, BELIEVED, True, "require", "revocation-unknown"),
    (STRAY, BELIEVED, True, "off", ""),
    (STRAY, BELIEVED, False, "hard", "no-path"),
    (QUIET, BELIEVED, True, "hard", ""),
    (QUIET, BELIEVED, True, "require", "revocation-unknown"),
    (QUIET, BELIEVED, True, "off", ""),
]


@pytest.mark.parametrize(("who", "trust", "pinned", "revocation", "why"), CASES)
def test_a_certificate_is_judged_before_it_is_used(
    who: TestIdentity, trust: Trust, pinned: bool, revocation: str, why: str
) -> None:
    found = usable(who, trust, pinned=pinned, revocation=revocation)
    assert bool(found.certificates) == (why == "")
    assert [each.code for each in found.reasons] == ([why] if why else [])


@pytest.mark.parametrize("revocation", ["soft", "hard"])
@pytest.mark.parametrize("pinned", [False, True])
def test_within_its_grace_a_certificate_is_used_unless_it_was_revoked(
    revocation: str, pinned: bool
) -> None:
    ended = AT - timedelta(days=10)
    good = ROOT.issue(BOB, not_after=ended)
    bad = ROOT.issue(BOB, not_after=ended, revoked="2026-01-01")
    trust = Trust(BELIEVED.anchors, Lists(ROOT.crl(at=AT)))
    for who, why in ((good, ["within-grace"]), (bad, ["revoked"])):
        found = usable(who, trust, pinned=pinned, revocation=revocation, grace_days=30)
        assert [each.code for each in found.reasons] == why
        assert bool(found.certificates) == (who is good)
        late = usable(who, trust, pinned=pinned, revocation=revocation, grace_days=5)
        assert [each.code for each in late.reasons] == ["expired"]


def test_the_newest_word_about_capabilities_counts() -> None:
    older, newer = (
        Candidate(
            number,
            BOB,
            Certificate.from_der(ROOT.issue(BOB, private=key).certificate),
            True,
            False,
            said,
            at,
        )
        for number, key, said, at in (
            (1, ca("k1").key, ("aes128-cbc",), AT),
            (2, ca("k2").key, ("aes256-gcm",), AT.replace(year=2027)),
        )
    )
    for order in ((older, newer), (newer, older)):
        found = PartnerChoice(order).usable(BELIEVED, at=AT)
        assert found.capabilities == ("aes256-gcm",)
        assert len(found.certificates) == 2
        assert set(found.partner_ids) == {1, 2}
