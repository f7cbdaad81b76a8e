"""A signature around ciphertext that stays closed says nothing of what is found in there."""

import pytest

from app.pki.certificate import Certificate
from app.smime.encrypt import encrypt
from app.smime.finding import Status
from app.smime.sign import sign
from tests.houses import House, authority, message, only
from tests.smime.house import signer_of
from tests.testpki import AT

ALICE, BOB = "alice@example.org", "bob@nord.example"
ROOT = authority()


def signed_ciphertext(form: str) -> bytes:
    letter = message(ALICE, BOB, "Payment", "Hello\r\n")
    reader = Certificate.from_der(ROOT.issue(BOB).certificate)
    sealed = encrypt(letter, [reader], profile="compat").octets
    return sign(sealed, signer_of(ROOT.issue(ALICE)), form=form, at=AT, token=b"=_t")


@pytest.mark.parametrize("form", ["clear", "opaque"])
@pytest.mark.parametrize("decrypt", ["on", "off"])
def test_a_signature_around_ciphertext_that_stays_closed_is_no_pass(
    nord: House, form: str, decrypt: str
) -> None:  # T66
    nord.trusts(ROOT)
    nord.policy(direction="inbound", decrypt=decrypt)
    delivery = only(nord.send(signed_ciphertext(form), BOB, reverse_path=ALICE))
    assert delivery.finding is not None
    assert delivery.finding.status is Status.PARTIAL
    assert b"smime=pass" not in delivery.octets
