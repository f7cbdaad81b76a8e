"""The way of a message through the machine, between two organisations."""

from app.mail.headers import split
from app.smime.finding import Status
from tests.houses import INSIDER, STRANGER, House, authority, message, only

ALICE, PAUL = "alice@nord.example", "paul@sued.example"


def pair(nord: House, sued: House) -> None:
    """Alice and Paul have keys, and each side knows the other's certificate."""
    root = authority()
    alice, paul = root.issue(ALICE), root.issue(PAUL)
    for house, own, other in ((nord, alice, paul), (sued, paul, alice)):
        house.trusts(root)
        house.own(own)
        house.knows(other)


def test_mail_is_signed_encrypted_decrypted_verified_and_marked(nord: House, sued: House) -> None:
    pair(nord, sued)
    sent = only(nord.send(message(ALICE, PAUL), PAUL, reverse_path=ALICE, peer=INSIDER))
    assert [state.partition(":")[0] for state in sent.states] == [
        "START", "CLEANED", "SIGNED", "ENCRYPTED",
    ]  # fmt: skip
    assert sent.protected == "signed+encrypted"
    assert b"Good morning" not in sent.octets
    got = only(sued.send(sent.octets, PAUL, reverse_path=ALICE, peer=STRANGER))
    assert [state.partition(":")[0] for state in got.states] == [
        "START", "DECRYPTED", "VERIFIED", "TAGGED",
    ]  # fmt: skip
    assert got.finding is not None
    assert got.finding.status is Status.VALID, got.finding.reasons
    headers = split(got.octets).headers
    assert headers.text("Subject") == "[VERSCHLÜSSELT] [SIGNIERT] Hello"
    assert "smime=pass" in headers.text("Authentication-Results")
    assert b"Good morning" in got.octets


def test_without_a_partner_certificate_mail_is_signed_only(nord: House, sued: House) -> None:
    root = authority()
    nord.own(root.issue(ALICE))
    sued.trusts(root)
    sent = only(nord.send(message(ALICE, PAUL), PAUL, reverse_path=ALICE, peer=INSIDER))
    assert sent.protected == "signed"
    got = only(sued.send(sent.octets, PAUL, reverse_path=ALICE))
    assert split(got.octets).headers.text("Subject") == "[SIGNIERT] Hello"


def test_a_stranger_gets_no_signature_and_no_relay(nord: House) -> None:  # T27
    nord.own(authority().issue(ALICE))
    (outcome,) = nord.send(message(ALICE, PAUL), PAUL, reverse_path=ALICE, peer=STRANGER)
    assert outcome.reply is not None
    assert outcome.reply.code == 550
    assert outcome.delivery is None


def test_a_recipient_without_a_key_gets_the_ciphertext_as_it_came(nord: House, sued: House) -> None:
    pair(nord, sued)
    sent = only(nord.send(message(ALICE, PAUL), PAUL, reverse_path=ALICE, peer=INSIDER))
    other = only(sued.send(sent.octets, "rita@sued.example", reverse_path=ALICE))  # T75
    assert other.octets.endswith(sent.octets[sent.octets.index(b"MIME-Version") :])
    assert split(other.octets).headers.text("X-Sealmon-Decryption").startswith("no-key")
