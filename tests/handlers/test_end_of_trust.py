"""An authority that is believed up to a day: the reader is told why in words."""

from datetime import timedelta

from app.mail.headers import split
from app.model import trust
from tests.handlers.test_revocation import ALICE, PAUL, signed
from tests.houses import House, only
from tests.model.test_trust import public
from tests.testpki import AT, ca

DAY = timedelta(days=1)


def test_reader_is_told_that_the_authority_was_distrusted_before(sued: House) -> None:
    root = ca("Ending Root")
    trust.add(sued.database, public((root.certificate, AT - 10 * DAY)), AT)
    findings, fields = [], []
    for age in (11, 9):
        alice = root.issue(ALICE, not_before=AT - age * DAY)
        delivery = only(sued.send(signed(alice), PAUL, reverse_path=ALICE))
        assert delivery.finding is not None
        findings.append(delivery.finding)
        fields.append(" ".join(split(delivery.octets).headers.text("X-Sealmon-Signature").split()))
    assert [each.status for each in findings] == ["valid", "untrusted"]
    (reason,) = findings[1].reasons
    words = "the authority is trusted only for what it issued before: 2026-06-05 CN=Ending Root"
    assert words in fields[1]
    assert reason.text("de").startswith("der Stelle wird nur für vorher Ausgestelltes vertraut: ")
