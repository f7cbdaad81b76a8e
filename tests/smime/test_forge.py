"""No forged message passes, every genuine one does: N6, N7, N11."""

import pytest

from app.mail.address import originator
from app.mail.headers import split
from app.pki.certificate import Certificate
from app.pki.path import Anchors
from app.smime.finding import Finding, worst
from app.smime.peel import Circumstances, Peeled, peel
from app.smime.verify import verify
from tests import forge
from tests.forgery.makers import root
from tests.smime.house import Trust
from tests.testpki import AT

# Unit runs take a sample, the same each time; `make test` takes all.
SAMPLE = 10


def trust() -> Trust:
    return Trust(Anchors((Certificate.from_der(root().certificate),), "forge"))


def read(octets: bytes) -> tuple[Finding, Peeled]:
    """Return what Bob's gateway finds out about a message."""
    view = trust()
    by = Circumstances(originator(split(octets).headers), view, AT)
    peeled = peel(octets, [forge.bob()], by)
    last = verify(peeled.message, peeled.layer, by.originator, view, at=AT)
    return worst((*peeled.outer, last)), peeled


def forged_that_pass(every: int, kind: str) -> tuple[int, list[str]]:
    tried, passed = 0, []
    for case in forge.forged(every=every, kind=kind):
        tried += 1
        finding = read(case.octets)[0]
        if finding.result == "pass":
            passed.append(case.name)
    return tried, passed


def genuine_that_fail(every: int, kind: str) -> tuple[int, list[str]]:
    tried, failed = 0, []
    for case in forge.genuine(every=every, kind=kind):
        tried += 1
        finding = read(case.octets)[0]
        if finding.result != "pass":
            failed.append(f"{case.name}: {finding.status} {[str(r) for r in finding.reasons]}")
    return tried, failed


def test_no_forged_message_passes() -> None:
    assert forged_that_pass(SAMPLE, "p256")[1] == []


def test_every_genuine_message_passes() -> None:
    assert genuine_that_fail(SAMPLE, "p256")[1] == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_forged_message_of_all_passes() -> None:  # N6
    tried, passed = forged_that_pass(1, "")
    assert tried >= 2000
    assert passed == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_genuine_messages_of_all_clients_pass() -> None:  # N7
    tried, failed = genuine_that_fail(1, "")
    assert tried >= 2000
    assert len(failed) <= tried // 1000, failed


def test_no_framed_ciphertext_is_opened() -> None:  # T72, T74, N11
    opened = [
        case.name
        for case in forge.covert()
        if read(case.octets)[1].decryption.status == "decrypted"
    ]
    assert opened == []
