"""Outbound mail, field by field of the policy."""

import pytest

from app.cms.enveloped import parse_enveloped
from app.cms.signed import parse_signed
from app.mail.headers import split
from app.mta.transaction import Outcome
from app.smime.kinds import Kind, recognise
from tests.houses import INSIDER, House, authority, message, only

ALICE, PAUL, QUITTA = "alice@nord.example", "paul@sued.example", "quitta@sued.example"
ROOT = authority()

INVITATION = (
    f"From: {ALICE}\r\nTo: {PAUL}\r\nSubject: Jour fixe\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
).encode()


@pytest.fixture
def house(nord: House) -> House:
    """Alice signs with RSA, and Paul's certificate is known."""
    nord.trusts(ROOT)
    nord.own(ROOT.issue(ALICE, key="rsa2048"))
    nord.knows(ROOT.issue(PAUL, key="rsa2048"))
    return nord


def send(house: House, octets: bytes, *recipients: str) -> list[Outcome]:
    return house.send(octets, *(recipients or (PAUL,)), reverse_path=ALICE, peer=INSIDER)


def protected(house: House, octets: bytes | None = None) -> str:
    return only(send(house, octets or message(ALICE, PAUL))).protected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "signed+encrypted"),
        ({"sign": "never"}, "encrypted"),
        ({"encrypt": "never"}, "signed"),
        ({"sign": "never", "encrypt": "never"}, "clear"),
    ],
)
def test_policy_says_what_is_done(house: House, fields: dict[str, str], expected: str) -> None:
    if fields:
        house.policy(direction="outbound", **fields)
    assert protected(house) == expected


def test_invitation_is_exempt_unless_policy_protects_it(house: House) -> None:
    assert protected(house, INVITATION) == "clear"
    house.policy(direction="outbound", calendar="protect")
    assert protected(house, INVITATION) == "signed+encrypted"


@pytest.mark.parametrize(
    ("profile", "cipher", "scheme"),
    [
        ("compat", "aes256-cbc", "rsa-sha256"),
        ("smime4", "aes256-gcm", "rsa-sha256"),
        ("bsi", "aes256-gcm", "rsa-pss-sha256"),
        ("edi-energy", "aes128-gcm", "rsa-pss-sha256"),
    ],
)
def test_profile_chooses_cipher_and_scheme(
    house: House, profile: str, cipher: str, scheme: str
) -> None:
    house.policy(direction="outbound", profile=profile)
    sealed = only(send(house, message(ALICE, PAUL))).octets
    assert parse_enveloped(recognise(sealed).cms).cipher == cipher
    house.policy(direction="outbound", profile=profile, encrypt="never")
    signed = only(send(house, message(ALICE, PAUL))).octets
    assert parse_signed(recognise(signed).cms).signers[0].scheme == scheme


@pytest.mark.parametrize(("form", "kind"), [("clear", Kind.CLEAR), ("opaque", Kind.OPAQUE)])
def test_form_is_policy(house: House, form: str, kind: Kind) -> None:
    house.policy(direction="outbound", form=form, encrypt="never")
    assert recognise(only(send(house, message(ALICE, PAUL))).octets).kind is kind


def test_required_encryption_refuses_the_one_without_a_certificate(house: House) -> None:  # T87
    house.policy(direction="outbound", encrypt="require")
    paul, quitta = send(house, message(ALICE, PAUL), PAUL, QUITTA)
    assert paul.reply is None
    assert quitta.reply is not None
    assert quitta.reply.code == 550


def test_required_for_all_refuses_all_if_one_has_no_certificate(house: House) -> None:
    house.policy(direction="outbound", encrypt="require-all")
    outcomes = send(house, message(ALICE, PAUL), PAUL, QUITTA)
    assert [outcome.reply is not None and outcome.reply.code for outcome in outcomes] == [550, 550]


def test_domain_certificate_signs_to_listed_recipients_only(house: House) -> None:  # D6
    house.own_domain(ROOT.issue("domain-signing-authority@nord.example"), "sued.example")
    house.policy(direction="outbound", encrypt="never")
    octets = message("office@nord.example", PAUL)
    paul, other = send(house, octets, PAUL, "x@elsewhere.example")
    assert paul.delivery is not None
    assert other.delivery is not None
    assert [s.partition(":")[0] for s in paul.delivery.states] == [
        "START", "CLEANED", "SIGN", "SIGNED", "ENCRYPTED",
    ]  # fmt: skip
    assert other.delivery.protected == "clear"


def test_marks_and_result_fields_do_not_leave(house: House) -> None:  # B8
    octets = b"X-Sealmon-Signature: valid\r\nThread-Topic: [SIGNIERT] Offer\r\n" + message(
        ALICE, PAUL, "Re: [VERSCHLÜSSELT] [SIGNIERT] Offer"
    )
    headers = split(only(send(house, octets)).octets).headers
    assert headers.text("Subject") == "Re: Offer"
    assert headers.text("Thread-Topic") == "Offer"
    assert headers.find("X-Sealmon-Signature") is None


@pytest.mark.parametrize("encrypt", ["never", "auto"])
def test_blind_copies_are_not_told(house: House, encrypt: str) -> None:  # T91
    house.policy(direction="outbound", encrypt=encrypt)
    octets = message(ALICE, PAUL, "x", "y\r\n", f"Bcc: {QUITTA}", f"Resent-Bcc: {QUITTA}")
    assert QUITTA.encode() not in only(send(house, octets)).octets


class TestTriggers:
    """A message may ask for protection, and never for less than is required (T95)."""

    ENTRIES = (
        '["encrypt=require if subject [secret]", "encrypt=never if header X-Plain: yes",'
        ' "sign=never if header X-Plain: yes"]'
    )

    @pytest.fixture
    def house(self, house: House) -> House:
        house.apply(f'direction = "outbound"\nto = "(any)@(host)"\ntriggers = {self.ENTRIES}\n')
        return house

    def test_word_raises_to_required_and_does_not_leave(self, house: House) -> None:
        (outcome,) = send(house, message(ALICE, QUITTA, "[Secret] Plan"), QUITTA)
        assert outcome.reply is not None
        assert outcome.reply.code == 550
        sent = only(send(house, message(ALICE, PAUL, "[Secret] Plan"))).octets
        assert split(sent).headers.text("Subject") == "Plan"

    def test_field_asks_for_less_where_nothing_is_required(self, house: House) -> None:
        sent = only(send(house, message(ALICE, PAUL, "x", "y\r\n", "X-Plain: yes")))
        assert sent.protected == "clear"
        assert split(sent.octets).headers.find("X-Plain") is None

    def test_field_cannot_lower_what_is_required(self, house: House) -> None:
        house.policy(direction="outbound", encrypt="require", sign="require")
        octets = message(ALICE, PAUL, "x", "y\r\n", "X-Plain: yes")
        assert protected(house, octets) == "signed+encrypted"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({}, "clear"), ({"post_quantum": "on"}, "signed+encrypted")],
)
def test_keys_of_tomorrow_are_used_only_where_policy_says_so(
    nord: House, fields: dict[str, str], expected: str
) -> None:  # RFC 9882, RFC 9936
    nord.trusts(ROOT)
    nord.own(ROOT.issue(ALICE, key="mldsa65"))
    nord.knows(ROOT.issue(PAUL, key="mlkem768"))
    if fields:
        nord.policy(direction="outbound", profile="smime4", **fields)
    outcome = only(send(nord, message(ALICE, PAUL)))
    assert outcome.protected == expected
    codes = [each.code for each in outcome.plan.reasons] if outcome.plan else []
    assert codes.count("post-quantum-off") == (2 if not fields else 0)


def test_key_of_today_signs_beside_one_of_tomorrow(house: House) -> None:
    house.own(ROOT.issue(ALICE, key="mldsa65"))
    outcome = only(send(house, message(ALICE, PAUL)))
    assert outcome.protected == "signed+encrypted"


def test_mandatory_encryption_is_refused_where_only_a_key_of_tomorrow_is_known(
    nord: House,
) -> None:
    nord.trusts(ROOT)
    nord.own(ROOT.issue(ALICE, key="rsa2048"))
    nord.knows(ROOT.issue(PAUL, key="mlkem768"))
    nord.policy(direction="outbound", encrypt="require")
    (outcome,) = send(nord, message(ALICE, PAUL))
    assert outcome.reply is not None
    assert outcome.reply.permanent


def test_trigger_and_plan_go_by_the_same_sender(nord: House) -> None:  # T88, T95
    """Without a reverse-path, and with a From that cannot be believed, policy knows no sender."""
    nord.trusts(ROOT)
    whoever = 'direction = "outbound"\nto = "(any)@(host)"\n'
    nord.apply(f'{whoever}triggers = ["encrypt=require if subject [secure]"]')
    nord.apply(f'{whoever}from = "{ALICE}"\ntriggers = []')
    author = f'From: "eve@elsewhere.example" <{ALICE}>'.encode()
    octets = message(ALICE, PAUL, "[secure] x").replace(f"From: {ALICE}".encode(), author, 1)
    assert author in octets
    (outcome,) = nord.send(octets, PAUL, reverse_path="", peer=INSIDER)
    assert outcome.reply is not None
    assert outcome.reply.permanent


# D3
@pytest.mark.parametrize(("wanted", "expected"), [("any", "encrypted"), ("personal", "")])
def test_policy_may_want_a_certificate_of_the_recipients_own(
    house: House, wanted: str, expected: str
) -> None:
    house.knows(ROOT.issue("all@west.example", key="rsa2048"), "west.example")
    house.policy(direction="outbound", sign="never", encrypt="require", encrypt_to=wanted)
    octets = message(ALICE, "x@west.example")
    (outcome,) = send(house, octets, "x@west.example")
    assert (
        outcome.delivery.protected if not outcome.reply and outcome.delivery else ""
    ) == expected
    assert only(send(house, message(ALICE, PAUL))).protected == "encrypted"
