"""What the owner was promised, seen on the mail itself, and that a decision stays one.

Two organisations, nord and sued, as they are after `sealmon init` and a few commands.
"""

from datetime import timedelta

import pytest

from app.cms.enveloped import parse_enveloped
from app.mail.headers import split
from app.model import domains, keys, partners, policies
from app.mta import outgoing
from app.mta.learn import Learner
from app.mta.machine import Delivery
from app.pki.certificate import Certificate
from app.smime.finding import Status
from app.smime.kinds import recognise
from tests.houses import INSIDER, STRANGER, House, authority, message, only
from tests.testpki import AT

ALICE, PAUL, STEFAN = "alice@nord.example", "paul@sued.example", "stefan@sued.example"
ROOT = authority()
LETTER = message(ALICE, PAUL, "[SIGNIERT] Offer", "Secret.\r\n")


def sent(house: House, octets: bytes = LETTER, recipient: str = PAUL, sender: str = ALICE) -> bytes:
    """Return what leaves a house."""
    return only(house.send(octets, recipient, reverse_path=sender, peer=INSIDER)).octets


def read(house: House, octets: bytes, recipient: str = PAUL) -> Delivery:
    """Return what a house makes of what arrives."""
    return only(house.send(octets, recipient, learn=Learner(house.store)))


def subject(delivery: Delivery) -> str:
    return split(delivery.octets).headers.text("Subject")


def test_what_leaves_is_cleaned_signed_and_then_encrypted(nord: House, sued: House) -> None:  # A1
    nord.own(ROOT.issue(ALICE))
    nord.knows(paul := ROOT.issue(PAUL))
    sued.own(paul)
    sued.trusts(ROOT)
    octets = sent(nord)
    assert b"Secret" not in octets
    # The signature is inside, where nobody can take it off or put another on (RFC 8551 §3.7).
    assert recognise(octets).kind == "enveloped"
    got = read(sued, octets)
    assert got.states[1:3] == ["DECRYPTED:aes256-cbc", "VERIFIED:valid"]
    assert subject(got) == "[VERSCHLÜSSELT] [SIGNIERT] Offer"


@pytest.mark.parametrize(("recipient", "opened"), [(PAUL, True), ("paul@far.example", False)])
def test_only_mail_to_managed_domains_is_opened(
    sued: House, recipient: str, opened: bool
) -> None:  # A2
    from app.smime.encrypt import encrypt

    paul = ROOT.issue(PAUL)
    sued.own(paul)
    sealed = encrypt(LETTER, [Certificate.from_der(paul.certificate)], profile="smime4").octets
    delivery = only(sued.send(sealed, recipient, peer=INSIDER))
    assert (b"Secret" in delivery.octets) is opened


def test_signatures_are_verified_without_any_key_of_ours(nord: House, sued: House) -> None:
    # A3, A5, B1: a fresh store verifies at once.
    nord.own(ROOT.issue(ALICE))
    sued.trusts(ROOT)
    got = read(sued, sent(nord))
    assert got.finding is not None
    assert got.finding.status is Status.VALID
    assert subject(got) == "[SIGNIERT] Offer"
    assert keys.list_keys(sued.database) == []


def test_a_fresh_store_encrypts_to_whom_it_knows_without_any_key_of_ours(nord: House) -> None:
    # A5, B1
    nord.knows(ROOT.issue(PAUL))
    nord.trusts(ROOT)
    assert b"Secret" not in sent(nord)
    first = policies.export(nord.database)
    for field in ('verify = "on"', 'encrypt = "auto"', 'decrypt = "on"', 'harvest = "on"'):
        assert field in first


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_received_certificate_is_kept_and_used(
    nord: House, sued: House, by_hand: bool
) -> None:  # A4, B2, B3
    paul = ROOT.issue(PAUL)
    sued.own(paul)
    nord.trusts(ROOT)
    letter = message(PAUL, ALICE)
    octets = sent(sued, letter, ALICE, PAUL)
    if by_hand:
        partners.import_partner(nord.database, octets, AT)
    else:
        assert subject(read(nord, octets, ALICE)).startswith("[SIGNIERT]")
    nord.changed()
    (row,) = partners.list_partners(nord.database)
    assert row["name"] == PAUL
    assert recognise(sent(nord)).kind in {"enveloped", "auth-enveloped"}


def test_two_organisations_are_a_closed_group_by_certificates_they_made(
    nord: House, sued: House
) -> None:  # A6, D1-D5
    made = {}
    for house in (nord, sued):
        key = keys.new(house.database, [], AT, domain=house.domain, kind="ec-p256")
        domains.use_key(house.database, house.domain, str(key["id"]))
        house.changed()
        (own,) = house.store.ring.decryption_keys(f"anybody@{house.domain}", "")
        made[house.domain] = own.certificate.der
    for house, other in ((nord, sued), (sued, nord)):
        partners.import_partner(house.database, made[other.domain], AT, name=other.domain)
        domains.sign_to(house.database, house.domain, [other.domain])
        house.changed()
    # Nobody has a certificate of their own, and no authority is trusted.
    octets = sent(nord, message("anna@nord.example", STEFAN), STEFAN, "anna@nord.example")
    assert b"Good morning" not in octets
    got = read(sued, octets, STEFAN)
    assert b"Good morning" in got.octets
    assert got.finding is not None
    assert got.finding.status is Status.VALID_DOMAIN
    assert subject(got) == "[VERSCHLÜSSELT] [SIGNIERT] [SIGNIERT VON <*@nord.example>] Hello"
    sued.policy(direction="inbound", domain_mark="replace")
    alone = read(sued, octets)
    assert subject(alone) == "[VERSCHLÜSSELT] [SIGNIERT VON <*@nord.example>] Hello"


def test_of_two_certificates_of_an_address_the_new_one_takes_over_and_both_open(
    nord: House, sued: House
) -> None:  # C2
    old = ROOT.issue(PAUL, not_before=AT - timedelta(100), not_after=AT + timedelta(3))
    new = ROOT.issue(PAUL, not_before=AT - timedelta(10))
    sued.own(new)
    sued.own(old)
    nord.trusts(ROOT)
    sued.trusts(ROOT)
    got = read(nord, sent(sued, message(PAUL, ALICE), ALICE, PAUL), ALICE)
    assert got.finding is not None
    assert got.finding.certificate is not None
    assert got.finding.certificate.der == new.certificate
    from app.smime.encrypt import encrypt

    for who in (old, new):
        one = [Certificate.from_der(who.certificate)]
        opened = read(sued, encrypt(LETTER, one, profile="smime4").octets)
        assert b"Secret" in opened.octets


def test_a_policy_that_changes_meanwhile_does_not_change_a_decision(
    nord: House, monkeypatch: pytest.MonkeyPatch
) -> None:  # T103
    nord.own(ROOT.issue(ALICE))
    nord.knows(paul := ROOT.issue(PAUL))
    nord.trusts(ROOT)
    nord.policy(direction="outbound", encrypt="require")
    sign = outgoing.sign

    def slowly(delivery: Delivery) -> str:
        """Sign, and let somebody turn everything off before it is encrypted."""
        done = sign(delivery)
        policies.apply(
            nord.database,
            '[[route]]\nname = "off"\ndirection = "outbound"\nto = "(any)@(host)"\n'
            'encrypt = "never"\n' + policies.export(nord.database),
        )
        (row,) = partners.list_partners(nord.database)
        partners.remove(nord.database, row["id"])
        return done

    monkeypatch.setattr(outgoing, "sign", slowly)
    delivery = only(nord.send(LETTER, PAUL, reverse_path=ALICE, peer=INSIDER))
    assert partners.list_partners(nord.database) == []
    assert delivery.protected == "signed+encrypted"
    assert delivery.plan is not None
    assert delivery.plan.encrypt is not None
    (planned,) = delivery.plan.encrypt.certificates
    assert planned.der == paul.certificate
    (named,) = parse_enveloped(recognise(delivery.octets).cms).recipients
    assert named.names(paul.certificate)


def test_the_key_of_somebody_who_left_only_opens(nord: House, sued: House) -> None:  # T86
    paul = ROOT.issue(PAUL)
    key = sued.own(paul)
    keys.retire(sued.database, key)
    sued.changed()
    assert recognise(sent(sued, message(PAUL, ALICE), ALICE, PAUL)).kind == "none"
    nord.knows(paul)
    nord.trusts(ROOT)
    assert b"Secret" in read(sued, sent(nord)).octets
    assert only(sued.send(LETTER, PAUL, peer=STRANGER)).ready
