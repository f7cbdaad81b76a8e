"""Lists that look alike once they are cut down: a forged one hides no genuine one (T57)."""

import pytest

from app.pki import crls
from tests.pki.test_revocation import Store, ask
from tests.testpki import AT, TestCA, ca, private_key

ROOT = ca("Alike Root")
BAD = ROOT.issue("bad@example.org", revoked="2026-01-01")
FORGER = private_key("p256", "forger of lists")


def _list(first: int, *, forged: bool = False) -> bytes:
    """Return a list too long to be read whole; the entries of others begin at a number."""
    says = TestCA(ROOT.name, ROOT.key, None, "")
    says.certificate = ROOT.certificate
    says.revoked = {
        **ROOT.revoked,
        **{number: AT.replace(month=1) for number in range(first, first + 300)},
    }
    return says.crl(private=FORGER if forged else None)


GENUINE, FORGED = _list(500_000), _list(600_000, forged=True)


def _shown(octets: bytes) -> bytes:
    found = crls.abridge(octets, [BAD.x509.serial_number])
    assert found is not None
    return found.shown_tbs


def test_the_two_look_alike() -> None:
    # The forger copies the name of the key that shall have signed.
    assert len(GENUINE) > crls.SMALL_OCTETS
    assert _shown(GENUINE) == _shown(FORGED)


@pytest.mark.parametrize("lists", [(GENUINE, FORGED), (FORGED, GENUINE)])
def test_forged_list_does_not_hide_the_genuine_one(lists: tuple[bytes, ...]) -> None:
    assert ask(BAD, "soft", store=Store(lists), root=ROOT).status == "revoked"


def test_forged_list_alone_is_none() -> None:
    assert ask(BAD, "require", store=Store([FORGED]), root=ROOT).revocation == "unknown"


def test_short_list_that_is_a_long_one_cut_down_hides_nothing() -> None:
    found = crls.abridge(GENUINE, [BAD.x509.serial_number])
    assert found is not None
    assert len(found.octets) <= crls.SMALL_OCTETS
    for lists in ((GENUINE, found.octets), (found.octets, GENUINE)):
        assert ask(BAD, "soft", store=Store(lists), root=ROOT).status == "revoked"
